package payments_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/sandbox"
	"vitrine/app/web"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

const secret = "whsec_test"

func client(secrets string) *stripe.Client {
	return stripe.New(stripe.Options{Key: "sk_test_x", APIURL: "http://127.0.0.1:1", WebhookSecrets: secrets})
}

// paid is a payment_intent.succeeded as Stripe sends it, cut down to what is read.
func paid(eventID string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"object":"event","api_version":"2023-10-16","created":%d,"livemode":false,"type":"payment_intent.succeeded",
		"data":{"object":{"id":"pi_%s","object":"payment_intent","status":"succeeded","amount":1900,"amount_received":1900,"currency":"eur","metadata":{}}}}`,
		eventID, time.Now().Unix(), eventID)
}

func signature(body []byte) string { return sandbox.Sign(secret, time.Now(), body) }

func with(signature string) http.Header { return http.Header{"Stripe-Signature": {signature}} }

func signed(body []byte) http.Header { return with(signature(body)) }

// counting is an inbox whose effect is not idempotent at all: it counts in the transaction.
func counting(t *testing.T, d *db.DB) *payments.Inbox {
	t.Helper()
	for _, q := range []string{`CREATE TABLE IF NOT EXISTS applied (intent text NOT NULL)`, `TRUNCATE applied`} {
		if _, err := d.Pool().Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return &payments.Inbox{DB: d, Providers: payments.Providers{client(secret)}, Effect: func(ctx context.Context, tx *db.Tx, e payments.Event) (string, error) {
		_, err := tx.Exec(ctx, `INSERT INTO applied (intent) VALUES ($1)`, e.Fact.Intent)
		return "counted", err
	}}
}

func number(t *testing.T, d *db.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := d.Pool().Get(&n, query, args...); err != nil {
		t.Fatal(err)
	}
	return n
}

// applyAll gives every stored event to every worker, each in an order of its own.
func applyAll(t *testing.T, d *db.DB, b *payments.Inbox, workers int, seed uint64) {
	t.Helper()
	var rows []id.Inbox
	if err := d.Select(t.Context(), &rows, `SELECT id FROM webhook_inbox`); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	start := make(chan struct{})
	for w := range workers {
		mine := append([]id.Inbox(nil), rows...)
		rand.New(rand.NewPCG(seed, uint64(w/2))).Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] }) // two of a kind race for each row
		wg.Go(func() {
			<-start
			for _, r := range mine {
				if err := b.Apply(context.Background(), r); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	close(start)
	wg.Wait()
}

func TestFiveDeliveriesAndEightWorkers(t *testing.T) {
	d := dbtest.Fresh(t)
	b := counting(t, d)
	seed := uint64(time.Now().UnixNano())
	const events = 40
	var wg sync.WaitGroup
	start := make(chan struct{})
	for n := range events {
		body := paid(fmt.Sprintf("evt_%d", n))
		for range 5 {
			wg.Go(func() {
				<-start
				if err := b.Receive(context.Background(), "stripe", body, signed(body)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	close(start)
	wg.Wait()
	applyAll(t, d, b, 8, seed)
	if n := number(t, d, `SELECT count(*) FROM applied`); n != events {
		t.Fatalf("seed %d: %d events had %d effects", seed, events, n)
	}
	if n := number(t, d, `SELECT count(*) FROM outbox WHERE kind = 'payments:apply'`); n != events {
		t.Fatalf("%d jobs", n)
	}
}

// TRUST 1.2, row 7.
func TestInvariant07TenThousandDeliveries(t *testing.T) {
	d := dbtest.Fresh(t)
	b := counting(t, d)
	deliveries := 10_000
	if os.Getenv("VITRINE_AUDIT") == "1" {
		deliveries = 100_000
	}
	events := deliveries * 10 / 13 // so that three of ten come twice
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	post := make([]int, 0, deliveries)
	for n := range deliveries {
		if n < events {
			post = append(post, n)
		} else {
			post = append(post, r.IntN(events))
		}
	}
	r.Shuffle(len(post), func(i, j int) { post[i], post[j] = post[j], post[i] })
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(post); i = next.Add(1) - 1 {
				body := paid(fmt.Sprintf("evt_%d", post[i]))
				if err := b.Receive(context.Background(), "stripe", body, signed(body)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var rows []id.Inbox
	if err := d.Select(t.Context(), &rows, `SELECT id FROM webhook_inbox`); err != nil {
		t.Fatal(err)
	}
	next.Store(0)
	for range 8 {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < 2*len(rows); i = next.Add(1) - 1 { // each job runs twice
				if err := b.Apply(context.Background(), rows[int(i)%len(rows)]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if all, different := number(t, d, `SELECT count(*) FROM applied`), number(t, d, `SELECT count(DISTINCT intent) FROM applied`); all != events || different != events {
		t.Fatalf("seed %d: %d effects of %d different events, want %d", seed, all, different, events)
	}
}

func TestAnEffectThatFailsIsNotMarked(t *testing.T) {
	d := dbtest.Fresh(t)
	b := counting(t, d)
	count := b.Effect
	broken := errors.New("broken")
	b.Effect = func(ctx context.Context, tx *db.Tx, e payments.Event) (string, error) {
		if _, err := count(ctx, tx, e); err != nil {
			return "", err
		}
		return "", broken
	}
	body := paid("evt_1")
	if err := b.Receive(t.Context(), "stripe", body, signed(body)); err != nil {
		t.Fatal(err)
	}
	var row id.Inbox
	if err := d.Get(t.Context(), &row, `SELECT id FROM webhook_inbox`); err != nil {
		t.Fatal(err)
	}
	if err := b.Apply(t.Context(), row); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if number(t, d, `SELECT count(*) FROM applied`) != 0 || number(t, d, `SELECT count(*) FROM webhook_inbox WHERE applied_at IS NULL`) != 1 {
		t.Fatal("half an effect stayed")
	}
	b.Effect = count
	for range 2 {
		if err := b.Apply(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	if number(t, d, `SELECT count(*) FROM applied`) != 1 {
		t.Fatal("not applied once")
	}
}

func TestOtherTypesAreKeptAndIgnored(t *testing.T) {
	d := dbtest.Fresh(t)
	b := counting(t, d)
	for n, body := range []string{
		`{"id":"evt_a","object":"event","api_version":"2023-10-16","type":"customer.created","data":{"object":{}}}`,
		`{"id":"evt_b","object":"event","api_version":"2023-10-16","type":"payment_intent.succeeded","account":"acct_other","data":{"object":{"id":"pi_1","object":"payment_intent"}}}`,
	} {
		if err := b.Receive(t.Context(), "stripe", []byte(body), signed([]byte(body))); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
	}
	applyAll(t, d, b, 1, 1)
	if number(t, d, `SELECT count(*) FROM webhook_inbox WHERE outcome = 'ignored' AND applied_at IS NOT NULL`) != 2 || number(t, d, `SELECT count(*) FROM applied`) != 0 {
		t.Fatal("not ignored")
	}
}

// TRUST 2.2: a thousand changed messages, none accepted.
func TestForgedWebhooksAreRefused(t *testing.T) {
	d := dbtest.Fresh(t)
	b := counting(t, d)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	good := paid("evt_good")
	for n := range 1000 {
		body, sig := bytes.Clone(good), signature(good)
		switch n % 6 {
		case 0:
			body[r.IntN(len(body))] ^= byte(1 + r.IntN(255))
		case 1:
			sig = sandbox.Sign("whsec_wrong", time.Now(), body)
		case 2:
			sig = sandbox.Sign(secret, time.Now().Add(-time.Duration(301+r.IntN(1e6))*time.Second), body)
		case 3:
			i := len(sig) - 1 - r.IntN(64)
			c := byte('0')
			if sig[i] == c {
				c = '1'
			}
			sig = sig[:i] + string(c) + sig[i+1:]
		case 4:
			sig = []string{"", "t=,v1=", "v1=" + sig, strings.Repeat("t=1,", 50), sig[:len(sig)-70], "t=" + strings.Repeat("9", 40) + ",v1=00"}[r.IntN(6)]
		case 5:
			body = append(body, byte(' '+r.IntN(90)))
		}
		if err := b.Receive(t.Context(), "stripe", body, with(sig)); !errors.Is(err, payments.ErrSignature) {
			t.Fatalf("seed %d, message %d: %v", seed, n, err)
		}
	}
	for name, body := range map[string]string{
		"another version": strings.Replace(string(good), "2023-10-16", "2025-03-31.basil", 1),
		"live in test":    strings.Replace(string(good), `"livemode":false`, `"livemode":true`, 1),
		"no event":        `{"object":"charge","id":"ch_1"}`,
		"no JSON":         `hello`,
		"nothing":         ``,
	} {
		if err := b.Receive(t.Context(), "stripe", []byte(body), signed([]byte(body))); !errors.Is(err, payments.ErrEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := number(t, d, `SELECT count(*) FROM webhook_inbox`); n != 0 {
		t.Fatalf("%d were stored", n)
	}
}

func TestBothSecretsHoldWhileTheyAreRotated(t *testing.T) {
	body := paid("evt_1")
	for secrets, want := range map[string]bool{secret: true, "whsec_new, " + secret: true, secret + ",whsec_new": true, "whsec_new": false, "": false} {
		if _, err := client(secrets).ParseWebhook(body, signed(body)); (err == nil) != want {
			t.Errorf("secrets %q: %v", secrets, err)
		}
	}
}

func TestTheWebhookAnswersWhatTheProviderMustKnow(t *testing.T) {
	d := dbtest.Fresh(t)
	b := counting(t, d)
	cfg := &config.Config{Port: 8080, SecretKey: "a secret of the tests, long enough for any key"}
	cfg.Complete()
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, d), web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	(&payments.Handler{Inbox: b}).Routes(r)
	post := func(body []byte, sig string) int {
		req := httptest.NewRequest(http.MethodPost, "http://localhost:8080/webhooks/stripe", bytes.NewReader(body))
		req.Header.Set("Stripe-Signature", sig)
		rec := httptest.NewRecorder()
		r.ServeHTTP(rec, req)
		return rec.Code
	}
	body, large := paid("evt_1"), bytes.Repeat([]byte("x"), 257<<10)
	for _, c := range []struct {
		name string
		body []byte
		sig  string
		want int
	}{
		{"good", body, signature(body), 200}, {"again", body, signature(body), 200}, {"unsigned", body, "", 400},
		{"forged", body, sandbox.Sign("other", time.Now(), body), 400}, {"too large", large, signature(large), 413},
	} {
		if got := post(c.body, c.sig); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if n := number(t, d, `SELECT count(*) FROM webhook_inbox`); n != 1 {
		t.Errorf("%d stored", n)
	}
	jobs := job.NewRegistry()
	b.Jobs(jobs)
	var payload string
	if err := d.Pool().Get(&payload, `SELECT payload FROM outbox`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := jobs.Run(t.Context(), payments.Apply{}.Kind(), []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	if n := number(t, d, `SELECT count(*) FROM applied`); n != 1 {
		t.Errorf("%d effects of a job that ran twice", n)
	}
	away, err := db.Open(t.Context(), d.URL(), db.Options{MaxOpen: 2})
	if err != nil {
		t.Fatal(err)
	}
	away.Close()
	b.DB = away
	if got := post(body, signature(body)); got != 503 {
		t.Errorf("without a database: %d, want 503", got)
	}
}
