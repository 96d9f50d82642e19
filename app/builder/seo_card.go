package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	img "image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"vitrine/app/card"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storage"
)

// Cards keeps what has been drawn once; a storage.Bucket does.
type Cards interface {
	Get(ctx context.Context, key string, from, length int64) (io.ReadCloser, storage.Object, error)
	Put(ctx context.Context, key, contentType string, body io.ReadSeeker) error
}

// A process draws one card at a time: they are many small things that nobody must wait long for.
var (
	easel   = semaphore.NewWeighted(1)
	drawing singleflight.Group
)

const (
	cardWait  = 5 * time.Second
	cardBytes = 8 << 20
)

// cardURL is where others fetch the card of a page; empty for a page without one.
func (f *Front) cardURL(s *sign) string {
	if s == nil {
		return ""
	}
	return f.Config.MediaURL + "/card/" + s.file()
}

// card answers with a page's card. Its address names what it shows, so it is kept for ever; one that nobody has asked
// for is drawn now, and the address of one that was never drawn and has changed since leads to the present one.
func (f *Front) card(c echo.Context) error {
	name := c.Param("name")
	v, err, _ := drawing.Do(name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), cardWait)
		defer cancel()
		return f.cardAt(ctx, name)
	})
	if err != nil {
		return err
	}
	out := v.(drawnCard)
	h := c.Response().Header()
	if out.now != "" {
		h.Set("Cache-Control", "public, max-age=60")
		return c.Redirect(http.StatusFound, f.Config.MediaURL+"/card/"+out.now)
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, "image/jpeg", out.body)
}

type drawnCard struct {
	body []byte
	now  string // the name of the present one, if it is another
}

func (f *Front) cardAt(ctx context.Context, name string) (drawnCard, error) {
	shop, product, ok := cardID(name)
	if !ok {
		return drawnCard{}, errNoCard
	}
	if body, err := f.keptCard(ctx, name); err == nil {
		return drawnCard{body: body}, nil
	} else if !errors.Is(err, storage.ErrNotFound) {
		slog.WarnContext(ctx, "read a card", "name", name, "err", err) // it can be drawn anew
	}
	s, err := f.signNow(ctx, shop, product)
	if err != nil {
		return drawnCard{}, err
	}
	if s == nil {
		return drawnCard{}, errNoCard
	}
	if now := s.file(); now != name {
		return drawnCard{now: now}, nil
	}
	body, err := f.paint(ctx, s)
	if err != nil {
		return drawnCard{}, err
	}
	if f.Cards != nil {
		if err := f.Cards.Put(ctx, cardKey(name), "image/jpeg", bytes.NewReader(body)); err != nil {
			slog.WarnContext(ctx, "keep a card", "name", name, "err", err)
		}
	}
	return drawnCard{body: body}, nil
}

var errNoCard = errs.New(errs.NotFound, "There is nothing at this address.")

func cardKey(name string) string { return "cards/" + name }

// cardID reads the name of a card: s or p, an id, 16 digits of what it shows.
func cardID(name string) (shop id.Shop, product id.Product, ok bool) {
	const uuid, sum = 36, 16
	if len(name) != 1+uuid+1+sum+len(".jpg") || name[1+uuid] != '-' || name[len(name)-4:] != ".jpg" {
		return shop, product, false
	}
	var err error
	switch name[0] {
	case 's':
		shop, err = id.Parse[id.ShopKind](name[1 : 1+uuid])
	case 'p':
		product, err = id.Parse[id.ProductKind](name[1 : 1+uuid])
	default:
		return shop, product, false
	}
	return shop, product, err == nil
}

func (f *Front) keptCard(ctx context.Context, name string) ([]byte, error) {
	if f.Cards == nil {
		return nil, storage.ErrNotFound
	}
	body, _, err := f.Cards.Get(ctx, cardKey(name), 0, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, cardBytes))
}

// signNow is what the card of a shop or a product shows now.
func (f *Front) signNow(ctx context.Context, shop id.Shop, product id.Product) (*sign, error) {
	slug := ""
	if !product.IsZero() {
		offers, err := f.Products.Offers(ctx, f.DB, []id.Product{product})
		if err != nil {
			return nil, err
		}
		if len(offers) == 0 {
			return nil, errNoCard
		}
		shop, slug = offers[0].Shop, offers[0].Slug
	}
	s, err := f.Shops.ByID(ctx, f.DB, shop)
	if err != nil {
		return nil, err
	}
	sh, err := f.Find(ctx, s.Slug)
	if err != nil {
		return nil, err
	}
	if slug != "" {
		p, err := f.drawProduct(ctx, sh, slug)
		return p.sign, err
	}
	g, err := f.goodsOf(ctx, f.DB, sh.ID, sh.Content)
	if err != nil {
		return nil, err
	}
	return f.drawHome(ctx, sh, g).sign, nil
}

// paint draws a card, when it is its turn.
func (f *Front) paint(ctx context.Context, s *sign) ([]byte, error) {
	if err := easel.Acquire(ctx, 1); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "This picture cannot be drawn right now. Please try again in a minute.")
	}
	defer easel.Release(1)
	c := s.card()
	if s.Picture != "" && f.Media != nil {
		var err error
		if c.Picture, err = f.readPicture(ctx, s.Picture); err != nil {
			return nil, fmt.Errorf("picture of card %s: %w", s.file(), err)
		}
	}
	return card.Draw(c)
}

func (f *Front) readPicture(ctx context.Context, url string) (img.Image, error) {
	body, err := f.Media(ctx, url)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	out, _, err := img.Decode(io.LimitReader(body, cardBytes))
	return out, err
}
