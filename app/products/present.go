package products

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/web"
	"vitrine/views/products"
	"vitrine/views/text"
	"vitrine/views/ui"
)

func presentList(c echo.Context, ps []Product, archived, more bool) products.ListProps {
	ctx := c.Request().Context()
	l := products.ListProps{Archived: archived}
	for _, p := range ps {
		l.Items = append(l.Items, products.Item{
			ID: p.ID.String(), Name: p.Name, Price: priceTag(ctx, p), Picture: Draw(p.Cover), Pill: pill(ctx, p), Note: note(ctx, p),
		})
	}
	if more {
		l.More = "/app/products?before=" + ps[len(ps)-1].ID.String()
		if archived {
			l.More += "&archived=1"
		}
	}
	return l
}

func pill(ctx context.Context, p Product) ui.Pill {
	switch {
	case p.Archived:
		return ui.Pill{Label: text.T(ctx, "Archived")}
	case !p.Active:
		return ui.Pill{Label: text.T(ctx, "Draft")}
	case p.Left == 0:
		return ui.Pill{Label: text.T(ctx, "Sold out"), Tone: "bad"}
	}
	return ui.Pill{Label: text.T(ctx, "On sale"), Tone: "good"}
}

func note(ctx context.Context, p Product) string {
	parts := []string{text.T(ctx, "No file yet")}
	if n := len(p.Files); n > 0 {
		parts[0] = text.N(ctx, n, "%d file", "%d files")
	}
	for _, f := range p.Files {
		if f.Status == files.Refused {
			parts = append(parts, text.T(ctx, "one was refused"))
			break
		}
	}
	if p.Left > 0 {
		parts = append(parts, text.T(ctx, "%d left", p.Left))
	}
	return strings.Join(parts, " · ")
}

// inputOf is the form of a product as it is.
func inputOf(p Product) Input {
	in := Input{
		Name: p.Name, Slug: p.Slug, Summary: p.Summary, Description: p.Description, Price: plainPrice(p.Price), CoverAlt: p.CoverAlt, Active: p.Active,
		Limited: p.Left != Unlimited,
	}
	if in.Limited {
		in.Left = strconv.Itoa(p.Left)
		in.LeftWas = in.Left
	}
	if !p.CoverID.IsZero() {
		in.Cover = p.CoverID.String()
	}
	for _, f := range p.Files {
		in.Files = append(in.Files, f.ID.String())
	}
	return in
}

// plainPrice is how a person would type it: "19", "19.90".
func plainPrice(a money.Amount) string {
	d := a.Decimal()
	if whole, cents, ok := strings.Cut(d, "."); ok && strings.Trim(cents, "0") == "" {
		return whole
	}
	return d
}

// present is the form: p as it is saved, in as it was typed, err as it was answered.
func (h *Handler) present(c echo.Context, p Product, in Input, err error) (products.FormProps, error) {
	ctx, who := c.Request().Context(), web.Who(c)
	cur := p.Price.Currency
	if cur == "" {
		cur = money.Currency(who.Currency)
	}
	v := products.FormProps{
		Title: p.Name, Name: in.Name, Slug: in.Slug, SlugPrefix: "/@" + who.ShopSlug + "/p/", Summary: in.Summary, Description: in.Description,
		Price: in.Price, Symbol: strings.TrimSpace(cur.Symbol()), Limited: in.Limited, Left: in.Left, LeftWas: in.LeftWas,
		Active: p.Active, Archived: p.Archived, Errors: web.FieldMessages(c, err), Version: strconv.Itoa(p.Version),
	}
	if !p.ID.IsZero() {
		v.ID = p.ID.String()
	} else {
		v.Title = text.T(ctx, "New product")
	}
	if p.Active {
		v.PublicURL = h.ShopURL + "/@" + who.ShopSlug + "/p/" + p.Slug
	}
	if v.Errors["left"] != "" { // the number that the message names is the one to start from now
		v.LeftWas = ""
		if p.Left != Unlimited {
			v.LeftWas = strconv.Itoa(p.Left)
		}
	}
	var qerr error
	if v.Quote, qerr = h.presentQuote(c, cur, in.Price); qerr != nil {
		return v, qerr
	}
	if ferr := h.presentFiles(ctx, who.ID, in, &v); ferr != nil {
		return v, ferr
	}
	if theirs, ok := IsStale(err); ok {
		v.Conflict = conflictOf(c, theirs, in)
	} else if err != nil && len(v.Errors) == 0 {
		v.Refused = web.Sentence(c, err)
	}
	return v, nil
}

