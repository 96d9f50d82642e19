package app

import (
	"github.com/labstack/echo/v4"

	"vitrine/app/importer"
	"vitrine/app/storefronts"
	"vitrine/app/web"
)

func (a *App) importing() *importer.Service {
	return &importer.Service{DB: a.DB, Shops: a.Shops, Window: a.Builder, Goods: a.Products, Pictures: a.Files, Web: a.Web}
}

func (a *App) bringing() *importer.Handler {
	open := func(c echo.Context, in storefronts.NewShop) (storefronts.Shop, error) {
		return a.Shops.Create(c.Request().Context(), web.Who(c).ID, in)
	}
	return &importer.Handler{Service: a.Importer, ShopURL: a.Config.Host(a.Config.ShopURL) + "/@", Open: open}
}
