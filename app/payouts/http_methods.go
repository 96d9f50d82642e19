package payouts

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"

	view "vitrine/views/payouts"
)

func (h *Handler) methodRoutes(g *web.Group) {
	links := web.Limit("payout-links", web.Rate{N: 30, Per: 10 * time.Minute})
	changes := web.Limit("payout-changes", web.Rate{N: 20, Per: time.Hour})
	g.GET("/methods", h.methods)
	g.GET("/methods/return", h.returned, links)
	g.GET("/methods/continue", h.resume, links)
	g.POST("/methods/continue", h.resume, links)
	g.POST("/methods/dashboard", h.dashboard, links)
	g.POST("/methods/plan", h.setPlan)
	g.GET("/methods/confirm/:token", h.askConfirm)
	g.GET("/methods/:id/disconnection", h.askDisconnect)
	g.POST("/methods/stripe", h.connect, h.fresh(links)...)
	g.POST("/methods/update", h.update, h.fresh(links)...)
	g.POST("/methods/paypal", h.setPayPal, h.fresh(changes)...)
	g.POST("/methods/confirm/:token", h.confirm, h.fresh(changes)...)
	g.POST("/methods/:id/choice", h.choose, h.fresh(changes)...)
	g.POST("/methods/:id/disconnection", h.disconnect, h.fresh(changes)...)
}

func whoOf(c echo.Context) Who {
	p := web.Who(c)
	return Who{User: p.ID, Email: p.Email}
}

func (h *Handler) methods(c echo.Context) error {
	return h.methodsPage(c, http.StatusOK, view.MethodsProps{}, nil)
}

// methodsPage shows everything again, with what was typed and what is wrong with it.
func (h *Handler) methodsPage(c echo.Context, status int, p view.MethodsProps, messages map[string]string) error {
	ctx := c.Request().Context()
	p, err := h.presentMethods(ctx, whoOf(c).User, p, typed{country: web.Text(c, "country"), address: web.Text(c, "address")}, messages)
	if err != nil {
		return err
	}
	return web.Page(c, status, layout.Page{Title: text.T(ctx, "Payout methods"), Section: "you", Back: overviewPath, NoIndex: true, Shell: layout.Creator}, view.Methods(p))
}

// refuse shows the page again with the reason; what is our own fault is not the page's business.
func (h *Handler) refuse(c echo.Context, cause error) error {
	if k := errs.KindOf(cause); k == errs.Internal || k == errs.NotFound {
		return cause
	}
	messages := web.FieldMessages(c, cause)
	p := view.MethodsProps{}
	if len(messages) == 0 {
		p.Trouble = web.Sentence(c, cause)
	}
	return h.methodsPage(c, web.Status(cause), p, messages)
}

// connect opens the account, once, and sends the creator to the provider's form.
func (h *Handler) connect(c echo.Context) error {
	to, err := h.Service.Connect(c.Request().Context(), whoOf(c), web.Text(c, "country"))
	if err != nil {
		return h.refuse(c, err)
	}
	return web.SeeOther(c, to)
}

// resume goes on where the creator left off. The provider itself sends browsers here when a link is too old.
func (h *Handler) resume(c echo.Context) error {
	to, err := h.Service.Continue(c.Request().Context(), web.Who(c).ID)
	if err != nil {
		return h.refuse(c, err)
	}
	return web.SeeOther(c, to)
}

func (h *Handler) update(c echo.Context) error {
	to, err := h.Service.Update(c.Request().Context(), web.Who(c).ID)
	if err != nil {
		return h.refuse(c, err)
	}
	return web.SeeOther(c, to)
}

func (h *Handler) dashboard(c echo.Context) error {
	to, err := h.Service.Dashboard(c.Request().Context(), web.Who(c).ID)
	if err != nil {
		return h.refuse(c, err)
	}
	return web.SeeOther(c, to)
}

// returned is where the provider sends the creator back to, done or not: only the account itself knows.
func (h *Handler) returned(c echo.Context) error {
	ctx := c.Request().Context()
	m, err := h.Service.Returned(ctx, web.Who(c).ID)
	switch {
	case errs.Is(err, errs.NotFound):
		return web.SeeOther(c, methodsPath)
	case err != nil:
		return h.refuse(c, err)
	case m.State == Ready && m.Current:
		web.Flash(c, text.T(ctx, "Your bank account is connected. Payouts go there."))
	case m.State == Ready:
		web.Flash(c, text.T(ctx, "Your bank account is connected. Follow the link that we mailed to you, so that payouts go there."))
	case checking(m.Due):
		web.Flash(c, text.T(ctx, "Stripe is looking at what you sent. That takes minutes, sometimes two days."))
	default:
		web.Flash(c, text.T(ctx, "Stripe still needs something from you. It is listed below; nothing that you typed is lost."))
	}
	return web.SeeOther(c, methodsPath)
}

func (h *Handler) setPayPal(c echo.Context) error {
	ctx := c.Request().Context()
	if _, err := h.Service.SetPayPal(ctx, whoOf(c), web.Text(c, "address")); err != nil {
		return h.refuse(c, err)
	}
	web.Flash(c, text.T(ctx, "We mailed a link to %s. Payouts go to the PayPal address once you have followed it.", whoOf(c).Email))
	return web.SeeOther(c, methodsPath)
}

