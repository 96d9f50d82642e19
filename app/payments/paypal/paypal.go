// Package paypal takes payments through PayPal's Orders API, pays creators through its Payouts API, and answers its
// disputes. It is the only place that knows PayPal. The buyer agrees on PayPal's page, by redirect and without any
// script; the money is taken when the buyer is back, or when PayPal tells that the buyer has agreed.
//
// One order at PayPal is the session and the payment of one checkout: its number is both. A capture is the charge.
package paypal

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plutov/paypal/v4"

	"vitrine/app/payments"
)

// Options are where PayPal is and what we are there.
type Options struct {
	ClientID  string
	Secret    string
	APIURL    string // https://api-m.paypal.com
	WebhookID string // the number that PayPal gave our webhook: a part of what it signs

	// CertHosts are where certificates of webhooks may be fetched from; none: PayPal's own hosts, by https.
	CertHosts []string
	// Roots are who certificates must come from in the end; nil: the machine's.
	Roots *x509.CertPool

	Clock   func() time.Time // nil: time.Now
	Timeout time.Duration    // of a call; 20 s where not said

	// Transport carries the fetching of certificates; nil: as all of net/http.
	Transport http.RoundTripper
}

// Client is the port to PayPal.
type Client struct {
	opt   Options
	base  string
	http  *http.Client
	api   atomic.Pointer[paypal.Client]
	certs certificates

	mu    sync.Mutex
	files map[string]payments.EvidenceFile // uploaded, and not sent yet
}

var _ payments.Provider = (*Client)(nil)

// Name is what rows and ledger accounts call it.
const Name = "paypal"

// New makes a client; it does not call anybody.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	c := &Client{opt: o, base: strings.TrimRight(o.APIURL, "/"), http: &http.Client{Timeout: o.Timeout, Transport: answers{http.DefaultTransport}}, files: map[string]payments.EvidenceFile{}}
	c.certs.init(o)
	c.api.Store(c.fresh())
	return c
}

// Name is what rows and ledger accounts call it.
func (c *Client) Name() string { return Name }

// Lag is for how long PayPal's reports may not know yet what has moved.
func (c *Client) Lag() time.Duration { return 3 * time.Hour }

// fresh is a client without a token. PayPal may end a token at any moment; the client keeps one until its time is over.
func (c *Client) fresh() *paypal.Client {
	return &paypal.Client{Client: c.http, ClientID: c.opt.ClientID, Secret: c.opt.Secret, APIBase: c.base}
}

// call does one call. The key makes it safe to repeat, where PayPal takes one. Into out goes the whole object: without
// being asked, PayPal answers with little more than a number.
func (c *Client) call(ctx context.Context, method, path, key string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("write %s %s: %w", method, path, err)
		}
	}
	return c.send(ctx, method, path, key, "application/json", body, out)
}

func (c *Client) send(ctx context.Context, method, path, key, kind string, body []byte, out any) error {
	for try := 1; ; try++ {
		api := c.api.Load()
		r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Prefer", "return=representation")
		if key != "" {
			r.Header.Set("PayPal-Request-Id", key)
		}
		err = api.SendWithAuth(r, out)
		var p *problem
		if errors.As(err, &p) && p.Status == http.StatusUnauthorized && try == 1 {
			c.api.CompareAndSwap(api, c.fresh())
			continue
		}
		return explain(err)
	}
}

// answers turns every answer that is not a success into an error that says what PayPal said.
type answers struct{ next http.RoundTripper }

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := a.next.RoundTrip(r)
	if err != nil || res.StatusCode < 300 {
		return res, err
	}
	defer res.Body.Close()
	p := &problem{Status: res.StatusCode, Debug: res.Header.Get("Paypal-Debug-Id")}
	if body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10)); err == nil {
		_ = json.Unmarshal(body, p) // a page of some proxy's says nothing more than its status
	}
	return nil, p
}

// problem is PayPal's answer to a call that did not go as asked.
type problem struct {
	Status  int    `json:"-"`
	Debug   string `json:"-"`
	Name    string `json:"name"`
	Message string `json:"message"`
	OAuth   string `json:"error"` // of the token's address
	Details []struct {
		Field       string `json:"field"`
		Issue       string `json:"issue"`
		Description string `json:"description"`
		Links       []link `json:"links"`
		Link        []link `json:"link"` // of old calls
	} `json:"details"`
	Links []link `json:"links"`
}

func (p *problem) Error() string {
	return fmt.Sprintf("paypal answers %d %s %s (debug id %s)", p.Status, p.code(), p.text(), p.Debug)
}

// code is the most precise word that there is.
func (p *problem) code() string {
	for _, d := range p.Details {
		if d.Issue != "" && !strings.Contains(d.Issue, " ") {
			return d.Issue
		}
	}
	if p.Name == "" {
		return p.OAuth
	}
	return p.Name
}

func (p *problem) text() string {
	for _, d := range p.Details {
		if d.Description != "" {
			return d.Description
		}
	}
	return p.Message
}

// explain sorts errors by what is known after them. PayPal keeps no error: the same call may be made again, under the
// same key, after any of them.
func explain(err error) error {
	if err == nil {
		return nil
	}
	e := &payments.Error{Outcome: payments.Doubt, Cause: err} // no answer: it may have been done
	var p *problem
	if !errors.As(err, &p) {
		return e
	}
	e.Code, e.Message = p.code(), p.text()
	switch {
	case p.Status == http.StatusTooManyRequests, p.Status == http.StatusConflict, p.Status == http.StatusUnauthorized, p.Status == http.StatusForbidden, p.Status == http.StatusServiceUnavailable:
		e.Outcome = payments.Again
	case p.Status >= 500, p.Status < 400:
	default:
		e.Outcome = payments.Refused
	}
	return e
}

// missing reports whether PayPal knows nothing of what was asked for.
func missing(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}

// refusal is PayPal's word for why it did not do something; empty when that is not what happened.
func refusal(err error) string {
	var e *payments.Error
	if errors.As(err, &e) && e.Outcome == payments.Refused {
		return e.Code
	}
	return ""
}

// link is an address that goes with an object.
type link struct {
	Href string `json:"href"`
	Rel  string `json:"rel"`
}

// last is the number at the end of an address of the given kind, such as captures.
func last(links []link, rel, kind string) string {
	for _, l := range links {
		if rel != "" && l.Rel != rel {
			continue
		}
		if u, err := url.Parse(l.Href); err == nil {
			if _, after, ok := strings.Cut(u.Path, "/"+kind+"/"); ok && after != "" && !strings.Contains(after, "/") {
				return after
			}
		}
	}
	return ""
}
