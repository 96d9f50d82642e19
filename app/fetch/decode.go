package fetch

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	xunicode "golang.org/x/text/encoding/unicode"
)

// Decode returns text in UTF-8, whatever it came in: by its byte order mark, by what it says of itself or was said
// of it, and else by how it looks. NUL bytes and a mark at the beginning are left out.
func Decode(b []byte, contentType string) ([]byte, error) {
	enc, name, certain := charset.DetermineEncoding(b, contentType)
	if !certain {
		enc, name = looks(b, enc, name)
	}
	if name == "utf-8" {
		return clean(b), nil
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	return clean(out), nil
}

// looks guesses where nothing was declared. The library reads the first kilobyte only, which says little when that
// is ASCII.
func looks(b []byte, enc encoding.Encoding, name string) (encoding.Encoding, string) {
	if utf8.Valid(b) {
		if e, n := wide(b); e != nil {
			return e, n
		}
		return encoding.Nop, "utf-8"
	}
	if e, n := wide(b); e != nil {
		return e, n
	}
	if out, err := japanese.ShiftJIS.NewDecoder().Bytes(b); err == nil && kana(out) {
		return japanese.ShiftJIS, "shift_jis"
	}
	return enc, name
}

// wide finds UTF-16 without a mark: every other byte of Latin text is zero.
func wide(b []byte) (encoding.Encoding, string) {
	n := min(len(b), 2000) &^ 1
	even, odd := 0, 0
	for i := 0; i < n; i += 2 {
		if b[i] == 0 {
			even++
		}
		if b[i+1] == 0 {
			odd++
		}
	}
	switch {
	case n < 8:
		return nil, ""
	case odd > n/5 && even == 0:
		return xunicode.UTF16(xunicode.LittleEndian, xunicode.IgnoreBOM), "utf-16le"
	case even > n/5 && odd == 0:
		return xunicode.UTF16(xunicode.BigEndian, xunicode.IgnoreBOM), "utf-16be"
	}
	return nil, ""
}

// kana reports whether a text reads as Japanese and nothing in it was unreadable.
func kana(b []byte) bool {
	japanese, foreign := 0, 0
	for _, r := range string(b) {
		switch {
		case r == utf8.RuneError:
			return false
		case r >= 0xff61 && r <= 0xff9f: // half-width: what Latin letters look like when misread
			foreign++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han):
			japanese++
		}
	}
	return japanese > 2*foreign && japanese > 3
}

func clean(b []byte) []byte {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	return bytes.ReplaceAll(bytes.ToValidUTF8(b, []byte("\uFFFD")), []byte{0}, nil)
}
