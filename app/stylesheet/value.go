package stylesheet

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tdewolff/parse/v2/css"
)

var (
	colorFuncs    = []string{"rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color-mix"}
	sumFuncs      = []string{"calc", "min", "max", "clamp"}
	gradientFuncs = []string{"linear-gradient", "radial-gradient", "conic-gradient", "repeating-linear-gradient", "repeating-radial-gradient", "repeating-conic-gradient"}
	trackFuncs    = []string{"repeat", "minmax", "fit-content"}

	// ourNames are what var() may ask for beside names that begin with --my-.
	ourNames = strings.Fields(`paper pane sunk ink ink-2 line line-2 sill accent on-accent edge accent-text accent-tint lamp lamp-text good bad
		ff-sign ff-sys t-xs t-sm t-md t-lg t-xl t-2xl t-3xl t-4xl s-1 s-2 s-3 s-4 s-5 s-6 s-8 s-10 s-12 s-16 r-1 r-2 r-3 r-full ease dur-1 dur-2`)

	// pixels is about how long a unit is: to keep things within bounds, not to draw them.
	pixels = map[string]float64{"px": 1, "rem": 16, "em": 16, "ch": 9, "ex": 8, "lh": 24, "rlh": 24, "vw": 13, "vh": 8, "vmin": 8, "vmax": 13, "svh": 8, "dvh": 8, "lvh": 8, "svw": 13, "dvw": 13, "lvw": 13,
		"pt": 1.34, "pc": 16, "in": 96, "cm": 38, "mm": 3.8, "q": 1}

	hexColor = regexp.MustCompile(`^#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$`)
	word     = regexp.MustCompile(`^-?[a-z][a-z0-9-]{0,40}$`)
	fontName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 '-]{0,50}$`)
	ownMedia = regexp.MustCompile(`^url\(\s*(["']?)media:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(["']?)\s*\)$`)
)

// reader reads one value.
type reader struct {
	p    *parser
	prop string
	spec property
	at   place
	sum  int // how deep in calc() and the like
	tint int // how deep in colours and gradients, whose numbers are bounded by themselves
	ease int // how deep in cubic-bezier() and steps()
}

func (r *reader) takes(t takes) bool { return r.spec.takes&t != 0 }

func (r *reader) refuse(toks ...token) *problem {
	if r.spec.why != "" {
		return because("`%s: %s` is not allowed: "+r.spec.why+".", r.prop, snippet(toks))
	}
	return because("`%s` cannot be `%s` here.", r.prop, snippet(toks))
}

