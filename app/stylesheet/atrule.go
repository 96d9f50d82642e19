package stylesheet

import (
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

// framePrefix keeps animations apart from ours.
const framePrefix = "my-"

// refusedAtRules say why they are not read.
var refusedAtRules = map[string]string{
	"@import":    "`@import` is not allowed: your window would load what others may change.",
	"@font-face": "`@font-face` is not allowed: choose a lettering in Theme, or name a font that devices have.",
	"@charset":   "`@charset` is not needed: your CSS is read as UTF-8.",
	"@namespace": "`@namespace` is not needed here.",
	"@page":      "`@page` is not allowed: how receipts and tickets print is ours.",
	"@property":  "`@property` is not read. Names that begin with `--my-` work without it.",
	"@layer":     "`@layer` is not read: your rules come last as they are.",
	"@container": "`@container` is not read yet. Use `@media`.",
	"@scope":     "`@scope` is not needed: your CSS stays in your window.",
}

func (p *parser) atRule(deep int) (node, bool) {
	start := p.at()
	word := strings.ToLower(start.text)
	known := word == "@media" || word == "@supports" || word == "@keyframes" || word == "@-webkit-keyframes"
	if !known || deep >= maxNested {
		switch text := refusedAtRules[word]; {
		case known:
			p.fault(start, "`%s` stands too deep inside others.", word)
		case text != "":
			p.fault(start, text)
		default:
			p.fault(start, "`%s` is not known here.", snippet([]token{start}))
		}
		p.skip()
		return node{}, false
	}
	p.i++
	prelude := p.until(css.LeftBraceToken, css.RightBraceToken, css.SemicolonToken)
	if p.at().TokenType != css.LeftBraceToken {
		p.fault(start, "`%s` has no block in braces.", word)
		p.i += min(1, len(p.toks)-p.i)
		return node{}, false
	}
	if word != "@media" && word != "@supports" {
		return p.keyframes(start, prelude)
	}
	read := p.media
	if word == "@supports" {
		read = p.supports
	}
	cond, why := read(prelude)
	if why != nil {
		p.fault(start, why.text, why.args...)
		p.skipBlock()
		return node{}, false
	}
	p.i++
	n := node{cond: word + " " + cond, nodes: p.list(deep + 1)}
	if p.end() {
		p.fault(start, "`%s` is not closed: } is missing.", word)
	}
	p.i += min(1, len(p.toks)-p.i)
	return n, len(n.nodes) > 0
}

// mediaFeatures are those that can be asked for. An empty list takes a length.
var mediaFeatures = map[string][]string{
	"min-width": nil, "max-width": nil, "min-height": nil, "max-height": nil,
	"prefers-color-scheme": {"light", "dark"}, "prefers-reduced-motion": {"reduce", "no-preference"}, "prefers-contrast": {"more", "less", "no-preference"},
	"orientation": {"portrait", "landscape"}, "hover": {"hover", "none"}, "pointer": {"fine", "coarse", "none"}, "any-hover": {"hover", "none"},
}

// media reads "screen and (min-width: 40rem), print".
func (p *parser) media(toks []token) (string, *problem) {
	var out []string
	for _, q := range split(toks, css.CommaToken) {
		var parts []string
		for i := 0; i < len(q); i++ {
			t := q[i]
			switch word := strings.ToLower(t.text); {
			case t.TokenType == css.WhitespaceToken:
			case t.TokenType == css.IdentToken && slices.Contains([]string{"screen", "print", "all", "and", "not", "only"}, word):
				parts = append(parts, word)
			case t.TokenType == css.LeftParenthesisToken:
				to := i
				for to < len(q) && q[to].TokenType != css.RightParenthesisToken {
					to++
				}
				f, ok := feature(trim(q[i+1 : min(to, len(q))]))
				if !ok || to == len(q) {
					return "", because("`@media %s` asks for something that is not known here.", snippet(toks))
				}
				parts, i = append(parts, f), to
			default:
				return "", because("`@media %s` asks for something that is not known here.", snippet(toks))
			}
		}
		if len(parts) == 0 {
			return "", because("`@media` does not say when.")
		}
		out = append(out, strings.Join(parts, " "))
	}
	return strings.Join(out, ","), nil
}

func feature(toks []token) (string, bool) {
	pair := split(toks, css.ColonToken)
	if len(pair) != 2 || len(pair[0]) != 1 || len(pair[1]) != 1 {
		return "", false
	}
	f, v := strings.ToLower(pair[0][0].text), strings.ToLower(pair[1][0].text)
	known, ok := mediaFeatures[f]
	if !ok {
		return "", false
	}
	if known == nil {
		n, unit, ok := amount(v)
		return "(" + f + ":" + v + ")", ok && n >= 0 && (unit == "px" || unit == "em" || unit == "rem" || n == 0 && unit == "")
	}
	return "(" + f + ":" + v + ")", slices.Contains(known, v)
}

// supports reads "(display: grid)" and "not (gap: 1px)".
func (p *parser) supports(toks []token) (string, *problem) {
	refused := because("`@supports %s` asks for something that is not known here.", snippet(toks))
	out := ""
	if len(toks) > 0 && strings.EqualFold(toks[0].text, "not") {
		out, toks = "not ", trim(toks[1:])
	}
	last := len(toks) - 1
	if last < 2 || toks[0].TokenType != css.LeftParenthesisToken || toks[last].TokenType != css.RightParenthesisToken {
		return "", refused
	}
	d, _, why := p.declaration(trim(toks[1:last]), inElement)
	if why != nil {
		return "", refused
	}
	return out + "(" + d.prop + ":" + d.value + ")", nil
}

// findFrames notes the animations that the source defines, as they may be named before.
func (p *parser) findFrames() {
	for i, t := range p.toks {
		if t.TokenType != css.AtKeywordToken || !strings.HasSuffix(strings.ToLower(t.text), "keyframes") {
			continue
		}
		for _, n := range p.toks[i+1:] {
			if n.TokenType == css.WhitespaceToken {
				continue
			}
			if f := strings.ToLower(n.text); n.TokenType == css.IdentToken && name.MatchString(f) && !animationWords[f] {
				p.frames[f] = true
			}
			break
		}
	}
}

func frameName(s string) string {
	if strings.HasPrefix(s, framePrefix) {
		return s
	}
	return framePrefix + s
}

func (p *parser) keyframes(start token, prelude []token) (node, bool) {
	if len(prelude) != 1 || prelude[0].TokenType != css.IdentToken || !p.frames[strings.ToLower(prelude[0].text)] {
		p.fault(start, "An animation needs a name of small letters, like `@keyframes drift`.")
		p.skipBlock()
		return node{}, false
	}
	n := node{frames: frameName(strings.ToLower(prelude[0].text))}
	p.i++
	for {
		p.space()
		if p.at().TokenType == css.RightBraceToken {
			p.i++
			return n, len(n.nodes) > 0
		}
		if p.end() {
			p.fault(start, "`%s` is not closed: } is missing.", "@keyframes")
			return n, len(n.nodes) > 0
		}
		at := p.at()
		steps := p.until(css.LeftBraceToken, css.RightBraceToken, css.SemicolonToken)
		if p.at().TokenType != css.LeftBraceToken {
			p.fault(at, "`%s` has no block in braces.", snippet(steps))
			if p.at().TokenType == css.SemicolonToken {
				p.i++
			}
			continue
		}
		f := node{}
		for _, s := range split(steps, css.CommaToken) {
			word := strings.ToLower(joined(s))
			v, unit, ok := amount(word)
			if word != "from" && word != "to" && (!ok || unit != "%" || v < 0 || v > 100) {
				p.fault(at, "`%s` is not a moment of an animation: use from, to, or a percentage.", snippet(s))
				continue
			}
			f.selectors = append(f.selectors, selector{head: word})
		}
		p.i++
		if f.decls, _ = p.block(inFrames); len(f.decls) > 0 && len(f.selectors) > 0 {
			n.nodes = append(n.nodes, f)
		}
	}
}
