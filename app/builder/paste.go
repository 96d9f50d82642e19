package builder

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"path"
	"strings"
	"time"

	"golang.org/x/net/html"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/fetch"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/storefronts"
)

// Pages reads the public web.
type Pages interface {
	HTML(ctx context.Context, url string) (fetch.Page, error)
	Picture(ctx context.Context, url string, most int64) ([]byte, error)
}

// calendars are hosts where time is booked; what ends in a dot and one of them is, too.
var calendars = []string{"cal.com", "calendly.com", "calendar.app.google", "calendar.google.com", "savvycal.com", "zcal.co", "tidycal.com", "koalendar.com", "doodle.com",
	"youcanbook.me", "acuityscheduling.com", "setmore.com", "simplybook.it", "simplybook.me", "book.squareup.com", "meetings.hubspot.com", "outlook.office365.com", "appointlet.com"}

// Guess makes the block that fits what somebody pasted best: an address becomes what it leads to, anything else
// is a text.
func Guess(pasted string) (Kind, Props) {
	s := strings.TrimSpace(pasted)
	u, ok := addressIn(s)
	if !ok {
		return Text, Props{Text: s}
	}
	if _, err := player(u, films); err == nil {
		return Video, Props{URL: u}
	}
	if _, err := player(u, others); err == nil {
		return Embed, Props{URL: u}
	}
	if p, err := url.Parse(u); err == nil && p.Scheme == "https" {
		for _, h := range calendars {
			if host := "." + p.Hostname(); strings.HasSuffix(host, "."+h) {
				return Scheduler, Props{Title: scheduler.first.Title, Button: scheduler.first.Button, URL: u}
			}
		}
		switch strings.ToLower(path.Ext(p.Path)) {
		case ".jpg", ".jpeg", ".png", ".webp", ".gif":
			return Image, Props{URL: u}
		}
	}
	return Link, Props{Title: nameOfHost(u), URL: u}
}

// addressIn is the address that a text is, all of it.
func addressIn(s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "http://"); ok {
		s = "https://" + rest
	}
	if strings.ContainsAny(s, " \n\t") || !strings.ContainsAny(s, ".") || strings.HasSuffix(s, ".") {
		return "", false
	}
	u, err := CheckLink(s)
	return u, err == nil
}

// Lookup fetches what a pasted address shows: the title of a page, or a picture.
type Lookup struct {
	User  id.User
	Shop  id.Shop
	Block id.Block
}

func (Lookup) Kind() string { return "builder:lookup" }

// Lookups registers what looks at pasted addresses.
func (s *Service) Lookups(reg *job.Registry) {
	job.Handle(reg, job.Spec{Timeout: time.Minute, Attempts: 3}, s.lookup)
}

func pasteGroup(b id.Block) string { return "paste-" + b.String() }

// Paste adds the block that fits what was pasted. Its title or picture comes later, and is the same step of undo.
func (s *Service) Paste(ctx context.Context, who storefronts.Who, block id.Block, pasted string, after id.Block) (Block, error) {
	if strings.TrimSpace(pasted) == "" {
		return Block{}, errs.Field("pasted", "Paste an address or write a sentence.")
	}
	kind, props := Guess(pasted)
	if kind == Image && s.Pages == nil {
		kind, props = Link, Props{Title: nameOfHost(props.URL), URL: props.URL}
	}
	var out Block
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		if r, err := findBlock(ctx, tx, who, block); err == nil { // asked twice
			out, err = r.block()
			return err
		}
		if kind == Image {
			u, _ := url.Parse(props.URL)
			f, err := s.Pictures.Reserve(ctx, tx, who.User, path.Base(u.Path))
			if err != nil {
				return err
			}
			props.Pictures = []Picture{{File: f.ID}}
		}
		err := s.Apply(ctx, tx, who, Proposal{Verb: "pasted a block", Group: pasteGroup(block), After: after, Blocks: []Proposed{{ID: block, Kind: kind, Props: props}}})
		if err != nil {
			return err
		}
		if out, err = s.Block(ctx, tx, who, block); err != nil || s.Pages == nil || kind != Image && (kind != Link || strings.HasPrefix(props.URL, "mailto:")) {
			return err
		}
		return job.Enqueue(ctx, tx, Lookup{who.User, who.Shop, block}, job.On(job.Slow), job.Key("builder:lookup:"+block.String()))
	})
	return out, err
}

// lookup fetches once. A block that has been changed meanwhile is left as it is, and a page that says nothing leaves
// the name of its host.
func (s *Service) lookup(ctx context.Context, t Lookup) error {
	who := storefronts.Who{User: t.User, Shop: t.Shop}
	b, err := s.Block(ctx, s.DB, who, t.Block)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case b.Kind == Image && len(b.Props.Pictures) == 1:
		return s.fetchPicture(ctx, who, b)
	case b.Kind == Link && b.Props.Title == nameOfHost(b.Props.URL):
		return s.fetchTitle(ctx, who, b)
	}
	return nil
}

func (s *Service) fetchPicture(ctx context.Context, who storefronts.Who, b Block) error {
	file := b.Props.Pictures[0].File
	raw, err := s.Pages.Picture(ctx, b.Props.URL, files.MaxImage)
	if err == nil {
		return s.Pictures.Fill(ctx, who.User, file, raw)
	}
	if errs.KindOf(err) == errs.Internal {
		return err
	}
	slog.InfoContext(ctx, "pasted picture not fetched", "block", b.ID.String(), "err", err)
	return s.Pictures.Abort(ctx, who.User, file)
}

func (s *Service) fetchTitle(ctx context.Context, who storefronts.Who, b Block) error {
	page, err := s.Pages.HTML(ctx, b.Props.URL)
	if err != nil {
		if errs.KindOf(err) == errs.Internal {
			return err
		}
		slog.InfoContext(ctx, "pasted address not read", "block", b.ID.String(), "err", err)
		return nil
	}
	title := []rune(storefronts.Line(titleOf(page.HTML)))
	if len(title) == 0 {
		return nil
	}
	if len(title) > 80 {
		title = append(title[:79:79], '…')
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := s.Shops.Lock(ctx, tx, who); err != nil {
			return err
		}
		now, err := s.Block(ctx, tx, who, b.ID)
		if err != nil || now.V != b.V {
			return err
		}
		now.Props.Title = string(title)
		return s.Revise(ctx, tx, who, "pasted a block", pasteGroup(b.ID), []Proposed{{ID: b.ID, Kind: b.Kind, Props: now.Props, Hidden: now.Hidden}})
	})
	if errs.Is(err, errs.NotFound) { // removed meanwhile
		return nil
	}
	return err
}

// titleOf is what a page calls itself: to those who share it, or in its title.
func titleOf(page []byte) (title string) {
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return title
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			name, _ := attr(t, "property")
			switch {
			case t.Data == "meta" && name == "og:title":
				if c, _ := attr(t, "content"); strings.TrimSpace(c) != "" {
					return c
				}
			case t.Data == "title" && title == "" && z.Next() == html.TextToken:
				title = z.Token().Data
			case t.Data == "body":
				return title
			}
		}
	}
}
