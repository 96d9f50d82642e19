package orders

import (
	"net/netip"
	"strings"

	"vitrine/app/id"
)

// Hashes of what a browser shows: the same visitor gives the same hash on this instance, and nobody can turn it
// back without the instance's secret. Empty stays empty.

func (c Client) ip(secret string) string { return Fingerprint(secret, "ip", c.address()) }

// net is the network of the address: /24, or /48 of the new kind.
func (c Client) net(secret string) string {
	a, err := netip.ParseAddr(c.address())
	if err != nil {
		return ""
	}
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return Fingerprint(secret, "net", p.String())
}

func (c Client) browser(secret string) string { return Fingerprint(secret, "browser", c.Browser) }

func (c Client) country() string {
	if len(c.Country) != 2 {
		return ""
	}
	return strings.ToUpper(c.Country)
}

func (c Client) address() string {
	a, err := netip.ParseAddr(c.IP)
	if a = a.Unmap(); err != nil || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return "" // an address that many share tells nobody apart: that of a proxy nobody has named to us, say
	}
	return a.WithZone("").String()
}

// Fingerprint hashes a personal value for the rules against fraud: kind is ip, net, browser, email.
func Fingerprint(secret, kind, value string) string {
	if value == "" {
		return ""
	}
	return id.Derive(secret, "risk "+kind, value)
}

// Hashed is what is kept of a Client.
type Hashed struct{ IP, Net, Browser, Country string }

// Hashed is the Client as it stands in the checkout's row: for the rules against fraud, which compare.
func (c Client) Hashed(secret string) Hashed {
	return Hashed{IP: c.ip(secret), Net: c.net(secret), Browser: c.browser(secret), Country: c.country()}
}
