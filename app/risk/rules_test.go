package risk_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/risk"
)

// plain is a payment that no rule minds.
func plain() risk.Inputs {
	return risk.Inputs{At: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), Stage: risk.Paid, Currency: "EUR", Total: 19_00, Provider: "stripe", Level: "normal", Score: 20,
		CardCountry: "DE", ClientCountry: "DE", Sellers: []risk.Seller{{Hours: 9000, Sales: 50}}}
}

func seen(k risk.Kind, s risk.Seen) func(*risk.Inputs) {
	return func(in *risk.Inputs) { in.Seen = map[risk.Kind]risk.Seen{k: s} }
}

func both(fs ...func(*risk.Inputs)) func(*risk.Inputs) {
	return func(in *risk.Inputs) {
		for _, f := range fs {
			f(in)
		}
	}
}

func TestTheRulesOneByOne(t *testing.T) {
	level := func(l string, score int, total int64) func(*risk.Inputs) {
		return func(in *risk.Inputs) { in.Level, in.Score, in.Total = l, score, total }
	}
	admit := func(in *risk.Inputs) { in.Stage, in.Level, in.Score = risk.Admit, "", 0 }
	free := func(in *risk.Inputs) { in.Total, in.Level, in.Score = 0, "", 0 }
	own := func(in *risk.Inputs) { in.Own = true }
	currency := func(c money.Currency, total int64) func(*risk.Inputs) {
		return func(in *risk.Inputs) { in.Currency, in.Total = c, total }
	}
	countries := func(card, client, region string) func(*risk.Inputs) {
		return func(in *risk.Inputs) { in.CardCountry, in.ClientCountry, in.Region = card, client, region }
	}
	seller := func(hours, sales int, total int64) func(*risk.Inputs) {
		return func(in *risk.Inputs) { in.Sellers, in.Total = []risk.Seller{{Hours: hours, Sales: sales}}, total }
	}
	mail := func(in *risk.Inputs) { in.Disposable = true }
	block := func(in *risk.Inputs) { in.Blocks = []risk.Hit{{Kind: risk.Email, Why: risk.WhyWarning}} }
	for _, c := range []struct {
		name   string
		change func(*risk.Inputs)
		want   risk.Verdict
		codes  []string
	}{
		{"plain", both(), risk.Allowed, nil},
		{"highest", level("highest", 0, 100), risk.Flagged, []string{risk.CodeHighest}},
		{"elevated, small", level("elevated", 0, 49_99), risk.Allowed, []string{risk.CodeElevated}},
		{"elevated, large", level("elevated", 0, 50_00), risk.Flagged, []string{risk.CodeElevated}},
		{"elevated, large in yen", both(level("elevated", 0, 0), currency("JPY", 8000)), risk.Flagged, []string{risk.CodeElevated}},
		{"elevated, small in yen", both(level("elevated", 0, 0), currency("JPY", 7999)), risk.Allowed, []string{risk.CodeElevated}},
		{"elevated, large in dinar", both(level("elevated", 0, 0), currency("KWD", 16_500)), risk.Flagged, []string{risk.CodeElevated}},
		{"score 64", level("normal", 64, 100), risk.Allowed, nil},
		{"score 65", level("normal", 65, 100), risk.Allowed, []string{risk.CodeScore}},
		{"score 75", level("normal", 75, 100), risk.Flagged, []string{risk.CodeScore}},
		{"elevated, small, score 65", level("elevated", 65, 100), risk.Allowed, []string{risk.CodeElevated, risk.CodeScore}},
		{"elevated, small, score 75", level("elevated", 75, 100), risk.Flagged, []string{risk.CodeElevated, risk.CodeScore}},
		{"highest, score 99", level("highest", 99, 100), risk.Flagged, []string{risk.CodeHighest}},
		{"blocklist", block, risk.Blocked, []string{risk.CodeBlocked}},
		{"blocklist, own shop", both(block, own), risk.Blocked, []string{risk.CodeBlocked}},
		{"three failed cards of a browser", both(admit, seen(risk.Browser, risk.Seen{CardsWeek: 3})), risk.Allowed, nil},
		{"four failed cards of a browser", both(admit, seen(risk.Browser, risk.Seen{CardsWeek: 4})), risk.Blocked, []string{risk.CodeTesting}},
		{"four failed cards of an address", both(admit, seen(risk.Email, risk.Seen{CardsWeek: 4})), risk.Blocked, []string{risk.CodeTesting}},
		{"four failed cards of an IP in a week", both(admit, seen(risk.IP, risk.Seen{CardsWeek: 4, CardsDay: 3})), risk.Allowed, nil},
		{"four failed cards of an IP in a day", both(admit, seen(risk.IP, risk.Seen{CardsWeek: 4, CardsDay: 4})), risk.Blocked, []string{risk.CodeTesting}},
		{"eleven of a network", both(admit, seen(risk.Net, risk.Seen{CardsDay: 11})), risk.Allowed, nil},
		{"twelve of a network", both(admit, seen(risk.Net, risk.Seen{CardsDay: 12})), risk.Blocked, []string{risk.CodeTesting}},
		{"one paid in spite of it", seen(risk.Browser, risk.Seen{CardsWeek: 4}), risk.Flagged, []string{risk.CodeTesting}},
		{"own shop, four failed cards", both(own, admit, seen(risk.Browser, risk.Seen{CardsWeek: 4})), risk.Blocked, []string{risk.CodeTesting}},
		{"own shop, young, small", both(own, mail, seller(0, 0, 299_99)), risk.Allowed, nil},
		{"own shop, young, large", both(own, seller(0, 0, 300_00)), risk.Flagged, []string{risk.CodeSellerNew, risk.CodeFirstSales}},
		{"own shop, highest", both(own, level("highest", 0, 100)), risk.Flagged, []string{risk.CodeHighest}},
		{"five free orders", both(free, admit, seen(risk.Email, risk.Seen{FreeDay: 5})), risk.Allowed, nil},
		{"six free orders", both(free, admit, seen(risk.Email, risk.Seen{FreeDay: 6})), risk.Blocked, []string{risk.CodeFree}},
		{"six free orders before a paid one", both(admit, seen(risk.Email, risk.Seen{FreeDay: 6})), risk.Allowed, nil},
		{"a card pays the fifth time", seen(risk.Card, risk.Seen{PaidDay: 4}), risk.Allowed, []string{risk.CodeVelocity}},
		{"a card pays the tenth time", seen(risk.Card, risk.Seen{PaidDay: 9}), risk.Flagged, []string{risk.CodeVelocity}},
		{"a card with three addresses", seen(risk.Card, risk.Seen{Emails: 3}), risk.Allowed, []string{risk.CodeCardEmails}},
		{"a card with three addresses, five times", seen(risk.Card, risk.Seen{Emails: 3, PaidDay: 4}), risk.Flagged, []string{risk.CodeVelocity, risk.CodeCardEmails}},
		{"a browser with three cards", seen(risk.Browser, risk.Seen{PaidCards: 3}), risk.Allowed, []string{risk.CodeBrowserCards}},
		{"refused as stolen before", seen(risk.Browser, risk.Seen{FraudsMonth: 1}), risk.Allowed, []string{risk.CodeFraud}},
		{"throw-away mail", mail, risk.Allowed, []string{risk.CodeDisposable}},
		{"throw-away mail, refused before", both(mail, seen(risk.Browser, risk.Seen{FraudsMonth: 1})), risk.Flagged, []string{risk.CodeFraud, risk.CodeDisposable}},
		{"young seller, small", seller(5, 50, 49_99), risk.Allowed, nil},
		{"young seller, large", seller(5, 50, 50_00), risk.Allowed, []string{risk.CodeSellerNew}},
		{"young seller, first sale, very large", seller(5, 0, 300_00), risk.Flagged, []string{risk.CodeSellerNew, risk.CodeFirstSales}},
		{"first sale of an old account, very large", seller(6, 2, 300_00), risk.Allowed, []string{risk.CodeFirstSales}},
		{"countries differ", countries("US", "DE", ""), risk.Allowed, []string{risk.CodeCountries}},
		{"a traveller", countries("US", "DE", "US"), risk.Allowed, []string{risk.CodeCountries}},
		{"three countries, refused before", both(countries("US", "DE", "BR"), seen(risk.Card, risk.Seen{FraudsMonth: 1})), risk.Flagged, []string{risk.CodeFraud, risk.CodeCountries}},
		{"no country", countries("US", "", "BR"), risk.Allowed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := plain()
			c.change(&in)
			got, why := risk.Current().Evaluate(in)
			var codes []string
			for _, r := range why {
				codes = append(codes, r.Code)
			}
			if got != c.want || !reflect.DeepEqual(codes, c.codes) {
				t.Errorf("%s %v, want %s %v", got, codes, c.want, c.codes)
			}
		})
	}
}

