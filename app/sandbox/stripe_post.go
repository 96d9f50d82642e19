package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	postmen     = 8
	postTimeout = 10 * time.Second
	giveUpAfter = 72 * time.Hour // as Stripe
	longestWait = 15 * time.Second
)

// postman delivers events: several at once, in no promised order, again and again until a 2xx.
type postman struct {
	st     *Stripe
	bell   chan struct{}
	client *http.Client
	wg     sync.WaitGroup

	// under db.mu
	queue []string
	busy  map[string]bool
	told  chan struct{} // closed and renewed after every delivery
}

func newPostman(st *Stripe) *postman {
	return &postman{st: st, bell: make(chan struct{}, 1), busy: map[string]bool{}, told: make(chan struct{}),
		client: &http.Client{Timeout: postTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: postmen, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (p *postman) wake() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// load finds what a former life left undelivered; it is due at once.
func (p *postman) load() {
	for _, k := range p.st.sendings.order {
		if s := p.st.sendings.rows[k]; s.State == "waiting" {
			s.NextAt = 0
			p.st.sendings.set(k, s)
			p.queue = append(p.queue, k)
		}
	}
}

func (p *postman) run(ctx context.Context) {
	defer p.wg.Wait()
	for {
		timer := time.NewTimer(p.launch(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			p.client.CloseIdleConnections()
			return
		case <-p.bell:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// launch starts what is due and answers how long nothing else will be.
func (p *postman) launch(ctx context.Context) time.Duration {
	p.st.db.mu.Lock()
	defer p.st.db.mu.Unlock()
	wait := time.Minute
	p.queue = slices.DeleteFunc(p.queue, func(k string) bool { s, ok := p.st.sendings.rows[k]; return !ok || s.State != "waiting" })
	if p.st.settings.Webhooks.Hold || p.st.db.closed {
		return wait
	}
	now := time.Now().UnixMilli()
	var ready []string
	for _, k := range p.queue {
		s := p.st.sendings.rows[k]
		switch {
		case p.busy[k]:
		case s.NextAt <= now:
			ready = append(ready, k)
		default:
			wait = min(wait, time.Duration(s.NextAt-now)*time.Millisecond)
		}
	}
	if p.st.settings.Webhooks.Shuffle {
		p.st.rng.Shuffle(len(ready), func(i, j int) { ready[i], ready[j] = ready[j], ready[i] })
	}
	for _, k := range ready[:min(len(ready), postmen-len(p.busy))] {
		p.busy[k] = true
		letter := p.letter(k)
		p.wg.Go(func() {
			status, err := p.deliver(ctx, letter)
			p.note(ctx, k, status, err)
		})
	}
	return wait
}

// letter is all that a delivery needs, read under the lock.
type letter struct {
	url, secret string
	body        []byte
}

func (p *postman) letter(key string) letter {
	s := p.st.sendings.rows[key]
	h := p.st.hooks.rows[s.Hook]
	body, err := json.MarshalIndent(p.st.shapeEvent(p.st.events.rows[s.Event]), "", "  ") // Stripe indents, too
	if err != nil {
		panic(fmt.Errorf("write event %s: %w", s.Event, err)) // maps of plain values
	}
	return letter{h.URL, h.Secret, body}
}

// Sign makes the Stripe-Signature header for body at a moment.
func Sign(secret string, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

func (p *postman) deliver(ctx context.Context, l letter) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(l.body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	req.Header.Set("Stripe-Signature", Sign(l.secret, time.Now(), l.body))
	rs, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer rs.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(rs.Body, 64<<10))
	if rs.StatusCode < 200 || rs.StatusCode > 299 {
		return rs.StatusCode, fmt.Errorf("answered %d", rs.StatusCode)
	}
	return rs.StatusCode, nil
}

// note writes down how a delivery went. One that was cut off by Close stays waiting and is sent again.
func (p *postman) note(ctx context.Context, key string, status int, cause error) {
	err := p.st.do(func(t *tx) error {
		delete(p.busy, key)
		close(p.told)
		p.told = make(chan struct{})
		s, ok := p.st.sendings.rows[key]
		if !ok || ctx.Err() != nil {
			return nil
		}
		s.Attempts++
		s.Status, s.Error = status, ""
		if cause == nil {
			s.State = "done"
		} else {
			s.Error = clip(cause.Error())
			s.NextAt = time.Now().Add(patience(s.Attempts)).UnixMilli()
			if time.Since(time.UnixMilli(s.Since)) > giveUpAfter {
				s.State = "given_up"
			}
		}
		put(t, p.st.sendings, key, s)
		return nil
	})
	if err != nil && !errors.Is(err, errClosed) {
		p.st.srv.log.Error("sandbox: note a delivery", "error", err)
	}
}

// patience is the wait before try n+1: a quarter of a second, doubled each time, at most fifteen seconds.
func patience(n int) time.Duration {
	return min(longestWait, 250*time.Millisecond<<min(n-1, 10))
}

// Flush tries everything that waits at once and comes back when nothing is left to deliver. Held events are not waited for.
func (st *Stripe) Flush(ctx context.Context) error {
	hurry := true
	for {
		var left []string
		var told chan struct{}
		err := st.do(func(t *tx) error {
			told = st.post.told
			if st.settings.Webhooks.Hold {
				return nil
			}
			for _, k := range st.post.queue {
				s, ok := st.sendings.rows[k]
				if !ok || s.State != "waiting" {
					continue
				}
				left = append(left, st.events.rows[s.Event].Type+" ("+orElse(s.Error, "not tried")+")")
				if hurry && !st.post.busy[k] {
					s.NextAt = 0
					put(t, st.sendings, k, s)
				}
			}
			return nil
		})
		if err != nil || len(left) == 0 {
			return err
		}
		hurry = false
		select {
		case <-told:
		case <-ctx.Done():
			return fmt.Errorf("%d deliveries not done, the first %s: %w", len(left), left[0], ctx.Err())
		}
	}
}

// Deliver sends events one after the other in the order given, whatever was sent before, and answers each status.
// With Hold it lets a test choose the order exactly.
func (st *Stripe) Deliver(ctx context.Context, eventIDs ...string) ([]int, error) {
	var out []int
	for _, id := range eventIDs {
		var keys []string
		var letters []letter
		err := st.do(func(t *tx) error {
			e, ok := st.events.rows[id]
			if !ok {
				return missing("event", id, "id")
			}
			for _, hid := range st.hooks.order {
				key := e.ID + ":" + hid + ":0"
				if !st.hooks.rows[hid].wants(e) {
					continue
				}
				if _, known := st.sendings.rows[key]; !known {
					put(t, st.sendings, key, sending{Event: e.ID, Hook: hid, Since: time.Now().UnixMilli(), State: "waiting"})
				}
				st.post.busy[key] = true
				keys, letters = append(keys, key), append(letters, st.post.letter(key))
			}
			return nil
		})
		if err != nil {
			return out, err
		}
		for i, key := range keys {
			status, err := st.post.deliver(ctx, letters[i])
			st.post.note(ctx, key, status, err)
			if err != nil && status == 0 {
				return out, fmt.Errorf("deliver %s: %w", id, err)
			}
			out = append(out, status)
		}
	}
	return out, nil
}
