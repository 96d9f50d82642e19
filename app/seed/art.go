package seed

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/vector"
)

// cover is a picture drawn from shapes, 1,200 by 900, or the name of a photograph.
type cover struct {
	alt   string
	draw  func(c *canvas)
	photo string
}

const coverWidth, coverHeight = 1200, 900

type canvas struct{ img *image.RGBA }

func (c cover) png() ([]byte, error) {
	cv := &canvas{image.NewRGBA(image.Rect(0, 0, coverWidth, coverHeight))}
	c.draw(cv)
	var b bytes.Buffer
	err := png.Encode(&b, cv.img)
	return b.Bytes(), err
}

func rgb(n uint32) color.RGBA { return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255} }

// fill paints the whole, shaded a little from top to bottom.
func (c *canvas) fill(top, bottom uint32) {
	a, b := rgb(top), rgb(bottom)
	for y := range coverHeight {
		t := float64(y) / coverHeight
		mix := func(x, z uint8) uint8 { return uint8(float64(x)*(1-t) + float64(z)*t) }
		row := image.Rect(0, y, coverWidth, y+1)
		draw.Draw(c.img, row, image.NewUniform(color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}), image.Point{}, draw.Src)
	}
}

// shape fills a closed line of points.
func (c *canvas) shape(n uint32, alpha uint8, pts ...[2]float64) {
	z := vector.NewRasterizer(coverWidth, coverHeight)
	for i, p := range pts {
		if i == 0 {
			z.MoveTo(float32(p[0]), float32(p[1]))
		} else {
			z.LineTo(float32(p[0]), float32(p[1]))
		}
	}
	z.ClosePath()
	k := rgb(n)
	z.Draw(c.img, c.img.Bounds(), image.NewUniform(color.NRGBA{k.R, k.G, k.B, alpha}), image.Point{})
}

func (c *canvas) rect(n uint32, x, y, w, h float64) {
	c.shape(n, 255, [2]float64{x, y}, [2]float64{x + w, y}, [2]float64{x + w, y + h}, [2]float64{x, y + h})
}

func (c *canvas) ellipse(n uint32, alpha uint8, x, y, rx, ry float64) {
	var pts [][2]float64
	for i := range 96 {
		a := float64(i) / 96 * 2 * math.Pi
		pts = append(pts, [2]float64{x + rx*math.Cos(a), y + ry*math.Sin(a)})
	}
	c.shape(n, alpha, pts...)
}

func (c *canvas) circle(n uint32, x, y, r float64) { c.ellipse(n, 255, x, y, r, r) }

// line is a thick stroke.
func (c *canvas) line(n uint32, w, x1, y1, x2, y2 float64) {
	l := math.Hypot(x2-x1, y2-y1)
	dx, dy := (y2-y1)/l*w/2, (x2-x1)/l*w/2
	c.shape(n, 255, [2]float64{x1 + dx, y1 - dy}, [2]float64{x2 + dx, y2 - dy}, [2]float64{x2 - dx, y2 + dy}, [2]float64{x1 - dx, y1 + dy})
}

// glint is the light that every window of Vitrine has.
func (c *canvas) glint() {
	for _, x := range []float64{720, 860} {
		w := 90.0
		if x > 800 {
			w = 24
		}
		c.shape(0xffffff, 26, [2]float64{x, 0}, [2]float64{x + w, 0}, [2]float64{x + w - 440, 900}, [2]float64{x - 440, 900})
	}
}

func tiles() cover {
	return cover{alt: "A book with nine glaze tiles in blue, amber and green on its cover", draw: func(c *canvas) {
		c.fill(0xd3ded8, 0xb9c9c1)
		c.shape(0x10231f, 40, [2]float64{430, 160}, [2]float64{850, 160}, [2]float64{850, 800}, [2]float64{430, 800})
		c.rect(0xfbf6ea, 390, 120, 420, 640)
		colors := []uint32{0x2637c4, 0xc4562e, 0x1f332e, 0xe2b95b, 0x6f8d84, 0x8e2a3a, 0x141b74, 0xf0dfc0, 0x2f7d5b}
		for i, k := range colors {
			x, y := 440+float64(i%3)*112, 180+float64(i/3)*112
			c.rect(k, x, y, 96, 96)
			c.ellipse(0xffffff, 40, x+34, y+30, 26, 14)
		}
		c.rect(0x13163a, 440, 560, 300, 26)
		c.rect(0x13163a, 440, 602, 210, 26)
		c.rect(0x9aa0c8, 440, 660, 160, 12)
		c.glint()
	}}
}

