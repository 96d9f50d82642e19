package orders_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/embedded"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/app/orders"
)

// do runs a job as the worker would.
func (w *pages) do(t job.Task) error {
	w.t.Helper()
	b, err := json.Marshal(t)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.jobs.Run(context.WithoutCancel(w.t.Context()), t.Kind(), b)
}

func (w *pages) must(t job.Task) {
	w.t.Helper()
	if err := w.do(t); err != nil {
		w.t.Fatalf("%s: %v", t.Kind(), err)
	}
}

func only(t *testing.T, ms []embedded.Mail) embedded.Mail {
	t.Helper()
	if len(ms) != 1 {
		t.Fatalf("%d mails, want 1", len(ms))
	}
	return ms[0]
}

// both parts of a mail must say it.
func says(t *testing.T, m embedded.Mail, all ...string) {
	t.Helper()
	for _, s := range all {
		if !strings.Contains(m.Text, s) {
			t.Errorf("the text of %q does not say %q:\n%s", m.Subject, s, m.Text)
		}
		if h := strings.NewReplacer("&#39;", "'", "&amp;", "&", "&#34;", `"`).Replace(m.HTML); !strings.Contains(h, s) {
			t.Errorf("the HTML of %q does not say %q", m.Subject, s)
		}
	}
}

func TestTheReceiptSaysWhatWasBoughtAndOpensTheOrder(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{Number: 12, PaidAt: time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)})
	w.must(orders.SendReceipt{Order: o.Order})
	m := only(t, w.mails(o.Email, "receipt"))
	says(t, m, "Ada's shop", "Forty glazes", "€19", "Order 12, 23 November 2026, 14:05 UTC. Paid by: Stripe.", "http://localhost:8080"+o.Path,
		"your 14-day right to change your mind ends with it", "http://shop.localhost:8080/@"+w.owner.Slug)
	if m.ReplyTo != w.owner.Email {
		t.Errorf("answers go to %q, want the seller", m.ReplyTo)
	}
	if strings.Contains(m.Text, "est order") {
		t.Error("a real order is called a test")
	}
	if got := m.Headers.Get("Message-Id"); !strings.Contains(got, "receipt-"+o.Order.String()+"@") {
		t.Errorf("Message-ID %q", got)
	}
}

func TestTheReceiptOfATestOrderIsMarked(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{Test: true})
	w.must(orders.SendReceipt{Order: o.Order})
	m := only(t, w.mails(o.Email, ""))
	says(t, m, "Test order", "No money moved", o.Path)
	if !strings.HasPrefix(m.Subject, "Test order") {
		t.Errorf("subject %q", m.Subject)
	}
	w.must(orders.SendSale{Order: o.Order})
	if got := w.mails(w.owner.Email, ""); len(got) != 0 {
		t.Errorf("the creator got %d sale notices for a test", len(got))
	}
}

func TestAReceiptOfAFreeOrderNamesNoMoney(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{Free: true, Number: 3})
	w.must(orders.SendReceipt{Order: o.Order})
	says(t, only(t, w.mails(o.Email, "")), "€0", "Nothing to pay", o.Path)
}

func TestOneReceiptHoweverOftenTheJobRuns(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			deadline := time.Now().Add(20 * time.Second)
			for time.Now().Before(deadline) { // a worker that comes while another sends is told to try again
				if w.do(orders.SendReceipt{Order: o.Order}) == nil {
					return
				}
			}
			t.Error("a worker never came to an end")
		})
	}
	wg.Wait()
	w.must(orders.SendReceipt{Order: o.Order})
	only(t, w.mails(o.Email, ""))
}

// failing is a mail server in trouble: it fails until it has failed n times.
type failing struct {
	orders.Sender
	n    int
	with error
}

func (f *failing) Send(ctx context.Context, m mail.Message) error {
	if f.n > 0 {
		f.n--
		return f.with
	}
	return f.Sender.Send(ctx, m)
}

func TestAMailServerThatIsAwayIsTriedAgain(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	w.handler.Mails.Sender = &failing{w.handler.Mails.Sender, 2, errors.New("connection refused")}
	for range 2 {
		if err := w.do(orders.SendReceipt{Order: o.Order}); err == nil || job.IsPermanent(err) {
			t.Fatalf("%v, want an error that is tried again", err)
		}
	}
	w.must(orders.SendReceipt{Order: o.Order})
	only(t, w.mails(o.Email, ""))
}

