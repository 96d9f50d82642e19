// Package layout frames pages: the creator app, signing in, buying, plain pages, shops and mails.
package layout

import "github.com/a-h/templ"

// Page is what a frame on the app host shows around the main part. The web layer fills Person, Flash, Path
// and the addresses; a handler gives the rest.
type Page struct {
	Title       string // "Orders"; the frame adds the product's name
	Description string
	Section     string // which tab is current: today, orders, window, products, you
	Back        string // where the arrow at the top leads, one level up; empty for none
	NoIndex     bool
	Wide        bool            // uses the room of a large screen
	Builder     bool            // loads the builder's island; the dock replaces the tabs
	Upload      bool            // loads the upload island
	Live        string          // address of the event stream the page listens to; empty for none
	Refresh     int             // seconds after which the page loads itself again, for browsers without script
	HeadLinks   []string        // further stylesheets
	Bar         templ.Component // right side of the top bar

	Shell func(Page) templ.Component // Creator, Auth, Checkout or Plain

	Flash    string
	AsOf     string // the hour it was made at, for when it is seen without a connection
	Path     string
	AppURL   string
	InboxURL string // only on a developer's machine
	Person   Person
	Bare     bool // no stylesheet: an error page on another host
}

// Person is who is signed in, as the frame shows them. ID is empty for nobody; it tells people apart on one device
// and says nothing else about them.
type Person struct{ ID, Name, ShopName, ShopURL string }

// ProblemProps is an error page's main part.
type ProblemProps struct {
	Status                    int
	Title, Message, Reference string
	Home                      string
}

// ShopPage is the frame of a public page on the shop host: no script, no cookie, one inline style.
type ShopPage struct {
	Title, Description, Canonical, SiteName string
	NoIndex                                 bool
	OGType                                  string
	Image, ImageAlt                         string
	ImageWidth, ImageHeight                 int
	FeedURL                                 string // without its ending; empty for none
	JSONLD                                  string // JSON without any "<"
	Theme                                   string // daylight, afterhours, house
	ThemeColor                              string
	Style                                   string // exactly this text is in the page's <style>; its hash goes into the policy
	FontURL                                 string
	IconURL                                 string
	StyleURL                                string // a second stylesheet, or empty
	Look                                    string // classes of what the page wears beside its theme
	PlainHeader                             bool   // no awning
	ShopURL, ShopName                       string
	HomeLink                                bool // the page is below the shop's front page
	AppURL                                  string
	Bar                                     templ.Component // sticky bar under the page, or nil
}

// MailPage is the frame of a mail. Text parts are written beside it by the feature.
type MailPage struct {
	Title, Preview, Footer string
}

// tab is one of the five places of the creator app.
type tab struct{ id, href, label, icon string }

func tabs() []tab {
	return []tab{
		{"today", "/app/today", "Today", "today"}, {"orders", "/app/orders", "Orders", "bag"}, {"window", "/app/window", "Window", "window"},
		{"products", "/app/products", "Products", "tag"}, {"you", "/app/you", "You", "you"},
	}
}