func log() cover {
	return cover{alt: "A sheet with a firing curve that climbs and falls", draw: func(c *canvas) {
		c.fill(0xf6df9f, 0xeccb74)
		c.rect(0xfffdf6, 330, 110, 540, 680)
		for i := range 8 {
			c.rect(0xd8d2bd, 390, 240+float64(i)*60, 420, 3)
		}
		pts := [][2]float64{{390, 660}, {470, 560}, {560, 500}, {640, 330}, {700, 290}, {740, 420}, {810, 640}}
		for i := range len(pts) - 1 {
			c.line(0xc4321a, 12, pts[i][0], pts[i][1], pts[i+1][0], pts[i+1][1])
			c.circle(0xc4321a, pts[i+1][0], pts[i+1][1], 11)
		}
		c.rect(0x10231f, 390, 160, 220, 26)
		c.glint()
	}}
}

func tape() cover {
	return cover{alt: "A cassette tape with an amber label", draw: func(c *canvas) {
		c.fill(0x16261f, 0x0b1715)
		c.rect(0x263b35, 230, 230, 740, 460)
		c.rect(0xffb81c, 280, 275, 640, 210)
		c.rect(0x1b1300, 320, 315, 330, 22)
		c.rect(0x1b1300, 320, 357, 200, 14)
		for _, x := range []float64{440, 760} {
			c.circle(0x0b1715, x, 560, 84)
			c.circle(0xecf4f1, x, 560, 50)
			for i := range 6 {
				a := float64(i) / 6 * 2 * math.Pi
				c.circle(0x0b1715, x+36*math.Cos(a), 560+36*math.Sin(a), 9)
			}
		}
		c.shape(0x0b1715, 255, [2]float64{360, 690}, [2]float64{400, 640}, [2]float64{800, 640}, [2]float64{840, 690})
		c.glint()
	}}
}

func quiet() cover {
	return cover{alt: "Rings that fade out, like the map of a silence", draw: func(c *canvas) {
		c.fill(0x12211d, 0x0b1715)
		for i := range 9 {
			c.ellipse(0xa9bfb8, uint8(18+i*6), 600, 450, 560-float64(i)*62, 400-float64(i)*44)
		}
		c.circle(0xffb81c, 600, 450, 20)
	}}
}

func alphabet() cover {
	return cover{alt: "A large painted letter A on a board", draw: func(c *canvas) {
		c.fill(0x26313a, 0x1b242b)
		c.rect(0x6e4a2a, 180, 80, 840, 24)
		c.rect(0x6e4a2a, 180, 796, 840, 24)
		c.shape(0xfbf3e4, 255, [2]float64{380, 720}, [2]float64{560, 190}, [2]float64{660, 190}, [2]float64{840, 720}, [2]float64{730, 720}, [2]float64{692, 600}, [2]float64{528, 600}, [2]float64{490, 720})
		c.shape(0x222c34, 255, [2]float64{556, 512}, [2]float64{610, 340}, [2]float64{664, 512})
		c.shape(0xf26b1d, 255, [2]float64{840, 720}, [2]float64{876, 740}, [2]float64{696, 210}, [2]float64{660, 190})
		c.glint()
	}}
}

func sheets() cover {
	return cover{alt: "A stack of lined sheets with a pencil", draw: func(c *canvas) {
		c.fill(0xfde3cf, 0xf8c9a2)
		for i := range 4 {
			o := float64(3-i) * 22
			c.rect([]uint32{0xe7d8c8, 0xefe3d5, 0xf6eee4, 0xffffff}[i], 350+o, 130+o, 460, 620)
		}
		for i := range 9 {
			c.rect(0x9db2ff, 390, 210+float64(i)*56, 380, 4)
		}
		c.line(0xf26b1d, 34, 560, 700, 900, 300)
		c.line(0x10231f, 34, 560, 700, 536, 728)
	}}
}
