package orders

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/orders"
)

// Index lists the shop's orders, newest first.
func (h *Handler) Index(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Who(c)
	show, search := query(c, "f"), query(c, "q")
	f := Filter{Search: search, After: query(c, "after")}
	switch Show(show) {
	case ShowPaid, ShowRefunded, ShowTests:
		f.Show = Show(show)
	default:
		show = ""
	}
	all, next, err := h.Service.List(ctx, who.ID, who.Shop, f)
	if err != nil {
		return err
	}
	list := view.ListProps{Icon: "bag"}
	now, z := h.Service.DB.Now(), zone(who.TimeZone)
	for _, o := range all {
		list.Rows = append(list.Rows, row(ctx, o, now, z))
	}
	if next != "" {
		list.More = ordersPath(show, search, next)
	}
	h.describe(c, &list, show, search)
	if web.IsFragment(c) {
		return web.Fragment(c, http.StatusOK, view.List(list))
	}
	p := view.IndexProps{Filter: show, Search: search, List: list}
	for _, o := range []struct{ value, label string }{
		{"", "All"}, {string(ShowPaid), "Paid"}, {string(ShowRefunded), "Refunded"}, {string(ShowTests), "Tests"},
	} {
		p.Filters = append(p.Filters, ui.Option{Value: o.value, Label: text.T(ctx, o.label), Selected: o.value == show})
		p.Hrefs = append(p.Hrefs, ordersPath(o.value, search, ""))
	}
	return web.Page(c, http.StatusOK, layout.Page{Title: text.T(ctx, "Orders"), Section: "orders", Shell: layout.Creator}, view.Index(p))
}

// describe says what an empty list means, and how many a search has found.
func (h *Handler) describe(c echo.Context, l *view.ListProps, show, search string) {
	ctx := c.Request().Context()
	switch {
	case len(l.Rows) > 0 && search != "":
		l.Count = text.N(ctx, len(l.Rows), "%d order found", "%d orders found")
	case len(l.Rows) > 0:
	case search != "":
		l.Icon = "search"
		l.EmptyTitle = text.T(ctx, "Nothing found")
		l.Empty = text.T(ctx, "No order has this number or an email that begins like this.")
		l.Action, l.ActionHref = text.T(ctx, "Show all orders"), "/app/orders"
		l.Count = l.EmptyTitle
	case Show(show) == ShowTests:
		l.EmptyTitle = text.T(ctx, "No test orders yet")
		l.Empty = text.T(ctx, "Open one of your products, press Buy, and choose “Run a test order” to see what a buyer sees.")
		l.Action, l.ActionHref = text.T(ctx, "Go to products"), "/app/products"
	case Show(show) == ShowRefunded:
		l.EmptyTitle = text.T(ctx, "Nothing was refunded")
		l.Empty = text.T(ctx, "Orders whose money went back, in part or in full, are listed here.")
	default:
		l.EmptyTitle = text.T(ctx, "No orders yet")
		l.Empty = text.T(ctx, "Every sale lands here the moment it is paid. Share your shop to get the first one.")
		if u := web.Who(c).ShopSlug; u != "" {
			l.Action, l.ActionHref = text.T(ctx, "See your shop"), h.shop(u)
		}
	}
}

// Show is one order of the creator; those of others are not found.
func (h *Handler) Show(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Who(c)
	o, err := h.mine(c)
	if err != nil {
		return err
	}
	z := zone(who.TimeZone)
	p := view.ShowProps{Title: number(ctx, o), State: pill(ctx, o), Test: o.Test, When: local(o.PaidAt, z), Lines: receiptLines(ctx, o),
		Money: moneyLines(ctx, o), BuyerPage: "/o/" + h.Service.Token(o.ID), Receipt: view.ReceiptProps{Action: receiptPath(o)}}
	p.Buyer = []view.Fact{{Label: text.T(ctx, "Email"), Value: o.Email, Href: "mailto:" + url.PathEscape(o.Email)}}
	if p.Timeline, err = h.timeline(ctx, o, z); err != nil {
		return err
	}
	p.Provider = providerFacts(ctx, o)
	for _, panel := range h.Panels {
		part, err := panel(c, o)
		if err != nil {
			return err
		}
		if part != nil {
			p.Panels = append(p.Panels, part)
		}
	}
	return web.Page(c, http.StatusOK, layout.Page{Title: p.Title, Section: "orders", Back: "/app/orders", Shell: layout.Creator}, view.Show(p))
}

