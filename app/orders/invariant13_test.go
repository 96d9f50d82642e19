package orders

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// trueStory is what happened to one payment at its provider: refunds and disputes, each as a line of states.
type trueStory struct {
	orders   []Order
	refunds  [][]payments.Refund
	disputes [][]payments.Dispute
}

func drawStory(r *rand.Rand) trueStory {
	c := money.Known()[r.IntN(len(money.Known()))]
	in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: c} }
	var s trueStory
	left := int64(0)
	for range 1 + r.IntN(3) {
		o := Order{ID: id.New[id.OrderKind](), Total: in(1 + r.Int64N(1+money.Max>>r.IntN(27))), Refunded: in(0), RefundedNet: in(0), Disputed: in(0), DisputedNet: in(0)}
		o.Fee = in(r.Int64N(o.Total.Minor + 1))
		o.Net = o.Total.Sub(o.Fee)
		s.orders = append(s.orders, o)
		left += o.Total.Minor
	}
	for n := range r.IntN(3) {
		if left == 0 {
			break
		}
		one := payments.Refund{ID: fmt.Sprintf("re_%d", n), Amount: in(1 + r.Int64N(left)), State: payments.RefundPending}
		if o := s.orders[r.IntN(len(s.orders))]; r.IntN(2) == 0 && o.Total.Minor >= one.Amount.Minor {
			one.Order = o.ID
		}
		line := []payments.Refund{one}
		for _, state := range [][]payments.RefundState{{payments.RefundSucceeded}, {payments.RefundFailed}, {payments.RefundSucceeded, payments.RefundFailed}}[r.IntN(3)] {
			one.State = state
			line = append(line, one)
		}
		left -= one.Amount.Minor
		s.refunds = append(s.refunds, line)
	}
	for n := range r.IntN(3) {
		if left == 0 {
			break
		}
		amount := 1 + r.Int64N(left)
		if r.IntN(2) == 0 {
			amount = left
		}
		s.disputes = append(s.disputes, drawDispute(r, fmt.Sprintf("du_%d", n), in(amount)))
		left -= amount
	}
	return s
}

// drawDispute is one of the ways a dispute can go.
func drawDispute(r *rand.Rand, ref string, a money.Amount) []payments.Dispute {
	type step struct {
		status  payments.DisputeStatus
		in, out int64 // times the amount: taken from us, given again
	}
	ways := [][]step{
		{{payments.DisputeOpen, 0, 0}, {payments.DisputeOpen, 1, 0}, {payments.DisputeReview, 1, 0}, {payments.DisputeLost, 1, 0}},
		{{payments.DisputeOpen, 1, 0}, {payments.DisputeReview, 1, 0}, {payments.DisputeWon, 1, 0}, {payments.DisputeWon, 1, 1}},
		{{payments.DisputeOpen, 1, 0}, {payments.DisputeWon, 1, 1}}, // withdrawn by the buyer
		{{payments.DisputeInquiry, 0, 0}, {payments.DisputeClosed, 0, 0}},
		{{payments.DisputeInquiry, 0, 0}, {payments.DisputeOpen, 1, 0}, {payments.DisputeLost, 1, 0}},
		{{payments.DisputeWon, 1, 1}, {payments.DisputeLost, 2, 1}},
		{{payments.DisputeLost, 1, 0}, {payments.DisputeWon, 1, 1}},
		{{payments.DisputeOpen, 1, 0}, {payments.DisputeReview, 1, 0}}, // nobody has decided yet
	}
	var out []payments.Dispute
	for _, s := range ways[r.IntN(len(ways))] {
		out = append(out, payments.Dispute{ID: ref, Status: s.status, Amount: a,
			Withdrawn: money.Amount{Minor: s.in * a.Minor, Currency: a.Currency}, Reinstated: money.Amount{Minor: s.out * a.Minor, Currency: a.Currency}})
	}
	return out
}

// telling is one thing that we hear.
type telling struct {
	refund  *payments.Refund
	dispute *payments.Dispute
}

