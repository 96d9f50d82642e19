package builder

import (
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// changes says in words what visitors would see differently. Without a published version it is the first
// publish, and everything is new.
func changes(old *Content, now Content, name func(Kind, Props) string) []Sentence {
	var out []Sentence
	if old == nil {
		out = append(out, say("Your window becomes public"))
		for _, p := range now.Blocks {
			out = append(out, named(p, name, "added"))
		}
		return out
	}
	out = append(out, lookChanges(old.Look, now.Look)...)
	was := map[id.Block]Part{}
	for _, p := range old.Blocks {
		was[p.ID] = p
	}
	is := map[id.Block]bool{}
	moved := outOfOrder(old.Blocks, now.Blocks)
	for _, p := range now.Blocks {
		is[p.ID] = true
		before, known := was[p.ID]
		switch {
		case !known:
			out = append(out, named(p, name, "added"))
		case !before.Props.Equal(p.Props):
			out = append(out, named(p, name, "changed"))
		case moved[p.ID]:
			out = append(out, named(p, name, "moved"))
		}
	}
	for _, p := range old.Blocks {
		if !is[p.ID] {
			out = append(out, named(p, name, "removed"))
		}
	}
	return out
}

func lookChanges(old, now storefronts.Look) (out []Sentence) {
	switch {
	case old.Theme != now.Theme && now.Theme == "daylight":
		out = append(out, say("Theme: Daylight"))
	case old.Theme != now.Theme && now.Theme == "afterhours":
		out = append(out, say("Theme: After hours"))
	case now.Theme == "house" && (old.Theme != now.Theme || old.BrandColor != now.BrandColor):
		out = append(out, say("Theme: House colour %s", now.BrandColor))
	}
	if old.HeaderStyle != now.HeaderStyle {
		if now.HeaderStyle == "awning" {
			out = append(out, say("Header with an awning"))
		} else {
			out = append(out, say("Header without an awning"))
		}
	}
	return out
}

var words = map[string]map[Kind][2]string{ // without a name, with one
	"added": {Header: {"Header added"}, Product: {"Product added", "Product added: %s"}, Link: {"Link added", "Link added: %s"}, Contact: {"Contact form added", "Contact form added: %s"}},
	"changed": {Header: {"Header changed"}, Product: {"Product changed", "Product changed: %s"}, Link: {"Link changed", "Link changed: %s"},
		Contact: {"Contact form changed", "Contact form changed: %s"}},
	"moved": {Header: {"Header moved"}, Product: {"Product moved", "Product moved: %s"}, Link: {"Link moved", "Link moved: %s"}, Contact: {"Contact form moved", "Contact form moved: %s"}},
	"removed": {Header: {"Header removed"}, Product: {"Product removed", "Product removed: %s"}, Link: {"Link removed", "Link removed: %s"},
		Contact: {"Contact form removed", "Contact form removed: %s"}},
}

func named(p Part, name func(Kind, Props) string, what string) Sentence {
	w := words[what][p.Kind]
	if n := name(p.Kind, p.Props); n != "" && w[1] != "" {
		return say(w[1], n)
	}
	return say(w[0])
}

// outOfOrder are the fewest blocks, common to both, that must have been moved: all but a longest run that has
// kept its order.
func outOfOrder(old, now []Part) map[id.Block]bool {
	at := map[id.Block]int{}
	for i, p := range old {
		at[p.ID] = i
	}
	var seq []int
	var ids []id.Block
	for _, p := range now {
		if i, ok := at[p.ID]; ok {
			seq, ids = append(seq, i), append(ids, p.ID)
		}
	}
	best, prev, end := make([]int, len(seq)), make([]int, len(seq)), -1
	for i := range seq {
		best[i], prev[i] = 1, -1
		for j := range i {
			if seq[j] < seq[i] && best[j]+1 > best[i] {
				best[i], prev[i] = best[j]+1, j
			}
		}
		if end < 0 || best[i] > best[end] {
			end = i
		}
	}
	out := map[id.Block]bool{}
	for _, b := range ids {
		out[b] = true
	}
	for ; end >= 0; end = prev[end] {
		delete(out, ids[end])
	}
	return out
}
