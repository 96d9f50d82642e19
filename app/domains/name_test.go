package domains

import (
	"testing"

	"vitrine/app/errs"
)

func TestWhatPeopleWriteAsADomain(t *testing.T) {
	t.Parallel()
	own := []string{"app.vitrine.example", "shop.vitrine-shops.example:8080", "localhost:8080"}
	for in, want := range map[string]string{
		"pots.example": "pots.example", " HTTPS://Pots.Example/@noor?x ": "pots.example", "pots.example:8443": "pots.example", "pots.example.": "pots.example", "shop.pots.co.uk": "shop.pots.co.uk",
		"töpfe.example": "xn--tpfe-5qa.example", "xn--tpfe-5qa.example": "xn--tpfe-5qa.example", "ＰＯＴＳ.example": "pots.example", "例え.jp": "xn--r8jz45g.jp", "pots。example": "pots.example", "a-b.example": "a-b.example",
		"me.github.io": "me.github.io",
	} {
		if got, err := Clean(in, own); err != nil || got != want {
			t.Errorf("%q is read as %q (%v), want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "   ", "pots", "localhost", "*.pots.example", "127.0.0.1", "[::1]", "::1", "127.1", "0x7f.1", "2130706433", "10.0.0.0x1", "http://127.0.0.1:80/", "com", "co.uk", "github.io", "pots.localhost", "router.local", "db.internal",
		"1.2.3.4.in-addr.arpa", "app.vitrine.example", "x.app.vitrine.example", "vitrine.example", "evil.vitrine.example", "shop.vitrine-shops.example", "any.vitrine-shops.example", "pots..example", ".pots.example", "-pots.example", "pots-.example",
		"po ts.example", "pots_.example", "pots.example\r\nHost: x", "a@pots.example/../", "xn--.example", "pots.example%00", "пots\u202e.example", "\x00.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
	} {
		if got, err := Clean(in, own); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is taken as %q (%v)", in, got, err)
		}
	}
	if Show("xn--tpfe-5qa.example") != "töpfe.example" || Show("pots.example") != "pots.example" {
		t.Error("a domain is not shown as people write it")
	}
}

func TestHostsThatCanBeNoShop(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"pots.example": "pots.example", "POTS.example:443": "pots.example", "pots.example.": "pots.example"} {
		if got, ok := hostName(in); !ok || got != want {
			t.Errorf("%q is %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "pots", "127.0.0.1", "127.0.0.1:80", "[::1]:80", "pots.example/x", "pots.example@evil.example", "pots .example", "töpfe.example", "a.b\x00", "a_b.example", "..", "%70ots.example"} {
		if got, ok := hostName(in); ok && in != ".." {
			t.Errorf("%q is taken as %q", in, got)
		}
	}
}
