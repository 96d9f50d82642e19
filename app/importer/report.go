package importer

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/importer/source"
)

// Outcome of one record.
type Outcome string

const (
	Imported Outcome = "imported" // as it was
	Altered  Outcome = "changed"  // and the notes say how
	Left     Outcome = "left out" // and the note says why
)

// Line is what became of one record.
type Line struct {
	Row     int           `json:"row,omitempty"`
	Kind    source.Kind   `json:"kind"`
	What    string        `json:"what,omitempty"` // empty for people, who are known by their row
	Outcome Outcome       `json:"outcome"`
	Notes   []source.Note `json:"notes,omitempty"`
}

// what a record is called in a report. People are not named there: it is kept.
func what(r source.Record) string {
	if r.Kind == source.Person {
		return ""
	}
	for _, s := range []string{r.Title, r.Text, r.URL, r.Alt, r.Image} {
		if s != "" {
			return short(s, 120)
		}
	}
	return ""
}

// Tally counts the outcomes; together they are all lines.
func Tally(lines []Line) map[Outcome]int {
	out := map[Outcome]int{}
	for _, l := range lines {
		out[l.Outcome]++
	}
	return out
}

// fetch brings one picture into the bucket. What cannot be had is noted, and its block goes without.
func (s *Service) fetch(ctx context.Context, t Fetch) error {
	p, err := findPicture(ctx, s.DB, t.File)
	if db.None(err) {
		return nil
	}
	if err != nil || p.State != "waiting" {
		return err
	}
	sum, err := fetchedBytes(ctx, s.DB, p.Import)
	if err != nil {
		return err
	}
	if sum > MaxFetched {
		return s.giveUp(ctx, p, errs.New(errs.TooLarge, "Together the pictures are too large."))
	}
	body, err := s.Web.Picture(ctx, p.URL, MaxPicture)
	if err == nil {
		err = s.Pictures.Fill(ctx, p.Creator, t.File, body)
	}
	if err != nil && errs.Is(err, errs.Internal) {
		return err
	}
	if err != nil {
		return s.giveUp(ctx, p, err)
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return setPicture(ctx, tx, t.File, "fetched", "", len(body)) })
}

func (s *Service) giveUp(ctx context.Context, p pictureRow, why error) error {
	if err := s.Pictures.Abort(ctx, p.Creator, p.File); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return setPicture(ctx, tx, p.File, "failed", errs.Message(why), 0) })
}

// Fetched is how far the pictures of an import are.
type Fetched struct {
	All, Waiting int
	Failed       []Lost
}

// Lost is a picture that could not be had.
type Lost struct{ URL, Why string }

// Fetched counts the pictures of an import that the creator may see.
func (s *Service) Fetched(ctx context.Context, n id.Import) (Fetched, error) {
	rows, err := listPictures(ctx, s.DB, n)
	out := Fetched{All: len(rows)}
	for _, r := range rows {
		switch r.State {
		case "waiting":
			out.Waiting++
		case "failed":
			out.Failed = append(out.Failed, Lost{r.URL, r.Failure})
		}
	}
	return out, err
}
