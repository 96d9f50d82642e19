package palette

import (
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
)

// pairs are every token that carries text or marks a control, on every ground it may stand on: the page, panes, what
// is sunk, tinted surfaces and the stripes of backgrounds, and the house colour itself as a painted board.
func pairs(th Theme) (out []pair) {
	for _, ground := range []string{th.Paper, th.Pane, th.Sunk, th.AccentTint} {
		for name, c := range map[string]string{"ink": th.Ink, "ink-2": th.Ink2, "accent-text": th.AccentText, "good": th.Good, "bad": th.Bad, "lamp-text": th.LampText} {
			out = append(out, pair{name, c, ground, textContrast})
		}
		out = append(out, pair{"line-2", th.Line2, ground, controlContrast}, pair{"edge", th.Edge, ground, controlContrast}, pair{"sill", th.Ink, ground, controlContrast}, pair{"focus", th.Ink, ground, controlContrast})
	}
	return append(out, pair{"on-accent", th.OnAccent, th.Accent, textContrast}, pair{"focus on the board", th.OnAccent, th.Accent, controlContrast},
		// Dots and squared paper lay thin lines under large and small text alike.
		pair{"ink over lines", th.Ink, th.Line, textContrast}, pair{"accent-text over lines", th.AccentText, th.Line, controlContrast}, pair{"ink-2 over lines", th.Ink2, th.Line, controlContrast})
}

type pair struct {
	name, c, ground string
	need            float64
}

// The grid of what an eye tells apart: 36 hues, 9 chromas, 18 lightnesses, light and dark. Colours that no screen
// shows are taken as the nearest that one does.
func TestEveryHueChromaAndLightnessIsReadable(t *testing.T) {
	t.Parallel()
	themes, checked := 0, 0
	for hue := range 36 {
		for chroma := range 9 {
			for light := range 18 {
				seed := lch{float64(light) / 17, float64(chroma) * .04, float64(hue) * 10 * math.Pi / 180}.hex()
				for _, dark := range []bool{false, true} {
					th, err := House(seed, dark)
					if err != nil {
						t.Fatalf("%s: %v", seed, err)
					}
					themes++
					for _, p := range pairs(th) {
						checked++
						if got := Contrast(p.c, p.ground); got < p.need {
							t.Errorf("%s dark=%v: %s %s on %s is %.2f, want %.1f", seed, dark, p.name, p.c, p.ground, got, p.need)
						}
					}
				}
			}
		}
	}
	if themes != 11_664 || checked < 40*themes {
		t.Fatalf("%d themes, %d pairs", themes, checked)
	}
}

// Daylight and After hours are written by hand.
func TestOurOwnThemesAreReadable(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../static/src/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{}
	read := func(block string) {
		for _, m := range regexp.MustCompile(`--([a-z0-9-]+):\s*([^;]+);`).FindAllStringSubmatch(block, -1) {
			v := strings.TrimSpace(m[2])
			if x := regexp.MustCompile(`^var\(--([a-z0-9-]+)\)$`).FindStringSubmatch(v); x != nil {
				v = set[x[1]]
			}
			set[m[1]] = strings.ToLower(v)
		}
	}
	blocks := regexp.MustCompile(`(?s)([^{}]+)\{([^{}]+)\}`).FindAllStringSubmatch(string(b), -1)
	seen := 0
	for _, x := range blocks {
		read(x[2])
		if !strings.Contains(x[1], "data-theme") {
			continue
		}
		seen++
		th := Theme{Paper: set["paper"], Pane: set["pane"], Sunk: set["sunk"], Accent: set["accent"], OnAccent: set["on-accent"], Edge: set["accent"], AccentText: set["accent-text"], AccentTint: set["accent-tint"],
			Ink: set["ink"], Ink2: set["ink-2"], Line: set["line"], Line2: set["line-2"], Bad: set["bad"], Good: set["good"], LampText: set["lamp-text"]}
		for _, p := range pairs(th) {
			if !strings.HasPrefix(p.c, "#") || !strings.HasPrefix(p.ground, "#") {
				t.Fatalf("%s is not read: %q on %q", p.name, p.c, p.ground)
			}
			if got := Contrast(p.c, p.ground); got < p.need {
				t.Errorf("%s: %s %s on %s is %.2f, want %.1f", strings.TrimSpace(x[1]), p.name, p.c, p.ground, got, p.need)
			}
		}
	}
	if seen != 2 {
		t.Fatalf("%d themes in tokens.css", seen)
	}
}
