package refunds_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/refunds"
	"vitrine/app/sandbox"
)

func TestMain(m *testing.M) {
	if os.Getenv("REFUNDS_VICTIM") != "" {
		os.Exit(victim())
	}
	os.Exit(apptest.Main(m))
}

type desk struct {
	*apptest.World
	c *apptest.Creator
	s *refunds.Service
}

func newDesk(t *testing.T) *desk {
	w := apptest.New(t)
	return &desk{w, w.Creator(), w.App.Refunds}
}

// Settle lets events arrive and be applied, and those that follow from them.
func (d *desk) Settle() {
	d.World.Settle()
	d.World.Settle()
}

func (d *desk) sold() orders.Order {
	d.T.Helper()
	sale := d.Buy(d.c.Product)
	d.Settle()
	var o id.Order
	if err := d.DB.Get(d.T.Context(), &o, `SELECT id FROM orders WHERE email = $1`, sale.Email); err != nil {
		d.T.Fatal(err)
	}
	return d.order(o)
}

func (d *desk) order(o id.Order) orders.Order {
	d.T.Helper()
	out, err := d.App.Orders.Find(d.T.Context(), d.DB, o)
	if err != nil {
		d.T.Fatal(err)
	}
	return out
}

func eur(n int64) money.Amount { return money.Amount{Minor: n, Currency: "EUR"} }

func (d *desk) input(o orders.Order, minor int64) refunds.Input {
	return refunds.Input{Key: id.New[id.RefundKind]().String(), Order: o.ID, Amount: eur(minor), Reason: "asked"}
}

func (d *desk) ask(in refunds.Input) refunds.Refund {
	d.T.Helper()
	r, err := d.s.Create(d.T.Context(), d.c.User, in)
	if err != nil {
		d.T.Fatal(err)
	}
	out, err := d.s.Find(d.T.Context(), r)
	if err != nil {
		d.T.Fatal(err)
	}
	return out
}

func (d *desk) state(r refunds.Refund) refunds.State {
	d.T.Helper()
	now, err := d.s.Find(d.T.Context(), r.ID)
	if err != nil {
		d.T.Fatal(err)
	}
	return now.State
}

func (d *desk) balance(a ledger.Account) int64 {
	d.T.Helper()
	b, err := ledger.Balance(d.T.Context(), d.DB, a, "EUR")
	if err != nil {
		d.T.Fatal(err)
	}
	return b.Minor
}

func (d *desk) clean() {
	d.T.Helper()
	r, err := d.App.CheckMoney(context.Background())
	if err != nil {
		d.T.Fatal(err)
	}
	for _, f := range r.Findings {
		if !f.Note {
			d.T.Errorf("check-money: %s", f)
		}
	}
}

func TestAPartialRefundAndThenTheRest(t *testing.T) {
	d := newDesk(t)
	o := d.sold()
	r := d.ask(d.input(o, 700))
	if d.order(o.ID).Refunding != eur(700) {
		t.Error("nothing is set aside")
	}
	d.Settle()
	o = d.order(o.ID)
	if d.state(r) != refunds.Succeeded || o.Refunded != eur(700) || !o.Refunding.IsZero() || o.Status != orders.PartlyRefunded {
		t.Fatalf("%s %+v", d.state(r), o)
	}
	if len(d.Mails(o.Email, "Your refund")) != 1 {
		t.Error("the buyer was not told")
	}
	d.ask(d.input(o, 1200))
	d.Settle()
	o = d.order(o.ID)
	if o.Status != orders.Refunded || d.balance(ledger.Pending(d.c.User)) != 0 {
		t.Fatalf("%+v, pending %d", o, d.balance(ledger.Pending(d.c.User)))
	}
	if gs, err := d.App.Orders.Entitlements(t.Context(), d.DB, o.ID); err != nil || !gs[0].Revoked {
		t.Error("the downloads are open")
	}
	if _, err := d.s.Create(t.Context(), d.c.User, d.input(o, 1)); !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.Invalid) {
		t.Errorf("more than all: %v", err)
	}
	d.clean()
}

