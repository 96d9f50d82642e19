package builder

import (
	"context"

	"vitrine/views/blocks"
	"vitrine/views/text"
)

// icons that a link may carry.
var icons = [][2]Word{{"", "None"}, {"link", "Link"}, {"mail", "Letter"}, {"play", "Play"}, {"music", "Music"}, {"book", "Book"}, {"camera", "Camera"}, {"calendar", "Calendar"},
	{"pin", "Place"}, {"bag", "Bag"}, {"heart", "Heart"}, {"star", "Star"}, {"chat", "Talk"}, {"download", "Download"}}

// link is a line that leads elsewhere, with an icon or a small picture.
var link = kind{
	label: "Link", note: "Somewhere else", icon: "link",
	asks: []input{
		words{name: "title", label: "What it says", max: 80, main: true, at: func(p *Props) *string { return &p.Title }},
		address{label: "Where it leads"},
		words{name: "note", label: "A word beside it", max: 40, at: func(p *Props) *string { return &p.Note }},
		choice{name: "icon", label: "Icon", of: icons, at: func(p *Props) *string { return &p.Icon }},
		pictureRows{max: 1},
	},
	warn: func(_ Draft, p Props) (Sentence, bool) {
		switch {
		case p.URL == "" && p.Title == "":
			return say("An empty link will not be shown."), true
		case p.URL == "":
			return say("The link “%s” has no address. It will not be shown.", p.Title), true
		case p.Title == "":
			return say("The link to %s has no name. It will not be shown.", p.URL), true
		}
		return Sentence{}, false
	},
	draw: func(ctx context.Context, c *canvas, p Part) piece {
		out := piece{}
		if p.Props.Title == "" || p.Props.URL == "" {
			out.missing = text.T(ctx, "Needs a name and an address")
		}
		if p.Props.Title == "" && p.Props.URL == "" {
			return out
		}
		out.link = &blocks.LinkProps{ID: anchor(p.ID), Title: p.Props.Title, Note: p.Props.Note, Href: p.Props.URL, Icon: p.Props.Icon}
		if out.link.Title == "" {
			out.link.Title = p.Props.URL
		}
		if len(p.Props.Pictures) > 0 {
			out.link.Picture = c.image(p.Props.Pictures[0])
		}
		return out
	},
}
