// Package static serves the assets under their hashed names.
package static

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed all:dist
var files embed.FS

var dist = sync.OnceValue(func() fs.FS {
	sub, err := fs.Sub(files, "dist")
	if err != nil {
		panic(err) // the folder is named in the line above
	}
	return sub
})

var manifest = sync.OnceValue(func() map[string]string {
	b, err := fs.ReadFile(dist(), "manifest.json")
	m := map[string]string{}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		panic(fmt.Sprintf("static: %v: run `make gen`", err))
	}
	return m
})

// Path is the address of an asset: Path("app.css") is "/assets/app-1a2b3c4d.css".
func Path(name string) string {
	hashed, ok := manifest()[name]
	if !ok {
		panic("static: there is no " + name)
	}
	return "/assets/" + hashed
}

// Names lists all assets by their plain names.
func Names() []string {
	var out []string
	for n := range manifest() {
		out = append(out, n)
	}
	return out
}

// Text is an asset's content, for what is written into a page.
func Text(name string) string {
	b, err := fs.ReadFile(dist(), manifest()[name])
	if err != nil {
		panic("static: " + err.Error())
	}
	return string(b)
}

// Handler serves /assets/…: for ever, compressed when the browser takes it.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		h := w.Header()
		for _, enc := range [][2]string{{"br", ".br"}, {"gzip", ".gz"}} {
			if !strings.Contains(r.Header.Get("Accept-Encoding"), enc[0]) {
				continue
			}
			if b, err := fs.ReadFile(dist(), name+enc[1]); err == nil {
				h.Set("Content-Encoding", enc[0])
				send(w, r, name, b)
				return
			}
		}
		b, err := fs.ReadFile(dist(), name)
		if err != nil || name == "manifest.json" || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			http.NotFound(w, r)
			return
		}
		send(w, r, name, b)
	})
}

func send(w http.ResponseWriter, r *http.Request, name string, b []byte) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", `"`+name+`"`)
	h.Set("Access-Control-Allow-Origin", "*") // fonts are fetched with CORS, also from shop pages
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	kind := mime.TypeByExtension(path.Ext(name))
	if path.Ext(name) == ".woff2" {
		kind = "font/woff2"
	}
	h.Set("Content-Type", kind)
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(b)
}
