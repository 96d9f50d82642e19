package earnings_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"vitrine/app/earnings"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/payments"
	"vitrine/app/web/webtest"
)

// way reads the steps of an order's money from its page.
func way(p *webtest.Page) (out []string) {
	p.Doc().Find("ol.way > li").Each(func(i int, _ *goquery.Selection) {
		out = append(out, p.Text(fmt.Sprintf("ol.way > li:nth-child(%d)", i+1)))
	})
	return out
}

func (w *world) story(b *webtest.Browser, s sale, want ...string) {
	w.t.Helper()
	p := b.Get("/app/payouts/orders/" + s.id.String()).Is(http.StatusOK)
	got := way(p)
	at := 0
	for _, x := range want {
		for at < len(got) && !strings.Contains(got[at], x) {
			at++
		}
		if at == len(got) {
			w.t.Errorf("%q does not come in its place in\n%s", x, strings.Join(got, "\n"))
			return
		}
	}
}

func TestAnOrdersMoneyIsFollowedFromThePaymentToTheBank(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.creator()
	b := w.signedIn(p)
	s := w.sell(p, 1, eur(4000))
	w.story(b, s, "Paid €40", "€38 of it is yours, after our fee of €2", "Becomes available 8 January 2029", "next payout after that", "At your bank")
	w.pass(7 * 24 * time.Hour)
	w.mature(s)
	w.story(b, s, "Paid €40", "Available to be paid out", "Goes out with the next payout", "At your bank")
	x := w.payOut(p)
	w.story(b, s, "Paid €40", "Available to be paid out", "Put into payout 1", "€38", "Payout 1 sent to •••• 6789", "At your bank")
	w.pass(48 * time.Hour)
	w.news(x, payments.PaymentPaid, "")
	w.story(b, s, "Put into payout 1", "Payout 1 sent", "Payout 1 arrived")
	if got := way(b.Get("/app/payouts/orders/" + s.id.String())); strings.Contains(strings.Join(got, ""), "At your bank") {
		t.Errorf("something is still to come: %q", got)
	}
	w.pass(time.Hour)
	w.back(s, "refund", "re_1-succeeded", eur(1000), ledger.Available(p.User))
	w.story(b, s, "Payout 1 arrived", "Refunded €10", "€9.50 is taken off the next payout")
}

func TestWhatCameBackIsFollowedIntoTheNextPayout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.creator()
	b := w.signedIn(p)
	s := w.sell(p, 1, eur(4000))
	w.mature(s)
	w.bank.refuse = true
	w.payOut(p)
	w.story(b, s, "Put into payout 1", "Payout 1 came to nothing", "Waits in your balance")
	w.bank.refuse = false
	w.pass(8 * 24 * time.Hour)
	if got := w.payOut(p); got.Number != 2 {
		t.Fatalf("payout %d", got.Number)
	}
	w.story(b, s, "Put into payout 1", "Payout 1 came to nothing", "Put into payout 2", "€38", "Payout 2 sent")
}

func TestHeldAndDisputedMoneySaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.creator()
	b := w.signedIn(p)
	held := w.sell(p, 1, eur(4000))
	w.exec(`UPDATE orders SET held_at = $2, review = 'open' WHERE id = $1`, held.id, w.at)
	w.post(ledger.Entry{Key: "hold:" + held.id.String() + ":1", Kind: "hold", Lines: []ledger.Line{{Account: ledger.Pending(p.User), Amount: held.net().Neg()}, {Account: ledger.Held(p.User), Amount: held.net()}}})
	w.story(b, held, "Held while we look at the order", "A person looks at the order", "€38 is held")
	disputed := w.sell(p, 2, eur(4000))
	w.back(disputed, "dispute", "dp_1-4000-0", eur(4000), ledger.Pending(p.User))
	w.story(b, disputed, "The buyer's bank took €40 back", "€38 taken off yours", "In dispute: the buyer's bank has €40 and decides")
	b.Get("/app/payouts/orders/" + disputed.id.String()).Has("−€40")
	gone := w.sell(p, 3, eur(4000))
	w.back(gone, "refund", "re_2-succeeded", eur(4000), ledger.Pending(p.User))
	w.story(b, gone, "Refunded €40", "Nothing of it is left to pay out")
}

