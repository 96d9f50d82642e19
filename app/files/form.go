package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
)

// Sent is a file that came with a form.
type Sent struct {
	Field, Name string
	Size        int64
	TooBig      bool // then it was read past, not kept
	file        *os.File
}

// Close removes what was kept of the file.
func (s Sent) Close() {
	if s.file != nil {
		s.file.Close()
	}
}

const (
	formLimit  = 1 << 20  // all fields together
	totalLimit = 96 << 20 // beyond this the connection is not worth reading to the end
)

// ReadForm reads a form that may carry files, as browsers without JavaScript send them. Fields are then had by
// web.Text as always. Files go to disk as they come, never into memory; the caller closes them. A file over
// MaxPlain is read past, so that what was typed into the form is not lost with it.
func ReadForm(c echo.Context) ([]Sent, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, totalLimit)
	mr, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		r.Body = http.MaxBytesReader(c.Response(), r.Body, formLimit)
		return nil, readErr(r.ParseForm())
	}
	if err != nil {
		return nil, readErr(err)
	}
	fields, room := url.Values{}, int64(formLimit)
	var sent []Sent
	for {
		p, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && p.FileName() != "" {
			var s Sent
			if s, err = keep(p); err == nil {
				sent = append(sent, s)
			}
		} else if err == nil && p.FormName() != "" {
			var b []byte
			b, err = io.ReadAll(io.LimitReader(p, room+1))
			if room -= int64(len(b)); err == nil && room < 0 {
				err = &http.MaxBytesError{Limit: formLimit}
			}
			fields.Add(p.FormName(), string(b))
		}
		if err != nil {
			CloseAll(sent)
			return nil, readErr(err)
		}
	}
	r.PostForm, r.Form = fields, fields
	r.MultipartForm = &multipart.Form{Value: fields, File: map[string][]*multipart.FileHeader{}}
	return sent, nil
}

func readErr(err error) error {
	var big *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &big):
		return errs.Wrap(errs.TooLarge, err, "That is too much for one form. Without JavaScript a file may have %d MB at most.", MaxPlain>>20)
	}
	return errs.Wrap(errs.Invalid, err, "This form did not arrive whole. Please send it again.")
}

// keep writes one part to a file that has no name any more, so that it goes with its last handle.
func keep(p *multipart.Part) (Sent, error) {
	s := Sent{Field: p.FormName(), Name: p.FileName()}
	f, err := os.CreateTemp("", "vitrine-upload-*")
	if err != nil {
		return s, fmt.Errorf("keep upload: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return s, fmt.Errorf("keep upload: %w", err)
	}
	s.file = f
	if s.Size, err = io.Copy(f, io.LimitReader(p, MaxPlain+1)); err != nil {
		f.Close()
		return s, err
	}
	if s.Size > MaxPlain {
		s.TooBig = true
		rest, err := io.Copy(io.Discard, p)
		if err != nil {
			f.Close()
			return s, err
		}
		s.Size += rest
	}
	return s, nil
}

// CloseAll closes every file.
func CloseAll(sent []Sent) {
	for _, s := range sent {
		s.Close()
	}
}

// StoreSent is Store for a file that came with a form. A file to sell is checked at once, which takes a moment
// at this size; should that fail, the job does it.
func (s *Service) StoreSent(ctx context.Context, who id.User, p Purpose, x Sent) (File, error) {
	if x.TooBig {
		return File{}, plainTooLarge()
	}
	if _, err := x.file.Seek(0, io.SeekStart); err != nil {
		return File{}, fmt.Errorf("store upload: %w", err)
	}
	f, err := s.Store(ctx, who, p, x.Name, x.Size, x.file)
	if err != nil || p != ForProduct {
		return f, err
	}
	if err := s.check(ctx, Check{f.ID}); err != nil {
		slog.WarnContext(ctx, "file not checked at once", "file", f.ID.String(), "err", err)
	}
	return s.Get(ctx, who, f.ID)
}
