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
	switch {
	case old.Theme != now.Theme && now.Theme == "daylight":
		out = append(out, say("Theme: Daylight"))
	case old.Theme != now.Theme && now.Theme == "afterhours":
		out = append(out, say("Theme: After hours"))
	case now.Theme == "house" && (old.Theme != now.Theme || old.BrandColor != now.BrandColor):
		out = append(out, say("Theme: House colour %s", now.BrandColor))
	}
	if old.HeaderStyle != now.HeaderStyle {
		if now.HeaderStyle == "awning" {
			out = append(out, say("Header with an awning"))
		} else {
			out = append(out, say("Header without an awning"))
		}
	}
	return out
}
