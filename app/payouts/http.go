package payouts

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"

	view "vitrine/views/payouts"
)

// Handler is the creator's pages of their money, and the same for programs.
type Handler struct {
	Service *Service
	Fees    *fees.Service
	// Fresh lets only those through who have proved not long ago who they are; nil: everyone who is signed in.
	Fresh web.RouteOption
}

// Routes of balances, payouts, their methods, and the simulator.
func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app/payouts", web.Creator)
	g.GET("", h.overview)
	g.GET("/fees", h.simulate)
	g.GET("/:id", h.show)
	g.GET("/:id/statement.pdf", h.statementPDF)
	g.GET("/:id/statement.csv", h.statementCSV)
	h.methodRoutes(g)
	h.api(r)
}

// fresh is the option for routes that change where money goes to.
func (h *Handler) fresh(more ...web.RouteOption) []web.RouteOption {
	if h.Fresh == nil {
		return more
	}
	return append(more, h.Fresh)
}

func (h *Handler) overview(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Who(c)
	p, err := h.presentOverview(ctx, who, c.QueryParam("after"))
	if err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, layout.Page{Title: text.T(ctx, "Payouts"), Section: "you", Back: "/app/you", NoIndex: true, Shell: layout.Creator}, view.Overview(p))
}

// statement reads the payout that the address names. Someone else's is not found.
func (h *Handler) statement(c echo.Context) (Statement, error) {
	p, err := id.Parse[id.PayoutKind](c.Param("id"))
	if err != nil {
		return Statement{}, errNoPayout
	}
	return h.Service.Statement(c.Request().Context(), web.Who(c).ID, p)
}

func (h *Handler) show(c echo.Context) error {
	ctx := c.Request().Context()
	st, err := h.statement(c)
	if err != nil {
		return err
	}
	p := h.presentPayout(ctx, st, zoneOf(web.Who(c)))
	return web.Page(c, http.StatusOK, layout.Page{Title: p.Title, Section: "you", Back: "/app/payouts", NoIndex: true, Shell: layout.Creator}, view.Payout(p))
}

func (h *Handler) statementPDF(c echo.Context) error {
	st, err := h.statement(c)
	if err != nil {
		return err
	}
	who := web.Who(c)
	b, err := statementPDF(c.Request().Context(), st, payee{Name: who.Name, Shop: who.ShopName, Email: who.Email}, h.Service.on)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+fileName(st.Payout, "pdf")+`"`)
	return c.Blob(http.StatusOK, "application/pdf", b)
}

func (h *Handler) statementCSV(c echo.Context) error {
	st, err := h.statement(c)
	if err != nil {
		return err
	}
	b, err := statementCSV(c.Request().Context(), st)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+fileName(st.Payout, "csv")+`"`)
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8; header=present", b)
}

// zoneOf is where the creator is, UTC where that is not known.
func zoneOf(p web.Person) *time.Location {
	z, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return time.UTC
	}
	return z
}
