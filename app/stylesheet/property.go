package stylesheet

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

// place is where a declaration stands.
type place int

const (
	inElement place = iota
	inPseudo        // all selectors of its rule end in ::before or ::after
	inFrames
)

// takes is what a property accepts beside plain words.
type takes uint16

const (
	lengths  takes = 1 << iota // 1rem, 0
	percents                   // 50%
	numbers
	colors
	angles
	times
	sums      // calc(), min(), max(), clamp()
	own       // var(--my-…)
	gradients // and pictures of ours
	strings1  // the text of a font's name
	ornaments // short texts without letters or digits
	commas
	slashes
	tracks // repeat(), minmax(), fr
)

// property is what is known of one.
type property struct {
	takes
	min, max float64  // of lengths, in px; both 0: 0 to 4,000
	low, top float64  // of numbers; both 0: 0 to 1,000
	words    []string // the only words; nil: any but those denied
	deny     []string
	funcs    []string
	strong   bool                    // it could hide, cover or push away what is ours
	tame     func(value string) bool // which values are not strong after all; nil: what strong says
	only     place
	shape    *regexp.Regexp // the whole value, when its parts say too little
	why      string         // it is wanted for words that are not taken
}

const (
	far    = 4000.0
	little = 12.0
)

var properties = map[string]property{}

func define(p property, names string) {
	for _, n := range strings.Fields(names) {
		properties[n] = p
	}
}

var sides = []string{"top", "right", "bottom", "left", "block-start", "block-end", "inline-start", "inline-end", "block", "inline"}

