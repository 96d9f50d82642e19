// Package cdn tells a content delivery network which pages have changed.
//
// What the page cache drops is collected for a moment and becomes one job: the network is called by a worker, again
// and again until it has heard. Every web process hears every drop, and the job of one window is written once.
package cdn

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vitrine/app/db"
	"vitrine/app/job"
	"vitrine/app/pagecache"
)

// Kinds of networks, by how they are called.
const (
	Fastly     = "fastly"
	Cloudflare = "cloudflare"
	Webhook    = "webhook"
)

// Kinds are what PURGE_KIND may be.
var Kinds = []string{Webhook, Fastly, Cloudflare}

const (
	window  = time.Second // changes within one are told together
	atATime = 30          // tags in one call, as few as the strictest network takes
)

// Service tells one network.
type Service struct {
	DB     *db.DB
	Kind   string
	URL    string // Fastly: …/service/ID, Cloudflare: …/zones/ID, webhook: the address itself
	Token  string
	Client *http.Client // nil: one with a timeout of 10 s

	mu      sync.Mutex
	pending map[string]bool
	timer   *time.Timer
}

// Purge tells the network that what shows these tags has changed.
type Purge struct{ Tags []string }

func (Purge) Kind() string { return "cdn:purge" }

// Jobs registers the calls.
func (s *Service) Jobs(reg *job.Registry) {
	job.Handle(reg, job.Spec{Timeout: 30 * time.Second, Attempts: 12}, s.purge)
}

// Changed notes a tag; the job is written when the window closes.
func (s *Service) Changed(tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == nil {
		s.pending = map[string]bool{}
	}
	s.pending[tag] = true
	if s.timer == nil {
		s.timer = time.AfterFunc(s.untilClose(), s.close)
	}
}

// untilClose is how long the present window stays open. Windows begin at the same moments in every process.
func (s *Service) untilClose() time.Duration {
	now := s.DB.Now()
	return now.Truncate(window).Add(window).Sub(now)
}

func (s *Service) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		slog.WarnContext(ctx, "pages to purge are not noted yet", "err", err)
		s.mu.Lock()
		s.timer = time.AfterFunc(window, s.close)
		s.mu.Unlock()
	}
}

// Flush writes the job for what has been noted.
func (s *Service) Flush(ctx context.Context) error {
	s.mu.Lock()
	tags := make([]string, 0, len(s.pending))
	for t := range s.pending {
		tags = append(tags, t)
	}
	s.pending, s.timer = nil, nil
	s.mu.Unlock()
	if len(tags) == 0 {
		return nil
	}
	slices.Sort(tags)
	if slices.Contains(tags, pagecache.Everything) {
		tags = []string{pagecache.Everything}
	}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		var items []job.Item
		for part := range slices.Chunk(tags, atATime) {
			items = append(items, job.Item{Task: Purge{part}, Options: []job.Option{job.Key(s.key(tx.Now, part))}})
		}
		return job.EnqueueAll(ctx, tx, items...)
	})
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pending == nil {
			s.pending = map[string]bool{}
		}
		for _, t := range tags {
			s.pending[t] = true
		}
	}
	return err
}

// key is the same in all processes that close one window over the same tags.
func (s *Service) key(now time.Time, tags []string) string {
	sum := sha256.Sum256([]byte(strings.Join(tags, " ")))
	return "cdn:" + strconv.FormatInt(now.Unix(), 10) + ":" + hex.EncodeToString(sum[:8])
}

func (s *Service) purge(ctx context.Context, t Purge) error {
	url, body := s.call(t.Tags)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return job.Permanent(fmt.Errorf("purge: %w", err))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	switch {
	case s.Token == "":
	case s.Kind == Fastly:
		r.Header.Set("Fastly-Key", s.Token)
	default:
		r.Header.Set("Authorization", "Bearer "+s.Token)
	}
	c := s.Client
	if c == nil {
		c = &http.Client{Timeout: 10 * time.Second}
	}
	res, err := c.Do(r)
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(res.Body, 2000))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("purge: the network answered %s: %.200s", res.Status, said)
	}
	if s.Kind == Cloudflare { // it also says no with a 200
		var out struct{ Success bool }
		if json.Unmarshal(said, &out) != nil || !out.Success {
			return errors.New("purge: Cloudflare did not say success: " + fmt.Sprintf("%.200s", said))
		}
	}
	return nil
}

// call is the address and body that a kind of network takes.
func (s *Service) call(tags []string) (url string, body []byte) {
	url = strings.TrimRight(s.URL, "/")
	all := slices.Contains(tags, pagecache.Everything)
	var v any
	switch {
	case s.Kind == Fastly && all:
		return url + "/purge_all", nil
	case s.Kind == Fastly:
		url, v = url+"/purge", map[string]any{"surrogate_keys": tags}
	case s.Kind == Cloudflare && all:
		url, v = url+"/purge_cache", map[string]any{"purge_everything": true}
	case s.Kind == Cloudflare:
		url, v = url+"/purge_cache", map[string]any{"tags": tags}
	case all:
		v = map[string]any{"everything": true}
	default:
		v = map[string]any{"tags": tags}
	}
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and a bool
	}
	return url, body
}
