package payouts_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

// Double clicks, lost answers, a crash and a forgotten key: a creator has one account.
func TestACreatorHasOneAccountWhateverTheRetries(t *testing.T) {
	w := newWorld(t)
	for _, seed := range seeds(times(40, 400)) {
		r := rand.New(rand.NewPCG(seed, 2))
		u := w.newcomer()
		w.stripe.fault = func(string) fault {
			return []fault{fine, lostBefore, lostAfter, lostAfter, crashBefore, crashAfter}[r.IntN(6)]
		}
		var url string
		for try := 0; url == "" && try < 100; try++ {
			var wg sync.WaitGroup
			urls := make([]string, 4)
			for i := range urls {
				wg.Go(func() {
					defer func() { recover() }() // a process that dies is heard of no more
					urls[i], _ = w.s.Connect(context.Background(), u, []string{"de", "DE", "at"}[i%3])
				})
			}
			wg.Wait()
			for _, s := range urls {
				if s != "" {
					url = s
				}
			}
			w.pass([]time.Duration{0, time.Minute, 2 * time.Hour, 26 * time.Hour}[r.IntN(4)])
		}
		w.stripe.fault = nil
		if n := w.stripe.made(u.User); n != 1 {
			t.Fatalf("VITRINE_SEED=%d: %d accounts", seed, n)
		}
		if m := w.method(u); url != "https://connect.test/setup/"+m.Account || m.State != payouts.Incomplete {
			t.Fatalf("VITRINE_SEED=%d: %q %+v", seed, url, m)
		}
	}
}

// An account that was never made is asked for under a new key once the old one may be forgotten.
func TestAnAccountThatNeverCameIsAskedForAnew(t *testing.T) {
	w := newWorld(t)
	u := w.newcomer()
	w.stripe.fault = func(string) fault { return lostBefore }
	if _, err := w.s.Connect(t.Context(), u, "de"); !errs.Is(err, errs.Unavailable) {
		t.Fatal(err)
	}
	w.stripe.fault = nil
	w.pass(25 * time.Hour)
	if _, err := w.s.Connect(t.Context(), u, "de"); err != nil {
		t.Fatal(err)
	}
	if w.stripe.made(u.User) != 1 || w.count(`SELECT count(*) FROM payout_methods WHERE creator_id = $1 AND state = 'gone'`, u.User) != 1 {
		t.Fatal("the row without an account stays")
	}
	if w.count(`SELECT generation FROM payout_methods WHERE creator_id = $1 AND state <> 'gone'`, u.User) != 2 {
		t.Fatal("the same key was used again")
	}
}

func TestARefusedCountryCanBeChangedAndTriedAgain(t *testing.T) {
	w := newWorld(t)
	u := w.newcomer()
	if _, err := w.s.Connect(t.Context(), u, "Germany"); errs.Fields(err) == nil {
		t.Fatal(err)
	}
	w.stripe.fault = func(string) fault { return refuse }
	if _, err := w.s.Connect(t.Context(), u, "ru"); !errs.Is(err, errs.Invalid) {
		t.Fatal(err)
	}
	w.stripe.fault = nil
	if _, err := w.s.Connect(t.Context(), u, "de"); err != nil || w.method(u).Country != "DE" {
		t.Fatal(err)
	}
}

// The first method ever is paid to at once; a changed one after 72 hours.
func TestAChangedMethodIsNotPaidToFor72Hours(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	w.earn(u.User, eur(5000))
	w.run()
	w.work()
	if p := w.only(u.User); p.State != payouts.Sent || p.To != "•••• 6789" {
		t.Fatal(text(p))
	}
	w.address(u, "ada@paypal.test")
	w.earn(u.User, eur(3000))
	changed := w.now()
	for _, h := range []time.Duration{time.Hour, 23 * time.Hour, 24 * time.Hour, 23 * time.Hour} {
		w.pass(h)
		w.run()
		w.work()
		if n := len(w.paypal.wired()); n != 0 {
			t.Fatalf("paid %s after the change", w.now().Sub(changed))
		}
		o := w.outlook(u.User, "EUR")
		if o.Reason == nil || o.Reason.Code != payouts.ReasonChanged || !o.Reason.Until.Equal(changed.Add(72*time.Hour)) || o.Reason.Since.After(changed) {
			t.Fatalf("%s after the change nothing says why it waits: %+v", w.now().Sub(changed), o.Reason)
		}
	}
	w.pass(25 * time.Hour)
	w.run()
	w.work()
	if all := w.list(u.User); len(all) != 2 || all[0].State != payouts.Sent || all[0].To != "ada@paypal.test" {
		t.Fatalf("%+v", all)
	}
	w.clean()
}

