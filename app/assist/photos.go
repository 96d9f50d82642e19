package assist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/job"
)

// Photos are photographs of others that stay where they are. Unsplash wants its pictures shown from its own
// addresses, and pages of shops show pictures of the media host alone: so that host passes them on, each time
// from where they are, keeping them no longer than any browser would.
type Photos struct {
	DB       *db.DB
	Unsplash *Unsplash
	MediaURL string

	flight singleflight.Group
	cache  shelf
}

// NewPhotos makes the service; it calls nobody.
func NewPhotos(d *db.DB, apiURL, key, mediaURL string) *Photos {
	c := &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Photos{DB: d, MediaURL: mediaURL, Unsplash: &Unsplash{URL: strings.TrimRight(apiURL, "/"), Key: key, App: "vitrine", Client: c}, cache: shelf{most: 48 << 20}}
}

// Placed is a photograph by where it stands, without its bytes: so an archive of a shop names it.
type Placed struct {
	Source    string `db:"source_id" json:"source"` // its name at Unsplash
	Raw       string `db:"raw_url" json:"raw_url"`
	Width     int    `db:"width" json:"width"`
	Height    int    `db:"height" json:"height"`
	Color     string `db:"color" json:"color"`
	Alt       string `db:"alt" json:"alt,omitempty"`
	Credit    string `db:"credit" json:"credit"`
	CreditURL string `db:"credit_url" json:"credit_url,omitempty"`
	Download  string `db:"download" json:"download"`
}

// Photo is one that a creator has placed, or is about to. Its id stands where that of a file would.
type Photo struct {
	ID id.File `db:"id"`
	Placed
}

const photoColumns = `id, source_id, raw_url, width, height, color, alt, credit, credit_url, download`

// place writes down a photograph of a creator, or where one that is known stands by now.
func place(ctx context.Context, tx *db.Tx, creator id.User, x Placed) (out Photo, err error) {
	err = tx.Get(ctx, &out, `
		INSERT INTO photos (`+photoColumns+`, creator_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT ON CONSTRAINT photos_source_unique DO UPDATE SET raw_url = excluded.raw_url, download = excluded.download
		RETURNING `+photoColumns,
		id.New[id.FileKind](), short(x.Source, 100), x.Raw, x.Width, x.Height, cleanColor(x.Color), short(x.Alt, 250), x.Credit, x.CreditURL, x.Download, creator, tx.Now)
	return out, err
}

func listPhotos(ctx context.Context, q db.Q, ids []id.File) (out []Photo, err error) {
	if err := q.Select(ctx, &out, `SELECT `+photoColumns+` FROM photos WHERE id = ANY($1::uuid[])`, db.Array(words(ids))); err != nil {
		return nil, fmt.Errorf("read photos: %w", err)
	}
	return out, nil
}

var searchWord = regexp.MustCompile(`[\p{L}\p{N}]+`)

// Find returns a photograph for some words, another one for each version; zero when there is none.
func (p *Photos) Find(ctx context.Context, creator id.User, words string, version int) (Photo, error) {
	ws := searchWord.FindAllString(words, 6)
	shots, err := p.Unsplash.Search(ctx, strings.Join(ws, " "), 12)
	if err != nil || len(shots) == 0 {
		return Photo{}, err
	}
	s := shots[version%len(shots)]
	var out Photo
	err = p.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		out, err = place(ctx, tx, creator, Placed{s.ID, s.Raw, s.Width, s.Height, s.Color, s.Alt, short(s.Credit, 60) + " / Unsplash", s.CreditURL, s.Download})
		return err
	})
	return out, err
}

// PlacedIn are the photographs among some ids of pictures.
func (p *Photos) PlacedIn(ctx context.Context, q db.Q, ids []id.File) (map[id.File]Placed, error) {
	photos, err := listPhotos(ctx, q, ids)
	out := map[id.File]Placed{}
	for _, x := range photos {
		out[x.ID] = x.Placed
	}
	return out, err
}

// Adopt lets a creator show a photograph that an archive names. One that does not stand at Unsplash, as this instance
// knows it, is not shown: the id is zero.
func (p *Photos) Adopt(ctx context.Context, tx *db.Tx, creator id.User, x Placed) (id.File, error) {
	if !p.Unsplash.pictures(x.Raw) || !p.Unsplash.own(x.Download) || x.Source == "" || x.Width < 1 || x.Height < 1 {
		return id.File{}, nil
	}
	x.Credit, x.CreditURL = short(x.Credit, 80), p.Unsplash.back(x.CreditURL)
	photo, err := place(ctx, tx, creator, x)
	if err == nil && p.Unsplash.Key != "" {
		err = p.Used(ctx, tx, photo.ID)
	}
	return photo.ID, err
}

var colorShape = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func cleanColor(s string) string {
	if colorShape.MatchString(s) {
		return strings.ToLower(s)
	}
	return "#8a8a8a"
}

// TellPhoto is the job that tells Unsplash of a photograph that is used.
type TellPhoto struct{ Photo id.File }

// Kind names the job.
func (TellPhoto) Kind() string { return "assist.photo" }

// Jobs tells the worker how Unsplash hears of it.
func (p *Photos) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: 30 * time.Second}, func(ctx context.Context, t TellPhoto) error { return p.tell(ctx, t.Photo) })
}

