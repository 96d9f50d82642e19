// Package palette makes a whole readable theme from one colour, whatever the colour is.
//
// Neutrals are tinted with the colour's hue in OKLCH; everything that carries text is walked darker or lighter
// until it reaches its WCAG 2 contrast on every background it may stand on.
package palette

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Theme is the set of colours of a page, as #rrggbb.
type Theme struct {
	Paper, Pane, Sunk      string // backgrounds
	Accent, OnAccent, Edge string // filled buttons, the awning, tags; Edge is the border that a faint accent needs
	AccentText, AccentTint string // lettering in the house colour; a light surface of it
	Ink, Ink2, Line, Line2 string
	Bad, Good, LampText    string
	Dark                   bool
	Adjusted               bool // the colour itself could not carry the lettering
}

// Contrast promises, per WCAG 2.2 (1.4.3 for text, 1.4.11 for controls).
const (
	textContrast    = 4.5
	controlContrast = 3.0
)

// ErrColor says that a text is not a colour.
var ErrColor = errors.New("palette: not a colour like #2637c4")

// Parse reads #rgb or #rrggbb, with or without the #, and returns it as #rrggbb in lower case.
func Parse(s string) (string, error) {
	s = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(s), "#"))
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	if len(s) != 6 {
		return "", ErrColor
	}
	if _, err := strconv.ParseUint(s, 16, 32); err != nil {
		return "", ErrColor
	}
	return "#" + s, nil
}

// House makes the light or the dark theme of a colour.
func House(color string, dark bool) (Theme, error) {
	color, err := Parse(color)
	if err != nil {
		return Theme{}, err
	}
	seed := toLCH(color)
	t := math.Min(seed.c, .16)
	th := Theme{Dark: dark, Accent: color}
	if dark {
		th.Paper, th.Pane, th.Sunk = lch{.17, t * .16, seed.h}.hex(), lch{.215, t * .18, seed.h}.hex(), lch{.145, t * .14, seed.h}.hex()
		th.Ink, th.Line, th.AccentTint = lch{.955, .012, seed.h}.hex(), lch{.31, t * .22, seed.h}.hex(), lch{.25, t * .3, seed.h}.hex()
	} else {
		th.Paper, th.Pane, th.Sunk = lch{.976, t * .06, seed.h}.hex(), lch{.995, t * .012, seed.h}.hex(), lch{.945, t * .14, seed.h}.hex()
		th.Ink, th.Line, th.AccentTint = lch{.235, math.Min(t*.45, .06), seed.h}.hex(), lch{.875, t * .2, seed.h}.hex(), lch{.945, t * .14, seed.h}.hex()
	}
	th.letter(seed, t)
	return th, nil
}

// letter finds everything that must be read.
func (th *Theme) letter(seed lch, t float64) {
	grounds := []string{th.Paper, th.Pane, th.Sunk, th.AccentTint}
	dir := -1.0
	if th.Dark {
		dir = 1
	}
	pick := func(light, dark float64) float64 {
		if th.Dark {
			return dark
		}
		return light
	}
	th.OnAccent = onAccent(th.Accent, seed)
	th.Edge = th.Accent
	if least(th.Accent, grounds) < controlContrast {
		th.Edge = solve(seed, grounds, 3.05, dir)
	}
	start := seed
	start.l = pick(math.Min(seed.l, .62), math.Max(seed.l, .6))
	th.AccentText = solve(start, grounds, 4.6, dir)
	// A pale colour darkened into contrast turns to mud: letter in ink and keep the colour for large surfaces.
	if math.Abs(seed.l-toLCH(th.AccentText).l) > .3 {
		th.AccentText = th.Ink
	}
	th.Adjusted = th.AccentText != th.Accent
	th.Ink2 = solve(lch{pick(.52, .62), t * .28, seed.h}, grounds, 6, dir)
	th.Line2 = solve(lch{pick(.7, .42), t * .3, seed.h}, grounds, 3.05, dir)
	signal := func(hex string) string {
		c := toLCH(hex)
		if th.Dark {
			c.l = math.Max(c.l, .72)
		}
		return solve(c, grounds, 4.55, dir)
	}
	th.Bad, th.Good, th.LampText = signal("#c4321a"), signal("#17693f"), signal("#855400")
}

func onAccent(accent string, seed lch) string {
	for _, c := range []string{"#ffffff", lch{.16, math.Min(seed.c, .04), seed.h}.hex(), "#000000"} {
		if Contrast(c, accent) >= textContrast {
			return c
		}
	}
	return "#ffffff" // cannot happen: black or white reaches 4.58 on every colour
}

// CSS is the theme as custom properties, without a selector.
func (th Theme) CSS() string {
	scheme, ring, glint := "light", "#9A6500", ".34"
	if th.Dark {
		scheme, ring, glint = "dark", "transparent", ".035"
	}
	return fmt.Sprintf("color-scheme:%s;--paper:%s;--pane:%s;--sunk:%s;--ink:%s;--ink-2:%s;--line:%s;--line-2:%s;--sill:%s;"+
		"--accent:%s;--on-accent:%s;--edge:%s;--accent-text:%s;--accent-tint:%s;--lamp:#FFB81C;--lamp-ring:%s;--lamp-text:%s;--good:%s;--bad:%s;--info:%s;--glint-c:rgb(255 255 255/%s);",
		scheme, th.Paper, th.Pane, th.Sunk, th.Ink, th.Ink2, th.Line, th.Line2, th.Ink,
		th.Accent, th.OnAccent, th.Edge, th.AccentText, th.AccentTint, ring, th.LampText, th.Good, th.Bad, th.AccentText, glint)
}

// Contrast is the WCAG 2 ratio of two #rrggbb colours, from 1 to 21.
func Contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + .05) / (math.Min(x, y) + .05)
}

func least(c string, grounds []string) float64 {
	out := math.Inf(1)
	for _, g := range grounds {
		out = math.Min(out, Contrast(c, g))
	}
	return out
}

// solve walks the lightness of c until it reaches need on all grounds.
func solve(c lch, grounds []string, need, dir float64) string {
	for l := c.l; l >= 0 && l <= 1; l += dir * .005 {
		if h := (lch{l, c.c, c.h}).hex(); least(h, grounds) >= need {
			return h
		}
	}
	if dir < 0 {
		return "#000000"
	}
	return "#ffffff"
}

func luminance(hex string) float64 {
	r, g, b := linear(hex)
	return .2126*r + .7152*g + .0722*b
}

func linear(hex string) (r, g, b float64) {
	n, _ := strconv.ParseUint(hex[1:], 16, 32)
	f := func(v uint64) float64 { return gammaTable[v&255] }
	return f(n >> 16), f(n >> 8), f(n)
}

// gammaTable holds the linear light of each sRGB byte (IEC 61966-2-1).
var gammaTable = func() (t [256]float64) {
	for i := range t {
		v := float64(i) / 255
		if v <= .04045 {
			t[i] = v / 12.92
		} else {
			t[i] = math.Pow((v+.055)/1.055, 2.4)
		}
	}
	return t
}()