// Another bank account behind the same Stripe account is a change too.
func TestAnotherBankAccountDelaysAndIsMailed(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	to, _, _ := address(t.Context(), u.User)
	w.stripe.fill(w.method(u).Account, "1111", "")
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		return w.s.ApplyAccount(ctx, tx, payments.Account{Number: w.method(u).Account, Bank: "9999"}) // the event is old
	})
	w.work()
	m := w.method(u)
	if m.Bank != "1111" || !m.PayableFrom.Equal(w.now().Add(payouts.ChangeDelay)) {
		t.Fatalf("%+v", m)
	}
	last := w.box.to(to)[len(w.box.to(to))-1]
	if last.Subject != "Your payout method was changed" || !strings.Contains(last.Text, "•••• 1111") || !strings.Contains(last.Text, "4 January 2029, 12:00") {
		t.Fatalf("%+v", last)
	}
	if w.count(`SELECT count(*) FROM audit_log WHERE action = 'payouts.bank' AND subject = $1`, "user:"+u.User.String()) != 1 {
		t.Fatal("it is not in the log")
	}
}

// The bank account behind a payout is changed a minute before it leaves, and no event has told yet: it does not leave.
func TestAPayoutLooksBeforeItLeaves(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	w.earn(u.User, eur(5000))
	w.run()
	w.stripe.fill(w.method(u).Account, "6666", "")
	w.work()
	p := w.only(u.User)
	if p.State != payouts.Released || len(w.stripe.wired()) != 0 {
		t.Fatal(text(p))
	}
	if o := w.outlook(u.User, "EUR"); o.Reason == nil || o.Reason.Code != payouts.ReasonChanged || o.Available != eur(5000) {
		t.Fatalf("%+v", o.Reason)
	}
	w.clean()
}

// A link works once, for its creator, for a day, and not when a newer one was sent.
func TestAMailedLinkWorksOnceForItsCreator(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	u, other := w.newcomer(), w.newcomer()
	if _, err := w.s.SetPayPal(ctx, u, "not an address"); errs.Fields(err) == nil {
		t.Fatal(err)
	}
	if _, err := w.s.SetPayPal(ctx, u, "one@paypal.test"); err != nil {
		t.Fatal(err)
	}
	first := w.link(u)
	if w.count(`SELECT count(*) FROM payout_changes WHERE encode(token_hash, 'escape') LIKE '%' || $1 || '%'`, first) != 0 {
		t.Fatal("the token itself is stored")
	}
	if _, err := w.s.SetPayPal(ctx, u, "two@paypal.test"); err != nil {
		t.Fatal(err)
	}
	second := w.link(u)
	for _, bad := range []struct {
		who   id.User
		token string
	}{{u.User, first}, {other.User, second}, {u.User, id.Token()}, {u.User, "x"}} {
		if _, err := w.s.Confirm(ctx, bad.who, bad.token); !errs.Is(err, errs.Gone) {
			t.Fatalf("%q: %v", bad.token, err)
		}
	}
	if all, _ := w.s.Methods(ctx, u.User); len(all) != 1 || all[0].State != payouts.Unconfirmed || all[0].Current || all[0].Waiting != "use" {
		t.Fatalf("%+v", all)
	}
	var wins, wg = make(chan payouts.Method, 20), sync.WaitGroup{}
	for range 20 {
		wg.Go(func() {
			if m, err := w.s.Confirm(context.Background(), u.User, second); err == nil {
				wins <- m
			}
		})
	}
	wg.Wait()
	if len(wins) != 1 {
		t.Fatalf("it worked %d times", len(wins))
	}
	if m := <-wins; m.Address != "two@paypal.test" || !m.Current || !m.PayableFrom.IsZero() {
		t.Fatalf("%+v", m)
	}
	if _, err := w.s.SetPayPal(ctx, u, "three@paypal.test"); err != nil {
		t.Fatal(err)
	}
	third := w.link(u)
	w.pass(25 * time.Hour)
	if _, err := w.s.Confirm(ctx, u.User, third); !errs.Is(err, errs.Gone) {
		t.Fatal(err)
	}
}

