package storefronts

import (
	"context"
	"slices"
	"strings"

	"vitrine/app/db"
	"vitrine/app/errs"
)

// What a shop can be dressed in. The first of each is what a shop wears that has not chosen.
var (
	Themes      = []string{"daylight", "afterhours", "house"}
	Headers     = []string{"awning", "plain", "board", "plate", "centred"}
	Letterings  = []string{"sign", "sans", "serif", "slab", "rounded", "mono"}
	Spacings    = []string{"normal", "airy", "tight"}
	Backgrounds = []string{"plain", "tint", "stripes", "dots", "squares", "paper"}
)

// MaxCSS is how many bytes a stylesheet of a shop's own may have.
const MaxCSS = 20_000

// Look is how a shop is dressed. Versions from before there was lettering lack the fields below it: Whole fills them.
type Look struct {
	Theme       string `json:"theme"`
	BrandColor  string `json:"brand_color"`
	HeaderStyle string `json:"header_style"`
	Lettering   string `json:"lettering,omitempty"`
	Spacing     string `json:"spacing,omitempty"`
	Background  string `json:"background,omitempty"`
	CSS         string `json:"css,omitempty"` // as its creator wrote it; what is shown is printed from it by package stylesheet
}

// Look is the draft's.
func (s Shop) Look() Look {
	return Look{s.Theme, s.BrandColor, s.HeaderStyle, s.Lettering, s.Spacing, s.Background, s.CSS}
}

// Whole is the look with what an older version does not say.
func (l Look) Whole() Look {
	for p, known := range map[*string][]string{&l.Lettering: Letterings, &l.Spacing: Spacings, &l.Background: Backgrounds} {
		if *p == "" {
			*p = known[0]
		}
	}
	return l
}

// Check returns the look as it is kept. The error is an errs.Form.
func (l Look) Check() (Look, error) {
	l = l.Whole()
	l.BrandColor = cleanColor(l.BrandColor)
	l.CSS = cleanText(l.CSS)
	var f errs.Form
	if !slices.Contains(Themes, l.Theme) {
		f.Add("theme", "Choose one of the three themes.")
	}
	if l.BrandColor == "" {
		f.Add("color", "Write the colour as # and six digits, like #2637c4.")
	}
	for _, x := range []struct {
		field, value string
		known        []string
	}{{"header", l.HeaderStyle, Headers}, {"lettering", l.Lettering, Letterings}, {"spacing", l.Spacing, Spacings}, {"background", l.Background, Backgrounds}} {
		if !slices.Contains(x.known, x.value) {
			f.Add(x.field, "Choose one from the list.")
		}
	}
	if len(l.CSS) > MaxCSS {
		f.Add("css", "Please use at most %d characters.", MaxCSS)
	}
	return l, f.Err()
}

// cleanText keeps lines and tabs, and drops what a database or an editor cannot hold.
func cleanText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfeff {
			return -1
		}
		return r
	}, s))
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

func updateLook(ctx context.Context, tx *db.Tx, who Who, l Look) error {
	_, err := tx.Exec(ctx, `
		UPDATE shops SET theme = $3, brand_color = $4, header_style = $5, lettering = $6, spacing = $7, background = $8, custom_css = $9
		WHERE id = $1 AND creator_id = $2`,
		who.Shop, who.User, l.Theme, l.BrandColor, l.HeaderStyle, l.Lettering, l.Spacing, l.Background, l.CSS)
	return err
}

// OwnStyles is how many shops have CSS of their own.
func (s *Service) OwnStyles(ctx context.Context) (int, error) {
	var n int
	err := s.DB.Get(ctx, &n, `SELECT count(*) FROM shops WHERE custom_css <> ''`)
	return n, err
}
