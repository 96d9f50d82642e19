package payouts_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vitrine/app/db/dbtest"
	"vitrine/app/payouts"
)

// aside are the files in which no money moves and no provider is called: pages, mails, drawings.
var aside = []string{"http*.go", "present*.go", "statement_*.go", "mails.go", "*_test.go"}

func sources(t *testing.T) (out []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dbtest.Root(), "app/payouts/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if !slices.ContainsFunc(aside, func(p string) bool { ok, _ := filepath.Match(p, filepath.Base(f)); return ok }) {
			out = append(out, f)
		}
	}
	if len(out) < 15 {
		t.Fatalf("only %d files", len(out))
	}
	return out
}

// edge is a commit or a call, and where it stands.
type edge struct {
	kind     string
	from, to token.Pos
}

// hits are the failpoints of a function, by where they stand.
type hits map[token.Pos]string

// lacks: before a commit means within its function; before a call means in front of it; after means behind.
func (e edge) lacks(hs hits) string {
	before, after := false, false
	for at, name := range hs {
		within := at > e.from && at < e.to
		before = before || strings.HasSuffix(name, ".before_"+e.kind) && (e.kind == "commit") == within && at < e.to
		after = after || strings.HasSuffix(name, ".after_"+e.kind) && at > e.to
	}
	switch {
	case !before:
		return "no failpoint before the " + e.kind
	case !after:
		return "no failpoint after the " + e.kind
	}
	return ""
}

// outside are the calls that a provider hears.
var outside = []string{"y.Pay", "y.Look", "y.Recover", "Connector.Open", "Connector.Seek", "Connector.Account", "Connector.Link", "Connector.Dashboard"}

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
	return ""
}

// inspect returns what is missing in a file, the names that stand in it, and how many edges it has.
func inspect(file string, src any) (missing, names []string, edges int, err error) {
	fs := token.NewFileSet()
	f, err := parser.ParseFile(fs, file, src, 0)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		hs, es := hits{}, []edge(nil)
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch name := callee(c); {
			case name == "failpoint.Hit":
				if s, err := strconv.Unquote(c.Args[0].(*ast.BasicLit).Value); err == nil {
					hs[c.Pos()] = s
				}
			case strings.HasSuffix(name, ".InTx"):
				es = append(es, edge{"commit", c.Pos(), c.End()})
			case slices.Contains(outside, name):
				es = append(es, edge{"call", c.Pos(), c.End()})
			}
			return true
		})
		for _, s := range hs {
			names = append(names, s)
		}
		for _, e := range es {
			edges++
			if why := e.lacks(hs); why != "" {
				missing = append(missing, fmt.Sprintf("%s: %s: %s", fs.Position(e.from), fn.Name.Name, why))
			}
		}
	}
	return missing, names, edges, nil
}

func TestEveryCommitAndCallOfPayoutsHasItsFailpoints(t *testing.T) {
	var found []string
	total := 0
	for _, file := range sources(t) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		missing, names, edges, err := inspect(file, src)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range missing {
			t.Error(m)
		}
		found, total = append(found, names...), total+edges
	}
	listed := slices.Sorted(slices.Values(payouts.Failpoints))
	slices.Sort(found)
	if !slices.Equal(listed, found) {
		t.Errorf("failpoints in the code and in payouts.Failpoints differ, or one is used twice:\ncode   %v\nlisted %v", found, listed)
	}
	if 2*total != len(listed) {
		t.Errorf("%d commits and calls, %d failpoints", total, len(listed))
	}
}

// The test above must notice what it is there for.
func TestMissingFailpointsOfPayoutsAreNoticed(t *testing.T) {
	const head = "package p\nfunc f() {\n"
	for src, want := range map[string]int{
		`s.DB.InTx(ctx, func(tx *db.Tx) error { return nil })`:                                                                    1,
		`failpoint.Hit("a.before_commit"); s.DB.InTx(ctx, func(tx *db.Tx) error { return nil }); failpoint.Hit("a.after_commit")`: 1,
		`s.DB.InTx(ctx, func(tx *db.Tx) error { failpoint.Hit("a.before_commit"); return nil }); failpoint.Hit("a.after_commit")`: 0,
		`y.Pay(ctx, in)`: 1,
		`s.Connector.Open(ctx, in); failpoint.Hit("a.after_call")`:                      1,
		`failpoint.Hit("a.before_call"); y.Pay(ctx, in); failpoint.Hit("a.after_call")`: 0,
		`y.Name()`: 0,
	} {
		missing, _, _, err := inspect("x.go", head+src+"\n}")
		if err != nil || len(missing) != want {
			t.Errorf("%s: %v %v", src, missing, err)
		}
	}
}
