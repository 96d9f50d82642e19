// Package storefronts draws what visitors see around the blocks of a shop, and how a shop is opened and set up.
package storefronts

import (
	"github.com/a-h/templ"

	"vitrine/views/blocks"
	"vitrine/views/ui"
)

// HomeProps is a shop's front page.
type HomeProps struct {
	Name     string
	Header   *blocks.HeaderProps // also in Sections, where it stands
	Sections []Section
	Closed   *ClosedProps
}

// Section is one of a header, products side by side, links below each other, or another block.
type Section struct {
	Header  *blocks.HeaderProps
	Lots    []blocks.LotProps
	Heading string // above the products
	Closed  bool   // the products after these stand in a window of their own
	Links   []blocks.LinkProps
	Body    templ.Component
}

// AddLot puts a product beside the one before it, or begins a new window.
func AddLot(s []Section, l blocks.LotProps) []Section {
	if n := len(s); n > 0 && s[n-1].Lots != nil && !s[n-1].Closed {
		s[n-1].Lots = append(s[n-1].Lots, l)
		return s
	}
	return append(s, Section{Lots: []blocks.LotProps{l}})
}

// AddLink puts a link below the one before it, or begins a new list.
func AddLink(s []Section, l blocks.LinkProps) []Section {
	if n := len(s); n > 0 && s[n-1].Links != nil {
		s[n-1].Links = append(s[n-1].Links, l)
		return s
	}
	return append(s, Section{Links: []blocks.LinkProps{l}})
}

// Buy leaves the button to products that stand alone; those in company are chosen first, on their own page.
func (h *HomeProps) Buy() {
	for _, s := range h.Sections {
		if len(s.Lots) > 1 {
			for i := range s.Lots {
				s.Lots[i].Buy = ""
			}
		}
	}
}

// bare reports whether there is nothing but the header.
func (h HomeProps) bare() bool {
	for _, s := range h.Sections {
		if s.Header == nil {
			return false
		}
	}
	return true
}

// ClosedProps says that a shop is closed.
type ClosedProps struct{ Name, Reason, Since string }

// GoneProps is a page of a shop that is not there.
type GoneProps struct{ Shop, URL string }

// NoShopProps is an address without a shop.
type NoShopProps struct{ Slug, AppURL string }

// StartProps is the form that opens a shop.
type StartProps struct {
	Another              bool // one more, from inside the app
	Name, Slug, Currency string
	Prefix               string // before the slug
	Currencies           []ui.Option
	Others               []string // addresses that are free
	Errors               map[string]string
}

// AddressProps is the address a person is about to choose.
type AddressProps struct {
	Prefix, Slug string
	Free         bool
	Error        string
	Others       []string
	Whole        bool
}

// SettingsProps is the shop's settings.
type SettingsProps struct {
	Name, Slug, Prefix, URL string
	Published               bool
	Currencies              []ui.Option
	Closed                  bool
	Reason, Since           string
	Errors                  map[string]string
	Shops                   []ShopRow // all of the creator's
	Deleted                 []ShopRow // those that can be brought back
	Room                    bool      // for another one
}

// ShopRow is one of a creator's shops.
type ShopRow struct {
	ID, Name, Address string
	Current           bool
	Until             string // when a deleted one cannot be brought back any more
}

// DeleteProps asks before a shop is deleted.
type DeleteProps struct {
	ID, Name, Address, Typed, Error string
	Regret, Kept                    int // days
}

func (p StartProps) action() string {
	if p.Another {
		return "/app/shops"
	}
	return "/start"
}
