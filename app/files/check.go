package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/storage"
)

// Check joins the parts of an upload and decides whether it may be used.
type Check struct{ File id.File }

func (Check) Kind() string { return "files:check" }

// Tidy takes out of the bucket what is no longer needed of a file.
type Tidy struct{ File id.File }

func (Tidy) Kind() string { return "files:tidy" }

// Tasks registers the jobs and sweeps of this package.
func (s *Service) Tasks(reg *job.Registry) {
	job.Handle(reg, job.Spec{Timeout: 10 * time.Minute, Attempts: 6}, s.check)
	job.Handle(reg, job.Spec{Timeout: 5 * time.Minute, Attempts: 4}, s.pack)
	job.Handle(reg, job.Spec{}, s.tidy)
	reg.Every("sweep:uploads", 10*time.Minute, s.Sweep)
}

// Why a file was refused, as its creator reads it.
const (
	reasonStopped  = "You stopped this upload."
	reasonLate     = "The upload was not finished within a day."
	reasonUnused   = "Nothing used this file for a day, so it was removed."
	reasonLost     = "The upload was lost on its way. Please choose the file again."
	reasonSize     = "What arrived has another size than was announced. Please choose the file again."
	reasonPicture  = "This is not a picture. Choose a JPEG, PNG, WebP or GIF."
	reasonBroken   = "This picture cannot be read. Save it again as JPEG or PNG."
	reasonPixels   = "This picture has more than 40 megapixels. Save it smaller and choose it again."
	reasonHeavy    = "This picture needs too much memory. Save it as an ordinary JPEG and choose it again."
	reasonShape    = "This picture is too long and thin. One side may be five times the other at most."
	reasonDisguise = "The name of this file promises something else than what is in it, so devices would refuse it. Give it its true ending."
	reasonProgram  = "This file is a program that pretends to be something else."
)

// check runs any number of times: it goes by the row and by what lies in the bucket.
func (s *Service) check(ctx context.Context, t Check) error {
	f, err := findAny(ctx, s.db, t.File)
	if err != nil {
		return fmt.Errorf("check file %s: %w", t.File, err)
	}
	if f.Status != Checking {
		return nil
	}
	o, err := s.join(ctx, f)
	if errors.Is(err, storage.ErrNotFound) {
		return s.refuse(ctx, f, reasonLost)
	}
	if err != nil {
		return fmt.Errorf("check file %s: %w", f.ID, err)
	}
	if o.Size != f.Size {
		return s.refuse(ctx, f, reasonSize)
	}
	head, err := s.read(ctx, f.Key, min(f.Size, sniffed))
	if err != nil {
		return fmt.Errorf("check file %s: %w", f.ID, err)
	}
	kind, reason := judge(f, head)
	if reason != "" {
		return s.refuse(ctx, f, reason)
	}
	var p *made
	if f.Purpose == ForImage {
		if p, reason, err = s.makeSizes(ctx, f); err != nil {
			return fmt.Errorf("check file %s: %w", f.ID, err)
		}
		if reason != "" {
			return s.refuse(ctx, f, reason)
		}
	}
	if err := s.bucket.Copy(ctx, f.Key, checked(f.ID)); err != nil {
		return fmt.Errorf("check file %s: %w", f.ID, err)
	}
	f.ContentType, f.Key = kind, checked(f.ID)
	return s.pass(ctx, f, o.ETag, p)
}

// join makes one object of the parts, if that has not been done yet.
func (s *Service) join(ctx context.Context, f File) (storage.Object, error) {
	o, err := s.bucket.Head(ctx, f.Key)
	if !errors.Is(err, storage.ErrNotFound) || f.Upload == "" {
		return o, err
	}
	parts, err := s.bucket.ListParts(ctx, f.Key, f.Upload)
	if err != nil {
		return o, err
	}
	if len(parts) == 0 {
		return o, storage.ErrNotFound
	}
	if err := s.bucket.Complete(ctx, f.Key, f.Upload, parts); err != nil {
		return o, err
	}
	return s.bucket.Head(ctx, f.Key)
}

