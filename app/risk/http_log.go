package risk

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/web"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/risk"
)

// log lists the decisions of the rules; ?order leads to the one on an order.
func (h *Handler) log(c echo.Context) error {
	ctx := c.Request().Context()
	if o, err := id.Parse[id.OrderKind](c.QueryParam("order")); err == nil {
		d, err := h.Service.DecisionOf(ctx, h.Service.DB, o)
		if err != nil {
			return err
		}
		return web.SeeOther(c, "/admin/risk/decisions/"+d.ID.String())
	}
	v := Verdict(c.QueryParam("v"))
	if v != Allowed && v != Flagged && v != Blocked {
		v = ""
	}
	before, _ := id.Parse[id.CaseKind](c.QueryParam("before"))
	all, err := h.Service.Decisions(ctx, v, before)
	if err != nil {
		return err
	}
	p := view.LogProps{Nav: h.nav(ctx, "/admin/risk/decisions")}
	if len(all) > pageSize {
		all = all[:pageSize]
		p.More = "/admin/risk/decisions?" + url.Values{"v": {string(v)}, "before": {all[pageSize-1].ID.String()}}.Encode()
	}
	for _, o := range [][2]string{{"", "All"}, {string(Allowed), "Allowed"}, {string(Flagged), "Flagged"}, {string(Blocked), "Blocked"}} {
		p.Filters = append(p.Filters, ui.Option{Value: o[0], Label: text.T(ctx, o[1]), Selected: o[0] == string(v)})
		p.Hrefs = append(p.Hrefs, "/admin/risk/decisions?v="+o[0])
	}
	for _, d := range all {
		note := text.T(ctx, "No rule has spoken.")
		if len(d.Reasons) > 0 {
			note = d.Reasons[0].Sentence(ctx)
		}
		p.Rows = append(p.Rows, ui.Row{ID: "decision-" + d.ID.String(), Href: "/admin/risk/decisions/" + d.ID.String(), Icon: "search", Title: subject(ctx, d),
			Note: note, End: money.Amount{Minor: d.Inputs.Total, Currency: d.Inputs.Currency}.Format(), EndNote: h.local(d.At), Pill: d.Verdict.pill(ctx)})
	}
	return h.page(c, http.StatusOK, text.T(ctx, "Decisions of the rules"), view.Log(p))
}

func (h *Handler) decision(c echo.Context) error {
	ctx := c.Request().Context()
	n, err := id.Parse[id.CaseKind](c.Param("decision"))
	if err != nil {
		return errNoDecision
	}
	d, err := h.Service.Decision(ctx, n)
	if err != nil {
		return err
	}
	again, _, err := h.Service.Replay(ctx, d)
	if err != nil && err != errNoRules {
		return err
	}
	today, why := Current().Evaluate(d.Inputs)
	p := view.DecisionProps{Title: subject(ctx, d), Lead: h.local(d.At), Verdict: d.Verdict.pill(ctx), Reasons: sentences(ctx, d.Reasons),
		Rules: text.T(ctx, "Rules, version %d", d.Rules), Today: text.T(ctx, "Version %d: %s.", Current().Version, today.pill(ctx).Label), TodayReasons: sentences(ctx, why)}
	p.Replay, p.ReplayTone = replayed(ctx, d.Verdict, again)
	for _, l := range inputLines(ctx, d.Inputs) {
		p.Inputs = append(p.Inputs, view.Fact{Label: l[0], Value: l[1]})
	}
	if !d.Order.IsZero() {
		r, err := h.Service.OfOrder(ctx, h.Service.DB, d.Order)
		if err == nil {
			p.Review = path(r.ID)
		} else if !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return h.page(c, http.StatusOK, p.Title, view.Decision(p))
}

// blocks is the blocklist.
func (h *Handler) blocks(c echo.Context) error {
	return h.blocksPage(c, http.StatusOK, "")
}

func (h *Handler) blocksPage(c echo.Context, status int, refusal string) error {
	ctx := c.Request().Context()
	over := c.QueryParam("over") != ""
	before, _ := id.Parse[id.CaseKind](c.QueryParam("before"))
	all, err := h.Service.Blocks(ctx, !over, before)
	if err != nil {
		return err
	}
	p := view.BlocksProps{Nav: h.nav(ctx, "/admin/risk/blocks"), Over: over, Refusal: refusal}
	if len(all) > pageSize {
		all = all[:pageSize]
		q := url.Values{"before": {all[pageSize-1].ID.String()}}
		if over {
			q.Set("over", "1")
		}
		p.More = "/admin/risk/blocks?" + q.Encode()
	}
	now := h.Service.DB.Now()
	for _, b := range all {
		r := view.BlockRow{ID: b.ID.String(), What: b.Kind.thing(ctx) + " " + b.Short(), Why: text.T(ctx, "Because: %s.", whyWord(ctx, b.Why)), Since: text.T(ctx, "since %s", h.local(b.CreatedAt)),
			Until: text.T(ctx, "for good"), By: text.T(ctx, "by %s", h.decider(ctx, b.By))}
		if b.Until != nil {
			r.Until = text.T(ctx, "until %s", h.local(*b.Until))
		}
		if b.Active(now) {
			r.Lift = "/admin/risk/blocks/" + b.ID.String() + "/lift"
		}
		if b.LiftedAt != nil {
			r.Lifted = text.T(ctx, "Lifted %s by %s: %s", h.local(*b.LiftedAt), h.decider(ctx, b.LiftedBy), b.LiftedWhy)
		}
		p.Rows = append(p.Rows, r)
	}
	return h.page(c, status, text.T(ctx, "Blocklist"), view.Blocks(p))
}

func (h *Handler) lift(c echo.Context) error {
	b, err := id.Parse[id.CaseKind](c.Param("block"))
	if err != nil {
		return errs.New(errs.NotFound, "There is no such block.")
	}
	err = h.Service.Lift(c.Request().Context(), web.Who(c).ID, b, web.Text(c, "reason"))
	if k := errs.KindOf(err); k == errs.Invalid || k == errs.Conflict {
		return h.blocksPage(c, web.Status(err), web.Sentence(c, err))
	}
	if err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "The block is lifted."))
	return web.SeeOther(c, "/admin/risk/blocks")
}
