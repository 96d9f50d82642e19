package app

import (
	"context"
	"slices"

	"vitrine/app/bundle"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/importer"
	"vitrine/app/orders"
	"vitrine/app/payouts"
	"vitrine/app/storefronts"
	"vitrine/app/today"
	"vitrine/app/web"

	homeview "vitrine/views/home"
)

// people joins accounts and shops into who is behind a request.
type people struct{ *App }

func (p people) Person(ctx context.Context, user id.User, shop id.Shop) (web.Person, error) {
	u, err := p.Accounts.User(ctx, user)
	if err != nil {
		return web.Person{}, err
	}
	out := web.Person{ID: u.ID, Email: u.Email, Name: u.Name, Role: u.Role, Locale: u.Locale, TimeZone: u.TimeZone, Verified: u.Verified()}
	s, err := p.Shops.FirstOf(ctx, user, shop)
	if errs.Is(err, errs.NotFound) {
		return out, nil
	}
	if err != nil {
		return web.Person{}, err
	}
	out.Shop, out.ShopName, out.ShopSlug, out.Currency = s.ID, s.Name, s.Slug, string(s.Currency)
	return out, nil
}

// tokens lets the API ask accounts whose token it is.
type tokens struct{ *App }

func (t tokens) User(ctx context.Context, access string) (id.User, error) {
	return t.Accounts.TokenUser(ctx, access)
}

// catalogue tells orders what is for sale, from products and their shops.
type catalogue struct{ *App }

func (c catalogue) Offers(ctx context.Context, q db.Q, ids []id.Product) ([]orders.Offer, error) {
	offers, err := c.Products.Prices(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	shops := map[id.Shop]storefronts.Shop{}
	out := make([]orders.Offer, 0, len(offers))
	for _, o := range offers {
		s, ok := shops[o.Shop]
		if !ok {
			if s, err = c.Shops.ByID(ctx, q, o.Shop); err != nil {
				return nil, err
			}
			shops[o.Shop] = s
		}
		out = append(out, orders.Offer{
			Product: o.ID, Shop: o.Shop, Creator: o.Creator, Name: o.Name, ShopName: s.Name, ShopSlug: s.Slug, Price: o.Price,
			Active: o.Active, Open: s.Published && !s.Closed, Closed: s.ClosedReason,
		})
	}
	return out, nil
}

// seller is who stands behind a shop, for mails and order pages.
func (a *App) seller(ctx context.Context, q db.Q, shop id.Shop) (orders.Seller, error) {
	s, err := a.Shops.ByID(ctx, q, shop)
	if err != nil {
		return orders.Seller{}, err
	}
	u, err := a.Accounts.User(ctx, s.Creator)
	if err != nil {
		return orders.Seller{}, err
	}
	return orders.Seller{Name: s.Name, URL: a.Shops.URL(s), Email: u.Email, Locale: u.Locale, TimeZone: u.TimeZone}, nil
}

// creatorAddress is where messages for a shop's creator go.
func (a *App) creatorAddress(ctx context.Context, creator id.User) (email, locale string, err error) {
	u, err := a.Accounts.User(ctx, creator)
	return u.Email, u.Locale, err
}

// owner is the person whose pages an event of a shop redraws.
func (a *App) owner(ctx context.Context, shop id.Shop) (web.Person, error) {
	s, err := a.Shops.ByID(ctx, a.DB, shop)
	if err != nil {
		return web.Person{}, err
	}
	return people{a}.Person(ctx, s.Creator, shop)
}

// progress is how far a shop has come.
func (a *App) progress(ctx context.Context, who web.Person) (today.Progress, error) {
	s, err := a.Shops.ByID(ctx, a.DB, who.Shop)
	if err != nil {
		return today.Progress{}, err
	}
	offers, err := a.Products.OffersOfShop(ctx, a.DB, who.Shop)
	if err != nil {
		return today.Progress{}, err
	}
	tests, _, err := a.Orders.List(ctx, who.ID, who.Shop, orders.Filter{Show: orders.ShowTests, Limit: 1})
	return today.Progress{Product: len(offers) > 0, Published: s.Published, Tried: len(tests) > 0}, err
}

// windows are shops to look at from the landing page.
func (a *App) windows(ctx context.Context) ([]homeview.Window, error) {
	listed, err := a.Shops.Listed(ctx, a.DB, id.Shop{}, 3)
	if err != nil {
		return nil, err
	}
	var out []homeview.Window
	for _, l := range listed {
		s, err := a.Shops.ByID(ctx, a.DB, l.ID)
		if err != nil {
			return nil, err
		}
		color := s.BrandColor
		switch s.Theme {
		case "daylight":
			color = "#142521"
		case "afterhours":
			color = "#ffb81c"
		}
		out = append(out, homeview.Window{Name: s.Name, URL: a.Shops.URL(s), Line: "@" + s.Slug, Color: color})
	}
	return out, nil
}

// payable reports whether a creator has said where their money goes.
func (a *App) payable(ctx context.Context, creator id.User) (bool, error) {
	all, err := a.Payouts.Methods(ctx, creator)
	return slices.ContainsFunc(all, func(m payouts.Method) bool { return m.Current && m.State == payouts.Ready }), err
}

// audience lets archives of shops carry the people whom a shop may write to.
type audience struct{ *App }

func (a audience) Members(ctx context.Context, q db.Q, who storefronts.Who) ([]bundle.Member, error) {
	all, err := a.Importer.Audience(ctx, q, who)
	out := make([]bundle.Member, len(all))
	for i, p := range all {
		out[i] = bundle.Member(p)
	}
	return out, err
}

func (a audience) AddMembers(ctx context.Context, tx *db.Tx, who storefronts.Who, ms []bundle.Member) (int, error) {
	in := make([]importer.Person, len(ms))
	for i, m := range ms {
		in[i] = importer.Person(m)
	}
	return a.Importer.Welcome(ctx, tx, who, in)
}