func TestTheLogIsTheBook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, other := w.creator(), w.creator()
	for i := range 60 {
		w.sell(p, i+1, eur(int64(1000+i)))
		w.sell(other, i+1, eur(777))
		w.pass(time.Hour)
	}
	first := w.sell(p, 100, eur(9900))
	w.mature(first)
	w.back(first, "refund", "re_ab-c-succeeded", eur(3300), ledger.Available(p.User))
	w.back(first, "dispute", "dp_9-3300-0", eur(3300), ledger.Available(p.User))
	x := w.payOut(p)

	var all []earnings.Transaction
	f := earnings.Filter{Limit: 7}
	for {
		page, next, err := w.s.List(t.Context(), p.User, f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if next == "" {
			break
		}
		f.After = next
	}
	sum, seen := int64(0), map[id.Entry]bool{}
	for _, x := range all {
		sum += x.Net.Minor
		if seen[x.ID] {
			t.Errorf("%s comes twice", x.ID)
		}
		seen[x.ID] = true
		if x.Gross.Sub(x.Fee) != x.Net {
			t.Errorf("%s %s: %s less %s is not %s", x.Kind, x.Step, x.Gross, x.Fee, x.Net)
		}
	}
	if n := 60 + 1 + 1 + 2 + 2; len(all) != n {
		t.Errorf("%d transactions, want %d", len(all), n)
	}
	have := int64(0)
	for _, a := range []ledger.Account{ledger.Pending(p.User), ledger.Available(p.User), ledger.Held(p.User), ledger.InFlight(p.User)} {
		m, err := ledger.Balance(t.Context(), w.d, a, "EUR")
		if err != nil {
			t.Fatal(err)
		}
		have += m.Minor
	}
	if sum != have {
		t.Errorf("the log adds up to %d, the book has %d", sum, have)
	}
	by := map[string]earnings.Transaction{}
	for _, x := range all {
		by[x.Kind+"/"+x.Step] = x
	}
	for k, ref := range map[string]string{"refund/refund": "re_ab-c", "dispute/dispute": "dp_9", "payout/sent": x.Ref} {
		if by[k].Ref != ref {
			t.Errorf("%s is called %q, want %q", k, by[k].Ref, ref)
		}
	}
	if s := by["sale/sale"]; s.Ref == "" || s.Movement != "txn_"+s.Ref || !s.ProviderFeeKnown || s.ProviderFee != eur(55) {
		t.Errorf("sale: %+v", s)
	}
	if m := by["settled/mature"]; m.Moved != first.net() || !m.Net.IsZero() {
		t.Errorf("settled: %+v", m)
	}
}

func TestTheLogIsFiltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, other := w.creator(), w.creator()
	a := w.sell(p, 1, eur(1000))
	w.sell(other, 1, eur(5500))
	w.pass(24 * time.Hour)
	w.back(a, "refund", "re_1-succeeded", eur(500), ledger.Pending(p.User))
	w.sell(p, 2, money.Amount{Minor: 4000, Currency: "JPY"})
	b := w.signedIn(p)
	rows := func(q string) []string {
		pg := b.Get("/app/payouts/transactions" + q).Is(http.StatusOK).HasNot("€55")
		var out []string
		for i := range pg.Doc().Find("ul.lines > li").Length() {
			out = append(out, pg.Text(fmt.Sprintf("ul.lines > li:nth-child(%d) .row__t", i+1)))
		}
		return out
	}
	// The creator is in Auckland, 13 hours ahead: noon UTC on the first is the second there.
	for q, want := range map[string][]string{
		"": {"Sale, order 2", "Refund, order 1", "Sale, order 1"}, "?kind=sale": {"Sale, order 2", "Sale, order 1"}, "?kind=refund": {"Refund, order 1"}, "?order=1": {"Refund, order 1", "Sale, order 1"},
		"?order=%231&kind=sale": {"Sale, order 1"}, "?order=77": nil, "?currency=JPY": {"Sale, order 2"}, "?currency=KWD": nil, "?from=2029-01-03": {"Sale, order 2", "Refund, order 1"},
		"?to=2029-01-02": {"Sale, order 1"}, "?from=2029-01-02&to=2029-01-02": {"Sale, order 1"}, "?kind=payout": nil, "?kind=hold": nil,
	} {
		if got := rows(q); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", q, got, want)
		}
	}
	b.HTMX = true
	b.Get("/app/payouts/transactions?kind=sale").Is(http.StatusOK).HasNot("<html").Has("2 transactions on this page")
	b.Get("/app/payouts/transactions?from=x").Is(http.StatusUnprocessableEntity).HasNot("<html").Has("Write the day as year, month, day")
	b.HTMX = false
	for _, q := range []string{"kind=x", "from=2029-13-01", "order=-1", "order=x", "order=99999999999", "currency=XXX", "from=2029-01-03&to=2029-01-01", "kind=" + url.QueryEscape(`"><script>alert(1)</script>`), "from=" + url.QueryEscape(`"><script>alert(1)</script>`)} {
		b.Get("/app/payouts/transactions?" + q).Is(http.StatusUnprocessableEntity).HasNot("<script>alert")
		b.Get("/app/payouts/transactions.csv?" + q).Is(http.StatusUnprocessableEntity)
	}
	b.Get("/app/payouts/transactions?after=x").Is(http.StatusNotFound)
	b.Get("/app/payouts/transactions?after=%00%ff").Is(http.StatusNotFound)
}

