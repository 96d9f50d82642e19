package refunds

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/refunds"
)

// Handler is the pages of refunds: the creator's, and the buyer's request.
type Handler struct {
	Service *Service
	Sellers orders.Sellers
}

// Routes registers the pages.
func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app/orders", web.Creator)
	g.GET("/:id/refund", h.Form)
	g.POST("/:id/refund", h.Post, web.Limit("refund", web.Rate{N: 60, Per: 10 * time.Minute}))
	g.POST("/:id/refund/decline", h.Decline)
	b := r.On(web.App, "", web.NoCookie, noStore)
	b.GET("/o/:token/refund", h.Ask)
	b.POST("/o/:token/refund", h.Asked, web.Limit("refund-request", web.Rate{N: 10, Per: 10 * time.Minute}))
}

// noStore keeps a page behind a secret link out of caches and other sites' logs.
func noStore(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "no-store")
		c.Response().Header().Set("Referrer-Policy", "no-referrer")
		return next(c)
	}
}

// Form asks what to give back.
func (h *Handler) Form(c echo.Context) error {
	o, err := h.mine(c)
	if err != nil {
		return err
	}
	return h.form(c, http.StatusOK, o, typed{Key: id.New[id.RefundKind]().String(), Amount: plain(Left(o)), Reason: "asked"}, nil)
}

// typed is the form as it was filled in.
type typed struct {
	Key, Amount, Reason, Access, Note string
	Restock                           bool
	Items                             []Item
}

func (h *Handler) read(c echo.Context, o orders.Order) typed {
	in := typed{Key: web.Text(c, "key"), Amount: web.Text(c, "amount"), Reason: web.Text(c, "reason"), Access: web.Text(c, "access"), Note: web.Text(c, "note"), Restock: web.Checked(c, "restock")}
	for _, i := range o.Items {
		if n, err := strconv.Atoi(web.Text(c, "item-"+i.ID.String())); err == nil && n > 0 {
			in.Items = append(in.Items, Item{i.ID, n})
		}
	}
	return in
}

// Post looks at what would happen, or does it.
func (h *Handler) Post(c echo.Context) error {
	ctx := c.Request().Context()
	o, err := h.mine(c)
	if err != nil {
		return err
	}
	t := h.read(c, o)
	if step := c.Request().PostForm["step"]; slices.Contains(step, "change") {
		return h.form(c, http.StatusOK, o, t, nil)
	}
	in, err := t.input(o)
	if err == nil {
		err = check(o, in)
	}
	if err == nil && in.Amount.Minor > Left(o).Minor && web.Text(c, "step") == "look" {
		err = errs.Field("amount", "Only %s of this order is left to give back.", Left(o).Format())
	}
	switch {
	case err != nil && web.Status(err) < 500:
		return h.form(c, web.Status(err), o, t, err)
	case err != nil:
		return err
	case web.Text(c, "step") != "do":
		return h.sure(c, o, t, in, nil)
	}
	if _, err = h.Service.Create(ctx, web.Who(c).ID, in); err != nil {
		if web.Status(err) >= 500 || errs.Is(err, errs.NotFound) {
			return err
		}
		return h.form(c, web.Status(err), o, t, err)
	}
	web.Flash(c, text.T(ctx, "%s is on its way back to the buyer.", in.Amount.Format()))
	return web.SeeOther(c, "/app/orders/"+o.ID.String())
}

// input turns what was typed into values. Chosen copies say the amount.
func (t typed) input(o orders.Order) (Input, error) {
	in := Input{Key: t.Key, Order: o.ID, Items: t.Items, Reason: t.Reason, Note: t.Note, Restock: t.Restock, Access: t.Access, Source: ByCreator}
	if _, err := id.Parse[id.RefundKind](t.Key); err != nil {
		return in, errs.New(errs.Invalid, "This page is too old. Please open it again.")
	}
	if len(t.Items) > 0 {
		in.Amount = ItemsAmount(o, t.Items)
		if left := Left(o); in.Amount.Minor > left.Minor {
			in.Amount = left
		}
		return in, nil
	}
	a, err := money.Parse(t.Amount, o.Total.Currency)
	if err != nil {
		return in, errs.Field("amount", "Enter an amount like %s.", plain(Left(o)))
	}
	in.Amount = a
	return in, nil
}

