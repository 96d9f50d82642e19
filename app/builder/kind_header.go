package builder

import (
	"context"
	"fmt"

	"vitrine/views/blocks"
)

// MaxSocials is how many links a header holds.
const MaxSocials = 5

// header is who the shop is. Title is the name, if not the shop's own; Status stands beside the lamp.
var header = kind{
	label: "Header", note: "Who you are", icon: "window", one: true,
	asks: []input{
		words{name: "title", label: "Name", max: 80, main: true, at: func(p *Props) *string { return &p.Title }},
		words{name: "text", label: "What you make, in a sentence", max: 200, rows: 2, at: func(p *Props) *string { return &p.Text }},
		words{name: "status", label: "Beside the lamp: what is on now", max: 60, at: func(p *Props) *string { return &p.Status }},
		socialRows{MaxSocials},
	},
	name: func(Draft, Props) string { return "" },
	draw: func(_ context.Context, c *canvas, p Part) piece {
		h := headerProps(p, c.shop)
		h.Second = !c.public
		return piece{header: &h}
	},
}

func headerProps(part Part, sh Shown) blocks.HeaderProps {
	h := blocks.HeaderProps{ID: anchor(part.ID), Name: part.Props.Title, Text: part.Props.Text, Status: part.Props.Status, Lit: !sh.Closed, Links: socialLinks(part)}
	if h.Name == "" {
		h.Name = sh.Name
	}
	return h
}

func socialLinks(part Part) (out []blocks.LinkProps) {
	for i, s := range part.Props.Socials {
		out = append(out, blocks.LinkProps{ID: fmt.Sprintf("%s-s%d", anchor(part.ID), i+1), Title: s.Label, Href: s.URL})
	}
	return out
}
