package builder

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/palette"
	"vitrine/app/storefronts"
	"vitrine/app/stylesheet"
	"vitrine/static"
	"vitrine/views/layout"
)

// dress is what a look means for a page.
type dress struct {
	style    string // the whole stylesheet of a public page
	hash     string
	own      string // the shop's own CSS where it is too long to stand in every page
	ownName  string // by which it can be fetched
	classes  string // of the page's body
	vars     string // what the house colour adds, with its selector; empty for our own themes
	color    string // of the browser's bar
	font     string // the lettering that is fetched, if one is
	adjusted bool   // the colour could not carry the lettering
}

// inlineCSS is how much of a shop's own CSS, compressed, may stand in each of its pages.
const inlineCSS = 3 << 10

var shopCSS = sync.OnceValue(func() string { return static.Text("shop.css") })

// worn is a look with the stylesheet of its own as it is delivered.
type worn struct {
	storefronts.Look
	css string
}

// dresses keeps those in use: solving a palette takes as long as drawing a page.
var dresses = struct {
	sync.Mutex
	made map[worn]dress
}{made: map[worn]dress{}}

// dressOf is a look without CSS of the shop's own.
func dressOf(l storefronts.Look) dress { return dressIn(l, "") }

// dressIn is a look with CSS that package stylesheet has printed.
func dressIn(l storefronts.Look, css string) dress {
	l = l.Whole()
	if l.CSS = ""; l.Theme != "house" {
		l.BrandColor = ""
	}
	dresses.Lock()
	defer dresses.Unlock()
	d, ok := dresses.made[worn{l, css}]
	if !ok {
		d = makeDress(l, css)
		if len(dresses.made) >= 1000 {
			clear(dresses.made)
		}
		dresses.made[worn{l, css}] = d
	}
	return d
}

func makeDress(l storefronts.Look, css string) dress {
	d := dress{color: "#F1F5F3", classes: lookClasses(l), style: shopCSS()}
	if l.Lettering == "sign" {
		d.font = static.Path("vitrine-sign.woff2")
	}
	switch l.Theme {
	case "afterhours":
		d.color = "#0B1715"
	case "house":
		th, err := palette.House(l.BrandColor, false)
		if err != nil {
			break // the database takes no such colour; the page then wears daylight
		}
		d.vars, d.adjusted, d.color = "[data-theme=house]{"+th.CSS()+"}", th.Adjusted, th.Paper
		if l.HeaderStyle == "awning" || l.HeaderStyle == "board" {
			d.color = th.Accent
		}
	}
	for _, c := range pieces(l) {
		d.style += static.Text("look-" + c + ".css")
	}
	d.style += d.vars
	if css != "" {
		d.style += static.Text("look-own.css")
		if packed(css) <= inlineCSS {
			d.style += css
		} else {
			sum := sha256.Sum256([]byte(css))
			d.own, d.ownName = css, hex.EncodeToString(sum[:8])+".css"
		}
	}
	d.hash = layout.StyleHash(d.style)
	return d
}

func packed(s string) int {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err == nil {
		_, err = w.Write([]byte(s))
	}
	if err != nil || w.Close() != nil {
		return len(s)
	}
	return b.Len()
}

// pieces are the parts of static/src/look that a look is made of. What a shop wears that has not chosen needs none.
func pieces(l storefronts.Look) (out []string) {
	if l.Lettering != "sign" {
		out = append(out, "letters", "l-"+l.Lettering)
	}
	if l.HeaderStyle != "awning" && l.HeaderStyle != "plain" {
		out = append(out, "h-"+l.HeaderStyle)
	}
	if l.Spacing != "normal" {
		out = append(out, "s-"+l.Spacing)
	}
	if l.Background != "plain" {
		out = append(out, "b-"+l.Background)
	}
	return out
}

// lookClasses are those by which the pieces know what they dress.
func lookClasses(l storefronts.Look) string {
	return strings.ReplaceAll(strings.Join(pieces(l.Whole()), " "), "letters", "l-own")
}

// whole is the dress with all of its style in the page.
func (d dress) whole() dress {
	if d.own != "" {
		d.style, d.own = d.style+d.own, ""
		d.hash = layout.StyleHash(d.style)
	}
	return d
}

