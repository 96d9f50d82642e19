// Package fetch reads pages and pictures of the public web that a person has named. It reaches nothing else: what
// a name resolves to is checked at the moment of connecting, and each redirect is a new address.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"vitrine/app/errs"
)

// Limits of one reading.
const (
	Patience     = 7 * time.Second
	MaxPage      = 5 << 20
	MaxRedirects = 3
	agent        = "Vitrine-Import/1 (a person asked to bring their own page)"
)

// Options of a client. Allow are addresses that may be read although they are not public, for tests and for
// stand-ins on a developer's machine.
type Options struct {
	Allow    []netip.AddrPort
	Resolver *net.Resolver // nil: the system's
	TLS      *tls.Config   // nil: the system's roots
}

// Client reads. It keeps no cookies, no connections and no proxy.
type Client struct {
	http  *http.Client
	guard guard
}

// New makes a client.
func New(o Options) *Client {
	c := &Client{guard: guard{allow: o.Allow}}
	d := &net.Dialer{Timeout: Patience, Resolver: o.Resolver, Control: c.control}
	if d.Resolver == nil {
		d.Resolver = &net.Resolver{PreferGo: true}
	}
	c.http = &http.Client{
		Timeout: Patience,
		Transport: &http.Transport{
			Proxy: nil, DialContext: d.DialContext, DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: o.TLS,
			MaxResponseHeaderBytes: 64 << 10, ResponseHeaderTimeout: Patience, TLSHandshakeTimeout: Patience,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > MaxRedirects {
				return errRedirects
			}
			_, err := c.guard.address(r.URL.String())
			return err
		},
	}
	return c
}

// control runs for every connection, after the name was resolved and before the first packet.
func (c *Client) control(network, address string, _ syscall.RawConn) error {
	if !guardSSRF {
		return nil
	}
	return c.guard.dial(network, address)
}

// ParseAllow reads a list like "127.0.0.1:8099".
func ParseAllow(list []string) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, s := range list {
		a, err := netip.ParseAddrPort(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("FETCH_ALLOW %q is not an address with a port, like 127.0.0.1:8099", s)
		}
		out = append(out, a)
	}
	return out, nil
}

// Page is a page that was read, in UTF-8.
type Page struct {
	URL  string // where it was found in the end
	HTML []byte
}

// Why a page could not be read, as the person reads it.
var (
	errAddress   = errs.Field("url", "Write the address of your page, like https://linktr.ee/you.")
	errPort      = errs.Field("url", "Pages are read at their usual address only, without a port of its own.")
	errPrivate   = errs.Field("url", "This address is not on the public web, so it cannot be read from here.")
	errRedirects = errs.Field("url", "This address sends readers on too many times. Write the address that your browser shows in the end.")
	errNobody    = errs.Field("url", "There is no site at this address. Check how it is spelled.")
	errSilent    = errs.Field("url", "That site did not answer within 7 seconds. Try again, or save the page in your browser and bring the file.")
	errLost      = errs.Field("url", "That site could not be reached. Try again, or save the page in your browser and bring the file.")
	errMissing   = errs.Field("url", "That site says that there is no page at this address.")
	errClosed    = errs.Field("url", "That site does not let us read this page: it is private or keeps readers like us out. Open it in your browser, save it as a file and bring the file.")
	errTrouble   = errs.Field("url", "That site has trouble of its own at the moment. Try again later.")
	errEmpty     = errs.Field("url", "There is nothing on this page.")
	errKind      = errs.Field("url", "There is no page at this address, but a file of another kind.")
	errPicture   = errs.Field("url", "There is no picture at this address.")
	errBig       = errs.Field("url", "This page has more than %d MB. Save the part that matters as a file and bring that.", MaxPage>>20)
	errBigImage  = errs.Field("url", "This picture is too large.")
)

// HTML reads a page.
func (c *Client) HTML(ctx context.Context, raw string) (Page, error) {
	res, err := c.get(ctx, raw, "text/html,application/xhtml+xml;q=0.9")
	if err != nil {
		return Page{}, err
	}
	defer res.Body.Close()
	kind := res.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(kind)
	if kind != "" && (err != nil || media != "text/html" && media != "application/xhtml+xml") {
		return Page{}, errKind
	}
	b, err := body(res, MaxPage, errBig)
	if err != nil {
		return Page{}, err
	}
	text, err := Decode(b, kind)
	if err != nil || strings.TrimSpace(string(text)) == "" {
		return Page{}, errEmpty
	}
	return Page{res.Request.URL.String(), text}, nil
}

// Picture reads a picture of at most that many bytes. What it truly is, files finds out.
func (c *Client) Picture(ctx context.Context, raw string, most int64) ([]byte, error) {
	res, err := c.get(ctx, raw, "image/webp,image/jpeg,image/png,image/gif;q=0.8")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); media {
	case "image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif", "application/octet-stream", "binary/octet-stream", "":
	default:
		return nil, errPicture
	}
	return body(res, most, errBigImage)
}

func (c *Client) get(ctx context.Context, raw, accept string) (*http.Response, error) {
	u, err := c.guard.address(raw)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errAddress
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept", accept)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, sentence(err)
	}
	if err := answered(res.StatusCode); err != nil {
		res.Body.Close()
		return nil, err
	}
	return res, nil
}

func body(res *http.Response, most int64, tooBig error) ([]byte, error) {
	if res.ContentLength > most {
		return nil, tooBig
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return nil, sentence(err)
	case int64(len(b)) > most:
		return nil, tooBig
	case len(b) == 0:
		return nil, errEmpty
	}
	return b, nil
}

func answered(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusNotFound, status == http.StatusGone:
		return errMissing
	case status >= 500 && status != 999:
		return errTrouble
	}
	return errClosed
}

// sentence turns what a transport says into what a person can use. Our own refusals pass.
func sentence(err error) error {
	var own *errs.Error
	var dns *net.DNSError
	var t interface{ Timeout() bool }
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, errDenied):
		return errPrivate
	case errors.As(err, &dns) && dns.IsNotFound:
		return errNobody
	case errors.As(err, &t) && t.Timeout():
		return errSilent
	}
	return errLost
}

// usual reports whether the port is the one of the scheme.
func usual(u *url.URL) bool {
	p := u.Port()
	return p == "" || u.Scheme == "https" && p == "443" || u.Scheme == "http" && p == "80"
}
