package contact

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/builder"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/mail"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/views/blocks"
	views "vitrine/views/contact"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// Handler takes messages on the shop host, without a session, and shows them to their creator.
type Handler struct {
	Service *Service
	Front   *builder.Front
}

func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.Shop, "", web.NoCookie)
	g.GET("/@:slug/contact", h.form)
	g.POST("/@:slug/contact", h.receive)
	g.GET("/@:slug/contact/sent", h.sent)

	r.On(web.App, "/app/messages", web.Creator).GET("", h.list)
}

// Who writes too much is asked to wait, by address and by mail address; so is everyone when one shop is flooded.
var (
	perSender  = web.Rate{N: 10, Per: 10 * time.Minute}
	perAddress = web.Rate{N: 5, Per: time.Hour}
	perShop    = web.Rate{N: 100, Per: time.Hour}
)

var errNoForm = errs.New(errs.NotFound, "There is nothing at this address.")

func (h *Handler) form(c echo.Context) error {
	return h.Front.Serve(c, "/contact", func(ctx context.Context, sh builder.Shown) (builder.Page, error) {
		props, ok := formProps(ctx, sh)
		if !ok {
			return builder.Page{}, errNoForm
		}
		return page(ctx, sh, props), nil
	})
}

func (h *Handler) sent(c echo.Context) error {
	return h.Front.Serve(c, "/contact/sent", func(ctx context.Context, sh builder.Shown) (builder.Page, error) {
		return builder.Page{Title: text.T(ctx, "Sent to %s", sh.Name), Path: "/contact/sent", NoIndex: true, Main: views.Sent(views.SentProps{Shop: sh.Name, URL: sh.URL})}, nil
	})
}

// formProps is the form of the shop's contact block; false when its window shows none.
func formProps(ctx context.Context, sh builder.Shown) (blocks.ContactProps, bool) {
	p, ok := sh.Contact()
	props := builder.ContactForm(ctx, p)
	props.ID, props.Action, props.Second = "contact", sh.URL+"/contact", true
	return props, ok
}

func page(ctx context.Context, sh builder.Shown, props blocks.ContactProps) builder.Page {
	return builder.Page{Title: text.T(ctx, "Write to %s", sh.Name), Path: "/contact", NoIndex: true, Main: blocks.Contact(props)}
}

func (h *Handler) receive(c echo.Context) error {
	ctx := c.Request().Context()
	sh, err := h.Front.Find(ctx, strings.ToLower(c.Param("slug")))
	if err != nil {
		return err
	}
	props, ok := formProps(ctx, sh)
	if !ok {
		return errNoForm
	}
	done := sh.URL + "/contact/sent"
	if web.Text(c, "website") != "" { // no person sees that field; who fills it is thanked and forgotten
		return c.Redirect(http.StatusSeeOther, done)
	}
	in := Input{web.Text(c, "name"), web.Text(c, "email"), web.Text(c, "message")}
	if _, err = in.check(); err == nil {
		err = h.limited(c, sh.ID, in.Email)
	}
	if err == nil {
		_, err = h.Service.Receive(ctx, sh.Shop, in)
	}
	switch errs.KindOf(err) {
	case "":
		return c.Redirect(http.StatusSeeOther, done)
	case errs.Invalid:
		props.Errors = web.FieldMessages(c, err)
	case errs.TooMany:
		props.Refused = web.Sentence(c, err)
	default:
		return err
	}
	props.Name, props.Email, props.Message = in.Name, in.Email, in.Message
	p := page(ctx, sh, props)
	p.Status = web.Status(err)
	return h.Front.Answer(c, sh, p)
}

func (h *Handler) limited(c echo.Context, shop id.Shop, email string) error {
	for _, l := range []struct {
		name, key string
		rate      web.Rate
	}{{"contact-sender", c.RealIP(), perSender}, {"contact-address", strings.ToLower(email), perAddress}, {"contact-shop", shop.String(), perShop}} {
		if err := web.Check(c, l.name, l.key, l.rate); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) list(c echo.Context) error {
	ctx := c.Request().Context()
	p := web.Who(c)
	before, _ := id.Parse[id.MessageKind](c.QueryParam("before"))
	ms, more, err := h.Service.List(ctx, storefronts.Who{User: p.ID, Shop: p.Shop}, before, 25)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	var props views.ListProps
	for _, m := range ms {
		props.Messages = append(props.Messages, views.MessageProps{ID: m.ID.String(), Name: m.Name, Email: m.Email, Body: m.Body, At: m.CreatedAt.In(zone).Format("2 January 2006, 15:04"),
			Reply: "mailto:" + url.PathEscape(m.Email)})
	}
	if more {
		props.More = "/app/messages?before=" + ms[len(ms)-1].ID.String()
	}
	lp := layout.Page{Title: text.T(ctx, "Messages"), Section: "you", Back: "/app/you", Shell: layout.Creator, NoIndex: true}
	return web.Page(c, http.StatusOK, lp, views.List(props))
}

// compose writes the mail. Everything the visitor wrote stands in its body, in the subject on one line, and in
// Reply-To, where nothing but a checked address comes through.
func compose(ctx context.Context, m Message, sh storefronts.Shop, to, locale, appURL string) (mail.Message, error) {
	ctx = text.With(ctx, locale)
	name := m.Name
	if name == "" {
		name = m.Email
	}
	p := views.MailProps{Title: text.T(ctx, "%s wrote to you", name), Shop: sh.Name, Name: name, Email: m.Email, Body: m.Body, URL: appURL + "/app/messages"}
	var b bytes.Buffer
	if err := views.Mail(p).Render(ctx, &b); err != nil {
		return mail.Message{}, err
	}
	return mail.Message{To: to, ReplyTo: m.Email, Subject: text.T(ctx, "%s wrote to %s", name, sh.Name), HTML: b.String(), Text: p.Text(ctx), ID: "message-" + m.ID.String()}, nil
}
