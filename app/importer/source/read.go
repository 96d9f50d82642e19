package source

import (
	"bytes"
	"regexp"
	"strings"
)

var looksHTML = regexp.MustCompile(`(?i)<(?:!doctype|html|head|body|div|a\s|script|p>|h1|ul|main|section|table)`)

// File reads what came as a file, in UTF-8: a page that was saved, or a table.
func File(b []byte, name string) (Set, error) {
	head := b[:min(len(b), 20_000)]
	ending := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return Set{}, ErrEmpty
	case len(b) > MaxFile:
		return Set{}, ErrBig
	case ending == "html" || ending == "htm" || ending == "xhtml":
		if !looksHTML.Match(head) {
			return Set{}, ErrUnknown
		}
	case binary(head):
		return Set{}, ErrUnknown
	case ending == "csv" || ending == "tsv" || !looksHTML.Match(head):
		return Table(b, name)
	}
	s, err := HTML(b, "")
	if err == nil && s.URL == "" {
		s.Scope = "file:" + plain(name)
	}
	return s, err
}

// binary reports whether this is no text.
func binary(b []byte) bool {
	odd := 0
	for _, r := range string(b) {
		if r == '\uFFFD' || r < 0x20 && r != '\n' && r != '\r' && r != '\t' {
			odd++
		}
	}
	return odd > 0 && odd*50 > len(b)/4 || bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("%PDF")) || bytes.HasPrefix(b, []byte("{"))
}