func (h *Handler) form(c echo.Context, status int, o orders.Order, t typed, problem error) error {
	ctx := c.Request().Context()
	p := view.FormProps{Order: o.ID.String(), Title: title(ctx, o), Left: Left(o).Format(), Key: t.Key, Amount: t.Amount, Symbol: o.Total.Currency.Symbol(), Note: t.Note, Restock: t.Restock}
	if problem != nil {
		p.Errors = web.FieldMessages(c, problem)
		if len(p.Errors) == 0 || p.Errors["key"] != "" {
			p.Refusal = web.Sentence(c, problem)
		}
	}
	if copies(o) > 1 {
		for _, i := range o.Items {
			p.Items = append(p.Items, item(ctx, i, t.Items))
		}
	}
	for _, r := range Reasons {
		p.Reasons = append(p.Reasons, ui.Option{Value: r, Label: Reason(ctx, r), Selected: r == t.Reason})
	}
	for _, a := range []struct{ value, label string }{
		{"", text.T(ctx, "Close them when all is given back")}, {"close", text.T(ctx, "Close them now")}, {"keep", text.T(ctx, "Leave them open")},
	} {
		p.Access = append(p.Access, ui.Option{Value: a.value, Label: a.label, Selected: a.value == t.Access})
	}
	left, err := h.Service.Stock.Left(ctx, h.Service.DB, products(o))
	if err != nil {
		return err
	}
	p.CanStock = len(left) > 0
	if p.Asked, err = h.asked(ctx, c, o); err != nil {
		return err
	}
	return h.page(c, status, text.T(ctx, "Refund"), o, view.Form(p))
}

func (h *Handler) page(c echo.Context, status int, title string, o orders.Order, main templ.Component) error {
	return web.Page(c, status, layout.Page{Title: title, Section: "orders", Back: "/app/orders/" + o.ID.String(), Shell: layout.Creator}, main)
}

func (h *Handler) sure(c echo.Context, o orders.Order, t typed, in Input, problem error) error {
	ctx := c.Request().Context()
	balance, err := ledger.Balance(ctx, h.Service.DB, ledger.Available(o.Creator), o.Total.Currency)
	if err != nil {
		return err
	}
	e := Preview(o, in.Amount, balance)
	p := view.FormProps{Order: o.ID.String(), Title: title(ctx, o), Confirm: &view.Confirm{Amount: in.Amount.Format()}}
	if problem != nil {
		p.Refusal = web.Sentence(c, problem)
	}
	from := map[string]string{"pending": text.T(ctx, "From your pending money"), "available": text.T(ctx, "From your balance"), "held": text.T(ctx, "From money that is held")}[e.From]
	p.Confirm.Lines = []ui.Line{{Label: text.T(ctx, "The buyer gets"), Amount: e.Buyer.Format(), Strong: true}, {Label: text.T(ctx, "Vitrine gives back of its fee"), Amount: e.Fee.Format()},
		{Label: from, Amount: e.Creator.Neg().Format()}}
	if e.Below.Minor > 0 {
		p.Confirm.Below = text.T(ctx, "This order was paid out already. Your balance goes %s below zero; the next sales make up for it, and you need not pay anything in.", e.Below.Format())
	}
	p.Confirm.Hidden = []view.Hidden{{Name: "key", Value: t.Key}, {Name: "amount", Value: t.Amount}, {Name: "reason", Value: t.Reason}, {Name: "access", Value: t.Access}, {Name: "note", Value: t.Note}}
	if t.Restock {
		p.Confirm.Hidden = append(p.Confirm.Hidden, view.Hidden{Name: "restock", Value: "on"})
	}
	for _, i := range t.Items {
		p.Confirm.Hidden = append(p.Confirm.Hidden, view.Hidden{Name: "item-" + i.Item.String(), Value: strconv.Itoa(i.Quantity)})
	}
	return h.page(c, http.StatusOK, text.T(ctx, "Refund"), o, view.Sure(p))
}

