package builder

import (
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"vitrine/app/errs"
)

// CheckLink returns the address that a creator typed as it may stand in a page: https or mailto, nothing else.
// A bare host gets https, a bare mail address mailto.
func CheckLink(raw string) (string, error) {
	s := strings.TrimSpace(raw)
	if len(s) > 1000 {
		return "", errs.New(errs.Invalid, "This address is too long.")
	}
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\\' || r == unicode.ReplacementChar || strings.ContainsRune("<>\"'`", r) {
			return "", errBadLink
		}
	}
	scheme, rest, found := strings.Cut(s, ":")
	switch {
	case !found && strings.Contains(s, "@") && !strings.Contains(s, "/"):
		return mailLink(s)
	case found && strings.EqualFold(scheme, "mailto"):
		return mailLink(rest)
	case found && strings.EqualFold(scheme, "https"):
		return webLink("https:" + rest)
	case found && strings.EqualFold(scheme, "http"):
		return "", errs.New(errs.Invalid, "Links begin with https://, so that nobody can change them on the way.")
	case !found || strings.Contains(scheme, "."): // example.com, example.com:8443/x
		return webLink("https://" + s)
	}
	return "", errBadLink
}

var errBadLink = errs.New(errs.Invalid, "Write an address like https://example.com or name@example.com.")

func webLink(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Opaque != "" || u.User != nil || u.Host == "" || !strings.HasPrefix(s, "https://") {
		return "", errBadLink
	}
	host, err := idna.Lookup.ToASCII(strings.TrimSuffix(u.Hostname(), "."))
	if err != nil || !strings.Contains(strings.Trim(host, "."), ".") || strings.HasPrefix(host, ".") || strings.Contains(host, "..") {
		return "", errBadLink
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return "", errBadLink
		}
		host += ":" + p
	}
	u.Host = host
	return u.String(), nil
}

func mailLink(s string) (string, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || strings.ContainsAny(s, "?&%,;()") {
		return "", errBadLink
	}
	_, host, _ := strings.Cut(a.Address, "@")
	if !strings.Contains(host, ".") {
		return "", errBadLink
	}
	return "mailto:" + a.Address, nil
}

var known = map[string]string{"instagram.com": "Instagram", "tiktok.com": "TikTok", "youtube.com": "YouTube", "youtu.be": "YouTube", "github.com": "GitHub",
	"x.com": "X", "twitter.com": "X", "bsky.app": "Bluesky", "facebook.com": "Facebook", "linkedin.com": "LinkedIn", "pinterest.com": "Pinterest",
	"twitch.tv": "Twitch", "soundcloud.com": "SoundCloud", "bandcamp.com": "Bandcamp", "vimeo.com": "Vimeo", "threads.net": "Threads"}

// nameOfHost is what a link is called when its creator has not said.
func nameOfHost(link string) string {
	if addr, ok := strings.CutPrefix(link, "mailto:"); ok {
		return addr
	}
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	host := strings.TrimPrefix(u.Hostname(), "www.")
	if n, ok := known[host]; ok {
		return n
	}
	return host
}
