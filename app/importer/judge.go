package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/importer/source"
	"vitrine/app/money"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// verdict is what can become of one record. The list that its owner chooses from and the transaction that takes it
// go by the same ones.
type verdict struct {
	Can    bool
	Update bool // it is here already and says something else now
	On     bool // chosen unless its owner wants it otherwise
	Notes  []source.Note
	Why    source.Note // when it cannot come

	amount  money.Amount
	embed   bool // the frame can be shown
	block   id.Block
	product id.Product
}

// ground is what verdicts depend on beside the records.
type ground struct {
	shop   storefronts.Shop
	blocks []builder.Block
	live   map[id.Block]bool
	known  map[string]knownRow
	goods  map[id.Product]bool // not archived
	people map[string]bool
	some   bool // something of the source is in the window
}

func note(text string, args ...string) source.Note { return source.Note{Text: text, Args: args} }

func (s *Service) ground(ctx context.Context, q db.Q, who storefronts.Who, set source.Set) (ground, error) {
	g := ground{live: map[id.Block]bool{}, known: map[string]knownRow{}, people: map[string]bool{}}
	var err error
	if g.shop, err = s.Shops.Mine(ctx, q, who); err != nil {
		return g, err
	}
	if g.blocks, err = s.Window.Blocks(ctx, q, who); err != nil {
		return g, err
	}
	for _, b := range g.blocks {
		g.live[b.ID] = true
	}
	rows, err := listKnown(ctx, q, who, set.Scope)
	if err != nil {
		return g, fmt.Errorf("read what was brought before: %w", err)
	}
	for _, r := range rows {
		g.known[r.Key] = r
		g.some = g.some || g.live[r.Block]
	}
	var brought []id.Product
	for _, r := range rows {
		if !r.Product.IsZero() {
			brought = append(brought, r.Product)
		}
	}
	if g.goods, err = s.Goods.Kept(ctx, q, seller(who, g.shop), brought); err != nil {
		return g, err
	}
	var emails []string
	for _, r := range set.Records {
		if r.Email != "" && r.Out == nil {
			emails = append(emails, r.Email)
		}
	}
	if len(emails) > 0 {
		have, err := listPeople(ctx, q, who, emails)
		if err != nil {
			return g, err
		}
		for _, e := range have {
			g.people[strings.ToLower(e)] = true
		}
	}
	return g, nil
}

func seller(who storefronts.Who, sh storefronts.Shop) products.Who {
	return products.Who{User: who.User, Shop: who.Shop, Currency: sh.Currency}
}

// printOf is by what a record is known to have changed.
func printOf(r source.Record) string {
	h := sha256.Sum256([]byte(strings.Join([]string{r.Title, r.Text, r.URL, r.By, r.Price, r.Currency}, "\x00")))
	return hex.EncodeToString(h[:16])
}

func (g ground) judge(r source.Record) verdict {
	v := verdict{Notes: slices.Clone(r.Notes), On: !r.Off}
	if r.Out != nil {
		v.Why = *r.Out
		return v
	}
	if g.people[r.Email] && r.Kind == source.Person {
		v.Why = note("They are in your audience already.")
		return v
	}
	if !g.check(r, &v) {
		return v
	}
	k, known := g.known[r.Key]
	here := known && g.live[k.Block]
	if r.Kind == source.Product {
		here = known && g.goods[k.Product]
	}
	switch {
	case here && k.Print == printOf(r):
		v.Why = note("It is here already, and nothing about it has changed.")
		return v
	case here:
		v.Update, v.block, v.product = true, k.Block, k.Product
		v.Notes = append(v.Notes, note("It has changed where it comes from. What is here says the same as there again."))
	case known:
		v.On = v.On && !g.some
		v.Notes = append(v.Notes, note("You brought it before and took it out since."))
	}
	v.Can = true
	return v
}

