// Package domains is the domains of creators at which their shops are shown.
//
// A creator says which domain is theirs and proves it by a TXT record. The proof is looked at again every day; a
// domain whose proof has been gone for some days is let go. What is shown at a domain stands in the row of the shop,
// which storefronts keeps: nothing is served that is not there, and nothing gets there without a proof.
package domains

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/storefronts"
)

// Changed is the event that something else is shown at a domain; its subject is the domain.
const Changed = "domains.changed"

// State of a claim.
type State string

const (
	Waiting  State = "waiting"  // for the records
	Verified State = "verified" // and served
	Failed   State = "failed"   // given up, or lost
)

// How long what lasts.
const (
	hourly     = time.Hour
	daily      = 24 * time.Hour
	GiveUp     = 7 * daily // a domain whose records have not come by then
	ReleaseAt  = 3 * daily // a domain whose proof has been gone for so long
	SilentTill = 7 * daily // one whose name servers have said nothing for so long
)

// Claim is what a shop says of a domain.
type Claim struct {
	Shop         id.Shop
	Creator      id.User
	Domain       string
	Token        string
	State        State
	Reason       string // a key of the message catalogue, with the domain as its argument
	CheckedAt    time.Time
	VerifiedAt   time.Time
	FailingSince time.Time
	CreatedAt    time.Time
}

// Why a domain is not served, or soon will not be.
const (
	NoAnswer = "The name servers of %s did not answer."
	NoRecord = "There is no such TXT record at %s yet."
	NoWay    = "The proof is there, but %s does not lead here yet."
	Taken    = "Another shop proves that %s is theirs. Take its TXT record away first."
	Lost     = "The proof of %s was gone for too long, so your shop is at its own address again."
	Passed   = "Another shop has proved that %s is theirs, and your TXT record was gone."
	TooLate  = "The records of %s did not come within a week. Check them and start again."
)

// Service keeps domains.
type Service struct {
	DB        *db.DB
	Shops     *storefronts.Service
	Resolver  Resolver
	Own       []string // hosts of the instance, which nobody can have
	Target    string   // the name that domains lead to
	Addresses []string // further addresses that do
}

// Mine is the claim of a shop; errs.NotFound when it has none.
func (s *Service) Mine(ctx context.Context, who storefronts.Who) (Claim, error) {
	c, err := findMine(ctx, s.DB, who.User, who.Shop)
	if db.None(err) {
		return c, errs.New(errs.NotFound, "Your shop has no domain of its own.")
	}
	return c, err
}

// Check looks for the proof of a claim.
type Check struct {
	Shop  id.Shop `json:"shop"`
	Token string  `json:"token"`
}

func (Check) Kind() string { return "domains.check" }

// Jobs registers the first look at a claim, and those of every day.
func (s *Service) Jobs(reg *job.Registry) {
	job.Handle(reg, job.Spec{Timeout: time.Minute, Attempts: 3}, func(ctx context.Context, t Check) error {
		c, err := find(ctx, s.DB, t.Shop)
		if db.None(err) || err == nil && c.Token != t.Token {
			return nil // another domain has been named since
		}
		if err == nil {
			_, err = s.Look(ctx, t.Shop)
		}
		return err
	})
	reg.Every("sweep:domains", 10*time.Minute, s.Sweep)
}

// Sweep looks at the claims whose time has come.
func (s *Service) Sweep(ctx context.Context) error {
	due, err := listDue(ctx, s.DB, s.DB.Now(), 100)
	if err != nil {
		return err
	}
	for _, shop := range due {
		if _, err := s.Look(ctx, shop); err != nil && !errs.Is(err, errs.NotFound) {
			return fmt.Errorf("look at the domain of shop %s: %w", shop, err)
		}
	}
	return nil
}

// Claim notes which domain a creator says is theirs. Saying the same again changes nothing; saying another one
// lets the former go.
func (s *Service) Claim(ctx context.Context, who storefronts.Who, typed string) (Claim, error) {
	name, err := Clean(typed, s.Own)
	if err != nil {
		return Claim{}, err
	}
	var out Claim
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		sh, err := s.Shops.Lock(ctx, tx, who)
		if err != nil {
			return err
		}
		if out, err = lock(ctx, tx, who.Shop); err == nil && out.Domain == name && out.State != Failed || err != nil && !db.None(err) {
			return err
		}
		if err := s.release(ctx, tx, sh); err != nil {
			return err
		}
		token := "vitrine-" + id.Token()
		if err := upsert(ctx, tx, who.User, who.Shop, name, token); err != nil {
			return err
		}
		if out, err = lock(ctx, tx, who.Shop); err != nil {
			return err
		}
		return job.Enqueue(ctx, tx, Check{who.Shop, token}, job.Key("domain:"+token))
	})
	return out, err
}

