package admin

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/refunds"
	view "vitrine/views/admin"
	"vitrine/views/text"
	"vitrine/views/ui"
)

func (h *Handler) requests(c echo.Context) error {
	ctx := c.Request().Context()
	all := c.QueryParam("all") != ""
	rows, err := h.Service.Requests(ctx, all)
	if err != nil {
		return err
	}
	current := ""
	if all {
		current = "1"
	}
	p := view.ListProps{Title: text.T(ctx, "Refund requests"), Lead: text.T(ctx, "Buyers who have asked a creator for their money and have heard nothing. Write to the creator; after seven days the answer is yours."),
		Filters:    []view.Filter{filter(text.T(ctx, "Show"), "/admin/refunds", "all", current, [][2]string{{"", text.T(ctx, "Older than three days")}, {"1", text.T(ctx, "All open ones")}})},
		EmptyTitle: text.T(ctx, "Every buyer has an answer"), Empty: text.T(ctx, "Requests that a creator does not answer within three days come here.")}
	for _, r := range rows {
		row := ui.Row{ID: "request-" + r.Order.String(), Href: "mailto:" + r.Email, Title: text.T(ctx, "Order %d of %s", r.Number, r.Shop), End: money.Amount{Minor: r.Left, Currency: r.Currency}.Format(),
			Note: text.T(ctx, "%s · write to %s", refunds.RequestReason(ctx, r.Reason), r.Email), EndNote: h.ago(ctx, r.CreatedAt)}
		if h.Service.DB.Now().Sub(r.CreatedAt) > refunds.Late {
			row.Pill = ui.Pill{Label: text.T(ctx, "too long"), Tone: "bad"}
		}
		p.Rows = append(p.Rows, row)
	}
	return h.list(c, "refunds", p)
}

func (h *Handler) disputes(c echo.Context) error {
	ctx := c.Request().Context()
	all := c.QueryParam("all") != ""
	rows, err := h.Service.DisputesDue(ctx, all)
	if err != nil {
		return err
	}
	current := ""
	if all {
		current = "1"
	}
	p := view.ListProps{Title: text.T(ctx, "Disputes"), Lead: text.T(ctx, "Creators answer them; what nobody answers is answered with what is known before the deadline."),
		Filters:    []view.Filter{filter(text.T(ctx, "Show"), "/admin/disputes", "all", current, [][2]string{{"", text.T(ctx, "Due within two days")}, {"1", text.T(ctx, "All that wait")}})},
		EmptyTitle: text.T(ctx, "No dispute is due"), Empty: text.T(ctx, "Disputes without an answer come here two days before their deadline.")}
	now := h.Service.DB.Now()
	for _, d := range rows {
		r := ui.Row{ID: "dispute-" + d.ID.String(), Href: "mailto:" + d.Email, Title: text.T(ctx, "%s · %s", d.Shop, strings.ReplaceAll(d.Reason, "_", " ")),
			End: money.Amount{Minor: d.Minor, Currency: d.Currency}.Format(), Note: text.T(ctx, "%s %s · write to %s", providerName(d.Provider), d.Ref, d.Email), EndNote: text.T(ctx, "no deadline")}
		if d.DueAt != nil {
			r.EndNote = text.T(ctx, "due in %s", span(ctx, d.DueAt.Sub(now)))
			if d.DueAt.Before(now) {
				r.EndNote, r.Pill = text.T(ctx, "due %s ago", span(ctx, now.Sub(*d.DueAt))), ui.Pill{Label: text.T(ctx, "too late"), Tone: "bad"}
			}
		}
		if d.Answer == "failed" {
			r.Pill = ui.Pill{Label: text.T(ctx, "could not be sent"), Tone: "bad"}
		}
		p.Rows = append(p.Rows, r)
	}
	return h.list(c, "admin", p)
}

func (h *Handler) checks(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := h.Service.ChecksKept(ctx)
	if err != nil {
		return err
	}
	p := view.ListProps{Title: text.T(ctx, "Checks of the book"), Lead: text.T(ctx, "Every hour the whole book is checked against itself, orders, payouts and the providers' accounts."),
		EmptyTitle: text.T(ctx, "No check yet"), Empty: text.T(ctx, "The first one comes within an hour of the start.")}
	for i, k := range all {
		f := view.Fact{ID: "check-" + strconv.Itoa(i), Label: text.T(ctx, "%s: adds up. %d entries, %d lines, %d ms.", h.local(k.At), k.Entries, k.Lines, k.Took.Milliseconds()), Value: text.T(ctx, "right")}
		switch {
		case k.Trouble != "":
			f.Label, f.Value = text.T(ctx, "%s: could not be made. %s", h.local(k.At), k.Trouble), text.T(ctx, "failed")
		case k.Wrong > 0:
			f.Label, f.Value, f.More = text.T(ctx, "%s: does not add up.", h.local(k.At)), text.N(ctx, k.Wrong, "%d finding", "%d findings"), k.Findings
		}
		p.Bare = append(p.Bare, f)
	}
	return h.list(c, "admin", p)
}

