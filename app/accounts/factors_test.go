package accounts_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"vitrine/app/accounts"
	"vitrine/app/apptest"
	"vitrine/app/errs"
	"vitrine/app/id"
)

// still is a clock that moves when it is told to, and stands in the middle of 30 seconds.
type still struct{ at atomic.Int64 }

func stop(w *apptest.World) *still {
	c := &still{}
	c.at.Store(time.Now().Unix()/30*30 + 15)
	w.DB.Clock = c.now
	return c
}

func (c *still) now() time.Time       { return time.Unix(c.at.Load(), 0) }
func (c *still) pass(d time.Duration) { c.at.Add(int64(d / time.Second)) }

func (c *still) code(t *testing.T, secret string, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, c.now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// guarded is an account with a second step, past the pages.
type guarded struct {
	t      *testing.T
	w      *apptest.World
	clock  *still
	s      *accounts.Service
	user   id.User
	email  string
	secret string
	codes  []string
}

func guard(t *testing.T, w *apptest.World, clock *still) *guarded {
	t.Helper()
	ctx := t.Context()
	g := &guarded{t: t, w: w, clock: clock, s: w.App.Accounts, email: "g-" + strings.ToLower(id.Token()[:10]) + "@mail.test"}
	var err error
	if g.user, err = g.s.Provision(ctx, g.email, apptest.Password, "", "creator"); err != nil {
		t.Fatal(err)
	}
	if err := g.s.BeginFactor(ctx, g.user); err != nil {
		t.Fatal(err)
	}
	setup, err := g.s.FactorSetup(ctx, g.user)
	if err != nil {
		t.Fatal(err)
	}
	g.secret = setup.Secret
	if g.codes, err = g.s.ConfirmFactor(ctx, g.user, g.code(0), ""); err != nil {
		t.Fatal(err)
	}
	g.forget()
	return g
}

func (g *guarded) code(steps int) string { return g.clock.code(g.t, g.secret, steps) }

// forget makes all codes unused again.
func (g *guarded) forget() {
	g.w.Exec(`UPDATE two_factors SET last_step = 0, failures = 0, blocked_until = NULL WHERE user_id = $1`, g.user)
}

func (g *guarded) prove(code string) error {
	_, err := g.s.ProveFactor(context.Background(), g.user, code)
	return err
}

func said(err error) string {
	if err == nil {
		return "taken"
	}
	switch m := errs.Message(err); {
	case strings.Contains(m, "not the code"), strings.Contains(m, "none of your recovery"):
		return "wrong"
	case strings.Contains(m, "has been used"):
		return "used"
	case errs.Is(err, errs.TooMany):
		return "wait"
	default:
		return m
	}
}

func TestWhichCodesOpen(t *testing.T) {
	w := apptest.New(t)
	g := guard(t, w, stop(w))
	type try struct {
		steps int
		want  string
	}
	for name, tries := range map[string][]try{
		"now":                             {{0, "taken"}},
		"a phone that is 30 s slow":       {{-1, "taken"}},
		"a phone that is 30 s fast":       {{1, "taken"}},
		"a minute slow":                   {{-2, "wrong"}},
		"a minute fast":                   {{2, "wrong"}},
		"an hour off":                     {{120, "wrong"}, {-120, "wrong"}},
		"the same again":                  {{0, "taken"}, {0, "used"}, {0, "used"}},
		"the one before, after this":      {{0, "taken"}, {-1, "used"}},
		"the next one, after this":        {{0, "taken"}, {1, "taken"}},
		"this, after the next one":        {{1, "taken"}, {0, "used"}, {-1, "used"}},
		"one after another":               {{-1, "taken"}, {0, "taken"}, {1, "taken"}, {1, "used"}},
		"a wrong one between, then right": {{5, "wrong"}, {0, "taken"}},
	} {
		g.forget()
		for i, c := range tries {
			if got := said(g.prove(g.code(c.steps))); got != c.want {
				t.Errorf("%s, try %d with the code %d steps away: %s, want %s", name, i+1, c.steps, got, c.want)
			}
		}
	}
	g.forget()
	for _, typed := range []string{g.code(0)[:3] + " " + g.code(0)[3:], g.code(1)[:3] + "-" + g.code(1)[3:] + "\u00a0"} {
		if err := g.prove(typed); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
	g.forget()
	g.clock.pass(30 * time.Second) // a code lives on for 30 seconds and no longer
	old := g.code(-1)
	g.clock.pass(30 * time.Second)
	if got := said(g.prove(old)); got != "wrong" {
		t.Errorf("a code of a minute ago: %s", got)
	}
	for _, nothing := range []string{"", " ", "0", "12345", "1234567", g.code(0) + "0", "१२३४५६", strings.Repeat("9", 4000)} {
		g.forget()
		if got := said(g.prove(nothing)); got != "wrong" {
			t.Errorf("%.20q: %s", nothing, got)
		}
	}
}

func TestOneCodeAtOnceOpensOneDoor(t *testing.T) {
	w := apptest.New(t)
	g := guard(t, w, stop(w))
	for _, code := range []string{g.code(0), g.codes[0]} {
		g.forget()
		var taken atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch said(g.prove(code)) {
				case "taken":
					taken.Add(1)
				case "used", "wrong", "wait":
				default:
					t.Error("neither taken nor refused")
				}
			})
		}
		wg.Wait()
		if n := taken.Load(); n != 1 {
			t.Errorf("%q was taken %d times", code, n)
		}
	}
}

