// Package seed fills a demo world: three creators with finished shops, for trying things out, for the journeys
// and for pictures. It goes through the same services as everyone.
package seed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"vitrine/app/accounts"
	"vitrine/app/builder"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
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

// Fill makes what is missing. A creator who is there already is left alone.
func (w *World) Fill(ctx context.Context) ([]Shop, error) {
	var out []Shop
	for _, c := range creators() {
		_, known, err := w.Accounts.Known(ctx, c.email)
		if err != nil {
			return out, err
		}
		if !known {
			if err := w.open(ctx, c); err != nil {
				return out, fmt.Errorf("open %s's shop: %w", c.name, err)
			}
		}
		out = append(out, Shop{c.shop, c.slug, c.email, !known})
	}
	return out, nil
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
	if err := w.furnish(ctx, who, c, made); err != nil {
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
	art, err := p.cover.png()
	if err != nil {
		return id.Product{}, err
	}
	cover, err := w.store(ctx, who.User, files.ForImage, "cover.png", art)
	if err != nil {
		return id.Product{}, err
	}
	in := products.Input{Name: p.name, Summary: p.summary, Description: p.description, Price: p.price, Cover: cover.String(), CoverAlt: p.cover.alt, Active: true}
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

// store puts a file into the bucket and waits until the worker has looked at it.
func (w *World) store(ctx context.Context, user id.User, p files.Purpose, name string, body []byte) (id.File, error) {
	f, err := w.Files.Store(ctx, user, p, name, int64(len(body)), bytes.NewReader(body))
	if err != nil {
		return id.File{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
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

func (w *World) furnish(ctx context.Context, who storefronts.Who, c creator, made map[string]id.Product) error {
	blocks, err := w.Builder.Blocks(ctx, w.Builder.DB, who)
	if err != nil {
		return err
	}
	if len(blocks) != 1 || blocks[0].Kind != builder.Header {
		return fmt.Errorf("a new window has %d blocks", len(blocks))
	}
	head := blocks[0]
	if _, err := w.Builder.Edit(ctx, who, head.ID, head.V, c.header); err != nil {
		return err
	}
	after := head.ID
	for _, b := range c.blocks(made) {
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
