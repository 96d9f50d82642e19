package files

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/storage"
)

// Progress is an upload and the pieces of it that have arrived.
type Progress struct {
	File File
	Have []int
}

// PartURL is where one piece is sent: exactly Size bytes, by PUT.
type PartURL struct {
	Number int
	Size   int64
	URL    string
}

// Missing is the answer to Complete while pieces lack.
type Missing struct {
	Parts []int
	error
}

func (m *Missing) Unwrap() error { return m.error }

// Start begins an upload in parts. Where it lies is chosen here; the name is only shown.
func (s *Service) Start(ctx context.Context, who id.User, p Purpose, name string, size int64) (File, error) {
	f, err := fresh(who, p, name, size)
	if err != nil {
		return File{}, err
	}
	f.PartSize = partSize(size)
	if err := s.insert(ctx, f); err != nil {
		return File{}, err
	}
	f.Upload, err = s.bucket.CreateMultipart(ctx, f.Key, plainType)
	if err != nil {
		return File{}, fmt.Errorf("start upload %s: %w", f.ID, err)
	}
	err = s.db.InTx(ctx, func(tx *db.Tx) error { return setUpload(ctx, tx, f.ID, f.Upload) })
	return f, err
}

func fresh(who id.User, p Purpose, name string, size int64) (File, error) {
	most := MaxProduct
	switch p {
	case ForImage:
		most = MaxImage
	case ForProduct:
	default:
		return File{}, errs.Field("purpose", "Say what the file is for: product or image.")
	}
	if size <= 0 {
		return File{}, errEmpty
	}
	if size > most {
		return File{}, tooLarge(p)
	}
	f := File{ID: id.New[id.FileKind](), Creator: who, Purpose: p, Name: cleanName(name), ContentType: plainType, Size: size, Status: Uploading}
	f.Key = quarantine(f.ID)
	return f, nil
}

func tooLarge(p Purpose) error {
	if p == ForImage {
		return errs.Field("size", "Pictures may have %d MB at most. Save it smaller and choose it again.", MaxImage>>20)
	}
	return errs.Field("size", "Files may have %d GB at most. Split it, or pack it smaller.", MaxProduct>>30)
}

func quarantine(f id.File) string { return "quarantine/" + f.String() }
func checked(f id.File) string    { return "files/" + f.String() }

// partSize is small enough that a lost connection costs little, and gives 64 parts at most.
func partSize(size int64) int64 {
	p := int64(8 << 20)
	for size > 64*p {
		p *= 2
	}
	return p
}

func (s *Service) insert(ctx context.Context, f File) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		ok, err := insert(ctx, tx, f)
		if err == nil && !ok {
			err = errTooMany
		}
		return err
	})
}

// PartURLs returns where the named pieces are sent. Each address takes its exact length and nothing else.
func (s *Service) PartURLs(ctx context.Context, who id.User, file id.File, numbers []int) ([]PartURL, error) {
	f, err := s.Get(ctx, who, file)
	if err != nil {
		return nil, err
	}
	if f.Status != Uploading || f.Upload == "" {
		return nil, errGone
	}
	if len(numbers) == 0 || len(numbers) > 100 {
		return nil, errs.Field("numbers", "Ask for 1 to 100 parts at a time.")
	}
	out := make([]PartURL, 0, len(numbers))
	for _, n := range numbers {
		if n < 1 || n > f.Parts() {
			return nil, errs.Field("numbers", "This upload has the parts 1 to %d.", f.Parts())
		}
		u, err := s.bucket.PresignPart(ctx, f.Key, f.Upload, int32(n), f.PartLength(n), PartURLs)
		if err != nil {
			return nil, err
		}
		out = append(out, PartURL{n, f.PartLength(n), u})
	}
	return out, nil
}

// Progress tells how far an upload is, so that it can go on after a pause or another page.
func (s *Service) Progress(ctx context.Context, who id.User, file id.File) (Progress, error) {
	f, err := s.Get(ctx, who, file)
	if err != nil || f.Status != Uploading || f.Upload == "" {
		return Progress{File: f}, err
	}
	parts, err := s.bucket.ListParts(ctx, f.Key, f.Upload)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return Progress{}, err
	}
	p := Progress{File: f}
	for _, x := range parts {
		if n := int(x.Number); n <= f.Parts() && x.Size == f.PartLength(n) {
			p.Have = append(p.Have, n)
		}
	}
	return p, nil
}

// Complete ends an upload whose pieces have all arrived and hands it to the check. A second call changes nothing.
func (s *Service) Complete(ctx context.Context, who id.User, file id.File) (File, error) {
	p, err := s.Progress(ctx, who, file)
	if err != nil || p.File.Status != Uploading {
		return p.File, err
	}
	if lack := lacking(p.File.Parts(), p.Have); len(lack) > 0 {
		return p.File, &Missing{lack, errs.New(errs.Conflict, "Some parts of this file have not arrived yet. The upload can go on.")}
	}
	return p.File, s.handOver(ctx, &p.File)
}

func lacking(parts int, have []int) []int {
	seen := make([]bool, parts+1)
	for _, n := range have {
		seen[n] = true
	}
	var lack []int
	for n := 1; n <= parts; n++ {
		if !seen[n] {
			lack = append(lack, n)
		}
	}
	return lack
}

// handOver moves the file to the check, once; what came first is left standing.
func (s *Service) handOver(ctx context.Context, f *File) error {
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		first, err := toChecking(ctx, tx, f.ID)
		if err != nil || !first {
			return err
		}
		return job.Enqueue(ctx, tx, Check{f.ID}, job.On(job.Slow), job.Key("files:check:"+f.ID.String()))
	})
	if err != nil {
		return fmt.Errorf("hand over upload %s: %w", f.ID, err)
	}
	now, err := findAny(ctx, s.db, f.ID)
	*f = now
	return err
}

// Abort gives an unfinished upload up. One that has ended stays as it is.
func (s *Service) Abort(ctx context.Context, who id.User, file id.File) error {
	f, err := s.Get(ctx, who, file)
	if err != nil || f.Status != Uploading {
		return err
	}
	return s.refuse(ctx, f, reasonStopped)
}

// Store takes a file that came through us, from a browser without JavaScript: at most MaxPlain bytes.
func (s *Service) Store(ctx context.Context, who id.User, p Purpose, name string, size int64, body io.ReadSeeker) (File, error) {
	f, err := fresh(who, p, name, size)
	if err != nil {
		return File{}, err
	}
	if size > MaxPlain {
		return File{}, plainTooLarge()
	}
	if err := s.insert(ctx, f); err != nil {
		return File{}, err
	}
	if err := s.bucket.Put(ctx, f.Key, plainType, body); err != nil {
		return File{}, fmt.Errorf("store upload %s: %w", f.ID, err)
	}
	return f, s.handOver(ctx, &f)
}

func plainTooLarge() error {
	return errs.New(errs.TooLarge, "Without JavaScript a file may have %d MB at most. Switch JavaScript on to send larger ones.", MaxPlain>>20)
}
