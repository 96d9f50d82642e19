package text_test

import (
	"strings"
	"testing"

	"vitrine/views/text"
)

func TestThePseudoLocaleKeepsVerbsAndShowsItself(t *testing.T) {
	ctx := text.With(t.Context(), "en-XA")
	got := text.T(ctx, "Hello %s, %d of 100%% left", "Ada", 3)
	if !strings.Contains(got, "Ada") || !strings.Contains(got, "3 óf 100% ") || !text.IsPseudo(got) {
		t.Fatalf("%q", got)
	}
	if text.IsPseudo("Hello") || !text.IsPseudo("12 · 3") {
		t.Fatal("bare English passes, or numbers do not")
	}
	if len(got) < len("Hello Ada, 3 of 100% left")*13/10 {
		t.Fatalf("not longer: %q", got)
	}
}

func TestEnglishIsTheKey(t *testing.T) {
	for accept, want := range map[string]string{"": "en", "de-DE,de;q=0.9": "en", "en-GB,en;q=0.8": "en", "en-XA": "en-XA", "fr, en-XA;q=0.5": "en-XA"} {
		if got := text.Locale(text.With(t.Context(), accept)); got != want {
			t.Errorf("%q chose %q", accept, got)
		}
	}
	if got := text.N(t.Context(), 1, "%d order", "%d orders") + text.N(t.Context(), 1204, ", %d order", ", %d orders"); got != "1 order, 1204 orders" {
		t.Fatal(got)
	}
	if got := text.Number(t.Context(), 1204); got != "1,204" {
		t.Fatal(got)
	}
}
