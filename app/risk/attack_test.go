package risk_test

import (
	"fmt"
	"testing"
	"time"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/orders"
	"vitrine/app/storefronts"
)

func who(u id.User, s id.Shop) storefronts.Who { return storefronts.Who{User: u, Shop: s} }

func (w *desk) refuses(what string, b buyer, total int64, ps ...id.Product) {
	w.t.Helper()
	before := w.count(`SELECT count(*) FROM checkouts`)
	_, err := w.start(b, total, ps...)
	if !errs.Is(err, errs.Forbidden) && !errs.Is(err, errs.Conflict) {
		w.t.Errorf("%s: %v", what, err)
	}
	if n := w.count(`SELECT count(*) FROM checkouts`); n != before {
		w.t.Errorf("%s: something was written", what)
	}
}

func (w *desk) takes(what string, b buyer, total int64, ps ...id.Product) orders.Checkout {
	w.t.Helper()
	st, err := w.start(b, total, ps...)
	if err != nil {
		w.t.Errorf("%s: %v", what, err)
		return orders.Checkout{}
	}
	return w.checkout(st.Checkout)
}

func TestWhoTriesFourCardsIsRefused(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	other := w.shop().Product(t, w.d, 1900, -1)
	b := someone()
	c := w.begin(b, 1900, p)
	for i := range 3 {
		for range 3 { // the same card three times is one card
			w.fails(c, fmt.Sprint("card", i), "generic_decline")
		}
	}
	w.takes("three cards", b, 1900, p)
	w.fails(c, "card3", "generic_decline")
	w.refuses("four cards", b, 1900, p)
	w.refuses("at another shop", b, 1900, other)
	same := someone()
	same.client.Browser = b.client.Browser
	w.refuses("the browser with another address", same, 1900, other)
	same = someone()
	same.email = b.email
	w.refuses("the address in another browser", same, 1900, other)
	same = someone()
	same.client.IP = b.client.IP
	w.refuses("another browser at the same IP", same, 1900, other)
	w.takes("somebody else", someone(), 1900, other)
	if n := w.count(`SELECT count(*) FROM risk_decisions WHERE stage = 'admit' AND verdict = 'blocked' AND order_id IS NULL`); n != 5 {
		t.Errorf("%d refusals are in the log", n)
	}
	if w.count(`SELECT count(*) FROM risk_blocks WHERE kind IN ('ip', 'net') AND (until_at IS NULL OR until_at > created_at + interval '184 days')`) != 0 {
		t.Error("an IP address is blocked for good")
	}
	w.pass(8 * 24 * time.Hour)
	w.takes("a week later", b, 1900, p)
}

func TestAStolenCardBlocksItsBrowserAtOnce(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	b := someone()
	c := w.begin(b, 1900, p)
	if _, err := w.stripe.Pay(c.Session, stolen, ""); err == nil {
		t.Fatal("a stolen card pays")
	}
	if _, err := w.orders.Return(t.Context(), w.orders.CheckoutToken(c.ID)); err != nil {
		t.Fatal(err)
	}
	w.refuses("after a stolen card", b, 1900, p)
	same := someone()
	same.client.IP = b.client.IP
	w.takes("another at the same IP", same, 1900, p)
}

