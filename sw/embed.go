// Package sw holds the service worker of the creator app.
package sw

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"slices"
)

//go:embed worker.js
var source []byte

// Script is the worker with the addresses of the shell, which it keeps. Another shell is another build.
func Script(shell []string) ([]byte, error) {
	shell = slices.Sorted(slices.Values(shell))
	list, err := json.Marshal(shell)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	h.Write(source)
	h.Write(list)
	var b bytes.Buffer
	b.WriteString("const BUILD = \"" + hex.EncodeToString(h.Sum(nil)[:6]) + "\";\nconst SHELL = ")
	b.Write(list)
	b.WriteString(";\n")
	b.Write(source)
	return b.Bytes(), nil
}
