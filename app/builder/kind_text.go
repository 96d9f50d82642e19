package builder

import (
	"context"

	"vitrine/views/blocks"
	"vitrine/views/text"
)

// paragraph is a text under a heading; blank lines divide it.
var paragraph = kind{
	label: "Text", note: "A few sentences", icon: "text",
	asks: []input{
		words{name: "title", label: "Heading", max: 80, main: true, at: func(p *Props) *string { return &p.Title }},
		words{name: "text", label: "Text", max: 3000, rows: 6, at: func(p *Props) *string { return &p.Text }},
	},
	name: func(_ Draft, p Props) string { return excerpt(p.Title, p.Text) },
	draw: func(ctx context.Context, _ *canvas, p Part) piece {
		if p.Props.Title == "" && p.Props.Text == "" {
			return missing(ctx, "Nothing written yet")
		}
		return piece{body: blocks.Text(blocks.TextProps{ID: anchor(p.ID), Title: p.Props.Title, Text: p.Props.Text})}
	},
}

// quote is what somebody said, and who.
var quote = kind{
	label: "Quote", note: "What somebody said", icon: "quote",
	asks: []input{
		words{name: "text", label: "What was said", max: 500, rows: 3, main: true, at: func(p *Props) *string { return &p.Text }},
		words{name: "by", label: "Who said it", max: 80, at: func(p *Props) *string { return &p.By }},
	},
	name: func(_ Draft, p Props) string { return excerpt("", p.Text) },
	draw: func(ctx context.Context, _ *canvas, p Part) piece {
		if p.Props.Text == "" {
			return missing(ctx, "Nothing written yet")
		}
		return piece{body: blocks.Quote(blocks.QuoteProps{ID: anchor(p.ID), Text: p.Props.Text, By: p.Props.By})}
	},
}

// MaxQuestions is how many questions one block answers.
const MaxQuestions = 30

// faq is questions that open to show their answer.
var faq = kind{
	label: "Questions", note: "What people ask, with answers", icon: "info",
	asks: []input{
		words{name: "title", label: "Heading", max: 80, main: true, at: func(p *Props) *string { return &p.Title }},
		itemRows{MaxQuestions},
	},
	draw: func(ctx context.Context, _ *canvas, p Part) piece {
		f := blocks.FAQProps{ID: anchor(p.ID), Title: p.Props.Title}
		for _, x := range p.Props.Items {
			if x.Title != "" && x.Text != "" {
				f.Items = append(f.Items, blocks.ItemProps{Title: x.Title, Text: x.Text})
			}
		}
		if len(f.Items) == 0 {
			return missing(ctx, "Needs a question and its answer")
		}
		return piece{body: blocks.FAQ(f)}
	},
}

// socials is a row of links to where else the creator is found.
var socials = kind{
	label: "Elsewhere", note: "Your accounts on other sites", icon: "share",
	asks: []input{socialRows{12}},
	name: func(Draft, Props) string { return "" },
	draw: func(ctx context.Context, _ *canvas, p Part) piece {
		if len(p.Props.Socials) == 0 {
			return missing(ctx, "Needs an address")
		}
		return piece{body: blocks.Socials(blocks.SocialsProps{ID: anchor(p.ID), Links: socialLinks(p), Label: text.T(ctx, "Elsewhere")})}
	},
}

// divider is a pause between blocks.
var divider = kind{
	label: "Divider", note: "A pause between blocks", icon: "divider",
	asks: []input{choice{name: "style", label: "How it looks", of: [][2]Word{{"line", "A line"}, {"space", "Empty space"}, {"scallop", "A row of scallops"}}, at: func(p *Props) *string { return &p.Style }}},
	draw: func(_ context.Context, _ *canvas, p Part) piece {
		return piece{body: blocks.Divider(anchor(p.ID), p.Props.Style)}
	},
}

// excerpt is a name for a block that may have no title: its first words.
func excerpt(title, s string) string {
	if title != "" {
		return title
	}
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
