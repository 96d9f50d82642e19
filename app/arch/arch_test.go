// Package arch fails when an import points the wrong way.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// tier says what each package under app/ may import: only packages of lower tiers, never its own.
var tier = map[string]int{
	"config": 0, "errs": 0, "money": 0, "id": 0, "palette": 0, "stylesheet": 0, "failpoint": 0, "noguard": 0,
	"db": 1, "storage": 1, "mail": 1, "fetch": 1,
	"card": 1, "event": 2, "job": 2, "live": 3, "web": 3, "sandbox": 2, "embedded": 2, "pagecache": 2, "cdn": 3,
	"accounts": 4, "files": 4, "fees": 4, "audit": 3,
	"storefronts": 5, "products": 5, "ledger": 5,
	"builder": 6, "domains": 6, "inventory": 6, "payments": 6,
	"orders": 7, "contact": 7,
	"assist": 8, "importer": 8, "refunds": 8, "payouts": 8, "disputes": 8, "risk": 8,
	"pwa": 8, "home": 8, "today": 9, "seed": 9, "earnings": 9, "admin": 9, "bundle": 9,
}

// sole names the only package that may import a library: whoever wants to replace it looks in one place.
var sole = map[string]string{
	"github.com/stripe/stripe-go/":      "vitrine/app/payments/stripe",
	"github.com/plutov/paypal/":         "vitrine/app/payments/paypal",
	"github.com/aws/aws-sdk-go-v2":      "vitrine/app/storage",
	"github.com/markbates/goth":         "vitrine/app/accounts",
	"github.com/r3labs/sse/":            "vitrine/app/live",
	"github.com/hibiken/asynq":          "vitrine/worker",
	"github.com/wneessen/go-mail":       "vitrine/app/mail",
	"github.com/evanw/esbuild":          "vitrine/cmd/assets",
	"github.com/versity/versitygw":      "vitrine/app/embedded",
	"github.com/sashabaranov/go-openai": "vitrine/app/assist",
	"github.com/microcosm-cc/":          "vitrine/app/products",
	"github.com/alexedwards/argon2id":   "vitrine/app/accounts",
	"code.dny.dev/ssrf":                 "vitrine/app/fetch",
	"github.com/tdewolff/":              "vitrine/app/stylesheet",
}

// lean builds, which servers run, are without these.
var lean = []string{"vitrine/app/embedded", "vitrine/app/sandbox"}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "vitrine/...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ps []pkg
	for dec := json.NewDecoder(out); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	if err := cmd.Wait(); err != nil || len(ps) < 20 {
		t.Fatalf("go list: %v, %d packages", err, len(ps))
	}
	return ps
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			if msg := wrong(p.ImportPath, i); msg != "" {
				t.Error(msg)
			}
		}
	}
}

// wrong says what is the matter with from importing to, or nothing.
func wrong(from, to string) string {
	switch {
	case from == "vitrine/app/apptest": // starts the whole product for tests
		return ""
	case (to == "text/template" || to == "html/template") && !slices.Contains(lean, from):
		return from + " imports " + to + ": it calls methods by name, so the linker leaves none out; the binary grows by 16 MB"
	case strings.HasPrefix(from, "vitrine/views/") && (strings.HasPrefix(to, "vitrine/app") || strings.HasPrefix(to, "vitrine/worker")):
		return from + " imports " + to + ": views draw props, they do not know the app"
	case strings.HasPrefix(from, "vitrine/app") && (strings.HasPrefix(to, "vitrine/worker") || strings.HasPrefix(to, "vitrine/commands")):
		return from + " imports " + to
	case strings.HasPrefix(from, "vitrine/app/") && to == "vitrine/app":
		return from + " imports the package that knows everything"
	case strings.HasPrefix(from, "vitrine/app/") && strings.HasPrefix(to, "vitrine/app/"):
		return wrongTier(from, to)
	}
	return ""
}

func wrongTier(from, to string) string {
	a, b := feature(from), feature(to)
	ta, known := tier[a]
	tb, known2 := tier[b]
	switch {
	case a == b, a == "arch", strings.HasSuffix(from, "test"): // helpers of tests may look anywhere
		return ""
	case !known, !known2:
		return from + " imports " + to + ": one of them has no tier in app/arch"
	case tb >= ta:
		return from + " imports " + to + ", which is not below it"
	}
	return ""
}

func feature(path string) string { return strings.Split(path, "/")[2] }

func TestTheRulesCatchWhatTheyShould(t *testing.T) {
	for _, bad := range [][2]string{
		{"vitrine/app/ledger", "vitrine/app/orders"}, {"vitrine/app/products", "vitrine/app/storefronts"},
		{"vitrine/views/orders", "vitrine/app/money"}, {"vitrine/app/orders", "vitrine/app"}, {"vitrine/app/web", "vitrine/app/nobody"},
		{"vitrine/app/assist", "text/template"},
	} {
		if wrong(bad[0], bad[1]) == "" {
			t.Errorf("%s may import %s", bad[0], bad[1])
		}
	}
}

func TestLibrariesHaveOnePlace(t *testing.T) {
	for _, p := range packages(t) {
		if strings.HasPrefix(p.ImportPath, "vitrine/app/sandbox") {
			continue // the other side of the wire
		}
		for _, i := range p.Imports {
			for lib, home := range sole {
				if strings.HasPrefix(i, lib) && p.ImportPath != home {
					t.Errorf("%s imports %s, which belongs to %s", p.ImportPath, i, home)
				}
			}
		}
	}
}
