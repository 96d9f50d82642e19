package sandbox_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func TestRestartLosesNothing(t *testing.T) {
	dir := t.TempDir()
	one := start(t, sandbox.Options{Dir: dir})
	gone := newShop(t, one)
	gone.srv.Close() // nobody listens: deliveries wait
	cs := paid(t, one, "4242424242424242")
	open := newSession(t, one)
	stored := raw(t, one, "POST", "/v1/refunds", "amount=100&payment_intent="+cs.PaymentIntent.ID, "Idempotency-Key", "r1")
	if err := one.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	balance, events := one.Stripe().Balance("eur"), len(one.Stripe().Events())
	one.Close()

	two := start(t, sandbox.Options{Dir: dir})
	if got := get(t, two, cs.ID); got.PaymentStatus != "paid" || got.PaymentIntent.LatestCharge.AmountRefunded != 100 || got.PaymentIntent.Metadata["order"] != "o1" {
		t.Errorf("%+v", got)
	}
	if b := two.Stripe().Balance("eur"); b != balance || len(two.Stripe().Events()) != events {
		t.Errorf("balance %+v, events %d of %d", b, len(two.Stripe().Events()), events)
	}
	if two.Now().Before(time.Now().Add(59 * time.Minute)) {
		t.Error("the clock fell back")
	}
	again := raw(t, two, "POST", "/v1/refunds", "amount=100&payment_intent="+cs.PaymentIntent.ID, "Idempotency-Key", "r1")
	if again.Body["id"] != stored.Body["id"] || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("key forgotten: %v", again.Body)
	}
	sh := newShop(t, two)
	flush(t, two)
	hasAll(t, sh.types(t), "checkout.session.completed", "charge.refunded")
	if err := two.Advance(24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := get(t, two, open.ID); got.Status != "expired" {
		t.Errorf("the open session did not expire: %s", got.Status)
	}
}

func TestTornJournalLineIsDropped(t *testing.T) {
	dir := t.TempDir()
	one := start(t, sandbox.Options{Dir: dir})
	cs := newSession(t, one)
	one.Close()
	f, err := os.OpenFile(filepath.Join(dir, "journal.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`[{"k":"session","i":"cs_half","v":{"id":"cs_ha`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	two := start(t, sandbox.Options{Dir: dir})
	if got := get(t, two, cs.ID); got.ID != cs.ID {
		t.Error("lost")
	}
	newSession(t, two)
	two.Close()
	three := start(t, sandbox.Options{Dir: dir})
	n := 0
	it := api(three).CheckoutSessions.List(&stripe.CheckoutSessionListParams{})
	for it.Next() {
		n++
	}
	if n != 2 {
		t.Errorf("%d sessions", n)
	}
}

func TestOldEventsAndKeysLeaveTheJournal(t *testing.T) {
	dir := t.TempDir()
	one := start(t, sandbox.Options{Dir: dir})
	cs := paid(t, one, "4242424242424242")
	raw(t, one, "POST", "/v1/customers", "name=A", "Idempotency-Key", "k")
	if err := one.Advance(31 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	one.Close()
	two := start(t, sandbox.Options{Dir: dir})
	if n := len(two.Stripe().Events()); n != 0 {
		t.Errorf("%d events after 31 days", n)
	}
	if got := get(t, two, cs.ID); got.PaymentStatus != "paid" {
		t.Error("the session went with them")
	}
	two.Close()
	b, err := os.ReadFile(filepath.Join(dir, "journal.jsonl"))
	if err != nil || bytes.Contains(b, []byte(`"k":"event"`)) || bytes.Contains(b, []byte(`"k":"answer"`)) || bytes.Contains(b, []byte("4242424242424242")) {
		t.Error("the journal keeps what it should not", err)
	}
}

func TestFolderHoldsOneSandbox(t *testing.T) {
	dir := t.TempDir()
	one := start(t, sandbox.Options{Dir: dir})
	if two, err := sandbox.Start(context.Background(), sandbox.Options{Dir: dir}); err == nil {
		two.Close()
		t.Fatal("two sandboxes write one journal")
	}
	one.Close()
	start(t, sandbox.Options{Dir: dir})
}

// TestKill9 runs this test binary as a sandbox of its own and kills it in the middle of work.
func TestKill9(t *testing.T) {
	if dir := os.Getenv("SANDBOX_TEST_DIR"); dir != "" {
		if _, err := sandbox.Start(context.Background(), sandbox.Options{Dir: dir, Addr: os.Getenv("SANDBOX_TEST_ADDR")}); err != nil {
			os.Stdout.WriteString("error " + err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString("ready\n")
		select {}
	}
	dir := t.TempDir()
	probe := start(t, sandbox.Options{})
	addr := strings.TrimPrefix(probe.URL(), "http://")
	probe.Close()
	acknowledged := []string{}
	for range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill9$")
		cmd.Env = append(os.Environ(), "SANDBOX_TEST_DIR="+dir, "SANDBOX_TEST_ADDR="+addr)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 6)
		if _, err := io.ReadFull(out, line); err != nil || string(line) != "ready\n" {
			t.Fatalf("child: %q %v", line, err)
		}
		timer := time.AfterFunc(250*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for {
			req, _ := http.NewRequest("POST", "http://"+addr+"/stripe/v1/checkout/sessions", strings.NewReader(goodSession))
			req.Header.Set("Authorization", "Bearer "+sandbox.DefaultKey)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			rs, err := http.DefaultClient.Do(req)
			if err != nil {
				break
			}
			b, err := io.ReadAll(rs.Body)
			rs.Body.Close()
			if err != nil || rs.StatusCode != 200 {
				break
			}
			i := bytes.Index(b, []byte("cs_test_"))
			acknowledged = append(acknowledged, string(b[i:i+66]))
		}
		timer.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	s := start(t, sandbox.Options{Dir: dir})
	for _, id := range acknowledged {
		if raw(t, s, "GET", "/v1/checkout/sessions/"+id, "").Status != 200 {
			t.Fatalf("%s was acknowledged and is lost", id)
		}
	}
	if len(acknowledged) < 10 {
		t.Errorf("only %d sessions were made", len(acknowledged))
	}
}
