package assist

import (
	"context"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/files"
	"vitrine/app/id"
)

type own = builder.Pictures

// both are a creator's own pictures, and photographs of others that stay where they are.
type both struct {
	own
	photos *Photos
}

// WithPhotos lets windows show photographs of others beside the creator's own pictures.
func WithPhotos(own builder.Pictures, p *Photos) builder.Pictures { return both{own, p} }

// Pictures returns what can be shown of both.
func (b both) Pictures(ctx context.Context, q db.Q, ids []id.File) (map[id.File]files.Picture, error) {
	out, err := b.own.Pictures(ctx, q, ids)
	if err != nil || len(out) == len(ids) {
		return out, err
	}
	more, err := b.photos.Pictures(ctx, q, ids)
	for k, v := range more {
		out[k] = v
	}
	return out, err
}

// Use takes files into use. Photographs of others only must be the creator's to show.
func (b both) Use(ctx context.Context, tx *db.Tx, creator id.User, p files.Purpose, ids ...id.File) ([]files.File, error) {
	others := ids
	if p == files.ForImage {
		var err error
		if _, others, err = b.photos.Own(ctx, tx, creator, ids); err != nil || len(others) == 0 {
			return nil, err
		}
	}
	return b.own.Use(ctx, tx, creator, p, others...)
}
