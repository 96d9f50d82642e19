package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"vitrine/app/apptest"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/web/webtest"
)

// victim is one process of the product, started as an operator would.
type victim struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	log  strings.Builder
}

func (v *victim) dead() bool {
	select {
	case <-v.done:
		return true
	default:
		return false
	}
}

// killWorld is the services in this process and the product in others.
type killWorld struct {
	*apptest.World
	t           *testing.T
	binary      string
	mark        string
	web, worker *victim
	client      *http.Client
	creator     *apptest.Creator
	started     atomic.Int64
}

func newKillWorld(t *testing.T) *killWorld {
	t.Helper()
	k := &killWorld{World: apptest.Services(t), t: t, binary: filepath.Join(t.TempDir(), "vitrine-failpoint"), mark: filepath.Join(t.TempDir(), "mark")}
	build := exec.Command("go", "build", "-tags", "failpoint", "-ldflags", "-s -w", "-o", k.binary, ".")
	build.Dir = dbtest.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	k.FreePort()
	k.Start() // to prepare, and to check afterwards
	k.creator = k.Creator()
	k.Work()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	k.client = &http.Client{
		Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", k.Config.Port))
		}},
	}
	t.Cleanup(func() { k.stop(k.web); k.stop(k.worker) })
	// The sandbox knows the product's address and not its name.
	if err := k.Stripe.SetWebhook(k.Config.AppURL+"/webhooks/stripe", k.Stripe.WebhookSecret()); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *killWorld) env() []string {
	c := k.Config
	e := []string{"GOTRACEBACK=single", "VITRINE_FAILPOINT_MARK=" + k.mark}
	for name, v := range map[string]string{
		"PORT": fmt.Sprint(c.Port), "BIND": c.Bind, "VITRINE_DATA": c.Data, "SECRET_KEY": c.SecretKey.Reveal(), "DATABASE_URL": c.DatabaseURL, "DATABASE_MAX_OPEN": "8",
		"REDIS_URL": c.RedisURL, "S3_ENDPOINT": c.S3Endpoint, "AWS_REGION": c.AWSRegion, "AWS_ACCESS_KEY_ID": c.AWSAccessKeyID,
		"AWS_SECRET_ACCESS_KEY": c.AWSSecretAccessKey.Reveal(), "AWS_S3_BUCKET": c.AWSS3Bucket, "SMTP_URL": c.SMTPURL.Reveal(), "MAIL_FROM": c.MailFrom,
		"STRIPE_SECRET_KEY": c.StripeSecretKey.Reveal(), "STRIPE_WEBHOOK_SECRET": c.StripeWebhookSecret.Reveal(), "STRIPE_API_URL": c.StripeAPIURL,
		"STRIPE_CHECKOUT_ORIGIN": c.StripeCheckoutOrigin, "SETTLEMENT_DAYS": "0", "LOG_LEVEL": "warn", "HOME": os.Getenv("HOME"), "PATH": os.Getenv("PATH"),
	} {
		e = append(e, name+"="+v)
	}
	return e
}

func (k *killWorld) run(command, failpoint string) *victim {
	k.t.Helper()
	v := &victim{name: command, cmd: exec.Command(k.binary, command), done: make(chan struct{})}
	v.cmd.Env = append(k.env(), "VITRINE_FAILPOINT="+failpoint)
	v.cmd.Stderr = &v.log
	if err := v.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.started.Add(1)
	go func() { v.cmd.Wait(); close(v.done) }()
	return v
}

func (k *killWorld) stop(v *victim) {
	if v != nil && !v.dead() {
		v.cmd.Process.Signal(syscall.SIGKILL)
		<-v.done
	}
}

