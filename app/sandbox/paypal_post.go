package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// ppPostman delivers PayPal's events: several at once, in no promised order, again and again until a 2xx. It is the
// postman of Stripe's events with other signatures; a delivery that is tried again keeps its number and time.
type ppPostman struct {
	pp     *PayPal
	bell   chan struct{}
	client *http.Client
	wg     sync.WaitGroup

	// under db.mu
	queue []string
	busy  map[string]bool
	told  chan struct{} // closed and renewed after every delivery
}

func newPPPostman(pp *PayPal) *ppPostman {
	return &ppPostman{pp: pp, bell: make(chan struct{}, 1), busy: map[string]bool{}, told: make(chan struct{}),
		client: &http.Client{Timeout: postTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: postmen, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (p *ppPostman) wake() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// load finds what a former life left undelivered; it is due at once.
func (p *ppPostman) load() {
	for _, k := range p.pp.sendings.order {
		if s := p.pp.sendings.rows[k]; s.State == "waiting" {
			s.NextAt = 0
			p.pp.sendings.set(k, s)
			p.queue = append(p.queue, k)
		}
	}
}

func (p *ppPostman) run(ctx context.Context) {
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
func (p *ppPostman) launch(ctx context.Context) time.Duration {
	p.pp.db.mu.Lock()
	defer p.pp.db.mu.Unlock()
	wait := time.Minute
	p.queue = slices.DeleteFunc(p.queue, func(k string) bool { s, ok := p.pp.sendings.rows[k]; return !ok || s.State != "waiting" })
	if p.pp.settings.Webhooks.Hold || p.pp.db.closed {
		return wait
	}
	now := time.Now().UnixMilli()
	var ready []string
	for _, k := range p.queue {
		s := p.pp.sendings.rows[k]
		switch {
		case p.busy[k]:
		case s.NextAt <= now:
			ready = append(ready, k)
		default:
			wait = min(wait, time.Duration(s.NextAt-now)*time.Millisecond)
		}
	}
	if p.pp.settings.Webhooks.Shuffle {
		p.pp.rng.Shuffle(len(ready), func(i, j int) { ready[i], ready[j] = ready[j], ready[i] })
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

// ppLetter is all that a delivery needs, read under the lock.
type ppLetter struct {
	url, hook, id string
	at            time.Time
	body          []byte
}

func (p *ppPostman) letter(key string) ppLetter {
	s := p.pp.sendings.rows[key]
	sum := sha256.Sum256([]byte(key))
	id := fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	return ppLetter{p.pp.hooks.rows[s.Hook].URL, s.Hook, id, time.UnixMilli(s.Since), p.pp.events.rows[s.Event].Body}
}

func (p *ppPostman) deliver(ctx context.Context, l ppLetter) (int, error) {
	at := l.at.Add(time.Until(p.pp.srv.Now())).Round(time.Second) // as the sandbox's clock says
	h, err := p.pp.Sign(l.id, at, l.hook, l.body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(l.body))
	if err != nil {
		return 0, err
	}
	req.Header = h
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "PayPal/AUHD-214.0-55550444")
	req.Header.Set("Paypal-Auth-Version", "v2")
	req.Header.Set("Correlation-Id", l.id[:13])
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
func (p *ppPostman) note(ctx context.Context, key string, status int, cause error) {
	err := p.pp.do(func(t *tx) error {
		delete(p.busy, key)
		close(p.told)
		p.told = make(chan struct{})
		s, ok := p.pp.sendings.rows[key]
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
		put(t, p.pp.sendings, key, s)
		return nil
	})
	if err != nil && !errors.Is(err, errClosed) {
		p.pp.srv.log.Error("sandbox: note a delivery", "error", err)
	}
}

// Flush tries everything that waits at once and comes back when nothing is left to deliver. Held events are not waited for.
func (pp *PayPal) Flush(ctx context.Context) error {
	hurry := true
	for {
		var left []string
		var told chan struct{}
		err := pp.do(func(t *tx) error {
			told = pp.post.told
			if pp.settings.Webhooks.Hold {
				return nil
			}
			for _, k := range pp.post.queue {
				s, ok := pp.sendings.rows[k]
				if !ok || s.State != "waiting" {
					continue
				}
				left = append(left, pp.events.rows[s.Event].Type+" ("+orElse(s.Error, "not tried")+")")
				if hurry && !pp.post.busy[k] {
					s.NextAt = 0
					put(t, pp.sendings, k, s)
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
func (pp *PayPal) Deliver(ctx context.Context, eventIDs ...string) ([]int, error) {
	var out []int
	for _, id := range eventIDs {
		var keys []string
		var letters []ppLetter
		err := pp.do(func(t *tx) error {
			e, ok := pp.events.rows[id]
			if !ok {
				return ppUnknown("event", id)
			}
			for _, hid := range pp.hooks.order {
				key := e.ID + ":" + hid + ":0"
				if !pp.hooks.rows[hid].wants(e.Type) {
					continue
				}
				if _, known := pp.sendings.rows[key]; !known {
					put(t, pp.sendings, key, sending{Event: e.ID, Hook: hid, Since: time.Now().UnixMilli(), State: "waiting"})
				}
				pp.post.busy[key] = true
				keys, letters = append(keys, key), append(letters, pp.post.letter(key))
			}
			return nil
		})
		if err != nil {
			return out, err
		}
		for i, key := range keys {
			status, err := pp.post.deliver(ctx, letters[i])
			pp.post.note(ctx, key, status, err)
			if err != nil && status == 0 {
				return out, fmt.Errorf("deliver %s: %w", id, err)
			}
			out = append(out, status)
		}
	}
	return out, nil
}