func init() {
	padding := property{takes: lengths | percents | sums | own, tame: small}
	margin := property{takes: lengths | percents, max: 1000, words: []string{"auto"}, tame: small, why: "a negative margin would push things over each other"}
	color := property{takes: colors | own}
	word := property{takes: own}

	define(color, "color background-color border-color text-decoration-color column-rule-color fill stroke")
	define(property{takes: colors | own | lengths | percents | sums | gradients | commas | slashes, min: -far, max: far, deny: []string{"fixed"}, why: "a background that stays in place slows phones down"}, "background")
	define(property{takes: gradients | commas}, "background-image")
	define(property{takes: lengths | percents | sums | own | commas, min: -far, max: far}, "background-position background-size object-position")
	define(property{takes: commas, words: []string{"repeat", "repeat-x", "repeat-y", "no-repeat", "space", "round", "border-box", "padding-box", "content-box"}}, "background-repeat background-origin background-clip")

	line := property{takes: lengths | colors | own, max: 64}
	width := property{takes: lengths | own, max: 64}
	radius := property{takes: lengths | percents | own | slashes, max: far}
	define(line, "border")
	define(width, "border-width")
	define(word, "border-style")
	define(radius, "border-radius border-top-left-radius border-top-right-radius border-bottom-left-radius border-bottom-right-radius border-start-start-radius border-start-end-radius border-end-start-radius border-end-end-radius")
	for _, s := range sides {
		define(line, "border-"+s)
		define(width, "border-"+s+"-width")
		define(word, "border-"+s+"-style")
		define(color, "border-"+s+"-color")
		define(padding, "padding-"+s)
		define(margin, "margin-"+s)
	}
	define(padding, "padding gap row-gap column-gap")
	define(margin, "margin")
	define(property{takes: lengths | percents | sums | own, tame: wide}, "width inline-size max-width max-inline-size")
	define(property{takes: lengths | percents | sums | own, strong: true}, "min-width min-inline-size flex-basis column-width")
	define(property{takes: lengths | colors | own | commas, min: -60, max: 60}, "box-shadow text-shadow")
	define(property{takes: lengths | percents | sums | own, max: 1000}, "min-height min-block-size")
	define(property{takes: numbers | slashes}, "aspect-ratio")

	define(property{takes: strings1 | commas | own, words: nil}, "font-family")
	define(property{takes: lengths | percents | sums | own, max: 320}, "font-size")
	define(property{takes: lengths | percents | numbers | sums | own, max: 640}, "line-height")
	define(property{takes: lengths | percents | numbers | strings1 | commas | slashes | own, max: 320}, "font")
	define(property{takes: numbers | own}, "font-weight")
	define(property{takes: percents | own}, "font-stretch")
	define(property{takes: lengths | own, min: -4, max: 64}, "letter-spacing word-spacing")
	define(property{takes: lengths | percents | own, max: 320}, "text-indent")
	define(word, "font-style font-variant font-variant-caps font-variant-numeric font-variant-ligatures font-kerning font-optical-sizing text-align text-align-last text-transform text-decoration-line text-decoration-style text-wrap overflow-wrap word-break hyphens white-space list-style-position vertical-align text-rendering line-break")
	define(property{takes: lengths | percents | colors | own, max: 64}, "text-decoration text-decoration-thickness text-underline-offset")
	define(property{takes: ornaments}, "list-style-type list-style")
	define(property{takes: ornaments, deny: []string{"contents", "attr"}, funcs: []string{"counter", "counters"}}, "content")
	define(property{takes: ornaments}, "quotes")
	define(property{takes: numbers, low: -1000, top: 1000}, "counter-reset counter-increment counter-set")

	define(property{words: []string{"block", "inline", "inline-block", "flex", "inline-flex", "grid", "inline-grid", "flow-root", "list-item", "table", "table-row", "table-cell", "none"}, strong: true}, "display")
	define(word, "object-fit")
	define(property{strong: true}, "flex-direction flex-wrap flex-flow justify-content justify-items justify-self align-content align-items align-self place-content place-items place-self")
	define(property{takes: numbers | lengths | percents, strong: true}, "flex flex-grow flex-shrink")
	define(property{takes: numbers, low: -20, top: 20, strong: true}, "order")
	define(property{takes: lengths | percents | sums | tracks | commas, strong: true}, "grid-template-columns grid-template-rows grid-auto-rows grid-auto-columns")
	define(property{words: []string{"row", "column", "dense"}, strong: true}, "grid-auto-flow")
	define(property{takes: numbers | slashes, low: -1, top: 12, words: []string{"span", "auto"}, shape: regexp.MustCompile(`^(?:auto|1/-1|span [1-9][0-9]?)$`), why: "things could lie on top of each other: use `span 2` or `1 / -1`"}, "grid-column")
	define(property{takes: numbers, low: 1, top: 12, words: []string{"span", "auto"}, shape: regexp.MustCompile(`^(?:auto|span [1-9][0-9]?)$`), why: "things could lie on top of each other: use `span 2`"}, "grid-row")
	define(property{takes: numbers, low: 1, top: 6, strong: true}, "columns column-count")
	define(property{takes: lengths | colors, max: 20}, "column-rule")
	define(property{words: []string{"auto", "default", "pointer", "help", "text", "zoom-in"}}, "cursor")
	define(property{words: []string{"auto", "avoid"}}, "break-inside")
	define(property{takes: times | commas, funcs: []string{"cubic-bezier", "steps"}}, "transition transition-duration transition-delay transition-timing-function transition-property")

	still := []string{"translate", "translatex", "translatey", "rotate", "scale", "scalex", "scaley", "skew", "skewx", "skewy"}
	define(property{takes: numbers | percents, low: .2, top: 1, strong: true, why: "what cannot be seen can still be tapped"}, "opacity")
	define(property{takes: lengths | numbers | angles | commas, min: -little, max: little, low: .9, top: 1.1, words: []string{"none"}, funcs: still, strong: true, shape: regexp.MustCompile(`^[^()]*(?:\([^()]*\) ?[^()]*){0,2}$`), why: "it may move, turn or grow a little, not leave its place"}, "transform")
	define(property{takes: lengths, min: -little, max: little, words: []string{"none"}, strong: true, why: "it may move, turn or grow a little, not leave its place"}, "translate")
	define(property{takes: angles, words: []string{"none"}, strong: true, why: "it may move, turn or grow a little, not leave its place"}, "rotate")
	define(property{takes: numbers, low: .9, top: 1.1, words: []string{"none"}, strong: true, why: "it may move, turn or grow a little, not leave its place"}, "scale")
	define(property{takes: lengths | percents | numbers | angles | colors, max: 40, low: 0, top: 3, words: []string{"none"}, strong: true, funcs: []string{"blur", "brightness", "contrast", "grayscale", "hue-rotate", "saturate", "sepia", "drop-shadow", "invert"}}, "filter")
	define(property{words: []string{"normal", "multiply", "screen", "overlay", "darken", "lighten", "soft-light", "hard-light", "luminosity", "color"}, strong: true}, "mix-blend-mode")
	define(property{words: []string{"visible", "hidden"}, strong: true}, "visibility")
	define(property{words: []string{"visible", "hidden", "clip", "auto"}, strong: true}, "overflow overflow-x overflow-y")
	define(property{takes: lengths | percents | sums, max: 2000, strong: true}, "height block-size max-height max-block-size")
	define(property{takes: percents | lengths | commas, max: far, words: []string{"none", "at", "round"}, funcs: []string{"inset", "circle", "ellipse", "polygon"}, strong: true}, "clip-path")
	define(property{takes: times | numbers | commas, funcs: []string{"cubic-bezier", "steps"}, strong: true}, "animation animation-name animation-duration animation-delay animation-timing-function animation-iteration-count animation-direction animation-fill-mode animation-play-state")

	define(property{words: []string{"static", "relative", "absolute"}, strong: true, why: "only `::before` and `::after` may leave their place"}, "position")
	define(property{takes: lengths | percents, min: -200, max: 2000, words: []string{"auto"}, strong: true, only: inPseudo}, "top right bottom left inset inset-block inset-inline inset-block-start inset-block-end inset-inline-start inset-inline-end")
	define(property{takes: numbers, low: -1, top: 1, words: []string{"auto"}, strong: true, only: inPseudo, why: "nothing may lie above what is for sale"}, "z-index")
	define(property{words: []string{"none", "auto"}, only: inPseudo, why: "what can be seen must be what is tapped"}, "pointer-events")
}