// The address before hears that it gets no more; it does not hear where the money goes now.
func TestTheOldAddressIsTold(t *testing.T) {
	w := newWorld(t)
	u := w.newcomer()
	w.address(u, "old@paypal.test")
	w.address(u, "new@paypal.test")
	w.work()
	got := w.box.to("old@paypal.test")
	if len(got) != 1 || got[0].Subject != "Payouts no longer go to this address" || strings.Contains(got[0].Text, "new@") {
		t.Fatalf("%+v", got)
	}
	if len(w.box.to("new@paypal.test")) != 0 {
		t.Fatal("the new address was written to")
	}
	if all, _ := w.s.Methods(t.Context(), u.User); len(all) != 1 || all[0].PayableFrom.IsZero() {
		t.Fatalf("%+v", all)
	}
}

// A disconnected account leaves sales alone, and the next one is a change.
func TestDisconnectingStopsPayoutsNotSales(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	u := w.creator()
	old := w.method(u)
	if err := w.s.Disconnect(ctx, payouts.Who{User: w.newcomer().User}, old.ID); !errs.Is(err, errs.NotFound) {
		t.Fatal(err)
	}
	if err := w.s.Disconnect(ctx, u, old.ID); err != nil {
		t.Fatal(err)
	}
	if m := w.method(u); !m.Current || m.Waiting != "disconnect" {
		t.Fatalf("%+v", m)
	}
	if m, err := w.s.Confirm(ctx, u.User, w.link(u)); err != nil || m.State != payouts.Gone || m.Current {
		t.Fatalf("%+v %v", m, err)
	}
	w.earn(u.User, eur(5000))
	w.run()
	if o := w.outlook(u.User, "EUR"); o.Reason == nil || o.Reason.Code != payouts.ReasonNoMethod || o.Reason.Act != payouts.ActYou || o.Available != eur(5000) {
		t.Fatalf("%+v", o)
	}
	w.connect(u, "2222")
	m := w.method(u)
	if m.Account == old.Account || m.Current || m.Waiting != "use" || w.stripe.made(u.User) != 2 {
		t.Fatalf("a change without the mail: %+v", m)
	}
	if m, err := w.s.Confirm(ctx, u.User, w.link(u)); err != nil || !m.Current || !m.PayableFrom.Equal(w.now().Add(payouts.ChangeDelay)) {
		t.Fatalf("%+v %v", m, err)
	}
	w.pass(73 * time.Hour)
	w.run()
	w.work()
	if p := w.only(u.User); p.State != payouts.Sent || p.To != "•••• 2222" {
		t.Fatal(text(p))
	}
	w.clean()
}

