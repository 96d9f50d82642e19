package products

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"vitrine/app/id"
)

var slugForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?$`)

func validSlug(s string) bool { return slugForm.MatchString(s) }

// plainLetters are those that lose more than an accent.
var plainLetters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "&", " and ")

// suggest makes an address of a name; the next try gives another one. A name without Latin letters or digits
// gets letters by chance.
func suggest(name string, try int) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(plainLetters.Replace(strings.ToLower(name))) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’':
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 60 {
			break
		}
	}
	s := strings.Trim(b.String(), "-")
	switch {
	case s == "":
		return "product-" + id.Token()[:6]
	case try == 0:
		return s
	case try < 5:
		return s + "-" + strconv.Itoa(try+1)
	}
	return s + "-" + id.Token()[:6]
}