func TestTheLogAsCSVHasEverythingAndAddsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.creator()
	const n = 520 // more than one page of the export
	want := int64(0)
	e := make([]ledger.Entry, 0, n)
	for i := range n {
		net := eur(int64(100 + i))
		want += net.Minor
		e = append(e, ledger.Entry{Key: "sale:" + id.New[id.OrderKind]().String(), Kind: "sale", Lines: []ledger.Line{{Account: ledger.Provider("stripe"), Amount: net.Neg()}, {Account: ledger.Pending(p.User), Amount: net}}})
	}
	for _, x := range e {
		w.post(x)
	}
	bad := w.sell(p, 7, eur(1000))
	w.exec(`UPDATE orders SET charge_id = '=HYPERLINK("http://evil.example")' WHERE id = $1`, bad.id)
	want += bad.net().Minor
	f := w.signedIn(p).Get("/app/payouts/transactions.csv").Is(http.StatusOK)
	if !strings.Contains(f.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("headers %v", f.Header)
	}
	rows, err := csv.NewReader(strings.NewReader(f.Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != n+2 {
		t.Errorf("%d rows", len(rows))
	}
	net := int64(0)
	for _, r := range rows[1:] {
		cents, err := strconv.ParseInt(strings.ReplaceAll(r[9], ".", ""), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		net += cents
		for _, cell := range r {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
	if net != want {
		t.Errorf("the file adds up to %d, want %d", net, want)
	}
	if !strings.Contains(f.Body, `'=HYPERLINK`) || strings.Count(f.Body, "\r\n") != n+2 {
		t.Error("the charge is gone, or lines end otherwise")
	}
	empty := w.signedIn(w.creator()).Get("/app/payouts/transactions.csv").Is(http.StatusOK)
	if rows, err := csv.NewReader(strings.NewReader(empty.Body)).ReadAll(); err != nil || len(rows) != 1 {
		t.Errorf("nothing: %v %v", rows, err)
	}
}

func TestOthersMoneyDoesNotExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, other := w.creator(), w.creator()
	s := w.sell(p, 1, eur(4321))
	b := w.signedIn(other)
	b.Get("/app/payouts/orders/" + s.id.String()).Is(http.StatusNotFound)
	b.Get("/app/payouts/orders/x").Is(http.StatusNotFound)
	b.Get("/app/payouts/transactions").Is(http.StatusOK).HasNot("43.21").Has("Nothing has moved yet")
	b.Get("/app/payouts/transactions?order=1").Is(http.StatusOK).HasNot("43.21").Has("Nothing found")
	mine, _, err := w.s.List(t.Context(), p.User, earnings.Filter{})
	if err != nil || len(mine) != 1 {
		t.Fatalf("%v %v", mine, err)
	}
	b.Get("/app/payouts/transactions?after=" + mine[0].ID.String()).Is(http.StatusOK).HasNot("43.21")
}

func TestProgramsReadTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.creator()
	for i := range 55 {
		w.sell(p, i+1, eur(2000))
	}
	b := w.browser()
	b.Get("/api/v1/transactions").Is(http.StatusUnauthorized)
	b.Header.Set("Authorization", "Bearer "+p.User.String())
	n, next := 0, ""
	for range 3 {
		var page struct {
			Transactions []struct {
				Kind, Text  string
				Net         int64
				OrderNumber int `json:"order_number"`
			}
			Next *string
		}
		if err := json.Unmarshal([]byte(b.Get("/api/v1/transactions?kind=sale&after="+next).Is(http.StatusOK).Body), &page); err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Transactions {
			if x.Net != 1900 || x.OrderNumber != 55-n || x.Text == "" {
				t.Errorf("%+v, want order %d", x, 55-n)
			}
			n++
		}
		if page.Next == nil {
			break
		}
		next = *page.Next
	}
	if n != 55 {
		t.Errorf("%d transactions", n)
	}
	bad := b.Get("/api/v1/transactions?from=x").Is(http.StatusUnprocessableEntity)
	bad.Has(`"from":"Write the day`)
}

func TestATestOrderHasNoPanelAndMovedNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.creator()
	s := w.sell(p, 1, eur(1000))
	w.exec(`UPDATE orders SET test = true WHERE id = $1`, s.id)
	o, err := w.s.Orders.Get(context.Background(), p.User, s.id)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := w.s.Story(context.Background(), o, time.UTC)
	if err != nil || len(steps) != 1 || !strings.Contains(steps[0].Label, "no money moved") {
		t.Errorf("%+v %v", steps, err)
	}
}
