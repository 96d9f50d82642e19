// Package files takes uploads straight into the bucket, checks what arrived, makes the sizes of pictures and
// hands out links for downloads.
//
// An upload lies under quarantine/ until it has passed the check. Nothing reads from there but the check.
package files

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storage"
)

// Purpose decides what an upload may be.
type Purpose string

const (
	ForProduct Purpose = "product" // sold and downloaded: any type, delivered as an attachment
	ForImage   Purpose = "image"   // shown: JPEG, PNG, WebP or GIF, always re-encoded by us
)

// Status of an upload; it only moves forward.
type Status string

const (
	Uploading Status = "uploading"
	Checking  Status = "checking"
	Ready     Status = "ready"
	Refused   Status = "refused"
)

// Limits of one upload.
const (
	MaxProduct int64 = 1 << 30
	MaxImage   int64 = 20 << 20
	MaxPlain   int64 = 32 << 20 // through us, from a browser without JavaScript

	PartURLs  = time.Hour      // how long the address of a part may be used
	KeepOpen  = 24 * time.Hour // an upload that takes longer is given up, an unused file removed
	maxOpen   = 100            // unfinished uploads of one creator
	plainType = "application/octet-stream"
)

// File is one upload.
type File struct {
	ID          id.File    `db:"id"`
	Creator     id.User    `db:"creator_id"`
	Purpose     Purpose    `db:"purpose"`
	Name        string     `db:"name"`
	ContentType string     `db:"content_type"`
	Size        int64      `db:"size"`
	Key         string     `db:"key"`
	Upload      string     `db:"upload_id"`
	PartSize    int64      `db:"part_size"`
	Status      Status     `db:"status"`
	Reason      string     `db:"reason"`
	CreatedAt   time.Time  `db:"created_at"`
	DeletedAt   *time.Time `db:"deleted_at"`
}

// Parts is in how many pieces the file travels.
func (f File) Parts() int {
	if f.PartSize == 0 {
		return 0
	}
	return int((f.Size + f.PartSize - 1) / f.PartSize)
}

// PartLength is the exact length of piece n, counted from 1.
func (f File) PartLength(n int) int64 {
	return min(f.PartSize, f.Size-int64(n-1)*f.PartSize)
}

// Service is uploads, their check and their links.
type Service struct {
	db      *db.DB
	bucket  *storage.Bucket
	media   string
	album   album
	onReady []func(ctx context.Context, tx *db.Tx, f File) error
}

// New keeps files in bucket; mediaURL is the host that shows pictures.
func New(d *db.DB, bucket *storage.Bucket, mediaURL string) *Service {
	return &Service{db: d, bucket: bucket, media: strings.TrimRight(mediaURL, "/")}
}

// OnReady registers what else happens in the transaction that lets a file through.
func (s *Service) OnReady(f func(ctx context.Context, tx *db.Tx, file File) error) {
	s.onReady = append(s.onReady, f)
}

// Get returns a file of the creator.
func (s *Service) Get(ctx context.Context, who id.User, file id.File) (File, error) {
	f, err := find(ctx, s.db, who, file)
	if db.None(err) {
		return File{}, errNotFound
	}
	return f, err
}

// ByIDs returns the files in the order asked for; those that are gone are left out.
func (s *Service) ByIDs(ctx context.Context, q db.Q, ids []id.File) ([]File, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := listByID(ctx, q, ids)
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	have := map[id.File]File{}
	for _, f := range rows {
		have[f.ID] = f
	}
	out := make([]File, 0, len(rows))
	for _, i := range ids {
		if f, ok := have[i]; ok {
			out = append(out, f)
		}
	}
	return out, nil
}

// Use notes that something shows or sells the files, so that they are kept. Files of others, refused ones and
// those of another purpose are not found.
func (s *Service) Use(ctx context.Context, tx *db.Tx, who id.User, p Purpose, ids ...id.File) ([]File, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := use(ctx, tx, who, p, ids)
	if err != nil {
		return nil, fmt.Errorf("use files: %w", err)
	}
	wanted := map[id.File]bool{}
	for _, i := range ids {
		wanted[i] = true
	}
	if len(rows) != len(wanted) {
		return nil, errNotFound
	}
	return rows, nil
}

// Link returns an address that downloads the file for ttl: always as an attachment, never shown.
func (s *Service) Link(ctx context.Context, f File, ttl time.Duration) (string, error) {
	if f.Status != Ready {
		return "", errs.New(errs.Unavailable, "This file is still being checked. Please try again in a minute.")
	}
	return s.bucket.PresignGet(ctx, f.Key, ttl, Disposition(f.Name), f.ContentType)
}

// Disposition names the download in plain ASCII for old browsers and in full for the rest.
func Disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	return fmt.Sprintf(`attachment; filename="%s"; filename*=UTF-8''%s`, plain, strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
}

// cleanName keeps what a person would call the file: no folders, no control or direction marks, 255 characters
// with the ending kept.
func cleanName(s string) string {
	s = strings.ToValidUTF8(s, "")
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) {
			return -1
		}
		return r
	}, s)
	s = strings.TrimLeft(strings.TrimSpace(s), ".")
	r := []rune(s)
	if len(r) > 255 {
		ending := []rune(ending(s))
		if len(ending) > 20 {
			ending = nil
		}
		s = string(append(r[:255-len(ending):255-len(ending)], ending...))
	}
	if s == "" {
		return "file"
	}
	return s
}

// ending is the last point of a name and what follows, in lower case; empty when there is none.
func ending(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 {
		return ""
	}
	return strings.ToLower(name[i:])
}

var (
	errNotFound = errs.New(errs.NotFound, "This file does not exist, or it is not yours.")
	errGone     = errs.New(errs.Gone, "This upload has ended. Please choose the file again.")
	errEmpty    = errs.Field("size", "This file is empty. Choose one with something in it.")
	errTooMany  = errs.New(errs.TooMany, "Too many uploads are open. Finish or stop some of them first.")
)