// startWeb replaces the web process by one that dies at failpoint, or by one that lives.
func (k *killWorld) startWeb(failpoint string) {
	k.t.Helper()
	k.stop(k.web)
	k.web = k.run("web", failpoint)
	apptest.Eventually(k.t, 20*time.Second, "web answers", func() bool {
		if k.web.dead() {
			k.t.Fatalf("web did not start: %s", &k.web.log)
		}
		res, err := k.client.Get(k.Config.AppURL + "/healthz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// startWorker replaces the worker. What the one before had in hand is due again at once, as if its lease were over.
func (k *killWorld) startWorker(failpoint string) {
	k.t.Helper()
	k.stop(k.worker)
	k.Exec(`UPDATE outbox SET lease_until = NULL, run_at = least(run_at, now()) WHERE done_at IS NULL AND kind <> 'checkouts:watch'`)
	k.Exec(`UPDATE payouts SET lease_until = NULL`)
	for _, mails := range []string{"order_mails", "payout_mails", "risk_mails"} {
		k.Exec(`UPDATE ` + mails + ` SET lease_until = now() - interval '1 second' WHERE sent_at IS NULL`)
	}
	k.worker = k.run("worker", failpoint)
}

// heal puts an ordinary process in the place of one that has died at its failpoint.
func (k *killWorld) heal() {
	k.t.Helper()
	if k.web != nil && k.web.dead() {
		k.startWeb("")
	}
	if k.worker != nil && k.worker.dead() {
		k.startWorker("")
	}
}

// reached waits until the armed process has died where it was told to.
func (k *killWorld) reached(failpoint string, v *victim) {
	k.t.Helper()
	select {
	case <-v.done:
	case <-time.After(15 * time.Second):
		k.t.Fatalf("%s never came to %s\n%s", v.name, failpoint, tail(v.log.String()))
	}
	b, err := os.ReadFile(k.mark)
	if err != nil || string(b) != failpoint {
		k.t.Fatalf("%s ended without coming to %s: %v %q\n%s", v.name, failpoint, err, b, tail(v.log.String()))
	}
	os.Remove(k.mark)
}

func tail(s string) string {
	if len(s) > 2000 {
		return "…" + s[len(s)-2000:]
	}
	return s
}

// answer is what a buyer's browser got.
type answer struct {
	status   int
	location string
	body     string
}

// once sends one request; an error means that the connection broke.
func (k *killWorld) once(method, address string, form url.Values) (answer, error) {
	req, err := http.NewRequestWithContext(k.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", k.Config.AppURL)
	}
	res, err := k.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Location"), string(b)}, err
}

// insist sends it again when the connection breaks or the server is not there yet, as a person would.
func (k *killWorld) insist(method, address string, form url.Values) answer {
	k.t.Helper()
	var last error
	for range 5 {
		a, err := k.once(method, address, form)
		if err == nil && a.status < 500 {
			return a
		}
		last = errors.Join(err, fmt.Errorf("status %d", a.status))
		if k.web.dead() {
			k.startWeb("")
		}
	}
	k.t.Fatalf("%s %s: %v", method, address, last)
	return answer{}
}

// buyer is one person with one filled form.
type buyer struct {
	email   string
	form    url.Values
	session string // at the provider; empty until the payment page is known
	start   string // where the checkout page is
}

// buyer opens the checkout page and fills it.
func (k *killWorld) buyer(product id.Product) *buyer {
	k.t.Helper()
	b := &buyer{email: "ines-" + strings.ToLower(id.Token()[:12]) + "@mail.test", start: k.Config.AppURL + "/checkout/start?q=1&p=" + product.String()}
	page := k.insist(http.MethodGet, b.start, nil)
	form, err := formOf(page.body, "/checkout")
	if err != nil || page.status != http.StatusOK {
		k.t.Fatalf("checkout page: %d %v", page.status, err)
	}
	b.form = form
	b.form.Set("email", b.email)
	b.form.Set("consent", "on")
	return b
}

// formOf is what a page's form for an action would send as it stands.
func formOf(page, action string) (url.Values, error) {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page))
	if err != nil {
		return nil, err
	}
	return webtest.Filled(doc.Find(fmt.Sprintf("form[action=%q]", action)).First()), nil
}

// press sends the form once.
func (k *killWorld) press(b *buyer) (answer, error) {
	a, err := k.once(http.MethodPost, k.Config.AppURL+"/checkout", b.form)
	if err == nil {
		b.saw(a)
	}
	return a, err
}

func (b *buyer) saw(a answer) {
	if i := strings.LastIndex(a.location, "/cs_"); i >= 0 {
		b.session = a.location[i+1:]
	}
}

// toPayment presses until the payment page is known.
func (k *killWorld) toPayment(b *buyer) {
	k.t.Helper()
	a := k.insist(http.MethodPost, k.Config.AppURL+"/checkout", b.form)
	b.saw(a)
	if b.session == "" {
		k.t.Fatalf("the form leads to %d %q: %s", a.status, a.location, tail(a.body))
	}
}

func (k *killWorld) pay(b *buyer) (next string) {
	k.t.Helper()
	next, err := k.Stripe.Pay(b.session, apptest.Good, "")
	if err != nil {
		k.t.Fatal(err)
	}
	return next
}

// sessions are the provider's payment pages of an address: all, and those that were paid.
func (k *killWorld) sessions(email string) (all, paid int) {
	k.t.Helper()
	for after := ""; ; {
		var list struct {
			Data []struct {
				ID    string `json:"id"`
				Email string `json:"customer_email"`
				State string `json:"payment_status"`
			} `json:"data"`
			More bool `json:"has_more"`
		}
		k.stripe(http.MethodGet, "/v1/checkout/sessions?limit=100"+after, nil, &list)
		for _, s := range list.Data {
			if s.Email == email {
				all++
				if s.State == "paid" {
					paid++
				}
			}
		}
		if !list.More {
			return all, paid
		}
		after = "&starting_after=" + list.Data[len(list.Data)-1].ID
	}
}

// integrator is one payment that a creator's own server takes.
type integrator struct {
	k             *killWorld
	email, intent string
	product       id.Product
	token         string
}

func (k *killWorld) integrator(p id.Product) *integrator {
	k.t.Helper()
	t, err := k.App.Accounts.NewTokens(k.t.Context(), k.creator.User)
	if err != nil {
		k.t.Fatal(err)
	}
	return &integrator{k: k, email: "ines-" + strings.ToLower(id.Token()[:12]) + "@mail.test", product: p, token: t.Access}
}

// ask sends one request under the payment's one key.
func (i *integrator) ask(what string) (answer, error) {
	body := fmt.Sprintf(`{"items":[{"product_id":%q,"quantity":1}],"email":%q,"consent":true}`, i.product, i.email)
	if what == "confirm" {
		body = fmt.Sprintf(`{"payment_intent":%q,"payment_method":"pm_card_visa"}`, i.intent)
	}
	req, err := http.NewRequestWithContext(i.k.t.Context(), http.MethodPost, i.k.Config.AppURL+"/api/v1/payment/"+what, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+i.token)
	req.Header.Set("Idempotency-Key", i.email)
	res, err := i.k.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	var out struct {
		Intent string `json:"payment_intent"`
	}
	if json.Unmarshal(b, &out) == nil && out.Intent != "" {
		i.intent = out.Intent
	}
	return answer{status: res.StatusCode, body: string(b)}, err
}

func (i *integrator) insist(what string) {
	i.k.t.Helper()
	var a answer
	var err error
	for range 5 {
		if a, err = i.ask(what); err == nil && a.status < 300 {
			return
		}
		i.k.heal()
	}
	i.k.t.Fatalf("%s: %d %s %v", what, a.status, tail(a.body), err)
}

// finish asks for everything again and checks that it was paid once.
func (i *integrator) finish() {
	k := i.k
	k.t.Helper()
	k.heal()
	k.Stripe.ClearFaults()
	i.insist("create-intent")
	i.insist("confirm")
	apptest.Eventually(k.t, 20*time.Second, "the order is paid and the receipt sent", func() bool {
		return k.Count(`SELECT count(*) FROM orders o JOIN order_mails m ON m.order_id = o.id AND m.kind = 'receipt'
			WHERE o.email = $1 AND o.status = 'paid' AND m.sent_at IS NOT NULL`, i.email) == 1
	})
	k.quiet()
	if n := k.Count(`SELECT count(*) FROM checkouts WHERE email = $1`, i.email); n != 1 {
		k.t.Errorf("%d checkouts", n)
	}
	clean(k.t, k.World)
}

// giveBack refunds a part of a payment as the provider's dashboard does.
func (k *killWorld) giveBack(b *buyer, minor int) {
	k.t.Helper()
	var session struct {
		Intent string `json:"payment_intent"`
	}
	k.stripe(http.MethodGet, "/v1/checkout/sessions/"+b.session, nil, &session)
	k.stripe(http.MethodPost, "/v1/refunds", url.Values{"payment_intent": {session.Intent}, "amount": {fmt.Sprint(minor)}}, nil)
}

// stripe calls the provider past the product.
func (k *killWorld) stripe(method, path string, form url.Values, to any) {
	k.t.Helper()
	req, err := http.NewRequestWithContext(k.t.Context(), method, k.Stripe.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		k.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+k.Stripe.Key())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		k.t.Fatal(err)
	}
	defer res.Body.Close()
	if to == nil {
		to = &struct{}{}
	}
	if err := json.NewDecoder(res.Body).Decode(to); err != nil || res.StatusCode != http.StatusOK {
		k.t.Fatalf("%s %s: %s %v", method, path, res.Status, err)
	}
}

// finish brings a purchase to its end by what a buyer, the provider and the sweeps do, and checks what came of it.
func (k *killWorld) finish(b *buyer) {
	k.t.Helper()
	k.heal()
	k.Stripe.ClearFaults()
	k.Stripe.Release()
	if k.worker == nil {
		k.startWorker("")
	}
	if b.session == "" {
		k.toPayment(b)
	}
	if _, paid := k.sessions(b.email); paid == 0 {
		next := k.pay(b)
		k.insist(http.MethodGet, next, nil)
	}
	apptest.Eventually(k.t, 20*time.Second, "the order is paid and the receipt sent", func() bool {
		return k.Count(`SELECT count(*) FROM orders o JOIN order_mails m ON m.order_id = o.id AND m.kind = 'receipt'
			WHERE o.email = $1 AND o.status = 'paid' AND m.sent_at IS NOT NULL`, b.email) > 0
	})
	k.settled(b, 1)
}

// quiet waits until every event has come and nothing is left to do.
func (k *killWorld) quiet() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
	defer cancel()
	if err := k.Stripe.Flush(ctx); err != nil {
		k.t.Fatal(err)
	}
	apptest.Eventually(k.t, 20*time.Second, "every event is applied and every job that is due is done", func() bool {
		return k.Count(`SELECT count(*) FROM webhook_inbox WHERE applied_at IS NULL`)+
			k.Count(`SELECT count(*) FROM outbox WHERE done_at IS NULL AND run_at <= now()`) == 0
	})
}

