package payouts_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
	"vitrine/app/payouts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// desk is the pages of a world.
type desk struct {
	*world
	router *web.Router
	n      atomic.Int64
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	w := &desk{world: newWorld(t)}
	cfg := &config.Config{Port: 8080, SecretKey: secret, StripeCheckoutOrigin: "https://checkout.stripe.com"}
	cfg.Complete()
	real, err := db.Open(t.Context(), w.d.URL(), db.Options{MaxOpen: 4}) // sessions live by the true time
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close() })
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, real), web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	r.People, r.Tokens = folk{w.d}, folk{w.d}
	(&payouts.Handler{Service: w.s, Fees: &fees.Service{}}).Routes(r)
	r.On(web.App, "/test-in", web.Anyone).POST("/:user", func(c echo.Context) error {
		u, err := id.Parse[id.UserKind](c.Param("user"))
		if err != nil {
			return err
		}
		return web.SignIn(c, u)
	})
	w.router = r
	return w
}

// folk finds the person and the first shop; an access token is the person's id.
type folk struct{ d *db.DB }

func (f folk) User(_ context.Context, token string) (id.User, error) {
	return id.Parse[id.UserKind](token)
}

func (f folk) Person(ctx context.Context, u id.User, _ id.Shop) (web.Person, error) {
	var r struct {
		Email string  `db:"email"`
		Shop  id.Shop `db:"shop"`
		Name  string  `db:"name"`
		Slug  string  `db:"slug"`
	}
	err := f.d.Get(ctx, &r, `
		SELECT u.email, s.id AS shop, s.name, s.slug FROM users u JOIN shops s ON s.creator_id = u.id WHERE u.id = $1`, u)
	if db.None(err) {
		return web.Person{}, errs.New(errs.NotFound, "There is no such person.")
	}
	return web.Person{ID: u, Email: r.Email, Name: "Noor <b>", Role: "creator", Verified: true, Shop: r.Shop, ShopName: r.Name, ShopSlug: r.Slug, Currency: "EUR"}, err
}

func (w *desk) browser() *webtest.Browser {
	b := webtest.New(w.t, w.router, "http://localhost:8080")
	n := w.n.Add(1)
	b.Remote = fmt.Sprintf("10.7.%d.%d:4000", n>>8&255, n&255)
	return b
}

func (w *desk) signedIn(u payouts.Who) *webtest.Browser {
	b := w.browser()
	b.Post("/test-in/"+u.User.String(), nil).Is(http.StatusOK)
	return b
}

func TestNobodyIsLeftWithoutAReasonOrADate(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u := w.newcomer()
	b := w.signedIn(u)
	b.Get("/app/payouts").Is(http.StatusOK).Has("No money on its way").Has(`href="/app/payouts/methods"`)

	w.earn(u.User, eur(5000))
	p := b.Get("/app/payouts").Is(http.StatusOK)
	if got := p.Text("#purse-eur-why .why__who"); got != "Your turn" {
		t.Errorf("no method: %q", got)
	}
	if p.Doc().Find(`#purse-eur-act[href="/app/payouts/methods"]`).Length() != 1 {
		t.Errorf("there is no button for a payout method:\n%s", p.Body)
	}
	if got := p.Text("#purse-eur-available .part__a"); got != "€50" {
		t.Errorf("available %q", got)
	}

	w.connect(u, "6789")
	p = b.Get("/app/payouts").Is(http.StatusOK).Has("Leaves on ").HasNot("why__who")
	if got := p.Text("#purse-eur-sum"); got != "€50" {
		t.Errorf("next payout %q", got)
	}
	if p.Doc().Find("svg.split rect").Length() != 1 {
		t.Error("the split is not one bar")
	}
	w.run()
	w.settle()
	p = b.Get("/app/payouts").Is(http.StatusOK)
	if got := p.Text("#purse-eur-flight"); !strings.Contains(got, "€50") || !strings.Contains(got, "Payout 1") {
		t.Errorf("on its way: %q", got)
	}
	w.arrive(u.User)
	b.Get("/app/payouts").Is(http.StatusOK).Has("All that you have earned is paid out").Has("Arrived")
	for _, after := range []string{"0", "x", "-1", "1e9"} {
		b.Get("/app/payouts?after=" + after).Is(http.StatusNotFound)
	}
}

