// Package payouts draws where a creator's money is, where it goes to, and what it is made of.
package payouts

import (
	"strconv"

	"vitrine/views/ui"
)

// OverviewProps is the page "Where is my money".
type OverviewProps struct {
	Purses  []Purse
	Method  Destination
	History []ui.Row
	More    string
	Begin   Action // the one thing to do first; its words are beside it
	Title   string // of the empty state
	Empty   string
}

// Purse is a creator's money in one currency.
type Purse struct {
	ID     string
	Label  string // "Next payout", "Not paid out yet"
	Figure ui.Figure
	When   string
	Parts  []Part
	Split  Split
	Reason *Reason
}

// Part is what of it is in one state.
type Part struct {
	Key    string // pending, available, held, flight, owed: names the colour
	Label  string
	Note   string
	Amount string
	Href   string
	Link   string
}

// Split is how the parts share the whole.
type Split struct {
	Text string
	Bars []Bar
}

// Bar is a part of a whole of a thousand.
type Bar struct {
	Key      string
	At, Wide int
}

func (b Bar) x() string     { return strconv.Itoa(b.At) }
func (b Bar) width() string { return strconv.Itoa(b.Wide) }

// Reason is why money does not move, and who must do something.
type Reason struct {
	ID     string
	Tone   string // bad: the creator must act; lamp: somebody does; empty: time will do it
	Who    string
	Text   string
	Since  string
	Action Action
}

// Action is a link, or a form of one button when Post is set.
type Action struct{ ID, Label, Kind, Href, Post string }

// Destination is where payouts go to, in a line.
type Destination struct {
	Title string
	Note  string
	Pill  ui.Pill
	Plan  string
	Link  string
}

// PayoutProps is one payout.
type PayoutProps struct {
	Title    string
	Figure   ui.Figure
	State    ui.Pill
	Says     string
	Tone     string
	Who      string
	Facts    []Fact
	Steps    []Step
	Sums     []ui.Line
	Lines    []ui.Row
	Rest     string // how many lines are only in the files
	PDF, CSV string
}

// Fact is a label with its value.
type Fact struct{ Label, Value string }

// Step is one moment of a way from payment to bank.
type Step struct {
	Label, When, Note string
	Tone              string // good, bad, now, next
	Href, Link, ID    string
}

// MethodsProps is where a creator is paid out to, and how often.
type MethodsProps struct {
	Methods []Method
	Stripe  *Door
	PayPal  *Door
	None    string // when nothing can be added
	Plan    ui.Field
	Next    string
	Saved   string
	Trouble string
	Errors  []ui.Problem
}

// Door is a way to add a method.
type Door struct {
	Action string
	Field  ui.Field
	Text   string
}

// Method is one place to be paid out to.
type Method struct {
	ID, Title, Note string
	State           ui.Pill
	Says            []Said
	Asks            []string // what the provider wants to know
	Deadline        string
	Go              *Action // the main thing to do
	More            []Action
}

// Said is a remark with its tone.
type Said struct{ Tone, Text string }

// AskProps is a question before something is done.
type AskProps struct {
	Title, Text string
	Points      []string
	Action      Action
	Back        string
}

// FeesProps is the simulator.
type FeesProps struct {
	Price, Quantity, Case, Part ui.Field
	Schedule                    string
	Errors                      []ui.Problem
	Result                      ResultProps
}

// ResultProps is what the simulator answers.
type ResultProps struct {
	Trouble string
	Figure  ui.Figure
	Label   string
	Steps   []ResultStep
	Notes   []string
}

// ResultStep is a part of the calculation.
type ResultStep struct {
	ID, Title string
	Lines     []ui.Line
}