func TestAnOrdinaryDeclineHurtsNobody(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	b := someone()
	c := w.begin(b, 1900, p)
	if _, err := w.stripe.Pay(c.Session, declined, ""); err == nil {
		t.Fatal("a declined card pays")
	}
	if _, err := w.orders.Return(t.Context(), w.orders.CheckoutToken(c.ID)); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(DISTINCT attempt) FROM risk_signals WHERE outcome = 'failed'`); n != 1 {
		t.Errorf("%d tries are remembered", n)
	}
	o := w.sell(b, good, 1900, p).Orders[0]
	if w.order(o.ID).Review != orders.NoReview {
		t.Error("a second card after a decline is suspicious")
	}
}

func TestAProductUnderAttackRestsForHours(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p, calm := w.owner.Product(t, w.d, 1900, -1), w.owner.Product(t, w.d, 1900, -1)
	clumsy := w.begin(someone(), 1900, calm)
	for i := range 12 { // one person, one card, many tries with many answers
		w.fails(clumsy, "the only one", fmt.Sprint("code", i))
	}
	w.takes("a clumsy buyer is no attack", someone(), 1900, calm)
	for i := range 10 {
		w.takes(fmt.Sprint("before attempt ", i), someone(), 1900, p)
		w.fails(w.begin(someone(), 1900, p), fmt.Sprint("stolen", i), "generic_decline")
	}
	w.refuses("after ten in a row", someone(), 1900, p)
	w.refuses("in a cart with others", someone(), 3800, p, calm)
	w.takes("another product of the shop", someone(), 1900, calm)
	w.pass(6*time.Hour + time.Minute)
	w.takes("six hours later", someone(), 1900, p)
}

func TestASaleBetweenFailuresIsNoAttack(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	for i := range 12 {
		w.fails(w.begin(someone(), 1900, p), fmt.Sprint("card", i), "insufficient_funds")
		if i%5 == 4 {
			w.sell(someone(), good, 1900, p)
		}
	}
	w.takes("after all", someone(), 1900, p)
}

func TestFreeOrdersAreWatchedForRepetition(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	b := someone()
	var free []id.Product
	for range 7 {
		free = append(free, w.owner.Product(t, w.d, 0, -1))
	}
	for _, p := range free[:6] {
		w.takes("free", b, 0, p)
	}
	w.refuses("the seventh", b, 0, free[6])
	w.takes("a paid one", b, 1900, w.owner.Product(t, w.d, 1900, -1))
	w.takes("somebody else", someone(), 0, free[6])
	w.pass(25 * time.Hour)
	w.takes("a day later", b, 0, free[6])
}

func TestTryingTheOwnShopSaysNothingAgainstACreator(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	w.exec(`UPDATE users SET created_at = now() WHERE id = $1`, w.owner.User)
	p, dear := w.owner.Product(t, w.d, 29_900, -1), w.owner.Product(t, w.d, 90_000, -1)
	me := someone()
	me.email = w.owner.Email
	for range 12 {
		in := w.form(me, 90_000, dear)
		in.Test, in.By = true, w.owner.User
		if _, err := w.orders.Start(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.count(`SELECT count(*) FROM risk_decisions`) + w.count(`SELECT count(*) FROM risk_signals`); n != 0 {
		t.Errorf("tests leave %d rows", n)
	}
	o := w.sell(me, good, 29_900, p).Orders[0] // bought for real, to see what it is like
	if w.order(o.ID).Review != orders.NoReview {
		t.Errorf("the creator's own purchase is reviewed: %s", w.text(`SELECT reasons FROM risk_decisions WHERE order_id = $1`, o.ID))
	}
	stranger := w.sell(someone(), good, 90_000, dear).Orders[0]
	if w.order(stranger.ID).Review != orders.ReviewOpen {
		t.Error("a stranger's large first purchase at an account of today is not looked at")
	}
	thief := someone() // who writes the creator's address into the form is not the creator
	thief.email = w.owner.Email
	c := w.begin(thief, 29_900, p)
	for i := range 4 {
		w.fails(c, fmt.Sprint("stolen", i), "generic_decline")
	}
	w.refuses("four cards under the creator's address", thief, 29_900, p)
}

func TestSpellingsOfOneAddressAreOneBuyer(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	for i, address := range []string{"ines.k@gmail.com", "inesk+1@gmail.com", "INES.K@googlemail.com", "i.n.e.s.k+shop@gmail.com"} {
		b := someone()
		b.email = address
		w.fails(w.begin(b, 1900, p), fmt.Sprint("card", i), "generic_decline")
	}
	b := someone()
	b.email = "inesk@gmail.com"
	w.refuses("the fifth spelling", b, 1900, p)
	b.email = "i.nesk@mail.test"
	w.takes("somebody else", b, 1900, p)
}

func TestACardThatPaysTenTimesADayIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	b := someone()
	for i := range 10 {
		o := w.sell(b, good, 1900, p).Orders[0]
		want := orders.NoReview
		if i == 9 {
			want = orders.ReviewOpen
		}
		if got := w.order(o.ID).Review; got != want {
			t.Fatalf("payment %d: review %q", i+1, got)
		}
	}
	w.s.TestCards = true // in a provider's test mode everyone has the same card
	if o := w.sell(someone(), good, 1900, p).Orders[0]; w.order(o.ID).Review != orders.NoReview {
		t.Error("a test card is followed")
	}
}

func TestWhoWasBlockedWhilePayingHasTheMoneyBackAtOnce(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	b := someone()
	c := w.begin(b, 1900, p)
	w.fails(c, "stolen", "stolen_card")
	if _, err := w.stripe.Pay(c.Session, good, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.orders.Return(t.Context(), w.orders.CheckoutToken(c.ID)); err != nil {
		t.Fatal(err)
	}
	o := w.order(w.checkout(c.ID).Orders[0].ID)
	if o.Review != orders.ReviewOpen {
		t.Fatalf("review %q", o.Review)
	}
	w.work()
	if got := w.refunded(); len(got) != 1 || got[0] != o.ID || w.order(o.ID).Review != orders.ReviewRefused {
		t.Errorf("refunds %v", got)
	}
}

func TestBlocksAreLiftedByAPersonWithAReason(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p, op := w.owner.Product(t, w.d, 1900, -1), w.admin()
	b := someone()
	w.fails(w.begin(b, 1900, p), "stolen", "stolen_card")
	w.refuses("blocked", b, 1900, p)
	all, err := w.s.Blocks(t.Context(), true, id.Case{})
	if err != nil || len(all) != 3 { // card, address, browser
		t.Fatalf("%d blocks %v", len(all), err)
	}
	for _, x := range all {
		if err := w.s.Lift(t.Context(), op, x.ID, ""); !errs.Is(err, errs.Invalid) {
			t.Errorf("without a reason: %v", err)
		}
		if err := w.s.Lift(t.Context(), op, x.ID, "the owner called"); err != nil {
			t.Fatal(err)
		}
		if err := w.s.Lift(t.Context(), op, x.ID, "the owner called"); !errs.Is(err, errs.Conflict) {
			t.Errorf("twice: %v", err)
		}
	}
	w.takes("lifted", b, 1900, p)
	if over, err := w.s.Blocks(t.Context(), false, id.Case{}); err != nil || len(over) != 3 || over[0].LiftedWhy != "the owner called" {
		t.Errorf("%+v %v", over, err)
	}
}

func TestSignalsExpire(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	w.sell(someone(), good, 1900, p)
	w.fails(w.begin(someone(), 1900, p), "one", "generic_decline")
	before := w.count(`SELECT count(*) FROM risk_signals`)
	w.pass(30 * 24 * time.Hour)
	if err := w.s.Sweep(t.Context()); err != nil || w.count(`SELECT count(*) FROM risk_signals`) != before {
		t.Fatalf("forgot too early: %v", err)
	}
	w.pass(2 * 24 * time.Hour)
	if err := w.s.Sweep(t.Context()); err != nil || w.count(`SELECT count(*) FROM risk_signals`) != 0 {
		t.Errorf("still there: %v", err)
	}
	if w.count(`SELECT count(*) FROM risk_decisions WHERE order_id IS NOT NULL`) != 1 {
		t.Error("the decision on an order is gone")
	}
}
