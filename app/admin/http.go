package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/web"
	view "vitrine/views/admin"
	"vitrine/views/layout"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// Handler is the operator's area, but for the review desk.
type Handler struct{ Service *Service }

func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/admin", web.Admin)
	g.GET("", h.overview)
	g.GET("/cases", h.cases)
	g.GET("/cases.csv", h.casesCSV)
	g.GET("/cases/:case", h.showCase)
	g.POST("/cases/:case/close", h.closeCase)
	g.POST("/cases/:case/note", h.noteCase)
	g.POST("/cases/:case/take", h.takeCase)
	g.POST("/cases/:case/drop", h.dropCase)
	g.POST("/cases/:case/compare", h.compareCase, web.Limit("admin-compare", web.Rate{N: 20, Per: time.Minute}))
	g.GET("/payouts", h.payouts)
	g.GET("/payouts/:payout", h.showPayout)
	g.POST("/payouts/:payout/hold", h.decide("hold"))
	g.POST("/payouts/:payout/release", h.decide("release"))
	g.POST("/payouts/:payout/cancel", h.decide("cancel"))
	g.POST("/payouts/:payout/look", h.decide("look"), web.Limit("admin-look", web.Rate{N: 20, Per: time.Minute}))
	g.GET("/refunds", h.requests)
	g.GET("/disputes", h.disputes)
	g.GET("/checks", h.checks)
	g.GET("/reconciliations", h.runs)
	g.GET("/queues", h.queues)
	g.GET("/audit", h.log)
}

func (h *Handler) page(c echo.Context, status int, section, title string, main templ.Component) error {
	return web.Page(c, status, layout.Page{Title: title, Section: section, NoIndex: true, Wide: true, Shell: layout.Admin}, main)
}

// list draws a list. That it was looked at is noted: lists say who is paid what.
func (h *Handler) list(c echo.Context, section string, p view.ListProps) error {
	if err := h.Service.viewed(c.Request().Context(), web.Who(c).ID, c.Request().URL.Path); err != nil {
		return err
	}
	return h.page(c, http.StatusOK, section, p.Title, view.List(p))
}

func (h *Handler) local(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(h.Service.zone()).Format("2 Jan 2006, 15:04 MST")
}

// ago is how long something has been so.
func (h *Handler) ago(ctx context.Context, t time.Time) string {
	return span(ctx, h.Service.DB.Now().Sub(t))
}

// filter is a row of choices of which one is current.
func filter(label, path, name, current string, choices [][2]string) view.Filter {
	f := view.Filter{Label: label}
	for _, o := range choices {
		href := path
		if o[0] != "" {
			href += "?" + name + "=" + o[0]
		}
		f.Options = append(f.Options, ui.Option{Value: name + "-" + o[0], Label: o[1], Selected: o[0] == current})
		f.Hrefs = append(f.Hrefs, href)
	}
	return f
}

// refused reports whether a person can do something about what went wrong.
func refused(err error) bool {
	k := errs.KindOf(err)
	return k == errs.Invalid || k == errs.Conflict
}

func (h *Handler) overview(c echo.Context) error {
	ctx := c.Request().Context()
	o, err := h.Service.Look(ctx)
	if err != nil {
		return err
	}
	p := view.OverviewProps{Groups: []view.Group{
		{Title: text.T(ctx, "Needs somebody"), Rows: h.needs(ctx, o)},
		{Title: text.T(ctx, "Payouts that wait"), Rows: h.stuck(ctx, o)},
		{Title: text.T(ctx, "The book"), Rows: h.book(ctx, o)},
		{Title: text.T(ctx, "What waits for a worker"), Rows: h.backlog(ctx, o)},
	}}
	bad := 0
	for _, g := range p.Groups {
		for _, r := range g.Rows {
			if r.Pill.Tone == "bad" {
				bad++
			}
		}
	}
	switch {
	case bad > 0:
		p.Tone, p.Lead = "bad", text.N(ctx, bad, "%d thing needs you now.", "%d things need you now.")
	case o.Cases.N+o.Reviews.N+o.Unknown.N+o.Failed.N+o.Held.N+o.Requests.N+o.Disputes.N > 0:
		p.Tone, p.Lead = "lamp", text.T(ctx, "Nothing burns. What waits is listed below.")
	default:
		p.Tone, p.Lead = "good", text.T(ctx, "Nothing needs you. The book adds up and the accounts agree with it.")
	}
	return h.page(c, http.StatusOK, "admin", text.T(ctx, "Overview"), view.Overview(p))
}

// figure is a row of the overview: how many, the money, and the age of the oldest.
func (h *Handler) figure(ctx context.Context, id, title, href string, n Count, limit time.Duration) ui.Row {
	r := ui.Row{ID: "fig-" + id, Title: title, Href: href, End: text.N(ctx, n.N, "%d", "%d"), EndNote: sums(n.Sums)}
	if n.N == 0 {
		r.Note = text.T(ctx, "none")
		return r
	}
	r.Note = text.T(ctx, "oldest %s", h.ago(ctx, n.Oldest))
	if limit > 0 && h.Service.DB.Now().Sub(n.Oldest) > limit {
		r.Pill = ui.Pill{Label: text.T(ctx, "too long"), Tone: "bad"}
	}
	return r
}