// tellings are all states of a story in some order, three of ten twice.
func (s trueStory) tellings(r *rand.Rand) (all []telling) {
	add := func(t telling) {
		if all = append(all, t); r.IntN(10) < 3 {
			all = append(all, t)
		}
	}
	for _, line := range s.refunds {
		for i := range line {
			add(telling{refund: &line[i]})
		}
	}
	for _, line := range s.disputes {
		for i := range line {
			add(telling{dispute: &line[i]})
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// paper is the book of one payment as rebalance writes it, without the database.
type paper struct {
	orders                  []Order
	refunds                 map[string]payments.Refund
	disputes                map[string]payments.Dispute
	keys                    map[string]bool
	provider, fees, creator int64
	moved                   int64 // in both directions
}

func newPaper(s trueStory) *paper {
	return &paper{orders: append([]Order(nil), s.orders...), refunds: map[string]payments.Refund{}, disputes: map[string]payments.Dispute{}, keys: map[string]bool{}}
}

var refundRank = map[payments.RefundState]int{payments.RefundPending: 1, payments.RefundSucceeded: 2, payments.RefundFailed: 3}

// hear takes a telling in as upsertRefund and upsertDispute do, and books what follows.
func (p *paper) hear(t telling) error {
	cause := ""
	if r := t.refund; r != nil {
		if have, ok := p.refunds[r.ID]; ok && refundRank[have.State] >= refundRank[r.State] {
			return nil
		}
		p.refunds[r.ID], cause = *r, r.ID+"-"+string(r.State)
	}
	if d := t.dispute; d != nil {
		now := *d
		if have, ok := p.disputes[d.ID]; ok {
			if now = merge(have, *d); now == have {
				return nil
			}
		}
		p.disputes[d.ID], cause = now, fmt.Sprintf("%s-%d-%d", now.ID, now.Withdrawn.Minor, now.Reinstated.Minor)
	}
	return p.rebalance(cause)
}

func (p *paper) back() back {
	zero := money.Amount{Currency: p.orders[0].Total.Currency}
	disputed := zero
	var rs []payments.Refund
	for _, ref := range []string{"re_0", "re_1", "re_2"} {
		if r, ok := p.refunds[ref]; ok {
			rs = append(rs, r)
		}
	}
	for _, d := range p.disputes {
		disputed.Minor += max(0, d.Withdrawn.Minor-d.Reinstated.Minor)
	}
	return giveBack(p.orders, rs, zero, disputed)
}

func (p *paper) rebalance(cause string) error {
	b := p.back()
	if b.excess {
		return fmt.Errorf("%s: more than was paid", cause)
	}
	for i := range p.orders {
		o := &p.orders[i]
		net, both := netOf(*o, b.refunded[i]), netOf(*o, b.refunded[i].Add(b.disputed[i]))
		for kind, m := range map[string][2]money.Amount{
			"refund":  {b.refunded[i].Sub(o.Refunded), net.Sub(o.RefundedNet)},
			"dispute": {b.disputed[i].Sub(o.Disputed), both.Sub(net).Sub(o.DisputedNet)},
		} {
			if m[0].IsZero() && m[1].IsZero() {
				continue
			}
			key := kind + ":" + o.ID.String() + ":" + cause
			if p.keys[key] {
				return fmt.Errorf("%s is booked twice", key)
			}
			p.keys[key] = true
			p.provider, p.fees, p.creator = p.provider+m[0].Minor, p.fees-m[0].Minor+m[1].Minor, p.creator-m[1].Minor
			p.moved += max(m[0].Minor, -m[0].Minor)
		}
		o.Refunded, o.RefundedNet, o.Disputed, o.DisputedNet = b.refunded[i], net, b.disputed[i], both.Sub(net)
		if o.Remaining().Minor < 0 || o.RefundedNet.Minor < 0 || o.Refunded.Add(o.Disputed).Minor > o.Total.Minor {
			return fmt.Errorf("%s: %+v", cause, *o)
		}
	}
	return nil
}

// truth is what stays taken in the end, by refunds that did not fail and disputes that were not given again.
func (s trueStory) truth() (refunded, disputed, moved int64) {
	for _, line := range s.refunds {
		if end := line[len(line)-1]; end.State != payments.RefundFailed {
			refunded += end.Amount.Minor
		}
	}
	for _, line := range s.disputes {
		end := line[len(line)-1]
		disputed += end.Withdrawn.Minor - end.Reinstated.Minor
		moved += end.Withdrawn.Minor + end.Reinstated.Minor
	}
	return refunded, disputed, moved
}

// Refunds and disputes of a payment over one to three orders, told in any order and some twice: each moves its money once
// each way, no fact is booked twice, and two tellings of one story end in the same book.
func TestInvariant13RefundsAndDisputesInAnyOrder(t *testing.T) {
	n := 10_000
	switch {
	case os.Getenv("VITRINE_AUDIT") == "1":
		n = 1_000_000
	case testing.Short():
		n = 500
	}
	seed := rand.Uint64()
	if v, err := strconv.ParseUint(os.Getenv("VITRINE_SEED"), 10, 64); err == nil {
		seed = v
	}
	r := rand.New(rand.NewPCG(seed, 13))
	for i := range n {
		s := drawStory(r)
		refunded, disputed, moved := s.truth()
		var ends [2]*paper
		for k := range ends {
			p := newPaper(s)
			for _, x := range s.tellings(r) {
				if err := p.hear(x); err != nil {
					t.Fatalf("VITRINE_SEED=%d, history %d: %v", seed, i, err)
				}
			}
			if p.provider != refunded+disputed || p.provider+p.fees+p.creator != 0 {
				t.Fatalf("VITRINE_SEED=%d, history %d: the provider took %d, want %d and %d; fees %d, creator %d", seed, i, p.provider, refunded, disputed, p.fees, p.creator)
			}
			if len(s.refunds) == 0 && p.moved > moved {
				t.Fatalf("VITRINE_SEED=%d, history %d: %d went to and fro, the bank moved %d", seed, i, p.moved, moved)
			}
			ends[k] = p
		}
		for k, o := range ends[0].orders {
			if other := ends[1].orders[k]; o.Refunded != other.Refunded || o.Disputed != other.Disputed || o.Remaining() != other.Remaining() ||
				refunded+disputed == 0 && o.Remaining() != o.Net {
				t.Fatalf("VITRINE_SEED=%d, history %d: %+v and %+v", seed, i, o, other)
			}
		}
	}
}
