package assist

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/money"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Write is the job that writes a run.
type Write struct{ Run id.Run }

// Kind names the job.
func (Write) Kind() string { return "assist.write" }

// Jobs tells the worker how runs are written, and how those are ended that died.
func (s *Service) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: 3 * time.Minute, Attempts: 3}, func(ctx context.Context, t Write) error { return s.Write(ctx, t.Run) })
	r.Every("assist.dead", time.Minute, s.Bury)
	r.Every("assist.forget", time.Hour, s.Forget)
	if s.Photos != nil {
		s.Photos.Jobs(r)
	}
}

// Bury ends runs whose process has died. What they had put into the window stays, and can be undone in one step.
func (s *Service) Bury(ctx context.Context) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		dead, err := updateDead(ctx, tx, tx.Now.Add(-deadAfter))
		if err != nil {
			return err
		}
		for _, r := range dead {
			if err := event.Emit(ctx, tx, Changed, r.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Forget deletes what people wrote to us a month ago.
func (s *Service) Forget(ctx context.Context) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return deleteOld(ctx, tx, tx.Now.Add(-keepRuns)) })
}

// Write does what a run asks for. A second time it does nothing: what a process began that died is ended by Bury.
func (s *Service) Write(ctx context.Context, run id.Run) error {
	var r *Run
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		if r, err = claim(ctx, tx, run); err != nil || r == nil {
			return err
		}
		return event.Emit(ctx, tx, Changed, run.String())
	})
	if err != nil || r == nil {
		return err
	}
	by, why, text, err := s.do(ctx, *r)
	switch {
	case errors.Is(err, errGone):
		return nil
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		var stale *builder.Stale
		switch {
		case errors.Is(err, errRefuse):
			why = WhyRefused
		case errors.As(err, &stale):
			why = WhyChanged
		case errs.Is(err, errs.Conflict):
			why = WhyFull
		default:
			return errors.Join(err, s.end(ctx, run, Failed, by, WhyFaulty, ""))
		}
		return s.end(ctx, run, Failed, by, why, "")
	}
	return s.end(ctx, run, Done, by, why, text)
}

func (s *Service) end(ctx context.Context, run id.Run, state, by, why, text string) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := updateEnded(ctx, tx, run, state, by, why, text); err != nil {
			return err
		}
		return event.Emit(ctx, tx, Changed, run.String())
	})
}

func (s *Service) do(ctx context.Context, r Run) (by, why, text string, err error) {
	b, goods, err := s.brief(ctx, r)
	if err != nil {
		return "", "", "", err
	}
	switch r.Kind {
	case ForWindow:
		by, why, err = s.writeWindow(ctx, r, b, s.putInto(ctx, r, b, goods))
		return by, why, "", err
	case ForBlock:
		by, why, err = s.rewrite(ctx, r, b)
		return by, why, "", err
	}
	out, by, why, err := s.writeOne(ctx, r, b, promptBio, builder.Header, builder.Props{})
	if by == ByTemplate {
		out.Text = b.bio()
	}
	return by, why, out.Text, err
}

// ware is a product of the sentence that does not exist yet; its id in the brief is one of its own.
type ware struct {
	Ware
	price money.Amount
}

// brief gathers what may be used: the creator's words, their name, their products and links.
func (s *Service) brief(ctx context.Context, r Run) (Brief, []ware, error) {
	sh, err := s.Shops.Mine(ctx, s.DB, r.Who())
	if err != nil {
		return Brief{}, nil, err
	}
	b := Brief{Told: Understand(r.Sentence, sh.Currency), Shop: sh.Name, Tone: r.Tone, Pictures: r.Pictures && s.Photos != nil}
	b.Language, b.Links = r.Language, b.Told.Links
	offers, err := s.Goods.OffersOfShop(ctx, s.DB, r.Shop)
	if err != nil {
		return Brief{}, nil, err
	}
	for _, o := range offers[:min(len(offers), builder.MaxGrid)] {
		b.Products = append(b.Products, Ware{o.ID, o.Name, o.Price.Format(), true})
	}
	var fresh []ware
	if r.Kind == ForWindow {
		for _, g := range b.Goods {
			if len(b.Products) < builder.MaxGrid && !slices.ContainsFunc(b.Products, func(w Ware) bool { return strings.EqualFold(w.Name, g.Name) }) {
				w := ware{Ware{id.New[id.ProductKind](), g.Name, g.Price.Format(), false}, g.Price}
				fresh, b.Products = append(fresh, w), append(b.Products, w.Ware)
			}
		}
	}
	if r.Kind == ForBlock {
		b.Version, err = countRewritten(ctx, s.DB, r)
	}
	return b, fresh, err
}