// Decline answers a buyer's request.
func (h *Handler) Decline(c echo.Context) error {
	o, err := h.mine(c)
	if err != nil {
		return err
	}
	if err := h.Service.Decline(c.Request().Context(), web.Who(c).ID, o.ID, web.Text(c, "answer")); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "The buyer has your answer."))
	return web.SeeOther(c, "/app/orders/"+o.ID.String())
}

func (h *Handler) mine(c echo.Context) (orders.Order, error) {
	o, err := id.Parse[id.OrderKind](c.Param("id"))
	if err != nil {
		return orders.Order{}, errs.New(errs.NotFound, "There is no such order.")
	}
	return h.Service.Orders.Get(c.Request().Context(), web.Who(c).ID, o)
}

func (h *Handler) asked(ctx context.Context, c echo.Context, o orders.Order) (*view.Asked, error) {
	all, err := h.Service.RequestsOf(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.State == "open" {
			return &view.Asked{Reason: RequestReason(ctx, r.Reason), Message: r.Message, When: local(c, r.CreatedAt)}, nil
		}
	}
	return nil, nil
}

// Panel is the part about refunds on the creator's order page.
func (h *Handler) Panel(c echo.Context, o orders.Order) (templ.Component, error) {
	ctx := c.Request().Context()
	if o.Test || o.Total.IsZero() {
		return nil, nil
	}
	p := view.PanelProps{Order: o.ID.String(), RefundURL: "/app/orders/" + o.ID.String() + "/refund"}
	ours, err := h.Service.Of(ctx, o.Creator, o.ID)
	if err != nil {
		return nil, err
	}
	theirs, err := h.Service.Orders.RefundsOf(ctx, h.Service.DB, o.Checkout)
	if err != nil {
		return nil, err
	}
	for _, r := range ours {
		note := Reason(ctx, r.Reason) + " · " + local(c, r.CreatedAt)
		p.Rows = append(p.Rows, view.Row{Amount: r.Amount.Format(), Note: note, Trouble: r.Trouble, State: pill(ctx, r.State)})
	}
	for _, r := range theirs {
		known := slices.ContainsFunc(ours, func(x Refund) bool { return x.ID == r.Request })
		if !known && (r.Order.IsZero() || r.Order == o.ID) {
			p.Rows = append(p.Rows, view.Row{Amount: r.Amount.Format(), Note: text.T(ctx, "Begun at the payment service") + " · " + local(c, r.At), State: pill(ctx, State(r.State))})
		}
	}
	switch {
	case !o.Disputed.IsZero():
		p.Why = text.T(ctx, "The buyer’s bank is looking into this payment, so it cannot be refunded now.")
	case Left(o).Minor <= 0:
		p.Why = text.T(ctx, "All of this order is given back.")
	default:
		p.Can = true
	}
	if p.Asked, err = h.asked(ctx, c, o); err != nil {
		return nil, err
	}
	return view.Panel(p), nil
}

func pill(ctx context.Context, s State) ui.Pill {
	switch s {
	case Succeeded:
		return ui.Pill{Label: text.T(ctx, "Given back"), Tone: "good"}
	case Failed:
		return ui.Pill{Label: text.T(ctx, "Came back"), Tone: "bad"}
	case Refused:
		return ui.Pill{Label: text.T(ctx, "Not done"), Tone: "bad"}
	}
	return ui.Pill{Label: text.T(ctx, "On its way"), Tone: "lamp"}
}

// Ask is the buyer's page.
func (h *Handler) Ask(c echo.Context) error {
	o, err := h.Service.Orders.ByToken(c.Request().Context(), c.Param("token"))
	if err != nil {
		return err
	}
	return h.request(c, http.StatusOK, o, "", "", nil)
}

