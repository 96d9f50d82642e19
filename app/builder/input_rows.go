package builder

import (
	"context"
	"strconv"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
	views "vitrine/views/builder"
	"vitrine/views/text"
)

// socialRows are links to where else the creator is found.
type socialRows struct{ max int }

func (socialRows) names(ctx context.Context) (string, string) {
	return "socials", text.T(ctx, "Where else to find you")
}

func (r socialRows) read(form func(string) string, p *Props) {
	for i := 1; i <= r.max; i++ {
		n := strconv.Itoa(i)
		if s := (Social{form("label" + n), form("url" + n)}); s != (Social{}) {
			p.Socials = append(p.Socials, s)
		}
	}
}

func (r socialRows) check(f *errs.Form, in Props, out *Props) {
	for _, s := range in.Socials {
		s.Label = storefronts.Line(s.Label)
		s.URL = checkURL(f, "socials", s.URL)
		if s.URL == "" {
			continue
		}
		if s.Label == "" {
			s.Label = nameOfHost(s.URL)
		}
		atMost(f, "socials", s.Label, 30)
		out.Socials = append(out.Socials, s)
	}
	if len(out.Socials) > r.max {
		f.Add("socials", "There is room for %d links.", r.max)
	}
}

func (socialRows) hidden(p Props) (out [][2]string) {
	for i, s := range p.Socials {
		n := strconv.Itoa(i + 1)
		out = append(out, [2]string{"label" + n, s.Label}, [2]string{"url" + n, s.URL})
	}
	return out
}

func (socialRows) lines(_ Draft, p Props) (out []string) {
	for _, s := range p.Socials {
		out = append(out, s.Label+": "+s.URL)
	}
	return out
}

func (r socialRows) field(ctx context.Context, _ Draft, p Props) views.FieldProps {
	f := views.FieldProps{Name: "socials", Label: text.T(ctx, "Where else to find you")}
	for i := range r.max {
		n := strconv.Itoa(i + 1)
		row := views.RowProps{{Name: "url" + n, Label: text.T(ctx, "Address %d", i+1), Address: true}, {Name: "label" + n, Label: text.T(ctx, "Name %d", i+1), Max: 30}}
		if i < len(p.Socials) {
			row[0].Value, row[1].Value = p.Socials[i].URL, p.Socials[i].Label
		}
		f.Table = append(f.Table, row)
	}
	f.Open = min(len(p.Socials)+1, r.max)
	return f
}

// itemRows are headings with a text each.
type itemRows struct{ max int }

func (itemRows) names(ctx context.Context) (string, string) { return "items", text.T(ctx, "Questions") }

func (r itemRows) read(form func(string) string, p *Props) {
	for i := 1; i <= r.max; i++ {
		n := strconv.Itoa(i)
		if x := (Item{form("q" + n), form("a" + n)}); x != (Item{}) {
			p.Items = append(p.Items, x)
		}
	}
}

func (r itemRows) check(f *errs.Form, in Props, out *Props) {
	for _, x := range in.Items {
		x.Title, x.Text = storefronts.Line(x.Title), Lines(x.Text)
		if x == (Item{}) {
			continue
		}
		atMost(f, "items", x.Title, 150)
		atMost(f, "items", x.Text, 1000)
		out.Items = append(out.Items, x)
	}
	if len(out.Items) > r.max {
		f.Add("items", "There is room for %d questions.", r.max)
	}
}

func (itemRows) hidden(p Props) (out [][2]string) {
	for i, x := range p.Items {
		n := strconv.Itoa(i + 1)
		out = append(out, [2]string{"q" + n, x.Title}, [2]string{"a" + n, x.Text})
	}
	return out
}

func (itemRows) lines(_ Draft, p Props) (out []string) {
	for _, x := range p.Items {
		out = append(out, x.Title+" "+x.Text)
	}
	return out
}

func (r itemRows) field(ctx context.Context, _ Draft, p Props) views.FieldProps {
	f := views.FieldProps{Name: "items", Label: text.T(ctx, "Questions")}
	for i := range r.max {
		n := strconv.Itoa(i + 1)
		row := views.RowProps{{Name: "q" + n, Label: text.T(ctx, "Question %d", i+1), Max: 150}, {Name: "a" + n, Label: text.T(ctx, "Answer %d", i+1), Max: 1000, Rows: 3}}
		if i < len(p.Items) {
			row[0].Value, row[1].Value = p.Items[i].Title, p.Items[i].Text
		}
		f.Table = append(f.Table, row)
	}
	f.Open = min(len(p.Items)+1, r.max)
	return f
}

// pictureRows are images. They come through an upload of their own; the form holds their order and their words.
type pictureRows struct{ max int }

func (pictureRows) names(ctx context.Context) (string, string) {
	return "pictures", text.T(ctx, "Picture")
}

func (r pictureRows) read(form func(string) string, p *Props) {
	for i := 1; i <= r.max+1; i++ {
		n := strconv.Itoa(i)
		if file, err := id.Parse[id.FileKind](form("pic" + n)); err == nil {
			p.Pictures = append(p.Pictures, Picture{file, form("alt" + n), form("credit" + n), form("crediturl" + n)})
		}
	}
}

func (r pictureRows) check(f *errs.Form, in Props, out *Props) {
	have := map[id.File]bool{}
	for _, x := range in.Pictures {
		if x.File.IsZero() || have[x.File] {
			continue
		}
		have[x.File] = true
		x.Alt, x.Credit = storefronts.Line(x.Alt), storefronts.Line(x.Credit)
		x.CreditURL = checkURL(f, "pictures", x.CreditURL)
		atMost(f, "pictures", x.Alt, 250)
		atMost(f, "pictures", x.Credit, 80)
		out.Pictures = append(out.Pictures, x)
	}
	if len(out.Pictures) > r.max {
		f.Add("pictures", "There is room for %d pictures.", r.max)
	}
}

func (pictureRows) hidden(p Props) (out [][2]string) {
	for i, x := range p.Pictures {
		n := strconv.Itoa(i + 1)
		out = append(out, [2]string{"pic" + n, x.File.String()}, [2]string{"alt" + n, x.Alt}, [2]string{"credit" + n, x.Credit}, [2]string{"crediturl" + n, x.CreditURL})
	}
	return out
}

func (pictureRows) lines(_ Draft, p Props) (out []string) {
	for _, x := range p.Pictures {
		out = append(out, x.Alt)
	}
	return out
}

func (r pictureRows) field(ctx context.Context, d Draft, p Props) views.FieldProps {
	f := views.FieldProps{Name: "pictures", Label: text.N(ctx, r.max, "Picture", "Pictures"), Pictures: &views.PicturesProps{Max: r.max, Room: r.max - len(p.Pictures)}}
	if r.max == 1 {
		f.Pictures.Room = 1 // another takes its place
	}
	for i, x := range p.Pictures {
		f.Pictures.List = append(f.Pictures.List, d.picture(ctx, i, x))
	}
	return f
}

// picture is the i-th of a block, as it stands in its form.
func (d Draft) picture(ctx context.Context, i int, x Picture) views.PictureProps {
	out := views.PictureProps{N: i + 1, File: x.File.String(), Picture: pictureOf(d.Pictures[x.File]), Alt: x.Alt, Credit: x.Credit, CreditURL: x.CreditURL}
	out.Picture.Alt = x.Alt
	if reason := d.Refused[x.File]; reason != "" {
		out.Refused = text.T(ctx, reason)
	}
	return out
}