// value prints the value, one space between its parts and none round commas.
func (r *reader) value(toks []token) (string, *problem) {
	var b strings.Builder
	for i := 0; i < len(toks); {
		if toks[i].TokenType == css.WhitespaceToken {
			i++
			continue
		}
		text, n, why := r.part(toks[i:])
		if why != nil {
			return "", why
		}
		if s := b.String(); s != "" && text != "," && text != "/" && text[0] != ' ' && !strings.ContainsRune(",/ ", rune(s[len(s)-1])) {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		i += n
	}
	s := strings.TrimSpace(b.String())
	if s == "" || len(s) > 1000 {
		return "", r.refuse(toks...)
	}
	return s, nil
}

// part reads one token, or a function with all it holds.
func (r *reader) part(toks []token) (string, int, *problem) {
	t := toks[0]
	text := strings.ToLower(t.text)
	switch t.TokenType {
	case css.IdentToken:
		return r.word(t, text)
	case css.CustomPropertyNameToken:
		return "", 0, because("Use `%s` as `var(%s)`.", snippet(toks[:1]), snippet(toks[:1]))
	case css.HashToken:
		if !r.takes(colors|gradients) || !hexColor.MatchString(text) {
			return "", 0, r.refuse(t)
		}
		return text, 1, nil
	case css.NumberToken, css.PercentageToken, css.DimensionToken:
		return r.amount(t, text)
	case css.CommaToken:
		if !r.takes(commas) && r.sum == 0 && r.tint == 0 && r.ease == 0 {
			return "", 0, r.refuse(t)
		}
		return ",", 1, nil
	case css.StringToken:
		return r.text(t)
	case css.URLToken:
		return r.picture(t)
	case css.FunctionToken:
		return r.function(toks, strings.TrimSuffix(text, "("))
	case css.DelimToken:
		switch {
		case text == "/" && (r.takes(slashes) || r.tint > 0 || r.sum > 0):
			return "/", 1, nil
		case (text == "+" || text == "-" || text == "*") && r.sum > 0:
			return " " + text + " ", 1, nil
		case text == "!":
			return "", 0, because("`!important` is not needed: your rules come last.")
		}
	case css.LeftParenthesisToken:
		if r.sum > 0 {
			inner, n, why := r.inside(toks)
			return "(" + inner + ")", n, why
		}
	case css.BadURLToken:
		return "", 0, notOurs(t)
	}
	return "", 0, r.refuse(t)
}

func notOurs(t token) *problem {
	return because("`%s` is not allowed: only pictures of your own can be shown, as `url(media:…)`.", snippet([]token{t}))
}

func (r *reader) word(t token, text string) (string, int, *problem) {
	switch {
	case r.takes(strings1) && fontName.MatchString(t.text):
		return t.text, 1, nil
	case !word.MatchString(text), slices.Contains(r.spec.deny, text):
		return "", 0, r.refuse(t)
	case text == "inherit" || text == "initial" || text == "unset" || text == "revert":
		if r.spec.strong {
			return "", 0, r.refuse(t)
		}
		return text, 1, nil
	case r.spec.words != nil && !slices.Contains(r.spec.words, text):
		return "", 0, r.refuse(t)
	case (r.prop == "animation" || r.prop == "animation-name") && !animationWords[text]:
		if !r.p.frames[text] && !strings.HasPrefix(text, framePrefix) {
			return "", 0, because("There is no animation called `%s`: write it with `@keyframes %s`.", text, text)
		}
		return frameName(text), 1, nil
	}
	return text, 1, nil
}

func (r *reader) amount(t token, text string) (string, int, *problem) {
	v, unit, ok := amount(text)
	if !ok {
		return "", 0, r.refuse(t)
	}
	if r.ease > 0 {
		if unit != "" || v < -10 || v > 100 {
			return "", 0, r.refuse(t)
		}
		return text, 1, nil
	}
	px, isLength := pixels[unit]
	isLength = isLength || unit == "" && v == 0 && r.takes(lengths)
	fits := false
	switch {
	case r.tint > 0 && (unit == "" || unit == "%"):
		fits = v >= -400 && v <= 1000
	case isLength:
		lo, hi := r.spec.min, r.spec.max
		if hi == 0 {
			hi = far
		}
		if r.sum > 0 && lo == 0 {
			lo = -hi // within a sum; what comes out of it the browser keeps at nought or more
		}
		if hi <= 64 && unit != "px" && unit != "rem" && unit != "em" && unit != "" {
			break
		}
		if r.spec.strong && hi == little && unit == "em" {
			break
		}
		fits = (r.takes(lengths) || r.tint > 0) && v*px >= lo && v*px <= hi
	case unit == "%":
		fits = r.takes(percents) && v <= 1000 && (v >= 0 || r.spec.min < 0 && v >= -200)
		if r.prop == "opacity" {
			fits = v >= 20 && v <= 100
		}
	case unit == "":
		lo, hi := r.spec.low, r.spec.top
		if hi == 0 {
			hi = 1000
		}
		fits = r.takes(numbers) && v >= lo && v <= hi || r.sum > 0
	case unit == "deg" || unit == "turn" || unit == "rad" || unit == "grad":
		fits = r.tint > 0 || r.takes(angles) && (r.prop == "filter" || r.prop[:2] == "--" || abs(v*degrees[unit]) <= 8)
	case unit == "s" || unit == "ms":
		fits = r.takes(times) && v >= -60_000 && v <= 60_000
	case unit == "fr":
		fits = r.takes(tracks) && v >= 0 && v <= 24
	}
	if !fits {
		return "", 0, r.refuse(t)
	}
	return text, 1, nil
}

var degrees = map[string]float64{"deg": 1, "turn": 360, "rad": 57.3, "grad": .9}

func abs(v float64) float64 { return max(v, -v) }

// text takes the name of a font, or an ornament: nothing that could be read as a word or a price.
func (r *reader) text(t token) (string, int, *problem) {
	if len(t.text) < 2 || t.text[0] != t.text[len(t.text)-1] {
		return "", 0, r.refuse(t)
	}
	inner := t.text[1 : len(t.text)-1]
	if r.takes(strings1) && fontName.MatchString(inner) && !strings.Contains(inner, "'") {
		return `"` + inner + `"`, 1, nil
	}
	if !r.takes(ornaments) {
		return "", 0, r.refuse(t)
	}
	runes := []rune(inner)
	if len(runes) > 4 || slices.ContainsFunc(runes, func(c rune) bool {
		return unicode.IsLetter(c) || unicode.IsNumber(c) || unicode.IsControl(c) || unicode.Is(unicode.Sc, c) || unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Co, c) || unicode.IsMark(c) && c != 0xFE0F || strings.ContainsRune("\"\\<>&\uFFFD", c)
	}) {
		return "", 0, because("`%s: %s` is not allowed: texts stand in your blocks. An ornament has up to four signs and no letters or digits.", r.prop, snippet([]token{t}))
	}
	return `"` + inner + `"`, 1, nil
}