// Remove lets a domain go. The shop is at its slug again at once.
func (s *Service) Remove(ctx context.Context, who storefronts.Who) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		sh, err := s.Shops.Lock(ctx, tx, who)
		if err != nil {
			return err
		}
		if err := s.release(ctx, tx, sh); err != nil {
			return err
		}
		return remove(ctx, tx, who.Shop)
	})
}

// release shows a shop at its slug.
func (s *Service) release(ctx context.Context, tx *db.Tx, sh storefronts.Shop) error {
	if sh.Domain == "" {
		return nil
	}
	if err := s.Shops.SetDomain(ctx, tx, sh.ID, ""); err != nil {
		return err
	}
	return event.Emit(ctx, tx, Changed, sh.Domain)
}

// Look asks the name servers for the proof of a shop's claim, and serves its domain or does not.
func (s *Service) Look(ctx context.Context, shop id.Shop) (Claim, error) {
	asked, err := find(ctx, s.DB, shop)
	if db.None(err) {
		return asked, errs.New(errs.NotFound, "Your shop has no domain of its own.")
	}
	if err != nil || asked.State == Failed {
		return asked, err
	}
	got := s.look(ctx, asked.Domain)
	var out Claim
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := lockName(ctx, tx, asked.Domain); err != nil {
			return err
		}
		if _, err := s.Shops.Lock(ctx, tx, storefronts.Who{User: asked.Creator, Shop: shop}); err != nil { // first, as Claim and Remove do
			return err
		}
		if out, err = lock(ctx, tx, shop); db.None(err) {
			out = asked
			return nil // removed meanwhile
		}
		if err != nil || out.Token != asked.Token || out.State == Failed {
			return err
		}
		out.CheckedAt = tx.Now
		if got.proves(out) && got.leads {
			err = s.proved(ctx, tx, &out, got)
		} else {
			err = s.unproved(ctx, tx, &out, got)
		}
		if err != nil {
			return err
		}
		return save(ctx, tx, out)
	})
	return out, err
}

func (g seen) proves(c Claim) bool { return !guardProof || slices.Contains(g.texts, c.Token) }

// proved serves the domain, unless another shop that proves it too was first.
func (s *Service) proved(ctx context.Context, tx *db.Tx, c *Claim, got seen) error {
	c.FailingSince, c.Reason = time.Time{}, ""
	if c.State == Verified {
		return nil
	}
	switch holder, err := s.Shops.ByDomain(ctx, tx, c.Domain); {
	case errs.Is(err, errs.NotFound):
	case err != nil:
		return err
	case holder.ID != c.Shop:
		if _, err := s.Shops.Lock(ctx, tx, storefronts.Who{User: holder.Creator, Shop: holder.ID}); err != nil {
			return err
		}
		other, err := lock(ctx, tx, holder.ID)
		if err != nil && !db.None(err) {
			return err
		}
		if err == nil {
			if got.proves(other) {
				c.Reason = Taken
				return nil
			}
			other.State, other.Reason, other.FailingSince = Failed, Passed, time.Time{}
			if err := save(ctx, tx, other); err != nil {
				return err
			}
		}
		if err := s.release(ctx, tx, holder); err != nil {
			return err
		}
	}
	c.State, c.VerifiedAt = Verified, tx.Now
	if err := s.Shops.SetDomain(ctx, tx, c.Shop, c.Domain); err != nil {
		return err
	}
	return event.Emit(ctx, tx, Changed, c.Domain)
}

// unproved notes why, and gives the domain up when that has lasted too long.
func (s *Service) unproved(ctx context.Context, tx *db.Tx, c *Claim, got seen) error {
	switch {
	case got.silent:
		c.Reason = NoAnswer
	case got.proves(*c):
		c.Reason = NoWay
	default:
		c.Reason = NoRecord
	}
	if c.State == Waiting {
		if tx.Now.Sub(c.CreatedAt) >= GiveUp {
			c.State, c.Reason = Failed, TooLate
		}
		return nil
	}
	if c.FailingSince.IsZero() {
		c.FailingSince = tx.Now
	}
	limit := ReleaseAt
	if got.silent {
		limit = SilentTill
	}
	if tx.Now.Sub(c.FailingSince) < limit {
		return nil
	}
	sh, err := s.Shops.ByID(ctx, tx, c.Shop)
	if err != nil {
		return err
	}
	c.State, c.Reason, c.FailingSince = Failed, Lost, time.Time{}
	return s.release(ctx, tx, sh)
}
