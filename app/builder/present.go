package builder

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/storefronts"
	"vitrine/app/web"
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
	zone, err := time.LoadLocation(web.Who(c).TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("15:04")
}

func (h *Handler) present(c echo.Context, d Draft, sc scene) views.WindowProps {
	ctx := c.Request().Context()
	p := views.WindowProps{Theme: d.Shop.Theme, ThemeCSS: themeURL(d.Shop.Look()), Awning: d.Shop.HeaderStyle == "awning", Refused: sc.refused,
		State: views.StateProps{Changes: len(d.Changes), Published: d.Shop.Published}}
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
		vb.Place, vb.Of = i+1, len(d.Blocks)
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
	part := Part{b.ID, b.Kind, b.Props}
	sh := Shown{Shop: d.Shop, URL: h.Service.Shops.URL(d.Shop)}
	out := views.BlockProps{ID: b.ID.String(), Kind: string(b.Kind), KindLabel: kindLabel(ctx, b.Kind), Name: d.nameOf(ctx, b), Hidden: b.Hidden}
	switch b.Kind {
	case Header:
		hp := headerProps(part, sh)
		hp.Second = true
		out.Header = &hp
	case Product:
		o, ok := d.Offers[b.Props.Product]
		if ok {
			l := lotOf(ctx, b.Props, o)
			l.ID = anchor(b.ID)
			out.Lot = &l
		}
		switch {
		case b.Props.Product.IsZero():
			out.Missing = text.T(ctx, "Choose a product")
		case !ok:
			out.Missing = text.T(ctx, "This product is gone")
		case !o.Active:
			out.Missing = text.T(ctx, "Not on sale, so not shown")
		}
	case Link:
		if b.Props.Title != "" || b.Props.URL != "" {
			title := b.Props.Title
			if title == "" {
				title = b.Props.URL
			}
			out.Link = &blocks.LinkProps{ID: anchor(b.ID), Title: title, Note: b.Props.Note, Href: b.Props.URL}
		}
		if !b.Props.Complete(Link) {
			out.Missing = text.T(ctx, "Needs a name and an address")
		}
	case Contact:
		cp := ContactForm(ctx, b.Props)
		out.Contact = &cp
	}
	return out
}

// opened adds the form of the block that is being edited.
func (h *Handler) opened(c echo.Context, d Draft, b Block, sc scene, out *views.BlockProps) {
	out.Open, out.Focus = true, sc.focus
	p := b.Props
	f := views.FormProps{V: b.V, ShopName: d.Shop.Name, Errors: sc.errors}
	if sc.typed != nil {
		p, f.V = *sc.typed, sc.bv
	}
	f.Title, f.Text, f.Status, f.Note, f.URL, f.Button = p.Title, p.Text, p.Status, p.Note, p.URL, p.Button
	for i := range MaxSocials {
		l := views.FormLink{}
		if i < len(p.Socials) {
			l = views.FormLink{Label: p.Socials[i].Label, URL: p.Socials[i].URL}
		}
		f.Links = append(f.Links, l)
	}
	if b.Kind == Product {
		f.Products = d.options(c.Request().Context(), p.Product)
		if _, ok := d.Offers[b.Props.Product]; ok {
			f.ProductURL = "/app/products/" + b.Props.Product.String()
		}
	}
	if s := sc.stale; s != nil {
		mine := d.lines(c.Request().Context(), b.Kind, s.Mine)
		out.Conflict = &views.ConflictProps{ID: out.ID, At: clock(c, s.At), Mine: mine, Theirs: d.lines(c.Request().Context(), b.Kind, s.Theirs.Props), MineText: strings.Join(mine, "\n"), Keep: fields(s.Mine)}
		f.V = s.Theirs.V
	}
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

func kindLabel(ctx context.Context, k Kind) string {
	switch k {
	case Header:
		return text.T(ctx, "Header")
	case Product:
		return text.T(ctx, "Product")
	case Link:
		return text.T(ctx, "Link")
	}
	return text.T(ctx, "Contact form")
}

func kindProps(ctx context.Context, k Kind) views.KindProps {
	p := views.KindProps{Kind: string(k), Label: kindLabel(ctx, k), Fresh: id.New[id.BlockKind]().String()}
	switch k {
	case Header:
		p.Icon, p.Note = "window", text.T(ctx, "Who you are")
	case Product:
		p.Icon, p.Note = "tag", text.T(ctx, "What you sell")
	case Link:
		p.Icon, p.Note = "link", text.T(ctx, "Somewhere else")
	case Contact:
		p.Icon, p.Note = "mail", text.T(ctx, "A form that writes to you")
	}
	return p
}

// nameOf is what a block is called in sentences.
func (d Draft) nameOf(ctx context.Context, b Block) string {
	name := b.Props.Title
	if b.Kind == Product {
		name = d.Offers[b.Props.Product].Name
	}
	if b.Kind == Header || name == "" {
		return kindLabel(ctx, b.Kind)
	}
	return name
}

// lines are what props say, for comparing two of them.
func (d Draft) lines(ctx context.Context, k Kind, p Props) []string {
	var out []string
	for _, s := range []string{d.Offers[p.Product].Name, p.Title, p.Text, p.Status, p.URL, p.Note, p.Button} {
		if s != "" {
			out = append(out, s)
		}
	}
	for _, s := range p.Socials {
		out = append(out, s.Label+": "+s.URL)
	}
	if out == nil {
		out = append(out, text.T(ctx, "Empty"))
	}
	return out
}

// fields are props as a form would send them.
func fields(p Props) [][2]string {
	out := [][2]string{{"title", p.Title}, {"text", p.Text}, {"status", p.Status}, {"note", p.Note}, {"url", p.URL}, {"button", p.Button}}
	if !p.Product.IsZero() {
		out = append(out, [2]string{"product", p.Product.String()})
	}
	for i, s := range p.Socials {
		n := string(rune('1' + i))
		out = append(out, [2]string{"label" + n, s.Label}, [2]string{"url" + n, s.URL})
	}
	return out
}
