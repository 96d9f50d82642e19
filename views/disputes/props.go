// Package disputes draws what a creator answers to a bank with.
package disputes

import "vitrine/views/ui"

// IndexProps is the list.
type IndexProps struct{ Rows []ui.Row }

// ShowProps is one dispute.
type ShowProps struct {
	Title, Lead string
	State       ui.Pill
	Facts       []Fact
	Tone, Say   string // what is to be done, or what became of it
	Open        bool
	ID          string
	Words       string
	Refusal     string
	Errors      map[string]string
	Saved       string
	Kinds       []ui.Option
	Files       []File
	Evidence    []Part // what is sent besides
}

// Fact is a label with its value.
type Fact struct{ Label, Value, Href string }

// File is one that was added.
type File struct{ Kind, Label, Name, Note string }

// Part is a piece of the evidence that was gathered.
type Part struct{ Label, Text string }
