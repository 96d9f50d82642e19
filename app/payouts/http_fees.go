package payouts

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"vitrine/app/fees"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/payouts"
)

// What may happen to a sale in the simulator.
const (
	caseNone = "none"
	casePart = "part"
	caseFull = "full"
	caseLost = "lost"
	caseWon  = "won"
)

// play is a sale that the simulator plays through.
type play struct {
	price, total money.Amount
	quantity     int64
	what         string
	back         money.Amount // what the buyer gets back
	fee          fees.Fee
}

// simulate answers the form, whole or, for htmx, the result alone.
func (h *Handler) simulate(c echo.Context) error {
	ctx := c.Request().Context()
	currency := money.Currency(web.Who(c).Currency)
	if !currency.Valid() {
		currency = "EUR"
	}
	p, messages := readPlay(c, currency)
	now := h.Service.DB.Now()
	schedule, err := h.Fees.At(ctx, h.Service.DB, currency, now)
	if err != nil {
		return err
	}
	var r view.ResultProps
	if len(messages) == 0 {
		if p.fee, err = h.Fees.For(ctx, h.Service.DB, p.total, now); err != nil {
			return err
		}
		r = p.present(ctx)
	} else {
		for _, m := range ui.Problems(messages, "price", "quantity", "part") {
			r.Trouble = m.Message
			break
		}
	}
	status := http.StatusOK
	if len(messages) > 0 {
		status = http.StatusUnprocessableEntity
	}
	if web.IsFragment(c) {
		return web.Fragment(c, status, view.Result(r))
	}
	v := p.form(c, currency, messages)
	v.Result, v.Schedule = r, rate(ctx, schedule)
	return web.Page(c, status, layout.Page{Title: text.T(ctx, "What you keep of a price"), Section: "you", Back: overviewPath, NoIndex: true, Shell: layout.Creator}, view.Fees(v))
}

// rate is a fee schedule in words.
func rate(ctx context.Context, s fees.Schedule) string {
	percent := strconv.Itoa(s.Bps / 100)
	if rest := s.Bps % 100; rest != 0 {
		percent += fmt.Sprintf(".%02d", rest)
	}
	if s.Fixed.IsZero() {
		return text.T(ctx, "We keep %s %% of a sale. What the payment provider charges is ours to pay.", percent)
	}
	return text.T(ctx, "We keep %s %% of a sale and %s. What the payment provider charges is ours to pay.", percent, s.Fixed.Format())
}

// readPlay reads the form, with an example in the place of what is missing.
func readPlay(c echo.Context, currency money.Currency) (play, map[string]string) {
	ctx := c.Request().Context()
	bad := map[string]string{}
	p := play{quantity: 1, what: caseNone, price: example(currency), back: money.Amount{Currency: currency}}
	var err error
	if v := query(c, "price"); v != "" {
		if p.price, err = money.Parse(v, currency); err != nil {
			p.price = money.Amount{Currency: currency}
			bad["price"] = text.T(ctx, "Write the price as a number, like 19 or 19.50.")
		} else if p.price.Minor > 0 && p.price.Minor < currency.Least().Minor {
			bad["price"] = text.T(ctx, "The smallest price that can be charged is %s.", currency.Least().Format())
		}
	}
	if v := query(c, "quantity"); v != "" {
		n, err := strconv.Atoi(v)
		if p.quantity = int64(n); err != nil || n < 1 || n > 99 {
			p.quantity, bad["quantity"] = 1, text.T(ctx, "Choose a number from 1 to 99.")
		}
	}
	p.total = p.price.Times(p.quantity)
	if p.total.Minor > money.Max && bad["price"] == "" {
		bad["price"] = text.T(ctx, "One payment can be %s at most.", money.Amount{Minor: money.Max, Currency: currency}.Format())
	}
	switch v := query(c, "case"); v {
	case caseFull, caseLost, caseWon:
		p.what, p.back = v, p.total
	case casePart:
		p.what = v
		p.back = p.total.Split(1, 1)[0]
		if v := query(c, "part"); v != "" {
			if p.back, err = money.Parse(v, currency); err != nil || p.back.Minor > p.total.Minor {
				p.back = money.Amount{Currency: currency}
				bad["part"] = text.T(ctx, "Write a part of what the buyer pays, %s at most.", p.total.Format())
			}
		}
	}
	return p, bad
}

// example is a price to begin with: about twenty of the larger units.
func example(c money.Currency) money.Amount {
	least := c.Least()
	if a := least.Times(38); a.Minor <= money.Max {
		return a
	}
	return least
}

