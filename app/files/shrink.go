package files

import (
	"fmt"
	"image"
	"image/draw"
	"math"
)

// shrink draws src at the given width by averaging the area behind each pixel. It reads the picture in strips,
// so that it needs little more memory than the result.
func shrink(src image.Image, width int) *image.RGBA {
	b := src.Bounds()
	height := max(1, (b.Dy()*width+b.Dx()/2)/b.Dx())
	if width >= b.Dx() {
		out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(out, out.Rect, src, b.Min, draw.Src)
		return out
	}
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	cols := spans(b.Dx(), width)
	sum := make([]float32, width*4)
	line := make([]float32, width*4)
	const strip = 32
	buf := image.NewRGBA(image.Rect(0, 0, b.Dx(), strip))
	dy, step := 0, float64(b.Dy())/float64(height)
	end := step
	for y := 0; y < b.Dy(); y++ {
		if y%strip == 0 {
			draw.Draw(buf, buf.Rect, src, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		}
		squeeze(line, buf.Pix[(y%strip)*buf.Stride:], cols)
		share := float32(math.Min(1, end-float64(y)))
		add(sum, line, share)
		for dy < height-1 && float64(y+1) >= end {
			store(out.Pix[dy*out.Stride:], sum, float32(1/step))
			clear(sum)
			if rest := float64(y+1) - end; rest > 0 {
				add(sum, line, float32(rest))
			}
			dy++
			end = float64(dy+1) * step
		}
	}
	store(out.Pix[dy*out.Stride:], sum, float32(1/step))
	return out
}

// span is the part of a row behind one pixel: from the fraction first of pixel from to the fraction last of to.
type span struct {
	from, to    int
	first, last float32
	scale       float32
}

func spans(n, width int) []span {
	out := make([]span, width)
	step := float64(n) / float64(width)
	for i := range out {
		a, z := float64(i)*step, math.Min(float64(i+1)*step, float64(n))
		s := span{from: int(a), to: min(int(z), n-1), scale: float32(1 / (z - a))}
		s.first, s.last = float32(float64(s.from+1)-a), float32(z-float64(s.to))
		if s.from == s.to {
			s.first, s.last = float32(z-a), 0
		}
		out[i] = s
	}
	return out
}

// squeeze averages one row of RGBA pixels into line.
func squeeze(line []float32, row []byte, cols []span) {
	for i, s := range cols {
		p := row[s.from*4 : s.from*4+4]
		r, g, b, a := float32(p[0])*s.first, float32(p[1])*s.first, float32(p[2])*s.first, float32(p[3])*s.first
		if s.to > s.from {
			var ri, gi, bi, ai int
			for x := (s.from + 1) * 4; x < s.to*4; x += 4 {
				q := row[x : x+4 : x+4]
				ri, gi, bi, ai = ri+int(q[0]), gi+int(q[1]), bi+int(q[2]), ai+int(q[3])
			}
			q := row[s.to*4 : s.to*4+4]
			r += float32(ri) + float32(q[0])*s.last
			g += float32(gi) + float32(q[1])*s.last
			b += float32(bi) + float32(q[2])*s.last
			a += float32(ai) + float32(q[3])*s.last
		}
		o := line[i*4 : i*4+4]
		o[0], o[1], o[2], o[3] = r*s.scale, g*s.scale, b*s.scale, a*s.scale
	}
}

func add(sum, line []float32, share float32) {
	for i, v := range line {
		sum[i] += v * share
	}
}

func store(row []byte, sum []float32, scale float32) {
	for i, v := range sum {
		row[i] = byte(min(255, v*scale+0.5))
	}
}

// upright turns a picture as its EXIF orientation says.
func upright(m *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	ow, oh := w, h
	if orientation >= 5 {
		ow, oh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, ow, oh))
	for y := range oh {
		for x := range ow {
			var sx, sy int
			switch orientation {
			case 2:
				sx, sy = w-1-x, y
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sx, sy = x, h-1-y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, h-1-x
			case 7:
				sx, sy = w-1-y, h-1-x
			case 8:
				sx, sy = w-1-y, x
			}
			copy(out.Pix[out.PixOffset(x, y):][:4], m.Pix[m.PixOffset(sx, sy):][:4])
		}
	}
	return out
}

// average is the mean colour of what can be seen.
func average(m *image.RGBA) string {
	var r, g, b, a uint64
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride : y*m.Stride+m.Rect.Dx()*4]
		for i := 0; i < len(row); i += 4 {
			r, g, b, a = r+uint64(row[i]), g+uint64(row[i+1]), b+uint64(row[i+2]), a+uint64(row[i+3])
		}
	}
	if a == 0 {
		return "#ffffff"
	}
	return fmt.Sprintf("#%02x%02x%02x", min(255, (r*255+a/2)/a), min(255, (g*255+a/2)/a), min(255, (b*255+a/2)/a))
}
