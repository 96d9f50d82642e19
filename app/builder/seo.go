package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"vitrine/app/card"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/palette"
	"vitrine/app/products"
	"vitrine/app/storefronts"
	"vitrine/views/text"
)

// How much of a title and a description others show.
const (
	titleRunes       = 65
	descriptionRunes = 160
)

// headTitle is the name of a page below a shop's with the shop's, both within what others show: the shop's is kept
// whole if it takes less than half.
func headTitle(page, shop string) string {
	left := titleRunes - min(utf8.RuneCountInString(shop), titleRunes/2) - 2
	return clip(page, left) + ", " + clip(shop, titleRunes/2)
}

// clip shortens a text to n characters, at a word's end if there is one near.
func clip(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	cut := string(r[:n-1])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)*2/3 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,.;:-") + "…"
}

// homeDescription says what a shop is when its header does not.
func homeDescription(ctx context.Context, sh Shown, offers []products.Offer) string {
	var names []string
	for _, o := range offers[:min(len(offers), 3)] {
		names = append(names, o.Name)
	}
	if names == nil {
		return text.T(ctx, "The window of %s.", sh.Name)
	}
	return text.T(ctx, "The window of %s: %s.", sh.Name, strings.Join(names, ", "))
}

// sign is what a card shows, and what its address is made of: as long as nothing of it changes, the address does not.
type sign struct {
	Shop    id.Shop
	Product id.Product // zero: the shop's own card
	Look    storefronts.Look
	Name    string
	Else    string
	Line    string
	Price   string
	Address string
	Picture string // its address; empty for none
}

func homeSign(sh Shown, name, line string, offers []products.Offer) *sign {
	s := signOf(sh)
	s.Name, s.Line = name, line
	for _, o := range offers {
		if s.Picture = cardPicture(o.Cover); s.Picture != "" {
			break
		}
	}
	return s
}

func productSign(sh Shown, p products.PublicPage) *sign {
	s := signOf(sh)
	s.Product, s.Name, s.Line, s.Price, s.Picture = p.Product, p.Title, p.Description, p.Price, cardPicture(p.Cover)
	return s
}

func signOf(sh Shown) *sign {
	l := sh.Content.Look.Whole()
	_, address, _ := strings.Cut(sh.URL, "://")
	return &sign{Shop: sh.ID, Else: "@" + sh.Slug, Address: address, Look: storefronts.Look{Theme: l.Theme, BrandColor: l.BrandColor, HeaderStyle: l.HeaderStyle}}
}

// cardPicture is the smallest source that fills a card's frame, or else the largest.
func cardPicture(p files.Picture) string {
	const enough = 533
	url, width := "", 0
	for _, s := range p.Sources {
		if s.Format != "jpeg" && s.Format != "png" {
			continue
		}
		if url == "" || width < enough && s.Width > width || s.Width >= enough && s.Width < width {
			url, width = s.URL, s.Width
		}
	}
	return url
}

// file is the name under which a card is kept for ever.
func (s *sign) file() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // ids and texts
	}
	sum := sha256.Sum256(append(b, card.Release...))
	head := "s" + s.Shop.String()
	if !s.Product.IsZero() {
		head = "p" + s.Product.String()
	}
	return head + "-" + hex.EncodeToString(sum[:8]) + ".jpg"
}

// card is the sign as package card draws it, but for its picture.
func (s *sign) card() card.Card {
	c := card.Card{Theme: card.Daylight, Awning: s.Look.HeaderStyle == "awning", Name: s.Name, Else: s.Else, Line: s.Line, Price: s.Price, Address: s.Address}
	switch s.Look.Theme {
	case "afterhours":
		c.Theme = card.Afterhours
	case "house":
		if th, err := palette.House(s.Look.BrandColor, false); err == nil {
			c.Theme = th
		}
	}
	return c
}
