package orders

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"

	view "vitrine/views/checkout"
)

const (
	lookEvery = 2 * time.Second
	lookFor   = time.Minute
)

// Return is where the provider sends the buyer after paying.
func (h *Handler) Return(c echo.Context) error {
	co, err := h.Service.Return(c.Request().Context(), c.Param("token"))
	if errs.Is(err, errs.Unavailable) { // the provider is away; what we know is enough to wait
		co, err = h.Service.Checkout(c.Request().Context(), c.Param("token"))
	}
	if err != nil {
		return err
	}
	switch co.Status {
	case CheckoutPaid:
		return h.paid(c, co)
	case CheckoutExpired:
		return h.back(c, co)
	case CheckoutOpen:
		if co.Declined != "" {
			return h.back(c, co)
		}
	}
	return h.wait(c, co)
}

// wait reloads itself for a minute; the time it began stands in the address, so that no one must remember it.
func (h *Handler) wait(c echo.Context, co Checkout) error {
	ctx, now := c.Request().Context(), h.Service.DB.Now()
	since, err := strconv.ParseInt(c.QueryParam("since"), 10, 64)
	if begun := time.Unix(since, 0); err != nil || begun.After(now.Add(lookFor)) {
		return c.Redirect(http.StatusSeeOther, h.Service.ReturnPath(co.ID)+"?since="+strconv.FormatInt(now.Unix(), 10))
	}
	p := view.WaitingProps{Email: co.Email, Patient: now.Sub(time.Unix(since, 0)) > lookFor, Href: h.Service.ReturnPath(co.ID)}
	pg := layout.Page{Title: text.T(ctx, "Checkout"), NoIndex: true, Shell: layout.Checkout, Refresh: int(lookEvery.Seconds())}
	if p.Patient {
		pg.Refresh = 0
	}
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return web.Page(c, http.StatusOK, pg, view.Waiting(p))
}

// paid goes on to the order, or lists them when there are several.
func (h *Handler) paid(c echo.Context, co Checkout) error {
	ctx := c.Request().Context()
	if len(co.Orders) == 1 {
		return c.Redirect(http.StatusSeeOther, "/o/"+h.Service.Token(co.Orders[0].ID))
	}
	var p view.PaidProps
	for _, o := range co.Orders {
		s, err := h.Sellers(ctx, h.Service.DB, o.Shop)
		if err != nil {
			return fmt.Errorf("seller of order %s: %w", o.ID, err)
		}
		p.Orders = append(p.Orders, view.Paid{ID: o.ID.String(), Shop: s.Name, Note: goods(ctx, o), Amount: o.Total.Format(), Href: "/o/" + h.Service.Token(o.ID)})
	}
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return web.Page(c, http.StatusOK, layout.Page{Title: text.T(ctx, "Checkout"), NoIndex: true, Shell: layout.Checkout}, view.Done(p))
}

// Back is where the provider sends a buyer who did not pay.
func (h *Handler) Back(c echo.Context) error {
	co, err := h.Service.Checkout(c.Request().Context(), c.Param("token"))
	if err != nil {
		return err
	}
	if co.Status == CheckoutPaid || co.Status == CheckoutProcessing {
		return c.Redirect(http.StatusSeeOther, h.Service.ReturnPath(co.ID))
	}
	return h.back(c, co)
}

// back shows the checkout page again, filled in, with what happened. While the provider's page is open it leads
// there: another checkout would find the goods held by this one.
func (h *Handler) back(c echo.Context, co Checkout) error {
	ctx := c.Request().Context()
	ls := linesOf(co)
	q, err := h.Service.Quote(ctx, ls)
	p := view.FormProps{Email: co.Email, News: text.T(ctx, "The payment did not go through. Nothing was charged.")}
	if co.Status == CheckoutOpen && co.SessionURL != "" {
		p.News = text.T(ctx, "You left before paying. Nothing was charged.")
		if co.Declined != "" {
			p.News = text.T(ctx, "Your bank declined the payment. Nothing was charged. You can choose another way to pay.")
		}
		p.GoOn = co.SessionURL
		if err != nil || q.Total != co.Total {
			return h.goOn(c, co, p)
		}
	}
	if err != nil {
		return h.refuse(c, q, err)
	}
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return h.form(c, http.StatusOK, q, p, NewKey())
}

// goOn is the page of a checkout that can only be paid as it is.
func (h *Handler) goOn(c echo.Context, co Checkout, p view.FormProps) error {
	ctx := c.Request().Context()
	for _, o := range co.Orders {
		for _, i := range o.Items {
			p.Lines = append(p.Lines, view.Line{Name: i.Name, Note: times(i.Quantity, i.Unit), Amount: i.Total.Format()})
		}
	}
	s, err := h.Sellers(ctx, h.Service.DB, co.Orders[0].Shop)
	if err != nil {
		return fmt.Errorf("seller of checkout %s: %w", co.ID, err)
	}
	p.Title, p.Note, p.Total, p.Shop, p.ShopURL = goods(ctx, co.Orders[0]), s.Name, co.Total.Format(), s.Name, s.URL
	p.Fixed = true
	return h.page(c, http.StatusOK, p)
}

func linesOf(co Checkout) []Line {
	var ls []Line
	for _, o := range co.Orders {
		for _, i := range o.Items {
			ls = append(ls, Line{i.Product, i.Quantity})
		}
	}
	return ls
}