func TestGuessingCodesTakesForEver(t *testing.T) {
	w := apptest.New(t)
	g := guard(t, w, stop(w))
	wrong := g.code(1000)
	for i := range 5 {
		if got := said(g.prove(wrong)); got != "wrong" {
			t.Fatalf("try %d: %s", i+1, got)
		}
	}
	for _, code := range []string{wrong, g.code(0), g.codes[0], "nonsense"} {
		if got := said(g.prove(code)); got != "wait" {
			t.Errorf("the sixth, %q: %s", code, got)
		}
	}
	// Each wrong one doubles the wait: 1, 2, 4, … 60 minutes, for good.
	waits := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour}
	for i, wait := range waits {
		g.clock.pass(wait - 31*time.Second)
		if got := said(g.prove(g.code(1000))); got != "wait" {
			t.Errorf("wait %d is over before %s: %s", i+1, wait, got)
		}
		g.clock.pass(time.Minute)
		if got := said(g.prove(g.code(1000))); got != "wrong" {
			t.Errorf("wait %d is not over after %s: %s", i+1, wait, got)
		}
	}
	g.clock.pass(time.Hour)
	if got := said(g.prove(g.code(0))); got != "taken" {
		t.Errorf("the right one, an hour later: %s", got)
	}
	w.Work()
	if n := len(w.Mails(g.email, "Someone types wrong codes")); n != 1 {
		t.Errorf("%d mails about the guessing, want one for all of it", n)
	}
	for i := range 4 { // and it counts anew
		if got := said(g.prove(wrong)); got != "wrong" {
			t.Errorf("after the right one, try %d: %s", i+1, got)
		}
	}
}

func TestARecoveryCodeOpensOnce(t *testing.T) {
	w := apptest.New(t)
	clock := stop(w)
	g, other := guard(t, w, clock), guard(t, w, clock)
	if len(g.codes) != 10 {
		t.Fatalf("%d recovery codes", len(g.codes))
	}
	for i, c := range g.codes {
		typed := c
		if i%2 == 1 {
			typed = " " + strings.ToUpper(strings.ReplaceAll(c, "-", "")) + " "
		}
		if got := said(other.prove(c)); got != "wrong" {
			t.Errorf("somebody else's code: %s", got)
		}
		other.forget()
		left, err := g.s.ProveFactor(t.Context(), g.user, typed)
		if err != nil || left != 9-i {
			t.Fatalf("code %d: %d left, %v", i+1, left, err)
		}
		if got := said(g.prove(c)); got != "wrong" {
			t.Errorf("code %d opened twice: %s", i+1, got)
		}
	}
	g.forget()
	old := other.codes[0]
	fresh, err := other.s.NewRecoveryCodes(t.Context(), other.user)
	if err != nil || len(fresh) != 10 {
		t.Fatal(fresh, err)
	}
	if got := said(other.prove(old)); got != "wrong" {
		t.Errorf("a replaced code: %s", got)
	}
	if got := said(other.prove(fresh[9])); got != "taken" {
		t.Errorf("a new code: %s", got)
	}
	if n := w.Count(`SELECT count(*) FROM recovery_codes WHERE hash::text LIKE '%' || $1 || '%'`, strings.ReplaceAll(fresh[0], "-", "")); n != 0 {
		t.Error("a recovery code can be read in the database")
	}
	w.Work()
	if n := len(w.Mails(g.email, "A recovery code was used")); n != 10 {
		t.Errorf("%d mails about used recovery codes", n)
	}
}

