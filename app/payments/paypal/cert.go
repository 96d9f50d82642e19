package paypal

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// hosts are where PayPal keeps the certificates that it signs webhooks with.
var hosts = []string{"api.paypal.com", "api-m.paypal.com", "api.sandbox.paypal.com", "api-m.sandbox.paypal.com"}

// signer is the name that a signing certificate is made out to.
var signer = regexp.MustCompile(`^messageverificationcerts\.(sandbox\.)?paypal\.com$`)

const (
	certSize = 64 << 10
	certKeep = 32
)

// certificates fetches and keeps the chains that webhooks name. The name comes from whoever calls, signed or not: only
// PayPal's hosts are asked, each address once, and only so many in a minute.
type certificates struct {
	hosts []string
	plain bool // http will do: a stand-in on this machine
	roots *x509.CertPool
	http  *http.Client
	limit *rate.Limiter

	asking singleflight.Group
	mu     sync.Mutex
	have   map[string][]*x509.Certificate
}

func (s *certificates) init(o Options) {
	s.hosts, s.plain, s.roots = o.CertHosts, len(o.CertHosts) > 0, o.Roots
	if len(s.hosts) == 0 {
		s.hosts = hosts
	}
	s.http = &http.Client{Timeout: min(o.Timeout, 5*time.Second), Transport: o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a certificate is where it is said to be")
		}}
	s.limit = rate.NewLimiter(rate.Every(6*time.Second), 10)
	s.have = map[string][]*x509.Certificate{}
}

// leaf is the certificate at an address, once its chain has been checked for a moment in time.
func (s *certificates) leaf(ctx context.Context, address string, at time.Time) (*x509.Certificate, error) {
	u, err := url.Parse(address)
	if guardCert && (err != nil || u.User != nil || !slices.Contains(s.hosts, u.Host) || u.Scheme != "https" && (!s.plain || u.Scheme != "http")) {
		return nil, fmt.Errorf("certificate at %q is not PayPal's", address)
	}
	chain, err := s.chain(ctx, address)
	if err != nil {
		return nil, err
	}
	leaf := chain[0]
	if !guardCert {
		return leaf, nil
	}
	if !slices.ContainsFunc(leaf.DNSNames, signer.MatchString) {
		return nil, fmt.Errorf("certificate of %q does not sign PayPal's messages", leaf.Subject.CommonName)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: s.roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, fmt.Errorf("certificate at %s: %w", address, err)
	}
	return leaf, nil
}

func (s *certificates) chain(ctx context.Context, address string) ([]*x509.Certificate, error) {
	s.mu.Lock()
	chain, ok := s.have[address]
	s.mu.Unlock()
	if ok {
		return chain, nil
	}
	v, err, _ := s.asking.Do(address, func() (any, error) {
		if !s.limit.Allow() {
			return nil, errBusy
		}
		chain, err := s.fetch(ctx, address)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.have) >= certKeep {
			clear(s.have)
		}
		s.have[address] = chain
		return chain, nil
	})
	if err != nil {
		return nil, err
	}
	return v.([]*x509.Certificate), nil
}

// errBusy and what else keeps us from a certificate says nothing against the signature: PayPal sends it again.
var errBusy = errors.New("too many certificates are asked for")

func (s *certificates) fetch(ctx context.Context, address string) ([]*x509.Certificate, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	res, err := s.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetch certificate: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch certificate %s: %s", address, res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, certSize))
	if err != nil {
		return nil, fmt.Errorf("fetch certificate: %w", err)
	}
	var chain []*x509.Certificate
	for block, rest := pem.Decode(body); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read certificate %s: %w", address, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("no certificate at %s", address)
	}
	return chain, nil
}
