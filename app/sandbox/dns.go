package sandbox

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server: every name leads to this machine, and TXT records are those that were set.
//
//	GET  /          what is set, as JSON
//	POST /?name=_vitrine.pots.test&text=…   adds a text; without one, all of the name go
type DNS struct {
	conn net.PacketConn
	mu   sync.Mutex
	txt  map[string][]string
	done chan struct{}
}

// StartDNS answers on a UDP port of loopback; port 0 takes a free one.
func StartDNS(addr string) (*DNS, error) {
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	d := &DNS{conn: conn, txt: map[string][]string{}, done: make(chan struct{})}
	go d.serve()
	return d, nil
}

// Addr is where it answers.
func (d *DNS) Addr() string { return d.conn.LocalAddr().String() }

// Stop ends it.
func (d *DNS) Stop() {
	d.conn.Close()
	<-d.done
}

func (d *DNS) serve() {
	defer close(d.done)
	buf := make([]byte, 1500)
	for {
		n, from, err := d.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if out := d.answer(buf[:n]); out != nil {
			d.conn.WriteTo(out, from) // who asked asks again
		}
	}
}

func (d *DNS) answer(query []byte) []byte {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil || head.Response {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	d.mu.Lock()
	texts := slices.Clone(d.txt[dnsName(q.Name.String())])
	d.mu.Unlock()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: head.ID, Response: true, Authoritative: true, RecursionAvailable: true})
	if b.StartQuestions() != nil || b.Question(q) != nil || b.StartAnswers() != nil {
		return nil
	}
	r := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
	switch q.Type {
	case dnsmessage.TypeA:
		err = b.AResource(r, dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}})
	case dnsmessage.TypeTXT:
		for _, t := range texts {
			if err == nil {
				err = b.TXTResource(r, dnsmessage.TXTResource{TXT: []string{t}})
			}
		}
	}
	if err != nil {
		return nil
	}
	out, err := b.Finish()
	if err != nil {
		return nil
	}
	return out
}

func dnsName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// ServeHTTP shows and sets TXT records.
func (d *DNS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name, text := dnsName(r.FormValue("name")), r.FormValue("text")
	switch {
	case r.Method == http.MethodPost && (name == "" || len(text) > 255):
		http.Error(w, "name the record, and write no more than 255 bytes", http.StatusBadRequest)
		return
	case r.Method == http.MethodPost && text == "":
		delete(d.txt, name)
	case r.Method == http.MethodPost && !slices.Contains(d.txt[name], text):
		d.txt[name] = append(d.txt[name], text)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(d.txt) // the reader has left if this fails
}
