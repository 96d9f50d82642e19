package builder

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
	views "vitrine/views/builder"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// input is one thing that a kind asks for. From it follow the field of the form, how the form is read, what is
// allowed, and how two texts are compared.
type input interface {
	names(ctx context.Context) (name, label string) // of the field to which messages belong
	read(form func(name string) string, p *Props)
	check(f *errs.Form, in Props, out *Props)
	field(ctx context.Context, d Draft, p Props) views.FieldProps
	hidden(p Props) [][2]string
	lines(d Draft, p Props) []string
}

// words is a text: of one line, or of several when rows is not 0.
type words struct {
	name        string
	label       Word
	placeholder Word
	max, rows   int
	main        bool // it names the block and is written as large as it will stand
	at          func(*Props) *string
}

func (w words) names(ctx context.Context) (string, string) {
	return w.name, text.T(ctx, string(w.label))
}
func (w words) read(form func(string) string, p *Props) { *w.at(p) = form(w.name) }
func (w words) hidden(p Props) [][2]string              { return [][2]string{{w.name, *w.at(&p)}} }
func (w words) lines(_ Draft, p Props) []string         { return some(*w.at(&p)) }

func (w words) check(f *errs.Form, in Props, out *Props) {
	s := storefronts.Line(*w.at(&in))
	if w.rows > 2 {
		s = Lines(*w.at(&in))
	}
	atMost(f, w.name, s, w.max)
	*w.at(out) = s
}

func (w words) field(ctx context.Context, d Draft, p Props) views.FieldProps {
	f := views.FieldProps{Name: w.name, Label: text.T(ctx, string(w.label)), Value: *w.at(&p), Max: w.max, Rows: w.rows, Main: w.main}
	if w.placeholder != "" {
		f.Placeholder = text.T(ctx, string(w.placeholder))
	}
	return f
}

func atMost(f *errs.Form, name, s string, most int) {
	if utf8.RuneCountInString(s) > most {
		f.Add(name, "Please use at most %d characters.", most)
	}
}

// some is a list of s, or of nothing.
func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// address is where something leads; fit says which addresses will do, beyond those that CheckLink takes.
type address struct {
	label Word
	hint  Word
	fit   func(url string) error
}

func (a address) names(ctx context.Context) (string, string) {
	return "url", text.T(ctx, string(a.label))
}
func (address) read(form func(string) string, p *Props) { p.URL = form("url") }
func (address) hidden(p Props) [][2]string              { return [][2]string{{"url", p.URL}} }
func (address) lines(_ Draft, p Props) []string         { return some(p.URL) }

func (a address) check(f *errs.Form, in Props, out *Props) {
	out.URL = checkURL(f, "url", in.URL)
	if f.Err() == nil && a.fit != nil && out.URL != "" {
		fault(f, "url", a.fit(out.URL))
	}
}

func (a address) field(ctx context.Context, d Draft, p Props) views.FieldProps {
	f := views.FieldProps{Name: "url", Label: text.T(ctx, string(a.label)), Value: p.URL, Placeholder: "https://", Address: true}
	if a.hint != "" {
		f.Hint = text.T(ctx, string(a.hint))
	}
	return f
}

func checkURL(f *errs.Form, field, raw string) string {
	if strings.TrimSpace(raw) == "" {
		return ""
	}
	u, err := CheckLink(raw)
	if err != nil {
		fault(f, field, err)
		return strings.TrimSpace(raw)
	}
	return u
}

func fault(f *errs.Form, field string, err error) {
	if err != nil {
		msg, args := errs.Public(err)
		f.Add(field, msg, args...)
	}
}

// choice is one of a few; the first is what is taken otherwise.
type choice struct {
	name  string
	label Word
	of    [][2]Word // value, label
	at    func(*Props) *string
}

func (c choice) names(ctx context.Context) (string, string) {
	return c.name, text.T(ctx, string(c.label))
}
func (c choice) read(form func(string) string, p *Props) { *c.at(p) = form(c.name) }
func (c choice) hidden(p Props) [][2]string              { return [][2]string{{c.name, *c.at(&p)}} }
func (c choice) lines(_ Draft, p Props) []string         { return some(*c.at(&p)) }

