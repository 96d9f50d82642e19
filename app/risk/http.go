package risk

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/risk"
)

// Handler is the desk at /admin/risk.
type Handler struct {
	Service *Service
	Shell   func(layout.Page) templ.Component // the frame of operators' pages
	Zone    *time.Location                    // of the instance; nil: UTC
}

func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/admin/risk", web.Admin)
	g.GET("", h.queue)
	g.GET("/blocks", h.blocks)
	g.POST("/blocks/:block/lift", h.lift)
	g.GET("/decisions", h.log)
	g.GET("/decisions/:decision", h.decision)
	g.GET("/:review", h.show)
	g.POST("/:review/approve", h.choose(Approve))
	g.POST("/:review/hold", h.hold)
	g.POST("/:review/refund", h.choose(Refund))
	g.POST("/:review/close", h.choose(Close))
	g.POST("/:review/block", h.block)
	g.POST("/:review/reopen", h.reopen)
}

func (h *Handler) page(c echo.Context, status int, title string, main templ.Component) error {
	return web.Page(c, status, layout.Page{Title: title, Section: "risk", NoIndex: true, Wide: true, Shell: h.Shell}, main)
}

func (h *Handler) local(t time.Time) string {
	z := h.Zone
	if z == nil {
		z = time.UTC
	}
	return t.In(z).Format("2 Jan 2006, 15:04 MST")
}

// nav are the pages of the desk; current is one of their addresses.
func (h *Handler) nav(ctx context.Context, current string) view.NavProps {
	var p view.NavProps
	for _, o := range [][3]string{{"waiting", "/admin/risk", "Waiting"}, {"decided", "/admin/risk?done=1", "Decided"}, {"decisions", "/admin/risk/decisions", "Decisions of the rules"},
		{"blocks", "/admin/risk/blocks", "Blocklist"}} {
		p.Options = append(p.Options, ui.Option{Value: o[0], Label: text.T(ctx, o[2]), Selected: o[1] == current})
		p.Hrefs = append(p.Hrefs, o[1])
	}
	return p
}

func (h *Handler) queue(c echo.Context) error {
	ctx := c.Request().Context()
	if c.QueryParam("done") != "" {
		all, err := h.Service.Done(ctx)
		if err != nil {
			return err
		}
		p := view.QueueProps{Nav: h.nav(ctx, "/admin/risk?done=1"), Done: true, Rows: h.rows(ctx, all),
			EmptyTitle: text.T(ctx, "Nothing was decided yet"), Empty: text.T(ctx, "Orders that a person has looked at are listed here.")}
		return h.page(c, http.StatusOK, text.T(ctx, "Review"), view.Queue(p))
	}
	all, err := h.Service.Queue(ctx)
	if err != nil {
		return err
	}
	p := view.QueueProps{Nav: h.nav(ctx, "/admin/risk"), Rows: h.rows(ctx, all),
		EmptyTitle: text.T(ctx, "Nothing waits for you"), Empty: text.T(ctx, "Orders that the rules flag come here. Each has three days; what nobody decides is refunded.")}
	return h.page(c, http.StatusOK, text.T(ctx, "Review"), view.Queue(p))
}

func (h *Handler) rows(ctx context.Context, all []Entry) []view.Row {
	now := h.Service.DB.Now()
	out := make([]view.Row, len(all))
	for i, e := range all {
		r := view.Row{ID: e.ID.String(), Href: path(e.ID), State: e.pill(ctx), CanDecide: !e.State.Decided(),
			Title: text.T(ctx, "%s · order %d of %s", e.Stake.Format(), e.Number, e.ShopName), Age: text.T(ctx, "Waiting for %s.", span(ctx, now.Sub(e.OpenedAt)))}
		switch {
		case e.State.Decided():
			r.Age = text.T(ctx, "Decided %s by %s.", h.local(e.DecidedAt), h.decider(ctx, e.Decider))
		case e.Due.After(now):
			r.Deadline, r.Soon = text.T(ctx, "Refunded in %s", span(ctx, e.Due.Sub(now))), e.Due.Sub(now) < 12*time.Hour
		default:
			r.Deadline, r.Soon = text.T(ctx, "Being refunded"), true
		}
		if e.State == Confirming {
			r.First = text.T(ctx, "%s chose to %s.", e.First, e.Choice.word(ctx))
		}
		for _, reason := range e.Reasons {
			p := ui.Pill{Label: reason.Label(ctx)}
			if reason.Block || reason.Points >= Current().Flag {
				p.Tone = "bad"
			}
			r.Signals = append(r.Signals, p)
		}
		out[i] = r
	}
	return out
}

