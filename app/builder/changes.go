package builder

import "vitrine/app/id"

// changes says in words what visitors would see differently. Without a published version it is the first
// publish, and everything is new.
func changes(old *Content, now Content, name func(Kind, Props) string) []Sentence {
	var out []Sentence
	if old == nil {
		out = append(out, say("Your window becomes public"))
		for _, p := range now.Blocks {
			out = append(out, named(p, name, wasAdded))
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
			out = append(out, named(p, name, wasAdded))
		case !before.Props.Equal(p.Props), !before.Hours.Equal(p.Hours):
			out = append(out, named(p, name, wasChanged))
		case moved[p.ID]:
			out = append(out, named(p, name, wasMoved))
		}
	}
	for _, p := range old.Blocks {
		if !is[p.ID] {
			out = append(out, named(p, name, wasRemoved))
		}
	}
	return out
}

// named says what happened to a block: verb is one of the sentences below.
func named(p Part, name func(Kind, Props) string, verb [2]string) Sentence {
	label := p.Kind.Label()
	if n := name(p.Kind, p.Props); n != "" {
		return say(verb[1], label, n)
	}
	return say(verb[0], label)
}

// What may happen to a block, without a name and with one.
var (
	wasAdded   = [2]string{"%s added", "%s added: %s"}
	wasChanged = [2]string{"%s changed", "%s changed: %s"}
	wasMoved   = [2]string{"%s moved", "%s moved: %s"}
	wasRemoved = [2]string{"%s removed", "%s removed: %s"}
)

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
