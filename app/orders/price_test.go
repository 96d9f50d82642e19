package orders_test

import (
	"errors"
	"strings"
	"testing"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
)

func TestInvariant16PricesComeFromUs(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 50)
	usd := w.product(w.shop("USD"), 1900, -1)
	kind := map[string]errs.Kind{}
	try := func(name string, want errs.Kind, change func(in *orders.StartInput)) {
		in := w.form(eur(1900), p)
		change(&in)
		if _, err := w.s.Start(t.Context(), in); errs.KindOf(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		kind[name] = want
	}
	for _, n := range []int{0, -1, -1 << 31, 100, 1 << 31, 1 << 40} {
		try("quantity", errs.Invalid, func(in *orders.StartInput) { in.Lines[0].Quantity = n })
	}
	try("ninety-nine in two lines and one more", errs.Invalid, func(in *orders.StartInput) {
		in.Lines = []orders.Line{{Product: p, Quantity: 99}, {Product: p, Quantity: 1}}
	})
	for _, n := range []int64{0, 1, -1900, 1899, 1901, 190000, 1 << 40} {
		try("total", errs.Conflict, func(in *orders.StartInput) { in.Expected.Minor = n })
	}
	for _, c := range []money.Currency{"USD", "JPY", "eur", "", "XXX"} {
		try("currency", errs.Conflict, func(in *orders.StartInput) { in.Expected.Currency = c })
	}
	try("two currencies", errs.Conflict, func(in *orders.StartInput) { in.Lines = append(in.Lines, orders.Line{Product: usd, Quantity: 1}) })
	try("no goods", errs.NotFound, func(in *orders.StartInput) { in.Lines = nil })
	try("unknown goods", errs.NotFound, func(in *orders.StartInput) { in.Lines[0].Product = id.New[id.ProductKind]() })
	try("no consent", errs.Invalid, func(in *orders.StartInput) { in.Consent = false })
	for _, e := range []string{"", "ines", "ines@", "@mail.test", "ines@mail", "a b@mail.test", "Ines <ines@mail.test>", "ines@mail.test, b@mail.test",
		"ines@mail.test\nBcc: x@y.test", "ines@mail.test\x00", strings.Repeat("a", 250) + "@mail.test"} {
		try("address "+e, errs.Invalid, func(in *orders.StartInput) { in.Email = e })
	}
	for _, k := range []string{"", "x", "../../etc", id.Token(), orders.NewKey()[:35], "ffffffff-ffff-7fff-bfff-ffffffffffff", "00000000-0000-7000-8000-000000000000"} {
		try("key "+k, errs.Invalid, func(in *orders.StartInput) { in.Key = k })
	}
	try("a stranger's test order", errs.Forbidden, func(in *orders.StartInput) { in.Test, in.By = true, w.shop("EUR").User })
	try("nobody's test order", errs.Forbidden, func(in *orders.StartInput) { in.Test = true })
	if n := w.count(`SELECT count(*) FROM checkouts`); n != 0 || w.left(p) != 50 {
		t.Fatalf("%d checkouts came of it, %d left", n, w.left(p))
	}

	// The price changes between page and click.
	in := w.form(eur(1900), p)
	w.exec(`UPDATE products SET price_minor = 2100 WHERE id = $1`, p)
	_, err := w.s.Start(t.Context(), in)
	var changed *orders.PriceChanged
	if !errs.Is(err, errs.Conflict) || !errors.As(err, &changed) || changed.Total != eur(2100) {
		t.Fatalf("changed price: %v", err)
	}
	// It changes after the click: the order keeps what was agreed.
	st := w.start(w.form(eur(2100), p))
	w.exec(`UPDATE products SET price_minor = 9900 WHERE id = $1`, p)
	w.pay(st.Checkout, good)
	w.settle()
	if o := w.checkout(st.Checkout).Orders[0]; o.Total != eur(2100) || o.Status != orders.Paid {
		t.Fatalf("%+v", o)
	}
	w.clean()
}

func TestWhatCannotBeBoughtSaysWhy(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	cases := []struct {
		name, change, want string
		stock, quantity    int
	}{
		{"closed with a word", `UPDATE shops SET closed_at = now(), closed_reason = 'Back on Monday.' WHERE id = (SELECT shop_id FROM products WHERE id = $1)`, "Ada's shop is closed at the moment: Back on Monday.", -1, 1},
		{"unpublished", `UPDATE shops SET published_version_id = NULL, published_at = NULL WHERE id = (SELECT shop_id FROM products WHERE id = $1)`, "Ada's shop is closed at the moment.", -1, 1},
		{"not on sale", `UPDATE products SET is_active = false WHERE id = $1`, "Forty glazes is not for sale at the moment.", -1, 1},
		{"sold out", `UPDATE stock SET available = 0 WHERE product_id = $1`, "Forty glazes has sold out.", 1, 1},
		{"too few", `UPDATE stock SET available = 2 WHERE product_id = $1`, "Only 2 are left.", 9, 3},
		{"too cheap to charge", `UPDATE products SET price_minor = 49 WHERE id = $1`, "The smallest amount that can be paid is €0.50.", -1, 1},
		{"too much to charge", `UPDATE products SET price_minor = 90000000 WHERE id = $1`, "The largest amount that can be paid at once is €999,999.99.", -1, 2},
	}
	for _, c := range cases {
		owner := w.shop("EUR")
		p := w.product(owner, 1900, c.stock)
		w.exec(c.change, p)
		q, err := w.s.Quote(t.Context(), []orders.Line{{Product: p, Quantity: c.quantity}})
		if !errs.Is(err, errs.Conflict) || errs.Message(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(q.Lines) != 1 || q.Lines[0].Offer.ShopSlug != owner.Slug {
			t.Errorf("%s: the quote does not say what it is about: %+v", c.name, q)
		}
	}
}