func (p play) form(c echo.Context, currency money.Currency, bad map[string]string) view.FeesProps {
	ctx := c.Request().Context()
	value := func(name, otherwise string) string {
		if v := query(c, name); v != "" {
			return v
		}
		return otherwise
	}
	v := view.FeesProps{Errors: ui.Problems(bad, "price", "quantity", "part")}
	v.Price = ui.Field{Name: "price", Label: text.T(ctx, "Price"), Value: value("price", p.price.Decimal()), Prefix: currency.Symbol(), InputMode: "decimal", Autocomplete: "off", MaxLength: 20, Error: bad["price"]}
	v.Quantity = ui.Field{Name: "quantity", Label: text.T(ctx, "Copies"), Value: value("quantity", "1"), InputMode: "numeric", Autocomplete: "off", MaxLength: 2, Error: bad["quantity"]}
	v.Case = ui.Field{ID: "case", Name: "case", Label: text.T(ctx, "And then"), Options: []ui.Option{
		{Value: caseNone, Label: text.T(ctx, "All is well"), Selected: p.what == caseNone},
		{Value: casePart, Label: text.T(ctx, "You refund a part"), Selected: p.what == casePart},
		{Value: caseFull, Label: text.T(ctx, "You refund all of it"), Selected: p.what == caseFull},
		{Value: caseLost, Label: text.T(ctx, "The buyer's bank takes it back"), Note: text.T(ctx, "A dispute that is lost"), Selected: p.what == caseLost},
		{Value: caseWon, Label: text.T(ctx, "The buyer's bank asks, and you are right"), Note: text.T(ctx, "A dispute that is won"), Selected: p.what == caseWon},
	}}
	v.Part = ui.Field{Name: "part", Label: text.T(ctx, "The part that you refund"), Hint: text.T(ctx, "Counts when you refund a part; half of it if left empty."), Value: value("part", ""), Prefix: currency.Symbol(), InputMode: "decimal", Autocomplete: "off", MaxLength: 20, Error: bad["part"]}
	return v
}

// present plays the sale with the functions that book it.
func (p play) present(ctx context.Context) view.ResultProps {
	o := orders.Order{Total: p.total, Fee: p.fee.Platform, Net: p.fee.Net}
	kept := p.fee.Net
	sale := view.ResultStep{ID: "sale", Title: text.T(ctx, "The sale"), Lines: []ui.Line{
		{Label: text.T(ctx, "The buyer pays"), Note: fmt.Sprintf("%d × %s", p.quantity, p.price.Format()), Amount: p.total.Format()},
		{Label: text.T(ctx, "Our fee"), Amount: p.fee.Platform.Neg().Format()},
		{Label: text.T(ctx, "What the provider charges"), Note: text.T(ctx, "We pay it"), Amount: money.Amount{Currency: p.total.Currency}.Format()},
		{Label: text.T(ctx, "You get"), Amount: p.fee.Net.Format(), Strong: true},
	}}
	r := view.ResultProps{Label: text.T(ctx, "You get"), Steps: []view.ResultStep{sale}}
	net := orders.NetOf(o, p.back)
	if p.what == casePart || p.what == caseFull || p.what == caseLost {
		kept = kept.Sub(net)
		r.Label = text.T(ctx, "You are left with")
		r.Steps = append(r.Steps, p.takenBack(ctx, net, kept))
	}
	r.Figure = figure(kept)
	switch p.what {
	case casePart, caseFull:
		r.Notes = append(r.Notes, text.T(ctx, "We give back our part of the fee. The provider keeps what it charged; that is ours to bear, not yours."))
		r.Notes = append(r.Notes, text.T(ctx, "Was the sale paid out already? Then the next sales repay it; nothing is taken from your bank account."))
	case caseLost:
		r.Notes = append(r.Notes, text.T(ctx, "We give back our fee and pay what the provider charges for the dispute."))
	case caseWon:
		r.Notes = append(r.Notes, text.T(ctx, "While the bank decides, the money is taken off your balance. When you are right it comes back in full, and we pay what the provider charges for the dispute."))
	default:
		r.Notes = append(r.Notes, text.T(ctx, "The fixed part of the fee is taken once a sale, however many copies are in it."))
	}
	return r
}

func (p play) takenBack(ctx context.Context, net, kept money.Amount) view.ResultStep {
	s := view.ResultStep{ID: "back", Title: text.T(ctx, "The refund")}
	first := text.T(ctx, "The buyer gets back")
	if p.what == caseLost {
		s.Title, first = text.T(ctx, "The dispute"), text.T(ctx, "The bank takes back")
	}
	s.Lines = []ui.Line{
		{Label: first, Amount: p.back.Neg().Format()},
		{Label: text.T(ctx, "Of it, our fee that we give back"), Amount: p.back.Sub(net).Format()},
		{Label: text.T(ctx, "Taken off yours"), Amount: net.Neg().Format()},
		{Label: text.T(ctx, "You are left with"), Amount: kept.Format(), Strong: true},
	}
	return s
}
