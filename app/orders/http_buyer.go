package orders

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
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

// private keeps addresses with secrets in them out of referrers and search engines.
func private(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Referrer-Policy", "no-referrer")
		c.Response().Header().Set("X-Robots-Tag", "noindex, nofollow")
		return next(c)
	}
}

var errNoLink = errs.New(errs.NotFound, "This link opens no order. Perhaps it was cut off: copy it whole from your receipt, or look under /my for everything you bought.")

var errTakenBack = errs.New(errs.Gone, "There is nothing to send: this order was never paid.")

// Order is what a buyer sees at the secret link.
func (h *Handler) Order(c echo.Context) error {
	o, err := h.byToken(c)
	if err != nil {
		return err
	}
	news := ""
	if c.QueryParam("sent") != "" {
		news = text.T(c.Request().Context(), "Sent. It should be there within a minute.")
	}
	return h.order(c, http.StatusOK, o, news, "")
}

// Download counts a download and sends the browser to the bucket.
func (h *Handler) Download(c echo.Context) error {
	ctx := c.Request().Context()
	file, err := id.Parse[id.FileKind](c.Param("file"))
	if err != nil {
		return errNoFile
	}
	link, err := h.Delivery.Open(ctx, c.Param("token"), file)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, link)
	}
	return h.trouble(c, err)
}

// Resend mails the receipt again.
func (h *Handler) Resend(c echo.Context) error {
	o, err := h.byToken(c)
	if err != nil {
		return err
	}
	if err = h.resend(c, o); err != nil {
		return h.trouble(c, err)
	}
	return web.SeeOther(c, "/o/"+url.PathEscape(c.Param("token"))+"?sent=1")
}

func (h *Handler) resend(c echo.Context, o Order) error {
	if !o.Status.Sold() {
		return errTakenBack
	}
	if err := web.Check(c, "resend-order", o.ID.String(), web.Rate{N: 4, Per: 10 * time.Minute}); err != nil {
		return err
	}
	return h.Mails.Again(c.Request().Context(), o)
}

// trouble shows the order page with the reason why something on it could not be done.
func (h *Handler) trouble(c echo.Context, err error) error {
	if k := errs.KindOf(err); k == errs.NotFound || k == errs.Internal {
		return err
	}
	o, found := h.byToken(c)
	if found != nil {
		return found
	}
	return h.order(c, web.Status(err), o, "", web.Sentence(c, err))
}

func (h *Handler) byToken(c echo.Context) (Order, error) {
	o, err := h.Service.ByToken(c.Request().Context(), c.Param("token"))
	if errs.Is(err, errs.NotFound) {
		err = errNoLink
	}
	return o, err
}

func (h *Handler) order(c echo.Context, status int, o Order, news, trouble string) error {
	ctx := c.Request().Context()
	seller, err := h.Sellers(ctx, h.Service.DB, o.Shop)
	if err != nil {
		return err
	}
	p := view.BuyerProps{Test: o.Test, News: news, Trouble: trouble, Shop: seller.Name, ShopURL: seller.URL, Email: o.Email,
		LinesTitle: text.T(ctx, "What you ordered"), Help: text.T(ctx, "Write to %s from the page of the shop.", seller.Name)}
	switch {
	case o.Status.Sold():
		err = h.sold(c, o, &p)
	case o.Status == Expired:
		p.Title = text.T(ctx, "This order was not paid")
		p.Lead = text.T(ctx, "The payment did not go through, and nothing was charged.")
		p.Again = startPath(o)
	default:
		p.Title = text.T(ctx, "Waiting for your payment")
		p.Lead = text.T(ctx, "As soon as it is through we’ll email you at %s, and your files appear here.", o.Email)
		p.Lines = receiptLines(ctx, o)
	}
	if err != nil {
		return err
	}
	title := text.T(ctx, "Your order")
	return web.Page(c, status, layout.Page{Title: title, Back: seller.URL, NoIndex: true, Shell: layout.Checkout}, view.Buyer(p))
}

