package fetch

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	xunicode "golang.org/x/text/encoding/unicode"

	"vitrine/app/errs"
)

// names is a DNS server on this machine: each question for a name gets the next of its addresses, the last again
// and again.
func names(t *testing.T, zone map[string][]string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		asked := map[string]int{}
		b := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Header.Response, m.Header.Authoritative, m.Additionals = true, true, nil
			name := strings.TrimSuffix(q.Name.String(), ".")
			list, known := zone[name]
			if !known {
				m.Header.RCode = dnsmessage.RCodeNameError
			} else if q.Type == dnsmessage.TypeA {
				ip := netip.MustParseAddr(list[min(asked[name], len(list)-1)])
				asked[name]++
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
					Body:   &dnsmessage.AResource{A: ip.As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				pc.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", pc.LocalAddr().String())
	}}
}

// trap is a port that counts who connects to it.
func trap(t *testing.T) (port string, hits *atomic.Int64) {
	t.Helper()
	hits = new(atomic.Int64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<h1>the inside</h1>")
	}))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			hits.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return portOf(s), hits
}

func portOf(s *httptest.Server) string {
	return strconv.Itoa(s.Listener.Addr().(*net.TCPAddr).Port)
}

// elsewhere allows a port without allowing this machine, so that only the guard at the connection is in the way.
func elsewhere(port string) netip.AddrPort { return netip.MustParseAddrPort("203.0.113.9:" + port) }

func here(s *httptest.Server) netip.AddrPort {
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func TestANameThatMovesIsNotFollowed(t *testing.T) {
	port, hits := trap(t)
	c := New(Options{Allow: []netip.AddrPort{elsewhere(port)}, Resolver: names(t, map[string][]string{"moves.example": {"127.0.0.1", "192.168.0.1", "169.254.169.254", "127.0.0.1"}})})
	for range 5 {
		if p, err := c.HTML(context.Background(), "http://moves.example:"+port+"/"); err == nil {
			t.Fatalf("read %q", p.HTML)
		} else if !errs.Is(err, errs.Invalid) || errs.Message(err) != errs.Message(errPrivate) {
			t.Errorf("the person reads %q", errs.Message(err))
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d connections to this machine", n)
	}
}

// A name that was public when it was asked for first is asked for once: what is checked is what is dialled.
func TestARedirectIsANewAddress(t *testing.T) {
	port, hits := trap(t)
	targets := []string{"http://inside.example:" + port + "/", "http://127.0.0.1:" + port + "/", "http://[::1]:" + port + "/", "http://2130706433:" + port + "/", "file:///etc/passwd", "http://localhost:" + port + "/", "//127.1:" + port, "http://169.254.169.254/"}
	var to atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/start" { // the first step is harmless
			http.Redirect(w, r, "/then", http.StatusFound)
			return
		}
		w.Header().Set("Location", to.Load().(string))
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	c := New(Options{Allow: []netip.AddrPort{here(s), elsewhere(port)}, Resolver: names(t, map[string][]string{"inside.example": {"127.0.0.1"}})})
	for _, x := range targets {
		to.Store(x)
		if p, err := c.HTML(context.Background(), s.URL+"/start"); err == nil {
			t.Errorf("redirect to %s: read %q", x, p.HTML)
		} else if !errs.Is(err, errs.Invalid) {
			t.Errorf("redirect to %s: %v", x, err)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d connections to this machine", n)
	}
}

func TestThreeRedirectsAreFollowed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		if n == 0 {
			fmt.Fprint(w, "<html><p>here</p></html>")
			return
		}
		http.Redirect(w, r, "/"+strconv.Itoa(n-1), http.StatusFound)
	}))
	defer s.Close()
	c := New(Options{Allow: []netip.AddrPort{here(s)}})
	if p, err := c.HTML(context.Background(), s.URL+"/3"); err != nil || p.URL != s.URL+"/0" {
		t.Errorf("three: %v, %v", p.URL, err)
	}
	if _, err := c.HTML(context.Background(), s.URL+"/4"); errs.Message(err) != errs.Message(errRedirects) {
		t.Errorf("four: %v", err)
	}
}

func TestNoProxyIsAsked(t *testing.T) {
	port, hits := trap(t)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+port)
	t.Setenv("http_proxy", "http://127.0.0.1:"+port)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<p>direct</p>") }))
	defer s.Close()
	if _, err := New(Options{Allow: []netip.AddrPort{here(s)}}).HTML(context.Background(), s.URL); err != nil || hits.Load() != 0 {
		t.Errorf("%v, the proxy was asked %d times", err, hits.Load())
	}
}

