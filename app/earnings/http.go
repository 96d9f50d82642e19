package earnings

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/earnings"
)

// Handler is the creator's pages of what moved.
type Handler struct{ Service *Service }

const logPath = "/app/payouts/transactions"

// Routes of the log and of the way of one order's money, for people and programs.
func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app/payouts", web.Creator)
	g.GET("/transactions", h.log)
	g.GET("/transactions.csv", h.logCSV, web.Limit("transactions-csv", web.Rate{N: 20, Per: time.Minute}))
	g.GET("/orders/:id", h.story)
	r.On(web.App, "/api/v1", web.NoCookie, web.CORS(r)).Preflight("/transactions") // first: the last group answers for what nobody knows
	api := r.On(web.App, "/api/v1", web.Bearer, web.CORS(r))
	api.GET("/transactions", h.apiLog, web.Limit("api-money", web.Rate{N: 120, Per: time.Minute}))
}

// asked is what the address of the log wants.
type asked struct {
	kind, from, to, order, currency string
	Filter
	bad map[string]string
}

// query reads one parameter of the address, cleaned of what no text can hold.
func query(c echo.Context, name string) string {
	v := strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(c.QueryParam(name), "\uFFFD"), "\x00", ""))
	if len(v) > 40 {
		v = strings.ToValidUTF8(v[:40], "")
	}
	return v
}

// ask reads the filter. Dates are days of the creator; both ends are in it.
func ask(c echo.Context) asked {
	ctx := c.Request().Context()
	a := asked{kind: query(c, "kind"), from: query(c, "from"), to: query(c, "to"), order: query(c, "order"), currency: query(c, "currency"), bad: map[string]string{}}
	a.After = query(c, "after")
	z := zoneOf(web.Who(c))
	if _, ok := entryKinds[a.kind]; ok {
		a.Kind = a.kind
	} else if a.kind != "" {
		a.bad["kind"] = text.T(ctx, "Choose one of the kinds.")
	}
	day := func(name, v string) time.Time {
		if v == "" {
			return time.Time{}
		}
		t, err := time.ParseInLocation("2006-01-02", v, z)
		if err != nil || t.Year() < 2000 || t.Year() > 9000 {
			a.bad[name] = text.T(ctx, "Write the day as year, month, day: 2026-11-23.")
			return time.Time{}
		}
		return t
	}
	a.From, a.To = day("from", a.from), day("to", a.to)
	if !a.To.IsZero() {
		a.To = a.To.AddDate(0, 0, 1)
	}
	if !a.From.IsZero() && !a.To.IsZero() && !a.From.Before(a.To) {
		a.bad["to"] = text.T(ctx, "The last day comes before the first.")
	}
	if a.order != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(a.order, "#"))
		if err != nil || n < 1 || n > 1<<31-1 {
			a.bad["order"] = text.T(ctx, "Write the order's number, like 12.")
		}
		a.Order = n
	}
	if a.Currency = money.Currency(a.currency); a.currency != "" && !a.Currency.Valid() {
		a.bad["currency"] = text.T(ctx, "Choose one of the currencies.")
	}
	return a
}

// address is the log with the same filter.
func (a asked) address(path, after string) string {
	q := url.Values{}
	for k, v := range map[string]string{"kind": a.kind, "from": a.from, "to": a.to, "order": a.order, "currency": a.currency, "after": after} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (a asked) any() bool {
	return a.kind != "" || a.from != "" || a.to != "" || a.order != "" || a.currency != ""
}

func (h *Handler) log(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Who(c)
	a := ask(c)
	list := view.ListProps{CSV: a.address(logPath+".csv", "")}
	status := http.StatusOK
	if len(a.bad) > 0 {
		status = http.StatusUnprocessableEntity
		list.EmptyTitle = text.T(ctx, "Nothing to show")
		for _, p := range ui.Problems(a.bad, "kind", "from", "to", "order", "currency") {
			list.Empty, list.Count = p.Message, p.Message
			break
		}
	} else {
		page, next, err := h.Service.List(ctx, who.ID, a.Filter)
		if err != nil {
			return err
		}
		z := zoneOf(who)
		for _, t := range page {
			list.Rows = append(list.Rows, row(ctx, t, z))
		}
		if next != "" {
			list.More = a.address(logPath, next)
		}
		describeEmpty(ctx, &list, a.any())
	}
	if web.IsFragment(c) {
		return web.Fragment(c, status, view.List(list))
	}
	p := form(ctx, a)
	p.List = list
	return web.Page(c, status, layout.Page{Title: text.T(ctx, "Transactions"), Section: "you", Back: "/app/payouts", NoIndex: true, Shell: layout.Creator}, view.Log(p))
}

// order finds an order of the creator's. Someone else's is not found.
func (h *Handler) order(c echo.Context) (orders.Order, error) {
	o, err := id.Parse[id.OrderKind](c.Param("id"))
	if err != nil {
		return orders.Order{}, errNoOrder
	}
	return h.Service.Orders.Get(c.Request().Context(), web.Who(c).ID, o)
}

func (h *Handler) story(c echo.Context) error {
	o, err := h.order(c)
	if err != nil {
		return err
	}
	p, err := h.tell(c, o)
	if err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, layout.Page{Title: p.Title, Section: "you", Back: "/app/payouts", NoIndex: true, Shell: layout.Creator}, view.Story(p))
}

func (h *Handler) tell(c echo.Context, o orders.Order) (view.StoryProps, error) {
	ctx := c.Request().Context()
	p := view.StoryProps{Title: text.T(ctx, "The money of order %d", o.Number), Order: "/app/orders/" + o.ID.String(), Sums: sums(ctx, o)}
	if o.Number == 0 {
		p.Title = text.T(ctx, "The money of this order")
	}
	var err error
	p.Steps, err = h.Service.Story(ctx, o, zoneOf(web.Who(c)))
	return p, err
}

// Panel is the way of an order's money on the order's own page.
func (h *Handler) Panel(c echo.Context, o orders.Order) (templ.Component, error) {
	if o.Test {
		return nil, nil
	}
	p, err := h.tell(c, o)
	if err != nil {
		return nil, err
	}
	return view.Panel(p), nil
}

// zoneOf is where the creator is, UTC where that is not known.
func zoneOf(p web.Person) *time.Location {
	z, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return time.UTC
	}
	return z
}
