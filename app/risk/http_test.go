package risk_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/risk"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
	"vitrine/views/layout"
)

// people finds a person with their role.
type people struct{ db *db.DB }

func (p people) Person(ctx context.Context, u id.User, _ id.Shop) (web.Person, error) {
	var r struct {
		Email string  `db:"email"`
		Name  string  `db:"name"`
		Role  string  `db:"role"`
		Shop  id.Shop `db:"shop"`
	}
	err := p.db.Get(ctx, &r, `SELECT u.email, u.name, u.role, s.id AS shop FROM users u JOIN shops s ON s.creator_id = u.id WHERE u.id = $1`, u)
	if db.None(err) {
		return web.Person{}, errs.New(errs.NotFound, "There is no such person.")
	}
	return web.Person{ID: u, Email: r.Email, Name: r.Name, Role: r.Role, Verified: true, Shop: r.Shop, Currency: "EUR"}, err
}

func (w *desk) router() *web.Router {
	w.t.Helper()
	cfg := &config.Config{Port: 8080, SecretKey: secret}
	cfg.Complete()
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, w.d), web.NewLimiter(nil))
	if err != nil {
		w.t.Fatal(err)
	}
	r.People = people{w.d}
	(&risk.Handler{Service: w.s, Shell: layout.Creator}).Routes(r)
	r.On(web.App, "/test-in", web.Anyone).POST("/:user", func(c echo.Context) error {
		u, err := id.Parse[id.UserKind](c.Param("user"))
		if err != nil {
			return err
		}
		return web.SignIn(c, u, web.ByPassword, web.ByFactor)
	})
	return r
}

func (w *desk) browser(r *web.Router, u id.User) *webtest.Browser {
	b := webtest.New(w.t, r, "http://localhost:8080")
	if !u.IsZero() {
		b.Post("/test-in/"+u.String(), nil).Is(http.StatusOK)
	}
	return b
}

func TestTheDeskWithoutScript(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	w.s.FourEyes = map[money.Currency]int64{"EUR": 3900}
	p, large := w.owner.Product(t, w.d, 1900, -1), w.owner.Product(t, w.d, 3900, -1)
	small := w.sell(someone(), highest, 1900, p).Orders[0]
	big := w.sell(someone(), highest, 3900, large).Orders[0]
	refused := w.sell(someone(), highest, 1900, p).Orders[0]
	r := w.router()
	ada, bob := w.browser(r, w.admin()), w.browser(r, w.admin())

	q := ada.Get("/admin/risk").Is(http.StatusOK)
	if n := q.Doc().Find("[data-risk-case]").Length(); n != 3 {
		t.Fatalf("%d cases in the queue", n)
	}
	q.Has("Highest risk").Has("€39 · order").Has("Refunded in 71 hours").Has("Keyboard")

	path := "/admin/risk/" + w.review(small.ID).ID.String()
	c := ada.Get(path + "?do=approve").Is(http.StatusOK).Has("highest risk").Has("the same").Has(small.Email)
	if !hasAttr(c, "#way-approve", "open") {
		t.Error("the form of approving is not open")
	}
	ada.Submit(c, "#way-approve form", map[string]string{"reason": ""}).Is(http.StatusUnprocessableEntity).Has("Give a reason")
	ada.Submit(c, "#way-approve form", map[string]string{"reason": "known customer"}).Goes("/admin/risk")
	if w.order(small.ID).Review != orders.ReviewApproved {
		t.Error("not approved")
	}
	ada.Submit(c, "#way-approve form", map[string]string{"reason": "known customer"}).Is(http.StatusConflict).Has("decided already")

	path = "/admin/risk/" + w.review(refused.ID).ID.String()
	c = ada.Get(path)
	ada.Submit(c, "#way-hold form", map[string]string{"days": "7", "reason": "asked the bank"}).Goes(path)
	ada.Get(path).Has("asked the bank").Has("1 more time")
	ada.Submit(c, "#way-refund form", map[string]string{"reason": "stolen"}).Is(http.StatusUnprocessableEntity).Has("Tick the box")
	ada.Submit(c, "#way-refund form", map[string]string{"reason": "stolen", "sure": "on"}).Goes("/admin/risk")
	if got := w.refunded(); len(got) != 1 || got[0] != refused.ID {
		t.Errorf("refunds %v", got)
	}
	ada.Submit(ada.Get(path), `form[action$="/block"]`, map[string]string{"reason": "three stolen cards"}).Goes(path)

	path = "/admin/risk/" + w.review(big.ID).ID.String()
	c = ada.Get(path).Has("two admins")
	ada.Submit(c, "#way-close form", map[string]string{"reason": "a shop for stolen cards", "sure": "on"}).Goes(path)
	ada.Get(path).Has("You chose to refund the order and close the shop")
	ada.Submit(ada.Get(path), "#way-close form", map[string]string{"reason": "once more", "sure": "on"}).Is(http.StatusConflict).Has("another admin")
	bob.Get("/admin/risk").Has("chose to refund the order and close the shop")
	bob.Submit(bob.Get(path).Has("a shop for stolen cards"), "#way-close form", map[string]string{"reason": "I agree", "sure": "on"}).Goes("/admin/risk")
	if w.order(big.ID).Review != orders.ReviewRefused {
		t.Error("not refused")
	}
	bob.Submit(bob.Get(path), `form[action$="/reopen"]`, map[string]string{"reason": "a misunderstanding"}).Goes(path)

	ada.Get("/admin/risk").Has("Nothing waits for you")
	ada.Get("/admin/risk?done=1").Has("Approved").Has("Refunded")
	if n := w.count(`SELECT count(*) FROM audit_log WHERE action = 'risk.view'`); n < 5 {
		t.Errorf("%d views are in the audit log", n)
	}
}

