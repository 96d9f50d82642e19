package files

import (
	"bytes"
	"context"
	"fmt"

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
