// Package importer brings a shop from elsewhere: from a page or a file. What was read is shown first, with what
// cannot come and why; what its owner chooses comes in one transaction and is one step of the history; and a report
// accounts for every single thing.
package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/fetch"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/importer/source"
	"vitrine/app/job"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Changed is the event that an import has come further; its subject is the shop.
const Changed = "imports.changed"

// Window is what an import does to the draft.
type Window interface {
	Blocks(ctx context.Context, q db.Q, who storefronts.Who) ([]builder.Block, error)
	Apply(ctx context.Context, tx *db.Tx, who storefronts.Who, p builder.Proposal) error
	Revise(ctx context.Context, tx *db.Tx, who storefronts.Who, verb, group string, changed []builder.Proposed) error
	History(ctx context.Context, q db.Q, who storefronts.Who) (builder.History, error)
	Undo(ctx context.Context, who storefronts.Who, seq int64) (*builder.Op, error)
}

// Goods is what an import does to products.
type Goods interface {
	Draft(ctx context.Context, tx *db.Tx, who products.Who, in products.Input) (id.Product, error)
	Reword(ctx context.Context, tx *db.Tx, who products.Who, product id.Product, in products.Input) error
	Kept(ctx context.Context, q db.Q, who products.Who, ids []id.Product) (map[id.Product]bool, error)
}

// Pictures keeps what is fetched.
type Pictures interface {
	Reserve(ctx context.Context, tx *db.Tx, who id.User, name string) (files.File, error)
	Fill(ctx context.Context, who id.User, file id.File, body []byte) error
	Abort(ctx context.Context, who id.User, file id.File) error
}

// Reader reads pages and pictures of the public web.
type Reader interface {
	HTML(ctx context.Context, url string) (fetch.Page, error)
	Picture(ctx context.Context, url string, most int64) ([]byte, error)
}

// Service brings things.
type Service struct {
	DB       *db.DB
	Shops    *storefronts.Service
	Window   Window
	Goods    Goods
	Pictures Pictures
	Web      Reader

	// Improve may tell better what a page holds, from its records alone; nil: nobody does.
	Improve func(ctx context.Context, who storefronts.Who, s source.Set) (source.Set, error)
}

// State of an import.
type State string

const (
	Reading State = "reading"
	Failed  State = "failed"
	Found   State = "found"
	Taken   State = "taken"
)

// Import is one thing that is brought.
type Import struct {
	ID        id.Import
	URL, File string
	State     State
	Failure   string
	Set       source.Set // when found
	Report    []Line     // when taken
	UndoSeq   int64
	People    int
	CreatedAt time.Time
}

// Name is what it is called: where it comes from.
func (i Import) Name() string {
	if i.File != "" {
		return i.File
	}
	return i.URL
}

// Limits of one import.
const (
	MaxProducts = 300
	MaxPictures = 60
	MaxPicture  = 10 << 20
	MaxFetched  = 100 << 20
	KeepOpen    = 7 * 24 * time.Hour // what was read and not taken
)

var (
	errNotFound = errs.New(errs.NotFound, "There is no such import, or it is not yours.")
	errNoSource = errs.Field("url", "Write the address of your page, or choose a file.")
)

// Read asks a worker to read a page.
type Read struct {
	Import id.Import `json:"import"`
}

// Fetch asks a worker for one picture.
type Fetch struct {
	File id.File `json:"file"`
}

func (Read) Kind() string  { return "importer:read" }
func (Fetch) Kind() string { return "importer:fetch" }

// Tasks registers the jobs of this package and its sweep.
func (s *Service) Tasks(reg *job.Registry) {
	job.Handle(reg, job.Spec{Timeout: 30 * time.Second, Attempts: 3}, s.read)
	job.Handle(reg, job.Spec{Timeout: time.Minute, Attempts: 3}, s.fetch)
	reg.Every("sweep:imports", time.Hour, s.Sweep)
}

// Address begins an import from a page. The id is made by who asks, so that asking twice begins one.
func (s *Service) Address(ctx context.Context, who storefronts.Who, n id.Import, url string) error {
	if url == "" {
		return errNoSource
	}
	if len(url) > 2000 {
		return errs.Field("url", "This address is too long.")
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		fresh, err := insert(ctx, tx, who, row{ID: n, URL: url, State: string(Reading)})
		if err != nil || !fresh {
			return err
		}
		return job.Enqueue(ctx, tx, Read{n}, job.Key("importer:read:"+n.String()))
	})
}

