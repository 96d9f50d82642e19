package builder

import (
	"sync"

	"vitrine/app/palette"
	"vitrine/app/storefronts"
	"vitrine/static"
	"vitrine/views/layout"
)

// dress is what a look means for a page.
type dress struct {
	style    string // the whole stylesheet of a public page
	hash     string
	vars     string // what the house colour adds, with its selector; empty for our own themes
	color    string // of the browser's bar
	adjusted bool   // the colour could not carry the lettering
}

var shopCSS = sync.OnceValue(func() string { return static.Text("shop.css") })

// dresses keeps those in use: solving a palette takes as long as drawing a page.
var dresses = struct {
	sync.Mutex
	made map[storefronts.Look]dress
}{made: map[storefronts.Look]dress{}}

func dressOf(l storefronts.Look) dress {
	if l.Theme != "house" {
		l.BrandColor = ""
	}
	dresses.Lock()
	defer dresses.Unlock()
	d, ok := dresses.made[l]
	if !ok {
		d = makeDress(l)
		if len(dresses.made) >= 1000 {
			clear(dresses.made)
		}
		dresses.made[l] = d
	}
	return d
}

func makeDress(l storefronts.Look) dress {
	d := dress{color: "#F1F5F3"}
	switch l.Theme {
	case "afterhours":
		d.color = "#0B1715"
	case "house":
		th, err := palette.House(l.BrandColor, false)
		if err != nil {
			break // the database takes no such colour; the page then wears daylight
		}
		d.vars, d.adjusted, d.color = "[data-theme=house]{"+th.CSS()+"}", th.Adjusted, th.Paper
		if l.HeaderStyle == "awning" {
			d.color = th.Accent
		}
	}
	d.style = shopCSS() + d.vars
	d.hash = layout.StyleHash(d.style)
	return d
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
