// Package refunds draws giving money back: the creator's form, what is on an order's page, and the buyer's request.
package refunds

import "vitrine/views/ui"

// FormProps is the creator's form, and the page that asks once more.
type FormProps struct {
	Order    string
	Title    string
	Left     string
	Key      string
	Amount   string // as typed
	Symbol   string
	Items    []Item
	Reasons  []ui.Option
	Access   []ui.Option
	Restock  bool
	CanStock bool
	Note     string
	Errors   map[string]string
	Refusal  string
	Asked    *Asked // the buyer's open request
	Confirm  *Confirm
}

// Item is one product of the order; Counts is how many of it.
type Item struct {
	ID, Name, Price string
	Counts          []ui.Option
}

// Confirm is what will happen.
type Confirm struct {
	Lines  []ui.Line
	Below  string // how far the balance goes below zero
	Hidden []Hidden
	Amount string
}

// Hidden is a field that the form carries along.
type Hidden struct{ Name, Value string }

// Asked is a buyer's request.
type Asked struct{ Reason, Message, When string }

// PanelProps is what stands on the creator's order page.
type PanelProps struct {
	Order     string
	Rows      []Row
	Can       bool   // there is something left to give back
	Why       string // why it cannot be now
	Asked     *Asked
	Answer    string
	Errors    map[string]string
	Declined  string
	Mirrored  bool
	RefundURL string
}

// Row is one refund.
type Row struct {
	Amount, Note, Trouble string
	State                 ui.Pill
}

// RequestProps is the buyer's page.
type RequestProps struct {
	Title, Lead, Action, Back string
	Reasons                   []ui.Option
	Message                   string
	Errors                    map[string]string
	Refusal                   string
	Said                      string // instead of the form
	Tone                      string
	Answer                    string
}
