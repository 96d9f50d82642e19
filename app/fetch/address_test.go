package fetch

import (
	"net/netip"
	"testing"

	"vitrine/app/errs"
)

// Sixty ways to write an address that is not of the public web. None is dialled here.
var forms = []string{
	"http://127.0.0.1/", "http://127.0.0.1:80/", "https://127.0.0.1:443/x", "http://127.1/", "http://127.0.1/", "http://2130706433/",
	"http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.1./", "http://127.255.255.254/",
	"http://0.0.0.0/", "http://0/", "http://0.1.2.3/", "http://①②⑦.⓪.⓪.①/", "http://１２７.０.０.１/", "http://127。0。0。1/",
	"http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
	"http://[0:0:0:0:0:ffff:10.0.0.1]/", "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::1]/",
	"http://[2001:0:7f00:1::]/", "http://[fe80::1]/", "http://[fe80::1%25lo]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[fec0::1]/",
	"http://[ff02::1]/", "http://[100::1]/", "http://[2001:db8::1]/", "http://[3fff::1]/", "http://10.0.0.1/", "http://10.255.255.255/",
	"http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://100.64.0.1/",
	"http://100.127.255.254/", "http://192.0.0.192/", "http://198.18.0.1/", "http://198.19.255.255/", "http://224.0.0.1/", "http://240.0.0.1/",
	"http://255.255.255.255/", "http://localhost/", "http://LOCALHOST./", "http://metadata.google.internal/", "http://printer.local/", "http://intranet/",
}

func TestSixtyFormsOfAPrivateAddressAreRefused(t *testing.T) {
	if len(forms) != 60 {
		t.Fatalf("%d forms", len(forms))
	}
	for _, f := range forms {
		if u, err := (guard{}).address(f); err == nil {
			t.Errorf("%s would be read as %s", f, u)
		} else if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v is no sentence for a person", f, err)
		}
	}
}

func TestAddressesThatAreNotForReading(t *testing.T) {
	for _, f := range []string{
		"", "   ", "file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "javascript:alert(1)", "data:text/html,x", "dict://example.com:11211/",
		"https://user:secret@example.com/", "https://example.com@127.0.0.1/", "https://example.com:22/", "http://example.com:443/", "https://example.com:6379/",
		"https://exa mple.com/", "https://example.com\\@evil.example/", "https://", "https:///x", "unix:///run/x", "https://example.com:99999/", "https://exam\nple.com",
	} {
		if u, err := (guard{}).address(f); err == nil {
			t.Errorf("%q would be read as %s", f, u)
		}
	}
}

func TestOrdinaryAddressesAreRead(t *testing.T) {
	for raw, want := range map[string]string{
		"linktr.ee/mira":                "https://linktr.ee/mira",
		" https://beacons.ai/mira?x=1 ": "https://beacons.ai/mira?x=1",
		"http://example.com:80/":        "http://example.com:80/",
		"https://bücher.example/":       "https://xn--bcher-kva.example/",
		"https://example.com./a#part":   "https://example.com/a",
		"https://93.184.216.34/":        "https://93.184.216.34/",
		"https://[2606:4700::1111]/":    "https://[2606:4700::1111]/",
	} {
		u, err := (guard{}).address(raw)
		if err != nil || u.String() != want {
			t.Errorf("%q is read as %v, %v; want %s", raw, u, err, want)
		}
	}
}

func TestWhatANameMayResolveTo(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1:80", "127.8.8.8:443", "0.0.0.0:80", "10.1.2.3:443", "172.20.0.1:80", "192.168.0.1:443", "169.254.169.254:80", "100.64.0.1:80", "192.0.0.8:80",
		"198.18.5.5:443", "203.0.113.1:80", "224.0.0.251:80", "240.1.1.1:80", "255.255.255.255:80", "[::1]:80", "[::]:80", "[::127.0.0.1]:80", "[::ffff:127.0.0.1]:80",
		"[::ffff:93.184.216.34]:80", "[64:ff9b::7f00:1]:443", "[2002:7f00:1::]:80", "[fe80::1%lo]:80", "[fd00::1]:443", "[ff02::1]:80", "[2001:db8::1]:443",
		"93.184.216.34:22", "93.184.216.34:8080", "93.184.216.34:0", "nonsense",
	} {
		if err := (guard{}).dial("tcp4", a); err == nil {
			t.Errorf("%s would be connected to", a)
		}
	}
	for _, a := range []string{"93.184.216.34:80", "1.1.1.1:443", "[2606:4700::1111]:443"} {
		if err := (guard{}).dial("tcp6", a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	if err := (guard{}).dial("udp4", "1.1.1.1:443"); err == nil {
		t.Error("a datagram would be sent")
	}
}

// An allowed stand-in opens exactly its address and port.
func TestAStandInOpensNothingElse(t *testing.T) {
	g := guard{allow: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:8099")}}
	if u, err := g.address("http://127.0.0.1:8099/page"); err != nil || u.Port() != "8099" {
		t.Errorf("the stand-in: %v, %v", u, err)
	}
	if err := g.dial("tcp4", "127.0.0.1:8099"); err != nil {
		t.Error(err)
	}
	for _, a := range []string{"127.0.0.1:8098", "127.0.0.2:8099", "10.0.0.1:8099", "1.1.1.1:8099"} {
		if err := g.dial("tcp4", a); err == nil {
			t.Errorf("%s would be connected to", a)
		}
	}
	if _, err := g.address("http://127.0.0.1:8098/"); err == nil {
		t.Error("another port of the same machine would be read")
	}
}

func TestTheAllowListIsRead(t *testing.T) {
	got, err := ParseAllow([]string{"127.0.0.1:8099", " [::1]:80 "})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"localhost:80", "127.0.0.1", "127.0.0.0/8", ""} {
		if _, err := ParseAllow([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