// picture takes url(media:ID).
func (r *reader) picture(t token) (string, int, *problem) {
	m := ownMedia.FindStringSubmatch(t.text)
	if !r.takes(gradients) || r.tint > 0 || m == nil || m[1] != m[3] {
		return "", 0, notOurs(t)
	}
	return "url(media:" + m[2] + ")", 1, nil
}

func (r *reader) function(toks []token, f string) (string, int, *problem) {
	switch {
	case f == "url" || f == "src" || f == "image" || f == "image-set" || f == "-webkit-image-set" || f == "cross-fade" || f == "element" || f == "paint":
		return "", 0, notOurs(toks[0])
	case f == "var":
		return r.variable(toks)
	case f == "expression":
		return "", 0, because("`%s` is not allowed: it runs programs.", "expression()")
	}
	in := *r
	switch {
	case slices.Contains(colorFuncs, f) && r.takes(colors|gradients), slices.Contains(gradientFuncs, f) && r.takes(gradients):
		in.tint++
	case slices.Contains(sumFuncs, f) && (r.takes(sums) || r.tint > 0):
		in.sum++
	case slices.Contains(trackFuncs, f) && r.takes(tracks):
	case slices.Contains(r.spec.funcs, f):
		if f == "cubic-bezier" || f == "steps" {
			in.ease++
		}
		if strings.HasPrefix(f, "scale") && slices.ContainsFunc(toks[1:], func(t token) bool { return t.TokenType == css.DimensionToken }) {
			return "", 0, r.refuse(toks[0])
		}
	default:
		return "", 0, because("`%s()` cannot be used in `%s`.", f, r.prop)
	}
	inner, n, why := in.inside(toks)
	return f + "(" + inner + ")", n, why
}

// inside reads what stands between a bracket and its end.
func (r *reader) inside(toks []token) (string, int, *problem) {
	deep := 0
	for i, t := range toks {
		switch t.TokenType {
		case css.FunctionToken, css.LeftParenthesisToken:
			deep++
		case css.RightParenthesisToken:
			if deep--; deep == 0 {
				inner, why := r.value(trim(toks[1:i]))
				return inner, i + 1, why
			}
		}
		if deep > 6 {
			break
		}
	}
	return "", 0, r.refuse(toks...)
}

// variable reads var(--my-x, 1rem).
func (r *reader) variable(toks []token) (string, int, *problem) {
	end, deep := 0, 0
	for i, t := range toks {
		if t.TokenType == css.FunctionToken || t.TokenType == css.LeftParenthesisToken {
			deep++
		} else if t.TokenType == css.RightParenthesisToken {
			if deep--; deep == 0 {
				end = i
				break
			}
		}
	}
	if end == 0 {
		return "", 0, r.refuse(toks...)
	}
	args := trim(toks[1:end])
	if len(args) == 0 || args[0].TokenType != css.CustomPropertyNameToken {
		return "", 0, r.refuse(toks[:end+1]...)
	}
	v := strings.ToLower(args[0].text)
	ours := slices.Contains(ourNames, v[2:])
	if !ours && (!strings.HasPrefix(v, "--my-") || !name.MatchString(v[2:])) {
		return "", 0, because("There is no `%s`: names of your own begin with `--my-`.", snippet(args[:1]))
	}
	if !ours && !r.takes(own) && r.tint == 0 {
		return "", 0, because("`%s` takes no `%s`: what it holds could be anything.", r.prop, snippet(args[:1]))
	}
	rest := trim(args[1:])
	if len(rest) == 0 {
		return "var(" + v + ")", end + 1, nil
	}
	if rest[0].TokenType != css.CommaToken || len(trim(rest[1:])) == 0 {
		return "", 0, r.refuse(toks[:end+1]...)
	}
	in := *r
	inner, why := in.value(trim(rest[1:]))
	return "var(" + v + "," + inner + ")", end + 1, why
}
