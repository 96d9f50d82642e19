package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// IsFragment reports whether htmx asked for a part of a page.
func IsFragment(c echo.Context) bool {
	h := c.Request().Header
	return h.Get("HX-Request") == "true" && h.Get("HX-Boosted") != "true" && h.Get("HX-History-Restore-Request") != "true"
}

// Page sends main alone to htmx and inside its layout to everyone else.
func Page(c echo.Context, status int, p layout.Page, main templ.Component) error {
	if IsFragment(c) {
		return Fragment(c, status, main)
	}
	fill(c, &p)
	ctx := templ.WithChildren(c.Request().Context(), main)
	return send(c, status, func(b *bytes.Buffer) error { return p.Shell(p).Render(ctx, b) })
}

// fill completes what every layout shows of the person and the place.
func fill(c echo.Context, p *layout.Page) {
	r, who := routerOf(c), Who(c)
	if p.Shell == nil {
		p.Shell = layout.Plain
	}
	p.Flash = takeFlash(c)
	p.AppURL = r.Config.AppURL
	p.Path = c.Request().URL.Path
	p.Person = layout.Person{ID: "", Name: who.Name, ShopName: who.ShopName}
	if who.Verified { // until then pages are the same for every address that was typed
		p.Person.ID = r.tag(who)
	}
	if p.Flash != "" {
		c.Set(momentary, true)
	}
	p.AsOf = asOf(who)
	if who.ShopSlug != "" {
		p.Person.ShopURL = r.Config.ShopURL + "/@" + who.ShopSlug
	}
	if r.Config.Dev {
		p.InboxURL = r.Config.InboxURL
	}
}

// Fragment sends the target followed by any out-of-band parts.
func Fragment(c echo.Context, status int, parts ...templ.Component) error {
	return send(c, status, func(b *bytes.Buffer) error {
		for _, p := range parts {
			if err := p.Render(c.Request().Context(), b); err != nil {
				return err
			}
		}
		return nil
	})
}

func send(c echo.Context, status int, render func(*bytes.Buffer) error) error {
	b := templ.GetBuffer()
	defer templ.ReleaseBuffer(b)
	if err := render(b); err != nil {
		return err
	}
	c.Response().Header().Add(echo.HeaderVary, "HX-Request")
	keep(c, status)
	return c.HTMLBlob(status, b.Bytes())
}

// SeeOther sends the person on after a write, whichever browser asked.
func SeeOther(c echo.Context, url string) error { return SeeOtherStatus(c, http.StatusNoContent, url) }

// SeeOtherStatus is SeeOther with the status that htmx hears; htmx follows on any.
func SeeOtherStatus(c echo.Context, status int, url string) error {
	if c.Request().Header.Get("HX-Request") == "true" {
		c.Response().Header().Set("HX-Redirect", url)
		return c.NoContent(status)
	}
	return c.Redirect(http.StatusSeeOther, url)
}

// Toast lets the page show a sentence; undo is where its Undo button posts to, or empty.
func Toast(c echo.Context, message, undo string) {
	m := map[string]any{"toast": map[string]string{"text": message, "undo": undo}}
	b, err := json.Marshal(m)
	if err == nil {
		c.Response().Header().Set("HX-Trigger", asciiJSON(b))
	}
}

// asciiJSON escapes what a header may not hold.
func asciiJSON(b []byte) string {
	var s strings.Builder
	for _, r := range string(b) {
		if r < 0x80 {
			s.WriteRune(r)
			continue
		}
		q := []byte(`\u`)
		for _, u := range utf16(r) {
			s.Write(q)
			s.WriteString(hex4(u))
		}
	}
	return s.String()
}

func utf16(r rune) []rune {
	if r < 0x10000 {
		return []rune{r}
	}
	r -= 0x10000
	return []rune{0xd800 + r>>10, 0xdc00 + r&0x3ff}
}

func hex4(r rune) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15]})
}

var statuses = map[errs.Kind]int{
	errs.Invalid: http.StatusUnprocessableEntity, errs.NotFound: http.StatusNotFound, errs.Gone: http.StatusGone,
	errs.Conflict: http.StatusConflict, errs.Unauthorized: http.StatusUnauthorized, errs.Forbidden: http.StatusForbidden,
	errs.TooMany: http.StatusTooManyRequests, errs.TooLarge: http.StatusRequestEntityTooLarge,
	errs.Unavailable: http.StatusServiceUnavailable, errs.Internal: http.StatusInternalServerError,
}

