// Package home serves the landing page.
package home

import (
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/db"
	"vitrine/app/fees"
	"vitrine/app/money"
	"vitrine/app/web"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/home"
)

// Handler draws the page. Windows finds shops that are open now; filled in app.go.
type Handler struct {
	DB      *db.DB
	Fees    *fees.Service
	Windows func(ctx context.Context) ([]view.Window, error)
}

func (h *Handler) Routes(r *web.Router) {
	r.On(web.App, "", web.Anyone).GET("/", h.Show)
}

// Show says what a sale of 19 brings by the fee function itself.
func (h *Handler) Show(c echo.Context) error {
	ctx := c.Request().Context()
	price := money.Amount{Minor: 1900, Currency: "EUR"}
	fee, err := h.Fees.For(ctx, h.DB, price, h.DB.Now())
	if err != nil {
		return err
	}
	windows, err := h.Windows(ctx)
	if err != nil {
		return err
	}
	p := view.Props{SignedIn: !web.Who(c).ID.IsZero(), Windows: windows, Fee: []ui.Line{
		{Label: text.T(ctx, "Your price"), Amount: price.Format()},
		{Label: text.T(ctx, "Our fee"), Amount: fee.Platform.Neg().Format()},
		{Label: text.T(ctx, "You get"), Amount: fee.Net.Format(), Strong: true},
	}}
	b := templ.GetBuffer()
	defer templ.ReleaseBuffer(b)
	if err := view.Page(p).Render(ctx, b); err != nil {
		return err
	}
	return c.HTMLBlob(http.StatusOK, b.Bytes())
}
