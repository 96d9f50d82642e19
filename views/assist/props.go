// Package assist draws how a window is described and how it comes.
package assist

import (
	"github.com/a-h/templ"

	"vitrine/views/ui"
)

// StartProps is the page on which a creator describes their window.
type StartProps struct {
	Key       string // one run, however often the form is sent
	Sentence  string
	Tones     []ui.Option
	Colors    []ui.Option
	Languages []ui.Option
	Anew      bool
	CanAdd    bool // there is something in the window that could stay
	Pictures  bool
	NoKey     bool // it is written from templates
	NoPhotos  bool
	Errors    map[string]string
	Refused   string
}

// RunProps is a window that is being written, or was.
type RunProps struct {
	ID       string
	Live     string
	State    string // waiting, writing, done, failed, kept, undone
	Notes    []string
	Bad      string
	Blocks   []BlockProps
	Waiting  bool
	Theme    string
	ThemeCSS string
	Awning   bool
	Refused  string
	Products int
}

// BlockProps is a block that has come.
type BlockProps struct {
	ID, Kind, Label, Name string
	Body                  templ.Component
	Missing               string
	Again                 bool
	Key                   string
}
