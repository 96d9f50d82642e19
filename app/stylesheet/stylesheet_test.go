package stylesheet

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/css"
)

func TestWhatIsAllowedIsPrinted(t *testing.T) {
	t.Parallel()
	for in, want := range friendly {
		s, faults := Parse(in)
		if got := s.String(); got != want || len(faults) > 0 {
			t.Errorf("%s\n got %s\nwant %s\n%v", in, got, want, faults)
		}
		checkHarmless(t, in, s)
		checkStable(t, in, s)
	}
}

func TestNothingHostileIsPrinted(t *testing.T) {
	t.Parallel()
	if len(hostile) < 120 {
		t.Fatalf("only %d forms", len(hostile))
	}
	for _, in := range hostile {
		for _, src := range []string{in, "h1{color:green}\n" + in, in + "\nh1{color:green}", "@media screen{" + in + "}", strings.ToUpper(in), "p{" + in + "}"} {
			s, _ := Parse(src)
			checkHarmless(t, src, s)
			checkStable(t, src, s)
		}
		if s, _ := Parse("h1{color:green}\n" + in); !strings.Contains(s.String(), "h1"+guard+"{color:green}") {
			t.Errorf("%q took what stood before it along", in)
		}
	}
}

// Of these something may remain, as it is harmless without the rest; of all others nothing, and the reason is told.
func TestEveryHostileFormIsToldOf(t *testing.T) {
	t.Parallel()
	silent := regexp.MustCompile(`^(<!-- p|\.a\{\}|\.yours|\.foot|\.buybar|#foot|\.btn|\.tag\{|\.lamp|\.prod__buy|\*\{animation|@keyframes glow)`)
	for _, in := range hostile {
		if _, faults := Parse(in); len(faults) == 0 && !silent.MatchString(in) {
			t.Errorf("%q is left out without a word", in)
		}
	}
}

func checkStable(t *testing.T, in string, s Sheet) {
	t.Helper()
	once := s.String()
	again, faults := Parse(once)
	if got := again.String(); got != once || len(faults) > 0 {
		t.Errorf("%q printed\n%s\nwhich is read as\n%s\n%v", in, once, got, faults)
	}
	tidied, faults := Parse(s.Tidy())
	if got := tidied.String(); got != once || len(faults) > 0 {
		t.Errorf("%q tidied\n%s\nwhich is read as\n%s\nnot\n%s\n%v", in, s.Tidy(), got, once, faults)
	}
}

