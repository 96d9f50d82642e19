package sandbox

import "slices"

// transfer moves money from the platform's balance to a connected account's.
type transfer struct {
	ID          string            `json:"id"`
	Created     int64             `json:"created"`
	Amount      int64             `json:"amount"`
	Reversed    int64             `json:"reversed"`
	Currency    string            `json:"currency"`
	Destination string            `json:"destination"`
	Payment     string            `json:"payment"` // what it is on the other account
	Source      string            `json:"source,omitempty"`
	Group       string            `json:"group,omitempty"`
	Description string            `json:"description,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
	Txn         string            `json:"txn"`
	Available   int64             `json:"available"` // when the other account may use it
	Reversals   []string          `json:"reversals,omitempty"`
}

type reversal struct {
	ID       string            `json:"id"`
	Created  int64             `json:"created"`
	Transfer string            `json:"transfer"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Refund   string            `json:"refund"` // what it is on the other account
	Meta     map[string]string `json:"meta,omitempty"`
	Txn      string            `json:"txn"`
}

const poor = "Insufficient funds in Stripe account. In test mode, you can add funds to your available balance (bypassing your pending balance) by creating a charge with 4000 0000 0000 0077 as the card number. You can use the /v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance)."

func (st *Stripe) createTransfer(c *call) (obj, error) {
	tr := transfer{ID: newID("tr"), Created: c.t.now.Unix(), Payment: newID("py"), Currency: c.currency("currency")}
	n, ok := c.num("amount", 1, 1<<40)
	if !ok && c.n.kids["amount"] == nil {
		c.lacks("amount")
	}
	tr.Amount, tr.Destination, tr.Source = n, c.need("destination", 255), c.str("source_transaction")
	tr.Group, tr.Description, tr.Meta = c.text("transfer_group", 255), c.text("description", 1000), c.newMeta("metadata")
	c.enum("source_type", "bank_account", "card", "fpx")
	if err := c.done(); err != nil {
		return nil, err
	}
	a, e := st.ours(tr.Destination)
	switch {
	case e != nil:
		return nil, missingRef("destination", clip(tr.Destination), "destination")
	case a.capability("transfers") != "active":
		return nil, refused("destination", "insufficient_capabilities_for_transfer", "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments")
	}
	if err := st.fund(c.t, &tr); err != nil {
		return nil, err
	}
	tr.Txn = st.book(c.t, txn{Amount: -tr.Amount, Currency: tr.Currency, Type: "transfer", Category: "transfer", Source: tr.ID, Description: tr.Description, AvailableOn: tr.Available})
	st.book(c.t, txn{Account: a.ID, Amount: tr.Amount, Currency: tr.Currency, Type: "payment", Category: "charge", Source: tr.Payment, AvailableOn: tr.Available})
	put(c.t, st.transfers, tr.ID, tr)
	return st.shapeTransfer(tr), st.emit(c.t, "transfer.created", st.shapeTransfer(tr), nil)
}

// fund looks where a transfer's money comes from: what is available, or one charge, even while that is pending.
func (st *Stripe) fund(t *tx, tr *transfer) error {
	tr.Available = t.now.Unix()
	if tr.Source == "" {
		if st.purses("", t.now.Unix())[tr.Currency].Available < tr.Amount {
			return refused("", "balance_insufficient", "%s", poor)
		}
		return nil
	}
	ch, ok := st.charges.rows[tr.Source]
	switch {
	case !ok:
		return missingRef("charge", tr.Source, "source_transaction")
	case ch.Status != "succeeded":
		return refused("source_transaction", "", "The source_transaction charge %s has not succeeded.", ch.ID)
	case ch.Currency != tr.Currency:
		return refused("currency", "", "The currency of source_transaction's balance transaction (%s) must be the same as the transfer currency (%s)", ch.Currency, tr.Currency)
	}
	used := int64(0)
	for _, id := range st.transfers.order {
		if o := st.transfers.rows[id]; o.Source == ch.ID {
			used += o.Amount - o.Reversed
		}
	}
	if used+tr.Amount > ch.Amount {
		return refused("amount", "", "Transfers using this transaction as a source must not exceed the source amount of %s. (There is already a transfer using this source, amounting to a total of %s.)", format(ch.Amount, ch.Currency), format(used, ch.Currency))
	}
	tr.Available = max(tr.Available, st.txns.rows[ch.Txn].AvailableOn)
	tr.Group = orElse(tr.Group, orElse(ch.Data.Group, "group_"+ch.Intent))
	return nil
}

func (st *Stripe) findTransfer(c *call) (transfer, error) {
	tr, ok := st.transfers.rows[c.id]
	if !ok {
		return tr, missing("transfer", c.id, "transfer")
	}
	return tr, nil
}

func (st *Stripe) getTransfer(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	tr, err := st.findTransfer(c)
	if err != nil {
		return nil, err
	}
	return st.shapeTransfer(tr), nil
}

func (st *Stripe) updateTransfer(c *call) (obj, error) {
	meta, given := c.meta("metadata")
	description := c.text("description", 1000)
	if err := c.done(); err != nil {
		return nil, err
	}
	tr, err := st.findTransfer(c)
	if err != nil {
		return nil, err
	}
	before := obj{}
	if given {
		before["metadata"] = metaOf(tr.Meta)
		tr.Meta = mergeMeta(tr.Meta, meta)
	}
	if description != "" {
		before["description"] = null(tr.Description)
		tr.Description = description
	}
	put(c.t, st.transfers, tr.ID, tr)
	return st.shapeTransfer(tr), st.emit(c.t, "transfer.updated", st.shapeTransfer(tr), before)
}

