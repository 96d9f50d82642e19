//go:build !lean

package commands

import (
	"context"
	"net"
	"net/http"
	"time"

	"vitrine/app/sandbox"
)

// startDNS starts a name server to which every domain leads here, with a page of the same port that sets TXT
// records: so a domain of a creator can be tried on a machine that has none.
func (w *world) startDNS(context.Context) error {
	if w.cfg.DNSServer != "" {
		return nil
	}
	var err error
	if w.dns, err = sandbox.StartDNS("127.0.0.1:0"); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", w.dns.Addr())
	if err != nil {
		return err
	}
	w.records = &http.Server{Handler: w.dns, ReadHeaderTimeout: 10 * time.Second}
	go w.records.Serve(ln)
	w.cfg.DNSServer = w.dns.Addr()
	if w.cfg.DomainAddresses == nil {
		w.cfg.DomainAddresses = []string{"127.0.0.1"}
	}
	return nil
}