// Asked takes the request.
func (h *Handler) Asked(c echo.Context) error {
	ctx := c.Request().Context()
	o, err := h.Service.Orders.ByToken(ctx, c.Param("token"))
	if err != nil {
		return err
	}
	reason, message := web.Text(c, "reason"), web.Text(c, "message")
	if err := h.Service.Request(ctx, o, reason, message); err != nil {
		if web.Status(err) >= 500 {
			return err
		}
		return h.request(c, web.Status(err), o, reason, message, err)
	}
	return web.SeeOther(c, "/o/"+url.PathEscape(c.Param("token"))+"/refund")
}

func (h *Handler) request(c echo.Context, status int, o orders.Order, reason, message string, problem error) error {
	ctx := c.Request().Context()
	seller, err := h.Sellers(ctx, h.Service.DB, o.Shop)
	if err != nil {
		return err
	}
	all, err := h.Service.RequestsOf(ctx, o.ID)
	if err != nil {
		return err
	}
	back := "/o/" + url.PathEscape(c.Param("token"))
	p := view.RequestProps{Title: text.T(ctx, "Ask for a refund"), Back: back, Message: message,
		Lead: text.T(ctx, "%s from %s. Your message goes to the seller, who answers by email and on this page.", title(ctx, o), seller.Name)}
	if problem != nil {
		if p.Errors = web.FieldMessages(c, problem); len(p.Errors) == 0 {
			p.Refusal = web.Sentence(c, problem)
		}
	}
	open := false
	if len(all) > 0 {
		switch last := all[0]; last.State {
		case "open":
			open = true
			p.Tone, p.Said = "lamp", text.T(ctx, "You asked on %s. %s has your message and a week to answer; after that we look into it.", last.CreatedAt.UTC().Format("2 January 2006"), seller.Name)
		case "refunded":
			p.Tone, p.Said = "good", text.T(ctx, "The seller agreed. The money goes back the way it came; banks take 5 to 10 days to show it.")
		case "declined":
			p.Tone, p.Said, p.Answer = "bad", text.T(ctx, "The seller did not agree. If there is more to say, you can ask again."), last.Answer
		}
	}
	switch {
	case !o.Status.Sold() || o.Test || o.Total.IsZero():
		p.Said, p.Tone = text.T(ctx, "Nothing was paid for this order, so there is nothing to give back."), "lamp"
	case Left(o).Minor <= 0:
		p.Said, p.Tone = text.T(ctx, "All of this order is given back."), "good"
	case !open:
		p.Action = back + "/refund"
		for _, r := range RequestReasons {
			p.Reasons = append(p.Reasons, ui.Option{Value: r, Label: RequestReason(ctx, r), Selected: r == reason})
		}
	}
	return web.Page(c, status, layout.Page{Title: p.Title, Back: back, NoIndex: true, Shell: layout.Checkout}, view.Request(p))
}

func title(ctx context.Context, o orders.Order) string { return text.T(ctx, "Order %d", o.Number) }

func item(ctx context.Context, i orders.Item, chosen []Item) view.Item {
	out := view.Item{ID: i.ID.String(), Name: i.Name, Price: text.T(ctx, "%s each", i.Unit.Format())}
	n := 0
	for _, x := range chosen {
		if x.Item == i.ID {
			n = x.Quantity
		}
	}
	for k := range i.Quantity + 1 {
		out.Counts = append(out.Counts, ui.Option{Value: strconv.Itoa(k), Label: strconv.Itoa(k), Selected: k == n})
	}
	return out
}

func copies(o orders.Order) (n int) {
	for _, i := range o.Items {
		n += i.Quantity
	}
	return n
}

func products(o orders.Order) []id.Product {
	out := make([]id.Product, len(o.Items))
	for i, x := range o.Items {
		out[i] = x.Product
	}
	return out
}

// plain is an amount as one types it.
func plain(a money.Amount) string { return strings.TrimSuffix(a.Decimal(), " ") }

func local(c echo.Context, t time.Time) string {
	z, err := time.LoadLocation(web.Who(c).TimeZone)
	if err != nil {
		z = time.UTC
	}
	return t.In(z).Format("2 January 2006, 15:04")
}
