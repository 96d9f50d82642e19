package builder

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/storefronts"
	"vitrine/views/blocks"
	views "vitrine/views/builder"
	"vitrine/views/text"
	"vitrine/views/ui"
)

type component = templ.Component

// themeURL is where the colours of a look can be had as a stylesheet; empty for our own themes.
func themeURL(l storefronts.Look) string {
	if l.Theme != "house" {
		return ""
	}
	return "/app/window/theme.css?c=" + url.QueryEscape(strings.TrimPrefix(l.BrandColor, "#"))
}

func clock(c echo.Context, t time.Time) string {
	return t.In(zone(c)).Format("15:04")
}

func (h *Handler) present(c echo.Context, d Draft, sc scene) views.WindowProps {
	ctx := c.Request().Context()
	p := views.WindowProps{Theme: d.Shop.Theme, ThemeCSS: themeURL(d.Shop.Look()), Look: lookClasses(d.Shop.Look()), Awning: d.Shop.HeaderStyle == "awning", Refused: sc.refused,
		State: views.StateProps{Changes: len(d.Changes), Published: d.Shop.Published, Seq: strconv.FormatInt(d.Shop.Seq, 10)}, History: h.bar(ctx, d), Elsewhere: h.elsewhere(d.Shop)}
	if sc.saved {
		p.State.Saved = clock(c, h.Service.DB.Now())
	}
	switch {
	case sc.stale != nil:
		p.State.Bad = text.T(ctx, "Not saved: changed elsewhere")
	case len(sc.errors) > 0:
		p.State.Bad = text.T(ctx, "Not saved yet")
	}
	for i, b := range d.Blocks {
		vb := h.block(ctx, d, b)
		vb.Place, vb.Of, vb.Hours = i+1, len(d.Blocks), h.hours(c, b.Hours)
		if b.ID == sc.open {
			h.opened(c, d, b, sc, &vb)
			p.Dock = views.DockProps{Open: vb.ID, Name: vb.Name, Hidden: b.Hidden, Fresh: id.New[id.BlockKind]().String()}
		}
		p.Blocks = append(p.Blocks, vb)
	}
	return p
}

// block is a closed block: what visitors will see, in a frame.
func (h *Handler) block(ctx context.Context, d Draft, b Block) views.BlockProps {
	c := &canvas{shop: Shown{Shop: d.Shop, URL: h.Service.Shops.URL(d.Shop)}, offers: d.Offers, onSale: d.OnSale, pictures: d.Pictures}
	p := c.draw(ctx, b.part())
	out := views.BlockProps{ID: b.ID.String(), Kind: string(b.Kind), KindLabel: text.T(ctx, string(b.Kind.Label())), Name: d.called(ctx, b.Kind, b.Props), Hidden: b.Hidden,
		Body: p.body, Missing: p.missing}
	switch {
	case p.header != nil:
		out.Body = blocks.Header(*p.header)
	case p.lots != nil:
		out.Body = blocks.Shelf(p.lots)
	case p.link != nil:
		out.Body = blocks.Links([]blocks.LinkProps{*p.link})
	}
	return out
}

// hours says when visitors see a block, if not always.
func (h *Handler) hours(c echo.Context, x Hours) string {
	ctx := c.Request().Context()
	switch {
	case x.From.IsZero() && x.Until.IsZero():
		return ""
	case x.Until.IsZero():
		return text.T(ctx, "Shown from %s", moment(c, x.From))
	case x.From.IsZero():
		return text.T(ctx, "Shown until %s", moment(c, x.Until))
	}
	return text.T(ctx, "Shown from %s until %s", moment(c, x.From), moment(c, x.Until))
}

// opened adds the form of the block that is being edited.
func (h *Handler) opened(c echo.Context, d Draft, b Block, sc scene, out *views.BlockProps) {
	out.Open, out.Focus = true, sc.focus
	p := b.Props
	f := views.FormProps{V: b.V, Errors: sc.errors}
	if sc.typed != nil {
		p, f.V = *sc.typed, sc.bv
	}
	for _, in := range kinds[b.Kind].asks {
		field := in.field(c.Request().Context(), d, p)
		if b.Kind == Header && field.Main {
			field.Placeholder = d.Shop.Name
		}
		f.Fields = append(f.Fields, field)
	}
	if s := sc.stale; s != nil {
		mine := d.lines(c.Request().Context(), b.Kind, s.Mine)
		out.Conflict = &views.ConflictProps{ID: out.ID, At: clock(c, s.At), Mine: mine, Theirs: d.lines(c.Request().Context(), b.Kind, s.Theirs.Props), MineText: strings.Join(mine, "\n"), Keep: fields(b.Kind, s.Mine)}
		f.V = s.Theirs.V
	}
	f.Cost = h.cost(c.Request().Context(), d, b.ID)
	out.Form = f
}

// options are the products on sale, the chosen one too if it is not.
func (d Draft) options(ctx context.Context, chosen id.Product) []ui.Option {
	out := []ui.Option{{Value: "", Label: text.T(ctx, "None yet"), Selected: chosen.IsZero()}}
	seen := false
	for _, o := range d.OnSale {
		seen = seen || o.ID == chosen
		out = append(out, ui.Option{Value: o.ID.String(), Label: o.Name + ", " + o.Price.Format(), Selected: o.ID == chosen})
	}
	if o, ok := d.Offers[chosen]; ok && !seen {
		out = append(out, ui.Option{Value: o.ID.String(), Label: text.T(ctx, "%s (not on sale)", o.Name), Selected: true})
	}
	return out
}

func kindProps(ctx context.Context, k Kind) views.KindProps {
	kd := kinds[k]
	return views.KindProps{Kind: string(k), Label: text.T(ctx, string(kd.label)), Note: text.T(ctx, string(kd.note)), Icon: kd.icon, Fresh: id.New[id.BlockKind]().String()}
}

// sentence is s in the reader's language.
func sentence(ctx context.Context, s Sentence) string {
	args := make([]any, len(s.Args))
	for i, a := range s.Args {
		if w, ok := a.(Word); ok {
			a = text.T(ctx, string(w))
		}
		args[i] = a
	}
	return text.T(ctx, s.Text, args...)
}

// lines are what props say, for comparing two of them.
func (d Draft) lines(ctx context.Context, k Kind, p Props) []string {
	var out []string
	for _, in := range kinds[k].asks {
		out = append(out, in.lines(d, p)...)
	}
	if out == nil {
		out = append(out, text.T(ctx, "Empty"))
	}
	return out
}

// fields are props as a form would send them.
func fields(k Kind, p Props) (out [][2]string) {
	for _, in := range kinds[k].asks {
		out = append(out, in.hidden(p)...)
	}
	return out
}