func TestWhatGoesWrongIsSaidPlainly(t *testing.T) {
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		switch r.URL.Path {
		case "/pdf":
			w.Header().Set("Content-Type", "application/pdf")
			fmt.Fprint(w, "%PDF")
		case "/empty":
			w.Header().Set("Content-Type", "text/html")
		case "/blank":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "   \n ")
		case "/big", "/long":
			w.Header().Set("Content-Type", "text/html")
			if r.URL.Path == "/big" {
				w.Header().Set("Content-Length", strconv.Itoa(MaxPage+1))
			}
			for range MaxPage/(64<<10) + 1 {
				if _, err := w.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
					return
				}
			}
		case "/cut":
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "<p>half")
		case "/hang":
			<-hang
		default:
			w.WriteHeader(status)
		}
	}))
	defer s.Close()
	defer close(hang)
	c := New(Options{Allow: []netip.AddrPort{here(s)}, Resolver: names(t, map[string][]string{})})
	c.http.Timeout = 300 * time.Millisecond
	for path, want := range map[string]error{
		"/pdf": errKind, "/empty": errEmpty, "/blank": errEmpty, "/big": errBig, "/long": errBig, "/cut": errLost, "/hang": errSilent,
		"/404": errMissing, "/410": errMissing, "/401": errClosed, "/403": errClosed, "/429": errClosed, "/999": errClosed, "/500": errTrouble, "/503": errTrouble,
	} {
		if _, err := c.HTML(context.Background(), s.URL+path); err == nil || errs.Message(err) != errs.Message(want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if _, err := c.HTML(context.Background(), "https://nobody.example/"); errs.Message(err) != errs.Message(errNobody) {
		t.Errorf("a name of nobody: %v", err)
	}
}

func TestPicturesAreCapped(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", map[string]string{"/p": "image/png", "/svg": "image/svg+xml", "/h": "text/html"}[r.URL.Path])
		w.Write(bytes.Repeat([]byte{1}, 1000))
	}))
	defer s.Close()
	c := New(Options{Allow: []netip.AddrPort{here(s)}})
	if b, err := c.Picture(context.Background(), s.URL+"/p", 1000); err != nil || len(b) != 1000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for path, most := range map[string]int64{"/p": 999, "/svg": 2000, "/h": 2000} {
		if _, err := c.Picture(context.Background(), s.URL+path, most); err == nil {
			t.Errorf("%s of %d was taken", path, most)
		}
	}
}

func TestTextIsReadInItsOwnCharset(t *testing.T) {
	enc := func(e encoding.Encoding, s string) []byte {
		b, err := e.NewEncoder().Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	far := strings.Repeat("<p>plain words</p>", 200)
	for name, c := range map[string]struct {
		b    []byte
		kind string
		want string
	}{
		"utf-8":                    {[]byte("<p>Töpferei €19</p>"), "", "<p>Töpferei €19</p>"},
		"utf-8 with a mark":        {[]byte("\xef\xbb\xbf<p>ä</p>"), "", "<p>ä</p>"},
		"utf-8 after a kilobyte":   {[]byte(far + "ü"), "", far + "ü"},
		"declared utf-8, not true": {[]byte("a\xffb"), "text/html; charset=utf-8", "a\uFFFDb"},
		"windows-1252 by header":   {enc(charmap.Windows1252, "„Glasuren“ – 19 €"), "text/html; charset=windows-1252", "„Glasuren“ – 19 €"},
		"windows-1252 by meta":     {enc(charmap.Windows1252, `<meta charset="iso-8859-1"><p>Größe € 9</p>`), "text/html", `<meta charset="iso-8859-1"><p>Größe € 9</p>`},
		"windows-1252 undeclared":  {enc(charmap.Windows1252, "Größe, Übergröße und Füße für 9 €"), "", "Größe, Übergröße und Füße für 9 €"},
		"Shift-JIS by meta":        {enc(japanese.ShiftJIS, `<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS"><p>陶芸の釉薬レシピ</p>`), "", `<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS"><p>陶芸の釉薬レシピ</p>`},
		"Shift-JIS undeclared":     {enc(japanese.ShiftJIS, "メール,名前\nmira@example.com,みらの陶芸"), "", "メール,名前\nmira@example.com,みらの陶芸"},
		"UTF-16 with a mark":       {enc(xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM), "<p>Größe</p>"), "", "<p>Größe</p>"},
		"UTF-16 without a mark":    {enc(xunicode.UTF16(xunicode.BigEndian, xunicode.IgnoreBOM), "email,name\nmira@example.com,Mira"), "", "email,name\nmira@example.com,Mira"},
		"a NUL inside":             {[]byte("a\x00b"), "", "ab"},
	} {
		if got, err := Decode(c.b, c.kind); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}
