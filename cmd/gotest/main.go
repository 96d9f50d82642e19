// gotest runs `go test` with the given arguments and closes with one line of counts. It prints the output of
// packages that fail, and why tests were skipped.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

type testEvent struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

type result struct {
	passed, failed, skipped int
	output                  map[string]*strings.Builder
	skips                   []string
}

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	r := result{output: map[string]*strings.Builder{}}
	s := bufio.NewScanner(out)
	s.Buffer(nil, 4<<20)
	for s.Scan() {
		var e testEvent
		if json.Unmarshal(s.Bytes(), &e) != nil {
			fmt.Println(s.Text()) // what the compiler says
			continue
		}
		r.note(e)
	}
	err = cmd.Wait()
	for _, k := range r.skips {
		fmt.Println("skipped:", k)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	if err != nil || r.failed > 0 || r.passed == 0 {
		os.Exit(1)
	}
}

func (r *result) note(e testEvent) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if r.output[key] == nil {
			r.output[key] = &strings.Builder{}
		}
		r.output[key].WriteString(e.Output)
		if e.Action == "build-output" {
			fmt.Print(e.Output)
		}
	case "pass":
		if e.Test != "" {
			r.passed++
		} else {
			fmt.Printf("ok    %-45s %.1fs\n", e.Package, e.Elapsed)
		}
		delete(r.output, key)
	case "skip":
		if e.Test != "" {
			r.skipped++
			r.skips = append(r.skips, key+": "+reason(r.output[key]))
		}
	case "fail":
		if e.Test != "" {
			r.failed++
		}
		fmt.Printf("FAIL  %s\n", key)
		if o := r.output[key]; o != nil {
			fmt.Print(o.String())
		}
	}
}

func reason(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	for _, l := range strings.Split(b.String(), "\n") {
		if i := strings.Index(l, ".go:"); i >= 0 {
			return strings.TrimSpace(l[i+4:])
		}
	}
	return ""
}
