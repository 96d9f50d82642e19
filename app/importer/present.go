package importer

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/importer/source"
	"vitrine/app/web"
	views "vitrine/views/importer"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// names of kinds: one, many, and as a heading.
var names = map[source.Kind][3]string{
	source.Name: {"%d name", "%d names", "Name"}, source.Bio: {"%d description", "%d descriptions", "Description"}, source.Avatar: {"%d photo", "%d photos", "Photo"},
	source.Social: {"%d account elsewhere", "%d accounts elsewhere", "Accounts elsewhere"}, source.Product: {"%d product", "%d products", "Products"}, source.Variant: {"%d variant", "%d variants", "Variants"},
	source.Link: {"%d link", "%d links", "Links"}, source.Heading: {"%d heading", "%d headings", "Headings"}, source.Text: {"%d text", "%d texts", "Texts"}, source.Quote: {"%d quote", "%d quotes", "Quotes"},
	source.Question: {"%d question", "%d questions", "Questions"}, source.Picture: {"%d picture", "%d pictures", "Pictures"}, source.Video: {"%d video", "%d videos", "Videos"},
	source.Embed: {"%d embed", "%d embeds", "Embeds"}, source.Person: {"%d person", "%d people", "People"}, source.Form: {"%d form", "%d forms", "Forms"}, source.Other: {"%d other thing", "%d other things", "Other things"},
}

func say(ctx context.Context, n source.Note) string {
	args := make([]any, len(n.Args))
	for i, a := range n.Args {
		args[i] = a
	}
	return text.T(ctx, n.Text, args...)
}

func sayAll(ctx context.Context, ns []source.Note) (out []string) {
	for _, n := range ns {
		out = append(out, say(ctx, n))
	}
	return out
}

func pill(ctx context.Context, s State) ui.Pill {
	switch s {
	case Reading:
		return ui.Pill{Label: text.T(ctx, "Reading"), Tone: "lamp"}
	case Failed:
		return ui.Pill{Label: text.T(ctx, "Not read"), Tone: "bad"}
	case Found:
		return ui.Pill{Label: text.T(ctx, "To choose from"), Tone: "lamp"}
	}
	return ui.Pill{Label: text.T(ctx, "Brought"), Tone: "good"}
}

func day(c echo.Context, t time.Time) string {
	z, err := time.LoadLocation(web.Who(c).TimeZone)
	if err != nil {
		z = time.UTC
	}
	return t.In(z).Format("2 January 2006, 15:04")
}

// found is the list to choose from, by kinds, each in the order of its source.
func found(ctx context.Context, o Outlook, chosen *Choice) views.FoundProps {
	set := o.Import.Set
	p := views.FoundProps{ID: o.Import.ID.String(), Name: o.Import.Name(), From: foundIn(ctx, set.From), Offer: !o.Again && !o.Fresh, Again: o.Again, Nothing: true}
	for _, w := range set.Warnings {
		p.Warnings = append(p.Warnings, say(ctx, w))
	}
	if set.Priced {
		p.Warnings = append(p.Warnings, text.T(ctx, "The prices there have no currency. They are taken as %s, which is what your shop sells in.", o.Currency))
	}
	if chosen != nil {
		p.Replace, p.Mine = chosen.Replace, chosen.Mine
	}
	counts := map[source.Kind]int{}
	groups := map[source.Kind]*views.GroupProps{}
	people := newCrowd(chosen)
	for i, r := range set.Records {
		v := o.Verdicts[i]
		counts[r.Kind]++
		if r.Kind == source.Person {
			people.add(ctx, r, v)
			continue
		}
		if r.Of != "" && v.Can {
			continue // it shares the fate of another
		}
		g := groups[r.Kind]
		if g == nil {
			g = &views.GroupProps{ID: string(r.Kind), Title: text.T(ctx, names[r.Kind][2])}
			groups[r.Kind] = g
		}
		it := item(ctx, o.Currency, i, r, v)
		if chosen != nil {
			it.On = chosen.Keys[r.Key]
		}
		if v.Can {
			p.Nothing = false
			g.Items = append(g.Items, it)
		} else {
			g.Out = append(g.Out, it)
		}
	}
	if people.p.Can > 0 {
		p.Nothing = false
	}
	if counts[source.Person] > 0 {
		p.People = &people.p
	}
	for _, k := range source.Kinds {
		if n := counts[k]; n > 0 {
			p.Counts = append(p.Counts, text.N(ctx, n, names[k][0], names[k][1]))
		}
		if g := groups[k]; g != nil {
			p.Groups = append(p.Groups, *g)
		}
	}
	if !slices.ContainsFunc(p.Groups, func(g views.GroupProps) bool { return len(g.Items) > 0 }) {
		p.Offer = false // people do not go into the window
	}
	return p
}

// foundIn is where things were found.
func foundIn(ctx context.Context, from string) string {
	switch from {
	case "page":
		return text.T(ctx, "Found on your page")
	case "members":
		return text.T(ctx, "Found in your list")
	}
	return text.T(ctx, "Found on %s", source.Labels[from])
}

