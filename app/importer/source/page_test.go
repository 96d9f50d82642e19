package source

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"vitrine/app/fetch"
)

// pages are our own and, where they are at hand, those of others.
func pages(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, glob := range []string{"testdata/*.html", "../../../../shared/data/*/*.html"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			t.Logf("no files at %s: fewer pages are read", glob)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if b, err = fetch.Decode(b, ""); err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(f)] = b
		}
	}
	if len(out) < 14 {
		t.Fatalf("%d pages", len(out))
	}
	return out
}

func read(t *testing.T, b []byte) Set {
	t.Helper()
	s, err := HTML(b, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// seen is what a reader of its own makes of a page: no code is shared with the one that is tested.
func seen(t *testing.T, b []byte) *goquery.Selection {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	doc.Find(`script, style, template, noscript, svg, [hidden], [style*="display: none"], [style*="display:none"]`).Remove()
	return doc.Find("body")
}

var spaces = regexp.MustCompile(`[\s\x{a0}\x{202f}]+`)

func squeeze(s string) string { return strings.TrimSpace(spaces.ReplaceAllString(s, " ")) }

// Of all visible links that lead to a page or a letter, nine in ten come along; on these pages, all of them.
func TestVisibleLinksAreKept(t *testing.T) {
	for name, b := range pages(t) {
		s := read(t, b)
		kept := map[string]bool{}
		for _, r := range s.Records {
			if r.Out == nil && r.URL != "" {
				kept[compare(r.URL)] = true
			}
		}
		base, _ := url.Parse(s.URL)
		if href := seen(t, b).Parent().Find("base").AttrOr("href", ""); href != "" {
			base, _ = url.Parse(href)
		}
		total, missed := 0, []string{}
		seen(t, b).Find("a[href]").Each(func(_ int, a *goquery.Selection) {
			href := a.AttrOr("href", "")
			u, err := url.Parse(href)
			if err != nil || strings.HasPrefix(href, "#") || strings.HasPrefix(href, "tel:") || strings.HasPrefix(href, "javascript:") {
				return
			}
			u = base.ResolveReference(u)
			if u.Scheme == "" && u.Host == "" || theMakers(s.From, u) || base.Host != "" && u.Host == base.Host && strings.Trim(u.Path, "/") == strings.Trim(base.Path, "/") {
				return // the file does not say where it leads, it is not the creator's, or it leads here
			}
			if total++; !kept[compare(u.String())] {
				missed = append(missed, href)
			}
		})
		if total > 0 && len(missed)*10 > total {
			t.Errorf("%s: of %d links %d are lost: %q", name, total, len(missed), missed)
		}
		if len(missed) > 0 && name != "broken.html" {
			t.Errorf("%s: lost: %q", name, missed)
		}
	}
}

func theMakers(from string, u *url.URL) bool {
	return from == "linktree" && u.Host == "linktr.ee" || from == "beacons" && u.Host == "beacons.ai" || from == "linkstack" && u.Host == "linkstack.org"
}

func compare(s string) string {
	if strings.HasPrefix(s, "mailto:") {
		s, _, _ = strings.Cut(s, "?")
		return s
	}
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	q := u.Query()
	q.Del("utm_source")
	return strings.TrimPrefix(u.Host, "www.") + strings.TrimRight(u.Path, "/") + "?" + q.Encode()
}

var amounts = regexp.MustCompile(`(?:US)?[€$£] ?\d[\d.,]*\d|(?:US)?[€$£] ?\d|\d[\d ]*(?:[.,]\d+)* ?(?:€|kr\b)`)

// Every price that stands on a page stands in a record: as the price of a product, in its words, or in what is
// said about it.
func TestEveryPriceIsKept(t *testing.T) {
	found := 0
	for name, b := range pages(t) {
		s := read(t, b)
		var all []string
		for _, r := range s.Records {
			all = append(all, r.Price, r.Title, r.Text, r.By)
			for _, n := range r.Notes {
				all = append(all, n.Args...)
			}
		}
		have := squeeze(strings.Join(all, " | "))
		f := func(_ int, x *goquery.Selection) {
			for _, p := range amounts.FindAllString(squeeze(x.Text()), -1) {
				found++
				digits := strings.Trim(p, "€$£ kUSr")
				if !strings.Contains(have, digits) {
					t.Errorf("%s: the price %q is lost", name, p)
				}
			}
		}
		seen(t, b).Find("p, span, td, li, h1, h2, h3, a, div, dd, b, strong, ins, del").FilterFunction(func(_ int, x *goquery.Selection) bool {
			return x.Find("p, span, td, li, h1, h2, h3, a, div, dd, table, ul").Length() == 0
		}).Each(f)
	}
	if found < 20 {
		t.Errorf("only %d prices were looked for", found)
	}
}

// Headings stand in the records in the order in which they stand on the page.
func TestHeadingsKeepTheirOrder(t *testing.T) {
	for name, b := range pages(t) {
		s := read(t, b)
		var titles []string
		for _, r := range s.Records {
			titles = append(titles, squeeze(r.Title))
		}
		at := 0
		seen(t, b).Find("h1, h2, h3, h4, h5, h6").Each(func(_ int, h *goquery.Selection) {
			want := squeeze(h.Text())
			if h.Find("p, table, div").Length() > 1 { // it was never closed: what stands in front is the heading
				want = squeeze(h.Contents().First().Text())
			}
			if want == "" {
				return
			}
			i := slices.Index(titles[at:], want)
			if i < 0 {
				t.Errorf("%s: the heading %q is missing after %q", name, want, titles[:at])
				return
			}
			at += i
		})
	}
}

// The same page read twice gives the same records under the same keys, and no two have one key.
func TestReadingIsRepeatable(t *testing.T) {
	for name, b := range pages(t) {
		one, two := read(t, b), read(t, b)
		have := map[string]bool{}
		for i, r := range one.Records {
			if have[r.Key] || r.Key == "" {
				t.Errorf("%s: the key %q is there twice", name, r.Key)
			}
			have[r.Key] = true
			if two.Records[i].Key != r.Key {
				t.Errorf("%s: %q was %q before", name, two.Records[i].Key, r.Key)
			}
			if r.Of != "" && !slices.ContainsFunc(one.Records, func(x Record) bool { return x.Key == r.Of }) {
				t.Errorf("%s: %q belongs to %q, which is nowhere", name, r.Key, r.Of)
			}
			for _, s := range []string{r.Title, r.Text, r.Alt, r.By} {
				if strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 && c != '\n' }) {
					t.Errorf("%s: control marks in %q", name, s)
				}
			}
			if r.Out == nil && r.URL != "" && !strings.HasPrefix(r.URL, "https://") && !strings.HasPrefix(r.URL, "mailto:") {
				t.Errorf("%s: %q leads to %q", name, r.Title, r.URL)
			}
		}
	}
}
