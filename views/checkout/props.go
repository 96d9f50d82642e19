// Package checkout draws the page before the payment and the one after it.
package checkout

// Line is one product of the basket.
type Line struct {
	Name, Note, Amount string
}

// Hidden is a field that the form carries along.
type Hidden struct{ Name, Value string }

// FormProps is the checkout page.
type FormProps struct {
	Title    string // what is bought, in a few words
	Note     string // how many, from whom
	Lines    []Line
	Total    string
	Free     bool
	PayPal   bool // can be paid there, too
	Hidden   []Hidden
	Email    string
	Consent  bool
	Errors   map[string]string
	Refusal  string // why it could not go on, for no field
	News     string // what happened at the provider's page
	GoOn     string // the provider's page that still waits, or empty
	Shop     string // name of the seller, or of the first
	ShopURL  string
	Owner    bool   // the seller, who may try the shop
	TestOnly string // why nobody but the owner can order this; then only a test is offered
	Fixed    bool   // it can only be paid as it is: no form
}

// RefusedProps is what is shown when nothing can be bought here, with the reason.
type RefusedProps struct {
	Title, Reason, Label, Href string
}

// WaitingProps is the page while the provider has not said yet.
type WaitingProps struct {
	Shop, Email string
	Patient     bool // it has taken long: the mail will come
	Href        string
}

// PaidProps lists the orders of a checkout that covers several.
type PaidProps struct{ Orders []Paid }

// Paid is one of them.
type Paid struct{ ID, Shop, Note, Amount, Href string }
