package domains_test

import (
	"sync"
	"testing"
	"time"

	"vitrine/app/domains"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

func TestAnUnprovedDomainIsNeverServed(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	who := r.creator(t)
	c := r.claim(t, who, fresh())
	try := func(why, reason string) {
		t.Helper()
		if got := r.look(t, who, domains.Waiting); got.Reason != reason {
			t.Errorf("%s: %q, want %q", why, got.Reason, reason)
		}
		r.shown(t, c.Domain, id.Shop{})
	}
	try("nothing is there", domains.NoRecord)
	r.names.point(c.Domain, ours)
	try("it leads here without a record", domains.NoRecord)
	r.names.point(c.Domain, ours, "vitrine-of-somebody-else", c.Token+"x", "x"+c.Token, "")
	try("the record holds other texts", domains.NoRecord)
	r.names.point(c.Domain, "198.51.100.7", c.Token)
	try("it leads elsewhere", domains.NoWay)
	r.names.silence(true)
	try("nobody answers", domains.NoAnswer)
	r.names.silence(false)
	r.names.point(c.Domain, ours, "v=spf1 -all", c.Token)
	r.look(t, who, domains.Verified)
	r.shown(t, c.Domain, who.Shop)
	sh, err := r.Shops.ByID(t.Context(), r.DB, who.Shop)
	if err != nil || r.Shops.URL(sh) != "https://"+c.Domain {
		t.Errorf("%v, %v", r.Shops.URL(sh), err)
	}
}

func TestADomainWhoseProofIsGoneIsLetGo(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		spoil func(registry, string)
		after time.Duration
	}{
		"no record":     {func(r registry, d string) { r.names.point(d, ours) }, domains.ReleaseAt},
		"another text":  {func(r registry, d string) { r.names.point(d, ours, "vitrine-other") }, domains.ReleaseAt},
		"leads away":    {func(r registry, d string) { r.names.point(d, "198.51.100.9") }, domains.ReleaseAt},
		"expired":       {func(r registry, d string) { r.names.point(d, "") }, domains.ReleaseAt},
		"nobody speaks": {func(r registry, _ string) { r.names.silence(true) }, domains.SilentTill},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			who, c := r.served(t)
			v.spoil(r, c.Domain)
			if got := r.look(t, who, domains.Verified); got.FailingSince.IsZero() || got.Reason == "" {
				t.Errorf("%+v", got)
			}
			r.shown(t, c.Domain, who.Shop)
			*r.late = v.after - time.Minute
			r.look(t, who, domains.Verified)
			r.shown(t, c.Domain, who.Shop)
			*r.late = v.after + time.Minute
			if got := r.look(t, who, domains.Failed); got.Reason != domains.Lost {
				t.Errorf("%q", got.Reason)
			}
			r.shown(t, c.Domain, id.Shop{})
			r.names.silence(false)
			r.names.point(c.Domain, ours, c.Token) // it is over: a new claim has a new text
			r.look(t, who, domains.Failed)
			r.shown(t, c.Domain, id.Shop{})
			if again := r.claim(t, who, c.Domain); again.Token == c.Token || again.State != domains.Waiting {
				t.Errorf("%+v", again)
			}
		})
	}
}

func TestAProofThatComesBackInTimeIsFine(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	who, c := r.served(t)
	r.names.point(c.Domain, ours)
	r.look(t, who, domains.Verified)
	*r.late = domains.ReleaseAt - time.Hour
	r.names.point(c.Domain, ours, c.Token)
	if got := r.look(t, who, domains.Verified); !got.FailingSince.IsZero() || got.Reason != "" {
		t.Errorf("%+v", got)
	}
	*r.late = domains.ReleaseAt + time.Hour
	r.names.point(c.Domain, ours)
	r.look(t, who, domains.Verified) // it is missing anew
	r.shown(t, c.Domain, who.Shop)
}