func (h *Handler) needs(ctx context.Context, o Overview) []ui.Row {
	disputes := h.figure(ctx, "disputes", text.T(ctx, "Disputes due within two days"), "/admin/disputes", o.Disputes, 0)
	if now := h.Service.DB.Now(); o.Disputes.N > 0 {
		disputes.Note = text.T(ctx, "the first in %s", span(ctx, o.Disputes.Oldest.Sub(now)))
		if o.Disputes.Oldest.Before(now.Add(24 * time.Hour)) {
			disputes.Pill = ui.Pill{Label: text.T(ctx, "soon"), Tone: "bad"}
		}
	}
	return []ui.Row{
		h.figure(ctx, "cases", text.T(ctx, "Open cases"), "/admin/cases", o.Cases, 24*time.Hour),
		h.figure(ctx, "reviews", text.T(ctx, "Orders in review"), "/admin/risk", o.Reviews, 48*time.Hour),
		disputes,
		h.figure(ctx, "requests", text.T(ctx, "Refund requests without an answer for three days"), "/admin/refunds", o.Requests, 7*24*time.Hour),
	}
}

func (h *Handler) stuck(ctx context.Context, o Overview) []ui.Row {
	return []ui.Row{
		h.figure(ctx, "unknown", text.T(ctx, "Unknown: the answer was lost"), "/admin/payouts?state=unknown", o.Unknown, unsure),
		h.figure(ctx, "failed", text.T(ctx, "Failed: the money is being brought back"), "/admin/payouts?state=failed", o.Failed, 24*time.Hour),
		h.figure(ctx, "held", text.T(ctx, "Held: somebody must look"), "/admin/payouts?state=held", o.Held, 72*time.Hour),
	}
}

// book is whether the book is right, and since when that is known.
func (h *Handler) book(ctx context.Context, o Overview) []ui.Row {
	now := h.Service.DB.Now()
	check := ui.Row{ID: "fig-check", Title: text.T(ctx, "Check of the whole book"), Href: "/admin/checks"}
	switch k := o.Check; {
	case k.At.IsZero():
		check.Note, check.Pill = text.T(ctx, "not made yet"), ui.Pill{Label: text.T(ctx, "missing"), Tone: "lamp"}
	case k.Trouble != "":
		check.Note, check.Pill = text.T(ctx, "could not be made, %s ago", h.ago(ctx, k.At)), ui.Pill{Label: text.T(ctx, "failed"), Tone: "bad"}
	case k.Wrong > 0:
		check.End, check.Note, check.Pill = text.N(ctx, k.Wrong, "%d finding", "%d findings"), text.T(ctx, "%s ago", h.ago(ctx, k.At)), ui.Pill{Label: text.T(ctx, "wrong"), Tone: "bad"}
	default:
		check.Note, check.Pill = text.T(ctx, "%s ago, %d entries", h.ago(ctx, k.At), k.Entries), ui.Pill{Label: text.T(ctx, "adds up"), Tone: "good"}
	}
	if !o.Check.At.IsZero() && now.Sub(o.Check.At) > stale {
		check.Pill = ui.Pill{Label: text.T(ctx, "too old"), Tone: "bad"}
	}
	rows := []ui.Row{check}
	for _, r := range o.Runs {
		row := ui.Row{ID: "fig-run-" + r.Provider, Title: text.T(ctx, "Account at %s", providerName(r.Provider)), Href: "/admin/reconciliations"}
		switch {
		case r.StartedAt.IsZero():
			row.Note, row.Pill = text.T(ctx, "not compared yet"), ui.Pill{Label: text.T(ctx, "missing"), Tone: "lamp"}
		case r.DoneAt == nil:
			row.Note, row.Pill = text.T(ctx, "begun %s ago", h.ago(ctx, r.StartedAt)), ui.Pill{Label: text.T(ctx, "under way")}
		case r.Differences > 0:
			row.Href, row.End = "/admin/cases?kind=difference", text.N(ctx, r.Differences, "%d difference", "%d differences")
			row.Note, row.Pill = text.T(ctx, "compared %s ago", h.ago(ctx, *r.DoneAt)), ui.Pill{Label: text.T(ctx, "differs"), Tone: "bad"}
		default:
			row.Note, row.Pill = text.T(ctx, "compared %s ago, %d lines", h.ago(ctx, *r.DoneAt), r.Lines), ui.Pill{Label: text.T(ctx, "agrees"), Tone: "good"}
		}
		if r.DoneAt != nil && now.Sub(*r.DoneAt) > overdue || r.Trouble != "" {
			row.Pill = ui.Pill{Label: text.T(ctx, "too old"), Tone: "bad"}
			if r.Trouble != "" {
				row.Pill.Label = text.T(ctx, "does not finish")
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func (h *Handler) backlog(ctx context.Context, o Overview) []ui.Row {
	dead := h.figure(ctx, "dead", text.T(ctx, "Jobs that were given up"), "/admin/queues", o.Dead, 0)
	if o.Dead.N > 0 {
		dead.Pill = ui.Pill{Label: text.T(ctx, "look"), Tone: "bad"}
	}
	return []ui.Row{
		h.figure(ctx, "inbox", text.T(ctx, "Events of providers"), "/admin/queues", o.Inbox, backlog),
		h.figure(ctx, "outbox", text.T(ctx, "Jobs that are due"), "/admin/queues", o.Outbox, backlog),
		dead,
		{ID: "fig-log", Title: text.T(ctx, "Audit log"), Note: text.T(ctx, "what operators did"), Href: "/admin/audit"},
	}
}