func (s *Service) read(ctx context.Context, key string, length int64) ([]byte, error) {
	r, _, err := s.bucket.Get(ctx, key, 0, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, length))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return b, nil
}

func (s *Service) pass(ctx context.Context, f File, etag string, p *made) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		first, err := toReady(ctx, tx, f, etag)
		if err != nil || !first {
			return err
		}
		if p != nil {
			if err := insertImage(ctx, tx, f.ID, *p); err != nil {
				return fmt.Errorf("note sizes of %s: %w", f.ID, err)
			}
		}
		f.Status = Ready
		for _, hook := range s.onReady {
			if err := hook(ctx, tx, f); err != nil {
				return err
			}
		}
		if p != nil {
			if err := job.Enqueue(ctx, tx, Pack{f.ID}, job.On(job.Batch)); err != nil {
				return err
			}
		}
		return job.Enqueue(ctx, tx, Tidy{f.ID}, job.On(job.Slow))
	})
}

func (s *Service) refuse(ctx context.Context, f File, reason string) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		first, err := toRefused(ctx, tx, f, reason)
		if err != nil || !first {
			return err
		}
		return job.Enqueue(ctx, tx, Tidy{f.ID}, job.On(job.Slow))
	})
}

// tidy empties the quarantine of a file that has passed, and every place of one that was refused.
func (s *Service) tidy(ctx context.Context, t Tidy) error {
	f, err := findAny(ctx, s.db, t.File)
	if err != nil {
		return fmt.Errorf("tidy file %s: %w", t.File, err)
	}
	switch {
	case f.Status == Ready:
		return s.bucket.Delete(ctx, quarantine(f.ID))
	case f.Status == Refused && f.DeletedAt == nil:
		return s.purge(ctx, f)
	}
	return nil
}

func (s *Service) purge(ctx context.Context, f File) error {
	s.album.drop(f.ID)
	if f.Upload != "" {
		if err := s.bucket.Abort(ctx, quarantine(f.ID), f.Upload); err != nil {
			return err
		}
	}
	keys := []string{quarantine(f.ID), checked(f.ID)}
	sizes, err := listSizes(ctx, s.db, []id.File{f.ID})
	if err != nil {
		return err
	}
	for _, v := range sizes {
		keys = append(keys, sizeKey(f.ID, v.Width, v.Format))
	}
	for _, k := range keys {
		if err := s.bucket.Delete(ctx, k); err != nil {
			return err
		}
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := deleteImage(ctx, tx, f.ID); err != nil {
			return err
		}
		return setDeleted(ctx, tx, f.ID)
	})
}

// Sweep gives up what was begun a day ago and never ended, removes what nothing uses, and finishes removals
// that were cut short.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.db.Now().Add(-KeepOpen)
	stale, err := listStale(ctx, s.db, before)
	if err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	for _, f := range stale {
		reason := reasonLate
		if f.Status == Checking {
			reason = reasonLost
		}
		if err := s.refuse(ctx, f, reason); err != nil {
			return fmt.Errorf("sweep uploads: %w", err)
		}
	}
	unused, err := listUnused(ctx, s.db, before)
	if err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	for _, f := range unused {
		if err := s.db.InTx(ctx, func(tx *db.Tx) error { _, err := toUnused(ctx, tx, f, reasonUnused); return err }); err != nil {
			return fmt.Errorf("sweep uploads: %w", err)
		}
	}
	refused, err := listRefused(ctx, s.db)
	if err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	for _, f := range refused {
		if err := s.purge(ctx, f); err != nil { // the others should not wait for one
			slog.ErrorContext(ctx, "remove refused file", "file", f.ID.String(), "err", err)
		}
	}
	return s.sweepBucket(ctx, before.Add(-time.Hour))
}

// sweepBucket aborts uploads that no row knows, left by a crash between the bucket and the database.
func (s *Service) sweepBucket(ctx context.Context, before time.Time) error {
	open, err := s.bucket.Unfinished(ctx, "quarantine/")
	if err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	for _, u := range open {
		if u.Begun.Before(before) {
			if err := s.bucket.Abort(ctx, u.Key, u.ID); err != nil {
				return fmt.Errorf("sweep uploads: %w", err)
			}
		}
	}
	return nil
}
