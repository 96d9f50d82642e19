package id_test

import (
	"encoding/json"
	"testing"

	"vitrine/app/id"
)

func TestIDsSurviveTextJSONAndSQL(t *testing.T) {
	a := id.New[id.ShopKind]()
	b, err := id.Parse[id.ShopKind](a.String())
	if err != nil || a != b {
		t.Fatalf("parse: %v %v", b, err)
	}
	j, err := json.Marshal(map[string]id.Shop{"shop": a})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]id.Shop
	if err := json.Unmarshal(j, &back); err != nil || back["shop"] != a {
		t.Fatalf("json: %s %v", j, err)
	}
	v, err := a.Value()
	if err != nil {
		t.Fatal(err)
	}
	var c id.Shop
	if err := c.Scan(v); err != nil || c != a {
		t.Fatalf("scan: %v %v", c, err)
	}
	if err := c.Scan(nil); err != nil || !c.IsZero() {
		t.Fatalf("null: %v %v", c, err)
	}
}

func TestParseRefusesOtherForms(t *testing.T) {
	for _, s := range []string{"", "x", "urn:uuid:" + id.New[id.ShopKind]().String(), "{" + id.New[id.ShopKind]().String() + "}"} {
		if _, err := id.Parse[id.ShopKind](s); err == nil {
			t.Errorf("took %q", s)
		}
	}
}

func TestTokensAreUniqueAndChecked(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		tok := id.Token()
		if seen[tok] {
			t.Fatal("the same token twice")
		}
		seen[tok] = true
		if err := id.CheckToken(tok); err != nil {
			t.Fatalf("%q: %v", tok, err)
		}
	}
	for _, s := range []string{"", "short", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "!!!!!!!!!!!!!!!!!!!!!!!!!!"} {
		if id.CheckToken(s) == nil {
			t.Errorf("took %q", s)
		}
	}
}