// SendReceipt mails the receipt to the buyer again.
func (h *Handler) SendReceipt(c echo.Context) error {
	ctx := c.Request().Context()
	o, err := h.mine(c)
	if err != nil {
		return err
	}
	sent := text.T(ctx, "The receipt is on its way to %s.", o.Email)
	err = h.resend(c, o)
	switch {
	case errs.KindOf(err) == errs.Internal:
		return err
	case web.IsFragment(c) && err != nil && errs.Is(err, errs.Conflict):
		return web.Fragment(c, http.StatusConflict, view.Receipt(view.ReceiptProps{Action: receiptPath(o), Trouble: web.Sentence(c, err)}))
	case web.IsFragment(c) && err == nil:
		return web.Fragment(c, http.StatusOK, view.Receipt(view.ReceiptProps{Action: receiptPath(o), News: sent}))
	case err != nil:
		return err
	}
	web.Flash(c, sent)
	return web.SeeOther(c, "/app/orders/"+o.ID.String())
}

func (h *Handler) mine(c echo.Context) (Order, error) {
	o, err := id.Parse[id.OrderKind](c.Param("id"))
	if err != nil {
		return Order{}, errNoOrder
	}
	return h.Service.Get(c.Request().Context(), web.Who(c).ID, o)
}

func row(ctx context.Context, o Order, now time.Time, z *time.Location) ui.Row {
	return ui.Row{ID: "order-" + o.ID.String(), Href: "/app/orders/" + o.ID.String(), Icon: "bag", Title: goods(ctx, o), End: o.Total.Format(),
		Note: number(ctx, o) + " · " + o.Email, EndNote: short(o.PaidAt, now, z), Pill: pill(ctx, o), New: now.Sub(o.PaidAt) < 10*time.Minute}
}

// timeline is what happened to an order, in order.
func (h *Handler) timeline(ctx context.Context, o Order, z *time.Location) ([]view.Moment, error) {
	type moment struct {
		at          time.Time
		label, tone string
	}
	all := []moment{
		{o.CreatedAt, text.T(ctx, "Went to pay"), ""},
		{o.PaidAt, text.T(ctx, "Paid %s", o.Total.Format()), "good"},
	}
	mails, err := mailsOf(ctx, h.Service.DB, o.Creator, o.ID)
	if err != nil {
		return nil, fmt.Errorf("mails of order %s: %w", o.ID, err)
	}
	for _, m := range mails {
		switch {
		case m.Refused != nil && m.Kind != mailSale:
			all = append(all, moment{*m.Refused, text.T(ctx, "The mail server of %s refused our mail", o.Email), "bad"})
		case m.Sent == nil || m.Kind == mailSale:
		case m.Kind == mailRefund:
			all = append(all, moment{*m.Sent, text.T(ctx, "Refunded; the buyer was told"), "bad"})
		case m.Cause != "":
			all = append(all, moment{*m.Sent, text.T(ctx, "Receipt sent again"), ""})
		default:
			all = append(all, moment{*m.Sent, text.T(ctx, "Receipt sent"), ""})
		}
	}
	downloads, err := h.Delivery.Downloads(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, d := range downloads {
		if d.Count > 0 {
			all = append(all, moment{d.LastAt, text.N(ctx, d.Count, "Downloaded: %[2]s, once", "Downloaded: %[2]s, %[1]d times", d.File.Name), ""})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	out := make([]view.Moment, len(all))
	for i, m := range all {
		out[i] = view.Moment{Label: m.label, When: local(m.at, z), Tone: m.tone}
	}
	return out, nil
}

func providerFacts(ctx context.Context, o Order) []view.Fact {
	fs := []view.Fact{{Label: text.T(ctx, "Paid by"), Value: paidBy(ctx, o)}}
	if o.PaymentIntent != "" {
		fs = append(fs, view.Fact{Label: text.T(ctx, "Reference"), Value: o.PaymentIntent})
	}
	if o.Charge != "" {
		fs = append(fs, view.Fact{Label: text.T(ctx, "Charge"), Value: o.Charge})
	}
	return fs
}

func receiptPath(o Order) string { return "/app/orders/" + o.ID.String() + "/receipt" }

func ordersPath(show, search, after string) string {
	q := url.Values{}
	for k, v := range map[string]string{"f": show, "q": search, "after": after} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return "/app/orders"
	}
	return "/app/orders?" + q.Encode()
}

// query reads one parameter of the address, cleaned of what a database cannot hold.
func query(c echo.Context, name string) string {
	v := strings.ToValidUTF8(c.QueryParam(name), "\uFFFD")
	v = strings.TrimSpace(strings.ReplaceAll(v, "\x00", ""))
	if len(v) > 254 {
		v = strings.ToValidUTF8(v[:254], "")
	}
	return v
}