func TestEveryReasonIsASentenceWithAPersonAndAWay(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	codes := []string{payouts.ReasonHeld, payouts.ReasonUnknown, payouts.ReasonUnderWay, payouts.ReasonNoMethod, payouts.ReasonOwed, payouts.ReasonPending, payouts.ReasonReview,
		payouts.ReasonRecovering, payouts.ReasonStuck, payouts.ReasonMinimum, payouts.ReasonUnconfirmed, payouts.ReasonIncomplete, payouts.ReasonChecking, payouts.ReasonRestricted,
		payouts.ReasonProviderOff, payouts.ReasonCurrency, payouts.ReasonTrouble, payouts.ReasonChanged, payouts.ReasonPaused, payouts.ReasonAccount, payouts.ReasonRefused}
	for _, code := range codes {
		for _, act := range []string{payouts.ActYou, payouts.ActUs, payouts.ActProvider, payouts.ActNobody} {
			r := payouts.Reason{Code: code, Act: act, Text: "A sentence.", Since: monday.Add(-48 * time.Hour), Currency: "EUR", Payout: id.New[id.PayoutKind]()}
			v := payouts.ShowReason(w.s, t.Context(), r)
			if v.Who == "" || v.Text == "" || v.Since == "" {
				t.Errorf("%s, %s: %+v", code, act, v)
			}
			if act == payouts.ActYou && v.Action.Href == "" && v.Action.Post == "" {
				t.Errorf("%s: the creator must act and has no button", code)
			}
			if (v.Action.Href != "" || v.Action.Post != "") && v.Action.Label == "" {
				t.Errorf("%s: a button without words", code)
			}
		}
	}
}

