package builder

import (
	"context"
	"slices"

	"github.com/a-h/templ"

	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Drawn is a block of the draft as its creator sees it when it is closed.
type Drawn struct {
	ID      id.Block
	Kind    Kind
	Label   string // of its kind, in the reader's language
	Name    string
	Body    templ.Component // nil: there is nothing to show yet
	Missing string          // what visitors would have to have first
}

// Drawn draws some blocks of the draft in the order of the window; those that were taken out are left out.
func (s *Service) Drawn(ctx context.Context, who storefronts.Who, ids []id.Block) (d Draft, out []Drawn, err error) {
	if d, err = s.Draft(ctx, who); err != nil {
		return d, nil, err
	}
	h := &Handler{Service: s}
	for _, b := range d.Blocks {
		if slices.Contains(ids, b.ID) {
			v := h.block(ctx, d, b)
			out = append(out, Drawn{b.ID, b.Kind, v.KindLabel, v.Name, v.Body, v.Missing})
		}
	}
	return d, out, nil
}
