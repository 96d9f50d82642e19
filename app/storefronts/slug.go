package storefronts

import (
	"context"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"vitrine/app/errs"
	"vitrine/app/id"
)

// reserved are addresses that would look like ours, or that we may need.
var reserved = words(`about abuse access account accounts admin administrator affiliate api app apps assets auth
		blog bank billing bot browse buy cart cdn checkout collect contact creator creators dashboard default delete demo dev
		developer developers discover docs domain download downloads drop drops edit email explore faq favicon feed feedback
		fees file files finance forgot gift healthz help home host hostmaster https http imprint index info invoice invoices jobs
		join kit legal library live login logout mail manifest market marketplace me media member members message messages
		mobile moderator my new news newsletter notifications null official offline ops order orders owner page pages paypal pay
		payment payments payout payouts phishing ping policy post postmaster press preview pricing privacy product products
		profile public raffle raffles readyz receipt receipts redirect refund refunds register report reset returns review robots
		root sale sales sandbox search secure security seller sellers service settings setup share shop shops signin signout
		signup sitemap staff start static stats status store stores stripe studio subscribe subscription support sw system
		team terms test tip tips today trust undefined unsubscribe update upload uploads user users verify vitrine webhook
		webhooks webmaster well-known widget window windows withdraw work www you`)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

var slugForm = regexp.MustCompile(`^[a-z0-9](?:-?[a-z0-9])+$`)

// CleanSlug reads what a person typed or pasted as an address: "@Noor", "https://shop.example/@noor".
func CleanSlug(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.LastIndex(s, "/@"); i >= 0 {
		s = s[i+2:]
	}
	return strings.ToLower(strings.Trim(s, "@/ "))
}

func checkSlug(f *errs.Form, s string) {
	switch {
	case s == "":
		f.Add("slug", "Choose an address for your shop.")
	case len(s) < 3 || len(s) > 40:
		f.Add("slug", "An address has 3 to 40 characters.")
	case !slugForm.MatchString(s):
		f.Add("slug", "Use small letters a to z, digits and single hyphens between them.")
	case isReserved(s):
		f.Add("slug", "This address is reserved. Please choose another one.")
	}
}

func isReserved(s string) bool {
	return reserved[s] || strings.HasPrefix(s, "vitrine-") || strings.HasSuffix(s, "-vitrine")
}

// ValidSlug reports whether s can be the address of a shop at all, before any look-up.
func ValidSlug(s string) bool { return len(s) >= 3 && len(s) <= 40 && slugForm.MatchString(s) }

var spelled = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "&", " and ", "@", " at ", "'", "", "’", "")

// Suggest makes an address of a name: "Noor Adeyemi" becomes noor-adeyemi. It is empty when nothing of the
// name can be written in an address.
func Suggest(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(spelled.Replace(strings.ToLower(name))) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() == 40 {
			break
		}
	}
	s := strings.Trim(b.String(), "-")
	switch {
	case s == "":
		return ""
	case len(s) < 3 || isReserved(s):
		return strings.Trim((s + "-shop")[:min(len(s)+5, 40)], "-")
	}
	return s
}

// Free reports whether a slug can be had, why not, and three that can.
func (s *Service) Free(ctx context.Context, slug string) (free bool, why error, others []string, err error) {
	slug = CleanSlug(slug)
	var f errs.Form
	if checkSlug(&f, slug); f.Err() != nil {
		why = f.Err()
	} else {
		taken, err := listTaken(ctx, s.DB, []string{slug}, s.freed())
		if err != nil {
			return false, nil, nil, err
		}
		if len(taken) == 0 {
			return true, nil, nil, nil
		}
		why = errs.Field("slug", "This address is taken. Please choose another one.")
	}
	others, err = s.others(ctx, slug)
	return false, why, others, err
}

func (s *Service) others(ctx context.Context, slug string) ([]string, error) {
	base := Suggest(slug)
	if base == "" {
		base = "shop-" + id.Token()[:4]
	}
	base = strings.Trim(base[:min(len(base), 32)], "-")
	tries := []string{base, base + "-shop", base + "-studio", base + "-window", "the-" + base, base + "-2", base + "-" + id.Token()[:4]}
	taken, err := listTaken(ctx, s.DB, tries, s.freed())
	if err != nil {
		return nil, err
	}
	var out []string
	for _, t := range tries {
		if t != slug && !taken[t] && ValidSlug(t) && !isReserved(t) && len(out) < 3 {
			out = append(out, t)
		}
	}
	return out, nil
}

func checkName(f *errs.Form, name string) {
	switch n := runes(name); {
	case n == 0:
		f.Add("name", "Give your shop a name.")
	case n > 80:
		f.Add("name", "Please use at most %d characters.", 80)
	}
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// Line makes a text one line: blanks of any kind become one space, control characters go.
func Line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

var hexForm = regexp.MustCompile(`^#?([0-9a-f]{6}|[0-9a-f]{3})$`)

// cleanColor reads #2637C4, 2637c4 or #23c as #rrggbb; empty when it is none.
func cleanColor(s string) string {
	m := hexForm.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if m == nil {
		return ""
	}
	h := m[1]
	if len(h) == 3 {
		h = string([]byte{h[0], h[0], h[1], h[1], h[2], h[2]})
	}
	return "#" + h
}
