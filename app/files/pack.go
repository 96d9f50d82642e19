package files

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"log/slog"
	"slices"

	"github.com/gen2brain/avif"
	"github.com/gen2brain/webp"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/job"
)

// Pack makes a picture's small formats, AVIF and WebP. It comes after the picture is ready, for it takes a core
// for a second or two; until then, and for old browsers, there is JPEG or PNG.
type Pack struct{ File id.File }

func (Pack) Kind() string { return "files:pack" }

// Both encoders run as WebAssembly inside this process. Their scales differ; these look alike.
const (
	avifQuality = 56
	avifSpeed   = 8
	webpQuality = 76
	webpMethod  = 4
	packCost    = 48        // bytes of memory that one pixel needs while it is encoded
	packPixels  = 3_000_000 // a size with more is not packed
)

// pack runs any number of times: it goes by the sizes that are there.
func (s *Service) pack(ctx context.Context, t Pack) error {
	f, err := findAny(ctx, s.db, t.File)
	if err != nil {
		return fmt.Errorf("pack file %s: %w", t.File, err)
	}
	if f.Status != Ready || f.DeletedAt != nil || f.Purpose != ForImage {
		return nil
	}
	have, err := listSizes(ctx, s.db, []id.File{f.ID})
	if err != nil {
		return fmt.Errorf("pack file %s: %w", f.ID, err)
	}
	if slices.ContainsFunc(have, func(r sizeRow) bool { return r.Format == "avif" }) {
		return nil
	}
	raw, err := s.read(ctx, f.Key, f.Size)
	if err != nil {
		return fmt.Errorf("pack file %s: %w", f.ID, err)
	}
	p, reason, err := drawPacked(ctx, raw, slices.ContainsFunc(have, func(r sizeRow) bool { return r.Format == "webp" }))
	if err != nil {
		return fmt.Errorf("pack file %s: %w", f.ID, err)
	}
	if reason != "" { // it was good when it came
		return job.Permanent(fmt.Errorf("pack file %s: %s", f.ID, reason))
	}
	for _, v := range p.variants {
		if err := s.bucket.Put(ctx, sizeKey(f.ID, v.width, v.format), "image/"+v.format, bytes.NewReader(v.data)); err != nil {
			return fmt.Errorf("pack file %s: %w", f.ID, err)
		}
	}
	defer s.album.drop(f.ID)
	return s.db.InTx(ctx, func(tx *db.Tx) error { return insertImage(ctx, tx, f.ID, *p) })
}

// drawPacked reads a picture and makes its sizes in the small formats, those that are worth it.
func drawPacked(ctx context.Context, raw []byte, haveWebP bool) (p *made, reason string, err error) {
	err = withPicture(ctx, raw, func(src image.Image, h header) {
		p = &made{}
		top := h.top(src)
		p.width, p.height, p.color = top.Rect.Dx(), top.Rect.Dy(), average(top)
		see := !top.Opaque()
		var plain, avifs, webps []variant
		for _, w := range ladder(src.Bounds(), h.orientation) {
			m := top
			if w < p.width {
				m = shrink(top, w)
			}
			v := variant{width: w, height: m.Rect.Dy()}
			if see {
				plain = append(plain, v.as("png", m))
			} else {
				plain = append(plain, v.as("jpeg", m))
			}
			if w*v.height > packPixels {
				continue
			}
			avifs = append(avifs, v.small("avif", m)...)
			if !haveWebP {
				webps = append(webps, v.small("webp", m)...)
			}
		}
		for _, vs := range [][]variant{avifs, webps} {
			if len(vs) > 0 && bytesOf(vs) < bytesOf(plain[:len(vs)])*9/10 {
				p.variants = append(p.variants, vs...)
			}
		}
	}, &reason)
	return p, reason, err
}

// small encodes v as AVIF or WebP; nothing when the encoder does not take the picture.
func (v variant) small(format string, m *image.RGBA) (out []variant) {
	defer func() {
		if r := recover(); r != nil {
			slog.Warn("picture cannot be packed", "format", format, "panic", fmt.Sprint(r))
			out = nil
		}
	}()
	var b bytes.Buffer
	var err error
	switch format {
	case "avif":
		err = avif.Encode(&b, m, avif.Options{Quality: avifQuality, QualityAlpha: 80, Speed: avifSpeed, ChromaSubsampling: image.YCbCrSubsampleRatio420})
	case "webp":
		err = webp.Encode(&b, m, webp.Options{Quality: webpQuality, Method: webpMethod})
	}
	if err != nil {
		slog.Warn("picture cannot be packed", "format", format, "width", v.width, "err", err)
		return nil
	}
	v.format, v.data = format, b.Bytes()
	return []variant{v}
}
