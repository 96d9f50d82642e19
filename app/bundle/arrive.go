package bundle

import (
	"context"
	"fmt"
	"io"
	"net/mail"
	"os"
	"slices"
	"time"
	"unicode/utf8"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/money"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Arrive brings an archive in.
type Arrive struct{ Arrival id.Arrival }

func (Arrive) Kind() string { return "bundle:arrive" }

// Tasks registers the job of this package.
func (s *Service) Tasks(reg *job.Registry) {
	job.Handle(reg, job.Spec{Timeout: 20 * time.Minute, Attempts: 4}, s.arrive)
}

// State of an arrival; it only moves forward.
type State string

const (
	Waiting State = "waiting"
	There   State = "there"
	Failed  State = "failed"
)

// Report is what came, and from where.
type Report struct {
	From     string `json:"from"`
	Ours     bool   `json:"ours"`
	Blocks   int    `json:"blocks"`
	Products int    `json:"products"`
	Files    int    `json:"files"`
	Members  int    `json:"members"` // new ones
	Known    int    `json:"known"`   // who were there already
	Shown    bool   `json:"shown"`   // it was published at once
}

// Arrival is one archive on its way in.
type Arrival struct {
	ID        id.Arrival
	State     State
	Failure   string
	Report    Report
	CreatedAt time.Time
}

// Begin takes an uploaded archive. The id is made by who asks, so that asking twice begins once.
// With show, what was published is published here too.
func (s *Service) Begin(ctx context.Context, who Who, n id.Arrival, archive id.File, show bool) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := s.Shops.Mine(ctx, tx, who); err != nil {
			return err
		}
		if _, err := s.Files.Use(ctx, tx, who.User, files.ForProduct, archive); err != nil {
			return errNoBundle
		}
		fresh, err := insert(ctx, tx, who, n, archive, show)
		if err != nil || !fresh {
			return err
		}
		return job.Enqueue(ctx, tx, Arrive{n}, job.On(job.Slow), job.Key("bundle:arrive:"+n.String()))
	})
}

// arrive reads the archive and puts all of it in its place, or nothing. It may run again: what it did is one
// transaction, at whose end the row says so.
func (s *Service) arrive(ctx context.Context, t Arrive) error {
	r, err := find(ctx, s.DB, t.Arrival)
	if err != nil || r.State != Waiting {
		return err
	}
	who := Who{User: r.Creator, Shop: r.Shop}
	err = s.bring(ctx, who, r)
	if k := errs.KindOf(err); err == nil || k == errs.Internal || k == errs.Unavailable {
		return err
	}
	msg, args := errs.Public(err)
	return fail(ctx, s.DB, t.Arrival, fmt.Sprintf(msg, args...))
}

func (s *Service) bring(ctx context.Context, who Who, r row) error {
	f, err := s.Files.Get(ctx, who.User, r.File)
	switch {
	case err != nil:
		return err
	case f.Status == files.Refused:
		return errNoBundle
	case f.Status != files.Ready:
		return errs.New(errs.Unavailable, "The file is still being checked.")
	}
	o, err := s.Open(&remote{ctx, s.Files, f}, f.Size)
	if err != nil {
		return err
	}
	sh, err := s.Shops.Mine(ctx, s.DB, who)
	if err != nil {
		return err
	}
	if string(sh.Currency) != o.Shop.Currency {
		return bad("This archive is in %s and your shop in %s. Change the currency of your shop first, under You, Shop.", o.Shop.Currency, string(sh.Currency))
	}
	a := &arrival{s: s, who: who, show: r.Show && o.Page.Look != nil, goods: goods(who, sh), o: o, files: map[string]id.File{}, photos: map[string]id.File{}, products: map[string]id.Product{}, blocks: map[string]id.Block{}}
	if err := a.takeFiles(ctx); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		first, err := lock(ctx, tx, r.ID)
		if err != nil || !first {
			return err
		}
		if err := a.put(ctx, tx); err != nil {
			return err
		}
		return arrived(ctx, tx, r.ID, a.report)
	})
}

// remote is a stored file as a reader at any place.
type remote struct {
	ctx   context.Context
	files Files
	f     files.File
}

func (r *remote) ReadAt(p []byte, at int64) (int, error) {
	if at >= r.f.Size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), r.f.Size-at)]
	if len(want) == 0 {
		return 0, nil
	}
	body, err := r.files.Read(r.ctx, r.f, at, int64(len(want)))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	n, err := io.ReadFull(body, want)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// arrival is an archive while it is put in its place.
type arrival struct {
	s        *Service
	who      Who
	show     bool
	goods    products.Who
	o        *Opened
	files    map[string]id.File
	photos   map[string]id.File // by their names at Unsplash
	products map[string]id.Product
	blocks   map[string]id.Block
	report   Report
}

// takeFiles stores the files of the archive. Those that end up unused, as after a failure, are swept like any
// upload.
func (a *arrival) takeFiles(ctx context.Context) error {
	for _, f := range a.o.Files {
		got, err := a.takeFile(ctx, f)
		if err != nil {
			return err
		}
		if got.Status == files.Refused {
			return bad("The file %s of the archive cannot be used here: %s", f.Name, got.Reason)
		}
		a.files[f.Ref] = got.ID
	}
	return nil
}

