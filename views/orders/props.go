// Package orders draws what was bought: for buyers, for creators, and in mails.
package orders

import (
	"github.com/a-h/templ"

	"vitrine/views/ui"
)

// File is one download of an order.
type File struct {
	ID, Name, Note string // Note: "PDF, 3.4 MB"
	Action         string
	Closed         string // why it cannot be had now, or empty
}

// BuyerProps is the page behind the link in the receipt.
type BuyerProps struct {
	Title      string // "Thank you", "Waiting for your payment", …
	Lead       string
	State      ui.Pill
	Test       bool
	News       string // an answer to what was just done
	Trouble    string // why it could not be done
	Files      []File
	NoFiles    string // said when there are none
	Lines      []ui.Line
	LinesTitle string
	Help       string
	Facts      []Fact
	Consent    string
	Shop       string
	ShopURL    string
	Resend     string // where the form posts to; empty when there is nothing to send
	Email      string
	Again      string // back to buying, when nothing came of it
	Refund     string // where a refund can be asked for; empty when it cannot
}

// Fact is a label with its value.
type Fact struct{ Label, Value, Href string }

// LibraryAskProps is /my before it is known who asks.
type LibraryAskProps struct {
	Email, Error, Refusal string
	Sent                  bool
}

// LibraryProps is everything bought with an address.
type LibraryProps struct {
	Email, Until string
	Rows         []ui.Row
}

// IndexProps is the creator's list.
type IndexProps struct {
	Filter, Search string
	Filters        []ui.Option
	Hrefs          []string
	List           ListProps
}

// ListProps is the part of the list that changes with filter and search.
type ListProps struct {
	Rows               []ui.Row
	More               string
	EmptyTitle, Empty  string
	Icon               string
	Action, ActionHref string
	Count              string // read out after a search
}

// ShowProps is one order as its creator sees it.
type ShowProps struct {
	Title     string
	State     ui.Pill
	Test      bool
	When      string
	Lines     []ui.Line
	Money     []ui.Line
	Buyer     []Fact
	Timeline  []Moment
	Provider  []Fact
	BuyerPage string
	Receipt   ReceiptProps
	Panels    []templ.Component // of other features
}

// Moment is one line of a timeline.
type Moment struct{ Label, When, Tone string }

// ReceiptProps is the part that sends the receipt again.
type ReceiptProps struct{ Action, News, Trouble string }

// MailProps is a mail about an order: what both of its forms say.
type MailProps struct {
	Title, Preview string
	Paragraphs     []string
	Lines          []ui.Line
	Button, Href   string
	After          []string // below the button
	Footer         string
}
