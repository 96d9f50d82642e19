package assist

import (
	"embed"
	"fmt"
	"strings"

	"vitrine/app/builder"
)

// Every word that we say to a model is in these files and in the lists below. The number in a name goes up with
// each change, and stands in the log beside what it has cost. A {{word}} stands for what prompted puts there.
//
//go:embed prompts/*.txt
var promptFiles embed.FS

// Prompts in use.
const (
	promptWindow = "window.1"
	promptBlock  = "block.1"
	promptBio    = "bio.1"
	promptRepair = "repair.1"
	promptFacts  = "facts" // what the others speak of
)

// Not text/template: it calls methods by their names, and so keeps the linker from leaving out any of them, which
// makes the binary half as large again.
var prompts = func() map[string]string {
	out := map[string]string{}
	for _, name := range []string{promptWindow, promptBlock, promptBio, promptRepair, promptFacts} {
		b, err := promptFiles.ReadFile("prompts/" + name + ".txt")
		if err != nil {
			panic(err) // the file is part of the program
		}
		out[name] = string(b)
	}
	return out
}()

// languages by which a model is told what to write in.
var languageNames = map[string]string{"en": "English", "de": "German (informal du)", "es": "Spanish", "fr": "French (vous)", "pt": "European Portuguese"}

// toneNames say a tone to a model; the empty one is for all others.
var toneNames = map[string]string{
	"playful": "playful, light, a little wit, never silly",
	"plain":   "plain, short, matter-of-fact",
	"":        "warm, calm, personal",
}

type promptData struct {
	Brief
	Kinds  string
	Kind   builder.Kind
	Now    string
	Faults string
}

// prompted fills a prompt in. The creator's words stand in it as data between marks that they cannot contain; a
// {{word}} of theirs stays as it is.
func prompted(name string, d promptData) string {
	tone, ok := toneNames[d.Tone]
	if !ok {
		tone = toneNames[""]
	}
	pictures := "Use no image block."
	if d.Pictures {
		pictures = "Use one image block."
	}
	return strings.NewReplacer(
		"{{language}}", languageNames[d.Language],
		"{{tone}}", tone,
		"{{kinds}}", d.Kinds,
		"{{kind}}", string(d.Kind),
		"{{now}}", d.Now,
		"{{faults}}", d.Faults,
		"{{pictures}}", pictures,
		"{{shop}}", fenceless(d.Shop),
		"{{sentence}}", fenceless(d.Sentence),
		"{{products}}", d.numbered(),
		"{{links}}", d.numberedLinks(),
	).Replace(prompts[name])
}

// fenceless keeps a text from closing the marks it stands between.
func fenceless(s string) string {
	return strings.NewReplacer("<<<", "‹‹‹", ">>>", "›››").Replace(s)
}

// numbered are the products as a model may name them, a line each.
func (b Brief) numbered() string {
	var out []string
	for i, p := range b.Products {
		out = append(out, fmt.Sprintf("%d. <<<%s>>>", i+1, fenceless(p.Name)))
	}
	return orNone(out)
}

// numberedLinks are the links as a model may name them, a line each.
func (b Brief) numberedLinks() string {
	var out []string
	for i, l := range b.Links {
		out = append(out, fmt.Sprintf("%d. <<<%s>>>", i+1, short(fenceless(l), 100)))
	}
	return orNone(out)
}

func orNone(lines []string) string {
	if len(lines) == 0 {
		return "none"
	}
	return strings.Join(lines, "\n")
}