func TestADomainClaimedByTwoShowsTheOneWithTheProof(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	a, b := r.creator(t), r.creator(t)
	domain := fresh()
	ca, cb := r.claim(t, a, domain), r.claim(t, b, domain)
	r.names.point(domain, ours, cb.Token)
	r.look(t, a, domains.Waiting)
	r.look(t, b, domains.Verified)
	r.shown(t, domain, b.Shop)

	r.names.point(domain, ours, ca.Token, cb.Token) // both: who came first stays
	if got := r.look(t, a, domains.Waiting); got.Reason != domains.Taken {
		t.Errorf("%q", got.Reason)
	}
	r.shown(t, domain, b.Shop)

	r.names.point(domain, ours, ca.Token) // sold: the proof is another's now
	r.look(t, a, domains.Verified)
	r.shown(t, domain, a.Shop)
	if got := r.look(t, b, domains.Failed); got.Reason != domains.Passed {
		t.Errorf("%q", got.Reason)
	}
	sh, err := r.Shops.ByID(t.Context(), r.DB, b.Shop)
	if err != nil || sh.Domain != "" {
		t.Errorf("%q, %v", sh.Domain, err)
	}
}

func TestTwoWhoProveOneDomainAtOnceGetOneShop(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	domain := fresh()
	var all []storefronts.Who
	var texts []string
	for range 4 {
		who := r.creator(t)
		all, texts = append(all, who), append(texts, r.claim(t, who, domain).Token)
	}
	r.names.point(domain, ours, texts...)
	var wg sync.WaitGroup
	for _, who := range all {
		wg.Go(func() {
			if _, err := r.Look(t.Context(), who.Shop); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	for _, who := range all {
		c, err := r.Mine(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		if c.State == domains.Verified {
			n++
			r.shown(t, domain, who.Shop)
		}
	}
	if n != 1 {
		t.Errorf("%d of 4 are verified", n)
	}
}

func TestARemovedDomainIsNotServed(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	who, c := r.served(t)
	other := fresh()
	moved := r.claim(t, who, other) // another one lets the first go
	r.shown(t, c.Domain, id.Shop{})
	r.shown(t, other, id.Shop{})
	r.names.point(other, ours, moved.Token)
	r.look(t, who, domains.Verified)
	if same := r.claim(t, who, other); same.State != domains.Verified || same.Token != moved.Token {
		t.Errorf("saying it again changed it: %+v", same)
	}
	for range 2 {
		if err := r.Remove(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	r.shown(t, other, id.Shop{})
	if _, err := r.Mine(t.Context(), who); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
	if _, err := r.Look(t.Context(), who.Shop); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
	stranger := r.creator(t)
	if err := r.Remove(t.Context(), storefronts.Who{User: stranger.User, Shop: who.Shop}); !errs.Is(err, errs.NotFound) {
		t.Errorf("somebody else's shop: %v", err)
	}
}

func TestTheSweepLooksWhenItIsTime(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	who, c := r.served(t)
	waiting := r.creator(t)
	w := r.claim(t, waiting, fresh())
	r.look(t, waiting, domains.Waiting)
	r.names.point(c.Domain, ours)
	r.names.point(w.Domain, ours, w.Token)
	state := func(who storefronts.Who) domains.Claim {
		t.Helper()
		if err := r.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := r.Mine(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := state(waiting); got.State != domains.Waiting {
		t.Errorf("looked at again at once: %+v", got)
	}
	*r.late = 61 * time.Minute
	if got := state(waiting); got.State != domains.Verified {
		t.Errorf("after an hour: %+v", got)
	}
	if got := state(who); !got.FailingSince.IsZero() {
		t.Errorf("looked at again after an hour: %+v", got)
	}
	*r.late = 25 * time.Hour
	if got := state(who); got.FailingSince.IsZero() {
		t.Errorf("not looked at for a day: %+v", got)
	}
	given := r.creator(t)
	r.claim(t, given, fresh())
	*r.late += domains.GiveUp + time.Hour
	if got := state(given); got.State != domains.Failed || got.Reason != domains.TooLate {
		t.Errorf("after a week: %+v", got)
	}
}