func item(ctx context.Context, currency string, n int, r source.Record, v verdict) views.ItemProps {
	it := views.ItemProps{N: strconv.Itoa(n), Title: r.Title, On: v.On, Update: v.Update, Notes: sayAll(ctx, v.Notes), Why: say(ctx, v.Why)}
	switch {
	case r.Kind == source.Product && v.Can:
		it.Price = v.amount.Format()
		it.Text = short(r.Text, 160)
	case r.Kind == source.Product:
		it.Price = strings.TrimSpace(r.Price + " " + r.Currency)
	case r.URL != "":
		it.Text = strings.TrimPrefix(strings.TrimPrefix(r.URL, "https://"), "mailto:")
	case r.Text != "":
		it.Text = short(r.Text, 160)
	case r.Image != "":
		it.Text = strings.TrimPrefix(r.Image, "https://")
	}
	if it.Title == "" {
		if it.Title = r.Alt; it.Title == "" {
			it.Title, it.Text = it.Text, ""
		}
	}
	if it.Title == "" {
		it.Title = text.T(ctx, names[r.Kind][2])
	}
	return it
}

// crowd counts people, who come together.
type crowd struct {
	p  views.PeopleProps
	at map[string]int
}

func newCrowd(chosen *Choice) *crowd {
	return &crowd{views.PeopleProps{On: chosen == nil || chosen.People}, map[string]int{}}
}

func (c *crowd) add(ctx context.Context, r source.Record, v verdict) {
	if v.Can {
		if c.p.Can++; c.p.From == "" {
			c.p.From = r.Consent
		}
		return
	}
	why := v.Why
	if len(why.Args) > 0 {
		why = note("This is no e-mail address.")
	}
	s := say(ctx, why)
	if i, ok := c.at[s]; ok {
		c.p.Out[i].N++
		return
	}
	c.at[s] = len(c.p.Out)
	c.p.Out = append(c.p.Out, views.ReasonProps{Why: s, N: 1})
}

// report is what became of everything, with at most so many lines of each outcome.
func (h *Handler) report(c echo.Context, i Import, most int) (views.ReportProps, error) {
	ctx := c.Request().Context()
	n := Tally(i.Report)
	p := views.ReportProps{ID: i.ID.String(), Name: i.Name(), Imported: n[Imported], Changed: n[Altered], Left: n[Left], People: i.People, Undo: i.UndoSeq > 0, At: day(c, i.CreatedAt)}
	p.Nothing = p.Imported+p.Changed == 0
	for _, o := range []struct {
		of    Outcome
		title string
	}{{Left, "Stayed out, and why"}, {Altered, "Came changed, and how"}, {Imported, "Came as they were"}} {
		l := views.ListProps{ID: strings.ReplaceAll(string(o.of), " ", "-"), Title: text.T(ctx, o.title) + " (" + strconv.Itoa(n[o.of]) + ")", Open: o.of == Left && n[Left] <= 12}
		for _, x := range i.Report {
			if x.Outcome != o.of {
				continue
			}
			if len(l.Lines) == most {
				l.More++
				continue
			}
			l.Lines = append(l.Lines, views.LineProps{Kind: text.T(ctx, names[x.Kind][2]), What: called(ctx, x), Notes: sayAll(ctx, x.Notes)})
		}
		p.Lists = append(p.Lists, l)
	}
	f, err := h.Service.Fetched(ctx, i.ID)
	if err != nil {
		return p, err
	}
	for _, l := range f.Failed {
		p.Lost = append(p.Lost, views.LostProps{URL: l.URL, Why: text.T(ctx, l.Why)})
	}
	if p.Waiting = f.Waiting > 0; p.Waiting {
		p.Pictures = text.N(ctx, f.Waiting, "%d picture is still on its way.", "%d pictures are still on their way.")
	}
	if p.People > 0 {
		p.Audience, err = h.Service.Size(ctx, who(c))
	}
	return p, err
}

// called is a line's name; people are known by their row.
func called(ctx context.Context, l Line) string {
	if l.What == "" && l.Row > 0 {
		return text.T(ctx, "Row %d", l.Row)
	}
	return l.What
}

func (h *Handler) taken(c echo.Context) (Import, error) {
	n, err := importID(c)
	if err != nil {
		return Import{}, err
	}
	i, err := h.Service.Get(c.Request().Context(), who(c), n)
	if err == nil && i.State != Taken {
		err = errNotFound
	}
	return i, err
}

// reportCSV is every line. What a spreadsheet would take for a formula is made text.
func (h *Handler) reportCSV(c echo.Context) error {
	i, err := h.taken(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	rows := [][]string{{text.T(ctx, "Row"), text.T(ctx, "Kind"), text.T(ctx, "What"), text.T(ctx, "Outcome"), text.T(ctx, "Why or how")}}
	for _, l := range i.Report {
		row := ""
		if l.Row > 0 {
			row = strconv.Itoa(l.Row)
		}
		rows = append(rows, []string{row, text.T(ctx, names[l.Kind][2]), tame(l.What), text.T(ctx, string(l.Outcome)), tame(strings.Join(sayAll(ctx, l.Notes), " "))})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="brought.csv"`)
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8; header=present", b.Bytes())
}

func tame(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (h *Handler) reportHTML(c echo.Context) error {
	i, err := h.taken(c)
	if err != nil {
		return err
	}
	p, err := h.report(c, i, source.MaxRecords)
	if err != nil {
		return err
	}
	p.Bare = true
	var b bytes.Buffer
	title := text.T(c.Request().Context(), "What was brought from %s", i.Name())
	if err := views.File(p, title).Render(c.Request().Context(), &b); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="brought.html"`)
	return c.HTMLBlob(http.StatusOK, b.Bytes())
}