func hasAttr(p *webtest.Page, selector, name string) bool {
	_, ok := p.Doc().Find(selector).Attr(name)
	return ok
}

func TestTheLogSaysWhatTodaysRulesWouldSay(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	o := w.sell(someone(), highest, 1900, p).Orders[0]
	w.sell(someone(), good, 1900, p)
	b := someone()
	w.fails(w.begin(b, 1900, p), "x", "stolen_card")
	w.refuses("blocked", b, 1900, p)
	ada := w.browser(w.router(), w.admin())
	log := ada.Get("/admin/risk/decisions").Is(http.StatusOK).Has("Refused at the checkout")
	if n := log.Doc().Find("li.row").Length(); n != 3 {
		t.Errorf("%d decisions", n)
	}
	if n := ada.Get("/admin/risk/decisions?v=flagged").Doc().Find("li.row").Length(); n != 1 {
		t.Errorf("%d flagged", n)
	}
	one := ada.Follow(ada.Get("/admin/risk/decisions?order=" + o.ID.String())).Is(http.StatusOK)
	one.Has("Computed again from what the rules saw: the same.").Has("Version 1: Flagged.").Has("To the review")
	blocks := ada.Get("/admin/risk/blocks").Is(http.StatusOK).Has("The browser").Has("a bank refused a card as stolen")
	ada.Submit(blocks, `form[action$="/lift"]`, map[string]string{"reason": ""}).Is(http.StatusUnprocessableEntity)
	ada.Submit(blocks, `form[action$="/lift"]`, map[string]string{"reason": "the owner called"}).Goes("/admin/risk/blocks")
	ada.Get("/admin/risk/blocks?over=1").Has("the owner called")
}

func TestNobodyElseSeesTheDesk(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	o := w.sell(someone(), highest, 1900, p).Orders[0]
	n := w.review(o.ID)
	r := w.router()
	for name, b := range map[string]*webtest.Browser{"the creator": w.browser(r, w.owner.User), "another creator": w.browser(r, w.shop().User), "a visitor": w.browser(r, id.User{})} {
		for _, route := range r.Table() {
			if !strings.HasPrefix(route.Path, "/admin/risk") {
				continue
			}
			if route.Access != web.Admin {
				t.Errorf("%s is open to %s", route.Path, route.Access)
			}
			path := strings.NewReplacer(":review", n.ID.String(), ":block", n.ID.String(), ":decision", n.ID.String()).Replace(route.Path)
			got := b.Do(route.Method, path, "application/x-www-form-urlencoded", "reason=looks+fine&sure=on&days=7")
			if got.Status != http.StatusNotFound || strings.Contains(got.Body, o.Email) {
				t.Errorf("%s: %s %s answers %d, want 404", name, route.Method, path, got.Status)
			}
		}
	}
	if have := w.review(o.ID); have.State != risk.Open || have.Holds != 0 {
		t.Errorf("somebody has changed it: %+v", have)
	}
	ada := w.browser(r, w.admin())
	for _, path := range []string{"/admin/risk/" + id.New[id.ReviewKind]().String(), "/admin/risk/x", "/admin/risk/decisions/x", "/admin/risk/decisions/" + id.New[id.CaseKind]().String()} {
		ada.Get(path).Is(http.StatusNotFound)
	}
}
