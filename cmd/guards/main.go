// guards proves that every guard matters: each is removed by its build tag, and then its test must fail. A
// guard whose test still passes, or whose tag changes nothing, fails the run.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// guard is found in the code: the file that removes it says `//go:build noguard_NAME` and
// `// Test: PACKAGE TestName`.
type guard struct{ tag, pkg, test, file string }

var (
	tagLine  = regexp.MustCompile(`(?m)^//go:build (noguard_\w+)$`)
	testLine = regexp.MustCompile(`(?m)^// Test: (\S+) (Test\w+)$`)
)

func main() {
	guards, err := find(".")
	if err != nil || len(guards) == 0 {
		fmt.Fprintln(os.Stderr, "guards:", len(guards), "found:", err)
		os.Exit(1)
	}
	var caught atomic.Int64
	var wg sync.WaitGroup
	todo := make(chan guard)
	for range max(1, runtime.NumCPU()) { // linking keeps one core busy at a time
		wg.Go(func() {
			for g := range todo {
				ok, why := g.isCaught()
				if ok {
					caught.Add(1)
				}
				fmt.Printf("%-7s %-24s %s %s\n        %s\n", map[bool]string{true: "caught", false: "MISSED"}[ok], g.tag, g.pkg, g.test, why)
			}
		})
	}
	for _, g := range guards {
		todo <- g
	}
	close(todo)
	wg.Wait()
	fmt.Printf("%d guards, %d caught\n", len(guards), caught.Load())
	if int(caught.Load()) != len(guards) {
		os.Exit(1)
	}
}

func find(root string) (gs []guard, err error) {
	err = filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "data") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		tag := tagLine.FindSubmatch(b)
		if tag == nil {
			return nil
		}
		test := testLine.FindSubmatch(b)
		if test == nil {
			return fmt.Errorf("%s removes a guard and does not say `// Test: PACKAGE TestName`", p)
		}
		gs = append(gs, guard{string(tag[1]), string(test[1]), string(test[2]), p})
		return nil
	})
	return gs, err
}

// isCaught runs the test without the guard. It must fail as a test: a build that breaks proves nothing.
func (g guard) isCaught() (bool, string) {
	out, err := exec.Command("go", "test", "-vet=off", "-ldflags=-s -w", "-count=1", "-timeout", "3m", "-tags", g.tag, "-run", "^"+g.test+"$", g.pkg).CombinedOutput()
	s := string(out)
	switch {
	case strings.Contains(s, "no tests to run"):
		return false, "there is no such test"
	case strings.Contains(s, "[build failed]") || strings.Contains(s, "[setup failed]"):
		return false, "it does not build: " + firstLine(s)
	case err == nil:
		return false, "the test passes without the guard"
	}
	return true, firstLine(s)
}

func firstLine(s string) string {
	for _, l := range strings.Split(s, "\n") {
		l = strings.TrimSpace(l)
		if l != "" && !strings.HasPrefix(l, "---") && !strings.HasPrefix(l, "===") && !strings.HasPrefix(l, "20") {
			return l
		}
	}
	return s
}