// Document begins an import from a file, which is read at once.
func (s *Service) Document(ctx context.Context, who storefronts.Who, n id.Import, name string, body []byte) error {
	set, err := document(name, body)
	if err != nil {
		return err
	}
	if set, err = s.improved(ctx, who, set); err != nil {
		return err
	}
	raw, err := json.Marshal(set)
	if err != nil {
		return err
	}
	name, _ = source.Cut(storefronts.Line(name), 255)
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := insert(ctx, tx, who, row{ID: n, File: name, State: string(Found), Found: raw})
		return err
	})
}

// document reads a file in whatever letters it is written.
func document(name string, body []byte) (source.Set, error) {
	if len(body) > source.MaxFile {
		return source.Set{}, source.ErrBig
	}
	body, err := fetch.Decode(body, "")
	if err != nil {
		return source.Set{}, source.ErrUnknown
	}
	return source.File(body, name)
}

func (s *Service) improved(ctx context.Context, who storefronts.Who, set source.Set) (source.Set, error) {
	if s.Improve == nil {
		return set, nil
	}
	return s.Improve(ctx, who, set)
}

// read reads a page; its row says what came of it.
func (s *Service) read(ctx context.Context, t Read) error {
	r, err := findAny(ctx, s.DB, t.Import)
	if err != nil || r.State != string(Reading) {
		return err
	}
	who := storefronts.Who{User: r.Creator, Shop: r.Shop}
	set, err := s.page(ctx, who, r.URL)
	if err == nil {
		if r.Found, err = json.Marshal(set); err != nil {
			return err
		}
		r.State = string(Found)
	} else if errs.Is(err, errs.Internal) {
		return err
	} else {
		r.State, r.Failure = string(Failed), errs.Message(err)
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := setRead(ctx, tx, r); err != nil {
			return err
		}
		return event.Emit(ctx, tx, Changed, r.Shop.String())
	})
}

func (s *Service) page(ctx context.Context, who storefronts.Who, url string) (source.Set, error) {
	p, err := s.Web.HTML(ctx, url)
	if err != nil {
		return source.Set{}, err
	}
	set, err := source.HTML(p.HTML, p.URL)
	if err != nil {
		return source.Set{}, err
	}
	return s.improved(ctx, who, set)
}

// Get finds an import of the creator.
func (s *Service) Get(ctx context.Context, who storefronts.Who, n id.Import) (Import, error) {
	r, err := find(ctx, s.DB, who, n)
	if err != nil {
		return Import{}, err
	}
	return r.load()
}

func (r row) load() (Import, error) {
	out := Import{ID: r.ID, URL: r.URL, File: r.File, State: State(r.State), Failure: r.Failure, UndoSeq: r.UndoSeq, People: r.People, CreatedAt: r.CreatedAt}
	if len(r.Found) > 0 {
		if err := json.Unmarshal(r.Found, &out.Set); err != nil {
			return out, fmt.Errorf("read import %s: %w", r.ID, err)
		}
	}
	if len(r.Report) > 0 {
		if err := json.Unmarshal(r.Report, &out.Report); err != nil {
			return out, fmt.Errorf("read report of import %s: %w", r.ID, err)
		}
	}
	return out, nil
}

// List are the last imports of a shop, newest first.
func (s *Service) List(ctx context.Context, who storefronts.Who) ([]Import, error) {
	rows, err := list(ctx, s.DB, who)
	if err != nil {
		return nil, err
	}
	out := make([]Import, len(rows))
	for i, r := range rows {
		if out[i], err = r.load(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Undo takes an import back: the step of the history that it was. What was done since is not undone unseen.
func (s *Service) Undo(ctx context.Context, who storefronts.Who, n id.Import) error {
	i, err := s.Get(ctx, who, n)
	if err != nil {
		return err
	}
	if i.UndoSeq == 0 {
		return errs.New(errs.Conflict, "There is nothing to take back.")
	}
	_, err = s.Window.Undo(ctx, who, i.UndoSeq)
	return err
}

// Forget takes the people of an import out of the audience again.
func (s *Service) Forget(ctx context.Context, who storefronts.Who, n id.Import) (gone int64, err error) {
	if _, err := s.Get(ctx, who, n); err != nil {
		return 0, err
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		gone, err = deletePeople(ctx, tx, who, n)
		return err
	})
	return gone, err
}

// Size is how many people the shop may write to.
func (s *Service) Size(ctx context.Context, who storefronts.Who) (int, error) {
	return countPeople(ctx, s.DB, who)
}

// Sweep forgets what was read long ago and never taken.
func (s *Service) Sweep(ctx context.Context) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return purge(ctx, tx, tx.Now.Add(-KeepOpen)) })
}