func (c choice) check(f *errs.Form, in Props, out *Props) {
	v := *c.at(&in)
	if !slices.ContainsFunc(c.of, func(o [2]Word) bool { return string(o[0]) == v }) {
		v = string(c.of[0][0])
	}
	*c.at(out) = v
}

func (c choice) field(ctx context.Context, d Draft, p Props) views.FieldProps {
	f := views.FieldProps{Name: c.name, Label: text.T(ctx, string(c.label))}
	for _, o := range c.of {
		f.Options = append(f.Options, ui.Option{Value: string(o[0]), Label: text.T(ctx, string(o[1])), Selected: string(o[0]) == *c.at(&p)})
	}
	return f
}

// oneProduct is a product of the shop.
type oneProduct struct{}

func (oneProduct) names(ctx context.Context) (string, string) {
	return "product", text.T(ctx, "Product")
}
func (oneProduct) read(form func(string) string, p *Props)  { p.Product = productID(form("product")) }
func (oneProduct) check(_ *errs.Form, in Props, out *Props) { out.Product = in.Product }
func (oneProduct) lines(d Draft, p Props) []string          { return some(d.Offers[p.Product].Name) }

func (oneProduct) hidden(p Props) [][2]string {
	if p.Product.IsZero() {
		return nil
	}
	return [][2]string{{"product", p.Product.String()}}
}

func (oneProduct) field(ctx context.Context, d Draft, p Props) views.FieldProps {
	f := views.FieldProps{Name: "product", Label: text.T(ctx, "Product"), Options: d.options(ctx, p.Product), Products: true}
	if _, ok := d.Offers[p.Product]; ok {
		f.Edit = "/app/products/" + p.Product.String()
	}
	return f
}

// productID reads an id; what is none is no product of anyone's, and refused as such.
func productID(raw string) id.Product {
	if raw == "" {
		return id.Product{}
	}
	p, err := id.Parse[id.ProductKind](raw)
	if err != nil {
		return id.New[id.ProductKind]()
	}
	return p
}

// manyProducts are products of the shop; none chosen means all that are on sale.
type manyProducts struct{ max int }

func (manyProducts) names(ctx context.Context) (string, string) {
	return "products", text.T(ctx, "Products")
}

func (m manyProducts) read(form func(string) string, p *Props) {
	for i := range m.max {
		if raw := form("product" + strconv.Itoa(i+1)); raw != "" {
			p.Products = append(p.Products, productID(raw))
		}
	}
}

func (m manyProducts) check(f *errs.Form, in Props, out *Props) {
	for _, p := range in.Products {
		if !slices.Contains(out.Products, p) {
			out.Products = append(out.Products, p)
		}
	}
	if len(out.Products) > m.max {
		f.Add("products", "Please choose at most %d.", m.max)
	}
}

func (manyProducts) hidden(p Props) (out [][2]string) {
	for i, x := range p.Products {
		out = append(out, [2]string{"product" + strconv.Itoa(i+1), x.String()})
	}
	return out
}

func (manyProducts) lines(d Draft, p Props) (out []string) {
	for _, x := range p.Products {
		out = append(out, some(d.Offers[x].Name)...)
	}
	return out
}

func (m manyProducts) field(ctx context.Context, d Draft, p Props) views.FieldProps {
	f := views.FieldProps{Name: "products", Label: text.T(ctx, "Which products"), Hint: text.T(ctx, "Choose none to show all that are on sale, the new ones too."), Products: true}
	for _, o := range d.OnSale {
		f.Checks = append(f.Checks, ui.Option{Value: o.ID.String(), Label: o.Name + ", " + o.Price.Format(), Selected: slices.Contains(p.Products, o.ID)})
	}
	for _, x := range p.Products {
		if o, ok := d.Offers[x]; ok && !o.Active {
			f.Checks = append(f.Checks, ui.Option{Value: x.String(), Label: text.T(ctx, "%s (not on sale)", o.Name), Selected: true})
		}
	}
	f.Checks = f.Checks[:min(len(f.Checks), m.max)]
	return f
}