// check finds out what a record becomes here, and whether that passes the checks of what people type.
func (g ground) check(r source.Record, v *verdict) bool {
	shorten := func(s string, n int) {
		if utf8.RuneCountInString(s) > n {
			v.Notes = append(v.Notes, note("Shortened to %s characters.", strconv.Itoa(n)))
		}
	}
	switch r.Kind {
	case source.Product:
		return g.checkProduct(r, v)
	case source.Name, source.Heading:
		shorten(r.Title, 80)
	case source.Link:
		shorten(r.Title, 80)
		if utf8.RuneCountInString(r.Text) > 40 {
			v.Notes = append(v.Notes, note("Only the beginning of its text fits beside a link."))
		}
	case source.Text, source.Bio:
		shorten(r.Text, 3000)
	case source.Quote:
		shorten(r.Text, 500)
	case source.Question:
		shorten(r.Title, 150)
		shorten(r.Text, 1000)
		if r.Title == "" || r.Text == "" {
			v.Why = note("It has no question, or no answer.")
			return false
		}
	case source.Avatar:
		v.Notes = append(v.Notes, note("It stands below the header as a picture."))
	case source.Embed, source.Video:
		k := builder.Embed
		if r.Kind == source.Video {
			k = builder.Video
		}
		_, err := builder.CheckProps(k, builder.Props{URL: r.URL})
		if v.embed = err == nil; !v.embed {
			v.Notes = append(v.Notes, note("It became a link: what is at this address cannot be shown inside your window."))
		}
	case source.Person:
		shorten(r.Title, 80)
	}
	if r.URL != "" && r.Kind != source.Product {
		if _, err := builder.CheckLink(r.URL); err != nil {
			v.Why = note("Its address cannot be used here: %s", r.URL)
			return false
		}
	}
	return true
}

func (g ground) checkProduct(r source.Record, v *verdict) bool {
	cur := g.shop.Currency
	if r.Currency != "" && !slices.Contains(strings.Fields(r.Currency), string(cur)) {
		v.Why = note("It costs %s, and your shop sells in %s. Prices are never converted.", r.Price+" "+strings.Fields(r.Currency)[0], string(cur))
		return false
	}
	a, err := money.Parse(priceOf(r, cur), cur)
	if err != nil {
		v.Why = note("Its price cannot be read: %s", r.Price)
		return false
	}
	v.amount = a
	if _, err := products.Readable(g.input(r, a), cur); err != nil {
		v.Why = note(strings.ReplaceAll(errs.Message(err), "%", "%%"))
		return false
	}
	if r.URL != "" {
		v.Notes = append(v.Notes, note("Its old address is not kept: here people buy it from you."))
	}
	if utf8.RuneCountInString(r.Title) > 120 {
		v.Notes = append(v.Notes, note("Shortened to %s characters.", "120"))
	}
	v.Notes = append(v.Notes, note("It begins as a draft: add its file, then put it on sale."))
	return true
}

// priceOf writes a price so that its decimal mark cannot be taken for one of thousands; empty when it could mean
// several amounts.
func priceOf(r source.Record, cur money.Currency) string {
	s, e := r.Price, cur.Exponent()
	points, commas := strings.Count(s, "."), strings.Count(s, ",")
	last := len(s) - 1 - strings.LastIndexAny(s, ".,")
	switch {
	case (points > 1 || commas > 1) && (points == 0 || commas == 0) && last != 3, points > 1 && commas > 1:
		return "" // the same mark for thousands and for cents
	case !r.Exact || points+commas != 1:
		return s
	}
	whole, cents, _ := strings.Cut(strings.ReplaceAll(s, ",", "."), ".")
	if cents = strings.TrimRight(cents, "0"); len(cents) > e {
		return ""
	}
	if e == 0 {
		return whole
	}
	return whole + "." + cents + strings.Repeat("0", e-len(cents))
}

// input is a product as its form would hold it.
func (g ground) input(r source.Record, a money.Amount) products.Input {
	name, _ := source.Cut(r.Title, 120)
	words, _ := source.Cut(r.Text, 20_000)
	alt, _ := source.Cut(r.Alt, 250)
	in := products.Input{Name: name, Description: words, Price: a.Decimal(), CoverAlt: alt}
	if n, err := strconv.Atoi(r.Left); err == nil && n >= 0 {
		in.Limited, in.Left = true, strconv.Itoa(min(n, 1_000_000))
	}
	return in
}
