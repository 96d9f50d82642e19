package palette

import (
	"fmt"
	"sync"
	"testing"
)

// All 5,832 colours of a grid through the cube, light and dark: 11,664 themes.
func TestEveryColourMakesAReadableTheme(t *testing.T) {
	var seeds []string
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				seeds = append(seeds, fmt.Sprintf("#%02x%02x%02x", r, g, b))
			}
		}
	}
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			for i := part; i < len(seeds); i += 4 {
				for _, dark := range []bool{false, true} {
					th, err := House(seeds[i], dark)
					if err != nil {
						t.Error(err)
						return
					}
					checkTheme(t, seeds[i], th)
				}
			}
		})
	}
	wg.Wait()
	if n := 2 * len(seeds); n != 11_664 {
		t.Fatalf("%d themes", n)
	}
}

func checkTheme(t *testing.T, seed string, th Theme) {
	t.Helper()
	need := func(what, a, b string, min float64) {
		if got := Contrast(a, b); got < min {
			t.Errorf("%s dark=%v: %s %s on %s is %.2f, want %.1f", seed, th.Dark, what, a, b, got, min)
		}
	}
	need("button text", th.OnAccent, th.Accent, textContrast)
	for _, ground := range []string{th.Paper, th.Pane, th.Sunk, th.AccentTint} {
		for what, c := range map[string]string{"lettering": th.AccentText, "ink": th.Ink, "quiet ink": th.Ink2, "bad": th.Bad, "good": th.Good, "lamp text": th.LampText} {
			need(what, c, ground, textContrast)
		}
		need("control border", th.Line2, ground, controlContrast)
		need("button edge", th.Edge, ground, controlContrast)
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]string{"#2637C4": "#2637c4", "2637c4": "#2637c4", " #fE0 ": "#ffee00", "": "", "#12": "", "red": "", "#12345g": "", "#1234567": ""} {
		got, err := Parse(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func BenchmarkHouse(b *testing.B) {
	for b.Loop() {
		if _, err := House("#2637c4", false); err != nil {
			b.Fatal(err)
		}
	}
}
