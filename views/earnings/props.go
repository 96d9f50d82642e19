// Package earnings draws the way of an order's money, and the log of everything that moved.
package earnings

import (
	"vitrine/views/payouts"
	"vitrine/views/ui"
)

// LogProps is the list of transactions with its filter.
type LogProps struct {
	Kind, From, To, Order, Currency ui.Field
	Filtered                        bool
	Errors                          []ui.Problem
	List                            ListProps
	CSV                             string
}

// ListProps is what the filter changes.
type ListProps struct {
	Rows       []ui.Row
	Count      string
	More       string
	Empty      string
	EmptyTitle string
	CSV        string
}

// StoryProps is the way of one order's money.
type StoryProps struct {
	Title string
	Order string // the address of the order's page
	Sums  []ui.Line
	Steps []payouts.Step
}
