package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
)

// The installed app works without a connection. It keeps only answers that say so in offlineHeader, each under the
// tag of the person it was made for, and a write that it sends later says in personHeader whose it is.
const (
	offlineHeader = "X-Offline"
	personHeader  = "X-Person"
	replayHeader  = "X-Replay" // the write has waited on the device, which goes on keeping it until it is taken
)

// Kept names the only routes whose answers the installed app may keep. Everything else is never kept: what no list
// names, what is not 200, and what shows a sentence that is meant for one moment.
func (r *Router) Kept(routes ...string) {
	if r.kept == nil {
		r.kept = map[string]bool{}
	}
	for _, p := range routes {
		r.kept[p] = true
	}
}

// tag tells people and their shops apart on one device, and says nothing else about them.
func (r *Router) tag(p Person) string {
	if p.ID.IsZero() {
		return ""
	}
	return id.Derive(r.Config.SecretKey.Reveal(), "device", p.ID.String(), p.Shop.String())
}

// keep marks an answer that may be kept, and for whom.
func keep(c echo.Context, status int) {
	h := c.Response().Header()
	h.Del(offlineHeader)
	if r := routerOf(c); status == http.StatusOK && c.Request().Method == http.MethodGet && r.kept[c.Path()] && c.Get(momentary) == nil {
		if t := r.tag(Who(c)); t != "" {
			h.Set(offlineHeader, "ok")
			h.Set(personHeader, t)
		}
	}
}

const momentary = "web.momentary" // set in the echo context of a page that must not be seen twice

// asOf is the hour that a page says it was made at, for when it is seen later.
func asOf(p Person) string {
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return time.Now().In(zone).Format("15:04")
}

var errOther = echo.NewHTTPError(http.StatusPreconditionFailed)

// isMeant refuses what was written by somebody else than who is signed in now: another person's page in another tab,
// or their edits that waited for a connection.
func (r *Router) isMeant(c echo.Context, p Person) error {
	t := c.Request().Header.Get(personHeader)
	if guardPerson && t != "" && !p.ID.IsZero() && t != r.tag(p) {
		return errOther
	}
	if q := c.QueryParam(forParam); guardPerson && q != "" && !p.ID.IsZero() && q != r.tag(p) {
		return errElsewhere
	}
	return nil
}

// forParam says the same of a plain form: static/src/js/app.js adds it.
const forParam = "for"

var errElsewhere = errs.New(errs.Conflict, "You work on another shop now than when you opened this page, so nothing was saved. Go back, load the page again and look which shop it is.")