func (a *arrival) takeFile(ctx context.Context, f File) (files.File, error) {
	p := files.Purpose(f.Purpose)
	if p != files.ForImage && p != files.ForProduct {
		return files.File{}, errTampered
	}
	tmp, err := os.CreateTemp("", "vitrine-arrive-*")
	if err != nil {
		return files.File{}, err
	}
	defer tmp.Close()
	if err := os.Remove(tmp.Name()); err != nil {
		return files.File{}, err
	}
	if err := a.o.copy(f.Entry, tmp); err != nil {
		return files.File{}, err
	}
	size, err := tmp.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err != nil {
		return files.File{}, err
	}
	return a.s.Files.Take(ctx, a.who.User, p, f.Name, size, tmp)
}

// put makes products, window and audience of the archive.
func (a *arrival) put(ctx context.Context, tx *db.Tx) error {
	if _, err := a.s.Shops.Lock(ctx, tx, a.who); err != nil {
		return err
	}
	made, err := a.putProducts(ctx, tx)
	if err != nil {
		return err
	}
	for _, b := range slices.Concat(a.o.Page.Draft, a.o.Page.Published) {
		for _, x := range b.Props.Pictures {
			if x.Photo == nil || !a.photos[x.Photo.Source].IsZero() {
				continue
			}
			if a.photos[x.Photo.Source], err = a.s.Photos.Adopt(ctx, tx, a.who.User, *x.Photo); err != nil {
				return err
			}
		}
	}
	if a.show {
		if err := a.s.Window.Become(ctx, tx, a.who, verb, made, a.whole(*a.o.Page.Look, a.o.Page.Published)); err != nil {
			return err
		}
		if err := a.s.Window.Show(ctx, tx, a.who); err != nil {
			return err
		}
		made = nil
	}
	if err := a.s.Window.Become(ctx, tx, a.who, verb, made, a.whole(a.o.Shop.Look, a.o.Page.Draft)); err != nil {
		return err
	}
	for _, m := range a.o.Members {
		if err := m.check(); err != nil {
			return err
		}
	}
	n, err := a.s.Members.AddMembers(ctx, tx, a.who, a.o.Members)
	a.report = Report{From: a.o.From, Ours: a.o.Ours, Blocks: len(a.o.Page.Draft), Products: len(a.o.Products), Files: len(a.o.Files),
		Members: n, Known: len(a.o.Members) - n, Shown: a.show}
	return err
}

// check refuses what no list of ours could have held.
func (m Member) check() error {
	_, err := mail.ParseAddress(m.Email)
	if err == nil && m.Since != "" {
		_, err = time.Parse(time.DateOnly, m.Since)
	}
	if err != nil || len(m.Email) > 254 || utf8.RuneCountInString(m.Name) > 80 || m.Consent == "" || utf8.RuneCountInString(m.Consent) > 160 {
		return bad("The list of people in this archive cannot be read.")
	}
	return nil
}

// verb is what the history says of an arrival.
const verb = "brought a whole shop in"

func (a *arrival) putProducts(ctx context.Context, tx *db.Tx) (made []id.Product, err error) {
	for _, p := range a.o.Products {
		in := products.Input{Name: p.Name, Slug: p.Slug, Summary: p.Summary, Description: p.Description, Price: p.Price, CoverAlt: p.CoverAlt, Active: p.Active}
		if amount, err := money.Parse(p.Price, a.goods.Currency); err == nil {
			in.Price = amount.Decimal()
		}
		if p.Left != nil {
			in.Limited, in.Left = true, fmt.Sprint(*p.Left)
		}
		if f, ok := a.files[p.Cover]; ok {
			in.Cover = f.String()
		}
		for _, ref := range p.Files {
			if f, ok := a.files[ref]; ok {
				in.Files = append(in.Files, f.String())
			}
		}
		x, err := a.s.Products.Make(ctx, tx, a.goods, in)
		if err != nil {
			return nil, fmt.Errorf("product %s: %w", p.Name, err)
		}
		a.products[p.Ref] = x
		made = append(made, x)
	}
	return made, nil
}

// whole is a page of the archive with the ids of this instance.
func (a *arrival) whole(look storefronts.Look, blocks []Block) builder.Whole {
	w := builder.Whole{Look: look}
	for _, b := range blocks {
		if a.blocks[b.Ref].IsZero() {
			a.blocks[b.Ref] = id.New[id.BlockKind]()
		}
		p := b.Props.Props
		p.Product, p.Products, p.Pictures = a.products[b.Props.Product], nil, nil
		for _, ref := range b.Props.Products {
			p.Products = append(p.Products, a.products[ref])
		}
		p.Products = slices.DeleteFunc(p.Products, id.Product.IsZero)
		for _, x := range b.Props.Pictures {
			f := a.files[x.File]
			if x.Photo != nil {
				f = a.photos[x.Photo.Source]
			}
			if !f.IsZero() {
				p.Pictures = append(p.Pictures, builder.Picture{File: f, Alt: x.Alt, Credit: x.Credit, CreditURL: x.CreditURL})
			}
		}
		w.Blocks = append(w.Blocks, builder.WholePart{Part: builder.Part{ID: a.blocks[b.Ref], Kind: b.Kind, Props: p, Hours: b.Hours}, Hidden: b.Hidden})
	}
	return w
}

// Find is an arrival of a shop.
func (s *Service) Find(ctx context.Context, who Who, n id.Arrival) (Arrival, error) {
	r, err := find(ctx, s.DB, n)
	if err == nil && (r.Shop != who.Shop || r.Creator != who.User) {
		err = errNoArrival
	}
	if err != nil {
		return Arrival{}, err
	}
	return r.arrival()
}

var errNoArrival = errs.New(errs.NotFound, "There is nothing at this address.")