// A secret is shown to its owner and confirmed by a code of it, and of no other.
func TestNobodyIsEnrolledWithAForeignSecret(t *testing.T) {
	w := apptest.New(t)
	ctx := t.Context()
	g := guard(t, w, stop(w))
	victim, err := g.s.Provision(ctx, "victim@mail.test", apptest.Password, "", "creator")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.s.ConfirmFactor(ctx, victim, g.code(0), ""); !errs.Is(err, errs.Gone) {
		t.Errorf("confirmed before it was begun: %v", err)
	}
	if err := g.s.BeginFactor(ctx, victim); err != nil {
		t.Fatal(err)
	}
	if _, err := g.s.ConfirmFactor(ctx, victim, g.code(0), ""); said(err) != "wrong" {
		t.Errorf("confirmed by somebody else's secret: %v", err)
	}
	if _, err := g.s.ConfirmFactor(ctx, victim, g.codes[0], ""); said(err) != "wrong" {
		t.Errorf("confirmed by a recovery code: %v", err)
	}
	// Even with the rows in hand: a sealed secret opens only where it was made.
	w.Exec(`UPDATE two_factors SET secret = (SELECT secret FROM two_factors WHERE user_id = $1) WHERE user_id = $2`, g.user, victim)
	if _, err := g.s.ConfirmFactor(ctx, victim, g.code(0), ""); err == nil || errs.KindOf(err) != errs.Internal {
		t.Errorf("confirmed by a copied secret: %v", err)
	}
	if on, err := g.s.HasFactor(ctx, victim); on || err != nil {
		t.Errorf("enrolled: %v, %v", on, err)
	}
}

func TestASetupGrowsOld(t *testing.T) {
	w := apptest.New(t)
	ctx := t.Context()
	g := guard(t, w, stop(w))
	if err := g.s.BeginFactor(ctx, g.user); !errs.Is(err, errs.Conflict) {
		t.Errorf("begun while it is on: %v", err)
	}
	if _, err := g.s.FactorSetup(ctx, g.user); !errs.Is(err, errs.Gone) {
		t.Errorf("the secret is shown after it was confirmed: %v", err)
	}
	if _, err := g.s.ConfirmFactor(ctx, g.user, g.code(0), ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("confirmed twice: %v", err)
	}
	late, err := g.s.Provision(ctx, "late@mail.test", apptest.Password, "", "creator")
	if err != nil {
		t.Fatal(err)
	}
	secret := func() string {
		t.Helper()
		if err := g.s.BeginFactor(ctx, late); err != nil {
			t.Fatal(err)
		}
		s, err := g.s.FactorSetup(ctx, late)
		if err != nil {
			t.Fatal(err)
		}
		return s.Secret
	}
	first := secret()
	if again := secret(); again != first {
		t.Error("pressing twice made the scanned picture worthless")
	}
	g.clock.pass(time.Hour + time.Minute)
	if _, err := g.s.ConfirmFactor(ctx, late, g.clock.code(t, first, 0), ""); !errs.Is(err, errs.Gone) {
		t.Errorf("confirmed after an hour: %v", err)
	}
	if second := secret(); second == first {
		t.Error("an old secret is shown again")
	}
	var kept []byte
	if err := w.DB.Get(ctx, &kept, `SELECT secret FROM two_factors WHERE user_id = $1`, late); err != nil || len(kept) != 12+20+16 {
		t.Errorf("%d bytes are kept, want nonce, 20 bytes and tag: %v", len(kept), err)
	}
}
