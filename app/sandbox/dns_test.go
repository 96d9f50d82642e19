package sandbox_test

import (
	"context"
	"net"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"vitrine/app/sandbox"
)

func TestTheNameServerSaysWhatWasSet(t *testing.T) {
	t.Parallel()
	d, err := sandbox.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Stop)
	set := func(name, text string) int {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest("POST", "/?"+url.Values{"name": {name}, "text": {text}}.Encode(), nil))
		return w.Code
	}
	var dial net.Dialer
	res := &net.Resolver{PreferGo: true}
	addr := d.Addr()
	res.Dial = resolverDial(&dial, addr)
	texts := func(want ...string) {
		t.Helper()
		got, err := res.LookupTXT(t.Context(), "_vitrine.pots.test.")
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q (%v), want %q", got, err, want)
		}
	}
	texts()
	if set("_vitrine.Pots.test.", "a") != 200 || set("_vitrine.pots.test", "a") != 200 || set("_vitrine.pots.test", "b") != 200 {
		t.Error("a record is refused")
	}
	texts("a", "b")
	if set("", "x") != 400 || set("n.test", strings.Repeat("x", 256)) != 400 {
		t.Error("nonsense is taken")
	}
	set("_vitrine.pots.test", "")
	texts()
	if got, err := res.LookupHost(t.Context(), "anything.test."); err != nil || !slices.Equal(got, []string{"127.0.0.1"}) {
		t.Error(got, err)
	}
}

func resolverDial(d *net.Dialer, addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, addr)
	}
}
