// Package sandboxtest helps tests of the product to use the sandbox and to check their calls on stripe-mock.
package sandboxtest

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"vitrine/app/sandbox"
)

// Start runs a sandbox for the length of the test and tells its seed when the test fails.
func Start(t testing.TB, opt sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.Start(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sandbox seed %d", s.Seed())
		}
		if err := s.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	return s
}

// Answer is what a page of the sandbox said.
type Answer struct {
	Status   int
	Location string
	Body     string
}

// Buy fills in the hosted payment page as a buyer without JavaScript would, and passes 3-D Secure. number is a test
// card or a test IBAN. The answer of a paid session leads (303) to the success page; a declined one is the page again (200).
func Buy(t testing.TB, payURL, email, number string) Answer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if a := read(t)(c.Get(payURL)); a.Status != http.StatusOK {
		t.Fatalf("payment page: %d", a.Status)
	}
	form := url.Values{"email": {email}, "method": {"card"}, "number": {number}, "expiry": {"12 / 34"}, "cvc": {"123"}, "name": {"Robin Buyer"}, "country": {"DE"}, "postal": {"10115"}}
	switch {
	case strings.HasPrefix(number, "3"):
		form.Set("cvc", "1234")
	case strings.Trim(number[:1], "0123456789") != "":
		form.Set("method", "sepa_debit")
		form.Set("iban", number)
	}
	a := read(t)(c.PostForm(payURL, form))
	if strings.Contains(a.Location, "/stripe/3ds/") {
		a = read(t)(c.PostForm(a.Location, url.Values{"result": {"complete"}}))
	}
	return a
}

// Onboard follows an account link and ends its form as said, as a creator without JavaScript would. The answer leads
// (303) to the return page, or, where the link was used or is too old, to the refresh page.
func Onboard(t testing.TB, linkURL string, how sandbox.Onboarding) Answer {
	t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a := read(t)(c.Get(linkURL))
	if a.Status != http.StatusOK {
		return a
	}
	_, rest, _ := strings.Cut(a.Body, `<form method="post" action="`)
	action, _, ok := strings.Cut(rest, `"`)
	link, err := url.Parse(linkURL)
	if err != nil || !ok {
		t.Fatalf("no form behind %s: %v", linkURL, err)
	}
	return read(t)(c.PostForm(link.Scheme+"://"+link.Host+action, url.Values{"result": {string(how)}}))
}

func read(t testing.TB) func(*http.Response, error) Answer {
	t.Helper()
	return func(rs *http.Response, err error) Answer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer rs.Body.Close()
		b, err := io.ReadAll(rs.Body)
		if err != nil {
			t.Fatal(err)
		}
		return Answer{rs.StatusCode, rs.Header.Get("Location"), string(b)}
	}
}
