package app_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"vitrine/app/apptest"
	"vitrine/app/config"
	"vitrine/app/id"
)

type configT = config.Config

func escape(s string) string { return url.QueryEscape(s) }

// ownPath is a browser's view of where an address leads, tolerant as browsers are.
func ownPath(to string) bool {
	seen := strings.NewReplacer("\t", "", "\r", "", "\n", "", "\\", "/").Replace(strings.TrimSpace(to))
	return strings.HasPrefix(seen, "/") && !strings.HasPrefix(seen, "//")
}

func row(t *testing.T, w *apptest.World, query string, args ...any) (v string) {
	t.Helper()
	if err := w.DB.Pool().GetContext(context.Background(), &v, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// fingerprint is a line per table with a checksum over every row, but for sessions, which are not facts.
func fingerprint(t *testing.T, w *apptest.World) string {
	t.Helper()
	var tables []string
	if err := w.DB.Pool().SelectContext(context.Background(), &tables, `
		SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'sessions' ORDER BY 1`); err != nil {
		t.Fatal(err)
	}
	if len(tables) < 25 {
		t.Fatalf("only %d tables", len(tables))
	}
	var out []string
	for _, name := range tables {
		out = append(out, name+" "+row(t, w, fmt.Sprintf(`SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(x::text), '' ORDER BY md5(x::text))), '') FROM %q x`, name)))
	}
	return strings.Join(out, "\n")
}

func difference(a, b string) string {
	was := strings.Split(a, "\n")
	var out []string
	for _, l := range strings.Split(b, "\n") {
		if !slices.Contains(was, l) {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

func checkoutOf(t *testing.T, w *apptest.World, status string) id.Checkout {
	t.Helper()
	c, err := id.Parse[id.CheckoutKind](row(t, w, `SELECT id FROM checkouts WHERE status = $1`, status))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
