package orders

import (
	"context"
	"fmt"
	"slices"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Line is what a form asks for: a thing and a number, never a price.
type Line struct {
	Product  id.Product
	Quantity int
}

// Quote is what the lines cost now.
type Quote struct {
	Lines []QuoteLine
	Total money.Amount
	Shops int
}

// QuoteLine is one product of a quote.
type QuoteLine struct {
	Offer    Offer
	Quantity int
	Total    money.Amount
	Left     int // -1: unlimited
}

// Quote prices the lines from our tables. With an error that says why they cannot be bought, the quote still
// names the products as far as they are known.
func (s *Service) Quote(ctx context.Context, lines []Line) (Quote, error) {
	return s.QuoteFor(ctx, lines, id.User{})
}

// QuoteFor is Quote for someone who may be the owner: an owner can try what is not on sale yet.
func (s *Service) QuoteFor(ctx context.Context, lines []Line, by id.User) (Quote, error) {
	lines, err := tidy(lines)
	if err != nil {
		return Quote{}, err
	}
	ids := make([]id.Product, len(lines))
	for i, l := range lines {
		ids[i] = l.Product
	}
	offers, err := s.Catalogue.Offers(ctx, s.DB, ids)
	if err != nil {
		return Quote{}, fmt.Errorf("quote: %w", err)
	}
	left, err := s.Stock.Left(ctx, s.DB, ids)
	if err != nil {
		return Quote{}, fmt.Errorf("quote: %w", err)
	}
	var q Quote
	for _, l := range lines {
		i := slices.IndexFunc(offers, func(o Offer) bool { return o.Product == l.Product })
		if i < 0 {
			return q, errNoProduct
		}
		n, limited := left[l.Product]
		if !limited {
			n = -1
		}
		q.Lines = append(q.Lines, QuoteLine{Offer: offers[i], Quantity: l.Quantity, Total: offers[i].Price.Times(int64(l.Quantity)), Left: n})
	}
	q.Shops = len(q.byShop())
	if by.IsZero() || !q.ownedBy(by) {
		for _, l := range q.Lines {
			if err := l.buyable(); err != nil {
				return q, err
			}
		}
	}
	return q, q.sum()
}

// buyable says why a line cannot be bought.
func (l QuoteLine) buyable() error {
	switch o := l.Offer; {
	case !o.Open && o.Closed != "":
		return errs.New(errs.Conflict, "%s is closed at the moment: %s", o.ShopName, o.Closed)
	case !o.Open:
		return errs.New(errs.Conflict, "%s is closed at the moment.", o.ShopName)
	case !o.Active:
		return errs.New(errs.Conflict, "%s is not for sale at the moment.", o.Name)
	case l.Left == 0:
		return errs.New(errs.Conflict, "%s has sold out.", o.Name)
	case l.Left > 0 && l.Left < l.Quantity:
		return errs.New(errs.Conflict, "Only %d are left.", l.Left)
	}
	return nil
}

// sum adds the lines up and checks that the sum can be paid.
func (q *Quote) sum() error {
	q.Total = money.Amount{Currency: q.Lines[0].Offer.Price.Currency}
	for _, l := range q.Lines {
		if l.Total.Currency != q.Total.Currency {
			return errs.New(errs.Conflict, "These products are sold in different currencies. Please buy them one after the other.")
		}
		q.Total = q.Total.Add(l.Total)
	}
	c := q.Total.Currency
	switch {
	case !c.Valid():
		return errs.New(errs.Conflict, "Payments in %s are not possible.", string(c))
	case q.Total.Minor > 0 && q.Total.Minor < c.Least().Minor:
		return errs.New(errs.Conflict, "The smallest amount that can be paid is %s.", c.Least().Format())
	case q.Total.Minor > money.Max:
		return errs.New(errs.Conflict, "The largest amount that can be paid at once is %s.", money.Amount{Minor: money.Max, Currency: c}.Format())
	}
	return nil
}

func (q Quote) ownedBy(u id.User) bool {
	return !slices.ContainsFunc(q.Lines, func(l QuoteLine) bool { return l.Offer.Creator != u })
}

// byShop parts the lines: one order a shop, in the order of the shops' ids.
func (q Quote) byShop() [][]QuoteLine {
	var out [][]QuoteLine
	for _, l := range q.Lines {
		i := slices.IndexFunc(out, func(p []QuoteLine) bool { return p[0].Offer.Shop == l.Offer.Shop })
		if i < 0 {
			out = append(out, []QuoteLine{l})
			continue
		}
		out[i] = append(out[i], l)
	}
	slices.SortFunc(out, func(a, b []QuoteLine) int { return slices.Compare(a[0].Offer.Shop[:], b[0].Offer.Shop[:]) })
	return out
}
