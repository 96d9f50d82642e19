package assist

import (
	"container/list"
	"sync"
	"time"
)

// fresh is how long a photograph is kept in memory, as any browser keeps it.
const fresh = time.Hour

// shelf holds the bytes that were asked for last, up to most of them together.
type shelf struct {
	mu    sync.Mutex
	most  int
	size  int
	order list.List
	at    map[string]*list.Element
}

// Bytes are a picture as it is passed on.
type Bytes struct {
	Type string
	Body []byte
}

type kept struct {
	key   string
	x     Bytes
	until time.Time
}

func (s *shelf) get(key string, now time.Time) (Bytes, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.at[key]
	if !ok {
		return Bytes{}, false
	}
	k := e.Value.(kept)
	if now.After(k.until) {
		s.drop(e)
		return Bytes{}, false
	}
	s.order.MoveToFront(e)
	return k.x, true
}

func (s *shelf) put(key string, x Bytes, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]*list.Element{}
	}
	if e, ok := s.at[key]; ok {
		s.drop(e)
	}
	s.at[key] = s.order.PushFront(kept{key, x, now.Add(fresh)})
	for s.size += len(x.Body); s.size > s.most; {
		s.drop(s.order.Back())
	}
}

func (s *shelf) drop(e *list.Element) {
	k := s.order.Remove(e).(kept)
	s.size -= len(k.x.Body)
	delete(s.at, k.key)
}
