// Package card draws the picture that other sites show of a page: 1200 by 630 points, in the colours of the shop,
// with its name, a sentence and, for a product, its picture and price.
package card

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strconv"

	"golang.org/x/image/draw"

	"vitrine/app/palette"
)

// Size of a card, as Open Graph's readers like it.
const (
	Width, Height = 1200, 630
	// Release changes with what a card looks like, so that cards drawn before are drawn anew.
	Release = "1"

	quality = 88
	margin  = 72
	stripes = 15
	valance = 74 // how far the awning hangs before its scallops
)

// Our own themes, as static/src/tokens.css has them. A house colour's is package palette's.
var (
	Daylight   = palette.Theme{Paper: "#F1F5F3", Pane: "#FBFDFC", Sunk: "#E4ECE9", Ink: "#10231F", Ink2: "#425E56", Line: "#CBD9D4", Accent: "#142521", OnAccent: "#FBFDFC", Edge: "#142521"}
	Afterhours = palette.Theme{Paper: "#0B1715", Pane: "#12211D", Sunk: "#0F1C19", Ink: "#ECF4F1", Ink2: "#A9BFB8", Line: "#263B35", Accent: "#FFB81C", OnAccent: "#1B1300", Edge: "#FFB81C", Dark: true}
)

// Card is what stands on one.
type Card struct {
	Theme   palette.Theme
	Awning  bool        // otherwise a plain band
	Name    string      // of the shop or the product
	Else    string      // in place of a name in letters that we cannot draw
	Line    string      // a sentence
	Price   string      // with the product; empty for none
	Address string      // at the foot
	Picture image.Image // nil: none
}

// Draw makes a JPEG of a card. It takes the time of a few dozen milliseconds and draws whatever texts it is given;
// letters that are in none of its fonts are left out.
func Draw(c Card) ([]byte, error) {
	p := &painter{img: image.NewRGBA(image.Rect(0, 0, Width, Height))}
	p.fill(p.img.Bounds(), c.Theme.Paper)
	room := image.Rect(margin, 150, Width-margin, Height-112)
	if c.Picture != nil {
		frame := image.Rect(Width-margin-430, 150, Width-margin, 150+368)
		p.picture(frame, c)
		room.Max.X = frame.Min.X - 56
	}
	p.header(c)
	if err := p.letter(c, room); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p.img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode card: %w", err)
	}
	return b.Bytes(), nil
}

type painter struct{ img *image.RGBA }

func (p *painter) fill(r image.Rectangle, hex string) {
	draw.Draw(p.img, r, image.NewUniform(rgb(hex)), image.Point{}, draw.Src)
}

// header is the awning with its scallops, or a band.
func (p *painter) header(c Card) {
	if !c.Awning {
		p.fill(image.Rect(0, 0, Width, 28), c.Theme.Accent)
		return
	}
	w := Width / stripes
	for i := range stripes {
		hex := c.Theme.Accent
		if i%2 == 1 {
			hex = c.Theme.Pane
		}
		p.fill(image.Rect(i*w, 0, (i+1)*w, valance), hex)
		p.scallop(i*w, valance, w, hex, c.Theme.Line)
	}
}

// picture fills its frame, cut where it is too long or too wide.
func (p *painter) picture(frame image.Rectangle, c Card) {
	p.round(frame.Inset(-8), 14, c.Theme.Line)
	p.round(frame.Inset(-6), 12, c.Theme.Pane)
	p.fill(frame, c.Theme.Sunk)
	b := c.Picture.Bounds()
	if b.Empty() {
		return
	}
	cut := b
	if w := b.Dy() * frame.Dx() / frame.Dy(); w < b.Dx() {
		cut.Min.X += (b.Dx() - w) / 2
		cut.Max.X = cut.Min.X + max(w, 1)
	} else if h := b.Dx() * frame.Dy() / frame.Dx(); h < b.Dy() {
		cut.Min.Y += (b.Dy() - h) / 2
		cut.Max.Y = cut.Min.Y + max(h, 1)
	}
	draw.CatmullRom.Scale(p.img, frame, c.Picture, cut, draw.Over, nil)
}

// letter writes name, sentence, price and address.
func (p *painter) letter(c Card, room image.Rectangle) error {
	bold, err := newLetters(boldFont, boldElse)
	if err != nil {
		return err
	}
	plain, err := newLetters(plainFont, plainElse)
	if err != nil {
		return err
	}
	defer bold.close()
	defer plain.close()

	name := bold.known(c.Name)
	if name == "" {
		name = bold.known(c.Else)
	}
	below := 0
	if c.Price != "" {
		below = 96
	}
	words := image.Rect(room.Min.X, room.Min.Y, room.Max.X, room.Max.Y-below)
	y := words.Min.Y
	if name != "" {
		lines, size := bold.fit(name, words.Dx(), words.Dy()-60, []float64{104, 88, 76, 64, 54}, 3)
		y = bold.write(p.img, lines, size, words.Min.X, y, c.Theme.Ink) + 16
	}
	if line := plain.known(c.Line); line != "" {
		const size = 36
		if fits := (words.Max.Y - y) / plain.height(size); fits > 0 {
			plain.write(p.img, plain.wrap(line, size, words.Dx(), min(fits, 3)), size, words.Min.X, y, c.Theme.Ink2)
		}
	}
	if price := bold.known(c.Price); price != "" {
		const size = 44
		tag := image.Rect(room.Min.X, room.Max.Y-72, room.Min.X+bold.width(price, size)+52, room.Max.Y)
		p.round(tag, 6, c.Theme.Edge)
		p.round(tag.Inset(2), 4, c.Theme.Accent)
		bold.write(p.img, []string{price}, size, tag.Min.X+26, tag.Min.Y+(tag.Dy()-bold.height(size))/2, c.Theme.OnAccent)
	}
	p.fill(image.Rect(margin, Height-84, Width-margin, Height-82), c.Theme.Line)
	if address := plain.known(c.Address); address != "" {
		const size = 28
		plain.write(p.img, plain.wrap(address, size, Width-2*margin, 1), size, margin, Height-66, c.Theme.Ink2)
	}
	return nil
}

// rgb reads #rrggbb; anything else is black.
func rgb(hex string) color.RGBA {
	c, err := palette.Parse(hex)
	if err != nil {
		return color.RGBA{A: 255}
	}
	n, err := strconv.ParseUint(c[1:], 16, 32)
	if err != nil {
		return color.RGBA{A: 255}
	}
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}