// An account that its owner has cut off at Stripe is gone here too; whatever is set aside for it is money again.
func TestAnAccountCutOffAtStripeIsGone(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	w.earn(u.User, eur(5000))
	w.run()
	w.stripe.change(w.method(u).Account, func(a *payments.Account) { a.Gone = true })
	number := w.method(u).Account
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		return w.s.ApplyAccount(ctx, tx, payments.Account{Number: number, Gone: true})
	})
	for _, j := range w.due() { // the account's job comes before the payout's
		if j.Kind == "payouts:account" {
			w.exec(`UPDATE outbox SET created_at = '2020-01-01', run_at = '2020-01-01' WHERE id = $1`, j.ID)
			w.survive(func() error { return w.jobs.Run(context.Background(), j.Kind, []byte(j.Payload)) })
		}
	}
	w.work()
	if p := w.only(u.User); p.State != payouts.Released || len(w.stripe.wired()) != 0 {
		t.Fatal(text(p))
	}
	if o := w.outlook(u.User, "EUR"); o.Reason == nil || o.Reason.Code != payouts.ReasonNoMethod || o.Available != eur(5000) {
		t.Fatalf("%+v", o)
	}
	w.clean()
}

// The answer to a later question is not undone by an earlier one's that comes late.
func TestAnOldAnswerDoesNotUndoANewer(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	m := w.method(u)
	w.exec(`UPDATE payout_methods SET looked_at = $2 WHERE id = $1`, m.ID, w.now().Add(time.Second))
	w.stripe.change(m.Account, func(a *payments.Account) {
		a.Payouts, a.Due = false, []payments.Requirement{{Code: "external_account", Past: true}}
	})
	if got, err := w.s.Returned(t.Context(), u.User); err != nil || got.State != payouts.Ready {
		t.Fatalf("%+v %v", got, err)
	}
	w.pass(2 * time.Second)
	if got, err := w.s.Returned(t.Context(), u.User); err != nil || got.State != payouts.Restricted || len(got.Due) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
}

// A deadline of Stripe's is mailed once, a week ahead, and what is asked for is in words.
func TestADeadlineIsMailedOnceInWords(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	to, _, _ := address(t.Context(), u.User)
	w.stripe.change(w.method(u).Account, func(a *payments.Account) {
		a.Deadline = w.now().Add(10 * 24 * time.Hour)
		a.Due = []payments.Requirement{{Code: "individual.verification.document"}, {Code: "person_1Abc.dob.day"}, {Code: "person_1Abc.dob.month"}, {Code: "tos_acceptance.date", Pending: true}}
	})
	for range 12 {
		w.pass(25 * time.Hour)
		if err := w.s.SweepAccounts(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.work()
	}
	var got []string
	for _, m := range w.box.to(to) {
		if strings.HasPrefix(m.Subject, "Stripe needs something") {
			got = append(got, m.Text)
		}
	}
	if len(got) != 1 || !strings.Contains(got[0], "passport") || !strings.Contains(got[0], "Date of birth of a person in the company") || strings.Contains(got[0], "terms") {
		t.Fatalf("%q", got)
	}
}

// Every family of Stripe's requirements has words; a code nobody has seen is readable.
func TestRequirementsAreWords(t *testing.T) {
	for code, want := range map[string]string{
		"external_account":                               "A bank account to pay out to",
		"individual.verification.document":               "A photo of your passport, identity card or driving licence",
		"individual.verification.additional_document":    "A second document that shows your name and address",
		"company.verification.document":                  "A document that shows that the company exists",
		"company.tax_id":                                 "The company's tax number",
		"representative.dob.year":                        "Date of birth of the person who acts for the company",
		"person_1MqjB62eZvKYlo2C.first_name":             "First name of a person in the company",
		"owners.address.line1":                           "Street and number of an owner",
		"directors":                                      "The company's directors",
		"tos_acceptance.ip":                              "Your agreement to Stripe's terms",
		"business_profile.mcc":                           "The kind of things that you sell",
		"settings.payments.statement_descriptor":         "The name that stands on your customers' bank statements",
		"documents.proof_of_address.files":               "A document that shows your address",
		"interv_cmVxXzFKZ.other_compliance_inquiry.form": "A form with questions about your business",
		"company.proof_of_funds":                         "Proof of funds of the company",
		"individual.verification.proof_of_moon":          "A proof of identity",
		"person_1Mq":                                     "Something that Stripe explains on its page",
		"":                                               "Something that Stripe explains on its page",
	} {
		if got := payouts.Ask(t.Context(), payments.Requirement{Code: code}); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}
