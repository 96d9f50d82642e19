package storefronts

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/errs"
)

// Look is how a shop is dressed.
type Look struct {
	Theme       string `json:"theme"` // daylight, afterhours, house
	BrandColor  string `json:"brand_color"`
	HeaderStyle string `json:"header_style"` // awning, plain
}

// Look is the draft's.
func (s Shop) Look() Look { return Look{s.Theme, s.BrandColor, s.HeaderStyle} }

// Check returns the look as it is kept. The error is an errs.Form.
func (l Look) Check() (Look, error) {
	l.BrandColor = cleanColor(l.BrandColor)
	var f errs.Form
	if l.Theme != "daylight" && l.Theme != "afterhours" && l.Theme != "house" {
		f.Add("theme", "Choose one of the three themes.")
	}
	if l.BrandColor == "" {
		f.Add("color", "Write the colour as # and six digits, like #2637c4.")
	}
	if l.HeaderStyle != "awning" && l.HeaderStyle != "plain" {
		f.Add("header", "Choose awning or plain.")
	}
	return l, f.Err()
}

// ApplyLook dresses the draft. The caller holds the shop's lock and counts the draft up.
func (s *Service) ApplyLook(ctx context.Context, tx *db.Tx, who Who, l Look) error {
	l, err := l.Check()
	if err != nil {
		return err
	}
	return updateLook(ctx, tx, who, l)
}

// SetLook dresses the draft.
func (s *Service) SetLook(ctx context.Context, who Who, l Look) (Shop, error) {
	l, err := l.Check()
	if err != nil {
		return Shop{}, err
	}
	var out Shop
	err = s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		if out, err = lock(ctx, tx, who); err != nil || out.Look() == l {
			return err
		}
		if err = updateLook(ctx, tx, who, l); err != nil {
			return err
		}
		out, err = touch(ctx, tx, who)
		return err
	})
	return out, err
}
