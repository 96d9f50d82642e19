package stylesheet

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/css"
)

type token struct {
	css.TokenType
	text string
	line int
}

// parser walks the tokens. What it does not know it skips as a browser would: to the end of the declaration, or
// of the block.
type parser struct {
	toks   []token
	i      int
	rules  int
	frames map[string]bool // animations that the source defines
	faults []Fault
}

// Parse reads a stylesheet. The faults name every part that was left out, at most fifty.
func Parse(source string) (Sheet, []Fault) {
	p := &parser{toks: tokens(source), frames: map[string]bool{}}
	p.findFrames()
	nodes := p.list(0)
	for p.i < len(p.toks) { // a brace too many
		p.fault(p.at(), "There is a } without its {.")
		p.i++
		nodes = append(nodes, p.list(0)...)
	}
	return Sheet{nodes}, p.faults
}

// tokens cuts the source; comments become spaces.
func tokens(source string) []token {
	l := css.NewLexer(parse.NewInputString(source))
	var out []token
	line := 1
	for {
		t, b := l.Next()
		if t == css.ErrorToken {
			return out
		}
		text := string(b)
		x := token{t, text, line}
		line += strings.Count(text, "\n")
		if t == css.CommentToken {
			x.TokenType, x.text = css.WhitespaceToken, " "
		}
		out = append(out, x)
	}
}

func (p *parser) fault(t token, text string, args ...any) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, Fault{t.line, text, args})
	}
}

func (p *parser) end() bool { return p.i >= len(p.toks) }

// at is the token here, or an end on the last line.
func (p *parser) at() token {
	if p.i < len(p.toks) {
		return p.toks[p.i]
	}
	line := 1
	if n := len(p.toks); n > 0 {
		line = p.toks[n-1].line
	}
	return token{css.ErrorToken, "", line}
}

func (p *parser) space() {
	for p.at().TokenType == css.WhitespaceToken {
		p.i++
	}
}

// until takes tokens to one of the given types outside of brackets; that one is left.
func (p *parser) until(types ...css.TokenType) []token {
	from, deep := p.i, 0
	for ; !p.end(); p.i++ {
		t := p.at().TokenType
		if deep == 0 && slices.Contains(types, t) {
			break
		}
		switch t {
		case css.LeftParenthesisToken, css.LeftBracketToken, css.FunctionToken:
			deep++
		case css.RightParenthesisToken, css.RightBracketToken:
			deep = max(deep-1, 0)
		case css.LeftBraceToken, css.RightBraceToken:
			if deep > 0 { // a bracket was left open: the brace closes it
				deep = 0
				p.i--
			}
		}
	}
	return trim(p.toks[from:p.i])
}

// skip passes over what comes next: to the end of a statement, or of its block.
func (p *parser) skip() {
	p.until(css.SemicolonToken, css.LeftBraceToken, css.RightBraceToken)
	if p.at().TokenType == css.LeftBraceToken {
		p.skipBlock()
	} else if p.at().TokenType == css.SemicolonToken {
		p.i++
	}
}

// skipBlock passes over a block, its braces included.
func (p *parser) skipBlock() {
	deep := 0
	for ; !p.end(); p.i++ {
		switch p.at().TokenType {
		case css.LeftBraceToken:
			deep++
		case css.RightBraceToken:
			if deep--; deep <= 0 {
				p.i++
				return
			}
		}
	}
}

func trim(toks []token) []token {
	for len(toks) > 0 && toks[0].TokenType == css.WhitespaceToken {
		toks = toks[1:]
	}
	for len(toks) > 0 && toks[len(toks)-1].TokenType == css.WhitespaceToken {
		toks = toks[:len(toks)-1]
	}
	return toks
}

// list reads rules to the end of the source or of the block; the brace is left.
func (p *parser) list(deep int) []node {
	var out []node
	for {
		p.space()
		switch t := p.at(); t.TokenType {
		case css.RightBraceToken:
			return out
		case css.ErrorToken:
			return out
		case css.SemicolonToken, css.CDOToken, css.CDCToken:
			p.i++
		case css.AtKeywordToken:
			if n, ok := p.atRule(deep); ok {
				out = append(out, n)
			}
		default:
			if n, ok := p.rule(); ok {
				out = append(out, n)
			}
		}
	}
}

