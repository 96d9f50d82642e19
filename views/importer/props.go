// Package importer draws how a shop is brought from elsewhere.
package importer

import "vitrine/views/ui"

// BringProps is the form. With Shop it opens the shop as well.
type BringProps struct {
	ID, Action, URL string
	Errors          map[string]string
	Shop            *ShopProps
	Last            []LastProps
}

// ShopProps are the fields of a shop that does not exist yet.
type ShopProps struct {
	Name, Slug, Prefix string
	Currencies         []ui.Option
}

// LastProps is something that was brought before.
type LastProps struct {
	ID, Name, At string
	Pill         ui.Pill
}

// WaitProps is a page that is being read, or could not be.
type WaitProps struct{ Name, Why string }

// FoundProps is what was found, to choose from.
type FoundProps struct {
	ID, Name string
	From     string   // "Found on Linktree"
	Counts   []string // "12 links", "3 products"
	Warnings []string
	Groups   []GroupProps
	People   *PeopleProps
	Offer    bool // the window can be replaced
	Replace  bool
	Again    bool
	Nothing  bool // nothing can be chosen
	Errors   map[string]string
	Mine     bool
}

// GroupProps is things of one kind.
type GroupProps struct {
	ID, Title string
	Items     []ItemProps
	Out       []ItemProps // those that cannot come
}

// ItemProps is one thing.
type ItemProps struct {
	N                  string // its number
	Title, Text, Price string
	On, Update         bool
	Notes              []string
	Why                string
}

// PeopleProps is a list of people, who come together.
type PeopleProps struct {
	Can  int
	On   bool
	From string // how they came to be there
	Out  []ReasonProps
}

// ReasonProps is why some cannot come.
type ReasonProps struct {
	Why string
	N   int
}

// ReportProps is what became of everything.
type ReportProps struct {
	ID, Name                string
	Imported, Changed, Left int
	Pictures                string
	Waiting                 bool
	Lost                    []LostProps
	People                  int // whom this import brought
	Audience                int
	Undo                    bool
	Nothing                 bool // nothing came
	Lists                   []ListProps
	Bare                    bool // as a file
	At                      string
}

// LostProps is a picture that could not be had.
type LostProps struct{ URL, Why string }

// ListProps is the things with one outcome.
type ListProps struct {
	ID, Title string
	Open      bool
	Lines     []LineProps
	More      int // that only the file lists
}

// LineProps is one thing of a report.
type LineProps struct {
	Kind, What string
	Notes      []string
}
