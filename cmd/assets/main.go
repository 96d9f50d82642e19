// assets turns static/src into static/dist: scripts bundled, names hashed, everything compressed once, and a
// manifest from plain to hashed names. Tailwind has written static/.build/app.css before.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/evanw/esbuild/pkg/api"
)

const (
	src  = "static/src"
	dist = "static/dist"
)

func main() {
	if err := run(); err != nil {
		log.Fatal("assets: ", err)
	}
}

type builder struct{ manifest map[string]string }

func run() error {
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	b := &builder{map[string]string{}}
	for _, f := range []func() error{b.files, b.scripts, b.styles} {
		if err := f(); err != nil {
			return err
		}
	}
	j, err := json.MarshalIndent(b.manifest, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dist, "manifest.json"), j, 0o644)
}

// files are taken as they are: fonts and icons.
func (b *builder) files() error {
	for _, pattern := range []string{"fonts/*.woff2", "icons/*"} {
		names, err := filepath.Glob(filepath.Join(src, pattern))
		if err != nil {
			return err
		}
		for _, n := range names {
			c, err := os.ReadFile(n)
			if err == nil {
				err = b.put(filepath.Base(n), c)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// scripts bundles each entry on its own: app.js holds htmx and its extensions, the islands only themselves.
func (b *builder) scripts() error {
	entries, err := filepath.Glob(filepath.Join(src, "js/*.js"))
	if err != nil {
		return err
	}
	r := api.Build(api.BuildOptions{
		EntryPoints: entries, Bundle: true, Format: api.FormatIIFE, Target: api.ES2020, MinifySyntax: true, MinifyWhitespace: true,
		MinifyIdentifiers: true, Outdir: dist, Write: false, LegalComments: api.LegalCommentsNone,
	})
	if len(r.Errors) > 0 {
		return fmt.Errorf("%s", strings.Join(api.FormatMessages(r.Errors, api.FormatMessagesOptions{}), "\n"))
	}
	for _, f := range r.OutputFiles {
		if err := b.put(filepath.Base(f.Path), f.Contents); err != nil {
			return err
		}
	}
	return nil
}

// styles minifies what is written by hand, and puts the hashed names of fonts into it.
func (b *builder) styles() error {
	sheets := map[string]string{"app.css": "static/.build/app.css", "shop.css": src + "/shop.css"}
	pieces, err := filepath.Glob(src + "/look/*.css") // each is written into the pages that wear it
	if err != nil {
		return err
	}
	for _, f := range pieces {
		sheets["look-"+filepath.Base(f)] = f
	}
	for name, file := range sheets {
		r := api.Build(api.BuildOptions{
			EntryPoints: []string{file}, Bundle: true, Write: false, MinifySyntax: true, MinifyWhitespace: true,
			Engines:  []api.Engine{{Name: api.EngineChrome, Version: "80"}, {Name: api.EngineSafari, Version: "14"}},
			External: []string{"/assets/*"}, LegalComments: api.LegalCommentsNone, Outdir: dist,
		})
		if name == "app.css" { // Tailwind's own floor is higher; its output stays as it is
			c, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			r = api.BuildResult{OutputFiles: []api.OutputFile{{Contents: c}}}
		}
		if len(r.Errors) > 0 {
			return fmt.Errorf("%s", strings.Join(api.FormatMessages(r.Errors, api.FormatMessagesOptions{}), "\n"))
		}
		c := string(r.OutputFiles[0].Contents)
		for plain, hashed := range b.manifest {
			c = strings.ReplaceAll(c, "/assets/"+plain, "/assets/"+hashed)
		}
		if err := b.put(name, []byte(c)); err != nil {
			return err
		}
	}
	return nil
}

// put writes one file under its hashed name, with compressed siblings where that helps.
func (b *builder) put(name string, content []byte) error {
	h := sha256.Sum256(content)
	ext := filepath.Ext(name)
	hashed := strings.TrimSuffix(name, ext) + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(h[:])[:8]) + ext
	b.manifest[name] = hashed
	file := filepath.Join(dist, hashed)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		return err
	}
	if ext == ".woff2" || ext == ".png" {
		return nil
	}
	var gz, br bytes.Buffer
	gw, err := gzip.NewWriterLevel(&gz, gzip.BestCompression)
	if err != nil {
		return err
	}
	bw := brotli.NewWriterLevel(&br, brotli.BestCompression)
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{gw, bw} {
		if _, err := w.Write(content); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	if err := os.WriteFile(file+".gz", gz.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(file+".br", br.Bytes(), 0o644)
}
