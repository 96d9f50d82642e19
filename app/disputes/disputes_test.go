package disputes_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/disputes"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/payments"
	"vitrine/app/sandbox"
)

func TestMain(m *testing.M) {
	if os.Getenv("DISPUTES_VICTIM") != "" {
		os.Exit(victim())
	}
	os.Exit(apptest.Main(m))
}

var png = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0}, 100)...)

type bench struct {
	*apptest.World
	c *apptest.Creator
	s *disputes.Service
}

func newBench(t *testing.T) *bench {
	w := apptest.New(t)
	return &bench{w, w.Creator(), w.App.Disputes}
}

// Settle lets events arrive and be applied, and those that follow from them.
func (b *bench) Settle() {
	b.World.Settle()
	b.World.Settle()
}

// disputed sells a copy and has the buyer's bank take it back.
func (b *bench) disputed(reason string) disputes.Dispute {
	b.T.Helper()
	sale := b.Buy(b.c.Product)
	b.Settle()
	var intent string
	if err := b.DB.Get(b.T.Context(), &intent, `SELECT payment_intent_id FROM checkouts WHERE email = $1`, sale.Email); err != nil {
		b.T.Fatal(err)
	}
	if err := b.Stripe.Dispute(intent, reason); err != nil {
		b.T.Fatal(err)
	}
	b.Settle()
	return b.newest()
}

func (b *bench) newest() disputes.Dispute {
	b.T.Helper()
	all, err := b.s.List(b.T.Context(), b.c.User)
	if err != nil || len(all) == 0 {
		b.T.Fatalf("%v %v", all, err)
	}
	d, err := b.s.Get(b.T.Context(), b.c.User, all[0].ID)
	if err != nil {
		b.T.Fatal(err)
	}
	return d
}

func TestADisputeIsAnsweredWithWhatWeKnow(t *testing.T) {
	b := newBench(t)
	d := b.disputed("product_not_received")
	ctx := t.Context()
	if !d.Open() || d.Due.IsZero() || d.Amount.Minor != 1900 || len(b.Mails(b.c.Email, "took €19 back")) != 1 {
		t.Fatalf("%+v", d)
	}
	if err := b.s.Save(ctx, b.c.User, d.ID, "She wrote that it works.", "Past 14 days."); err != nil {
		t.Fatal(err)
	}
	if err := b.s.Attach(ctx, b.c.User, d.ID, "delivery", "../let\x00ter.exe", png); err != nil {
		t.Fatal(err)
	}
	b.Stripe.Record()
	if err := b.s.Send(ctx, b.c.User, d.ID); err != nil {
		t.Fatal(err)
	}
	b.Settle()
	if d = b.newest(); d.Answer != disputes.Sent || d.Status != payments.DisputeReview || len(b.Mails(b.c.Email, "with the bank")) != 1 {
		t.Fatalf("%+v", d)
	}
	var sent string
	for _, call := range b.Stripe.Calls() {
		if strings.HasPrefix(call.Path, "/v1/disputes/") && call.Method == "POST" {
			sent = string(call.Body)
		}
	}
	for _, want := range []string{"She+wrote+that+it+works.", "Forty+glazes", "evidence%5Breceipt%5D=file_", "evidence%5Bservice_documentation%5D=file_", "submit=true", "Past+14+days."} {
		if !strings.Contains(sent, want) && !strings.Contains(strings.NewReplacer("[", "%5B", "]", "%5D").Replace(sent), want) {
			t.Errorf("%q is not in %s", want, sent)
		}
	}
	if n := len(b.Stripe.Uploads()); n != 2 {
		t.Errorf("%d files uploaded", n)
	}
	if err := b.Stripe.Decide(d.Ref, true); err != nil {
		t.Fatal(err)
	}
	b.Settle()
	if d = b.newest(); d.Status != payments.DisputeWon || len(b.Mails(b.c.Email, "You won")) != 1 {
		t.Errorf("%+v", d)
	}
	b.clean()
}

func (b *bench) clean() {
	b.T.Helper()
	r, err := b.App.CheckMoney(context.Background())
	if err != nil {
		b.T.Fatal(err)
	}
	for _, f := range r.Findings {
		if !f.Note {
			b.T.Errorf("check-money: %s", f)
		}
	}
}

