package orders_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
)

// Orders are paid around the turns of the clocks, leap days and ends of months, and settle by clocks that are an hour
// late or early, a day, a month or a year ahead, on databases of three time zones. None settles before the latest clock
// that we believed said so, none stays behind the present one, each moves its money once.
func TestInvariant18SettlementSurvivesItsClock(t *testing.T) {
	t.Parallel()
	n := 5100
	switch {
	case os.Getenv("VITRINE_AUDIT") == "1":
		n = 30_000
	case testing.Short():
		n = 300
	}
	seed := rand.Uint64()
	if v, err := strconv.ParseUint(os.Getenv("VITRINE_SEED"), 10, 64); err == nil {
		seed = v
	}
	for i, zone := range []string{"Europe/Berlin", "America/New_York", "Pacific/Auckland"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			s := newSettling(t, zone, rand.New(rand.NewPCG(seed, uint64(i))))
			s.write(n / 3)
			for s.at.Before(s.last.Add(s.s.Settlement + 24*time.Hour)) {
				s.step()
			}
			s.end()
			if t.Failed() {
				t.Logf("VITRINE_SEED=%d plays it again", seed)
			}
		})
	}
}

// settling is orders that wait for their money, and a clock.
type settling struct {
	t           *testing.T
	d           *db.DB
	s           *orders.Service
	r           *rand.Rand
	owner       dbtest.Person
	at, highest time.Time // the true time, and the latest that we believed
	last        time.Time // when the last order was paid
	mu          sync.Mutex
	clock       time.Time
}