func TestReasonsReachThePage(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	for name, c := range map[string]struct {
		make func(u payouts.Who)
		want string
	}{
		"paused": {func(u payouts.Who) {
			w.connect(u, "1111")
			w.earn(u.User, eur(4000))
			if err := w.s.SetPlan(context.Background(), u.User, payouts.Paused); err != nil {
				t.Fatal(err)
			}
		}, "You have paused payouts."},
		"minimum": {func(u payouts.Who) { w.connect(u, "1111"); w.earn(u.User, eur(400)) }, "Payouts begin at €10; there are €4 so far."},
		"owed": {func(u payouts.Who) {
			w.connect(u, "1111")
			o := w.earn(u.User, eur(400))
			w.refund(u.User, o, eur(900))
		}, "The next sales repay it first."},
		"account": {func(u payouts.Who) {
			w.connect(u, "1111")
			w.earn(u.User, eur(4000))
			w.hold(u.User, "The shop is closed.")
		}, "We are looking at something: The shop is closed."},
	} {
		u := w.newcomer()
		c.make(u)
		p := w.signedIn(u).Get("/app/payouts").Is(http.StatusOK)
		if got := p.Text("#purse-eur-why"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAPayoutAndItsFilesBelongToOnePerson(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u, other := w.creator(), w.creator()
	w.earn(u.User, eur(5000))
	w.run()
	w.settle()
	path := "/app/payouts/" + w.only(u.User).ID.String()
	for _, p := range []string{path, path + "/statement.pdf", path + "/statement.csv"} {
		w.signedIn(other).Get(p).Is(http.StatusNotFound)
		w.signedIn(u).Get(p).Is(http.StatusOK)
	}
	for _, p := range []string{"/app/payouts/x", "/app/payouts/" + id.New[id.PayoutKind]().String(), "/app/payouts/%00"} {
		w.signedIn(u).Get(p).Is(http.StatusNotFound)
	}
	m := w.method(u)
	for _, p := range []string{"/choice", "/disconnection"} {
		w.signedIn(other).Post("/app/payouts/methods/"+m.ID.String()+p, nil).Is(http.StatusNotFound)
	}
	w.signedIn(other).Get("/app/payouts/methods/" + m.ID.String() + "/disconnection").Is(http.StatusNotFound)
}

// busy makes a payout of sales, refunds and what came back of an earlier payout.
func (w *desk) busy(u payouts.Who) payouts.Payout {
	w.t.Helper()
	w.earn(u.User, eur(4200))
	w.run()
	w.settle()
	w.news(w.list(u.User)[0], payments.PaymentFailed, "account_closed")
	w.settle()
	first := w.earn(u.User, eur(5033))
	w.earn(u.User, eur(1901))
	w.refund(u.User, first, eur(733))
	if err := w.s.Choose(context.Background(), u, w.method(u).ID); err != nil {
		w.t.Fatal(err)
	}
	w.pass(24 * time.Hour)
	w.run()
	w.settle()
	return w.list(u.User)[0]
}

func TestTheStatementAddsUpOnThePageInTheCSVAndInThePDF(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u := w.creator()
	x := w.busy(u)
	want := int64(4200 + 5033 + 1901 - 733)
	if x.Amount != eur(want) {
		t.Fatalf("the payout is %s", x.Amount)
	}
	b := w.signedIn(u)
	path := "/app/payouts/" + x.ID.String()
	p := b.Get(path).Is(http.StatusOK)
	if got := strings.ReplaceAll(p.Text("#payout-sum"), " ", ""); got != x.Amount.Format() {
		t.Errorf("the page says %q", got)
	}
	for _, s := range []string{"Sales", "Refunds", "Earlier payouts", "came back"} {
		p.Has(s)
	}

	f := b.Get(path + "/statement.csv").Is(http.StatusOK)
	if !strings.HasPrefix(f.Header.Get("Content-Disposition"), "attachment; filename=\"payout-2-") || !strings.Contains(f.Header.Get("Content-Type"), "charset=utf-8") {
		t.Errorf("headers %v", f.Header)
	}
	if strings.Count(f.Body, "\r\n") != strings.Count(f.Body, "\n") {
		t.Error("a line does not end as RFC 4180 wants it")
	}
	rows, err := csv.NewReader(strings.NewReader(f.Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var net, shares int64
	for _, r := range rows[1:] {
		cent := func(i int) int64 {
			n, err := strconv.ParseInt(strings.ReplaceAll(r[i], ".", ""), 10, 64)
			if err != nil {
				t.Fatalf("%q is no amount", r[i])
			}
			return n
		}
		net += cent(7)
		shares += cent(5) - cent(6)
	}
	if net != want {
		t.Errorf("the CSV adds up to %d, want %d", net, want)
	}
	if back := int64(4200); shares != want-back { // of what came back only the sum is known
		t.Errorf("gross less fee is %d, want %d", shares, want-back)
	}

	pdf := b.Get(path + "/statement.pdf").Is(http.StatusOK)
	got := pdfText(t, []byte(pdf.Body))
	for _, s := range []string{"Payout statement", x.Amount.String(), "Paid out", "•••• 6789", "50.33", "19.01", "-7.33", "42.00", "Noor <b>", "1 / 1"} {
		if !strings.Contains(got, s) {
			t.Errorf("the PDF does not say %q:\n%s", s, got)
		}
	}
	if again := b.Get(path + "/statement.pdf"); again.Body != pdf.Body {
		t.Error("the same payout gives another file")
	}
}

// pdfText reads what a PDF of ours says, string by string.
func pdfText(t *testing.T, raw []byte) string {
	t.Helper()
	if !bytes.HasPrefix(raw, []byte("%PDF-")) || !bytes.Contains(raw, []byte("%%EOF")) {
		t.Fatalf("no PDF: %.40q", raw)
	}
	var out []string
	for _, m := range regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindAllSubmatch(raw, -1) {
		z, err := zlib.NewReader(bytes.NewReader(m[1]))
		if err != nil {
			continue
		}
		body, err := io.ReadAll(z)
		if err != nil || !bytes.Contains(body, []byte("Tj")) {
			continue
		}
		for _, s := range regexp.MustCompile(`(?s)\(((?:\\.|[^\\)])*)\) ?Tj`).FindAllSubmatch(body, -1) {
			plain := regexp.MustCompile(`(?s)\\(.)`).ReplaceAll(bytes.ReplaceAll(s[1], []byte(`\r`), []byte("\r")), []byte("$1"))
			var u []uint16
			for ; len(plain) >= 2; plain = plain[2:] {
				u = append(u, binary.BigEndian.Uint16(plain))
			}
			out = append(out, string(utf16.Decode(u)))
		}
	}
	return strings.Join(out, "\n")
}

func TestALongStatementHasAllItsLinesAndPages(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u := w.creator()
	const n = 130
	for i := range n {
		w.earn(u.User, eur(int64(1000+i)))
	}
	w.run()
	w.settle()
	path := "/app/payouts/" + w.only(u.User).ID.String()
	b := w.signedIn(u)
	p := b.Get(path).Is(http.StatusOK).Has("30 more lines are in the PDF and the CSV.")
	if got := p.Doc().Find("ul.lines > li").Length(); got != 100 {
		t.Errorf("%d lines on the page", got)
	}
	got := pdfText(t, []byte(b.Get(path+"/statement.pdf").Body))
	for i := range n {
		if s := (eur(int64(1000 + i))).Decimal(); !strings.Contains(got, s) {
			t.Errorf("the PDF lacks %s", s)
		}
	}
	if !strings.Contains(got, "4 / 4") && !strings.Contains(got, "3 / 3") {
		t.Errorf("the pages are not counted:\n%.200s", got)
	}
	if rows := strings.Count(b.Get(path+"/statement.csv").Body, "\r\n"); rows != n+1 {
		t.Errorf("%d rows in the CSV", rows)
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Forty glazes": "Forty glazes", "": "", "=1+1": "'=1+1", "+49 30": "'+49 30", "-2": "'-2", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "  =1": "'  =1",
		"|cmd": "'|cmd", "%0A=1": "'%0A=1", "＝1": "'＝1", "\x00=1": "'=1", "a=1": "a=1", "\ufeff=1": "'\ufeff=1", "ü": "ü",
	} {
		if got := payouts.Cell(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestOneAccountIsOpenedAndTheBrowserIsSentThere(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u := w.newcomer()
	b := w.signedIn(u)
	page := b.Get("/app/payouts/methods").Is(http.StatusOK)
	bad := b.Submit(page, "#stripe", map[string]string{"country": ""}).Is(http.StatusUnprocessableEntity)
	if bad.Doc().Find(`#country[aria-invalid="true"]`).Length() != 1 || bad.Doc().Find(`#errors a[href="#country"]`).Length() != 1 {
		t.Error("the mistake is not shown at its field")
	}
	var to string
	for range 3 {
		p := b.Submit(page, "#stripe", map[string]string{"country": "DE"}).Is(http.StatusSeeOther)
		to = p.Header.Get("Location")
	}
	if !strings.HasPrefix(to, "http") || strings.HasPrefix(to, "http://localhost:8080") {
		t.Errorf("sent to %q", to)
	}
	if n := w.stripe.opened[u.User.String()]; n > 1 {
		t.Errorf("%d accounts", n)
	}
	b.HTMX = true
	if p := b.Post("/app/payouts/methods/continue", nil); p.Header.Get("HX-Redirect") == "" {
		t.Errorf("htmx is not sent on: %d", p.Status)
	}
	b.HTMX = false
	p := b.Follow(b.Get("/app/payouts/methods/return").Goes("/app/payouts/methods")).Is(http.StatusOK)
	p.Has("Stripe still needs something from you").Has("Continue at Stripe").HasNot(`id="stripe"`)
	w.stripe.fill(w.method(u).Account, "6789", "")
	b.Follow(b.Get("/app/payouts/methods/return")).Has("Your bank account is connected. Payouts go there.").Has("In use").Has("•••• 6789")
	w.signedIn(w.newcomer()).Get("/app/payouts/methods/return").Goes("/app/payouts/methods")
	w.signedIn(w.newcomer()).Post("/app/payouts/methods/continue", nil).Is(http.StatusNotFound)
}

func TestAPayPalAddressCountsOnceItsLinkWasFollowed(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u := w.creator()
	b := w.signedIn(u)
	page := b.Get("/app/payouts/methods").Is(http.StatusOK)
	typed := `"><script>alert(1)</script>`
	bad := b.Submit(page, "#paypal", map[string]string{"address": typed}).Is(http.StatusUnprocessableEntity).HasNot("<script>alert")
	if got := bad.Doc().Find("#address").AttrOr("value", ""); got != typed {
		t.Errorf("what was typed is lost: %q", got)
	}
	b.Follow(b.Submit(page, "#paypal", map[string]string{"address": "ada@example.com"})).Has("We mailed a link to").Has("Not confirmed")
	token := w.link(u)
	link := "/app/payouts/methods/confirm/" + token
	ask := b.Get(link).Is(http.StatusOK)
	b.Get("/app/payouts/methods").Has("Not confirmed") // opening the link does nothing
	w.signedIn(w.newcomer()).Post(link, nil).Is(http.StatusGone)
	b.Follow(b.Submit(ask, `form[action="`+link+`"]`, nil)).Has("Confirmed. Payouts go to ada@example.com, from").Has("nothing is sent here before")
	b.Post(link, nil).Is(http.StatusGone).Has("This link was used")
	b.Get("/app/payouts/methods/confirm/x").Is(http.StatusGone)

	m := w.current(u)
	ask = b.Get("/app/payouts/methods/" + m.ID.String() + "/disconnection").Is(http.StatusOK).Has("Your shop goes on selling.")
	b.Follow(b.Submit(ask, `form[action$="/disconnection"]`, nil)).Has("It is disconnected once you have followed")
	b.Follow(b.Post("/app/payouts/methods/confirm/"+w.link(u), nil)).Has("It is disconnected. Sales go on").HasNot("ada@example.com")
}

func (w *desk) current(u payouts.Who) payouts.Method {
	w.t.Helper()
	all, err := w.s.Methods(context.Background(), u.User)
	if err != nil || len(all) == 0 || !all[0].Current {
		w.t.Fatalf("no current method: %v %v", all, err)
	}
	return all[0]
}

func TestThePlanIsSavedWithAndWithoutHTMX(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u := w.creator()
	b := w.signedIn(u)
	page := b.Get("/app/payouts/methods").Is(http.StatusOK)
	b.Submit(page, "#plan form", map[string]string{"plan": "weekly"}).Goes("/app/payouts/methods")
	b.HTMX = true
	p := b.Post("/app/payouts/methods/plan", url.Values{"plan": {"monthly"}}).Is(http.StatusOK).HasNot("<html").Has("Saved.").Has("1 February 2029")
	if got := p.Doc().Find("input[checked]").AttrOr("value", ""); got != "monthly" {
		t.Errorf("%q is chosen", got)
	}
	b.Post("/app/payouts/methods/plan", url.Values{"plan": {"hourly"}}).Is(http.StatusUnprocessableEntity).Has("Choose daily, weekly, monthly or paused.").HasNot("Saved.")
	b.HTMX = false
	b.Post("/app/payouts/methods/plan", url.Values{"plan": {"'"}}).Is(http.StatusUnprocessableEntity)
	if plan, err := w.s.Plan(t.Context(), u.User); err != nil || plan != payouts.Monthly {
		t.Errorf("the plan is %q, %v", plan, err)
	}
}

func TestTheSimulatorSaysWhatIsBooked(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	b := w.signedIn(w.newcomer())
	b.Get("/app/payouts/fees").Is(http.StatusOK).Has("We keep 5 % of a sale and €0.25.")
	for _, c := range []struct{ query, get, says string }{
		{"price=19", "€17.80", "−€1.20"}, {"price=19&quantity=3", "€53.90", "−€3.10"}, {"price=19&case=full", "€0", "€1.20"}, {"price=19&case=part&part=9.50", "€8.90", "€0.60"},
		{"price=19&case=part", "€8.90", "−€8.90"}, {"price=19&case=lost", "€0", "The bank takes back"}, {"price=19&case=won", "€17.80", "comes back in full"}, {"price=0", "€0", "€0"},
	} {
		for _, htmx := range []bool{false, true} {
			b.HTMX = htmx
			p := b.Get("/app/payouts/fees?" + c.query).Is(http.StatusOK)
			if got := strings.ReplaceAll(p.Text("#you-get"), " ", ""); got != c.get || !strings.Contains(p.Text("#result"), c.says) {
				t.Errorf("%s: %q, %q", c.query, got, p.Text("#result"))
			}
			if strings.Contains(p.Body, "<html") == htmx {
				t.Errorf("%s, htmx %v: the wrong frame", c.query, htmx)
			}
		}
	}
	b.HTMX = false
	for _, q := range []string{"price=1e3", "price=-1", "price=0.10", "price=19&quantity=0", "price=19&quantity=100", "price=19&quantity=x", "price=999999.99&quantity=2", "price=19&case=part&part=20",
		"price=" + url.QueryEscape(`"><script>alert(1)</script>`), "price=%00%ff"} {
		p := b.Get("/app/payouts/fees?" + q)
		if p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", q, p.Status)
		}
		p.HasNot("<script>alert")
	}
}

// For any price and part, what the simulator leaves is what the book would leave.
func TestTheSimulatorNeverLosesACent(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	f, err := (&fees.Service{}).For(t.Context(), w.d, eur(100), w.d.Now())
	if err != nil || f.Bps == 0 {
		t.Fatalf("%+v %v", f, err)
	}
	for minor := int64(50); minor < 50_000; minor += 997 {
		for _, part := range []int64{0, 1, minor / 3, minor} {
			paid, fee, kept, back := payouts.PlaySale(f, eur(minor), eur(part))
			if paid.Sub(fee).Sub(back) != kept || kept.Minor < 0 {
				t.Fatalf("%s, %s back: fee %s, %s taken, %s kept", paid, eur(part), fee, back, kept)
			}
			if part == minor && !kept.IsZero() {
				t.Fatalf("%s all back: %s kept", paid, kept)
			}
		}
	}
}

func TestProgramsReadTheSame(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u := w.creator()
	x := w.busy(u)
	w.earn(u.User, eur(400))
	b := w.browser()
	b.Get("/api/v1/balance").Is(http.StatusUnauthorized)
	b.Header.Set("Authorization", "Bearer "+u.User.String())
	var balance struct {
		Balances []struct {
			Currency  string
			Available int64
			InFlight  int64 `json:"in_flight"`
			Reason    *struct{ Code, Text, Act string }
		}
	}
	read(t, b.Get("/api/v1/balance").Is(http.StatusOK), &balance)
	if len(balance.Balances) != 1 || balance.Balances[0].Available != 400 || balance.Balances[0].InFlight != x.Amount.Minor || balance.Balances[0].Reason == nil || balance.Balances[0].Reason.Code != "minimum" {
		t.Errorf("%+v", balance)
	}
	var list struct {
		Payouts []struct {
			ID, State, Text string
			Amount          int64
		}
		Next *string
	}
	read(t, b.Get("/api/v1/payouts").Is(http.StatusOK), &list)
	if len(list.Payouts) != 2 || list.Payouts[0].State != "sent" || list.Payouts[1].State != "returned" || list.Payouts[1].Text == "" || list.Next != nil {
		t.Errorf("%+v", list)
	}
	var one struct {
		Amount int64
		Lines  []struct{ Net int64 }
	}
	read(t, b.Get("/api/v1/payouts/"+x.ID.String()).Is(http.StatusOK), &one)
	sum := int64(0)
	for _, l := range one.Lines {
		sum += l.Net
	}
	if sum != one.Amount || sum != x.Amount.Minor {
		t.Errorf("lines %d, amount %d", sum, one.Amount)
	}
	other := w.browser()
	other.Header.Set("Authorization", "Bearer "+w.creator().User.String())
	other.Get("/api/v1/payouts/" + x.ID.String()).Is(http.StatusNotFound)
}

func read(t *testing.T, p *webtest.Page, dest any) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.Body), dest); err != nil {
		t.Fatalf("%v: %s", err, p.Body)
	}
}

// Odd currencies: yen without a minor unit, dinars with three digits, and files that keep them apart.
func TestOddCurrenciesAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	u := w.newcomer()
	w.connect(u, "6789")
	w.earn(u.User, money.Amount{Minor: 250_000, Currency: "JPY"})
	w.earn(u.User, money.Amount{Minor: 12_345, Currency: "KWD"})
	p := w.signedIn(u).Get("/app/payouts").Is(http.StatusOK)
	if got := p.Text("#purse-jpy-available .part__a"); got != "¥250,000" {
		t.Errorf("yen: %q", got)
	}
	if got := p.Text("#purse-kwd-available .part__a"); got != "KWD 12.345" {
		t.Errorf("dinars: %q", got)
	}
}