// putInto puts each block into the draft in a transaction of its own, the first together with all that a run does
// once. All of them are one step of the history.
func (s *Service) putInto(ctx context.Context, r Run, b Brief, goods []ware) put {
	made, first := map[id.Product]id.Product{}, true
	return func(p Piece, search string) error {
		if p.Kind == builder.Image {
			found, err := s.photo(ctx, r, b, &p, search, 0)
			if err != nil || !found {
				return err
			}
		}
		err := s.DB.InTx(ctx, func(tx *db.Tx) error {
			if _, err := s.Shops.Lock(ctx, tx, r.Who()); err != nil { // first, as everybody does
				return err
			}
			if on, err := alive(ctx, tx, r.ID); err != nil || !on {
				return errors.Join(err, goneUnless(on))
			}
			prop := builder.Proposal{Verb: "wrote a window from your description", Group: r.ID.String()}
			fresh := map[id.Product]id.Product{}
			if first {
				if err := s.begin(ctx, tx, r, goods, &prop, fresh); err != nil {
					return err
				}
			}
			x := p
			if known := made; len(fresh) > 0 || len(known) > 0 {
				x.Props = renamed(p.Props, known, fresh)
			}
			if skip, err := s.fits(ctx, tx, r, x, first); err != nil || skip {
				x.Kind = ""
				if err != nil {
					return err
				}
			}
			if x.Kind != "" {
				prop.Blocks = []builder.Proposed{{ID: x.ID, Kind: x.Kind, Props: x.Props}}
			}
			if err := s.Window.Apply(ctx, tx, r.Who(), prop); err != nil {
				return err
			}
			if x.Kind != "" {
				if err := s.note(ctx, tx, r, x); err != nil {
					return err
				}
			}
			tx.AfterCommit(func() {
				first = false
				for k, v := range fresh {
					made[k] = v
				}
			})
			return event.Emit(ctx, tx, Changed, r.ID.String())
		})
		if err != nil {
			return fmt.Errorf("put a %s block: %w", p.Kind, err)
		}
		return nil
	}
}

func goneUnless(on bool) error {
	if on {
		return nil
	}
	return errGone
}

// begin adds what a run does once: the products that its sentence names, and the look.
func (s *Service) begin(ctx context.Context, tx *db.Tx, r Run, goods []ware, prop *builder.Proposal, fresh map[id.Product]id.Product) error {
	sh, err := s.Shops.Mine(ctx, tx, r.Who())
	if err != nil {
		return err
	}
	for _, g := range goods {
		p, err := s.Goods.Draft(ctx, tx, products.Who{User: r.Creator, Shop: r.Shop, Currency: sh.Currency}, products.Input{Name: g.Name, Price: g.price.Decimal()})
		if err != nil {
			return fmt.Errorf("draft of %q: %w", g.Name, err)
		}
		fresh[g.ID] = p
		prop.Products = append(prop.Products, p)
	}
	prop.Replace = r.Anew
	if r.Anew || r.Color != "" {
		l := lookOf(sh.Look(), r.Tone, r.Color)
		if !r.Anew { // only the colour was asked for
			l = sh.Look()
			l.Theme, l.BrandColor = "house", r.Color
		}
		prop.Look = &l
	}
	return setGoods(ctx, tx, r.ID, prop.Products)
}

// fits reports whether a block has no place: a window has one header, and keeps the one it has.
func (s *Service) fits(ctx context.Context, tx *db.Tx, r Run, p Piece, first bool) (skip bool, err error) {
	if p.Kind != builder.Header || r.Anew && first {
		return false, nil
	}
	blocks, err := s.Window.Blocks(ctx, tx, r.Who())
	return slices.ContainsFunc(blocks, func(b builder.Block) bool { return b.Kind == builder.Header }), err
}

