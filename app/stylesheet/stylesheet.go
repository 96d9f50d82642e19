// Package stylesheet reads the CSS that creators write for their shops and prints it anew from an allow-list.
//
// Nothing of the source reaches a page: what is printed are names, numbers and colours that this package knows.
// Every selector is bound to the part of the page that is the creator's own and leaves out what speaks for
// Vitrine: prices, buy buttons, forms and lamps. What could hide one of those or lie on top of it (opacity,
// transforms, heights and the like) does not apply to elements that hold one. There is no address but that of the
// creator's own pictures, so that a style can neither fetch nor report anything.
//
// What is printed is read back as itself: Parse(s.String()) prints the same.
package stylesheet

import (
	"regexp"
	"strings"
)

const (
	// Scope is the class of the part of the page that a creator's CSS can reach.
	Scope = "yours"

	// guard leaves out what is ours, with what it holds; strongGuard also what holds it.
	guard       = ":not(form,form *,.btn,.btn *,.tag,.lamp,.prod__buy,.prod__buy *,.prod__price,.err-sum,iframe)"
	strongGuard = ":not(:has(form,.btn,.prod__buy))"
)

// Limits of one stylesheet.
const (
	MaxRules  = 400
	maxNested = 3
	maxFaults = 50
)

// Fault is a part of the source that is not printed: the text says why, and is a text of the catalogue with its
// arguments.
type Fault struct {
	Line int
	Text string
	Args []any
}

// Sheet is what was understood of a source.
type Sheet struct{ nodes []node }

// node is a rule, a condition around other nodes, or an animation.
type node struct {
	cond      string // "@media (min-width:40rem)"
	frames    string // name of an animation
	nodes     []node
	selectors []selector
	decls     []decl
	strong    bool
}

type decl struct{ prop, value string }

// selector is one of a rule: what stands before the guards, and the pseudo-element behind them.
type selector struct{ head, pseudo string }

// Empty reports whether nothing would be printed.
func (s Sheet) Empty() bool { return len(s.nodes) == 0 }

// String prints the sheet for a page. Pictures are still url(media:ID).
func (s Sheet) String() string {
	var b strings.Builder
	for _, n := range s.nodes {
		n.print(&b)
	}
	return b.String()
}

// CSS prints the sheet with the addresses of its pictures. An empty address leaves the picture out.
func (s Sheet) CSS(address func(media string) string) string {
	return mediaURL.ReplaceAllStringFunc(s.String(), func(m string) string {
		if a := address(m[len("url(media:") : len(m)-1]); a != "" && safeURL.MatchString(a) {
			return "url(" + a + ")"
		}
		return "none"
	})
}

// Pictures are the ids of those that the sheet shows.
func (s Sheet) Pictures() []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range mediaURL.FindAllStringSubmatch(s.String(), -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			out = append(out, m[1])
		}
	}
	return out
}

var (
	mediaURL = regexp.MustCompile(`url\(media:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\)`)
	safeURL  = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9/_.-]*$`)
)

func (n node) print(b *strings.Builder) {
	switch {
	case n.cond != "":
		b.WriteString(n.cond + "{")
		for _, x := range n.nodes {
			x.print(b)
		}
		b.WriteString("}")
		return
	case n.frames != "":
		b.WriteString("@keyframes " + n.frames + "{")
		for _, x := range n.nodes {
			for i, s := range x.selectors {
				if i > 0 {
					b.WriteString(",")
				}
				b.WriteString(s.head)
			}
			x.block(b)
		}
		b.WriteString("}")
		return
	}
	for i, s := range n.selectors {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("." + Scope + " " + s.head + guard)
		if n.strong {
			b.WriteString(strongGuard)
		}
		b.WriteString(s.pseudo)
	}
	n.block(b)
}

func (n node) block(b *strings.Builder) {
	b.WriteString("{")
	for i, d := range n.decls {
		if i > 0 {
			b.WriteString(";")
		}
		b.WriteString(d.prop + ":" + d.value)
	}
	b.WriteString("}")
}

// Tidy prints the sheet as its creator would write it: without what we add, one declaration a line.
func (s Sheet) Tidy() string {
	var b strings.Builder
	for i, n := range s.nodes {
		if i > 0 {
			b.WriteString("\n")
		}
		n.tidy(&b, "")
	}
	return b.String()
}

func (n node) tidy(b *strings.Builder, in string) {
	var heads []string
	for _, s := range n.selectors {
		heads = append(heads, s.head+s.pseudo)
	}
	head := strings.Join(heads, ", ")
	switch {
	case n.cond != "":
		head = n.cond
	case n.frames != "":
		head = "@keyframes " + n.frames
	}
	b.WriteString(in + head + " {\n")
	for _, x := range n.nodes {
		x.tidy(b, in+"  ")
	}
	for _, d := range n.decls {
		b.WriteString(in + "  " + d.prop + ": " + d.value + ";\n")
	}
	b.WriteString(in + "}\n")
}
