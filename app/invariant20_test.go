package app_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"vitrine/app/apptest"
	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/refunds"
)

// book are the ledger's tables, each column of them, and what a text in it may be: a word, a number that we made, a
// provider's number. No column has room for a person.
var book = map[string]map[string]string{
	"ledger_entries":   {"id": "", "key": `^[a-z]+:[-0-9a-zA-Z_:.]+$`, "kind": `^[a-z_]+$`, "inputs": "", "created_at": ""},
	"ledger_lines":     {"entry_id": "", "n": "", "account": account, "currency": `^[A-Z]{3}$`, "amount": ""},
	"ledger_claims":    {"entry_id": "", "n": "", "by": `^payout:[-0-9a-f]{36}$`, "created_at": ""},
	"account_balances": {"account": account, "currency": `^[A-Z]{3}$`, "shard": "", "balance": ""},
	"fee_schedules":    {"version": "", "currency": `^[A-Z]{3}$`, "bps": "", "fixed_minor": "", "starts_at": "", "created_at": ""},
}

const account = `^(platform:[a-z]+|provider:[a-z]+|(creator|buyer):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:[a-z_]+)?)$`

// erasures are what anonymising would do to the people of a book: $1 are buyers, $2 creators, $3 is what their texts
// become, nothing or something else. The bank's last digits stay with a method that is still paid through: another bank
// account is a change that delays payouts.
var erasures = []string{
	`UPDATE buyers SET email = 'gone-' || id || $3 || '@invalid' WHERE id = ANY($1::uuid[]) AND $2::uuid[] IS NOT NULL`,
	`UPDATE checkouts SET email = $3 || 'gone@invalid', client_ip = $3, client_net = $3, client_browser = $3, client_country = NULL, card_fingerprint = $3, card_country = NULL,
		session_url = $3, statement = $3, locale = 'en' WHERE buyer_id = ANY($1::uuid[]) AND $2::uuid[] IS NOT NULL`,
	`UPDATE orders SET email = $3 || 'gone@invalid', held_why = $3 WHERE buyer_id = ANY($1::uuid[]) OR creator_id = ANY($2::uuid[])`,
	`UPDATE order_items SET name = 'Gone ' || $3 WHERE creator_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE users SET email = 'gone-' || id || $3 || '@invalid', name = 'Gone ' || $3, password_hash = NULL, locale = 'en', time_zone = 'UTC' WHERE id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE shops SET name = 'Gone ' || $3, closed_reason = $3 WHERE creator_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE products SET name = 'Gone ' || $3, summary = $3, description = $3 WHERE creator_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE payout_methods SET email = $3 WHERE creator_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE payouts SET shown = $3 WHERE creator_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE identities SET email = $3 || 'gone@invalid' WHERE user_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE refund_requests SET message = $3, answer = $3 WHERE creator_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE messages SET name = $3, email = 'gone@invalid', body = $3 WHERE $1::uuid[] IS NOT NULL AND $2::uuid[] IS NOT NULL`,
	`UPDATE refunds SET note = $3 WHERE creator_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`UPDATE disputes SET words = $3 WHERE creator_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL`,
	`DELETE FROM dispute_files WHERE $1::uuid[] IS NOT NULL AND $2::uuid[] IS NOT NULL AND $3::text IS NOT NULL`,
	`UPDATE webhook_inbox SET body = $3::text::bytea WHERE applied_at IS NOT NULL AND $1::uuid[] IS NOT NULL AND $2::uuid[] IS NOT NULL`,
	`DELETE FROM library_links WHERE $1::uuid[] IS NOT NULL AND $2::uuid[] IS NOT NULL AND $3::text IS NOT NULL`,
	`DELETE FROM sessions WHERE $1::uuid[] IS NOT NULL AND $2::uuid[] IS NOT NULL AND $3::text IS NOT NULL`,
	`DELETE FROM risk_signals WHERE $1::uuid[] IS NOT NULL AND $2::uuid[] IS NOT NULL AND $3::text IS NOT NULL`,
}

// forget blanks or changes what is known of some people.
func forget(t *testing.T, p *sqlx.DB, r *rand.Rand, buyers, creators []string) {
	t.Helper()
	to := []string{"", "x" + strconv.Itoa(r.IntN(1000))}[r.IntN(2)]
	for _, q := range erasures {
		if _, err := p.ExecContext(context.Background(), q, db.Array(buyers), db.Array(creators), to); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// checksum is over every row of the ledger.
func checksum(t *testing.T, p *sqlx.DB) (sum string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(book)) {
		var one string
		if err := p.GetContext(context.Background(), &one, fmt.Sprintf(`SELECT count(*) || ' ' || coalesce(sum(hashtextextended(x::text, 20)), 0) FROM %q x`, name)); err != nil {
			t.Fatal(err)
		}
		sum += name + " " + one + "\n"
	}
	return sum
}

// faceless fails where the ledger has a column that is not listed, a reference to a person, or a text that is no number
// and no word.
func faceless(t *testing.T, p *sqlx.DB) {
	t.Helper()
	for name, columns := range book {
		var have []string
		if err := p.Select(&have, `SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 ORDER BY 1`, name); err != nil {
			t.Fatal(err)
		}
		if want := slices.Sorted(maps.Keys(columns)); !slices.Equal(have, want) {
			t.Errorf("%s has the columns %v, want %v: is one of them about a person?", name, have, want)
		}
		for column, form := range columns {
			var odd []string
			if form == "" {
				continue
			}
			if err := p.Select(&odd, fmt.Sprintf(`SELECT DISTINCT %q::text FROM %q WHERE %q::text !~ $1 LIMIT 5`, column, name, column), form); err != nil {
				t.Fatal(err)
			}
			if len(odd) > 0 {
				t.Errorf("%s.%s holds %q", name, column, odd)
			}
		}
	}
	var to []string
	if err := p.Select(&to, `SELECT conrelid::regclass || ' to ' || confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY($1::text[])
		AND NOT confrelid::regclass::text = ANY($1::text[])`, db.Array(slices.Collect(maps.Keys(book)))); err != nil || len(to) > 0 {
		t.Errorf("the ledger refers to %v %v", to, err)
	}
}

func dice(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if v, err := strconv.ParseUint(os.Getenv("VITRINE_SEED"), 10, 64); err == nil {
		seed = v
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("VITRINE_SEED=%d plays it again", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 20))
}

// Ten thousand sales go their ways while buyers and creators are forgotten at random points of them: not a byte of the
// ledger changes, and what is booked afterwards is booked as if nobody had been forgotten.
func TestInvariant20ForgettingPeopleNeverChangesTheBook(t *testing.T) {
	t.Parallel()
	n, together := 10_000, 2000
	if testing.Short() {
		n, together = 400, 200
	}
	r, d := dice(t), dbtest.Fresh(t)
	p := d.Pool()
	paper := map[ledger.Account]int64{}
	creators := make([]dbtest.Person, 20)
	for i := range creators {
		creators[i] = dbtest.Creator(t, d)
	}
	for range n / together {
		hs := sales(t, d, r, creators, together)
		for step := range 5 {
			var es []ledger.Entry
			for _, h := range hs {
				es = append(es, h.step(r, step)...)
			}
			for _, e := range es {
				for _, l := range e.Lines {
					paper[l.Account] += l.Amount.Minor
				}
			}
			if err := d.InTx(t.Context(), func(tx *db.Tx) error {
				_, err := ledger.PostAll(t.Context(), tx, es)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			buyers, sellers := []string{}, []string{}
			for _, h := range hs {
				if h.forgotten == step {
					buyers = append(buyers, h.buyer.String())
				}
			}
			for _, c := range creators {
				if r.IntN(50) == 0 {
					sellers = append(sellers, c.User.String())
				}
			}
			before := checksum(t, p)
			forget(t, p, r, buyers, sellers)
			if after := checksum(t, p); after != before {
				t.Fatalf("the book was\n%s\nand is\n%s", before, after)
			}
		}
	}
	if known := count(t, p, `SELECT count(*) FROM buyers WHERE email NOT LIKE 'gone-%'`) + count(t, p, `SELECT count(*) FROM orders WHERE email LIKE '%@mail.test'`); known > 0 {
		t.Errorf("%d were not forgotten", known)
	}
	for a, want := range paper {
		if b, err := ledger.Balance(t.Context(), d, a, "EUR"); err != nil || b.Minor != want {
			t.Errorf("%s: %s, want %d %v", a, b, want, err)
		}
	}
	if rep, err := ledger.Check(t.Context(), d); err != nil || !rep.OK() || rep.Entries < 2*n {
		t.Errorf("%+v %v", rep, err)
	}
	faceless(t, p)
}

func count(t *testing.T, p *sqlx.DB, query string) (n int) {
	t.Helper()
	if err := p.Get(&n, query); err != nil {
		t.Fatal(err)
	}
	return n
}

// saleLife is one sale's history.
type saleLife struct {
	order      id.Order
	creator    id.User
	buyer      id.Buyer
	total, net int64
	forgotten  int // the step after which its buyer is
	at         ledger.Account
}

// sales writes buyers, checkouts and orders with all that is known of people.
func sales(t *testing.T, d *db.DB, r *rand.Rand, creators []dbtest.Person, n int) []*saleLife {
	t.Helper()
	hs := make([]*saleLife, n)
	var buyers, checkouts, all, shops, users []string
	for i := range hs {
		c := creators[r.IntN(len(creators))]
		h := &saleLife{order: id.New[id.OrderKind](), creator: c.User, buyer: id.New[id.BuyerKind](), total: 1000, net: 925, forgotten: r.IntN(5)}
		h.at = ledger.Pending(h.creator)
		hs[i] = h
		buyers, checkouts, all = append(buyers, h.buyer.String()), append(checkouts, id.New[id.CheckoutKind]().String()), append(all, h.order.String())
		shops, users = append(shops, c.Shop.String()), append(users, c.User.String())
	}
	for _, q := range []string{
		`INSERT INTO buyers (id, email, created_at) SELECT u.b, u.b || '@mail.test', now() FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) AS u (b, c, o, s, w)`,
		`INSERT INTO checkouts (id, client_key, inputs, token_hash, buyer_id, email, currency, total_minor, provider, status, expires_at, created_at, updated_at, client_ip, client_browser, card_fingerprint)
			SELECT u.c, u.c::text, '', sha256(u.c::text::bytea), u.b, u.b || '@mail.test', 'EUR', 1000, 'stripe', 'paid', now(), now(), now(), '192.0.2.7', 'Firefox', 'fp'
			FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) AS u (b, c, o, s, w)`,
		`INSERT INTO orders (id, checkout_id, shop_id, creator_id, buyer_id, token_hash, status, email, currency, subtotal_minor, total_minor, fee_minor, net_minor, fee_version, provider, created_at, updated_at)
			SELECT u.o, u.c, u.s, u.w, u.b, sha256(u.o::text::bytea), 'paid', u.b || '@mail.test', 'EUR', 1000, 1000, 75, 925, 1, 'stripe', now(), now()
			FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) AS u (b, c, o, s, w)`,
	} {
		if _, err := d.Pool().ExecContext(t.Context(), q, db.Array(buyers), db.Array(checkouts), db.Array(all), db.Array(shops), db.Array(users)); err != nil {
			t.Fatal(err)
		}
	}
	return hs
}

// step is what is booked next: the sale, then moves, refunds and disputes as they come.
func (h *saleLife) step(r *rand.Rand, n int) []ledger.Entry {
	line := func(a ledger.Account, minor int64) ledger.Line {
		return ledger.Line{Account: a, Amount: money.Amount{Minor: minor, Currency: "EUR"}}
	}
	if n == 0 {
		return []ledger.Entry{{Key: "sale:" + h.order.String(), Kind: "sale", Lines: []ledger.Line{line(ledger.Provider("stripe"), -h.total), line(ledger.PlatformFees, h.total-h.net), line(h.at, h.net)}}}
	}
	switch r.IntN(4) {
	case 0:
		to := []ledger.Account{ledger.Available(h.creator), ledger.Held(h.creator), ledger.InFlight(h.creator)}[r.IntN(3)]
		if from := h.at; from != to && h.net > 0 {
			h.at = to
			return []ledger.Entry{{Key: fmt.Sprintf("mature:%s:%d", h.order, n), Kind: "mature", Lines: []ledger.Line{line(from, -h.net), line(to, h.net)}}}
		}
	case 1, 2:
		if h.net > 1 {
			part := 1 + r.Int64N(h.net-1)
			h.net -= part
			kind := []string{"refund", "dispute"}[r.IntN(2)]
			return []ledger.Entry{{Key: fmt.Sprintf("%s:%s:%d", kind, h.order, n), Kind: kind, Lines: []ledger.Line{line(ledger.Provider("stripe"), part), line(h.at, -part)}}}
		}
	}
	return nil
}

// Two creators live the same life through the product: sales, refunds, a dispute, a payout. One of them and her buyers
// are forgotten after every step. Their books are the same, and neither holds a name.
func TestInvariant20AForgottenCreatorsBookGoesOn(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, func(c *config.Config) { c.SettlementDays = 1 })
	r, p := dice(t), w.DB.Pool()
	c, twin := w.Creator(), w.Creator()
	onboarded(t, w, c)
	onboarded(t, w, twin)
	var personal []string
	var sold [2][]orders.Order
	step := func(do func(i int, c *apptest.Creator)) {
		t.Helper()
		for i, x := range []*apptest.Creator{c, twin} {
			do(i, x)
		}
		w.Settle()
		buyers := []string{}
		if err := p.Select(&buyers, `SELECT buyer_id FROM orders WHERE creator_id = $1`, c.User.String()); err != nil {
			t.Fatal(err)
		}
		before := checksum(t, p)
		forget(t, p, r, buyers, []string{c.User.String()})
		if after := checksum(t, p); after != before {
			t.Fatalf("the book was\n%s\nand is\n%s", before, after)
		}
	}
	for other := w.Creator(); w.Count(`SELECT count(*) FROM orders`) < 6; { // Stripe keeps its fees of what is not paid out
		w.Buy(other.Product)
	}
	personal = append(personal, "Ada Test", c.Email, twin.Email, "6789")
	for range 3 {
		step(func(i int, x *apptest.Creator) {
			s := w.Buy(x.Product)
			personal = append(personal, s.Email)
			sold[i] = append(sold[i], orderOf(t, w, s.Email))
		})
	}
	step(func(i int, x *apptest.Creator) {
		o := sold[i][0]
		if _, err := w.App.Refunds.Create(t.Context(), x.User, refunds.Input{Key: id.Token(), Order: o.ID, Amount: money.Amount{Minor: 700, Currency: "EUR"}, Reason: "goodwill"}); err != nil {
			t.Fatal(err)
		}
	})
	step(func(i int, _ *apptest.Creator) {
		if err := w.Stripe.Dispute(sold[i][1].PaymentIntent, "fraudulent"); err != nil {
			t.Fatal(err)
		}
	})
	w.Pass(48 * time.Hour)
	w.Settle()
	step(func(int, *apptest.Creator) {
		if err := w.App.Orders.Mature(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	w.Pass(8 * 24 * time.Hour)
	step(func(int, *apptest.Creator) {
		if err := w.App.Payouts.Run(t.Context(), w.Now()); err != nil {
			t.Fatal(err)
		}
	})
	if n := w.Count(`SELECT count(DISTINCT creator_id) FROM payouts WHERE state = 'sent'`); n != 2 {
		t.Errorf("%d creators were paid", n)
	}
	for _, of := range []func(id.User) ledger.Account{ledger.Pending, ledger.Available, ledger.Held, ledger.InFlight} {
		a, err := ledger.Balance(t.Context(), w.DB, of(c.User), "EUR")
		b, err2 := ledger.Balance(t.Context(), w.DB, of(twin.User), "EUR")
		if err != nil || err2 != nil || a != b {
			t.Errorf("%s has %s, the twin %s; %v %v", of(c.User), a, b, err, err2)
		}
	}
	faceless(t, p)
	for name := range book {
		var all []string
		if err := p.Select(&all, fmt.Sprintf(`SELECT x::text FROM %q x`, name)); err != nil {
			t.Fatal(err)
		}
		text := strings.ToLower(strings.Join(all, "\n"))
		for _, s := range personal {
			if strings.Contains(s, "@") && strings.Contains(text, strings.ToLower(s)) || strings.Contains(text, "ada test") {
				t.Errorf("%s holds %q", name, s)
			}
		}
	}
	clean(t, w)
}
