package files

import (
	"bytes"
	"context"
	"fmt"
	"maps"

	"vitrine/app/db"
	"vitrine/app/id"
)

// Picture is an image as a page shows it: the sizes it comes in and the colour that stands in for it.
type Picture struct {
	Alt           string
	Color         string // "#rrggbb", the average
	Width, Height int    // of the largest size
	Sources       []PictureSource
}

// PictureSource is one size in one format.
type PictureSource struct {
	Width  int
	URL    string
	Format string // "jpeg", "png", "webp" or "avif"
	Bytes  int64
}

// everywhere reports whether every browser and mail program shows it.
func (s PictureSource) everywhere() bool { return s.Format == "jpeg" || s.Format == "png" }

// Zero reports whether there is nothing to show.
func (p Picture) Zero() bool { return len(p.Sources) == 0 }

// Largest is the widest source that every browser shows; empty when there is none.
func (p Picture) Largest() PictureSource {
	var best PictureSource
	for _, s := range p.Sources {
		if s.everywhere() && s.Width > best.Width {
			best = s
		}
	}
	return best
}

// Pictures returns the images that are ready. What a picture shows in words (Alt) is the caller's to add.
func (s *Service) Pictures(ctx context.Context, q db.Q, ids []id.File) (map[id.File]Picture, error) {
	out := make(map[id.File]Picture, len(ids))
	ids = s.album.take(ids, out, s.db.Now())
	if len(ids) == 0 {
		return out, nil
	}
	sizes, err := listSizes(ctx, q, ids)
	if err != nil {
		return nil, fmt.Errorf("read pictures: %w", err)
	}
	read := map[id.File]Picture{}
	for _, v := range sizes {
		p := read[v.File]
		p.Color, p.Width, p.Height = v.Color, v.Full, v.FullHigh
		p.Sources = append(p.Sources, PictureSource{v.Width, s.sizeURL(v.File, v.Width, v.Format), v.Format, v.Bytes})
		read[v.File] = p
	}
	s.album.put(read, s.db.Now())
	maps.Copy(out, read)
	return out, nil
}

// endings of the formats that are served.
var endings = map[string]string{"jpeg": "jpg", "png": "png", "webp": "webp", "avif": "avif"}

func (s *Service) sizeURL(f id.File, width int, format string) string {
	return fmt.Sprintf("%s/m/%s/%d.%s", s.media, f, width, endings[format])
}

func sizeKey(f id.File, width int, format string) string {
	return fmt.Sprintf("media/%s/%d.%s", f, width, endings[format])
}

// makeSizes draws the sizes of a picture and stores them. A reason says that the picture is refused.
func (s *Service) makeSizes(ctx context.Context, f File) (p *made, reason string, err error) {
	raw, err := s.read(ctx, f.Key, f.Size)
	if err != nil {
		return nil, "", err
	}
	p, reason, err = drawSizes(ctx, raw)
	if err != nil || reason != "" {
		return nil, reason, err
	}
	for _, v := range p.variants {
		if err := s.bucket.Put(ctx, sizeKey(f.ID, v.width, v.format), "image/"+v.format, bytes.NewReader(v.data)); err != nil {
			return nil, "", err
		}
	}
	return p, "", nil
}

// Smallest is the narrowest source of at least width that every browser shows, or else the largest.
func (p Picture) Smallest(width int) PictureSource {
	best := p.Largest()
	for _, s := range p.Sources {
		if s.everywhere() && s.Width >= width && s.Width < best.Width {
			best = s
		}
	}
	return best
}