func TestOneFormIsOneRefund(t *testing.T) {
	d := newDesk(t)
	o := d.sold()
	in := d.input(o, 500)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := d.s.Create(context.Background(), d.c.User, in); err != nil && !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	in.Amount = eur(600)
	if _, err := d.s.Create(t.Context(), d.c.User, in); !errs.Is(err, errs.Conflict) {
		t.Errorf("the same form with another amount: %v", err)
	}
	d.Settle()
	if d.order(o.ID).Refunded != eur(500) || d.Count(`SELECT count(*) FROM refunds`) != 1 {
		t.Errorf("%s back in %d refunds", d.order(o.ID).Refunded, d.Count(`SELECT count(*) FROM refunds`))
	}
	d.clean()
}

func TestALostAnswerIsOneRefund(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.DropAfter, sandbox.DropBefore, sandbox.Unavailable, sandbox.RateLimit} {
		d := newDesk(t)
		o := d.sold()
		r := d.ask(d.input(o, 500))
		d.Stripe.Inject(sandbox.Fault{Kind: kind, Call: "POST /v1/refunds", Times: 4})
		var err error
		for range 6 {
			if err = d.s.Send(t.Context(), r.ID); err == nil {
				break
			}
		}
		d.Settle()
		if o = d.order(o.ID); err != nil || d.state(r) != refunds.Succeeded || o.Refunded != eur(500) || !o.Refunding.IsZero() {
			t.Errorf("%s: %v, %s, %s back", kind, err, d.state(r), o.Refunded)
		}
		d.clean()
	}
}

func TestARefundIsNeverSentAgainPastTheLifeOfItsKey(t *testing.T) {
	d := newDesk(t)
	o := d.sold()
	for _, done := range []bool{true, false} {
		r := d.ask(d.input(o, 300))
		d.Stripe.Misbehave(sandbox.WebhookFaults{Lose: 1})
		kind := sandbox.DropBefore
		if done {
			kind = sandbox.DropAfter
		}
		d.Stripe.Inject(sandbox.Fault{Kind: kind, Call: "POST /v1/refunds", Times: 3})
		if err := d.s.Send(t.Context(), r.ID); err == nil {
			t.Fatal("the answer came all the same")
		}
		d.Stripe.ClearFaults()
		d.Pass(25 * time.Hour)
		d.Stripe.Record()
		if err := d.s.Send(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		for _, call := range d.Stripe.Calls() {
			if call.Method == http.MethodPost {
				t.Errorf("%s was sent past the life of its key", call.Path)
			}
		}
		want := map[bool]refunds.State{true: refunds.Succeeded, false: refunds.Refused}[done]
		if now := d.order(o.ID); d.state(r) != want || !now.Refunding.IsZero() || now.Refunded != eur(300) {
			t.Errorf("done %v: %s, %s back, %s under way", done, d.state(r), now.Refunded, now.Refunding)
		}
	}
	d.Work()
	if len(d.Mails(d.c.Email, "did not go through")) != 1 {
		t.Error("the creator was not told")
	}
	d.clean()
}

func TestARefundThatComesBackIsTheCreatorsAgain(t *testing.T) {
	d := newDesk(t)
	s := d.Begin(d.c.Product)
	d.Pay(s, "4000000000005126")
	d.Settle()
	var oid id.Order
	if err := d.DB.Get(t.Context(), &oid, `SELECT id FROM orders WHERE email = $1`, s.Email); err != nil {
		t.Fatal(err)
	}
	o := d.order(oid)
	r := d.ask(d.input(o, 1900))
	d.Settle()
	d.Pass(25 * time.Hour)
	d.Settle()
	o = d.order(o.ID)
	if d.state(r) != refunds.Failed || o.Status != orders.Paid || d.balance(ledger.Pending(d.c.User))+d.balance(ledger.Available(d.c.User)) != o.Net.Minor || len(d.Mails(d.c.Email, "did not go through")) != 1 {
		t.Errorf("%s, order %s", d.state(r), o.Status)
	}
	d.clean()
}

func TestWhatIsBegunAtTheProviderIsMirrored(t *testing.T) {
	d := newDesk(t)
	o := d.sold()
	req, err := http.NewRequest(http.MethodPost, d.Stripe.URL()+"/v1/refunds", strings.NewReader("amount=400&payment_intent="+o.PaymentIntent))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.Stripe.Key())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", res, err)
	}
	res.Body.Close()
	d.Settle()
	if d.order(o.ID).Refunded != eur(400) {
		t.Errorf("%s back", d.order(o.ID).Refunded)
	}
	d.c.Get("/app/orders/" + o.ID.String()).Is(200).Has("Begun at the payment service").Has("Partly refunded")
	d.clean()
}

