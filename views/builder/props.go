// Package builder draws the window as its creator edits it.
package builder

import (
	"strconv"

	"github.com/a-h/templ"

	"vitrine/views/ui"
)

// WindowProps is the page /app/window.
type WindowProps struct {
	Theme     string
	ThemeCSS  string // address of the house colours; empty for our own themes
	Look      string // classes of what is worn beside the theme
	Awning    bool
	Blocks    []BlockProps
	Dock      DockProps
	State     StateProps
	History   HistoryProps
	Elsewhere ElsewhereProps
	Removed   *RemovedProps
	Refused   string // why the last request did nothing, for browsers without script
}

// BlockProps is one block in its frame. Body is how visitors will see it; nil when there is nothing to show yet.
type BlockProps struct {
	ID, Kind, KindLabel, Name string // Name is what the block is called in sentences
	Hidden                    bool
	Open                      bool
	Focus                     bool // the first field takes the focus
	Place, Of                 int

	Body    templ.Component
	Missing string // what is still needed before visitors see it
	Hours   string // when visitors see it, if not always

	Form     FormProps
	Conflict *ConflictProps
}

// FormProps are the fields of an open block, as they are or as they were typed.
type FormProps struct {
	V      int
	Fields []FieldProps
	Errors map[string]string
	Cost   string // what visitors pay for it in bytes and time
}

// FieldProps is one thing that an open block asks for: a text, an address, one of some options, some of some
// options, rows of fields, or pictures.
type FieldProps struct {
	Name, Label, Hint, Value, Placeholder string
	Max, Rows                             int
	Main                                  bool // it names the block, and is written as large as it will stand
	Address                               bool
	Options                               []ui.Option
	Checks                                []ui.Option
	Products                              bool   // the options are products
	Edit                                  string // where the chosen product is changed
	Table                                 []RowProps
	Open                                  int // how many rows of the table are shown at once
	Pictures                              *PicturesProps
}

// RowProps are fields that belong together.
type RowProps []FieldProps

// PicturesProps are the images of a block, and room for more.
type PicturesProps struct {
	List []PictureProps
	Max  int
	Room int
}

// PictureProps is one image of a block. Its picture is empty until its sizes have been made.
type PictureProps struct {
	N                            int // counted from 1
	File, Alt, Credit, CreditURL string
	Picture                      ui.Picture
	Refused                      string // why it will never have sizes
}

// ConflictProps is the choice between two texts of one block.
type ConflictProps struct {
	ID, At       string
	Mine, Theirs []string
	MineText     string
	Keep         [][2]string // the fields of mine
}

// DockProps is what can be done with the open block, or with the window when none is open.
type DockProps struct {
	Open   string // the open block's id
	Name   string
	Hidden bool
	Fresh  string // the id that a copy would get
	OOB    bool
}

// StateProps is what is saved and what is not public yet.
type StateProps struct {
	Saved     string // time of day; empty before the first change
	Bad       string // why the last change was not saved
	Changes   int
	Published bool
	Seq       string // which state of the draft this is
	OOB       bool
}

// HistoryProps is what can be undone and done again, each as a sentence; empty for nothing.
type HistoryProps struct {
	Undo, UndoSeq, Redo, RedoSeq string
	OOB                          bool
}

// ElsewhereProps is which state the draft is in, and on which devices it is open.
type ElsewhereProps struct {
	Seq     string
	Devices []string
}

// DraftsProps are the versions that are kept, newest first.
type DraftsProps struct{ Drafts []DraftProps }

// DraftProps is one of them. Public is the one that visitors see.
type DraftProps struct {
	ID, At            string
	Blocks            int
	Published, Public bool
}

// HoursProps asks when a block is shown. Times are as a browser writes them, in the creator's zone.
type HoursProps struct {
	ID, Name, From, Until, Zone string
	Errors                      map[string]string
	Page                        bool
}

// RemovedProps offers to bring a block back, for browsers without script.
type RemovedProps struct{ ID, Name string }

// AddProps is the choice of what to add.
type AddProps struct {
	After string
	Fresh string // the id of the block that is made of what is pasted
	Kinds []KindProps
	Page  bool
}

// KindProps is one kind of block. Fresh is the id that the new block gets.
type KindProps struct{ Kind, Label, Note, Icon, Fresh string }

// PlaceProps is the list of places that a block can move to.
type PlaceProps struct {
	ID, Name string
	Now      int
	Names    []string // of all blocks in order
	Page     bool
}

// ReviewProps is what publishing would change.
type ReviewProps struct {
	Seq               string
	Changes, Warnings []string
	Cost              string // what visitors pay for the page in bytes and time
	Hidden            int
	Published         bool
	Since, URL        string
	Refused           string
	Preview           string // a link to the draft
	PreviewUntil      string
}

func (b BlockProps) anchor() string { return "blk-" + b.ID }

func (b BlockProps) class() string {
	c := "blk blk--" + b.Kind
	if b.Hidden {
		c += " blk--off"
	}
	if b.Open {
		c += " blk--on"
	}
	return c
}

func (b BlockProps) path() string { return "/app/window/blocks/" + b.ID }

func (b BlockProps) field(name string) string { return name + "-" + b.ID }

func (d DockProps) path() string { return "/app/window/blocks/" + d.Open }

func number(n int) string { return strconv.Itoa(n) }
