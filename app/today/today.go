// Package today is the creator's first page, kept current by the event stream.
package today

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payouts"
	"vitrine/app/web"
)

// Service reads what the page shows.
type Service struct {
	DB      *db.DB
	Orders  *orders.Service
	Payouts *payouts.Service
	Started func(ctx context.Context, who web.Person) (Progress, error) // how far the shop has come; filled in app.go
}

// Progress is what a creator has done on the way to the first sale.
type Progress struct {
	Product   bool // has a product on sale
	Published bool // the window is open
	Tried     bool // has run a test order
}

// Day is everything the page shows.
type Day struct {
	Now      time.Time // in the creator's zone
	Currency money.Currency
	Is, Was  orders.Hours // today, and the same weekday before
	Newest   []orders.Order
	Purse    payouts.Outlook // what is the creator's in the shop's currency, and when it leaves
	Progress Progress
	AnySale  bool
}

// Read collects the day of one creator's shop.
func (s *Service) Read(ctx context.Context, who web.Person) (Day, error) {
	now := s.DB.Now().In(zone(who.TimeZone))
	d := Day{Now: now, Currency: money.Currency(who.Currency)}
	start := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	before := start.AddDate(0, 0, -7)
	var err error
	if d.Is, err = s.Orders.Day(ctx, s.DB, who.ID, who.Shop, d.Currency, start, now.Add(time.Minute)); err != nil {
		return d, err
	}
	if d.Was, err = s.Orders.Day(ctx, s.DB, who.ID, who.Shop, d.Currency, before, before.AddDate(0, 0, 1)); err != nil {
		return d, err
	}
	if d.Newest, err = s.newest(ctx, who); err != nil {
		return d, err
	}
	for _, o := range d.Newest {
		d.AnySale = d.AnySale || !o.Test
	}
	purses, err := s.Payouts.Outlook(ctx, who.ID)
	if err != nil {
		return d, err
	}
	d.Purse = payouts.Outlook{Currency: d.Currency}
	for _, p := range purses {
		if p.Currency == d.Currency {
			d.Purse = p
		}
	}
	if !d.AnySale {
		d.Progress, err = s.Started(ctx, who)
	}
	return d, err
}

func (s *Service) newest(ctx context.Context, who web.Person) ([]orders.Order, error) {
	page, _, err := s.Orders.List(ctx, who.ID, who.Shop, orders.Filter{Limit: 5})
	return page, err
}

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return z
}

// Topic is what a shop's pages listen to.
func Topic(shop id.Shop) string { return "shop:" + shop.String() }
