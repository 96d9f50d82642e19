package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

var errDenied = errors.New("not a public address")

// guard says which addresses may be read.
type guard struct{ allow []netip.AddrPort }

// Denied beside what the library denies, so that neither a new version of it nor one of the standard library
// lets them through.
var denied = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

var library = ssrf.New()

// public reports whether an address belongs to the public web.
func public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
		return false
	}
	for _, p := range denied {
		if p.Contains(a) {
			return false
		}
	}
	return library.SafeAddr(a) == nil
}

// dial is asked with what a name resolved to, before anything is sent.
func (g guard) dial(network, address string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s %s", errDenied, network, address)
	}
	if slices.Contains(g.allow, netip.AddrPortFrom(a.Addr().Unmap(), a.Port())) {
		return nil
	}
	if !public(a.Addr()) || a.Port() != 80 && a.Port() != 443 {
		return fmt.Errorf("%w: %s", errDenied, address)
	}
	return nil
}

// address reads what a person typed. A bare host gets https. Numbers that are an address in disguise are refused
// here, for those resolvers that would understand them.
func (g guard) address(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" || len(raw) > 2000 || strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' }) {
		return nil, errAddress
	}
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Opaque != "" {
		return nil, errAddress
	}
	u.Fragment = ""
	if a, ok := literal(u.Hostname()); ok {
		port := uint64(443)
		if u.Scheme == "http" {
			port = 80
		}
		if p := u.Port(); p != "" {
			if port, err = strconv.ParseUint(p, 10, 16); err != nil {
				return nil, errAddress
			}
		}
		if slices.Contains(g.allow, netip.AddrPortFrom(a, uint16(port))) {
			return u, nil
		}
		if !public(a) {
			return nil, errPrivate
		}
	} else if err := hostname(u); err != nil {
		return nil, err
	}
	if !usual(u) && !g.knows(u.Port()) {
		return nil, errPort
	}
	return u, nil
}

// knows reports whether a port is that of an allowed stand-in; where it leads is for dial to decide.
func (g guard) knows(port string) bool {
	return slices.ContainsFunc(g.allow, func(a netip.AddrPort) bool { return strconv.Itoa(int(a.Port())) == port })
}

func literal(host string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(host)
	return a, err == nil
}

// hostname writes the host in its ASCII form, or refuses it.
func hostname(u *url.URL) error {
	host, err := idna.Lookup.ToASCII(strings.TrimSuffix(u.Hostname(), "."))
	if err != nil || host == "" || strings.ContainsAny(host, "[]:%") {
		return errAddress
	}
	if _, ok := literal(host); ok { // circled digits and the like
		return errPrivate
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	if numeric(last) { // 2130706433, 0x7f000001, 0177.0.0.1, 127.1
		return errPrivate
	}
	if len(labels) == 1 || slices.Contains([]string{"localhost", "local", "internal", "intranet", "lan", "home", "corp", "invalid", "onion", "arpa"}, last) {
		return errPrivate
	}
	if p := u.Port(); p != "" {
		host += ":" + p
	}
	u.Host = host
	return nil
}

// numeric reports whether a last label makes a host an address of IPv4, as browsers decide it.
func numeric(label string) bool {
	if _, err := strconv.ParseUint(label, 0, 64); err == nil {
		return true
	}
	return strings.Trim(label, "0123456789") == ""
}
