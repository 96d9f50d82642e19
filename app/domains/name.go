package domains

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"vitrine/app/errs"
)

// profile is how names are looked up: mapped, in lower case, and refused where a resolver would not take them.
var profile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.Transitional(false))

// noTLD are ends of names that are nobody's.
var noTLD = []string{"localhost", "local", "internal", "home", "lan", "arpa", "onion", "invalid", "alt", "corp"}

// Clean reads what a person typed or pasted as a domain, "https://Töpfe.example/", and returns it as name servers
// write it. own are the hosts of the instance.
func Clean(s string, own []string) (string, error) {
	s = strings.TrimSpace(s)
	if u, err := url.Parse(s); err == nil && u.Scheme != "" && u.Host != "" {
		s = u.Host
	}
	s, _, _ = strings.Cut(s, "/")
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	s = strings.TrimSuffix(s, ".")
	switch {
	case s == "":
		return "", errs.Field("domain", "Write your domain, like pots.example.")
	case strings.Contains(s, "*"):
		return "", errs.Field("domain", "Write one domain, without an asterisk.")
	}
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return "", errs.Field("domain", "This is an address of a machine. Write a name, like pots.example.")
	}
	name, err := profile.ToASCII(s)
	if err != nil || !strings.Contains(name, ".") || allDigits(name[strings.LastIndexByte(name, '.')+1:]) {
		return "", errs.Field("domain", "This is not a domain. Write it like pots.example or shop.pots.example.")
	}
	return name, refused(name, own)
}

// refused says why a domain can be nobody's shop.
func refused(name string, own []string) error {
	if tld := name[strings.LastIndexByte(name, '.')+1:]; slices.Contains(noTLD, tld) {
		return errs.Field("domain", "Names that end in .%s are not on the internet.", tld)
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return errs.Field("domain", "Everybody's domains end like this one. Write the one that is yours.")
	}
	for _, o := range own {
		if h, _, err := net.SplitHostPort(o); err == nil {
			o = h
		}
		ours, err := publicsuffix.EffectiveTLDPlusOne(o)
		if name == o || strings.HasSuffix(name, "."+o) || err == nil && ours == site {
			return errs.Field("domain", "This domain belongs to the instance itself.")
		}
	}
	return nil
}

// allDigits is how the last part of an address looks, in one of its forms: 0x7f.1, 127.1.
func allDigits(s string) bool {
	return s == "" || strings.Trim(s, "0123456789") == "" || strings.HasPrefix(s, "0x")
}

// Show writes a domain for people: xn--tpfe-5qa.example is töpfe.example.
func Show(name string) string {
	if u, err := idna.Display.ToUnicode(name); err == nil {
		return u
	}
	return name
}