func TestEveryCurrencyHasAScale(t *testing.T) {
	for _, c := range money.Known() {
		if risk.Current().Hundred[c] == 0 {
			t.Errorf("%s is not on the scale", c)
		}
		if got := risk.Current().Worth(money.Amount{Minor: risk.Current().Hundred[c], Currency: c}); got != 100_00 {
			t.Errorf("%s: a hundred is worth %d", c, got)
		}
	}
	if got := risk.Current().Worth(money.Amount{Minor: 100_00, Currency: "XYZ"}); got != 100_00 {
		t.Errorf("unknown currency: %d", got)
	}
}

func TestDisposableAddresses(t *testing.T) {
	for address, want := range map[string]bool{"a@mailinator.com": true, "a@MAILINATOR.com ": true, "a@x.y.yopmail.com": true, "a@mail.test": false, "a@notmailinator.com": false, "mailinator.com": false, "": false} {
		if risk.Disposable(address) != want {
			t.Errorf("%q: %v", address, !want)
		}
	}
}

// anything is a random payment, with figures about where the limits are.
func anything(r *rand.Rand) risk.Inputs {
	few := func(n int) int { return max(0, r.IntN(2*n)-n/2) }
	seen := func() risk.Seen {
		return risk.Seen{PaidHour: few(3), PaidDay: few(30), PaidWeek: few(60), FreeDay: few(10), FailedDay: few(10), CardsDay: few(8), CardsWeek: few(8), PaidCards: few(4), Emails: few(4), FraudsMonth: few(2)}
	}
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	known := money.Known()
	in := risk.Inputs{At: time.Date(2026, 1, 1, 0, 0, r.IntN(3e7), 1000*r.IntN(1e6), time.UTC), Stage: risk.Stage(pick("admit", "paid")), Currency: known[r.IntN(len(known))],
		Total: int64(few(200_000)), Own: r.IntN(20) == 0, Provider: pick("stripe", "paypal"), Level: pick("", "normal", "normal", "elevated", "highest"), Score: few(100),
		Disposable: r.IntN(10) == 0, CardCountry: pick("", "DE", "US"), ClientCountry: pick("", "DE", "BR"), Region: pick("", "GB", "DE"), Funding: pick("", "credit", "prepaid")}
	in.Keys, in.Seen = map[risk.Kind]string{}, map[risk.Kind]risk.Seen{}
	for _, k := range []risk.Kind{risk.Card, risk.Email, risk.Browser, risk.IP, risk.Net} {
		if r.IntN(3) > 0 {
			in.Keys[k] = id.Token()
			in.Seen[k] = seen()
		}
	}
	for range r.IntN(3) {
		in.Sellers = append(in.Sellers, risk.Seller{Hours: few(12), Sales: few(6)})
	}
	if r.IntN(12) == 0 {
		in.Blocks = []risk.Hit{{Kind: risk.Card, Why: risk.WhyFraud}}
	}
	return in
}