func (h *Handler) decider(ctx context.Context, name string) string {
	if name == "" {
		return text.T(ctx, "Vitrine")
	}
	return name
}

func path(r id.Review) string { return "/admin/risk/" + r.String() }

func (h *Handler) show(c echo.Context) error {
	do := c.QueryParam("do")
	switch do {
	case "approve", "hold", "refund", "close":
	default:
		do = ""
	}
	return h.render(c, http.StatusOK, do, "", nil)
}

// render draws a case, with what was wrong with the form that was sent.
func (h *Handler) render(c echo.Context, status int, do, typed string, problem error) error {
	ctx := c.Request().Context()
	r, err := reviewOf(c)
	if err != nil {
		return err
	}
	k, err := h.Service.View(ctx, web.Who(c).ID, r)
	if err != nil {
		return err
	}
	p := h.present(ctx, k)
	p.Do, p.Typed = do, typed
	if problem != nil {
		if p.Errors = web.FieldMessages(c, problem); len(p.Errors) == 0 {
			p.Refusal = web.Sentence(c, problem)
		}
	}
	return h.page(c, status, p.Title, view.Case(p))
}

func reviewOf(c echo.Context) (id.Review, error) {
	r, err := id.Parse[id.ReviewKind](c.Param("review"))
	if err != nil {
		return r, errNoReview
	}
	return r, nil
}

// choose handles one of the three decisions. Those that cannot be taken back want a tick as well.
func (h *Handler) choose(choice Choice) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		r, err := reviewOf(c)
		if err != nil {
			return err
		}
		if choice != Approve && !web.Checked(c, "sure") {
			return h.again(c, string(choice), errs.Field("sure", "Tick the box, so that a slip of the hand does nothing."))
		}
		done, err := h.Service.Choose(ctx, web.Who(c).ID, r, choice, web.Text(c, "reason"))
		if err != nil {
			return h.again(c, string(choice), err)
		}
		if !done {
			web.Flash(c, text.T(ctx, "Your choice is kept. A second admin has to choose the same."))
			return web.SeeOther(c, path(r))
		}
		web.Flash(c, map[Choice]string{
			Approve: text.T(ctx, "Approved. The buyer gets the files now."),
			Refund:  text.T(ctx, "Refunded. The buyer and the creator are told."),
			Close:   text.T(ctx, "Refunded, and the shop is closed. The creator is told."),
		}[choice])
		return web.SeeOther(c, "/admin/risk")
	}
}

func (h *Handler) hold(c echo.Context) error {
	ctx := c.Request().Context()
	r, err := reviewOf(c)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(web.Text(c, "days"))
	if err != nil {
		days = 0
	}
	if err := h.Service.Hold(ctx, web.Who(c).ID, r, days, web.Text(c, "reason")); err != nil {
		return h.again(c, "hold", err)
	}
	web.Flash(c, text.T(ctx, "Held. The buyer and the creator are told the new deadline."))
	return web.SeeOther(c, path(r))
}

func (h *Handler) block(c echo.Context) error {
	return h.explained(c, "block", "The buyer is blocked.", h.Service.BlockBuyer)
}

func (h *Handler) reopen(c echo.Context) error {
	return h.explained(c, "reopen", "The creator can open the shop again.", h.Service.Unshut)
}

// explained does what needs nothing but a reason.
func (h *Handler) explained(c echo.Context, do, news string, f func(context.Context, id.User, id.Review, string) error) error {
	ctx := c.Request().Context()
	r, err := reviewOf(c)
	if err != nil {
		return err
	}
	if err := f(ctx, web.Who(c).ID, r, web.Text(c, "reason")); err != nil {
		return h.again(c, do, err)
	}
	web.Flash(c, text.T(ctx, news))
	return web.SeeOther(c, path(r))
}

// again shows the case with what was wrong; what is broken on our side is for the error page.
func (h *Handler) again(c echo.Context, do string, err error) error {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict:
		return h.render(c, web.Status(err), do, web.Text(c, "reason"), err)
	}
	return err
}
