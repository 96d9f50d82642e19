package files

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"vitrine/app/db"
	"vitrine/app/id"
)

// Reserve makes a place for a picture that will be fetched later, so that what is to show it can name it now. Who
// fills it calls Fill, or Abort; what is never filled is swept like any upload.
func (s *Service) Reserve(ctx context.Context, tx *db.Tx, who id.User, name string) (File, error) {
	f, err := fresh(who, ForImage, name, 1)
	if err != nil {
		return File{}, err
	}
	ok, err := insert(ctx, tx, f)
	if err == nil && !ok {
		err = errTooMany
	}
	return f, err
}

// Fill puts what was fetched into a reserved place and hands it to the check. A second call changes nothing.
func (s *Service) Fill(ctx context.Context, who id.User, file id.File, body []byte) error {
	f, err := s.Get(ctx, who, file)
	if err != nil || f.Status != Uploading {
		return err
	}
	if len(body) == 0 {
		return errEmpty
	}
	if int64(len(body)) > MaxImage {
		return tooLarge(ForImage)
	}
	if err := s.bucket.Put(ctx, f.Key, plainType, bytes.NewReader(body)); err != nil {
		return fmt.Errorf("fill file %s: %w", file, err)
	}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE files SET size = $2 WHERE id = $1 AND status = 'uploading'`, file, len(body))
		return err
	})
	if err != nil {
		return err
	}
	return s.handOver(ctx, &f)
}

// Take stores a file of any size that has come to us already, and checks it at once.
func (s *Service) Take(ctx context.Context, who id.User, p Purpose, name string, size int64, body io.ReadSeeker) (File, error) {
	f, err := fresh(who, p, name, size)
	if err != nil {
		return File{}, err
	}
	if err := s.insert(ctx, f); err != nil {
		return File{}, err
	}
	if err := s.bucket.Put(ctx, f.Key, plainType, body); err != nil {
		return File{}, fmt.Errorf("store file %s: %w", f.ID, err)
	}
	if err := s.handOver(ctx, &f); err != nil {
		return File{}, err
	}
	if err := s.check(ctx, Check{f.ID}); err != nil {
		return File{}, err
	}
	return s.Get(ctx, who, f.ID)
}

// Read reads length bytes of a file that has passed its check, from an offset.
func (s *Service) Read(ctx context.Context, f File, from, length int64) (io.ReadCloser, error) {
	r, _, err := s.bucket.Get(ctx, f.Key, from, length)
	return r, err
}
