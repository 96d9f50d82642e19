package app_test

import (
	"io"
	"net/http"
	"testing"

	"vitrine/app/apptest"
)

// A sale from the window to the file, over the product as it is wired.
func TestASaleFromTheWindowToTheFile(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	w.ShopBrowser().Get("/@" + c.Shop.Slug).Is(http.StatusOK).Has(c.Shop.Name)
	s := w.Buy(c.Product)
	w.Settle()
	s.Order.Is(http.StatusOK).Has("glazes.txt")
	p := s.Submit(s.Order, `form[action*="/f/"]`, nil).Is(http.StatusSeeOther)
	res, err := http.Get(p.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != apptest.FileBody {
		t.Fatalf("%v, %q", err, body)
	}
	if n := len(w.SMTP.Messages(s.Email)); n != 1 {
		t.Errorf("%d mails to the buyer", n)
	}
	if n := len(w.SMTP.Messages(c.Email)); n != 1 {
		t.Errorf("%d mails to the creator", n)
	}
	clean(t, w)
}

// clean fails unless the whole book is as it must be.
func clean(t *testing.T, w *apptest.World) {
	t.Helper()
	r, err := w.App.CheckMoney(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if !f.Note {
			t.Errorf("check-money: %s", f)
		}
	}
}
