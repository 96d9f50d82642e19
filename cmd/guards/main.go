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

// guard is found in the code: the file that can take it away has the build tag noguard, names it in
// noguard.Removed("NAME"), and says `// Test: PACKAGE TestName`.
type guard struct{ name, pkg, test string }

var (
	tagLine  = regexp.MustCompile(`(?m)^//go:build noguard$`)
	nameLine = regexp.MustCompile(`noguard\.Removed\("(\w+)"\)`)
	testLine = regexp.MustCompile(`(?m)^// Test: (\S+) (Test\w+)$`)
)

func main() {
	guards, err := find(".")
	if err != nil || len(guards) == 0 {
		fmt.Fprintln(os.Stderr, "guards:", len(guards), "found:", err)
		os.Exit(1)
	}
	bin, err := os.MkdirTemp("", "vtguards")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(bin)
	byPackage := map[string][]guard{}
	for _, g := range guards {
		byPackage[g.pkg] = append(byPackage[g.pkg], g)
	}
	var caught atomic.Int64
	var wg sync.WaitGroup
	packages := make(chan []guard)
	for range max(1, runtime.NumCPU()) { // linking keeps one core busy at a time
		wg.Go(func() {
			for gs := range packages {
				for _, g := range gs {
					ok, why := g.isCaught(bin)
					if ok {
						caught.Add(1)
					}
					fmt.Printf("%-7s %-16s %s %s\n        %s\n", map[bool]string{true: "caught", false: "MISSED"}[ok], g.name, g.pkg, g.test, why)
				}
			}
		})
	}
	for _, gs := range byPackage {
		packages <- gs
	}
	close(packages)
	wg.Wait()
	fmt.Printf("%d guards, %d caught\n", len(guards), caught.Load())
	if int(caught.Load()) != len(guards) {
		os.RemoveAll(bin)
		os.Exit(1)
	}
}

func find(root string) (gs []guard, err error) {
	err = filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "data" || d.Name() == "noguard") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil || !tagLine.Match(b) {
			return err
		}
		name, test := nameLine.FindSubmatch(b), testLine.FindSubmatch(b)
		if name == nil || test == nil {
			return fmt.Errorf("%s can take a guard away and does not say noguard.Removed(\"NAME\") and `// Test: PACKAGE TestName`", p)
		}
		gs = append(gs, guard{string(name[1]), string(test[1]), string(test[2])})
		return nil
	})
	return gs, err
}

// isCaught runs the test with the guard and without it. It must pass and fail, as a test: a build that breaks, or a
// test that fails anyway, proves nothing.
func (g guard) isCaught(bin string) (bool, string) {
	test := filepath.Join(bin, strings.ReplaceAll(g.pkg, "/", "_")+".test")
	if _, err := os.Stat(test); err != nil {
		if out, err := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-tags", "noguard", "-o", test, g.pkg).CombinedOutput(); err != nil {
			return false, "it does not build: " + firstLine(string(out))
		}
	}
	run := func(name string) (string, error) {
		cmd := exec.Command(test, "-test.timeout", "3m", "-test.run", "^"+g.test+"$")
		cmd.Dir, cmd.Env = filepath.FromSlash(strings.TrimPrefix(g.pkg, "vitrine/")), append(os.Environ(), "NOGUARD="+name)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run(g.name)
	switch {
	case strings.Contains(out, "no tests to run"):
		return false, "there is no such test"
	case err == nil:
		return false, "the test passes without the guard"
	case !strings.Contains(out, "--- FAIL: "+g.test):
		return false, "it breaks: " + firstLine(out)
	}
	why := firstLine(out)
	if out, err := run(""); err != nil {
		return false, "the test fails with the guard, too: " + firstLine(out)
	}
	return true, why
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
