package card

import (
	"image"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/vector"
)

// bend is how far a curve's handles stand off for a quarter of a circle.
const bend = .5522847

// scallop is the half round in which a stripe of the awning ends, with a thin seam.
func (p *painter) scallop(x, y, w int, hex, seam string) {
	p.half(x, y, w, seam)
	p.half(x+1, y, w-2, hex)
}

func (p *painter) half(x, y, w int, hex string) {
	r := float32(w) / 2
	z := vector.NewRasterizer(w, int(math.Ceil(float64(r))))
	z.MoveTo(0, 0)
	z.CubeTo(0, bend*r, r-bend*r, r, r, r)
	z.CubeTo(r+bend*r, r, 2*r, bend*r, 2*r, 0)
	z.ClosePath()
	z.Draw(p.img, image.Rect(x, y, x+w, y+z.Bounds().Dy()), image.NewUniform(rgb(hex)), image.Point{})
}

// round fills a rectangle with round corners.
func (p *painter) round(b image.Rectangle, radius int, hex string) {
	w, h, r := float32(b.Dx()), float32(b.Dy()), float32(radius)
	if w < 2*r || h < 2*r {
		draw.Draw(p.img, b, image.NewUniform(rgb(hex)), image.Point{}, draw.Src)
		return
	}
	k := r - bend*r
	z := vector.NewRasterizer(b.Dx(), b.Dy())
	z.MoveTo(r, 0)
	z.LineTo(w-r, 0)
	z.CubeTo(w-k, 0, w, k, w, r)
	z.LineTo(w, h-r)
	z.CubeTo(w, h-k, w-k, h, w-r, h)
	z.LineTo(r, h)
	z.CubeTo(k, h, 0, h-k, 0, h-r)
	z.LineTo(0, r)
	z.CubeTo(0, k, k, 0, r, 0)
	z.ClosePath()
	z.Draw(p.img, b, image.NewUniform(rgb(hex)), image.Point{})
}
