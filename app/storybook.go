package app

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/ui"
)

// storybook shows every part in every state, on a developer's machine only.
func (a *App) storybook(r *web.Router) {
	r.On(web.App, "/app/_parts", web.DevOnly).GET("", func(c echo.Context) error {
		return web.Page(c, http.StatusOK, layout.Page{Title: "Parts", Shell: layout.Creator, Wide: true}, ui.Parts())
	})
}