func (h *Handler) presentQuote(c echo.Context, cur money.Currency, price string) (products.QuoteProps, error) {
	ctx := c.Request().Context()
	if strings.TrimSpace(price) == "" {
		return products.QuoteProps{Sentence: text.T(ctx, "Here you see what you get of it."), Bad: true}, nil
	}
	q, err := h.Service.Quote(ctx, cur, price)
	if errs.Is(err, errs.Invalid) {
		return products.QuoteProps{Sentence: web.Sentence(c, err), Bad: true}, nil
	}
	if err != nil {
		return products.QuoteProps{}, err
	}
	if q.Price.IsZero() {
		return products.QuoteProps{Sentence: text.T(ctx, "Free for buyers, and for you.")}, nil
	}
	return products.QuoteProps{Sentence: text.T(ctx, "You get %s of %s (our fee %s).", q.Net.Format(), q.Price.Format(), q.Fee.Format())}, nil
}

// presentFiles looks up what the form names. Files of others are not shown, whatever the form says.
func (h *Handler) presentFiles(ctx context.Context, who id.User, in Input, v *products.FormProps) error {
	var ids []id.File
	for _, s := range append([]string{in.Cover}, in.Files...) {
		if f, err := id.Parse[id.FileKind](s); err == nil && len(ids) <= MaxFiles {
			ids = append(ids, f)
		}
	}
	fs, err := h.Service.Files.ByIDs(ctx, h.Service.DB, ids)
	if err != nil {
		return err
	}
	v.Cover.Alt = in.CoverAlt
	seen := map[id.File]bool{}
	for _, f := range fs {
		switch {
		case f.Creator != who || seen[f.ID]:
		case f.ID.String() == in.Cover && f.Purpose == files.ForImage:
			if v.Cover, err = h.presentCover(ctx, f, in.CoverAlt); err != nil {
				return err
			}
		case f.Purpose == files.ForProduct:
			v.Files = append(v.Files, fileRowOf(ctx, f))
		}
		seen[f.ID] = true
	}
	return nil
}

func (h *Handler) presentCover(ctx context.Context, f files.File, alt string) (products.CoverProps, error) {
	c := products.CoverProps{ID: f.ID.String(), Alt: alt, Status: string(f.Status)}
	switch f.Status {
	case files.Ready:
		pics, err := h.Service.Files.Pictures(ctx, h.Service.DB, []id.File{f.ID})
		if err != nil {
			return c, err
		}
		c.Picture = Draw(pics[f.ID])
		c.Picture.Alt = alt
	case files.Refused:
		c.Sentence = text.T(ctx, f.Reason)
	case files.Checking:
		c.Sentence = text.T(ctx, "Making its sizes. It shows in a moment.")
	default:
		c.Sentence = text.T(ctx, "The upload is not finished. Choose the same picture again to go on.")
	}
	return c, nil
}

func fileRowOf(ctx context.Context, f files.File) products.FileRow {
	r := products.FileRow{ID: f.ID.String(), Name: f.Name, Size: Size(f.Size), Status: string(f.Status)}
	switch f.Status {
	case files.Ready:
		r.Pill = ui.Pill{Label: text.T(ctx, "Ready"), Tone: "good"}
	case files.Refused:
		r.Pill, r.Reason = ui.Pill{Label: text.T(ctx, "Refused"), Tone: "bad"}, text.T(ctx, f.Reason)
	case files.Checking:
		r.Pill = ui.Pill{Label: text.T(ctx, "Checking")}
	default:
		r.Pill, r.Reason = ui.Pill{Label: text.T(ctx, "Not finished")}, text.T(ctx, "Choose the same file again to go on.")
	}
	return r
}

// conflictOf lists the fields in which the saved product differs from what was typed.
func conflictOf(c echo.Context, theirs Product, mine Input) *products.ConflictProps {
	ctx := c.Request().Context()
	t := inputOf(theirs)
	cp := &products.ConflictProps{At: theirs.UpdatedAt.In(zone(web.Who(c).TimeZone)).Format("15:04")}
	add := func(field, label, a, b string) {
		if strings.TrimSpace(a) != strings.TrimSpace(b) {
			cp.Fields = append(cp.Fields, products.Theirs{Field: field, Label: label, Text: b})
		}
	}
	add("name", text.T(ctx, "Name"), mine.Name, t.Name)
	if typed, err := money.Parse(mine.Price, theirs.Price.Currency); err != nil || typed != theirs.Price {
		add("price", text.T(ctx, "Price"), mine.Price, t.Price)
	}
	add("summary", text.T(ctx, "One line about it"), mine.Summary, t.Summary)
	add("description", text.T(ctx, "Description"), mine.Description, t.Description)
	add("slug", text.T(ctx, "Address"), mine.Slug, t.Slug)
	add("cover_alt", text.T(ctx, "What the picture shows"), mine.CoverAlt, t.CoverAlt)
	var names []string
	for _, f := range theirs.Files {
		names = append(names, f.Name)
	}
	if strings.Join(mine.Files, " ") != strings.Join(t.Files, " ") {
		add("files", text.T(ctx, "Files that buyers get"), "", strings.Join(names, "\n"))
	}
	if mine.Cover != t.Cover {
		add("cover", text.T(ctx, "Picture"), "", theirs.CoverFile.Name)
	}
	return cp
}

func zone(name string) *time.Location {
	if l, err := time.LoadLocation(name); err == nil {
		return l
	}
	return time.UTC
}