// A verdict is stored with what the rules saw, goes through the database, and comes out the same when it is computed
// again from there.
func TestEveryDecisionCanBeReplayed(t *testing.T) {
	t.Parallel()
	n := 1000
	if os.Getenv("VITRINE_AUDIT") == "1" {
		n = 20_000
	}
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	d := dbtest.Shared(t)
	s := &risk.Service{DB: d}
	verdicts := map[risk.Verdict]int{}
	for i := range n {
		in := anything(r)
		want, why := risk.Current().Evaluate(in)
		key := fmt.Sprintf("replay:%d:%d", seed, i)
		stored := store(t, d, key, in, want, why)
		have, err := s.Decision(t.Context(), stored)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got, again, err := s.Replay(t.Context(), have)
		if err != nil || got != want || len(again) != len(why) || len(why) > 0 && !reflect.DeepEqual(again, why) || !have.Inputs.At.Equal(in.At) {
			t.Fatalf("seed %d, case %d: %s %v, was %s %v (%v)\n%+v", seed, i, got, again, want, why, err, in)
		}
		verdicts[want]++
	}
	for _, v := range []risk.Verdict{risk.Allowed, risk.Flagged, risk.Blocked} {
		if verdicts[v] < n/50 {
			t.Errorf("seed %d: only %d of %d were %s: the cases say little", seed, verdicts[v], n, v)
		}
	}
	t.Logf("%d decisions: %v", n, verdicts)
	if _, _, err := s.Replay(t.Context(), risk.Decision{Rules: 99}); err == nil {
		t.Error("rules that are not here are replayed")
	}
}

// store writes a decision as the hooks do.
func store(t *testing.T, d *db.DB, key string, in risk.Inputs, v risk.Verdict, why []risk.Reason) id.Case {
	t.Helper()
	n := id.New[id.CaseKind]()
	if why == nil {
		why = []risk.Reason{}
	}
	if _, err := d.Pool().ExecContext(t.Context(), `
		INSERT INTO risk_decisions (id, key, stage, verdict, rules, inputs, reasons, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, now())`,
		n, key, string(in.Stage), string(v), risk.Current().Version, mustJSON(t, in), mustJSON(t, why)); err != nil {
		t.Fatal(err)
	}
	return n
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
