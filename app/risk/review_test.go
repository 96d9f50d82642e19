package risk_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/risk"
)

func TestAFlaggedOrderDeliversAndPaysNothingUntilItIsDecided(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	fine := w.sell(someone(), good, 1900, p).Orders[0]
	if have := w.order(fine.ID); have.Review != orders.NoReview || w.count(`SELECT count(*) FROM risk_reviews`) != 0 {
		t.Fatalf("an ordinary order is reviewed: %q", have.Review)
	}
	pending, _ := w.held(w.owner)
	o := w.order(w.sell(someone(), highest, 1900, p).Orders[0].ID)
	r := w.review(o.ID)
	if o.Review != orders.ReviewOpen || r.State != risk.Open || r.Stake != eur(1900) || !r.Due.Equal(o.PaidAt.Add(72*time.Hour)) {
		t.Fatalf("review %q, %+v", o.Review, r)
	}
	w.pass(8 * 24 * time.Hour)
	if err := w.orders.Mature(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, h := w.held(w.owner); p != 0 || h != o.Net.Minor {
		t.Errorf("pending %d, held %d; the fine order's %d are settled, the flagged one's %d held", p, h, pending, o.Net.Minor)
	}
	d, err := w.s.DecisionOf(t.Context(), w.d, o.ID)
	if err != nil || d.Verdict != risk.Flagged || len(d.Reasons) == 0 || d.Reasons[0].Code != risk.CodeHighest {
		t.Errorf("decision %+v %v", d, err)
	}
	if got, _, err := w.s.Replay(t.Context(), d); err != nil || got != risk.Flagged {
		t.Errorf("replayed: %s %v", got, err)
	}
	if strings.Contains(w.text(`SELECT inputs::text || reasons::text FROM risk_decisions WHERE order_id = $1`, o.ID), "@") {
		t.Error("an address stands in the log")
	}
	w.clean()
}

func (w *desk) text(query string, args ...any) (s string) {
	w.t.Helper()
	if err := w.d.Pool().GetContext(context.Background(), &s, query, args...); err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *desk) choose(actor id.User, r id.Review, c risk.Choice) (bool, error) {
	return w.s.Choose(context.Background(), actor, r, c, "looked at it together")
}

func TestApprovingLetsAnOrderGoItsWay(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	o := w.sell(someone(), highest, 1900, w.owner.Product(t, w.d, 1900, -1)).Orders[0]
	r, op := w.review(o.ID), w.admin()
	if done, err := w.choose(op, r.ID, risk.Approve); err != nil || !done {
		t.Fatal(done, err)
	}
	have := w.order(o.ID)
	if p, h := w.held(w.owner); have.Review != orders.ReviewApproved || p != have.Net.Minor || h != 0 {
		t.Errorf("%s, pending %d, held %d", have.Review, p, h)
	}
	after := w.review(o.ID)
	if after.State != risk.Approved || after.DecidedBy != op {
		t.Errorf("%+v", after)
	}
	w.work()
	if sent := w.mails.to(w.owner.Email); len(sent) != 0 {
		t.Errorf("the creator is told of a review that is over: %s", sent[0].Subject)
	}
	if w.count(`SELECT count(*) FROM audit_log WHERE action = 'risk.approve' AND actor_id = $1`, op) != 1 {
		t.Error("the audit log does not know of it")
	}
	w.clean()
}

func TestRefusingGivesTheMoneyBackByTheSameRoadForPersonsAndDeadlines(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p, op := w.owner.Product(t, w.d, 1900, -1), w.admin()
	byPerson, byTime := w.sell(someone(), highest, 1900, p).Orders[0], w.sell(someone(), highest, 1900, p).Orders[0]
	w.work()
	if done, err := w.choose(op, w.review(byPerson.ID).ID, risk.Refund); err != nil || !done {
		t.Fatal(done, err)
	}
	w.pass(71*time.Hour + 50*time.Minute)
	if err := w.s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.review(byTime.ID).State != risk.Open {
		t.Fatal("ended before its time")
	}
	w.pass(20 * time.Minute)
	for range 2 {
		w.work()
		if err := w.s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	late := w.review(byTime.ID)
	if got := w.refunded(); len(got) != 2 || got[0] != byPerson.ID || got[1] != byTime.ID || late.State != risk.Refused || !late.DecidedBy.IsZero() {
		t.Fatalf("refunds %v, %+v", got, late)
	}
	for _, o := range []id.Order{byPerson.ID, byTime.ID} {
		have := w.order(o)
		if have.Review != orders.ReviewRefused || have.Held.IsZero() {
			t.Errorf("%s: review %s, held %v", o, have.Review, have.Held)
		}
		w.finish(have)
	}
	if p, h := w.held(w.owner); p != 0 || h != 0 {
		t.Errorf("pending %d, held %d", p, h)
	}
	w.work()
	var subjects []string
	for _, m := range w.mails.to(w.owner.Email) {
		subjects = append(subjects, m.Subject)
		for _, word := range []string{"score", "fingerprint", "velocity", "elevated", "highest"} {
			if strings.Contains(strings.ToLower(m.Text), word) {
				t.Errorf("%q gives the rules away: %s", m.Subject, word)
			}
		}
	}
	if len(subjects) != 4 {
		t.Errorf("the creator is told of both, before and after: %q", subjects)
	}
	h, err := w.s.History(t.Context(), late.ID)
	if err != nil || len(h) != 2 || h[0].Action != "opened" || h[1].Action != "refund" || h[1].Actor != "" {
		t.Errorf("%+v %v", h, err)
	}
	w.clean()
}

func TestALostJobDoesNotKeepAReviewOpen(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	o := w.sell(someone(), highest, 1900, w.owner.Product(t, w.d, 1900, -1)).Orders[0]
	w.exec(`DELETE FROM outbox WHERE kind = 'risk:expire'`)
	w.pass(73 * time.Hour)
	if err := w.s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.review(o.ID).State != risk.Refused || len(w.refunded()) != 1 {
		t.Error("the order still waits")
	}
}

func TestAHoldMovesTheDeadlineTwiceAtMost(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	b := someone()
	o := w.sell(b, highest, 1900, w.owner.Product(t, w.d, 1900, -1)).Orders[0]
	r, op := w.review(o.ID), w.admin()
	w.work()
	for _, days := range []int{0, -1, 8} {
		if err := w.s.Hold(t.Context(), op, r.ID, days, "asked the buyer"); !errs.Is(err, errs.Invalid) {
			t.Errorf("%d days: %v", days, err)
		}
	}
	if err := w.s.Hold(t.Context(), op, r.ID, 2, "asked the buyer"); !errs.Is(err, errs.Invalid) {
		t.Errorf("a hold that shortens: %v", err)
	}
	if err := w.s.Hold(t.Context(), op, r.ID, 7, "a"); !errs.Is(err, errs.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	if err := w.s.Hold(t.Context(), op, r.ID, 7, "asked the buyer"); err != nil {
		t.Fatal(err)
	}
	w.pass(74 * time.Hour)
	w.work()
	if err := w.s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.review(o.ID).State != risk.Open {
		t.Fatal("the old deadline still counts")
	}
	if err := w.s.Hold(t.Context(), op, r.ID, 7, "the bank answers on Monday"); err != nil {
		t.Fatal(err)
	}
	w.pass(24 * time.Hour)
	if err := w.s.Hold(t.Context(), op, r.ID, 7, "and again"); !errs.Is(err, errs.Conflict) {
		t.Errorf("a third time: %v", err)
	}
	w.work()
	if n := len(w.mails.to(b.email)); n != 2 {
		t.Errorf("the buyer got %d mails about two new deadlines", n)
	}
	w.pass(7 * 24 * time.Hour)
	w.work()
	if w.review(o.ID).State != risk.Refused {
		t.Error("it never ends")
	}
}

func TestTwoPersonsDecideAboveTheLimit(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	w.s.FourEyes = map[money.Currency]int64{"EUR": 1900}
	p := w.owner.Product(t, w.d, 1900, -1)
	ada, bob := w.admin(), w.admin()
	o := w.sell(someone(), highest, 1900, p).Orders[0]
	r := w.review(o.ID).ID
	if done, err := w.choose(ada, r, risk.Approve); err != nil || done {
		t.Fatalf("one is enough: %v %v", done, err)
	}
	if done, err := w.choose(ada, r, risk.Approve); done || !errs.Is(err, errs.Conflict) {
		t.Fatalf("the same person confirmed: %v %v", done, err)
	}
	if w.order(o.ID).Review != orders.ReviewOpen {
		t.Fatal("decided by one")
	}
	if have := w.review(o.ID); have.State != risk.Confirming || have.Choice != risk.Approve || have.ChoiceBy != ada {
		t.Errorf("%+v", have)
	}
	if done, err := w.choose(bob, r, risk.Refund); err != nil || done { // he sees it differently: that is a first choice again
		t.Fatalf("%v %v", done, err)
	}
	if done, err := w.choose(ada, r, risk.Approve); err != nil || done {
		t.Fatalf("%v %v", done, err)
	}
	if done, err := w.choose(bob, r, risk.Approve); err != nil || !done {
		t.Fatalf("%v %v", done, err)
	}
	if w.order(o.ID).Review != orders.ReviewApproved || len(w.refunded()) != 0 {
		t.Error("not approved")
	}
	if w.count(`SELECT count(*) FROM audit_log WHERE subject = 'order:' || $1::text`, o.ID) != 4 {
		t.Error("the audit log lacks a step")
	}
	small := w.sell(someone(), highest, 1899, w.owner.Product(t, w.d, 1899, -1)).Orders[0]
	if done, err := w.choose(ada, w.review(small.ID).ID, risk.Approve); err != nil || !done {
		t.Errorf("below the limit: %v %v", done, err)
	}
	if !w.s.TwoPersons(money.Amount{Minor: 1, Currency: "XYZ"}) {
		t.Error("of a currency without a limit one decides")
	}
}

func TestOneOfTwoWhoDecideAtOnceWins(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	ops := []id.User{w.admin(), w.admin(), w.admin(), w.admin()}
	for range 8 {
		o := w.sell(someone(), highest, 1900, p).Orders[0]
		r := w.review(o.ID).ID
		before := len(w.refunded())
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []risk.Choice
		ready := make(chan struct{})
		for i, op := range ops {
			c := []risk.Choice{risk.Approve, risk.Refund}[i%2]
			wg.Go(func() {
				<-ready
				done, err := w.choose(op, r, c)
				mu.Lock()
				defer mu.Unlock()
				if err != nil && !errs.Is(err, errs.Conflict) {
					t.Error(err)
				}
				if done {
					won = append(won, c)
				}
			})
		}
		close(ready)
		wg.Wait()
		have := w.order(o.ID)
		refunds := len(w.refunded()) - before
		if len(won) != 1 || (won[0] == risk.Approve) != (have.Review == orders.ReviewApproved) || (won[0] == risk.Refund) != (refunds == 1) {
			t.Fatalf("won %v, review %s, %d refunds", won, have.Review, refunds)
		}
	}
	w.clean()
}

func TestAPersonAndTheDeadlineAtOnceRefundOnce(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p, op := w.owner.Product(t, w.d, 1900, -1), w.admin()
	for i := range 6 {
		o := w.sell(someone(), highest, 1900, p).Orders[0]
		r := w.review(o.ID).ID
		w.exec(`UPDATE risk_reviews SET due_at = now() - interval '1 minute' WHERE id = $1`, r)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := w.s.Expire(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := w.choose(op, r, risk.Refund); err != nil && !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
		})
		wg.Wait()
		if n := len(w.refunded()); n != i+1 {
			t.Fatalf("%d refunds of %d orders", n, i+1)
		}
	}
}

func TestClosingAShopStopsSalesAndPayoutsUntilAnOperatorOpensIt(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	o := w.sell(someone(), highest, 1900, p).Orders[0]
	r, op := w.review(o.ID).ID, w.admin()
	if why, err := w.s.Holds(t.Context(), w.d, w.owner.User); err != nil || why != "" {
		t.Fatal(why, err)
	}
	if done, err := w.choose(op, r, risk.Close); err != nil || !done {
		t.Fatal(done, err)
	}
	if why, err := w.s.Holds(t.Context(), w.d, w.owner.User); err != nil || why == "" {
		t.Errorf("payouts go on: %v", err)
	}
	if _, err := w.start(someone(), 1900, p); !errs.Is(err, errs.Conflict) {
		t.Errorf("the shop still sells: %v", err)
	}
	me := who(w.owner.User, w.owner.Shop)
	if _, err := w.s.Shops.Reopen(t.Context(), me); !errs.Is(err, errs.Forbidden) {
		t.Errorf("the creator opens it: %v", err)
	}
	w.work()
	told := 0
	for _, m := range w.mails.to(w.owner.Email) {
		if strings.HasPrefix(m.Subject, "We have closed") {
			told++
		}
	}
	if told != 1 || len(w.refunded()) != 1 {
		t.Errorf("told %d times, %d refunds", told, len(w.refunded()))
	}
	if err := w.s.Unshut(t.Context(), op, r, "it was a mistake"); err != nil {
		t.Fatal(err)
	}
	if err := w.s.Unshut(t.Context(), op, r, "it was a mistake"); !errs.Is(err, errs.Conflict) {
		t.Errorf("twice: %v", err)
	}
	if _, err := w.s.Shops.Reopen(t.Context(), me); err != nil {
		t.Errorf("the creator cannot open it: %v", err)
	}
	if why, err := w.s.Holds(t.Context(), w.d, w.owner.User); err != nil || why != "" {
		t.Error(why, err)
	}
}

func TestAReviewWhoseMoneyIsGoneAlreadyEndsAllTheSame(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	o := w.order(w.sell(someone(), highest, 1900, w.owner.Product(t, w.d, 1900, -1)).Orders[0].ID)
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		return w.orders.ReserveRefund(ctx, tx, o.Creator, o.ID, o.Total)
	})
	w.finish(o)
	if done, err := w.choose(w.admin(), w.review(o.ID).ID, risk.Refund); err != nil || !done {
		t.Fatal(done, err)
	}
	h, err := w.s.History(t.Context(), w.review(o.ID).ID)
	if err != nil || len(w.refunded()) != 0 || h[len(h)-1].Details["refund"] == nil {
		t.Errorf("%d refunds, %+v, %v", len(w.refunded()), h, err)
	}
	w.clean()
}

func TestHistoryAndDecisionsAreNeverEdited(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	w.sell(someone(), highest, 1900, w.owner.Product(t, w.d, 1900, -1))
	for _, q := range []string{
		`UPDATE risk_history SET reason = 'x'`, `DELETE FROM risk_history`, `TRUNCATE risk_history`, `UPDATE risk_decisions SET verdict = 'allowed'`, `TRUNCATE risk_decisions`,
	} {
		if _, err := w.d.Pool().ExecContext(t.Context(), q); !db.Violates(err, "risk_history_append_only") && !db.Violates(err, "risk_decisions_append_only") {
			t.Errorf("%s: %v", q, err)
		}
	}
}
