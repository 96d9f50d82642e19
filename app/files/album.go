package files

import (
	"slices"
	"sync"
	"time"

	"vitrine/app/id"
)

// album remembers pictures, so that drawing a page need not read all their sizes: what is there of a picture never
// changes. One that has all its formats is remembered for ten minutes, another for a few seconds.
type album struct {
	mu       sync.RWMutex
	pictures map[id.File]remembered
}

type remembered struct {
	Picture
	until time.Time
}

const (
	albumMost    = 5_000
	albumWhole   = 10 * time.Minute
	albumPending = 5 * time.Second
)

// take puts what is remembered of ids into out and returns the others.
func (a *album) take(ids []id.File, out map[id.File]Picture, now time.Time) (rest []id.File) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, f := range ids {
		if r, ok := a.pictures[f]; ok && now.Before(r.until) {
			out[f] = r.Picture
		} else {
			rest = append(rest, f)
		}
	}
	return rest
}

func (a *album) put(read map[id.File]Picture, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pictures == nil || len(a.pictures)+len(read) > albumMost {
		a.pictures = map[id.File]remembered{}
	}
	for f, p := range read {
		until := now.Add(albumPending)
		if slices.ContainsFunc(p.Sources, func(s PictureSource) bool { return s.Format == "avif" }) {
			until = now.Add(albumWhole)
		}
		p.Sources = slices.Clip(p.Sources)
		a.pictures[f] = remembered{p, until}
	}
}

func (a *album) drop(f id.File) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pictures, f)
}