// checkHarmless reads what would be delivered with nothing but the tokenizer, and knows nothing of the parser.
func checkHarmless(t *testing.T, in string, s Sheet) {
	t.Helper()
	out := s.String()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%q printed %s\n%s", in, fmt.Sprintf(format, args...), out)
	}
	if strings.ContainsAny(out, "\\<\x00\n") {
		bad("a sign that has no place in a style")
	}
	if m := regexp.MustCompile(`(?i)thief\.|//|https?:|javascript:|[^-]data:|expression\(|@import|@font-face|(position|background[a-z-]*):[^;}]*(fixed|sticky)|!important|var\(--(u|x)\)|attr\(|--accent:|--ink:`).FindString(out); m != "" {
		bad("%q", m)
	}
	l := css.NewLexer(parse.NewInputString(out))
	deep, prelude, prop := 0, "", ""
	var stack []string
	for {
		tt, b := l.Next()
		if tt == css.ErrorToken {
			break
		}
		text := string(b)
		switch tt {
		case css.URLToken:
			if !mediaURL.MatchString(text) {
				bad("the address %s", text)
			}
		case css.BadURLToken, css.BadStringToken, css.CDOToken, css.CDCToken, css.LeftBracketToken, css.UnicodeRangeToken, css.CommentToken:
			bad("%s %q", tt, text)
		case css.AtKeywordToken:
			if !slices.Contains([]string{"@media", "@supports", "@keyframes"}, text) {
				bad("%s", text)
			}
		case css.FunctionToken:
			f := strings.TrimSuffix(text, "(")
			if !slices.Contains(slices.Concat(colorFuncs, sumFuncs, gradientFuncs, trackFuncs, counted, []string{"var", "not", "has", "counter", "counters", "cubic-bezier", "steps", "inset", "circle", "ellipse", "polygon",
				"blur", "brightness", "contrast", "grayscale", "hue-rotate", "saturate", "sepia", "drop-shadow", "invert", "translate", "translatex", "translatey", "rotate", "scale", "scalex", "scaley", "skew", "skewx", "skewy"}), f) {
				bad("%s()", f)
			}
		case css.StringToken:
			if prop != "font" && prop != "font-family" && strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Sc, r) }) >= 0 {
				bad("the text %s in %s", text, prop)
			}
		case css.LeftBraceToken:
			if !strings.HasPrefix(prelude, "@") && (len(stack) == 0 || !strings.HasPrefix(stack[len(stack)-1], "@keyframes")) {
				checkPrelude(t, in, out, prelude)
			}
			stack, prelude = append(stack, prelude), ""
			deep++
			continue
		case css.RightBraceToken:
			if deep--; deep < 0 {
				bad("a brace too many")
				return
			}
			stack, prelude = stack[:len(stack)-1], ""
			continue
		case css.SemicolonToken:
			prelude = ""
			continue
		case css.ColonToken:
			prop = prelude
		}
		prelude += text
	}
	if deep != 0 {
		bad("an open block")
	}
	for _, m := range regexp.MustCompile(`z-index:(-?\d+)`).FindAllStringSubmatch(out, -1) {
		if !slices.Contains([]string{"-1", "0", "1"}, m[1]) {
			bad("%s", m[0])
		}
	}
}

var strongIn = regexp.MustCompile(`[{;](opacity|transform|translate|scale|rotate|position|visibility|overflow|height|max-height|filter|clip-path|animation|z-index|inset|top|left|mix-blend-mode|display|flex|order|grid-template|justify|align|place|min-width|columns)[a-z-]*:`)

func checkPrelude(t *testing.T, in, out, prelude string) {
	t.Helper()
	rest := prelude
	for rest != "" {
		i := strings.Index(rest, guard)
		if !strings.HasPrefix(rest, ".yours ") || i < 0 {
			t.Errorf("%q printed the selector %q\n%s", in, prelude, out)
			return
		}
		rest = rest[i+len(guard):]
		rest = strings.TrimPrefix(rest, strongGuard)
		rest = regexp.MustCompile(`^::(before|after|marker|first-line|first-letter)`).ReplaceAllString(rest, "")
		rest = strings.TrimPrefix(rest, ",")
	}
}

func TestWhatCouldHideLeavesOutWhatHoldsAButton(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, in := range append(slices.Collect(keys(friendly)), hostile...) {
		s, _ := Parse(in)
		for _, n := range s.nodes {
			var b strings.Builder
			n.print(&b)
			if out := b.String(); n.cond == "" && n.frames == "" && strongIn.MatchString(out) {
				seen++
				if !strings.Contains(out, strongGuard) {
					t.Errorf("%q: %s", in, out)
				}
			}
		}
	}
	if seen < 10 {
		t.Fatalf("only %d rules could hide something", seen)
	}
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestFaultsNameTheirLine(t *testing.T) {
	t.Parallel()
	_, faults := Parse("h1 {\n  color: red;\n  position: fixed;\n}\n/* a\n comment */\n@import 'x';\np {\n  margin: -1px\n}\nq { colour: red }")
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%d: ", f.Line)+fmt.Sprintf(f.Text, f.Args...))
	}
	want := []string{
		"3: `position: fixed` is not allowed: only `::before` and `::after` may leave their place.",
		"7: `@import` is not allowed: your window would load what others may change.",
		"9: `margin: -1px` is not allowed: a negative margin would push things over each other.",
		"11: `colour` is not a property that can be used here.",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s", strings.Join(got, "\n"))
	}
}

