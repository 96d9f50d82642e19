package app

import (
	"context"

	"vitrine/app/assist"
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
	a.Builder.Pictures = assist.WithPhotos(a.Files, photos) // those that were placed are shown even when there is no key any more
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
