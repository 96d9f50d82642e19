package admin_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/labstack/echo/v4"

	"vitrine/app/admin"
	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/payments"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
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

func (w *office) router() *web.Router {
	w.t.Helper()
	cfg := &config.Config{Port: 8080, SecretKey: secret}
	cfg.Complete()
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, w.d), web.NewLimiter(nil))
	if err != nil {
		w.t.Fatal(err)
	}
	r.People = people{w.d}
	(&admin.Handler{Service: w.s}).Routes(r)
	r.On(web.App, "/test-in", web.Anyone).POST("/:user", func(c echo.Context) error {
		u, err := id.Parse[id.UserKind](c.Param("user"))
		if err != nil {
			return err
		}
		return web.SignIn(c, u, web.ByPassword, web.ByFactor)
	})
	return r
}

func (w *office) admin() id.User {
	w.t.Helper()
	p := dbtest.Creator(w.t, w.d)
	w.exec(`UPDATE users SET role = 'admin', name = 'Op ' || right(id::text, 4) WHERE id = $1`, p.User)
	return p.User
}

func (w *office) browser(r *web.Router, u id.User) *webtest.Browser {
	b := webtest.New(w.t, r, "http://localhost:8080")
	if !u.IsZero() {
		b.Post("/test-in/"+u.String(), nil).Is(http.StatusOK)
	}
	return b
}

