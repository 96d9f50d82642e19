package text

import (
	"strings"
	"unicode"
)

var accents = strings.NewReplacer(
	"a", "á", "c", "ç", "e", "é", "i", "í", "n", "ñ", "o", "ó", "s", "š", "u", "ú", "y", "ý", "z", "ž",
	"A", "Á", "C", "Ç", "E", "É", "I", "Í", "N", "Ñ", "O", "Ó", "S", "Š", "U", "Ú", "Y", "Ý", "Z", "Ž",
)

// disguise accents the letters of a text outside of its % verbs, frames it, and makes it two fifths longer.
func disguise(s string) string {
	var b strings.Builder
	b.WriteString("[")
	for i := 0; i < len(s); {
		j := strings.IndexByte(s[i:], '%')
		if j < 0 {
			b.WriteString(accents.Replace(s[i:]))
			break
		}
		b.WriteString(accents.Replace(s[i : i+j]))
		end := verbEnd(s, i+j)
		b.WriteString(s[i+j : end])
		i = end
	}
	b.WriteString(strings.Repeat("~", len(s)*2/5))
	b.WriteString("]")
	return b.String()
}

// verbEnd is the index after the verb that begins at i.
func verbEnd(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		if s[j] == '%' || unicode.IsLetter(rune(s[j])) {
			return j + 1
		}
	}
	return len(s)
}

// IsPseudo reports whether every text in s came through the catalogue in the pseudo-locale: nothing with a
// letter stands outside of the frames.
func IsPseudo(s string) bool {
	depth := 0
	for _, r := range s {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth = max(0, depth-1)
		case depth == 0 && unicode.IsLetter(r):
			return false
		}
	}
	return true
}