// rule reads selectors and their block.
func (p *parser) rule() (node, bool) {
	start := p.at()
	prelude := p.until(css.LeftBraceToken, css.RightBraceToken, css.SemicolonToken)
	if p.at().TokenType != css.LeftBraceToken {
		p.fault(start, "`%s` has no block in braces.", snippet(prelude))
		if p.at().TokenType == css.SemicolonToken {
			p.i++
		}
		return node{}, false
	}
	if p.rules++; p.rules > MaxRules {
		if p.rules == MaxRules+1 {
			p.fault(start, "There are more than %d rules. What follows is left out.", MaxRules)
		}
		p.skipBlock()
		return node{}, false
	}
	n := node{}
	for _, part := range split(prelude, css.CommaToken) {
		s, why := readSelector(part)
		if why != nil {
			p.fault(start, why.text, why.args...)
			continue
		}
		n.selectors = append(n.selectors, s)
	}
	if len(n.selectors) == 0 {
		p.skipBlock()
		return node{}, false
	}
	place := inElement
	if !slices.ContainsFunc(n.selectors, func(s selector) bool { return s.pseudo != "::before" && s.pseudo != "::after" }) {
		place = inPseudo
	}
	p.i++
	n.decls, n.strong = p.block(place)
	return n, len(n.decls) > 0
}

// block reads declarations and the brace that ends them.
func (p *parser) block(place place) (out []decl, strong bool) {
	for {
		p.space()
		start := p.at()
		switch start.TokenType {
		case css.RightBraceToken:
			p.i++
			return settle(out, place), strong
		case css.ErrorToken:
			p.fault(start, "A block is not closed: } is missing.")
			return settle(out, place), strong
		case css.SemicolonToken:
			p.i++
			continue
		case css.AtKeywordToken:
			p.fault(start, "`%s` cannot stand inside a rule.", snippet([]token{start}))
			p.skip()
			continue
		}
		toks := p.until(css.SemicolonToken, css.LeftBraceToken, css.RightBraceToken)
		if p.at().TokenType == css.LeftBraceToken {
			p.fault(start, "Rules inside rules are not read. Write `%s` as a rule of its own.", snippet(toks))
			p.skipBlock()
			continue
		}
		d, s, why := p.declaration(toks, place)
		if why != nil {
			p.fault(start, why.text, why.args...)
			continue
		}
		out, strong = append(out, d), strong || s
	}
}

// settle keeps what lies over others from catching their clicks.
func settle(ds []decl, place place) []decl {
	lies := place == inPseudo && slices.Contains(ds, decl{"position", "absolute"})
	if lies && !slices.Contains(ds, decl{"pointer-events", "none"}) {
		ds = append(ds, decl{"pointer-events", "none"})
	}
	return ds
}

// problem is why a part is left out.
type problem struct {
	text string
	args []any
}

func because(text string, args ...any) *problem { return &problem{text, args} }

// split cuts tokens at a type outside of brackets.
func split(toks []token, at css.TokenType) [][]token {
	var out [][]token
	deep, from := 0, 0
	for i, t := range toks {
		switch t.TokenType {
		case css.LeftParenthesisToken, css.LeftBracketToken, css.FunctionToken:
			deep++
		case css.RightParenthesisToken, css.RightBracketToken:
			deep--
		case at:
			if deep == 0 {
				out = append(out, trim(toks[from:i]))
				from = i + 1
			}
		}
	}
	return append(out, trim(toks[from:]))
}

// snippet is a short piece of the source for a sentence.
func snippet(toks []token) string {
	s := strings.Join(strings.Fields(joined(toks)), " ")
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return s
}

func joined(toks []token) string {
	var b strings.Builder
	for _, t := range toks {
		b.WriteString(t.text)
	}
	return b.String()
}

var (
	name   = regexp.MustCompile(`^-?[a-z_][a-z0-9_-]{0,63}$`)
	number = regexp.MustCompile(`^([+-]?(?:[0-9]{1,8}(?:\.[0-9]{1,8})?|\.[0-9]{1,8}))([a-z]*|%)$`)
)

// amount reads "-1.5rem" as a number and its unit.
func amount(s string) (v float64, unit string, ok bool) {
	m := number.FindStringSubmatch(strings.ToLower(s))
	if m == nil {
		return 0, "", false
	}
	v, err := strconv.ParseFloat(m[1], 64)
	return v, m[2], err == nil
}