func TestARefusedAddressIsGivenUpAndShown(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{Email: id.Token()[:8] + "@refused.test"})
	w.must(orders.SendReceipt{Order: o.Order})
	w.must(orders.SendReceipt{Order: o.Order})
	w.signedIn(w.owner).Get("/app/orders/" + o.Order.String()).Is(200).Has("refused our mail").HasNot("Receipt sent")
}

// dying sends the mail and then never comes back: the worker was killed.
type dying struct{ orders.Sender }

func (d dying) Send(ctx context.Context, m mail.Message) error {
	if err := d.Sender.Send(ctx, m); err != nil {
		return err
	}
	panic("killed")
}

func TestAfterACrashTheMailIsRecognisable(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	o := w.sell(sale{})
	sender := w.handler.Mails.Sender
	w.handler.Mails.Sender = dying{sender}
	func() {
		defer func() {
			if recover() == nil {
				t.Fatal("the sender did not die")
			}
		}()
		w.do(orders.SendReceipt{Order: o.Order})
	}()
	w.handler.Mails.Sender = sender
	if err := w.do(orders.SendReceipt{Order: o.Order}); err == nil {
		t.Fatal("the next worker did not wait for the lease of the dead one")
	}
	w.db.Clock = func() time.Time { return time.Now().Add(2 * time.Minute) }
	w.must(orders.SendReceipt{Order: o.Order})
	ms := w.mails(o.Email, "")
	if len(ms) != 2 || ms[0].Headers.Get("Message-Id") != ms[1].Headers.Get("Message-Id") || ms[0].Text != ms[1].Text {
		t.Fatalf("%d mails; two with one Message-ID and one text were expected", len(ms))
	}
}

func TestTheCreatorHearsOfASaleOnce(t *testing.T) {
	w := newPages(t)
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE users SET time_zone = 'Europe/Paris' WHERE id = $1`, w.owner.User)
		return err
	})
	o := w.sell(sale{Number: 7, PaidAt: time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC)})
	w.must(orders.SendSale{Order: o.Order})
	w.must(orders.SendSale{Order: o.Order})
	m := only(t, w.mails(w.owner.Email, ""))
	if m.Subject != "You sold Forty glazes for €19" {
		t.Errorf("subject %q", m.Subject)
	}
	says(t, m, "Order 7, 24 November 2026, 00:30. Bought by "+o.Email, "€17.10", "−€1.90", "http://localhost:8080/app/orders/"+o.Order.String())
	if strings.Contains(m.Text+m.HTML, o.Token) {
		t.Error("the creator's mail holds the buyer's link")
	}
}

func TestEachRefundIsToldOnce(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{Number: 9, Status: orders.Refunded})
	for range 2 {
		w.must(orders.SendRefund{Order: o.Order, Refunded: 500})
		w.must(orders.SendRefund{Order: o.Order, Refunded: 1900})
	}
	ms := w.mails(o.Email, "refund")
	if len(ms) != 2 {
		t.Fatalf("%d mails, want 2", len(ms))
	}
	says(t, ms[1], "Order 9 of Ada's shop was refunded in part: €5 so far.", "5 to 10 days")
	says(t, ms[0], "refunded in full. Its downloads are closed.", "€19")
}

func TestAReceiptForAnUnpaidOrderIsNeverSent(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{Status: orders.Pending})
	if err := w.do(orders.SendReceipt{Order: o.Order}); !job.IsPermanent(err) {
		t.Fatalf("%v, want a permanent error", err)
	}
	if got := w.mails(o.Email, ""); len(got) != 0 {
		t.Fatal("it was sent")
	}
}

func TestNamesCannotBreakOutOfAMail(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE order_items SET name = E'<script>x</script>\r\nBcc: all@mail.test' WHERE order_id = $1`, o.Order); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE shops SET name = E'<b>Ada</b>\nBcc: all@mail.test' WHERE id = $1`, w.owner.Shop)
		return err
	})
	w.must(orders.SendReceipt{Order: o.Order})
	w.must(orders.SendSale{Order: o.Order})
	for _, m := range []embedded.Mail{only(t, w.mails(o.Email, "")), only(t, w.mails(w.owner.Email, ""))} {
		if strings.Contains(m.HTML, "<script>") || strings.Contains(m.HTML, "<b>Ada") || m.Headers.Get("Bcc") != "" {
			t.Errorf("%q broke out", m.Subject)
		}
	}
	if got := outside.smtp.Messages("all@mail.test"); len(got) != 0 {
		t.Error("a header was planted")
	}
}
