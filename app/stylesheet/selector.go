package stylesheet

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

var elements = map[string]bool{}

func init() {
	for _, e := range strings.Fields(`a abbr address article aside b blockquote br cite code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins
		kbd li mark nav ol p picture pre q s section small span strong sub summary sup svg table tbody td th thead time tr u ul var wbr`) {
		elements[e] = true
	}
}

var (
	pseudoClasses = []string{"hover", "focus", "focus-visible", "focus-within", "active", "first-child", "last-child", "only-child", "first-of-type", "last-of-type", "only-of-type", "empty"}
	counted       = []string{"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"}
	pseudos       = []string{"before", "after", "first-line", "first-letter", "marker"}
	class         = regexp.MustCompile(`^-?[A-Za-z_][A-Za-z0-9_-]{0,63}$`)
	formula       = regexp.MustCompile(`^(?:odd|even|[+-]?[0-9]{1,4}|[+-]?[0-9]{0,4}n(?: ?[+-] ?[0-9]{1,4})?)$`)
)

// compound is the part of a selector between combinators.
type compound struct {
	text   string
	pseudo string
	before string // the combinator that leads to it
}

// readSelector takes one selector of a list. What String adds is taken off again.
func readSelector(toks []token) (selector, *problem) {
	if len(toks) == 0 {
		return selector{}, because("A selector is missing.")
	}
	var parts []compound
	before := ""
	for i := 0; i < len(toks); {
		t := toks[i]
		if c, ok := combinator(t); ok {
			if c != " " && (before != "" && before != " " || len(parts) == 0) {
				return selector{}, because("`%s` is not a selector.", snippet(toks))
			}
			if c != " " || before == "" {
				before = c
			}
			i++
			continue
		}
		c, n, why := readCompound(toks[i:])
		if why != nil {
			return selector{}, why
		}
		if c.before = before; len(parts) > 0 && before == "" || len(parts) > 0 && parts[len(parts)-1].pseudo != "" {
			return selector{}, because("`%s` is not a selector.", snippet(toks))
		}
		parts, before, i = append(parts, c), "", i+n
	}
	if before != "" && before != " " || len(parts) == 0 {
		return selector{}, because("`%s` is not a selector.", snippet(toks))
	}
	if len(parts) > 1 && parts[0].text == "."+Scope && parts[1].before == " " {
		parts = parts[1:]
		parts[0].before = ""
	}
	var b strings.Builder
	for _, c := range parts {
		b.WriteString(c.before + c.text)
	}
	if b.Len() > 300 || len(parts) > 8 {
		return selector{}, because("`%s` is too long for a selector.", snippet(toks))
	}
	return selector{b.String(), parts[len(parts)-1].pseudo}, nil
}

func combinator(t token) (string, bool) {
	switch {
	case t.TokenType == css.WhitespaceToken:
		return " ", true
	case t.TokenType == css.DelimToken && (t.text == ">" || t.text == "+" || t.text == "~"):
		return t.text, true
	}
	return "", false
}

// readCompound reads up to the next combinator and says how many tokens that were.
func readCompound(toks []token) (compound, int, *problem) {
	c, i := compound{}, 0
	for i < len(toks) {
		t := toks[i]
		if _, ok := combinator(t); ok {
			break
		}
		if c.pseudo != "" && t.TokenType != css.ColonToken {
			return c, i, because("Nothing can follow `%s`.", c.pseudo)
		}
		switch {
		case t.TokenType == css.IdentToken && i == 0:
			word := strings.ToLower(t.text)
			if !elements[word] {
				return c, i, outOfReach(word)
			}
			c.text += word
		case t.TokenType == css.DelimToken && t.text == "*" && i == 0:
			c.text += "*"
		case t.TokenType == css.DelimToken && t.text == "." && i+1 < len(toks) && toks[i+1].TokenType == css.IdentToken && class.MatchString(toks[i+1].text):
			c.text += "." + toks[i+1].text
			i++
		case t.TokenType == css.HashToken && class.MatchString(t.text[1:]):
			c.text += t.text
		case t.TokenType == css.LeftBracketToken:
			return c, i, because("Selectors by attribute, like `%s`, are not allowed: they could read what is in a page. Use classes.", snippet(toks[i:]))
		case t.TokenType == css.DelimToken && t.text == "&":
			return c, i, because("Rules inside rules are not read. Write `%s` as a rule of its own.", snippet(toks))
		case t.TokenType == css.ColonToken:
			n, why := c.pseudoPart(toks[i:])
			if why != nil {
				return c, i, why
			}
			i += n
			continue
		default:
			return c, i, because("`%s` is not a selector.", snippet(toks))
		}
		i++
	}
	if c.text == "" && c.pseudo != "" {
		c.text = "*"
	}
	if c.text == "" { // only guards stood here
		c.text = "*"
	}
	return c, i, nil
}

