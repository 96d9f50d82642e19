package orders

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"

	view "vitrine/views/checkout"
)

// Handler is the pages of buying, of what was bought, and of the creator's orders.
type Handler struct {
	Service  *Service
	Delivery *Delivery
	Library  *Library
	Mails    *Mails
	Sellers  Sellers
	ShopURL  string // of the shop host, no trailing slash

	// Panels are what other features show on a creator's order page; nil ones are left out.
	Panels []func(c echo.Context, o Order) (templ.Component, error)

	CountryHeader string // set by the operator's own proxy, such as CF-IPCountry
}

// Routes registers the pages. Buyers never need a cookie; checkout looks for one only to know the owner.
func (h *Handler) Routes(r *web.Router) {
	buying := r.On(web.App, "/checkout", web.Anyone)
	buying.GET("/start", h.Start)
	buying.POST("", h.Pay, web.Limit("checkout", web.Rate{N: 40, Per: time.Minute}))
	buying.GET("/return/:token", h.Return, web.Limit("checkout-return", web.Rate{N: 120, Per: time.Minute}))
	buying.GET("/back/:token", h.Back)

	bought := r.On(web.App, "", web.NoCookie, private)
	bought.GET("/o/:token", h.Order)
	bought.POST("/o/:token/f/:file", h.Download, web.Limit("download", web.Rate{N: 60, Per: time.Minute}))
	bought.POST("/o/:token/resend", h.Resend, web.Limit("resend", web.Rate{N: 10, Per: 10 * time.Minute}))
	bought.GET("/my", h.AskLibrary)
	bought.POST("/my", h.MailLibrary, web.Limit("library", web.Rate{N: 10, Per: 10 * time.Minute}))
	bought.GET("/my/:token", h.OpenLibrary)

	mine := r.On(web.App, "/app/orders", web.Creator)
	mine.GET("", h.Index)
	mine.GET("/:id", h.Show)
	mine.POST("/:id/receipt", h.SendReceipt)
}

// MaxLines is how many products one checkout may hold.
const MaxLines = 20

var (
	errNoProduct = errs.New(errs.NotFound, "There is nothing to buy at this address. The link may be old.")
	errQuantity  = errs.Field("quantity", "Choose a quantity between 1 and 99.")
	errStale     = errs.New(errs.Invalid, "This page is too old. Look at it once more and try again.")
)

// Start shows the checkout page of the products that the address names. It writes nothing.
func (h *Handler) Start(c echo.Context) error {
	ls, err := readLines(c.QueryParams()["p"], c.QueryParams()["q"])
	if err != nil {
		return h.refuse(c, Quote{}, err)
	}
	q, why, err := h.quote(c, ls)
	if err != nil {
		return h.refuse(c, q, err)
	}
	return h.form(c, http.StatusOK, q, view.FormProps{TestOnly: why}, NewKey())
}

// quote prices the lines. An owner may look at what nobody can buy yet, to try it; why says what is in the way.
func (h *Handler) quote(c echo.Context, ls []Line) (q Quote, why string, err error) {
	ctx, who := c.Request().Context(), web.Who(c).ID
	if q, err = h.Service.Quote(ctx, ls); err == nil || who.IsZero() || !errs.Is(err, errs.Conflict) {
		return q, "", err
	}
	mine, own := h.Service.QuoteFor(ctx, ls, who)
	if own != nil {
		return q, "", err
	}
	return mine, web.Sentence(c, err), nil
}

// Pay begins the checkout and sends the buyer to the provider's page.
func (h *Handler) Pay(c echo.Context) error {
	ctx := c.Request().Context()
	if err := c.Request().ParseForm(); err != nil {
		return errStale
	}
	ls, err := readLines(c.Request().PostForm["p"], c.Request().PostForm["q"])
	if err != nil {
		return h.refuse(c, Quote{}, err)
	}
	typed := view.FormProps{Email: web.Text(c, "email"), Consent: web.Checked(c, "consent")}
	in := StartInput{Key: web.Text(c, "key"), Lines: ls, Email: typed.Email, Consent: typed.Consent, Locale: text.Locale(ctx),
		Test: web.Checked(c, "test"), By: web.Who(c).ID, Provider: web.Text(c, "provider"), Client: h.client(c)}
	in.Expected, err = readExpected(web.Text(c, "expected"), web.Text(c, "currency"))
	if err == nil {
		var s Started
		if s, err = h.Service.Start(ctx, in); err == nil {
			return web.SeeOther(c, s.URL)
		}
	}
	return h.again(c, ls, in.Key, typed, err)
}

