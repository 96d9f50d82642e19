package photo

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"runtime"
	"sync"
)

// The photographs of the demo world are painted, for there is no photographer here: layers in linear light, out of
// focus by their distance, with grain on top, and as large as a camera makes them.
const (
	photoWide, photoHigh = 1500, 1000 // what is painted; the file has twice as much each way
	aspect               = float32(photoWide) / photoHigh
)

type rgbf struct{ r, g, b float32 }

func (c rgbf) mul(f float32) rgbf   { return rgbf{c.r * f, c.g * f, c.b * f} }
func (c rgbf) add(o rgbf) rgbf      { return rgbf{c.r + o.r, c.g + o.g, c.b + o.b} }
func (c rgbf) times(o rgbf) rgbf    { return rgbf{c.r * o.r, c.g * o.g, c.b * o.b} }
func mix(a, b rgbf, t float32) rgbf { return a.mul(1 - t).add(b.mul(t)) }

// hex is a colour as screens name it, in linear light.
func hex(n uint32) rgbf {
	lin := func(v uint32) float32 { return float32(math.Pow(float64(v&255)/255, 2.2)) }
	return rgbf{lin(n >> 16), lin(n >> 8), lin(n)}
}

func clamp(v, lo, hi float32) float32 { return min(max(v, lo), hi) }

func smooth(lo, hi, v float32) float32 {
	t := clamp((v-lo)/(hi-lo), 0, 1)
	return t * t * (3 - 2*t)
}

func sqrt(v float32) float32   { return float32(math.Sqrt(float64(max(v, 0)))) }
func sin(v float32) float32    { return float32(math.Sin(float64(v))) }
func pow(v, e float32) float32 { return float32(math.Pow(float64(max(v, 0)), float64(e))) }
func exp(v float32) float32    { return float32(math.Exp(float64(v))) }

// layer is premultiplied colour with coverage.
type layer struct{ pix []float32 }

func newLayer() *layer { return &layer{make([]float32, photoWide*photoHigh*4)} }

// each calls f for the pixels between two heights, rows spread over the cores. The unit is the picture's height.
func each(top, bottom float32, f func(x, y float32, at int)) {
	first, last := int(clamp(top, 0, 1)*photoHigh), int(clamp(bottom, 0, 1)*photoHigh)
	var wg sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for k := range n {
		wg.Go(func() {
			for row := first + k; row < last; row += n {
				for col := range photoWide {
					f((float32(col)+.5)/photoHigh, (float32(row)+.5)/photoHigh, (row*photoWide+col)*4)
				}
			}
		})
	}
	wg.Wait()
}

// over lays a colour with coverage a on the pixel at.
func (l *layer) over(at int, c rgbf, a float32) {
	p := l.pix[at : at+4 : at+4]
	k := 1 - a
	p[0], p[1], p[2], p[3] = p[0]*k+c.r*a, p[1]*k+c.g*a, p[2]*k+c.b*a, p[3]*k+a
}

// shade darkens what is there.
func (l *layer) shade(at int, f float32) {
	p := l.pix[at : at+4 : at+4]
	p[0], p[1], p[2] = p[0]*f, p[1]*f, p[2]*f
}

// light adds what glows.
func (l *layer) light(at int, c rgbf) {
	p := l.pix[at : at+4 : at+4]
	p[0], p[1], p[2] = p[0]+c.r, p[1]+c.g, p[2]+c.b
}

// paste lays o over l.
func (l *layer) paste(o *layer) {
	each(0, 1, func(_, _ float32, at int) {
		s, d := o.pix[at:at+4:at+4], l.pix[at:at+4:at+4]
		k := 1 - s[3]
		d[0], d[1], d[2], d[3] = d[0]*k+s[0], d[1]*k+s[1], d[2]*k+s[2], d[3]*k+s[3]
	})
}

// blur puts the layer out of focus: three boxes are as good as a lens. r is in heights.
func (l *layer) blur(r float32) {
	n := int(r * photoHigh)
	if n < 1 {
		return
	}
	tmp := make([]float32, len(l.pix))
	for range 2 {
		box(tmp, l.pix, photoHigh, photoWide, photoWide*4, 4, n)
		box(l.pix, tmp, photoWide, photoHigh, 4, photoWide*4, n)
	}
}

