package risk_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vitrine/app/db/dbtest"
	"vitrine/app/risk"
)

// Around every commit of this package there is a place where the kill tests can let the process die, and the list that
// they walk through is whole.
func TestEveryCommitHasItsFailpoints(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dbtest.Root(), "app/risk/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	named, commits := map[string]bool{}, 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			hits, begins := calls(fn)
			for _, h := range hits {
				named[h] = true
			}
			commits += begins
			has := func(suffix string) bool {
				return slices.ContainsFunc(hits, func(h string) bool { return strings.HasSuffix(h, suffix) })
			}
			if begins > 0 && (!has(".before_commit") || !has(".after_commit")) {
				t.Errorf("%s: %s commits without failpoints", filepath.Base(f), fn.Name.Name)
			}
		}
	}
	if commits < 10 {
		t.Errorf("only %d commits were found", commits)
	}
	for _, f := range risk.Failpoints {
		if !named[f] {
			t.Errorf("%s is in the list and nowhere else", f)
		}
		delete(named, f)
	}
	for f := range named {
		t.Errorf("%s is not in the list", f)
	}
}

// calls are the failpoints within a function, and how many transactions it begins.
func calls(fn *ast.FuncDecl) (hits []string, begins int) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch s.Sel.Name {
		case "InTx":
			begins++
		case "Hit":
			if name, err := strconv.Unquote(c.Args[0].(*ast.BasicLit).Value); err == nil {
				hits = append(hits, name)
			}
		}
		return true
	})
	return hits, begins
}