// client is what the browser shows of itself. The cookie is a random number, first-party and only for the checkout:
// it tells one browser that tries many cards from many buyers at one address.
func (h *Handler) client(c echo.Context) Client {
	out := Client{IP: c.RealIP(), UserAgent: c.Request().UserAgent(), Country: h.Country(c)}
	secure := strings.HasPrefix(h.Service.AppURL, "https:")
	name := "till"
	if secure {
		name = "__Host-till"
	}
	if k, err := c.Cookie(name); err == nil && id.CheckToken(k.Value) == nil {
		out.Browser = k.Value
		return out
	}
	out.Browser = id.Token()
	c.SetCookie(&http.Cookie{Name: name, Value: out.Browser, Path: "/", MaxAge: 90 * 24 * 3600, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
	return out
}

// Country is where a request comes from, as the trusted proxy in front of us says; empty when there is none.
func (h *Handler) Country(c echo.Context) string {
	if h.CountryHeader == "" {
		return ""
	}
	return c.Request().Header.Get(h.CountryHeader)
}

// again shows the checkout page with what was typed and why it could not go on.
func (h *Handler) again(c echo.Context, ls []Line, key string, typed view.FormProps, err error) error {
	status := web.Status(err)
	if status == http.StatusNotFound || status == http.StatusInternalServerError {
		return err
	}
	q, why, qerr := h.quote(c, ls)
	typed.TestOnly = why
	if qerr != nil {
		return h.refuse(c, q, qerr)
	}
	typed.Errors = web.FieldMessages(c, err)
	if typed.Errors["email"] == "" && typed.Errors["consent"] == "" {
		typed.Refusal = web.Sentence(c, err)
	}
	var changed *PriceChanged
	switch {
	case errors.As(err, &changed):
		typed.Refusal = text.T(c.Request().Context(), "The price has changed since you opened this page. It is now %s. Nothing was charged.", q.Total.Format())
		key = NewKey()
	case errs.Is(err, errs.Conflict), typed.Errors["key"] != "", err == errStale:
		key = NewKey()
	}
	return h.form(c, status, q, typed, key)
}

// form completes what the page shows from the quote.
func (h *Handler) form(c echo.Context, status int, q Quote, p view.FormProps, key string) error {
	ctx := c.Request().Context()
	n := 0
	p.Owner = !web.Who(c).ID.IsZero()
	for _, l := range q.Lines {
		n += l.Quantity
		p.Owner = p.Owner && l.Offer.Creator == web.Who(c).ID
		p.Lines = append(p.Lines, view.Line{Name: l.Offer.Name, Note: lineNote(ctx, l, q.Shops), Amount: l.Total.Format()})
		p.Hidden = append(p.Hidden, view.Hidden{Name: "p", Value: l.Offer.Product.String()}, view.Hidden{Name: "q", Value: strconv.Itoa(l.Quantity)})
	}
	p.Hidden = append(p.Hidden, view.Hidden{Name: "key", Value: key},
		view.Hidden{Name: "expected", Value: strconv.FormatInt(q.Total.Minor, 10)}, view.Hidden{Name: "currency", Value: string(q.Total.Currency)})
	p.Total, p.Free = q.Total.Format(), q.Total.IsZero()
	p.PayPal = !p.Free && h.Service.Takes("paypal", q.Total)
	first := q.Lines[0].Offer
	p.Title = first.Name
	p.Shop, p.ShopURL = first.ShopName, h.shop(first.ShopSlug)
	p.Note = text.N(ctx, n, "%d item from %s", "%d items from %s", p.Shop)
	if q.Shops > 1 {
		p.Shop = shopNames(q)
		p.Note = text.N(ctx, q.Shops, "%d shop", "%d shops")
	}
	if len(q.Lines) > 1 {
		p.Title = text.N(ctx, len(q.Lines), "%d product", "%d products")
	}
	return h.page(c, status, p)
}

func (h *Handler) page(c echo.Context, status int, p view.FormProps) error {
	c.Response().Header().Set("Referrer-Policy", "same-origin")
	title := text.T(c.Request().Context(), "Checkout")
	return web.Page(c, status, layout.Page{Title: title, Back: p.ShopURL, NoIndex: true, Shell: layout.Checkout}, view.Form(p))
}

// refuse says why nothing can be bought, and points to the shop if one is known.
func (h *Handler) refuse(c echo.Context, q Quote, err error) error {
	ctx, status := c.Request().Context(), web.Status(err)
	if status == http.StatusInternalServerError {
		return err
	}
	p := view.RefusedProps{Title: text.T(ctx, "This cannot be bought right now"), Reason: web.Sentence(c, err)}
	switch status {
	case http.StatusNotFound, http.StatusGone:
		p.Title = text.T(ctx, "Nothing to buy here")
	case http.StatusUnprocessableEntity:
		p.Title = text.T(ctx, "That cannot be ordered")
	}
	if len(q.Lines) > 0 && q.Lines[0].Offer.ShopSlug != "" {
		p.Label = text.T(ctx, "Go to %s", q.Lines[0].Offer.ShopName)
		p.Href = h.shop(q.Lines[0].Offer.ShopSlug)
	}
	return web.Page(c, status, layout.Page{Title: text.T(ctx, "Checkout"), Back: p.Href, NoIndex: true, Shell: layout.Checkout}, view.Refused(p))
}

// readLines pairs products with quantities; one without a quantity is wanted once.
func readLines(ps, qs []string) ([]Line, error) {
	if len(ps) == 0 || len(ps) > MaxLines || len(qs) > len(ps) {
		return nil, errNoProduct
	}
	var ls []Line
	for i, p := range ps {
		product, err := id.Parse[id.ProductKind](p)
		if err != nil {
			return nil, errNoProduct
		}
		n := 1
		if i < len(qs) {
			if n, err = strconv.Atoi(qs[i]); err != nil || n < 1 || n > 99 || strings.HasPrefix(qs[i], "+") {
				return nil, errQuantity
			}
		}
		ls = append(ls, Line{product, n})
	}
	return ls, nil
}

func readExpected(minor, currency string) (money.Amount, error) {
	n, err := strconv.ParseInt(minor, 10, 64)
	if err != nil || n < 0 || !money.Currency(currency).Valid() {
		return money.Amount{}, errStale
	}
	return money.Amount{Minor: n, Currency: money.Currency(currency)}, nil
}

func lineNote(ctx context.Context, l QuoteLine, shops int) string {
	var notes []string
	if n := times(l.Quantity, l.Offer.Price); n != "" {
		notes = append(notes, n)
	}
	if shops > 1 {
		notes = append(notes, text.T(ctx, "from %s", l.Offer.ShopName))
	}
	if l.Left >= 0 && l.Left <= 5 {
		notes = append(notes, text.N(ctx, l.Left, "%d left", "%d left"))
	}
	return strings.Join(notes, ", ")
}

func times(n int, unit money.Amount) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("%d × %s", n, unit.Format())
}

func shopNames(q Quote) string {
	var names []string
	seen := map[id.Shop]bool{}
	for _, l := range q.Lines {
		if !seen[l.Offer.Shop] {
			seen[l.Offer.Shop] = true
			names = append(names, l.Offer.ShopName)
		}
	}
	return strings.Join(names, ", ")
}

func (h *Handler) shop(slug string) string {
	if slug == "" {
		return ""
	}
	return h.ShopURL + "/@" + url.PathEscape(slug)
}
