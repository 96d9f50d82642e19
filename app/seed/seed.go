// Package seed fills a demo world: ten creators with finished shops, for trying things out, for the journeys, for
// measuring and for pictures. It goes through the same services as everyone.
package seed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"vitrine/app/accounts"
	"vitrine/app/builder"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/seed/photo"
	"vitrine/app/storefronts"
)

// Password opens every account of the demo world.
const Password = "a lit window at night"

// World is what the seed works with. A worker must be running: it checks files and makes the sizes of pictures.
type World struct {
	Accounts *accounts.Service
	Shops    *storefronts.Service
	Builder  *builder.Service
	Products *products.Service
	Files    *files.Service
}

// Shop is a shop that is there after Fill.
type Shop struct {
	Name, Slug, Email string
	Made              bool // now, and not by an earlier Fill
}

// Fill makes what is missing, or only the shops with these slugs. A creator who is there already is left alone.
func (w *World) Fill(ctx context.Context, only ...string) ([]Shop, error) {
	var all []creator
	for _, c := range creators() {
		if len(only) == 0 || slices.Contains(only, c.slug) {
			all = append(all, c)
		}
	}
	out := make([]Shop, len(all))
	var g errgroup.Group
	g.SetLimit(2) // while one waits for the worker the other takes its photographs
	for i, c := range all {
		out[i] = Shop{c.shop, c.slug, c.email, false}
		g.Go(func() error {
			_, known, err := w.Accounts.Known(ctx, c.email)
			if err != nil || known {
				return err
			}
			if err := w.open(ctx, c); err != nil {
				return fmt.Errorf("open %s's shop: %w", c.name, err)
			}
			out[i].Made = true
			return nil
		})
	}
	return out, g.Wait()
}

func (w *World) open(ctx context.Context, c creator) error {
	user, err := w.Accounts.Provision(ctx, c.email, Password, c.name, "creator")
	if err != nil {
		return err
	}
	if err := w.Accounts.SetProfile(ctx, user, c.name, c.zone, "en"); err != nil {
		return err
	}
	sh, err := w.Shops.Create(ctx, user, storefronts.NewShop{Name: c.shop, Slug: c.slug, Currency: c.currency})
	if err != nil {
		return err
	}
	who := storefronts.Who{User: user, Shop: sh.ID}
	if _, err := w.Shops.SetLook(ctx, who, c.look); err != nil {
		return err
	}
	made := map[string]id.Product{}
	for _, p := range c.products {
		if made[p.name], err = w.product(ctx, products.Who{User: user, Shop: sh.ID, Currency: sh.Currency}, p); err != nil {
			return fmt.Errorf("product %s: %w", p.name, err)
		}
	}
	blocks, err := w.blocks(ctx, user, c, made)
	if err != nil {
		return err
	}
	if err := w.furnish(ctx, who, c.header, blocks); err != nil {
		return err
	}
	draft, err := w.Builder.Draft(ctx, who)
	if err != nil {
		return err
	}
	_, err = w.Builder.Publish(ctx, who, draft.Shop.Seq)
	return err
}

func (w *World) product(ctx context.Context, who products.Who, p product) (id.Product, error) {
	cover, alt, err := w.cover(ctx, who.User, p.cover)
	if err != nil {
		return id.Product{}, err
	}
	in := products.Input{Name: p.name, Summary: p.summary, Description: p.description, Price: p.price, Cover: cover.String(), CoverAlt: alt, Active: true}
	if p.copies != "" {
		in.Limited, in.Left = true, p.copies
	}
	for _, f := range p.files {
		body, err := f.body()
		if err != nil {
			return id.Product{}, err
		}
		stored, err := w.store(ctx, who.User, files.ForProduct, f.name, body)
		if err != nil {
			return id.Product{}, err
		}
		in.Files = append(in.Files, stored.String())
	}
	made, err := w.Products.Create(ctx, who, in)
	return made.ID, err
}

// cover stores a product's picture: taken, or drawn.
func (w *World) cover(ctx context.Context, user id.User, c cover) (id.File, string, error) {
	if c.photo != "" {
		return w.photo(ctx, user, c.photo)
	}
	art, err := c.png()
	if err != nil {
		return id.File{}, "", err
	}
	f, err := w.store(ctx, user, files.ForImage, "cover.png", art)
	return f, c.alt, err
}

func (w *World) photo(ctx context.Context, user id.User, name string) (id.File, string, error) {
	raw, alt, err := photo.Take(name)
	if err != nil {
		return id.File{}, "", err
	}
	f, err := w.store(ctx, user, files.ForImage, name+".jpg", raw)
	return f, alt, err
}

// blocks are the window below its header, with the photographs that they show.
func (w *World) blocks(ctx context.Context, user id.User, c creator, made map[string]id.Product) ([]block, error) {
	if c.rest == nil {
		return c.blocks(made), nil
	}
	s := &shelf{pictures: map[string]builder.Picture{}}
	c.rest(s)
	for _, name := range s.wanted {
		f, alt, err := w.photo(ctx, user, name)
		if err != nil {
			return nil, err
		}
		s.pictures[name] = builder.Picture{File: f, Alt: alt}
	}
	var out []block
	for _, p := range c.products {
		out = append(out, block{builder.Product, builder.Props{Product: made[p.name]}})
	}
	return append(out, c.rest(s)...), nil
}

// store puts a file into the bucket and waits until the worker has looked at it.
func (w *World) store(ctx context.Context, user id.User, p files.Purpose, name string, body []byte) (id.File, error) {
	f, err := w.Files.Store(ctx, user, p, name, int64(len(body)), bytes.NewReader(body))
	if err != nil {
		return id.File{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		now, err := w.Files.Get(ctx, user, f.ID)
		switch {
		case err != nil:
			return id.File{}, err
		case now.Status == files.Ready:
			return f.ID, nil
		case now.Status == files.Refused:
			return id.File{}, fmt.Errorf("%s was refused: %s", name, now.Reason)
		}
		select {
		case <-ctx.Done():
			return id.File{}, errors.New("no worker has looked at the file; is one running?")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (w *World) furnish(ctx context.Context, who storefronts.Who, header builder.Props, rest []block) error {
	blocks, err := w.Builder.Blocks(ctx, w.Builder.DB, who)
	if err != nil {
		return err
	}
	if len(blocks) != 1 || blocks[0].Kind != builder.Header {
		return fmt.Errorf("a new window has %d blocks", len(blocks))
	}
	head := blocks[0]
	if _, err := w.Builder.Edit(ctx, who, head.ID, head.V, header); err != nil {
		return err
	}
	after := head.ID
	for _, b := range rest {
		added, err := w.Builder.Add(ctx, who, id.New[id.BlockKind](), b.kind, after)
		if err != nil {
			return err
		}
		if _, err := w.Builder.Edit(ctx, who, added.ID, added.V, b.props); err != nil {
			return err
		}
		after = added.ID
	}
	return nil
}
