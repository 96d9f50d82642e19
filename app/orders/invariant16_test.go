package orders_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/web/webtest"
)

// Every field of the form takes a turn at more than twenty values that are not its own, none at all, and two at once:
// nothing of it is bought, stored or charged. Fields that the form does not have change nothing of what is asked.
func TestInvariant16EveryFieldOfTheFormAndTwentyValues(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product, other := w.owner.Product(t, w.db, 1900, -1), w.owner.Product(t, w.db, 2500, -1)
	before := w.stored()
	values := []string{"", "0", "-1", "-2147483648", "2147483648", "4294967297", "9223372036854775808", "-9223372036854775809", "99999999999999999999999", "1.5", "1,5", "1e3", "1E0", "0x1", "+1",
		"NaN", "Infinity", "null", "true", "[1]", "{}", "1;2", "1 OR 1=1", "٣", "１", "1\x00", "%00", "' --", "\u202e1", strings.Repeat("9", 5000), id.Token(), id.New[id.ProductKind]().String()}
	own := map[string][]string{
		"p":        {other.String(), product.String() + " ", strings.ToUpper(product.String()) + "'"},
		"q":        {"2", "99", "100", "-99", "1 ", " 1"},
		"expected": {"1899", "1901", "190", "19000", "19.00", "1900.00", "-1900", "1.9e3", "0x76c", "2500"},
		"currency": {"USD", "eur", "JPY", "KWD", "XXX", "EURO", "EUR'", "€"},
		"key":      {"00000000-0000-7000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff", "../../x"},
		"email":    {"ines", "ines@", "@mail.test", "ines@mail", "a b@mail.test", "ines@mail.test,b@mail.test", "<ines@mail.test>"},
		"provider": {"none", "free", "STRIPE", "stripe ;"},
	}
	page := w.browser().Get(start(product))
	asked := 0
	post := func(field string, vs []string) {
		form := webtest.Filled(page.Doc().Find("#checkout"))
		form.Set("email", "ines@mail.test")
		form.Set("consent", "on")
		form[field] = vs
		asked++
		p := w.browser().Post("/checkout", form)
		if p.Status < 400 || p.Status >= 500 || p.Status == http.StatusTooManyRequests {
			t.Errorf("%s = %.60q: %d to %q", field, vs, p.Status, p.Header.Get("Location"))
		}
	}
	for field, more := range own {
		for _, v := range slices.Concat(values, more) {
			if _, err := id.Parse[id.CheckoutKind](v); field == "provider" && v == "" || field == "key" && err == nil && !slices.Contains(more, v) {
				continue // the first of those that are offered; a key that some form might have
			}
			post(field, []string{v})
		}
		if field == "p" || field == "q" {
			post(field, []string{"1", "1"})
			post(field, slices.Repeat([]string{product.String()}, 21))
		}
	}
	for _, field := range []string{"p", "expected", "currency", "key", "email", "consent"} {
		post(field, nil)
	}
	if w.stored() != before {
		t.Fatal("something was stored")
	}
	// What is not a field is not heard: the sale is the one that was shown.
	form := webtest.Filled(page.Doc().Find("#checkout"))
	form.Set("email", "ines@mail.test")
	form.Set("consent", "on")
	for _, name := range []string{"price", "price_minor", "unit_minor", "total", "total_minor", "amount", "fee", "fee_minor", "net_minor", "tax", "tax_minor", "discount", "discount_minor", "coupon",
		"status", "paid_at", "creator_id", "shop_id", "fee_version", "refunded_minor", "id"} {
		form.Set(name, "1")
	}
	session(t, w.browser().Post("/checkout", form))
	var sold struct {
		Total    int64  `db:"total_minor"`
		Discount int64  `db:"discount_minor"`
		Tax      int64  `db:"tax_minor"`
		Fee      int64  `db:"fee_minor"`
		Currency string `db:"currency"`
		Status   string `db:"status"`
	}
	if err := w.db.Get(t.Context(), &sold, `SELECT total_minor, discount_minor, tax_minor, fee_minor, currency, status FROM orders`); err != nil {
		t.Fatal(err)
	}
	if sold.Total != 1900 || sold.Discount != 0 || sold.Tax != 0 || sold.Fee != 120 || sold.Currency != "EUR" || sold.Status != "pending" {
		t.Errorf("%+v", sold)
	}
	t.Logf("%d forms", asked)
}