// note writes down which block came, and which step takes all of it back.
func (s *Service) note(ctx context.Context, tx *db.Tx, r Run, p Piece) error {
	h, err := s.Window.History(ctx, tx, r.Who())
	if err != nil || h.Undo == nil {
		return err
	}
	if p.Kind == builder.Image {
		if err := s.Photos.Used(ctx, tx, p.Props.Pictures[0].File); err != nil {
			return err
		}
	}
	return addBlock(ctx, tx, r.ID, p.ID, h.Undo.Seq)
}

// renamed is p with the products as they are called in the database.
func renamed(p builder.Props, maps ...map[id.Product]id.Product) builder.Props {
	real := func(x id.Product) id.Product {
		for _, m := range maps {
			if y, ok := m[x]; ok {
				return y
			}
		}
		return x
	}
	p.Product = real(p.Product)
	p.Products = slices.Clone(p.Products)
	for i := range p.Products {
		p.Products[i] = real(p.Products[i])
	}
	return p
}

// rewrite writes one block again, unless its creator has changed it meanwhile.
func (s *Service) rewrite(ctx context.Context, r Run, b Brief) (by, why string, err error) {
	have, err := s.Window.Block(ctx, s.DB, r.Who(), r.Block)
	if err != nil {
		return "", "", err
	}
	if r.Sentence == "" { // nothing was told: what the block says itself is all that may be said
		b.Sentence = have.Props.Title + " " + have.Props.Text
		b.Trade = tradeOf(b.Sentence + " " + b.Shop)
	}
	for _, x := range have.Props.Items {
		b.Sentence += " " + x.Title + " " + x.Text
	}
	var fresh builder.Props
	if have.Kind == builder.Image {
		p := Piece{Kind: have.Kind, Props: have.Props}
		if found, err := s.photo(ctx, r, b, &p, "", b.Version); err != nil || !found {
			return "", WhyFaulty, errors.Join(err, errNotText)
		}
		fresh, by = p.Props, ByTemplate
	} else if fresh, by, why, err = s.writeOne(ctx, r, b, promptBlock, have.Kind, have.Props); err != nil {
		return by, why, err
	}
	_, err = s.Window.Edit(ctx, r.Who(), r.Block, r.V, fresh)
	if err == nil && have.Kind == builder.Image {
		err = s.DB.InTx(ctx, func(tx *db.Tx) error { return s.Photos.Used(ctx, tx, fresh.Pictures[0].File) })
	}
	return by, why, err
}

// photo finds a photograph for an image block; false when there is none. A window goes on without it.
func (s *Service) photo(ctx context.Context, r Run, b Brief, p *Piece, search string, version int) (bool, error) {
	if s.Photos == nil {
		return false, nil
	}
	x, err := s.Photos.Find(ctx, r.Creator, orElse(search, wordings["en"].trades[b.Trade].noun), version)
	if err != nil || x.ID.IsZero() {
		return false, context.Cause(ctx)
	}
	p.Props.Pictures = []builder.Picture{{File: x.ID, Alt: short(x.Alt, 250), Credit: short(x.Credit, 80), CreditURL: x.CreditURL}}
	props, err := builder.CheckProps(builder.Image, p.Props)
	p.Props = props
	return err == nil, nil
}

// logCall writes down what a call took, and gives back what it did not. A process that is told to end still does.
func (s *Service) logCall(ctx context.Context, c call, set taken) error {
	return s.DB.InTx(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if err := s.giveBack(ctx, tx, set, int64(c.Usage.In+c.Usage.Out)); err != nil {
			return err
		}
		return insertCall(ctx, tx, c)
	})
}

// Now writes a run at once, for whoever waits for it.
func (s *Service) Now(ctx context.Context, who storefronts.Who, in Input) (Run, error) {
	in.Inline = true
	r, err := s.Start(ctx, who, in)
	if err != nil {
		return r, err
	}
	if err := s.Write(ctx, r.ID); err != nil {
		return r, err
	}
	return s.Run(ctx, who, r.ID)
}
