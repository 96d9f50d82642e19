package layout

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"

	"github.com/a-h/templ"
)

// inline writes a <style> or a data <script> with text of our own making: CSS from files and the palette
// solver, JSON from the encoder that escapes "<". Neither holds a creator's words unescaped.
func inline(tag, attrs, text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "<"+tag+attrs+">"+text+"</"+tag+">")
		return err
	})
}

// StyleHash is how a content security policy names an inline style: sha256-….
func StyleHash(style string) string {
	h := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(h[:])
}
