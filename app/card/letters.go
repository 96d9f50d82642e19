package card

import (
	_ "embed"
	"fmt"
	"image"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// Instrument Sans is the lettering of the product itself; see fonts/OFL.txt.
//
//go:embed fonts/InstrumentSans_700Bold.ttf
var boldTTF []byte

//go:embed fonts/InstrumentSans_500Medium.ttf
var plainTTF []byte

// The second font of each weight has Greek and Cyrillic.
var (
	boldFont  = parse(boldTTF)
	boldElse  = parse(gobold.TTF)
	plainFont = parse(plainTTF)
	plainElse = parse(gomedium.TTF)
)

func parse(ttf []byte) func() (*sfnt.Font, error) {
	return sync.OnceValues(func() (*sfnt.Font, error) { return opentype.Parse(ttf) })
}

// most is how much of a text is looked at.
const most = 300

// letters writes in one weight. It belongs to one card: faces are not safe for several goroutines.
type letters struct {
	fonts [2]*sfnt.Font
	faces map[float64][2]font.Face
	buf   sfnt.Buffer
}

func newLetters(first, second func() (*sfnt.Font, error)) (*letters, error) {
	l := &letters{faces: map[float64][2]font.Face{}}
	for i, f := range []func() (*sfnt.Font, error){first, second} {
		var err error
		if l.fonts[i], err = f(); err != nil {
			return nil, fmt.Errorf("read the font of cards: %w", err)
		}
	}
	return l, nil
}

func (l *letters) close() {
	for _, fs := range l.faces {
		fs[0].Close()
		fs[1].Close()
	}
}

// has is the font that knows a letter; -1 when none does.
func (l *letters) has(r rune) int {
	for i, f := range l.fonts {
		if g, err := f.GlyphIndex(&l.buf, r); err == nil && g != 0 {
			return i
		}
	}
	return -1
}

// known is a text without the letters that no font has; empty when that would leave less than half of it.
func (l *letters) known(s string) string {
	if len(s) > 8*most {
		s = s[:8*most]
	}
	s = norm.NFC.String(strings.ToValidUTF8(s, ""))
	var b strings.Builder
	kept, lost, n := 0, 0, 0
	for _, r := range s {
		if n++; n > most {
			break
		}
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
		case l.has(r) >= 0:
			b.WriteRune(r)
			kept++
		case unicode.IsLetter(r):
			lost++
		}
	}
	if lost > kept {
		return ""
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (l *letters) face(size float64) [2]font.Face {
	fs, ok := l.faces[size]
	if !ok {
		for i, f := range l.fonts {
			face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
			if err != nil {
				panic(err) // only a size below zero
			}
			fs[i] = face
		}
		l.faces[size] = fs
	}
	return fs
}

func (l *letters) height(size float64) int { return int(size * 1.16) }

// runs calls f for each part of s that is written in one font.
func (l *letters) runs(s string, f func(part string, which int)) {
	start, which := 0, 0
	for i, r := range s {
		w := max(l.has(r), 0)
		if i > start && w != which {
			f(s[start:i], which)
			start = i
		}
		which = w
	}
	if start < len(s) {
		f(s[start:], which)
	}
}

func (l *letters) width(s string, size float64) int {
	fs := l.face(size)
	var w fixed.Int26_6
	l.runs(s, func(part string, which int) { w += font.MeasureString(fs[which], part) })
	return w.Ceil()
}

// fit wraps a text in the largest size in which it needs no more than its room and lines.
func (l *letters) fit(s string, width, high int, sizes []float64, lines int) ([]string, float64) {
	for _, size := range sizes {
		if out := l.wrap(s, size, width, lines+1); len(out) <= lines && len(out)*l.height(size) <= high && !l.broken(s, size, width) {
			return out, size
		}
	}
	size := sizes[len(sizes)-1]
	return l.wrap(s, size, width, lines), size
}

// broken reports whether a word is longer than a line.
func (l *letters) broken(s string, size float64, width int) bool {
	for w := range strings.FieldsSeq(s) {
		if l.width(w, size) > width {
			return true
		}
	}
	return false
}

// wrap makes lines of a text. Words that are longer than a line are broken; what does not fit ends in an ellipsis.
func (l *letters) wrap(s string, size float64, width, lines int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		for word != "" {
			next := word
			if line != "" {
				next = line + " " + word
			}
			if l.width(next, size) <= width {
				line, word = next, ""
				break
			}
			if line != "" {
				out, line = append(out, line), ""
				continue
			}
			part := l.start(word, size, width)
			out, word = append(out, part), word[len(part):]
		}
	}
	if line != "" {
		out = append(out, line)
	}
	if len(out) <= lines {
		return out
	}
	out = out[:lines]
	last := []rune(out[lines-1])
	for len(last) > 0 && l.width(string(last)+"…", size) > width {
		last = last[:len(last)-1]
	}
	out[lines-1] = strings.TrimRight(string(last), " ,.;:") + "…"
	return out
}

// start is as much of a word as a line takes, one letter at least.
func (l *letters) start(word string, size float64, width int) string {
	end := 0
	for i := range word {
		if end > 0 && l.width(word[:i], size) > width {
			break
		}
		end = i
	}
	if end == 0 { // a single letter
		return word
	}
	return word[:end]
}

// write draws lines from a corner on, and returns where they end.
func (l *letters) write(dst draw.Image, lines []string, size float64, x, y int, hex string) int {
	fs := l.face(size)
	for _, line := range lines {
		d := font.Drawer{Dst: dst, Src: image.NewUniform(rgb(hex)), Dot: fixed.P(x, y+int(size*.92))}
		l.runs(line, func(part string, which int) {
			d.Face = fs[which]
			d.DrawString(part)
		})
		y += l.height(size)
	}
	return y
}
