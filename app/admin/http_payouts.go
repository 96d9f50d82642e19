package admin

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/payouts"
	"vitrine/app/web"
	view "vitrine/views/admin"
	"vitrine/views/text"
	"vitrine/views/ui"
)

func (h *Handler) payouts(c echo.Context) error {
	ctx := c.Request().Context()
	state := ""
	for _, s := range payoutStates {
		if s == c.QueryParam("state") {
			state = s
		}
	}
	all, err := h.Service.PayoutsIn(ctx, state)
	if err != nil {
		return err
	}
	counts, err := h.Service.PayoutStates(ctx)
	if err != nil {
		return err
	}
	choices := [][2]string{{"", text.T(ctx, "All that wait")}}
	for _, s := range payoutStates {
		choices = append(choices, [2]string{s, text.T(ctx, "%s (%d)", payoutPill(ctx, s).Label, counts[s])})
	}
	p := view.ListProps{Title: text.T(ctx, "Payouts"), Filters: []view.Filter{filter(text.T(ctx, "State"), "/admin/payouts", "state", state, choices)},
		EmptyTitle: text.T(ctx, "No payout waits"), Empty: text.T(ctx, "Payouts whose answer was lost, that came back or that somebody holds are listed here.")}
	for _, o := range all {
		r := ui.Row{ID: "payout-" + o.ID.String(), Href: payoutPath(o.ID), Title: text.T(ctx, "%s to %s", o.Amount().Format(), named(o)), Note: providerName(o.Provider),
			EndNote: h.ago(ctx, o.Since()), Pill: payoutPill(ctx, o.State)}
		if o.Failure != "" {
			r.Note = text.T(ctx, "%s · %s", providerName(o.Provider), o.Failure)
		}
		p.Rows = append(p.Rows, r)
	}
	return h.list(c, "payouts", p)
}

func named(p Payout) string {
	if p.Shop != "" {
		return p.Shop
	}
	return p.Name
}

func payoutPath(n id.Payout) string { return "/admin/payouts/" + n.String() }

func (h *Handler) showPayout(c echo.Context) error {
	return h.renderPayout(c, http.StatusOK, c.QueryParam("do"), "", nil)
}

func (h *Handler) renderPayout(c echo.Context, status int, do, typed string, problem error) error {
	ctx := c.Request().Context()
	n, err := payoutOf(c)
	if err != nil {
		return err
	}
	o, acts, err := h.Service.Payout(ctx, web.Who(c).ID, n)
	if err != nil {
		return err
	}
	p := h.presentPayout(ctx, o, acts)
	p.Do, p.Typed = do, typed
	if problem != nil {
		if p.Errors = web.FieldMessages(c, problem); len(p.Errors) == 0 {
			p.Refusal = web.Sentence(c, problem)
		}
	}
	return h.page(c, status, "payouts", p.Title, view.Show(p))
}

func payoutOf(c echo.Context) (id.Payout, error) {
	n, err := id.Parse[id.PayoutKind](c.Param("payout"))
	if err != nil {
		return n, errs.New(errs.NotFound, "There is no such payout.")
	}
	return n, nil
}

func (h *Handler) presentPayout(ctx context.Context, o Payout, acts []Act) view.ShowProps {
	p := view.ShowProps{Title: text.T(ctx, "%s · payout %d", o.Amount().Format(), o.Number), Lead: text.T(ctx, "To %s, %s old.", named(o), h.ago(ctx, o.CreatedAt)),
		Up: "/admin/payouts", UpLabel: text.T(ctx, "All payouts that wait"), State: payoutPill(ctx, o.State), Action: payoutPath(o.ID)}
	p.What, p.Next = payoutMeaning(ctx, o)
	add := func(label, value, href string) {
		if value != "" {
			p.Facts = append(p.Facts, view.Fact{Label: label, Value: value, Href: href, ID: "fact-" + strconv.Itoa(len(p.Facts))})
		}
	}
	add(text.T(ctx, "Creator"), o.Name, "")
	add(text.T(ctx, "Address"), o.Email, "mailto:"+url.PathEscape(o.Email))
	add(text.T(ctx, "Shop"), o.Shop, "")
	add(text.T(ctx, "Provider"), providerName(o.Provider), "")
	add(text.T(ctx, "To"), o.To, "")
	add(text.T(ctx, "Their number"), o.Ref, "")
	add(text.T(ctx, "Our number"), o.ID.String(), "")
	add(text.T(ctx, "Code"), o.Failure, "")
	add(text.T(ctx, "Reason"), o.Why, "")
	add(text.T(ctx, "Tries"), strconv.Itoa(o.Attempts), "")
	for _, t := range []struct {
		label string
		at    *time.Time
	}{{text.T(ctx, "Set aside"), &o.CreatedAt}, {text.T(ctx, "In doubt since"), o.Doubt}, {text.T(ctx, "Sent"), o.SentAt}, {text.T(ctx, "Looked up"), o.LookedAt},
		{text.T(ctx, "Stuck since"), o.StuckAt}, {text.T(ctx, "Ended"), o.EndedAt}} {
		if t.at != nil {
			add(t.label, h.local(*t.at), "")
		}
	}
	p.Ways = payoutWays(ctx, o)
	for _, a := range acts {
		m := view.Moment{Label: actionLabel(ctx, a.Action), Note: a.Why, Who: a.Who, When: h.local(a.At)}
		if m.Who == "" {
			m.Who = text.T(ctx, "Vitrine")
		}
		p.History = append(p.History, m)
	}
	p.History = append(p.History, view.Moment{Label: text.T(ctx, "Set aside"), Who: text.T(ctx, "Vitrine"), When: h.local(o.CreatedAt)})
	return p
}