func TestChoicesBesidesTheMoney(t *testing.T) {
	d := newDesk(t)
	d.Exec(`INSERT INTO stock (product_id, shop_id, creator_id, available, updated_at) VALUES ($1, $2, $3, 5, now())`, d.c.Product, d.c.Shop.ID, d.c.User)
	open := func(o orders.Order) bool {
		gs, err := d.App.Orders.Entitlements(t.Context(), d.DB, o.ID)
		return err == nil && !gs[0].Revoked
	}
	for name, is := range map[string]struct {
		minor   int64
		access  string
		restock bool
		open    bool
	}{
		"all": {1900, "", false, false}, "all, kept": {1900, "keep", true, true}, "a part": {500, "", false, true}, "a part, closed": {500, "close", true, false},
	} {
		o := d.sold()
		left := d.Count(`SELECT available FROM stock WHERE product_id = $1`, d.c.Product)
		in := d.input(o, is.minor)
		in.Access, in.Restock = is.access, is.restock
		d.ask(in)
		d.Settle()
		more := d.Count(`SELECT available FROM stock WHERE product_id = $1`, d.c.Product) - left
		if open(o) != is.open || (more == 1) != is.restock || more > 1 {
			t.Errorf("%s: open %v, %d back on sale", name, open(o), more)
		}
	}
	d.clean()
}