func newSettling(t *testing.T, zone string, r *rand.Rand) *settling {
	d := dbtest.Fresh(t)
	d.Pool().MustExec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET TimeZone TO ''` + zone + `''', current_database()); END $$`)
	there, err := db.Open(t.Context(), d.URL(), db.Options{MaxOpen: 4, Prepare: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { there.Close() })
	s := &settling{t: t, d: there, r: r, owner: dbtest.Creator(t, d), s: &orders.Service{DB: there, Settlement: 7 * 24 * time.Hour}}
	there.Clock = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.clock
	}
	return s
}

// turns are where calendars are odd.
var turns = []string{"2028-02-28T23:00:00Z", "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z", "2028-03-12T07:00:00Z", "2028-03-26T01:00:00Z", "2028-04-01T14:00:00Z", "2028-04-30T23:59:59Z"}

// write makes paid orders whose money is pending.
func (s *settling) write(n int) {
	s.t.Helper()
	var buyers, checkouts, all []string
	var paid []time.Time
	var es []ledger.Entry
	eur := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: "EUR"} }
	for range n {
		at, err := time.Parse(time.RFC3339, turns[s.r.IntN(len(turns))])
		if err != nil {
			s.t.Fatal(err)
		}
		at = at.Add(time.Duration(s.r.IntN(7200)-3600) * time.Second)
		if at.After(s.last) {
			s.last = at
		}
		o := id.New[id.OrderKind]()
		buyers, checkouts, all, paid = append(buyers, id.New[id.BuyerKind]().String()), append(checkouts, id.New[id.CheckoutKind]().String()), append(all, o.String()), append(paid, at)
		es = append(es, ledger.Entry{Key: "sale:" + o.String(), Kind: "sale", Lines: []ledger.Line{
			{Account: ledger.Provider("stripe"), Amount: eur(-1000)}, {Account: ledger.PlatformFees, Amount: eur(75)}, {Account: ledger.Pending(s.owner.User), Amount: eur(925)}}})
	}
	stamps := make([]string, n)
	for i, at := range paid {
		stamps[i] = at.Format(time.RFC3339)
	}
	s.at, _ = time.Parse(time.RFC3339, turns[0])
	s.believe(s.at)
	for _, q := range []string{
		`INSERT INTO buyers (id, email, created_at) SELECT u.b, u.b || '@mail.test', u.at FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]::timestamptz[]) AS u (b, c, o, at) WHERE $5::uuid IS NOT NULL AND $6::uuid IS NOT NULL`,
		`INSERT INTO checkouts (id, client_key, inputs, token_hash, buyer_id, email, currency, total_minor, provider, status, expires_at, paid_at, created_at, updated_at)
			SELECT u.c, u.c::text, '', sha256(u.c::text::bytea), u.b, u.b || '@mail.test', 'EUR', 1000, 'stripe', 'paid', u.at, u.at, u.at, u.at
			FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]::timestamptz[]) AS u (b, c, o, at) WHERE $5::uuid IS NOT NULL AND $6::uuid IS NOT NULL`,
		`INSERT INTO orders (id, checkout_id, shop_id, creator_id, buyer_id, token_hash, status, email, currency, subtotal_minor, total_minor, fee_minor, net_minor, fee_version, provider, number, paid_at, created_at, updated_at)
			SELECT u.o, u.c, $5, $6, u.b, sha256(u.o::text::bytea), 'paid', u.b || '@mail.test', 'EUR', 1000, 1000, 75, 925, 1, 'stripe', u.n, u.at, u.at, u.at
			FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]::timestamptz[]) WITH ORDINALITY AS u (b, c, o, at, n)`,
	} {
		if _, err := s.d.Pool().Exec(q, db.Array(buyers), db.Array(checkouts), db.Array(all), db.Array(stamps), s.owner.Shop, s.owner.User); err != nil {
			s.t.Fatal(err)
		}
	}
	if _, err := s.d.Pool().Exec(`INSERT INTO order_counters (shop_id, last) VALUES ($1, $2)`, s.owner.Shop, n); err != nil {
		s.t.Fatal(err)
	}
	if err := s.d.InTx(s.t.Context(), func(tx *db.Tx) error {
		_, err := ledger.PostAll(s.t.Context(), tx, es)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *settling) believe(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = at
	if at.After(s.highest) {
		s.highest = at
	}
}

// step lets hours or days pass, and the sweep run by a clock that is right, late or early.
func (s *settling) step() {
	s.t.Helper()
	s.at = s.at.Add(time.Duration(1+s.r.IntN(40)) * time.Hour)
	off := time.Duration(0)
	switch s.r.IntN(40) {
	case 0, 1, 2, 3, 4:
		off = -time.Hour
	case 5, 6, 7, 8, 9:
		off = time.Hour
	case 10, 11:
		off = 25 * time.Hour
	case 12:
		if s.at.Month() > time.March {
			off = 31 * 24 * time.Hour
		}
	case 13:
		if s.at.Month() > time.April {
			off = 400 * 24 * time.Hour
		}
	}
	s.believe(s.at.Add(off))
	if err := s.s.Mature(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.holds()
}

func (s *settling) count(query string, at time.Time) (n int) {
	s.t.Helper()
	if err := s.d.Pool().Get(&n, query, at); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *settling) holds() {
	s.t.Helper()
	if n := s.count(`SELECT count(*) FROM orders WHERE matured_at IS NOT NULL AND paid_at > $1`, s.highest.Add(-s.s.Settlement)); n > 0 {
		s.t.Fatalf("%s: %d orders settled too early", s.clock, n)
	}
	if n := s.count(`SELECT count(*) FROM orders WHERE matured_at IS NULL AND paid_at <= $1`, s.clock.Add(-s.s.Settlement)); n > 0 {
		s.t.Fatalf("%s: %d orders stay behind", s.clock, n)
	}
	got, err := ledger.Balance(s.t.Context(), s.d, ledger.Available(s.owner.User), "EUR")
	if err != nil {
		s.t.Fatal(err)
	}
	if n := s.count(`SELECT count(*) FROM orders WHERE matured_at IS NOT NULL AND $1::timestamptz IS NOT NULL`, s.clock); got.Minor != int64(n)*925 {
		s.t.Fatalf("%s: %s available of %d orders", s.clock, got, n)
	}
}

// end: all have settled, and the book is as it must be.
func (s *settling) end() {
	s.t.Helper()
	s.believe(s.at)
	if err := s.s.Mature(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	if n := s.count(`SELECT count(*) FROM orders WHERE matured_at IS NULL AND $1::timestamptz IS NOT NULL`, s.at); n > 0 {
		s.t.Errorf("%d orders never settled", n)
	}
	if b, err := ledger.Balance(s.t.Context(), s.d, ledger.Pending(s.owner.User), "EUR"); err != nil || !b.IsZero() {
		s.t.Errorf("%s is pending %v", b, err)
	}
	if r, err := ledger.Check(s.t.Context(), s.d, s.s.Checks()...); err != nil || !r.OK() {
		s.t.Errorf("%.1000v %v", r.Findings, err)
	}
}
