package assist

import (
	"embed"
	"fmt"
	"strings"
	"text/template"

	"vitrine/app/builder"
)

// Every word that we say to a model is in these files. The number in a name goes up with each change, and stands
// in the log beside what it has cost.
//
//go:embed prompts/*.txt
var promptFiles embed.FS

// Prompts in use.
const (
	promptWindow = "window.1"
	promptBlock  = "block.1"
	promptBio    = "bio.1"
	promptRepair = "repair.1"
)

var prompts = template.Must(template.New("").Option("missingkey=error").ParseFS(promptFiles, "prompts/*.txt"))

// languages by which a model is told what to write in.
var languageNames = map[string]string{"en": "English", "de": "German (informal du)", "es": "Spanish", "fr": "French (vous)", "pt": "European Portuguese"}

type promptData struct {
	Brief
	LanguageName string
	Kinds        string
	Kind         builder.Kind
	Now          string
	Faults       string
}

// prompted fills a prompt in. The creator's words stand in it as data between marks that they cannot contain.
func prompted(name string, d promptData) (string, error) {
	d.Sentence = fenceless(d.Sentence)
	d.Shop = fenceless(d.Shop)
	for i := range d.Products {
		d.Products[i].Name = fenceless(d.Products[i].Name)
	}
	d.LanguageName = languageNames[d.Language]
	var b strings.Builder
	if err := prompts.ExecuteTemplate(&b, name+".txt", d); err != nil {
		return "", fmt.Errorf("prompt %s: %w", name, err)
	}
	return b.String(), nil
}

// fenceless keeps a text from closing the marks it stands between.
func fenceless(s string) string {
	return strings.NewReplacer("<<<", "‹‹‹", ">>>", "›››").Replace(s)
}

// Numbered are the products as a model may name them.
func (b Brief) Numbered() (out []string) {
	for i, p := range b.Products {
		out = append(out, fmt.Sprintf("%d. <<<%s>>>", i+1, p.Name))
	}
	return out
}

// NumberedLinks are the links as a model may name them.
func (b Brief) NumberedLinks() (out []string) {
	for i, l := range b.Links {
		out = append(out, fmt.Sprintf("%d. <<<%s>>>", i+1, short(fenceless(l), 100)))
	}
	return out
}
