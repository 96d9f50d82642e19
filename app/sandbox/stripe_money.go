package sandbox

import "time"

const clearing = 2 * 24 * time.Hour

// book writes a balance transaction and answers its id. It counts at once where nothing else is said.
func (st *Stripe) book(t *tx, x txn) string {
	x.ID, x.Created = newID("txn"), t.now.Unix()
	if x.AvailableOn == 0 {
		x.AvailableOn = x.Created
	}
	put(t, st.txns, x.ID, x)
	return x.ID
}

// counts reports whether a transaction is part of the available balance. A payout is gone as soon as it is made.
func (x txn) counts(now int64) bool { return x.AvailableOn <= now || x.Type == "payout" }

// purses are an account's balances by currency; account "" is the platform.
func (st *Stripe) purses(account string, now int64) map[string]Balance {
	out := map[string]Balance{}
	for _, x := range st.txns.rows {
		if x.Account != account {
			continue
		}
		b := out[x.Currency]
		b.Currency = x.Currency
		if x.counts(now) {
			b.Available += x.Amount - x.Fee
		} else {
			b.Pending += x.Amount - x.Fee
		}
		out[x.Currency] = b
	}
	return out
}

// bookCharge books what a buyer paid: it is pending for two days, but for the test card whose money is there at once.
func (st *Stripe) bookCharge(t *tx, c charge) string {
	at := t.now.UTC().Add(clearing).Truncate(24 * time.Hour).Unix()
	if c.Method.Kind == "card" && c.Method.card().AtOnce {
		at = t.now.Unix()
	}
	kind, label := "charge", "Stripe processing fees"
	if c.Method.Kind != "card" {
		kind = "payment"
	}
	return st.book(t, txn{Amount: c.Amount, Fee: feeFor(c.Method.Kind, c.Currency, c.Amount), FeeLabel: label, Currency: c.Currency,
		Type: kind, Category: "charge", Source: c.ID, Description: c.Data.Description, AvailableOn: at})
}

// Clear makes all pending money available now, without moving the clock, and answers how many balance transactions
// that were.
func (st *Stripe) Clear() (n int, err error) {
	err = st.do(func(t *tx) error {
		for _, id := range st.txns.order {
			x := st.txns.rows[id]
			if x.counts(t.now.Unix()) {
				continue
			}
			n++
			x.AvailableOn = t.now.Unix()
			put(t, st.txns, id, x)
		}
		return nil
	})
	return n, err
}

func (st *Stripe) shapeBalance(account string) obj {
	now := st.srv.Now().Unix()
	pending, available := map[string]map[string]int64{}, map[string]map[string]int64{}
	order := []string{}
	add := func(m map[string]map[string]int64, cur, kind string, n int64) {
		if m[cur] == nil {
			m[cur] = map[string]int64{}
		}
		m[cur][kind] += n
	}
	for _, id := range st.txns.order {
		x, ok := st.txns.rows[id]
		if !ok || x.Account != account {
			continue
		}
		if pending[x.Currency] == nil {
			order = append(order, x.Currency)
			add(pending, x.Currency, "card", 0)
			add(available, x.Currency, "card", 0)
		}
		kind := "card"
		if account == "" && (x.Type == "payment" || x.Type == "payment_refund" || x.Type == "payment_failure_refund") {
			kind = "bank_account"
		}
		if x.counts(now) {
			add(available, x.Currency, kind, x.Amount-x.Fee)
		} else {
			add(pending, x.Currency, kind, x.Amount-x.Fee)
		}
	}
	if len(order) == 0 {
		cur := orElse(st.accounts.rows[account].Currency, "eur")
		order = []string{cur}
		add(pending, cur, "card", 0)
		add(available, cur, "card", 0)
	}
	rows := func(m map[string]map[string]int64) []obj {
		out := []obj{}
		for _, cur := range order {
			sum := int64(0)
			for _, n := range m[cur] {
				sum += n
			}
			out = append(out, obj{"amount": sum, "currency": cur, "source_types": m[cur]})
		}
		return out
	}
	return obj{"object": "balance", "available": rows(available), "pending": rows(pending), "livemode": false}
}