func TestPicturesGetTheirAddress(t *testing.T) {
	t.Parallel()
	const a, b = "0199a1b2-0000-7000-8000-00000000abcd", "0199a1b2-0000-7000-8000-00000000abce"
	s, faults := Parse("p{background:url(media:" + a + ")}q{background-image:url(media:" + b + "),url(media:" + a + ")}")
	if len(faults) > 0 || !slices.Equal(s.Pictures(), []string{a, b}) {
		t.Fatalf("%v %v", s.Pictures(), faults)
	}
	out := s.CSS(func(id string) string {
		if id == a {
			return "http://media.localhost:8080/f/x-640.webp"
		}
		return "http://evil.example/x);}body{display:none"
	})
	if !strings.Contains(out, "{background:url(http://media.localhost:8080/f/x-640.webp)}") || !strings.Contains(out, "background-image:none,url(http") || strings.Contains(out, "evil") {
		t.Fatal(out)
	}
}

func TestHugeSourcesEnd(t *testing.T) {
	t.Parallel()
	for _, in := range []string{strings.Repeat("{", 20_000), strings.Repeat("(", 20_000), "p{color:" + strings.Repeat("calc(", 4_000), strings.Repeat("p{}", 6_600), strings.Repeat("a,", 10_000), "p{" + strings.Repeat("a:b;", 5_000),
		strings.Repeat("@media print{", 1_500), "p{background:" + strings.Repeat("linear-gradient(", 1_200), strings.Repeat("/*", 10_000), strings.Repeat(`"`, 20_000), strings.Repeat(".a:not(", 2_500), strings.Repeat("p{color:red}", 1_600)} {
		s, faults := Parse(in)
		checkHarmless(t, in[:20], s)
		if len(faults) > maxFaults {
			t.Errorf("%d faults", len(faults))
		}
		if n := len(s.nodes); n > MaxRules {
			t.Errorf("%d rules", n)
		}
	}
}

// Pieces of all forms, cut and put together anew: what is printed stays harmless and is read as itself.
func TestPiecesPutTogetherStayHarmless(t *testing.T) {
	t.Parallel()
	var pieces []string
	for _, in := range append(slices.Collect(keys(friendly)), hostile...) {
		l := css.NewLexer(parse.NewInputString(in))
		for tt, b := l.Next(); tt != css.ErrorToken; tt, b = l.Next() {
			pieces = append(pieces, string(b))
		}
	}
	pieces = append(pieces, "{", "}", "{", "}", ";", ":", ",", "(", ")", "/*", "*/", `"`, "'", "\\", "@", "url(", "\n", "</style>", "-", "+", "::before", guard, strongGuard, ".yours ")
	slices.Sort(pieces)
	r := rand.New(rand.NewPCG(4, 46))
	printed := 0
	for range 6_000 {
		var b strings.Builder
		for range 3 + r.IntN(24) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		for _, in := range []string{b.String(), "p{" + b.String() + "}", "h1{color:green;" + b.String(), "p{color:" + b.String() + "}"} {
			s, _ := Parse(in)
			if !s.Empty() {
				printed++
			}
			checkHarmless(t, in, s)
			checkStable(t, in, s)
			if t.Failed() {
				return
			}
		}
	}
	if printed < 1_000 {
		t.Fatalf("only %d printed anything", printed)
	}
}

func FuzzParse(f *testing.F) {
	for _, in := range append(slices.Collect(keys(friendly)), hostile...) {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, _ := Parse(in)
		checkHarmless(t, in, s)
		checkStable(t, in, s)
	})
}

func BenchmarkParse(b *testing.B) {
	src := ""
	for in := range friendly {
		src += in
	}
	for b.Loop() {
		Parse(src)
	}
}