// style is the shop's own CSS where it is too long to stand in each page. Its name says what is in it, so that
// browsers may keep it; a page from before the last publish gets what holds now, for a minute.
func (f *Front) style(c echo.Context) error {
	ctx := c.Request().Context()
	sh, err := f.Find(ctx, strings.ToLower(c.Param("slug")))
	if err != nil {
		return err
	}
	d, err := f.dressed(ctx, sh.Content.Look)
	if err != nil {
		return err
	}
	keep := "public, max-age=60"
	if d.ownName == c.Param("name") {
		keep = "public, max-age=31536000, immutable"
	}
	if d.own == "" {
		return errs.New(errs.NotFound, "There is nothing at this address.")
	}
	c.Response().Header().Set("Cache-Control", keep)
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", []byte(d.own))
}

// dressed is what a page of a shop wears, with the shop's own CSS where that may be used.
func (f *Front) dressed(ctx context.Context, l storefronts.Look) (dress, error) {
	if l.CSS == "" || guardCSSSite && f.Config.SameSite() {
		return dressOf(l), nil
	}
	if !guardCSSReader {
		return dressIn(l, l.CSS), nil
	}
	sheet, _ := stylesheet.Parse(l.CSS)
	ids := mediaIDs(sheet)
	found, err := f.Pictures.Pictures(ctx, f.DB, ids)
	if err != nil {
		return dress{}, err
	}
	return dressIn(l, sheet.CSS(func(media string) string {
		i, err := id.Parse[id.FileKind](media)
		if err != nil {
			return ""
		}
		url, best := "", 0
		for _, s := range found[i].Sources {
			if f := string(s.Format); (f == "jpeg" || f == "png" || f == "webp") && (url == "" || s.Width > best && s.Width <= 1300) {
				url, best = s.URL, s.Width
			}
		}
		return url
	})), nil
}

// mediaIDs are the pictures that a stylesheet shows.
func mediaIDs(s stylesheet.Sheet) []id.File {
	var out []id.File
	for _, m := range s.Pictures() {
		if i, err := id.Parse[id.FileKind](m); err == nil {
			out = append(out, i)
		}
	}
	return out
}

// lookChanges says in words how the shop would be dressed differently.
func lookChanges(old, now storefronts.Look) (out []Sentence) {
	old, now = old.Whole(), now.Whole()
	switch {
	case now.Theme == "house" && (old.Theme != now.Theme || old.BrandColor != now.BrandColor):
		out = append(out, say("Theme: House colour %s", now.BrandColor))
	case old.Theme != now.Theme:
		out = append(out, say(themeSays[now.Theme]))
	}
	for _, x := range []struct {
		old, now string
		says     map[string]string
	}{
		{old.HeaderStyle, now.HeaderStyle, headerSays},
		{old.Lettering, now.Lettering, letteringSays},
		{old.Spacing, now.Spacing, spacingSays},
		{old.Background, now.Background, backgroundSays},
	} {
		if x.old != x.now {
			out = append(out, say(x.says[x.now]))
		}
	}
	switch {
	case old.CSS == now.CSS:
	case now.CSS == "":
		out = append(out, say("Your own CSS removed"))
	case old.CSS == "":
		out = append(out, say("Your own CSS added"))
	default:
		out = append(out, say("Your own CSS changed"))
	}
	return out
}

// What each choice is called in the list of changes.
var (
	themeSays  = map[string]string{"daylight": "Theme: Daylight", "afterhours": "Theme: After hours"}
	headerSays = map[string]string{
		"awning": "Header with an awning", "plain": "Header without an awning", "board": "Header as a painted board", "plate": "Header as an enamel plate", "centred": "Header in the middle",
	}
	letteringSays = map[string]string{
		"sign": "Lettering: Shop sign", "sans": "Lettering: Poster", "serif": "Lettering: Book", "slab": "Lettering: Wood type", "rounded": "Lettering: Rounded", "mono": "Lettering: Typewriter",
	}
	spacingSays    = map[string]string{"airy": "Spacing: Airy", "normal": "Spacing: Normal", "tight": "Spacing: Tight"}
	backgroundSays = map[string]string{
		"plain": "Background: Plain", "tint": "Background: Tinted", "stripes": "Background: Stripes", "dots": "Background: Dots", "squares": "Background: Squares", "paper": "Background: Laid paper",
	}
)
