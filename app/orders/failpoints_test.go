package orders_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vitrine/app/db/dbtest"
	"vitrine/app/orders"
)

// moneyPath are the files between a click on Buy and the book. Pages, mails and downloads move no money.
var moneyPath = []string{
	"app/orders/begin.go", "app/orders/checkout.go", "app/orders/paid.go", "app/orders/quote.go", "app/orders/reconcile.go", "app/orders/refund.go",
	"app/orders/store.go", "app/orders/store_back.go", "app/orders/store_write.go", "app/orders/held.go", "app/orders/intent.go", "app/orders/sweep.go", "app/orders/tasks.go",
	"app/inventory/*.go", "app/payments/*.go", "app/ledger/ledger.go", "app/ledger/store.go",
}

// notMoney are the files of orders that are left out on purpose; a new file must be put in one of the lists.
var notMoney = []string{"brief.go", "check.go", "client.go", "client_hash.go", "delivery.go", "events.go", "guard_*.go", "http_*.go", "library.go", "mails.go", "orders.go", "present.go", "refund_limit_*.go", "revoked_*.go", "review_*.go", "stats.go"}

func sources(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, p := range moneyPath {
		found, err := filepath.Glob(filepath.Join(dbtest.Root(), p))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", p, err)
		}
		for _, f := range found {
			if !strings.HasSuffix(f, "_test.go") {
				out = append(out, f)
			}
		}
	}
	return out
}

// lacks returns what is missing in a file, and the names that stand in it.
func lacks(file string, src any) (missing, names []string, err error) {
	fs := token.NewFileSet()
	f, err := parser.ParseFile(fs, file, src, 0)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		var hits []hit
		var edges []edge
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch name := callee(c); {
			case name == "failpoint.Hit":
				s, err := strconv.Unquote(c.Args[0].(*ast.BasicLit).Value)
				if err == nil {
					hits = append(hits, hit{s, c.Pos()})
				}
			case strings.HasSuffix(name, ".InTx"):
				edges = append(edges, edge{"commit", c.Pos(), c.End()})
			case asks(name):
				edges = append(edges, edge{"call", c.Pos(), c.End()})
			}
			return true
		})
		for _, h := range hits {
			names = append(names, h.name)
		}
		for _, e := range edges {
			if why := e.lacks(hits); why != "" {
				missing = append(missing, fmt.Sprintf("%s: %s: %s", fs.Position(e.from), fn.Name.Name, why))
			}
		}
	}
	return missing, names, nil
}

type hit struct {
	name string
	at   token.Pos
}

type edge struct {
	kind     string
	from, to token.Pos
}

// lacks: before a commit means within its function; before a call means in front of it; after means behind.
func (e edge) lacks(hits []hit) string {
	before := slices.ContainsFunc(hits, func(h hit) bool {
		within := h.at > e.from && h.at < e.to
		return strings.HasSuffix(h.name, ".before_"+e.kind) && (e.kind == "commit") == within && h.at < e.to
	})
	after := slices.ContainsFunc(hits, func(h hit) bool { return strings.HasSuffix(h.name, ".after_"+e.kind) && h.at > e.to })
	switch {
	case !before:
		return "no failpoint before the " + e.kind
	case !after:
		return "no failpoint after the " + e.kind
	}
	return ""
}

func callee(c *ast.CallExpr) string {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	switch x := s.X.(type) {
	case *ast.Ident:
		return x.Name + "." + s.Sel.Name
	case *ast.SelectorExpr:
		return x.Sel.Name + "." + s.Sel.Name
	}
	return "?." + s.Sel.Name
}

// asks tells calls to a provider, which is called p or Provider wherever it is asked, from those that only read what
// is here.
func asks(name string) bool {
	on, method, _ := strings.Cut(name, ".")
	return (on == "p" || strings.HasSuffix(on, "rovider")) &&
		slices.Contains([]string{"Begin", "Session", "Find", "Expire", "Payment", "Refund", "Movements", "Intent", "FindIntent", "ReadIntent", "CancelIntent", "Confirm"}, method)
}

func TestEveryCommitAndCallOfTheMoneyPathHasItsFailpoints(t *testing.T) {
	var found []string
	for _, file := range sources(t) {
		missing, names, err := lacks(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range missing {
			t.Error(m)
		}
		found = append(found, names...)
	}
	listed := slices.Sorted(slices.Values(orders.Failpoints))
	slices.Sort(found)
	if !slices.Equal(listed, found) {
		t.Errorf("failpoints in the code and in orders.Failpoints differ, or one is used twice:\ncode   %v\nlisted %v", found, listed)
	}
	for _, n := range slices.Compact(slices.Clone(listed)) {
		if base, ok := strings.CutSuffix(n, ".before_call"); ok && !slices.Contains(listed, base+".after_call") {
			t.Errorf("%s has no counterpart", n)
		}
	}
}

func TestNoFileOfOrdersIsForgotten(t *testing.T) {
	all, err := filepath.Glob(filepath.Join(dbtest.Root(), "app/orders/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		name := filepath.Base(f)
		known := strings.HasSuffix(name, "_test.go") || slices.Contains(moneyPath, "app/orders/"+name) ||
			slices.ContainsFunc(notMoney, func(p string) bool { ok, _ := filepath.Match(p, name); return ok })
		if !known {
			t.Errorf("%s stands in neither list of this test", name)
		}
	}
}

// The test above must notice what it is there for.
func TestMissingFailpointsAreNoticed(t *testing.T) {
	const head = "package p\nfunc f() {\n"
	for src, want := range map[string]int{
		`s.DB.InTx(ctx, func(tx *db.Tx) error { return nil })`:                                                                    1,
		`s.DB.InTx(ctx, func(tx *db.Tx) error { failpoint.Hit("a.before_commit"); return nil })`:                                  1,
		`s.DB.InTx(ctx, func(tx *db.Tx) error { return nil }); failpoint.Hit("a.after_commit")`:                                   1,
		`failpoint.Hit("a.before_commit"); s.DB.InTx(ctx, func(tx *db.Tx) error { return nil }); failpoint.Hit("a.after_commit")`: 1,
		`s.DB.InTx(ctx, func(tx *db.Tx) error { failpoint.Hit("a.before_commit"); return nil }); failpoint.Hit("a.after_commit")`: 0,
		`s.Provider.Begin(ctx, in)`:                                                                1,
		`failpoint.Hit("a.before_call"); s.Provider.Begin(ctx, in)`:                                1,
		`failpoint.Hit("a.before_call"); s.Provider.Begin(ctx, in); failpoint.Hit("a.after_call")`: 0,
		`s.Provider.Name()`: 0,
	} {
		missing, _, err := lacks("x.go", head+src+"\n}")
		if err != nil || len(missing) != want {
			t.Errorf("%s: %v %v", src, missing, err)
		}
	}
}
