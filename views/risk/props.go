// Package risk draws the desk at which operators decide on risky orders.
package risk

import (
	"context"

	"vitrine/views/text"
	"vitrine/views/ui"
)

// QueueProps is the list of reviews.
type QueueProps struct {
	Nav        NavProps
	Done       bool // decided ones
	Rows       []Row
	Refusal    string
	EmptyTitle string
	Empty      string
}

// NavProps are the pages of the desk.
type NavProps struct {
	Options []ui.Option
	Hrefs   []string
}

// Row is one review in the list.
type Row struct {
	ID, Href   string
	Title      string // "€39.00 · Order 12 of Noor"
	Age        string
	Deadline   string
	Soon       bool // the deadline is near
	State      ui.Pill
	Signals    []ui.Pill
	First      string // who has chosen what first
	CanDecide  bool
	CloseLabel string
}

// CaseProps is one review.
type CaseProps struct {
	Title, Lead   string
	State         ui.Pill
	News          string
	Errors        map[string]string
	Refusal       string
	Do            string // the form that is open
	Typed         string // what stood in it
	Action        string // "/admin/risk/<id>"
	Open          bool
	Overdue       bool
	Deadline      string
	Default       string
	First         string // "Ada chose to approve the order: …"
	Own           bool
	Two           bool
	HoldDays      []ui.Option
	HoldLeft      bool
	HoldHint      string
	Shut          bool
	Reasons       []Signal
	Verdict       ui.Pill
	Warnings      []string
	Facts         []Fact
	Others        []ui.Row
	Shop          []Fact
	Inputs        []Fact
	Rules         string
	Replay        string
	ReplayTone    string
	Today         string
	History       []Moment
	Prev, Next    string
	ShopName      string
	Decided       bool
	DecidedWords  string
	ConfirmRefund string
	ConfirmClose  string
}

// Signal is one reason of the rules.
type Signal struct{ Text, Weight string }

// Fact is a label with its value.
type Fact struct{ Label, Value, Href, ID string }

// Moment is one line of the history.
type Moment struct{ Label, Who, Reason, When, Tone string }

// BlocksProps is the blocklist.
type BlocksProps struct {
	Nav     NavProps
	Over    bool
	Rows    []BlockRow
	More    string
	Refusal string
}

// BlockRow is one entry of it.
type BlockRow struct {
	ID, What, Why, Since, Until, By, Lifted string
	Lift                                    string // where the form posts to; empty when it is over
}

// LogProps is the log of decisions.
type LogProps struct {
	Nav     NavProps
	Filters []ui.Option
	Hrefs   []string
	Rows    []ui.Row
	More    string
}

// DecisionProps is one decision.
type DecisionProps struct {
	Title, Lead        string
	Verdict            ui.Pill
	Reasons            []Signal
	Rules              string
	Replay, ReplayTone string
	Today              string
	TodayReasons       []Signal
	Inputs             []Fact
	Review             string
}

// key is one line of the help for the keyboard.
type key struct{ Name, Does string }

func keys(ctx context.Context) []key {
	return []key{
		{"J", text.T(ctx, "next order")}, {"K", text.T(ctx, "order before")}, {"O", text.T(ctx, "open it")},
		{"A", text.T(ctx, "approve")}, {"H", text.T(ctx, "hold")}, {"R", text.T(ctx, "refund")}, {"C", text.T(ctx, "close the shop")},
		{"U", text.T(ctx, "back to the queue")}, {"?", text.T(ctx, "this help")},
	}
}

// typed is what was written into a form that could not be taken.
func (p CaseProps) typed(way string) string {
	if p.Do == way {
		return p.Typed
	}
	return ""
}

// problem is the message beside a field of a form.
func (p CaseProps) problem(way, field string) string {
	if p.Do == way {
		return p.Errors[field]
	}
	return ""
}

// problems leads from the summary to the fields of the form that could not be taken.
func (p CaseProps) problems() []ui.Problem {
	var out []ui.Problem
	for _, f := range [][2]string{{"days", "days"}, {"reason", "reason-" + p.Do}, {"sure", p.Do + "-sure"}} {
		if m := p.Errors[f[0]]; m != "" {
			out = append(out, ui.Problem{Field: f[1], Message: m})
		}
	}
	return out
}