// askConfirm is what the mailed link opens. It does nothing by itself: mail programs open links too.
func (h *Handler) askConfirm(c echo.Context) error {
	ctx := c.Request().Context()
	token := c.Param("token")
	if id.CheckToken(token) != nil {
		return errLink
	}
	p := view.AskProps{Title: text.T(ctx, "Confirm the change"), Text: text.T(ctx, "You asked for a change of where your payouts go to."),
		Points: []string{
			text.T(ctx, "Unless it is your first payout method, nothing is sent there for 72 hours."),
			text.T(ctx, "We mail you what has changed, and the address before hears of it too."),
			text.T(ctx, "It was not you? Do not confirm, and change your password."),
		},
		Action: view.Action{ID: "yes", Label: text.T(ctx, "Confirm the change"), Kind: "go", Post: methodsPath + "/confirm/" + token}, Back: methodsPath}
	return h.ask(c, p)
}

func (h *Handler) ask(c echo.Context, p view.AskProps) error {
	return web.Page(c, http.StatusOK, layout.Page{Title: p.Title, Section: "you", Back: methodsPath, NoIndex: true, Shell: layout.Creator}, view.Ask(p))
}

func (h *Handler) confirm(c echo.Context) error {
	ctx := c.Request().Context()
	m, err := h.Service.Confirm(ctx, web.Who(c).ID, c.Param("token"))
	if err != nil {
		return h.refuse(c, err)
	}
	switch {
	case m.State == Gone:
		web.Flash(c, text.T(ctx, "It is disconnected. Sales go on; the money waits until you choose another way."))
	case m.PayableFrom.After(h.Service.DB.Now()):
		web.Flash(c, text.T(ctx, "Confirmed. Payouts go to %s, from %s on.", m.Shown(), h.Service.at(m.PayableFrom)))
	default:
		web.Flash(c, text.T(ctx, "Confirmed. Payouts go to %s.", m.Shown()))
	}
	return web.SeeOther(c, methodsPath)
}

// method finds the method that the address names among the creator's own.
func (h *Handler) method(c echo.Context) (Method, error) {
	want, err := id.Parse[id.MethodKind](c.Param("id"))
	if err != nil {
		return Method{}, errNoMethod
	}
	all, err := h.Service.Methods(c.Request().Context(), web.Who(c).ID)
	if err != nil {
		return Method{}, err
	}
	for _, m := range all {
		if m.ID == want {
			return m, nil
		}
	}
	return Method{}, errNoMethod
}

func (h *Handler) choose(c echo.Context) error {
	ctx := c.Request().Context()
	m, err := h.method(c)
	if err != nil {
		return err
	}
	if err := h.Service.Choose(ctx, whoOf(c), m.ID); err != nil {
		return h.refuse(c, err)
	}
	if m.Current {
		web.Flash(c, text.T(ctx, "The next payout is tried there again."))
	} else {
		web.Flash(c, text.T(ctx, "We mailed a link to %s. The change is made once you have followed it.", whoOf(c).Email))
	}
	return web.SeeOther(c, methodsPath)
}

func (h *Handler) askDisconnect(c echo.Context) error {
	ctx := c.Request().Context()
	m, err := h.method(c)
	if err != nil {
		return err
	}
	p := view.AskProps{Title: text.T(ctx, "Disconnect %s", m.Shown()), Text: text.T(ctx, "Before you do:"),
		Points: []string{
			text.T(ctx, "Your shop goes on selling. What you earn waits in your balance."),
			text.T(ctx, "Payouts that have left arrive as usual."),
			text.T(ctx, "We mail you a link; it is disconnected once you have followed it."),
			text.T(ctx, "Whatever you choose next is paid to after 72 hours."),
		},
		Action: view.Action{ID: "yes", Label: text.T(ctx, "Disconnect"), Kind: "danger", Post: methodsPath + "/" + m.ID.String() + "/disconnection"}, Back: methodsPath}
	return h.ask(c, p)
}

func (h *Handler) disconnect(c echo.Context) error {
	ctx := c.Request().Context()
	m, err := h.method(c)
	if err != nil {
		return err
	}
	if err := h.Service.Disconnect(ctx, whoOf(c), m.ID); err != nil {
		return h.refuse(c, err)
	}
	left, err := h.Service.Methods(ctx, web.Who(c).ID)
	if err != nil {
		return err
	}
	web.Flash(c, text.T(ctx, "It is taken away."))
	for _, x := range left {
		if x.ID == m.ID {
			web.Flash(c, text.T(ctx, "We mailed a link to %s. It is disconnected once you have followed it.", whoOf(c).Email))
		}
	}
	return web.SeeOther(c, methodsPath)
}

func (h *Handler) setPlan(c echo.Context) error {
	ctx := c.Request().Context()
	err := h.Service.SetPlan(ctx, web.Who(c).ID, Plan(web.Text(c, "plan")))
	saved := text.T(ctx, "Saved.")
	switch {
	case err != nil && !web.IsFragment(c):
		return h.refuse(c, err)
	case err != nil && !errs.Is(err, errs.Invalid):
		return err
	case web.IsFragment(c):
		p := view.MethodsProps{Saved: saved}
		if err != nil {
			p.Saved = ""
		}
		if p, err = h.presentPlan(ctx, web.Who(c).ID, p, web.FieldMessages(c, err)["plan"]); err != nil {
			return err
		}
		status := http.StatusOK
		if p.Plan.Error != "" {
			status = http.StatusUnprocessableEntity
		}
		return web.Fragment(c, status, view.Plan(p))
	}
	web.Flash(c, saved)
	return web.SeeOther(c, methodsPath)
}

// query reads one parameter of the address, cleaned of what no text can hold.
func query(c echo.Context, name string) string { return clean(c.QueryParam(name)) }