func outOfReach(word string) *problem {
	switch word {
	case "html", "body", "main":
		return because("`%s` is out of reach: your CSS dresses what stands in your window. The page's colours and background are in Theme.", word)
	case "form", "input", "button", "select", "textarea", "label", "fieldset":
		return because("`%s` is out of reach: forms keep our look, so that buyers know them again.", word)
	case "footer", "header", "iframe":
		return because("`%s` is out of reach: it is not part of your window.", word)
	}
	return because("`%s` is not an element of a window.", word)
}

// pseudoPart reads ":hover", "::before", ":nth-child(2n)", ":not(.a)" and says how many tokens that were.
func (c *compound) pseudoPart(toks []token) (int, *problem) {
	i := 1
	if i < len(toks) && toks[i].TokenType == css.ColonToken {
		i++
	}
	if i >= len(toks) {
		return 0, because("`%s` is not a selector.", snippet(toks))
	}
	t := toks[i]
	word := strings.ToLower(strings.TrimSuffix(t.text, "("))
	switch {
	case t.TokenType == css.IdentToken && slices.Contains(pseudos, word) && c.pseudo == "":
		c.pseudo = "::" + word
		return i + 1, nil
	case t.TokenType == css.IdentToken && i == 1 && slices.Contains(pseudoClasses, word) && c.pseudo == "":
		c.text += ":" + word
		return i + 1, nil
	case t.TokenType == css.IdentToken && word == "root":
		return 0, because("`%s` is out of reach: your CSS dresses what stands in your window. The page's colours and background are in Theme.", ":root")
	case t.TokenType != css.FunctionToken || i != 1 || c.pseudo != "":
		return 0, because("`:%s` is not allowed in a selector.", word)
	}
	to, deep := i+1, 1
	for ; to < len(toks); to++ {
		if toks[to].TokenType == css.FunctionToken || toks[to].TokenType == css.LeftParenthesisToken {
			deep++
		} else if toks[to].TokenType == css.RightParenthesisToken {
			if deep--; deep == 0 {
				break
			}
		}
	}
	if to == len(toks) {
		return 0, because("`%s` is not a selector.", snippet(toks))
	}
	inner := joined(trim(toks[i+1 : to]))
	full := ":" + word + "(" + inner + ")"
	switch {
	case full == guard, full == strongGuard:
	case slices.Contains(counted, word) && formula.MatchString(strings.ToLower(inner)):
		c.text += ":" + word + "(" + strings.ToLower(inner) + ")"
	case word == "not":
		text, why := simpleNot(trim(toks[i+1 : to]))
		if why != nil {
			return 0, why
		}
		c.text += ":not(" + text + ")"
	default:
		return 0, because("`:%s` is not allowed in a selector.", word)
	}
	return to + 1, nil
}

// simpleNot takes one element, class or state.
func simpleNot(toks []token) (string, *problem) {
	if slices.ContainsFunc(toks, func(t token) bool { return t.TokenType == css.FunctionToken }) {
		return "", because("`:not(%s)` is too much at once: use one class in it.", snippet(toks))
	}
	c, n, why := readCompound(toks)
	if why != nil {
		return "", why
	}
	if n != len(toks) || n == 0 || c.pseudo != "" {
		return "", because("`:not(%s)` is too much at once: use one class in it.", snippet(toks))
	}
	return c.text, nil
}