// box averages along lines of n pixels that are step apart.
func box(dst, src []float32, lines, n, line, step, r int) {
	var wg sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	scale := 1 / float32(2*r+1)
	for k := range cores {
		wg.Go(func() {
			for i := k; i < lines; i += cores {
				var sum [4]float32
				at := func(j int) int { return i*line + min(max(j, 0), n-1)*step }
				for j := -r; j <= r; j++ {
					for c, p := 0, at(j); c < 4; c++ {
						sum[c] += src[p+c]
					}
				}
				for j := range n {
					d, in, out := i*line+j*step, at(j+r+1), at(j-r)
					for c := range 4 {
						dst[d+c] = sum[c] * scale
						sum[c] += src[in+c] - src[out+c]
					}
				}
			}
		})
	}
	wg.Wait()
}

// hash is noise of whole numbers, 0 to 1.
func hash(x, y int32, seed uint32) float32 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ seed*0xcb1ab31f
	h = (h ^ h>>15) * 0x2c1b3c6d
	h = (h ^ h>>12) * 0x297a2d39
	return float32((h^h>>15)>>8) / (1 << 24)
}

// noise is smooth, -1 to 1.
func noise(x, y float32, seed uint32) float32 {
	fx, fy := float32(math.Floor(float64(x))), float32(math.Floor(float64(y)))
	ix, iy := int32(fx), int32(fy)
	u, v := x-fx, y-fy
	u, v = u*u*(3-2*u), v*v*(3-2*v)
	a, b := hash(ix, iy, seed), hash(ix+1, iy, seed)
	c, d := hash(ix, iy+1, seed), hash(ix+1, iy+1, seed)
	return 2*(a+(b-a)*u+(c-a)*v+(a-b-c+d)*u*v) - 1
}

// cloud is noise of several sizes.
func cloud(x, y float32, octaves int, seed uint32) (v float32) {
	for a, i := float32(.5), 0; i < octaves; i++ {
		v += a * noise(x, y, seed+uint32(i))
		x, y, a = x*2.03+17, y*2.03+31, a*.5
	}
	return v
}

// film is what the layer looks like as a photograph: a soft shoulder in the lights, darker corners, grain.
func (l *layer) film(seed uint32) ([]byte, error) {
	tone := make([]uint8, 4096)
	for i := range tone {
		v := float32(i) / 1024
		v = v * (1 + v/5) / (1 + v) * 1.22
		tone[i] = uint8(clamp(pow(v, 1/2.2)*255+.5, 0, 255))
	}
	small := make([]float32, photoWide*photoHigh*3)
	each(0, 1, func(x, y float32, at int) {
		dx, dy := x/aspect-.5, y-.5
		v := 1 - .55*(dx*dx+dy*dy)
		for c := range 3 {
			small[at/4*3+c] = l.pix[at+c] * v
		}
	})
	out := image.NewRGBA(image.Rect(0, 0, photoWide*2, photoHigh*2))
	var wg sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for k := range cores {
		wg.Go(func() {
			for y := k; y < photoHigh*2; y += cores {
				enlarge(out.Pix[y*out.Stride:], small, y, tone, seed)
			}
		})
	}
	wg.Wait()
	var b bytes.Buffer
	err := jpeg.Encode(&b, out, &jpeg.Options{Quality: 96})
	return b.Bytes(), err
}

// enlarge draws one row of the file between the two painted rows around it.
func enlarge(row []uint8, small []float32, y int, tone []uint8, seed uint32) {
	near := func(i, n int) (a, b int) {
		a = i / 2
		if b = a + 1; i%2 == 0 {
			b = a - 1
		}
		return a, min(max(b, 0), n-1)
	}
	y0, y1 := near(y, photoHigh)
	for x := range photoWide * 2 {
		x0, x1 := near(x, photoWide)
		g := (hash(int32(x), int32(y), seed) + hash(int32(x/2), int32(y/2), seed+1) - 1) * .062
		for c := range 3 {
			v := .5625*small[(y0*photoWide+x0)*3+c] + .1875*(small[(y0*photoWide+x1)*3+c]+small[(y1*photoWide+x0)*3+c]) + .0625*small[(y1*photoWide+x1)*3+c]
			v += g * (v + .02)
			row[x*4+c] = tone[int(clamp(v, 0, 3.99)*1024)]
		}
		row[x*4+3] = 255
	}
}