// payoutWays are what an operator can do with a payout as it stands.
func payoutWays(ctx context.Context, o Payout) (out []view.Act) {
	reason := text.T(ctx, "Reason")
	release := view.Act{Name: "release", Label: text.T(ctx, "Release"), Button: text.T(ctx, "Release the payout"), Kind: "go", Field: reason, Says: text.T(ctx, "It is sent within a minute, whatever it was held for.")}
	hold := view.Act{Name: "hold", Label: text.T(ctx, "Hold"), Button: text.T(ctx, "Hold the payout"), Kind: "line", Field: reason, Says: text.T(ctx, "It stays until an operator lets it go. The creator is told that somebody looks, not why.")}
	cancel := view.Act{Name: "cancel", Label: text.T(ctx, "Cancel"), Button: text.T(ctx, "Cancel the payout"), Kind: "danger", Field: reason, Says: text.T(ctx, "The money goes back to the creator's balance and is part of the next payout.")}
	look := view.Act{Name: "look", Label: text.T(ctx, "Look up now"), Button: text.T(ctx, "Ask the provider now"), Kind: "line", Field: reason, Says: text.T(ctx, "The provider is asked how it stands, and what it answers is applied. Nothing is sent twice.")}
	switch {
	case o.State == "held" && o.Failure == "held_by_hand":
		return []view.Act{release, cancel}
	case o.State == "held":
		return []view.Act{release, hold, cancel}
	case o.State == "reserved" && o.Doubt == nil:
		return []view.Act{hold, cancel}
	case o.State == "unknown", o.State == "sending", o.State == "failed", o.State == "sent", o.State == "paid", o.State == "reserved":
		return []view.Act{look}
	}
	return nil
}

// decide does what an operator has decided about a payout. All of it needs a reason.
func (h *Handler) decide(what string) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		n, err := payoutOf(c)
		if err != nil {
			return err
		}
		why, err := words(web.Text(c, "reason"))
		if err == nil {
			err = h.Service.decide(ctx, payouts.Who{User: web.Who(c).ID, Email: web.Who(c).Email, Why: why}, n, what)
		}
		if refused(err) {
			return h.renderPayout(c, web.Status(err), what, web.Text(c, "reason"), err)
		}
		if err != nil {
			return err
		}
		web.Flash(c, map[string]string{
			"hold": text.T(ctx, "The payout is held."), "release": text.T(ctx, "The payout is let go. It leaves within a minute."),
			"cancel": text.T(ctx, "The payout is canceled. The money is in the creator's balance."), "look": text.T(ctx, "The provider was asked. What it said stands below."),
		}[what])
		return web.SeeOther(c, payoutPath(n))
	}
}

func (s *Service) decide(ctx context.Context, who payouts.Who, n id.Payout, what string) error {
	switch what {
	case "hold":
		return s.Payouts.Hold(ctx, who, n)
	case "release":
		return s.Payouts.Release(ctx, who, n)
	case "cancel":
		return s.Payouts.Cancel(ctx, who, n)
	}
	err := s.Payouts.Look(ctx, who, n)
	if err == nil || refused(err) || errs.Is(err, errs.NotFound) {
		return err
	}
	slog.WarnContext(ctx, "payout not looked up", "payout", n, "err", err)
	return errs.New(errs.Conflict, "The provider does not answer just now. It is asked again by itself.")
}
