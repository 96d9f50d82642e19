package domains

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"
)

// Resolver asks name servers; a net.Resolver does.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// patience is how long one question may take.
const patience = 5 * time.Second

// At is a resolver that asks one server, "192.0.2.53:53"; the machine's own for an empty address.
func At(server string) *net.Resolver {
	if server == "" {
		return &net.Resolver{PreferGo: true}
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		d := net.Dialer{Timeout: patience}
		return d.DialContext(ctx, network, server)
	}}
}

// seen is what name servers say of a domain.
type seen struct {
	texts  []string // of its TXT records
	leads  bool     // to us
	silent bool     // somebody did not answer: nothing follows from what is missing
}

// Record is the name of the TXT record that proves a domain.
func Record(domain string) string { return "_vitrine." + domain }

// look asks for the proof, and whether the domain leads here.
func (s *Service) look(ctx context.Context, domain string) seen {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	var out seen
	texts, err := s.Resolver.LookupTXT(ctx, Record(domain)+".")
	out.silent = unanswered(err)
	for _, t := range texts {
		out.texts = append(out.texts, strings.Trim(strings.TrimSpace(t), `"`))
	}
	there, err := s.Resolver.LookupHost(ctx, domain+".")
	out.silent = out.silent || unanswered(err)
	ours := slices.Clone(s.Addresses)
	if s.Target != "" {
		more, err := s.Resolver.LookupHost(ctx, s.Target+".")
		out.silent = out.silent || unanswered(err)
		ours = append(ours, more...)
	}
	out.leads = slices.ContainsFunc(there, func(a string) bool { return slices.Contains(ours, a) })
	return out
}

// unanswered reports whether a question got no answer, which is another thing than the answer that there is nothing.
func unanswered(err error) bool {
	var d *net.DNSError
	return err != nil && !(errors.As(err, &d) && d.IsNotFound)
}