func (w *office) one(query string, args ...any) (v string) {
	w.t.Helper()
	if err := w.d.Pool().GetContext(context.Background(), &v, query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return v
}

// payout writes a payout as it would stand, with its entries in the book.
func (w *office) payout(state string, minor int64) id.Payout {
	w.t.Helper()
	p, m := id.New[id.PayoutKind](), id.New[id.MethodKind]()
	w.exec(`INSERT INTO payout_methods (id, creator_id, provider, generation, email, address, state, gone_at, created_at, updated_at)
		VALUES ($1, $2, 'paypal', (SELECT count(*) + 1 FROM payout_methods WHERE creator_id = $2), 'ada@mail.test', 'ada@mail.test', 'gone', now(), now(), now())`, m, w.owner.User)
	w.exec(`INSERT INTO payouts (id, creator_id, number, currency, amount_minor, state, method_id, provider, target, shown, why, doubt_at, created_at, updated_at)
		VALUES ($1, $2, (SELECT count(*) + 1 FROM payouts WHERE creator_id = $2), 'EUR', $3, $4::text, $5, 'stripe', 'acct_1', 'Bank account ending in 6789', $6, CASE WHEN $4 = 'unknown' THEN $7::timestamptz END, $7, $7)`,
		p, w.owner.User, minor, state, m, map[string]string{"held": "A shop was closed."}[state], w.now().Add(-3*time.Hour))
	w.post("payout:"+p.String()+":reserved", ledger.Line{Account: ledger.Available(w.owner.User), Amount: eur(-minor)}, ledger.Line{Account: ledger.InFlight(w.owner.User), Amount: eur(minor)})
	return p
}

// foundCharge lets a night find a payment that is not in the book, and returns its case.
func (w *office) foundCharge(ref string) string {
	w.t.Helper()
	w.bent.show(w.line(payments.MovementCharge, "txn_"+ref, "pi_"+ref, 4200))
	w.night()
	return w.one(`SELECT id::text FROM money_cases WHERE key = $1`, about("pi_"+ref))
}

func TestTheOverviewSaysWhatNeedsSomebody(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	ada := w.browser(w.router(), w.admin())
	ada.Get("/admin").Is(http.StatusOK).Has("not made yet").Has("not compared yet")
	w.night()
	if err := w.s.CheckMoney(t.Context()); err != nil {
		t.Fatal(err)
	}
	calm := ada.Get("/admin").Has("adds up").Has("agrees").Has("Nothing needs you.")
	if n := calm.Doc().Find("li.row a[href^='/admin']").Length(); n != calm.Doc().Find("li.row").Length() || n < 12 {
		t.Errorf("%d of %d figures lead to a list", n, calm.Doc().Find("li.row").Length())
	}
	calm.Doc().Find("li.row a, nav.tabs a").Each(func(_ int, s *goquery.Selection) {
		if href, _ := s.Attr("href"); !strings.HasPrefix(href, "/admin/risk") {
			ada.Get(href).Is(http.StatusOK)
		}
	})
	w.sell(1900, w.owner.Product(t, w.d, 1900, -1))
	w.foundCharge("x")
	w.payout("unknown", 900)
	w.payout("held", 700)
	w.exec(`INSERT INTO refund_requests (id, order_id, shop_id, creator_id, reason, state, created_at) SELECT id, id, shop_id, creator_id, 'broken', 'open', $1 FROM orders`, w.now().Add(-5*24*time.Hour))
	w.exec(`INSERT INTO disputes (id, provider, ref, checkout_id, order_id, shop_id, creator_id, reason, status, currency, amount_minor, due_at, opened_at, answer, created_at, updated_at)
		SELECT id, 'stripe', 'dp_1', checkout_id, id, shop_id, creator_id, 'fraudulent', 'needs_response', 'EUR', 1900, $1, $2, 'drafting', $2, $2 FROM orders`, w.now().Add(5*time.Hour), w.now())
	w.exec(`INSERT INTO webhook_inbox (id, provider, event_id, type, body, received_at) VALUES (gen_random_uuid(), 'stripe', 'evt_1', 'charge.refunded', '', $1)`, w.now().Add(-time.Hour))
	busy := ada.Get("/admin")
	for sel, want := range map[string]string{"#fig-cases": "€42", "#fig-unknown": "too long", "#fig-held": "€7", "#fig-requests": "5 days", "#fig-disputes": "the first in", "#fig-inbox": "too long", "#fig-run-stripe": "1 difference"} {
		if got := busy.Text(sel); !strings.Contains(got, want) {
			t.Errorf("%s says %q, want %q", sel, got, want)
		}
	}
	busy.Has("things need you now")
	ada.Get("/admin/refunds").Has("Order 1 of").Has("write to")
	ada.Get("/admin/disputes").Has("fraudulent").Has("due in")
	ada.Get("/admin/queues").Has("charge.refunded")
	ada.Get("/admin/reconciliations").Has("1 difference")
	ada.Get("/admin/checks").Has("adds up")
}

func TestCasesWithoutScript(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	op := w.admin()
	ada := w.browser(w.router(), op)
	ada.Get("/admin/cases").Has("No open case")
	path := "/admin/cases/" + w.foundCharge("x")
	ada.Get("/admin/cases?kind=difference").Has("€42").Has("not in the book").Has("Difference (1)")
	ada.Get("/admin/cases?kind=mismatch").Has("No open case")
	c := ada.Get(path).Is(http.StatusOK).Has("At the provider").Has("txn_x").Has("In the book").Has("The checks").Has("Found")
	ada.Submit(c, `form[action$="/take"]`, nil).Goes(path)
	c = ada.Get(path).Has("Taken in hand").Has("Give it up")
	ada.Get("/admin/cases").Has("with Op")
	ada.Submit(c, `form[action$="/drop"]`, nil).Goes(path)
	ada.Submit(c, "#way-note form", map[string]string{"reason": "asked the bank <b>"}).Goes(path)
	c = ada.Get(path).Has("asked the bank").HasNot("<b>")
	ada.Submit(c, "#way-close form", map[string]string{"reason": " "}).Is(http.StatusUnprocessableEntity).Has("Write a few words")
	ada.Submit(c, "#way-close form", map[string]string{"reason": "=given back by hand"}).Goes("/admin/cases")
	ada.Submit(c, "#way-close form", map[string]string{"reason": "once more"}).Is(http.StatusConflict).Has("closed already")
	ada.Get(path).Has("Closed").Has("given back by hand")
	ada.Get("/admin/cases").Has("No open case")
	rows, err := csv.NewReader(strings.NewReader(ada.Get("/admin/cases.csv?state=closed").Is(http.StatusOK).Body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][2] != "charge_unbooked" || rows[1][10] != "42.00" || rows[1][14] != "'=given back by hand" {
		t.Errorf("%v %v", rows, err)
	}
	w.night()
	c = ada.Get(path).Has("Found again")
	ada.Submit(c, `form[action$="/compare"]`, nil).Goes(path)
	w.bent.show(w.line(payments.MovementRefund, "txn_y", "pi_x", -4200))
	ada.Submit(c, `form[action$="/compare"]`, nil).Goes("/admin/cases")
	ada.Get(path).Has("Both sides agree again.")
	for action, n := range map[string]int{"admin.case.close": 1, "admin.case.note": 1, "admin.case.assign": 2, "admin.cases.export": 1, "admin.case.compare": 2} {
		if got := w.count(`SELECT count(*) FROM audit_log WHERE action = $1 AND actor_id = $2`, action, op); got != n {
			t.Errorf("%s is in the log %d times, want %d", action, got, n)
		}
	}
	ada.Get("/admin/audit").Has("Case closed").Has("given back by hand")
	ada.Get("/admin/audit?who=all").Is(http.StatusOK)
	ada.Get("/admin/audit?who=views").Has("Case looked at").Has("List looked at")
}

func TestPayoutsAreHeldReleasedAndCanceled(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	ada := w.browser(w.router(), w.admin())
	ada.Get("/admin/payouts").Has("No payout waits")
	held, waiting, lost := w.payout("held", 700), w.payout("reserved", 800), w.payout("unknown", 900)
	ada.Get("/admin/payouts").Has("€7").Has("€9").HasNot("€8 to")
	ada.Get("/admin/payouts?state=reserved").Has("€8")
	path := "/admin/payouts/" + held.String()
	c := ada.Get(path).Has("A shop was closed.").Has("Bank account ending in 6789")
	ada.Submit(c, "#way-release form", map[string]string{"reason": "x"}).Is(http.StatusUnprocessableEntity).Has("Write a few words")
	ada.Submit(c, "#way-release form", map[string]string{"reason": "the shop is fine"}).Goes(path)
	ada.Get(path).Has("the shop is fine").Has("Let go").Has("About to be sent")
	ada.Submit(c, "#way-release form", map[string]string{"reason": "once more"}).Is(http.StatusConflict).Has("not held any more")
	path = "/admin/payouts/" + waiting.String()
	c = ada.Get(path)
	ada.Submit(c, "#way-hold form", map[string]string{"reason": "the police have called"}).Goes(path)
	c = ada.Get(path).Has("Held by hand").Has("the police have called")
	ada.Submit(c, "#way-cancel form", map[string]string{"reason": "a shop of thieves"}).Goes(path)
	ada.Get(path).Has("Canceled").Has("a shop of thieves")
	if b, err := ledger.Balance(t.Context(), w.d, ledger.InFlight(w.owner.User), "EUR"); err != nil || b.Minor != 1600 {
		t.Errorf("%d in flight, %v", b.Minor, err)
	}
	path = "/admin/payouts/" + lost.String()
	c = ada.Get(path).Has("the answer was lost")
	ada.Submit(c, "#way-look form", map[string]string{"reason": "the creator asks"}).Goes(path)
	ada.Get(path).Has("Looked up").Has("the creator asks")
}

func TestTheCheckOfTheBookIsKeptAndMakesCases(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.sell(1900, w.owner.Product(t, w.d, 1900, -1))
	w.exec(`UPDATE orders SET fee_minor = fee_minor + 1, net_minor = net_minor - 1`)
	for range 2 {
		if err := w.s.CheckMoney(t.Context()); err == nil {
			t.Fatal("a wrong book makes no noise")
		}
	}
	if w.count(`SELECT count(*) FROM money_cases WHERE key LIKE 'check:sale:%' AND closed_at IS NULL`) != 1 || w.count(`SELECT count(*) FROM money_cases`) != 1 {
		t.Errorf("cases %v", w.faults())
	}
	ada := w.browser(w.router(), w.admin())
	ada.Get("/admin").Has("1 finding").Has("wrong")
	ada.Get("/admin/checks").Has("sale:")
	ada.Get("/admin/cases/" + w.one(`SELECT id::text FROM money_cases`)).Has("hourly check").Has("Finding")
	w.exec(`UPDATE orders SET fee_minor = fee_minor - 1, net_minor = net_minor + 1`)
	if err := w.s.CheckMoney(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.faults()) != 0 || w.count(`SELECT count(*) FROM money_checks WHERE wrong = 0`) != 1 {
		t.Errorf("cases %v", w.faults())
	}
	w.s.Check = func(context.Context) (ledger.Report, error) {
		return ledger.Report{}, errs.New(errs.Unavailable, "away")
	}
	if err := w.s.CheckMoney(t.Context()); err == nil {
		t.Error("a check that cannot be made succeeds")
	}
	ada.Get("/admin").Has("could not be made")
}

func TestNobodyElseSeesTheOperatorsArea(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	n, p := w.foundCharge("x"), w.payout("held", 700)
	r := w.router()
	for name, b := range map[string]*webtest.Browser{"a creator": w.browser(r, w.owner.User), "a visitor": w.browser(r, id.User{})} {
		for _, route := range r.Table() {
			if !strings.HasPrefix(route.Path, "/admin") {
				continue
			}
			if route.Access != web.Admin {
				t.Errorf("%s is open to %s", route.Path, route.Access)
			}
			path := strings.NewReplacer(":case", n, ":payout", p.String()).Replace(route.Path)
			if got := b.Do(route.Method, path, "application/x-www-form-urlencoded", "reason=looks+fine"); got.Status < 300 || strings.Contains(got.Body, "txn_x") {
				t.Errorf("%s: %s %s answers %d", name, route.Method, path, got.Status)
			}
		}
	}
	if len(w.faults()) != 1 || w.one(`SELECT state FROM payouts`) != "held" || w.count(`SELECT count(*) FROM audit_log`) != 0 {
		t.Error("somebody has changed something")
	}
	ada := w.browser(r, w.admin())
	for _, path := range []string{"/admin/cases/x", "/admin/cases/" + id.New[id.CaseKind]().String(), "/admin/payouts/x", "/admin/payouts/" + id.New[id.PayoutKind]().String()} {
		ada.Get(path).Is(http.StatusNotFound)
	}
	ada.Post("/admin/cases/"+id.New[id.CaseKind]().String()+"/close", map[string][]string{"reason": {"no such thing"}}).Is(http.StatusNotFound)
}
