package app

import (
	"context"

	"vitrine/app/assist"
	"vitrine/app/db"
	"vitrine/app/files"
	"vitrine/app/id"
)

// writing is what writes windows from a sentence: with a model and photographs where there are keys for them.
func (a *App) writing() *assist.Service {
	c := a.Config
	s := &assist.Service{DB: a.DB, Shops: a.Shops, Window: a.Builder, Goods: a.Products,
		Budget: assist.Budget{Creator: c.LLMTokensCreator, Instance: c.LLMTokensInstance, In: c.LLMPriceIn, Out: c.LLMPriceOut}}
	if c.GroqAPIKey != "" {
		s.Model = assist.NewModel(assist.Options{URL: c.LLMAPIURL, Key: c.GroqAPIKey.Reveal(), Model: c.LLMModel, Now: a.DB.Now})
	}
	photos := assist.NewPhotos(a.DB, c.UnsplashAPIURL, c.UnsplashAPIKey.Reveal(), c.MediaURL)
	a.Builder.Pictures = pictures{a.Files, photos} // those that were placed are shown even when there is no key any more
	s.Placed = photos
	if c.UnsplashAPIKey != "" {
		s.Photos = photos
	}
	return s
}

func (a *App) describing() *assist.Handler {
	return &assist.Handler{Service: a.Assist, Hub: a.Hub, Locale: func(ctx context.Context, creator id.User) string {
		u, err := a.Accounts.User(ctx, creator)
		if err != nil {
			return ""
		}
		return u.Locale
	}}
}

// pictures are a creator's files, and photographs of others that stay where they are.
type pictures struct {
	*files.Service
	photos *assist.Photos
}

// Pictures returns what can be shown of both.
func (p pictures) Pictures(ctx context.Context, q db.Q, ids []id.File) (map[id.File]files.Picture, error) {
	out, err := p.Service.Pictures(ctx, q, ids)
	if err != nil || len(out) == len(ids) {
		return out, err
	}
	more, err := p.photos.Pictures(ctx, q, ids)
	for k, v := range more {
		out[k] = v
	}
	return out, err
}

// Use takes files into use. Photographs of others only must be the creator's to show.
func (p pictures) Use(ctx context.Context, tx *db.Tx, creator id.User, purpose files.Purpose, ids ...id.File) ([]files.File, error) {
	if purpose != files.ForImage {
		return p.Service.Use(ctx, tx, creator, purpose, ids...)
	}
	_, others, err := p.photos.Own(ctx, tx, creator, ids)
	if err != nil || len(others) == 0 {
		return nil, err
	}
	return p.Service.Use(ctx, tx, creator, purpose, others...)
}