// sold fills the page of an order that was paid, whatever came after.
func (h *Handler) sold(c echo.Context, o Order, p *view.BuyerProps) error {
	ctx := c.Request().Context()
	p.Title = text.T(ctx, "Thank you")
	p.Lead = text.T(ctx, "%s from %s.", number(ctx, o), p.Shop)
	if o.Review.Stopped() && o.Status != Refunded {
		p.Title, p.State = text.T(ctx, "We are checking your order"), pill(ctx, o)
		p.Lead = text.T(ctx, "Your payment arrived. A person looks at this order before its files open, to protect buyers and sellers from stolen cards. Within three days you get your files or all of your money back; we write to %s either way.", o.Email)
	}
	switch o.Status {
	case Refunded:
		p.Title = text.T(ctx, "Refunded")
		p.Lead = text.T(ctx, "%s from %s. %s went back the way it came; banks take 5 to 10 days to show it.", number(ctx, o), p.Shop, o.Refunded.Format())
	case PartlyRefunded:
		p.State = pill(ctx, o)
		p.Lead = text.T(ctx, "%s from %s. %s of it was refunded.", number(ctx, o), p.Shop, o.Refunded.Format())
	}
	p.LinesTitle, p.Lines = text.T(ctx, "Receipt"), receiptLines(ctx, o)
	p.Help = text.T(ctx, "Answer your receipt mail: it goes to %s, who sold you this.", p.Shop)
	p.Facts = []view.Fact{
		{Label: text.T(ctx, "Paid on"), Value: when(o.PaidAt)},
		{Label: text.T(ctx, "Paid by"), Value: paidBy(ctx, o)},
		{Label: text.T(ctx, "Sold by"), Value: p.Shop, Href: p.ShopURL},
		{Label: text.T(ctx, "Receipt to"), Value: o.Email},
	}
	consent, err := consentOf(ctx, h.Service.DB, o.Checkout)
	if err != nil {
		return err
	}
	if consent {
		p.Consent = consentText(ctx)
	}
	p.Resend = "/o/" + h.Service.Token(o.ID) + "/resend"
	if !o.Test && o.Refunded.Minor < o.Total.Minor {
		p.Refund = "/o/" + h.Service.Token(o.ID) + "/refund"
	}
	p.NoFiles = text.T(ctx, "There is no file with this order.")
	all, err := h.Delivery.Downloads(ctx, o)
	for _, d := range all {
		f := view.File{ID: d.Grant.String() + "-" + d.File.ID.String(), Name: d.File.Name, Note: fileNote(d), Action: "/o/" + h.Service.Token(o.ID) + "/f/" + d.File.ID.String()}
		switch {
		case o.Review.Stopped() && o.Status != Refunded:
			f.Closed = text.T(ctx, "Opens once the order is checked")
		case d.Revoked, o.Review.Stopped():
			f.Closed = text.T(ctx, "Closed since the refund")
		case d.Left() == 0:
			f.Closed = text.T(ctx, "Downloaded %d times today. Please come back tomorrow.", d.Today)
		}
		p.Files = append(p.Files, f)
	}
	return err
}

func fileNote(d Download) string {
	if k := kind(d.File.Name); k != "" {
		return k + ", " + size(d.File.Size)
	}
	return size(d.File.Size)
}

func startPath(o Order) string {
	q := url.Values{}
	for _, i := range o.Items {
		q.Add("p", i.Product.String())
		q.Add("q", strconv.Itoa(i.Quantity))
	}
	return "/checkout/start?" + q.Encode()
}

// AskLibrary asks for the address something was bought with.
func (h *Handler) AskLibrary(c echo.Context) error {
	return h.ask(c, http.StatusOK, view.LibraryAskProps{Sent: c.QueryParam("sent") != ""})
}

// MailLibrary answers every address in the same way.
func (h *Handler) MailLibrary(c echo.Context) error {
	ctx := c.Request().Context()
	p := view.LibraryAskProps{Email: web.Text(c, "email")}
	var err error
	if a, ok := address(p.Email); ok {
		err = web.Check(c, "library-address", hex.EncodeToString(id.Hash(a)), web.Rate{N: 4, Per: 10 * time.Minute})
	}
	if err == nil {
		err = h.Library.Ask(ctx, p.Email, text.Locale(ctx))
	}
	switch {
	case err == nil:
		return web.SeeOther(c, "/my?sent=1")
	case errs.Is(err, errs.Invalid):
		p.Error = web.FieldMessages(c, err)["email"]
	case errs.Is(err, errs.TooMany):
		p.Refusal = web.Sentence(c, err)
	default:
		return err
	}
	return h.ask(c, web.Status(err), p)
}

func (h *Handler) ask(c echo.Context, status int, p view.LibraryAskProps) error {
	title := text.T(c.Request().Context(), "Your orders")
	return web.Page(c, status, layout.Page{Title: title, NoIndex: true, Shell: layout.Checkout}, view.LibraryAsk(p))
}

// OpenLibrary lists everything bought with the address that the link was mailed to.
func (h *Handler) OpenLibrary(c echo.Context) error {
	ctx := c.Request().Context()
	s, err := h.Library.Open(ctx, c.Param("token"))
	if errs.Is(err, errs.Gone) {
		return h.ask(c, http.StatusGone, view.LibraryAskProps{Refusal: web.Sentence(c, err)})
	}
	if err != nil {
		return err
	}
	p := view.LibraryProps{Email: s.Email, Until: when(s.Until)}
	sellers := map[id.Shop]Seller{}
	for _, o := range s.Orders {
		seller, ok := sellers[o.Shop]
		if !ok {
			if seller, err = h.Sellers(ctx, h.Service.DB, o.Shop); err != nil {
				return err
			}
			sellers[o.Shop] = seller
		}
		p.Rows = append(p.Rows, ui.Row{ID: "order-" + o.ID.String(), Href: "/o/" + h.Service.Token(o.ID), Title: goods(ctx, o), Icon: "bag",
			Note: seller.Name, End: o.Total.Format(), EndNote: o.PaidAt.UTC().Format("2 Jan 2006"), Pill: pill(ctx, o)})
	}
	return web.Page(c, http.StatusOK, layout.Page{Title: text.T(ctx, "Your orders"), NoIndex: true, Shell: layout.Checkout}, view.Library(p))
}