// The money is the creator's, in whatever state: a refund takes it from there, and what is short is owed.
func TestInvariant12ARefundInEveryStateOfThePayout(t *testing.T) {
	d := newDesk(t)
	u := d.c.User
	move := func(n int, from, to ledger.Account, minor int64) {
		if err := d.DB.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := ledger.Post(t.Context(), tx, ledger.Entry{Key: fmt.Sprintf("test:%d:%s:%s", n, from, to), Kind: "test", Lines: []ledger.Line{{Account: from, Amount: eur(-minor)}, {Account: to, Amount: eur(minor)}}})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, state := range []string{"pending", "available", "held", "in flight", "sent", "returned", "refused"} {
		for _, part := range []int64{1900, 650} {
			n++
			o := d.sold()
			net := o.Net.Minor
			if state != "pending" && state != "held" {
				if err := d.App.Orders.Mature(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			switch state {
			case "held":
				if err := d.DB.InTx(t.Context(), func(tx *db.Tx) error { return d.App.Orders.Hold(t.Context(), tx, o.ID, "test") }); err != nil {
					t.Fatal(err)
				}
			case "in flight":
				move(n, ledger.Available(u), ledger.InFlight(u), net)
			case "sent":
				move(n, ledger.Available(u), ledger.InFlight(u), net)
				move(n, ledger.InFlight(u), ledger.Provider("stripe"), net)
			case "returned", "refused":
				move(n, ledger.Available(u), ledger.InFlight(u), net)
				move(n, ledger.InFlight(u), ledger.Available(u), net)
			}
			before := map[string]int64{"pending": d.balance(ledger.Pending(u)), "available": d.balance(ledger.Available(u)), "held": d.balance(ledger.Held(u)), "in flight": d.balance(ledger.InFlight(u))}
			o = d.order(o.ID)
			e := refunds.Preview(o, eur(part), eur(before["available"]))
			d.ask(d.input(o, part))
			d.Settle()
			from := map[string]string{"pending": "pending", "held": "held"}[state]
			if from == "" {
				from = "available"
			}
			bears := orders.NetOf(o, eur(part)).Minor
			for name, a := range map[string]ledger.Account{"pending": ledger.Pending(u), "available": ledger.Available(u), "held": ledger.Held(u), "in flight": ledger.InFlight(u)} {
				want := before[name]
				if name == from {
					want -= bears
				}
				if got := d.balance(a); got != want {
					t.Errorf("%s, %d: %s is %d, want %d", state, part, name, got, want)
				}
			}
			if e.From != from || e.Creator.Minor != bears || e.Buyer.Minor != part || (from == "available") && e.Below.Minor != max(0, bears-before["available"]) {
				t.Errorf("%s, %d: the preview said %+v", state, part, e)
			}
			// Leave the accounts empty for the next.
			for name, a := range map[string]ledger.Account{"p": ledger.Pending(u), "a": ledger.Available(u), "h": ledger.Held(u), "i": ledger.InFlight(u)} {
				if b := d.balance(a); b != 0 {
					if err := d.DB.InTx(t.Context(), func(tx *db.Tx) error {
						_, err := ledger.Post(t.Context(), tx, ledger.Entry{Key: fmt.Sprintf("empty:%d:%s", n, name), Kind: "test", Lines: []ledger.Line{{Account: a, Amount: eur(-b)}, {Account: ledger.Provider("stripe"), Amount: eur(b)}}})
						return err
					}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// Refunds in random parts, through the provider, until all is back: every account is as before the sale.
func TestInvariant11RefundsInPartsThroughTheProvider(t *testing.T) {
	d := newDesk(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 11))
	rounds := 15
	if os.Getenv("VITRINE_AUDIT") == "1" {
		rounds = 300
	}
	for range rounds {
		o := d.sold()
		for left := refunds.Left(o); left.Minor > 0; left = refunds.Left(d.order(o.ID)) {
			n := 1 + r.Int64N(left.Minor)
			if r.IntN(3) == 0 {
				n = left.Minor
			}
			d.ask(d.input(o, n))
			d.Settle()
		}
		if p, f := d.balance(ledger.Pending(d.c.User)), d.balance(ledger.PlatformFees); p != 0 || f != 0 {
			t.Fatalf("seed %d: pending %d, fees %d", seed, p, f)
		}
	}
	d.clean()
}

func TestThePagesLookFirstAndThenDoIt(t *testing.T) {
	d := newDesk(t)
	o := d.sold()
	at := "/app/orders/" + o.ID.String()
	d.c.Get(at).Is(200).Has("Refund")
	p := d.c.Get(at + "/refund").Is(200).Has("€19")
	for _, bad := range []string{"", "0", "-1", "19.01", "abc", "1e3", "1,000.00"} {
		d.c.Submit(p, "#refund", map[string]string{"amount": bad}).Is(422)
	}
	sure := d.c.Submit(p, "#refund", map[string]string{"amount": "7.00"}).Is(200).Has("Refund €7").Has("The buyer gets")
	if d.Count(`SELECT count(*) FROM refunds`) != 0 {
		t.Fatal("looking refunded")
	}
	d.c.Submit(sure, "#sure", nil).Is(303)
	d.c.Submit(sure, "#sure", nil).Is(303) // the back button
	d.Settle()
	if d.order(o.ID).Refunded != eur(700) {
		t.Errorf("%s back", d.order(o.ID).Refunded)
	}
	d.c.Get(at).Is(200).Has("Given back").Has("€7")
	stranger := d.Creator()
	stranger.Get(at + "/refund").Is(404)
	d.clean()
}

func TestABuyerAsksAndIsAnswered(t *testing.T) {
	d := newDesk(t)
	o := d.sold()
	at := strings.TrimPrefix(d.App.Orders.URL(o.ID), d.Config.AppURL)
	b := d.Browser()
	b.Get(at).Is(200).Has("Ask for a refund")
	p := b.Get(at + "/refund").Is(200)
	b.Submit(p, "#ask", map[string]string{"message": "x"}).Is(422)
	b.Submit(p, "#ask", map[string]string{"reason": "broken", "message": "<script>alert(1)</script> It does not open."}).Is(303)
	d.Work()
	if len(d.Mails(d.c.Email, "asks for a refund")) != 1 {
		t.Error("the creator was not told")
	}
	b.Submit(p, "#ask", map[string]string{"reason": "broken"}).Is(409)
	if page := b.Get(at + "/refund").Is(200).Has("has your message"); page.Doc().Find("#ask").Length() != 0 {
		t.Error("it can be asked twice")
	}
	page := d.c.Get("/app/orders/" + o.ID.String()).Is(200).Has("does not work")
	if strings.Contains(page.Body, "<script>alert") {
		t.Error("the message is not escaped")
	}
	d.c.Submit(page, `form[action$="/refund/decline"]`, map[string]string{"answer": "Please try the second file."}).Is(303)
	d.Work()
	if len(d.Mails(o.Email, "answered your request")) != 1 {
		t.Error("the buyer was not told")
	}
	p = b.Get(at + "/refund").Is(200).Has("second file")
	b.Submit(p, "#ask", map[string]string{"reason": "other", "message": "It is empty too."}).Is(303)
	d.Pass(8 * 24 * time.Hour)
	if late, err := d.s.Overdue(t.Context()); err != nil || len(late) != 1 {
		t.Errorf("%v %v", late, err)
	}
	d.ask(d.input(o, 1900))
	b.Get(at + "/refund").Is(200).Has("given back")
	d.Settle()
	d.clean()
}
