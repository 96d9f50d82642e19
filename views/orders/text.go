package orders

import (
	"strings"

	"vitrine/views/ui"
)

// Text is the mail for readers that show no HTML.
func (p MailProps) Text() string {
	var b strings.Builder
	part := func(s string) {
		if s != "" {
			b.WriteString(s + "\n\n")
		}
	}
	part(p.Title)
	for _, s := range p.Paragraphs {
		part(s)
	}
	for _, l := range p.Lines {
		b.WriteString(label(l) + ": " + l.Amount + "\n")
	}
	if len(p.Lines) > 0 {
		b.WriteString("\n")
	}
	if p.Href != "" {
		part(p.Button + ":\n" + p.Href)
	}
	for _, s := range p.After {
		part(s)
	}
	part("-- \n" + p.Footer)
	return b.String()
}

func label(l ui.Line) string {
	if l.Note == "" {
		return l.Label
	}
	return l.Label + " (" + l.Note + ")"
}