// refused say why a property is not known, where there is more to say.
var refused = map[string]string{
	"behavior": "it runs programs", "-moz-binding": "it runs programs", "outline": "the frame round what has the focus is for people who use a keyboard", "outline-style": "the frame round what has the focus is for people who use a keyboard",
	"outline-width": "the frame round what has the focus is for people who use a keyboard", "outline-color": "the frame round what has the focus is for people who use a keyboard",
	"all": "name what you want to change", "float": "use `display: flex` or `grid`", "src": "fonts cannot be loaded", "zoom": "use `font-size`",
	"grid-area": "things could lie on top of each other: use `grid-column: span 2`", "grid-template-areas": "things could lie on top of each other: use `grid-column: span 2`",
	"backdrop-filter": "it slows phones down", "will-change": "it slows phones down", "user-select": "people may copy what they read",
	"mask": "pictures of other addresses could be named in it", "direction": "it could turn prices round", "unicode-bidi": "it could turn prices round", "writing-mode": "it could turn prices round",
}

var animationWords = map[string]bool{}

func init() {
	for _, w := range strings.Fields("infinite linear ease ease-in ease-out ease-in-out step-start step-end alternate alternate-reverse normal reverse forwards backwards both none paused running initial inherit unset revert") {
		animationWords[w] = true
	}
}

// small says that a distance pushes nothing out of sight, on a phone neither.
func small(value string) bool {
	for _, x := range strings.Fields(value) {
		v, unit, ok := amount(x)
		inRange := ok && v*pixels[unit] <= 40 && (unit == "px" || unit == "rem" || unit == "") || ok && unit == "%" && v <= 10
		if !inRange && x != "auto" && !(strings.HasPrefix(x, "var(--s-") && strings.HasSuffix(x, ")")) {
			return false
		}
	}
	return true
}

// wide says that a width leaves room for a button, and does not leave the page.
func wide(value string) bool {
	v, unit, ok := amount(value)
	return value == "auto" || value == "none" || ok && unit == "%" && v >= 60 && v <= 100
}

// declaration reads "color: red". strong says that it could hide or cover what is ours.
func (p *parser) declaration(toks []token, at place) (d decl, strong bool, why *problem) {
	i := slices.IndexFunc(toks, func(t token) bool { return t.TokenType == css.ColonToken })
	if i < 0 {
		return d, false, because("`%s` is not a declaration like `color: green`.", snippet(toks))
	}
	head, value := trim(toks[:i]), trim(toks[i+1:])
	if len(head) != 1 || head[0].TokenType != css.IdentToken && head[0].TokenType != css.CustomPropertyNameToken {
		return d, false, because("`%s` is not a declaration like `color: green`.", snippet(toks))
	}
	prop := strings.ToLower(head[0].text)
	spec, known := properties[prop]
	if strings.HasPrefix(prop, "--") {
		if !strings.HasPrefix(prop, "--my-") || !name.MatchString(prop[2:]) {
			return d, false, because("`%s` is not yours to set: names of your own begin with `--my-`. Our colours are chosen in Theme.", snippet(head))
		}
		spec, known = property{takes: lengths | percents | numbers | colors | angles | times | sums | own | commas | slashes, min: -far, max: far, low: -1000, top: 1000}, true
	}
	if !known {
		if why := refused[prop]; why != "" {
			return d, false, because("`%s` is not allowed: "+why+".", snippet(head))
		}
		return d, false, because("`%s` is not a property that can be used here.", snippet(head))
	}
	if len(value) == 0 {
		return d, false, because("`%s` has no value.", prop)
	}
	if why := misplaced(prop, spec, at); why != nil {
		return d, false, why
	}
	r := reader{p: p, prop: prop, spec: spec, at: at}
	text, why := r.value(value)
	if why != nil {
		return d, false, why
	}
	if spec.shape != nil && !spec.shape.MatchString(text) {
		return d, false, r.refuse(value...)
	}
	if prop == "position" && text == "absolute" && at != inPseudo {
		return d, false, because("`position: %s` is not allowed: %s.", text, spec.why)
	}
	return decl{prop, text}, spec.strong || spec.tame != nil && !spec.tame(text), nil
}

func misplaced(prop string, spec property, at place) *problem {
	switch {
	case spec.only == inPseudo && at != inPseudo:
		return because("`%s` is allowed for `::before` and `::after` alone: other things keep their place.", prop)
	case at == inFrames && (strings.HasPrefix(prop, "animation") || prop == "position" || prop == "content"):
		return because("`%s` cannot stand inside an animation.", prop)
	case prop == "content" && at != inPseudo:
		return because("`%s` is allowed for `::before` and `::after` alone.", prop)
	}
	return nil
}