// Used lets Unsplash hear, once, that a photograph was placed.
func (p *Photos) Used(ctx context.Context, tx *db.Tx, photo id.File) error {
	return job.Enqueue(ctx, tx, TellPhoto{photo}, job.Key("photo:"+photo.String()), job.On(job.Slow))
}

func (p *Photos) tell(ctx context.Context, photo id.File) error {
	var download string
	err := p.DB.Get(ctx, &download, `SELECT download FROM photos WHERE id = $1 AND told_at IS NULL`, photo)
	if db.None(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.Unsplash.Used(ctx, download); err != nil {
		return fmt.Errorf("tell of photo %s: %w", photo, err)
	}
	return p.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE photos SET told_at = $2 WHERE id = $1`, photo, tx.Now)
		return err
	})
}

// photoWidths and photoFormats are the sizes that a photograph is passed on in.
var (
	photoWidths  = []int{360, 720, 1200}
	photoFormats = []string{"avif", "webp", "jpeg"}
)

// Pictures are the photographs among some ids, as those of files are given.
func (p *Photos) Pictures(ctx context.Context, q db.Q, ids []id.File) (map[id.File]files.Picture, error) {
	rows, err := listPhotos(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := map[id.File]files.Picture{}
	for _, r := range rows {
		pic := files.Picture{Color: r.Color}
		for _, w := range photoWidths {
			if w > r.Width {
				break
			}
			pic.Width, pic.Height = w, r.Height*w/r.Width
			for _, f := range photoFormats {
				pic.Sources = append(pic.Sources, files.PictureSource{Width: w, URL: p.MediaURL + "/u/" + r.ID.String() + "/" + strconv.Itoa(w) + "." + f, Format: f})
			}
		}
		out[r.ID] = pic
	}
	return out, nil
}

// Own splits ids into the creator's photographs and all others.
func (p *Photos) Own(ctx context.Context, q db.Q, creator id.User, ids []id.File) (own, others []id.File, err error) {
	if err := q.Select(ctx, &own, `SELECT id FROM photos WHERE creator_id = $1 AND id = ANY($2::uuid[])`, creator, db.Array(words(ids))); err != nil {
		return nil, nil, fmt.Errorf("read photos: %w", err)
	}
	for _, x := range ids {
		if !slices.Contains(own, x) {
			others = append(others, x)
		}
	}
	return own, others, nil
}

func words(ids []id.File) []string {
	out := make([]string, len(ids))
	for i, x := range ids {
		out[i] = x.String()
	}
	return out
}

// maxPhoto is how large one size of a photograph may be.
const maxPhoto = 4 << 20

var errNoPhoto = errs.New(errs.NotFound, "There is nothing at this address.")

// Show passes a photograph on in one of its sizes. Many who ask at once are one request there.
func (p *Photos) Show(ctx context.Context, photo id.File, width int, format string) (Bytes, error) {
	if !slices.Contains(photoWidths, width) || !slices.Contains(photoFormats, format) {
		return Bytes{}, errNoPhoto
	}
	key := fmt.Sprintf("%s/%d.%s", photo, width, format)
	if b, ok := p.cache.get(key, p.DB.Now()); ok {
		return b, nil
	}
	b, err, _ := p.flight.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		b, err := p.fetch(ctx, photo, width, format)
		if err == nil {
			p.cache.put(key, b, p.DB.Now())
		}
		return b, err
	})
	if err != nil {
		return Bytes{}, err
	}
	return b.(Bytes), nil
}

func (p *Photos) fetch(ctx context.Context, photo id.File, width int, format string) (Bytes, error) {
	var raw string
	err := p.DB.Get(ctx, &raw, `SELECT raw_url FROM photos WHERE id = $1`, photo)
	if db.None(err) {
		return Bytes{}, errNoPhoto
	}
	if err != nil {
		return Bytes{}, err
	}
	u, err := url.Parse(raw)
	if err != nil || !p.Unsplash.pictures(raw) {
		return Bytes{}, errNoPhoto
	}
	q := u.Query() // its ixid stays, by which views are counted
	q.Set("w", strconv.Itoa(width))
	q.Set("q", "70")
	q.Set("fit", "max")
	q.Set("fm", map[string]string{"jpeg": "jpg"}[format])
	if format != "jpeg" {
		q.Set("fm", format)
	}
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Bytes{}, err
	}
	res, err := p.Unsplash.Client.Do(r)
	if err != nil {
		return Bytes{}, errs.Wrap(errs.Unavailable, err, "This picture cannot be had right now.")
	}
	defer res.Body.Close()
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	if res.StatusCode != http.StatusOK || !slices.Contains([]string{"image/jpeg", "image/webp", "image/avif", "image/png"}, kind) {
		return Bytes{}, errs.Wrap(errs.Unavailable, errUnsplash, "This picture cannot be had right now.")
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, maxPhoto+1))
	if err == nil && len(b) > maxPhoto {
		err = errors.New("too large")
	}
	if err != nil {
		return Bytes{}, errs.Wrap(errs.Unavailable, err, "This picture cannot be had right now.")
	}
	return Bytes{kind, b}, nil
}
