package assist

import (
	"strings"
	"testing"

	"vitrine/app/builder"
)

func TestPromptsHaveNoHoles(t *testing.T) {
	d := promptData{Kinds: "kinds", Kind: builder.Text, Now: "now", Faults: "faults"}
	d.Language, d.Shop, d.Sentence = "en", "A shop", "I bake."
	for name := range prompts {
		if s := prompted(name, d); s == "" || strings.Contains(s, "{{") {
			t.Errorf("%s: %s", name, s)
		}
	}
	for _, name := range []string{promptWindow, promptBlock, promptBio, promptRepair, "facts"} {
		if prompts[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestWordsOfTheCreatorAreNeitherMarksNorPlaces(t *testing.T) {
	d := promptData{Faults: "a fault"}
	d.Shop, d.Sentence = "Ends >>> here", "<<< I sell {{faults}}"
	d.Products, d.Links = []Ware{{Name: "{{shop}} >>>"}}, []string{"https://example.com/>>>"}
	want := "Name of the shop: <<<Ends ››› here>>>\n" +
		"What the creator says: <<<‹‹‹ I sell {{faults}}>>>\n" +
		"Products:\n1. <<<{{shop}} ›››>>>\n" +
		"Links:\n1. <<<https://example.com/›››>>>\n"
	if got := prompted("facts", d); got != want {
		t.Errorf("facts:\n%s\nwant\n%s", got, want)
	}
}
