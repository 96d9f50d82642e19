package importer

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Person is somebody whom a shop may write to, and how it came by their address.
type Person struct {
	Email   string `db:"email"`
	Name    string `db:"name"`
	Consent string `db:"consent"`
	Since   string `db:"since"` // a day, 2026-11-23; empty when it is not known
}

// Audience is all of them, by address.
func (s *Service) Audience(ctx context.Context, q db.Q, who storefronts.Who) (out []Person, err error) {
	err = q.Select(ctx, &out, `
		SELECT email::text AS email, name, consent, COALESCE(to_char(since, 'YYYY-MM-DD'), '') AS since FROM audience_members
		WHERE shop_id = $1 AND creator_id = $2 ORDER BY email`, who.Shop, who.User)
	return out, err
}

// Welcome adds people who are not there yet, and reports how many those were.
func (s *Service) Welcome(ctx context.Context, tx *db.Tx, who storefronts.Who, all []Person) (int, error) {
	in := make([]person, len(all))
	for i, p := range all {
		in[i] = person{email: p.Email, name: p.Name, consent: p.Consent, since: p.Since}
	}
	added, err := addPeople(ctx, tx, who, id.Import{}, in)
	return len(added), err
}
