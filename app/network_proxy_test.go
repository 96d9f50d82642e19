package app_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// cutter stands before Postgres and reads along: it can cut a connection at a COMMIT. Before means that Postgres never
// hears of it; after, that Postgres has committed and the product does not learn of it.
type cutter struct {
	t  *testing.T
	ln net.Listener

	mu    sync.Mutex
	seen  int // COMMITs so far
	at    int // the one to cut, counted as seen; 0 is none
	after bool
	cut   int // how many were cut
}

// newCutter forwards to the Postgres of a connection string.
func newCutter(t *testing.T, dsn string) *cutter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{t: t, ln: ln}
	network, address := "tcp", net.JoinHostPort(field(dsn, "host"), field(dsn, "port"))
	if strings.HasPrefix(field(dsn, "host"), "/") {
		network, address = "unix", field(dsn, "host")+"/.s.PGSQL."+field(dsn, "port")
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, address)
			if err != nil {
				client.Close()
				continue
			}
			w := &wire{cutter: c, client: client, server: server}
			open.Go(w.up)
			open.Go(w.down)
		}
	})
	t.Cleanup(func() { ln.Close(); open.Wait() })
	return c
}

// field is one of a connection string's.
func field(dsn, name string) string {
	for _, f := range strings.Fields(dsn) {
		if v, ok := strings.CutPrefix(f, name+"="); ok {
			return strings.Trim(v, "'")
		}
	}
	return ""
}

// arm cuts one COMMIT, the nth of all that pass here, before or after Postgres has it.
func (c *cutter) arm(nth int, after bool) {
	c.mu.Lock()
	c.at, c.after = nth, after
	c.mu.Unlock()
}

// calm cuts nothing any more, and says how many COMMITs have passed and how many of them were cut.
func (c *cutter) calm() (seen, cut int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = 0
	return c.seen, c.cut
}

// due counts a COMMIT and reports whether it is the one to be cut.
func (c *cutter) due() (now, after bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen++; c.seen != c.at {
		return false, false
	}
	c.cut++
	return true, c.after
}

// wire is one connection through a cutter.
type wire struct {
	*cutter
	client, server net.Conn

	deaf sync.Mutex // held while an answer passes
	lost bool       // the answers from here on
}

func (w *wire) close() {
	w.client.Close()
	w.server.Close()
}

// up passes on what the product says, message by message: after the first, each has a letter and a length.
func (w *wire) up() {
	defer w.close()
	first := true
	for {
		head := make([]byte, 5)
		if first {
			head = head[:4]
		}
		if _, err := io.ReadFull(w.client, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(w.client, body); err != nil {
			return
		}
		if !first && head[0] == 'Q' && string(body) == "COMMIT\x00" {
			if cut, after := w.due(); cut {
				if !after {
					return
				}
				w.deaf.Lock()
				w.lost = true
				w.deaf.Unlock()
			}
		}
		if _, err := w.server.Write(append(head, body...)); err != nil {
			return
		}
		first = false
	}
}

// down passes on the answers. The first that is to be lost ends the connection: Postgres has done its part by then.
func (w *wire) down() {
	defer w.close()
	b := make([]byte, 32<<10)
	for {
		n, err := w.server.Read(b)
		if err != nil {
			return
		}
		w.deaf.Lock()
		lost := w.lost
		w.deaf.Unlock()
		if lost {
			return
		}
		if _, err := w.client.Write(b[:n]); err != nil {
			return
		}
	}
}