func (h *Handler) runs(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := h.Service.Runs(ctx)
	if err != nil {
		return err
	}
	p := view.ListProps{Title: text.T(ctx, "Comparisons of accounts"), Lead: text.T(ctx, "Every night each provider's account is compared with the book, both ways."),
		EmptyTitle: text.T(ctx, "No comparison yet"), Empty: text.T(ctx, "The first one comes after the start, then every night.")}
	for _, r := range all {
		f := view.Fact{ID: "run-" + r.Provider + "-" + r.Day.Format("2006-01-02"), Label: text.T(ctx, "%s, %s: %d lines, %d entries.", r.Day.Format("2 Jan 2006"), providerName(r.Provider), r.Lines, r.Entries),
			Value: text.T(ctx, "agrees")}
		switch {
		case r.DoneAt == nil && r.Trouble != "":
			f.Label, f.Value = f.Label+" "+r.Trouble, text.T(ctx, "does not finish")
		case r.DoneAt == nil:
			f.Value = text.T(ctx, "under way")
		case r.Differences > 0:
			f.Value, f.Href = text.N(ctx, r.Differences, "%d difference", "%d differences"), "/admin/cases?kind=difference"
		}
		p.Bare = append(p.Bare, f)
	}
	return h.list(c, "admin", p)
}

func (h *Handler) queues(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := h.Service.Queues(ctx)
	if err != nil {
		return err
	}
	p := view.ListProps{Title: text.T(ctx, "What waits"), Lead: text.T(ctx, "Events that are not applied, jobs that are due, and jobs that were given up after their last try."),
		EmptyTitle: text.T(ctx, "Nothing waits"), Empty: text.T(ctx, "Workers have done all that is due.")}
	for i, w := range all {
		label := map[string]string{"inbox": text.T(ctx, "Event %s", w.Kind), "outbox": text.T(ctx, "Job %s", w.Kind), "dead": text.T(ctx, "Given up: %s. %s", w.Kind, w.Error)}[w.Queue]
		p.Bare = append(p.Bare, view.Fact{ID: "queue-" + strconv.Itoa(i), Label: label, Value: text.T(ctx, "%d, oldest %s", w.N, h.ago(ctx, w.Oldest))})
	}
	return h.list(c, "admin", p)
}

const logPage = 100

func (h *Handler) log(c echo.Context) error {
	ctx := c.Request().Context()
	who := c.QueryParam("who")
	if who != "all" && who != "views" {
		who = ""
	}
	before, _ := id.Parse[id.EntryKind](c.QueryParam("before"))
	all, err := h.Service.Log(ctx, who, before, logPage+1)
	if err != nil {
		return err
	}
	p := view.ListProps{Title: text.T(ctx, "Audit log"), Filters: []view.Filter{filter(text.T(ctx, "Who"), "/admin/audit", "who", who, [][2]string{{"", text.T(ctx, "Operators")}, {"views", text.T(ctx, "Looked at")}, {"all", text.T(ctx, "Everybody")}})},
		EmptyTitle: text.T(ctx, "Nothing was done yet"), Empty: text.T(ctx, "Every act of an operator is listed here and can be neither changed nor removed.")}
	if len(all) > logPage {
		all = all[:logPage]
		p.More = "/admin/audit?" + url.Values{"who": {who}, "before": {all[logPage-1].ID.String()}}.Encode()
	}
	for _, a := range all {
		name := a.Who
		if name == "" {
			name = text.T(ctx, "Vitrine")
		}
		f := view.Fact{ID: "act-" + a.ID.String(), Label: text.T(ctx, "%s: %s, %s", name, actionLabel(ctx, a.Action), shortSubject(a.Subject)), Value: h.local(a.At), Href: subjectHref(a.Subject)}
		if a.Why != "" {
			f.Label = text.T(ctx, "%s. Reason: %s", f.Label, a.Why)
		}
		p.Bare = append(p.Bare, f)
	}
	return h.list(c, "admin", p)
}

// subjectHref leads to what an act was about, where that has a page here.
func subjectHref(subject string) string {
	kind, n, _ := strings.Cut(subject, ":")
	switch kind {
	case "case":
		return "/admin/cases/" + n
	case "payout":
		return "/admin/payouts/" + n
	case "order":
		return "/admin/risk/decisions?order=" + n
	}
	return ""
}

// shortSubject is what an act was about, with the end of its number.
func shortSubject(subject string) string {
	kind, n, ok := strings.Cut(subject, ":")
	if !ok || len(n) < 12 {
		return subject
	}
	return kind + " …" + n[len(n)-6:]
}