func (st *Stripe) listTransfers(c *call) (obj, error) {
	pg, to, group := c.pages(), c.str("destination"), c.str("transfer_group")
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/transfers", "transfer", st.transfers.order, func(id string) bool {
		tr := st.transfers.rows[id]
		return pg.holds(tr.Created) && (to == "" || tr.Destination == to) && (group == "" || tr.Group == group)
	}, func(id string) obj { return st.shapeTransfer(st.transfers.rows[id]) })
}

func (st *Stripe) createReversal(c *call) (obj, error) {
	amount, given := c.num("amount", 1, 1<<40)
	meta := c.newMeta("metadata")
	c.text("description", 1000)
	c.refuse("refund_application_fee")
	if err := c.done(); err != nil {
		return nil, err
	}
	tr, err := st.findTransfer(c)
	if err != nil {
		return nil, err
	}
	left := tr.Amount - tr.Reversed
	switch {
	case left == 0:
		return nil, refused("", "", "Transfer %s is already fully reversed.", tr.ID)
	case given && amount > left:
		return nil, refused("amount", "", "Transfer reversal amount (%s) is greater than unreversed amount on transfer (%s)", format(amount, tr.Currency), format(left, tr.Currency))
	case !given:
		amount = left
	}
	has := st.purses(tr.Destination, c.t.now.Unix())[tr.Currency]
	if has.Available < amount && (tr.Available <= c.t.now.Unix() || has.Available+has.Pending < amount) {
		return nil, refused("", "balance_insufficient", "The connected account %s has insufficient funds to reverse %s of this transfer: %s is available.", tr.Destination, format(amount, tr.Currency), format(has.Available, tr.Currency))
	}
	return st.reverse(c.t, tr, reversal{ID: newID("trr"), Created: c.t.now.Unix(), Transfer: tr.ID, Amount: amount, Currency: tr.Currency, Refund: newID("pyr"), Meta: meta})
}

func (st *Stripe) reverse(t *tx, tr transfer, r reversal) (obj, error) {
	at := max(t.now.Unix(), tr.Available)
	r.Txn = st.book(t, txn{Amount: r.Amount, Currency: r.Currency, Type: "transfer_refund", Category: "transfer_reversal", Source: r.ID, AvailableOn: at, Description: "REFUND FOR TRANSFER"})
	st.book(t, txn{Account: tr.Destination, Amount: -r.Amount, Currency: r.Currency, Type: "payment_refund", Category: "refund", Source: r.Refund, AvailableOn: at, Description: "REFUND FOR PAYMENT"})
	before := obj{"amount_reversed": tr.Reversed, "reversed": false}
	tr.Reversed += r.Amount
	tr.Reversals = append(slices.Clone(tr.Reversals), r.ID)
	if tr.Reversed < tr.Amount {
		delete(before, "reversed")
	}
	put(t, st.reversals, r.ID, r)
	put(t, st.transfers, tr.ID, tr)
	return shapeReversal(r), st.emit(t, "transfer.reversed", st.shapeTransfer(tr), before)
}

func (st *Stripe) listReversals(c *call) (obj, error) {
	pg := c.pages()
	if err := c.done(); err != nil {
		return nil, err
	}
	tr, err := st.findTransfer(c)
	if err != nil {
		return nil, err
	}
	return cut(pg, "/v1/transfers/"+tr.ID+"/reversals", "transfer_reversal", tr.Reversals, func(id string) bool { return pg.holds(st.reversals.rows[id].Created) },
		func(id string) obj { return shapeReversal(st.reversals.rows[id]) })
}

func (st *Stripe) getReversal(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	r, ok := st.reversals.rows[c.sub]
	if !ok || r.Transfer != c.id {
		return nil, missing("transfer_reversal", c.sub, "id")
	}
	return shapeReversal(r), nil
}

func (st *Stripe) shapeTransfer(tr transfer) obj {
	var data []obj
	for i := len(tr.Reversals) - 1; i >= 0 && len(data) < 10; i-- {
		data = append(data, shapeReversal(st.reversals.rows[tr.Reversals[i]]))
	}
	return obj{"id": tr.ID, "object": "transfer", "amount": tr.Amount, "amount_reversed": tr.Reversed, "balance_transaction": tr.Txn, "created": tr.Created,
		"currency": tr.Currency, "description": null(tr.Description), "destination": tr.Destination, "destination_payment": tr.Payment, "livemode": false,
		"metadata": metaOf(tr.Meta), "reversals": listOf(data, len(tr.Reversals) > 10, "/v1/transfers/"+tr.ID+"/reversals"),
		"reversed": tr.Reversed == tr.Amount, "source_transaction": null(tr.Source), "source_type": "card", "transfer_group": null(tr.Group)}
}

func shapeReversal(r reversal) obj {
	return obj{"id": r.ID, "object": "transfer_reversal", "amount": r.Amount, "balance_transaction": r.Txn, "created": r.Created, "currency": r.Currency,
		"destination_payment_refund": r.Refund, "metadata": metaOf(r.Meta), "source_refund": nil, "transfer": r.Transfer}
}