// settled checks one buyer's purchase and the whole book: orders is how many were paid.
func (k *killWorld) settled(b *buyer, orders int) {
	k.t.Helper()
	k.quiet()
	if n := k.Count(`SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL`); n != 0 {
		k.t.Errorf("%d jobs were given up: %s", n, row(k.t, k.World, `SELECT string_agg(kind || ': ' || last_error, '; ') FROM outbox WHERE failed_at IS NOT NULL`))
	}
	if n := k.Count(`SELECT count(*) FROM orders WHERE email = $1 AND status = 'paid'`, b.email); n != orders {
		k.t.Errorf("%d paid orders, want %d", n, orders)
	}
	if n := k.Count(`SELECT count(*) FROM checkouts WHERE email = $1`, b.email); n != 1 {
		k.t.Errorf("%d checkouts", n)
	}
	if _, paid := k.sessions(b.email); paid != orders {
		k.t.Errorf("charged %d times, want %d", paid, orders)
	}
	receipts := map[string]bool{} // one whose sending was cut off may come twice, under the same Message-ID
	for _, m := range k.SMTP.Messages(b.email) {
		receipts[m.Headers.Get("Message-Id")] = true
	}
	if len(receipts) != orders {
		k.t.Errorf("%d receipts, want %d", len(receipts), orders)
	}
	clean(k.t, k.World)
}
