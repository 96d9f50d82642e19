package files

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"log/slog"
	"runtime"
	"slices"

	"github.com/HugoSmits86/nativewebp"
	"golang.org/x/sync/semaphore"
)

// Widths are the sizes that pictures come in; none is wider than the picture was.
var Widths = []int{165, 360, 533, 720, 940, 1066, 1500}

const quality = 82

// made is a picture in its sizes.
type made struct {
	width, height int
	color         string
	variants      []variant
}

type variant struct {
	width, height int
	format        string
	data          []byte
}

// Pictures in work: one a core, and together no more memory than this.
const memory = maxCost

var (
	cores  = semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))
	budget = semaphore.NewWeighted(memory)
)

// drawSizes reads a picture and makes its sizes, upright, without any of its metadata. A reason says why it is refused.
func drawSizes(ctx context.Context, raw []byte) (p *made, reason string, err error) {
	err = withPicture(ctx, raw, func(src image.Image, h header) { p = encode(src, h) }, &reason)
	return p, reason, err
}

// withPicture decodes raw, when a core and enough memory are free, and hands it to draw. A reason says why not.
func withPicture(ctx context.Context, raw []byte, draw func(src image.Image, h header), reason *string) error {
	h, why := inspect(raw)
	if *reason = why; why != "" {
		return nil
	}
	if err := cores.Acquire(ctx, 1); err != nil {
		return err
	}
	defer cores.Release(1)
	if err := budget.Acquire(ctx, h.cost); err != nil {
		return err
	}
	defer budget.Release(h.cost)
	defer func() {
		if r := recover(); r != nil { // decoders meet hostile bytes
			slog.WarnContext(ctx, "picture cannot be drawn", "format", h.format, "panic", fmt.Sprint(r))
			*reason = reasonBroken
		}
	}()
	src, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		*reason = reasonBroken
		return nil
	}
	if b := src.Bounds(); b.Dx() < 1 || b.Dy() < 1 {
		*reason = reasonBroken
		return nil
	}
	draw(src, h)
	return nil
}

// top is the largest size, upright and in ordinary colours.
func (h header) top(src image.Image) *image.RGBA {
	widths := ladder(src.Bounds(), h.orientation)
	m := upright(shrink(src, topWidth(src.Bounds(), h.orientation, widths)), h.orientation)
	if h.wide {
		fromDisplayP3(m)
	}
	return m
}

func encode(src image.Image, h header) *made {
	widths := ladder(src.Bounds(), h.orientation)
	top := h.top(src)
	src = nil
	see := !top.Opaque()
	p := &made{width: top.Rect.Dx(), height: top.Rect.Dy(), color: average(top)}
	var jpegs, pngs, webps []variant
	for _, w := range widths {
		m := top
		if w < p.width {
			m = shrink(top, w)
		}
		v := variant{width: w, height: m.Rect.Dy()}
		if see {
			pngs = append(pngs, v.as("png", m))
		} else {
			jpegs = append(jpegs, v.as("jpeg", m))
		}
		if see || h.format != "jpeg" {
			webps = append(webps, v.webp(m)...)
		}
	}
	p.variants = slices.Concat(jpegs, pngs)
	if len(webps) == len(widths) && bytesOf(webps) < bytesOf(p.variants)*9/10 {
		p.variants = append(p.variants, webps...)
	}
	return p
}

// ladder is the widths that a picture is made in, smallest first.
func ladder(b image.Rectangle, orientation int) []int {
	full := b.Dx()
	if orientation >= 5 {
		full = b.Dy()
	}
	var out []int
	for _, w := range Widths {
		if w <= full {
			out = append(out, w)
		}
	}
	if most := Widths[len(Widths)-1]; full < most && !slices.Contains(out, full) {
		out = append(out, full)
	}
	return out
}

// topWidth is the width of the largest size before the picture is turned upright.
func topWidth(b image.Rectangle, orientation int, widths []int) int {
	top := widths[len(widths)-1]
	if orientation < 5 {
		return top
	}
	return max(1, (b.Dx()*top+b.Dy()/2)/b.Dy())
}

func (v variant) as(format string, m *image.RGBA) variant {
	var b bytes.Buffer
	var err error
	switch format {
	case "jpeg":
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: quality})
	case "png":
		err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, m)
	}
	if err != nil {
		panic(err) // into memory, of sizes we chose
	}
	v.format, v.data = format, b.Bytes()
	return v
}

// webp is lossless and optional: the encoder gives up on some pictures, by panic even.
func (v variant) webp(m *image.RGBA) (out []variant) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	var b bytes.Buffer
	if err := nativewebp.Encode(&b, m, nil); err != nil {
		return nil
	}
	v.format, v.data = "webp", b.Bytes()
	return []variant{v}
}

func bytesOf(vs []variant) (n int) {
	for _, v := range vs {
		n += len(v.data)
	}
	return n
}
