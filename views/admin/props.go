// Package admin draws the operator's area.
package admin

import "vitrine/views/ui"

// OverviewProps is everything that needs somebody, on one screen.
type OverviewProps struct {
	Lead   string
	Tone   string // of the lead: good, lamp or bad
	Groups []Group
}

// Group is a few figures that belong together. Each leads to its list.
type Group struct {
	Title string
	Rows  []ui.Row
}

// ListProps is a list with its filters.
type ListProps struct {
	Title, Lead string
	Filters     []Filter
	CSV         string
	Rows        []ui.Row
	Bare        []Fact // rows that lead nowhere
	EmptyTitle  string
	Empty       string
	More        string
}

// Filter is one row of choices.
type Filter struct {
	Label   string
	Options []ui.Option
	Hrefs   []string
}

// ShowProps is one thing that somebody must look at.
type ShowProps struct {
	Title, Lead string
	Up, UpLabel string
	State       ui.Pill
	Refusal     string
	Errors      map[string]string
	Do          string // the form that is open
	Typed       string
	What        string // what it means
	Next        string // what to do
	Facts       []Fact
	Sides       []Side
	Action      string
	Plain       []Act // buttons that need no words
	Ways        []Act
	History     []Moment
}

// Side is one of the parties that say different things.
type Side struct {
	Title string
	Facts []Fact
}

// Fact is a label with its value.
type Fact struct {
	Label, Value, Href, ID string
	More                   []string // what is behind it, folded up
}

// Act is something that can be done.
type Act struct {
	Name, Label, Says, Button, Kind string
	Field                           string // label of the text
}

// Moment is one line of the history.
type Moment struct{ Label, Who, Note, When, Tone string }

func (p ShowProps) problem(way string) string {
	if p.Do == way {
		return p.Errors["reason"]
	}
	return ""
}

func (p ShowProps) typed(way string) string {
	if p.Do == way {
		return p.Typed
	}
	return ""
}

func (p ShowProps) problems() []ui.Problem {
	if m := p.Errors["reason"]; m != "" {
		return []ui.Problem{{Field: "reason-" + p.Do, Message: m}}
	}
	return nil
}