// Status is the HTTP status for an error.
func Status(err error) int {
	var he *echo.HTTPError
	if errors.As(err, &he) {
		return he.Code
	}
	return statuses[errs.KindOf(err)]
}

// HandleError answers what no handler has answered: JSON for the API, a toast for htmx, a page for people.
// Causes go to the log, never to the answer.
func HandleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return // the visitor has left
	}
	status := Status(err)
	if status >= 500 {
		slog.ErrorContext(c.Request().Context(), "request failed", "request", RequestID(c), "route", c.Path(), "status", status, "err", err)
	}
	var answer error
	switch {
	case strings.HasPrefix(c.Request().URL.Path, "/api/"):
		answer = JSONError(c, status, err)
	case c.Request().Method == http.MethodHead:
		answer = c.NoContent(status)
	case IsFragment(c):
		Toast(c, Sentence(c, err), "")
		answer = c.NoContent(status)
	default:
		answer = errorPage(c, status, err)
	}
	if answer != nil {
		slog.ErrorContext(c.Request().Context(), "error page failed", "request", RequestID(c), "err", answer)
	}
}

// Sentence is what a person may read of err, in their language.
func Sentence(c echo.Context, err error) string {
	ctx := c.Request().Context()
	var he *echo.HTTPError
	if errors.As(err, &he) {
		switch he.Code {
		case http.StatusNotFound:
			return text.T(ctx, "There is nothing at this address.")
		case http.StatusMethodNotAllowed:
			return text.T(ctx, "This address cannot be used in that way.")
		case http.StatusRequestEntityTooLarge:
			return text.T(ctx, "That is too large.")
		case http.StatusPreconditionFailed:
			return text.T(ctx, "Someone else is signed in here now. Load the page again.")
		}
	}
	msg, args := errs.Public(err)
	return text.T(ctx, msg, args...)
}

// FieldMessages are the messages beside form fields, in the language of the page.
func FieldMessages(c echo.Context, err error) map[string]string {
	out := map[string]string{}
	for _, f := range errs.Fields(err) {
		out[f.Name] = text.T(c.Request().Context(), f.Message, f.Args...)
	}
	return out
}

func errorPage(c echo.Context, status int, err error) error {
	ctx := c.Request().Context()
	p := layout.Page{Title: text.T(ctx, errorTitle(status)), NoIndex: true, Shell: layout.Plain}
	if HostOf(c) != App {
		c.Response().Header().Set("Cache-Control", "no-store")
		p.Bare = true // no file of another host may be named on this page
	} else {
		fill(c, &p)
	}
	p.AppURL = routerOf(c).Config.AppURL
	main := layout.Problem(layout.ProblemProps{Status: status, Title: p.Title, Message: Sentence(c, err), Reference: reference(c, status), Home: p.AppURL})
	ctx = templ.WithChildren(ctx, main)
	return send(c, status, func(b *bytes.Buffer) error { return p.Shell(p).Render(ctx, b) })
}

func reference(c echo.Context, status int) string {
	if status < 500 {
		return ""
	}
	return RequestID(c)
}

func errorTitle(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Not found"
	case http.StatusGone:
		return "Gone"
	case http.StatusForbidden:
		return "Not allowed"
	case http.StatusUnauthorized:
		return "Please sign in"
	case http.StatusTooManyRequests:
		return "A moment, please"
	case http.StatusServiceUnavailable:
		return "Back in a moment"
	case http.StatusConflict:
		return "That has changed"
	case http.StatusUnprocessableEntity:
		return "That cannot be used"
	}
	return "Something went wrong"
}

// JSONError is the API's answer to an error.
func JSONError(c echo.Context, status int, err error) error {
	kind := errs.KindOf(err)
	var he *echo.HTTPError
	if errors.As(err, &he) {
		kind = errs.NotFound
		if he.Code != http.StatusNotFound {
			kind = errs.Invalid
		}
	}
	body := map[string]any{"kind": kind, "message": Sentence(c, err)}
	if f := FieldMessages(c, err); len(f) > 0 {
		body["fields"] = f
	}
	return c.JSON(status, map[string]any{"error": body})
}
