package orders

import "vitrine/app/id"

// What other processes hear: a name and the shop's id.
const (
	EventPaid     = "orders.paid"
	EventRefunded = "orders.refunded"
)

// SendReceipt mails the buyer the receipt with the order's link. Enqueued with the sale, once an order.
type SendReceipt struct {
	Order id.Order `json:"order"`
	Cause string   `json:"cause,omitempty"` // empty for the first
}

func (SendReceipt) Kind() string { return "orders:receipt" }

// SendSale tells the creator about a sale. Enqueued with the sale, once an order, not for tests.
type SendSale struct {
	Order id.Order `json:"order"`
}

func (SendSale) Kind() string { return "orders:sale" }

// SendRefund tells the buyer that money is on its way back. Enqueued with the refund, once for each.
type SendRefund struct {
	Order    id.Order `json:"order"`
	Refunded int64    `json:"refunded"` // cumulative, in minor units
}

func (SendRefund) Kind() string { return "orders:refund" }

// Watch looks at a checkout whose time is over: paid, or given up. Agreed: its buyer has agreed to pay, and the
// provider leaves it to us to take the money.
type Watch struct {
	Checkout id.Checkout `json:"checkout"`
	Agreed   bool        `json:"agreed,omitempty"`
}

func (Watch) Kind() string { return "checkouts:watch" }
