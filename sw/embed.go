// Package sw holds the service worker of the creator app.
package sw

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"slices"
)

//go:embed *.js
var sources embed.FS

// parts are the worker, in order: what needs no browser first.
var parts = []string{"outbox.js", "pages.js", "worker.js"}

// Script is the worker with the addresses of the shell, which it keeps, and the fragment that answers a write that
// waits for a connection. Another shell, or another language, is another build.
func Script(shell []string, waiting string) ([]byte, error) {
	var consts bytes.Buffer
	for _, c := range []struct {
		name  string
		value any
	}{{"SHELL", slices.Sorted(slices.Values(shell))}, {"WAITING", waiting}} {
		v, err := json.Marshal(c.value)
		if err != nil {
			return nil, err
		}
		consts.WriteString("const " + c.name + " = ")
		consts.Write(v)
		consts.WriteString(";\n")
	}
	var code bytes.Buffer
	for _, p := range parts {
		b, err := sources.ReadFile(p)
		if err != nil {
			return nil, err
		}
		code.Write(b)
	}
	h := sha256.New()
	h.Write(consts.Bytes())
	h.Write(code.Bytes())
	return slices.Concat([]byte("const BUILD = \""+hex.EncodeToString(h.Sum(nil)[:6])+"\";\n"), consts.Bytes(), code.Bytes()), nil
}
