package sandbox

import "time"

const clearing = 2 * 24 * time.Hour

// book writes a balance transaction and answers its id. The money of charges is pending for two days.
func (st *Stripe) book(t *tx, x txn) string {
	x.ID, x.Created = newID("txn"), t.now.Unix()
	x.AvailableOn = x.Created
	if x.Category == "charge" {
		x.AvailableOn = t.now.UTC().Add(clearing).Truncate(24 * time.Hour).Unix()
	}
	put(t, st.txns, x.ID, x)
	return x.ID
}

func (st *Stripe) bookCharge(t *tx, c charge) string {
	kind, label := "charge", "Stripe processing fees"
	if c.Method.Kind != "card" {
		kind = "payment"
	}
	return st.book(t, txn{Amount: c.Amount, Fee: feeFor(c.Method.Kind, c.Currency, c.Amount), FeeLabel: label, Currency: c.Currency,
		Type: kind, Category: "charge", Source: c.ID, Description: c.Data.Description})
}

func (st *Stripe) shapeBalance() obj {
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
		if !ok {
			continue
		}
		if pending[x.Currency] == nil {
			order = append(order, x.Currency)
			add(pending, x.Currency, "card", 0)
			add(available, x.Currency, "card", 0)
		}
		kind := "card"
		if x.Type == "payment" || x.Type == "payment_refund" || x.Type == "payment_failure_refund" {
			kind = "bank_account"
		}
		if x.AvailableOn <= now {
			add(available, x.Currency, kind, x.Amount-x.Fee)
		} else {
			add(pending, x.Currency, kind, x.Amount-x.Fee)
		}
	}
	if len(order) == 0 {
		order = []string{"eur"}
		add(pending, "eur", "card", 0)
		add(available, "eur", "card", 0)
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