func TestAnAnswerIsSentOnce(t *testing.T) {
	b := newBench(t)
	d := b.disputed("fraudulent")
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		wg.Go(func() {
			err := b.s.Send(context.Background(), b.c.User, d.ID)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done != 1 {
		t.Fatalf("sent %d times", done)
	}
	for range 2 {
		if err := b.s.Deliver(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{b.s.Save(t.Context(), b.c.User, d.ID, "x", ""), b.s.Attach(t.Context(), b.c.User, d.ID, "other", "x.png", png),
		b.s.Detach(t.Context(), b.c.User, d.ID, "other"), b.s.Accept(t.Context(), b.c.User, d.ID)} {
		if !errs.Is(err, errs.Conflict) {
			t.Errorf("after it was sent: %v", err)
		}
	}
}

// The answer is lost, or an error is kept under the key: the same keys find what was done.
func TestALostAnswerIsNotSentTwice(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.DropAfter, sandbox.DropBefore, sandbox.Unavailable} {
		b := newBench(t)
		d := b.disputed("fraudulent")
		if err := b.s.Send(t.Context(), b.c.User, d.ID); err != nil {
			t.Fatal(err)
		}
		b.Stripe.Inject(sandbox.Fault{Kind: kind, Times: 4})
		var err error
		for range 6 {
			if err = b.s.Deliver(t.Context(), d.ID); err == nil {
				break
			}
		}
		if d = b.newest(); err != nil || d.Answer != disputes.Sent {
			t.Errorf("%s: %s %v", kind, d.Answer, err)
		}
		// Past the life of the keys the provider is asked first.
		b.Exec(`UPDATE disputes SET answer = 'sending', sending_at = sending_at - interval '25 hours' WHERE id = $1`, d.ID)
		b.Stripe.Record()
		if err := b.s.Deliver(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
		for _, call := range b.Stripe.Calls() {
			if call.Method == "POST" {
				t.Errorf("%s: %s was sent past the life of its key", kind, call.Path)
			}
		}
	}
}

func TestWhatNobodyAnswersIsSentInTime(t *testing.T) {
	b := newBench(t)
	d := b.disputed("fraudulent")
	b.Pass(d.Due.Sub(b.Now()) - 25*time.Hour)
	b.Work()
	if d = b.newest(); d.Answer != disputes.Drafting {
		t.Fatalf("too early: %s", d.Answer)
	}
	b.Pass(2 * time.Hour)
	b.Settle()
	if d = b.newest(); d.Answer != disputes.Sent || !d.Automatic {
		t.Fatalf("%s, automatic %v", d.Answer, d.Automatic)
	}
}

func TestASweepSendsWhatALostJobHasMissed(t *testing.T) {
	b := newBench(t)
	other := b.disputed("fraudulent")
	b.Exec(`DELETE FROM outbox WHERE kind = 'disputes:remind'`)
	b.Pass(other.Due.Sub(b.Now()) - 23*time.Hour)
	if err := b.s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Settle()
	if d := b.newest(); d.Answer != disputes.Sent || !d.Automatic {
		t.Fatalf("%+v", d)
	}
}

func TestGivingUpLeavesTheMoneyWithTheBuyer(t *testing.T) {
	b := newBench(t)
	d := b.disputed("fraudulent")
	if err := b.s.Accept(t.Context(), b.c.User, d.ID); err != nil {
		t.Fatal(err)
	}
	b.Settle()
	if d = b.newest(); d.Answer != disputes.Accepted || d.Status != payments.DisputeLost {
		t.Fatalf("%+v", d)
	}
	b.clean()
}

func TestOnlyPicturesAndPDFsOfTheOwnDispute(t *testing.T) {
	b := newBench(t)
	d := b.disputed("fraudulent")
	stranger := b.Creator()
	for what, err := range map[string]error{
		"a script":    b.s.Attach(t.Context(), b.c.User, d.ID, "other", "x.png", []byte("<script>alert(1)</script>")),
		"nothing":     b.s.Attach(t.Context(), b.c.User, d.ID, "other", "x.png", nil),
		"no kind":     b.s.Attach(t.Context(), b.c.User, d.ID, "receipt", "x.png", png),
		"too large":   b.s.Attach(t.Context(), b.c.User, d.ID, "other", "x.png", append(bytes.Clone(png), make([]byte, 5<<20)...)),
		"many words":  b.s.Save(t.Context(), b.c.User, d.ID, strings.Repeat("x", 3001), ""),
		"many words2": b.s.Save(t.Context(), b.c.User, d.ID, "", strings.Repeat("ä", 3001)),
	} {
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"save": b.s.Save(t.Context(), stranger.User, d.ID, "x", ""), "attach": b.s.Attach(t.Context(), stranger.User, d.ID, "other", "x.png", png),
		"send": b.s.Send(t.Context(), stranger.User, d.ID), "accept": b.s.Accept(t.Context(), stranger.User, d.ID), "none": b.s.Send(t.Context(), b.c.User, id.New[id.DisputeKind]()),
	} {
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("%s by a stranger: %v", what, err)
		}
	}
	stranger.Get("/app/disputes/" + d.ID.String()).Is(404)
}

func TestThePagesSaveAttachAndSend(t *testing.T) {
	b := newBench(t)
	d := b.disputed("fraudulent")
	b.c.Get("/app/disputes").Is(200).Has("€19").Has("Waits for you")
	at := "/app/disputes/" + d.ID.String()
	p := b.c.Get(at).Is(200).Has("Forty glazes").Has("did not pay")
	b.c.Submit(p, "#words-form", map[string]string{"words": "<script>alert(1)</script>"}).Is(303)
	p = b.c.Get(at).Is(200)
	if strings.Contains(p.Body, "<script>alert") || p.Doc().Find("#words").Text() != "<script>alert(1)</script>" {
		t.Error("the words are not what was typed")
	}
	b.c.Submit(p, "#words-form", map[string]string{"words": strings.Repeat("x", 3001)}).Is(422).Has("3,000")
	b.c.Submit(p, `form[action$="/answer"]`, nil).Is(303)
	b.Settle()
	p = b.c.Get(at).Is(200).Has("with the bank")
	if p.Doc().Find("#words-form").Length() != 0 {
		t.Error("the answer can still be changed")
	}
}
