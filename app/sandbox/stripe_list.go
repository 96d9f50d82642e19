package sandbox

import "strings"

// pages reads a list call: newest first, limit, starting_after, ending_before, created[…].
type pages struct {
	limit         int64
	after, before string
	from, to      int64 // of created, both inclusive; to 0 is open
}

func (c *call) pages() pages {
	p := pages{limit: 10}
	if n, ok := c.num("limit", 1, 100); ok {
		p.limit = n
	}
	p.after, p.before = c.str("starting_after"), c.str("ending_before")
	p.from, p.to = c.span("created")
	return p
}

// span reads a time or a range of times, as name=… or name[gte]=…; to 0 is open.
func (p *params) span(name string) (from, to int64) {
	if k := p.n.kids[name]; k != nil && k.leaf && len(k.kids) == 0 {
		if n, ok := p.num(name, 0, 1<<40); ok {
			return n, n
		}
		return 0, 0
	}
	at := p.obj(name)
	if n, ok := at.num("gte", 0, 1<<40); ok {
		from = n
	}
	if n, ok := at.num("gt", 0, 1<<40); ok {
		from = max(from, n+1)
	}
	open := int64(1 << 41)
	to = open
	if n, ok := at.num("lte", 0, 1<<40); ok {
		to = n
	}
	if n, ok := at.num("lt", 0, 1<<40); ok {
		to = min(to, n-1)
	}
	switch to {
	case open:
		to = 0
	case 0:
		to = -1 // nothing is that old
	}
	return from, to
}

func (p pages) holds(created int64) bool { return created >= p.from && (p.to == 0 || created <= p.to) }

// cut draws one page out of ids, which come oldest first.
func cut(p pages, url, kind string, ids []string, match func(id string) bool, draw func(id string) obj) (obj, error) {
	newest := make([]string, 0, len(ids))
	for i := len(ids) - 1; i >= 0; i-- {
		newest = append(newest, ids[i])
	}
	find := func(id, param string) (int, error) {
		for i, it := range newest {
			if it == id {
				return i, nil
			}
		}
		return 0, missingRef(kind, id, param)
	}
	backwards := p.after == "" && p.before != ""
	start, step := 0, 1
	if p.after != "" {
		i, err := find(p.after, "starting_after")
		if err != nil {
			return nil, err
		}
		start = i + 1
	}
	if backwards {
		i, err := find(p.before, "ending_before")
		if err != nil {
			return nil, err
		}
		start, step = i-1, -1
	}
	var data []obj
	more := false
	for i := start; i >= 0 && i < len(newest); i += step {
		if !match(newest[i]) {
			continue
		}
		if int64(len(data)) == p.limit {
			more = true
			break
		}
		if backwards {
			data = append([]obj{draw(newest[i])}, data...)
		} else {
			data = append(data, draw(newest[i]))
		}
	}
	return listOf(data, more, strings.TrimPrefix(url, "/stripe")), nil
}
