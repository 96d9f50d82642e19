package builder

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/views/text"
)

// The phone that weights are told for: 390 points wide with two pixels a point, on 1.6 Mb/s.
const (
	phonePoints = 390
	phonePixels = 2
	slowBytes   = 200_000 // a second
	budget      = time.Second
	remPoints   = 16
)

// Weight is what something costs a visitor.
type Weight struct{ Bytes int64 }

// Took is how long it takes on a slow phone.
func (w Weight) Took() time.Duration {
	return time.Duration(w.Bytes) * time.Second / slowBytes
}

func (w Weight) add(n int64) Weight { return Weight{w.Bytes + n} }

// Weights is what a draft would cost once it is published: each block with its pictures, what a visitor waits for
// before the page stands, and all of it. Nothing of another host is in it: that comes when it is asked for.
type Weights struct {
	Blocks map[id.Block]Weight
	First  Weight // the page with its style, and the pictures that are wanted at once
	Eager  Weight // those pictures alone
	Total  Weight
}

// Weigh draws the draft as visitors would get it, and weighs it.
func (f *Front) Weigh(ctx context.Context, d Draft) (Weights, error) {
	sh := Shown{Shop: d.Shop, Content: d.content(), URL: f.Shops.URL(d.Shop), At: f.DB.Now()}
	page, err := f.framed(ctx, sh, f.drawHome(ctx, sh, goods{offers: d.Offers, onSale: d.OnSale, pictures: d.Pictures}))
	if err != nil {
		return Weights{}, err
	}
	s := &scale{sizes: map[string]int64{}, blocks: map[string]*Weight{}}
	for _, p := range d.Pictures {
		s.know(p)
	}
	for _, o := range d.Offers {
		s.know(o.Cover)
	}
	w := Weights{Blocks: map[id.Block]Weight{}}
	for _, b := range d.Blocks {
		s.blocks[anchor(b.ID)] = &Weight{}
	}
	if err := s.weigh(page.Body); err != nil {
		return w, fmt.Errorf("weigh %s: %w", d.Shop.Slug, err)
	}
	for _, b := range d.Blocks {
		w.Blocks[b.ID] = *s.blocks[anchor(b.ID)]
	}
	w.Eager = Weight{s.eager}
	w.First = Weight{s.text + s.eager}
	w.Total = w.First.add(s.lazy)
	return w, nil
}

// Warnings are what its creator should know before publishing; none within the budget.
func (w Weights) Warnings(ctx context.Context) (out []Sentence) {
	if w.First.Took() <= budget {
		return nil
	}
	if w.Eager.Took() > budget/2 {
		return append(out, say("The picture at the top takes %s on a slow phone. Visitors wait for it: a simpler one comes sooner.", took(ctx, w.Eager.Took())))
	}
	return append(out, say("Your window takes %s to open on a slow phone. Fewer blocks open sooner.", took(ctx, w.First.Took())))
}

// sentence is what a visitor pays for the whole page.
func (w Weights) sentence(ctx context.Context) string {
	first := text.T(ctx, "Visitors get %s before the window stands, %s on a slow phone.", products.Size(w.First.Bytes), took(ctx, w.First.Took()))
	if w.Total == w.First {
		return first
	}
	return first + " " + text.T(ctx, "With all pictures further down it is %s.", products.Size(w.Total.Bytes))
}

// took is a time for people.
func took(ctx context.Context, d time.Duration) string {
	if d < 100*time.Millisecond {
		return text.T(ctx, "%d ms", max(d.Milliseconds(), 1))
	}
	return text.T(ctx, "%s s", strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
}

// scale reads a page from front to back.
type scale struct {
	sizes  map[string]int64 // of pictures, by path
	blocks map[string]*Weight

	out               counter
	zip               *flate.Writer
	now               *Weight // the block that is being read
	depth             int     // inside it
	sources           []html.Token
	text, eager, lazy int64
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) { c.n += int64(len(b)); return len(b), nil }

func (s *scale) know(p files.Picture) {
	for _, x := range p.Sources {
		s.sizes[pathOf(x.URL)] = x.Bytes
	}
}

// pathOf is an address without its host: pages of shops fetch pictures over their own.
func pathOf(u string) string {
	if i := strings.Index(u, "/m/"); i > 0 {
		return u[i:]
	}
	return u
}

// weigh compresses the page as it goes: what a block adds is how much longer the result is after it. What stands
// before a block and is the same as in it makes it lighter, as it does on the way.
func (s *scale) weigh(page []byte) (err error) {
	if s.zip, err = flate.NewWriter(&s.out, flate.DefaultCompression); err != nil {
		return err
	}
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		raw := bytes.Clone(z.Raw())
		t := z.Token()
		opened, err := s.enter(t)
		if err != nil {
			return err
		}
		if _, err := s.zip.Write(raw); err != nil {
			return err
		}
		s.picture(t)
		if err := s.leave(t, opened); err != nil {
			return err
		}
	}
	if err := s.zip.Close(); err != nil {
		return err
	}
	s.text = s.out.n
	return nil
}

// enter begins a block at the element that has its anchor.
func (s *scale) enter(t html.Token) (opened bool, err error) {
	if t.Type == html.EndTagToken || s.now != nil {
		return false, nil
	}
	anchor, _ := attr(t, "id")
	w, ok := s.blocks[anchor]
	if !ok { // products of a grid are counted after the anchor of their block
		if i := strings.LastIndexByte(anchor, '-'); i > 0 {
			w, ok = s.blocks[anchor[:i]]
		}
	}
	if !ok {
		return false, nil
	}
	if err := s.zip.Flush(); err != nil {
		return false, err
	}
	s.now, s.depth = w, 1
	w.Bytes -= s.out.n
	return true, nil
}

// leave ends a block where its element ends.
func (s *scale) leave(t html.Token, opened bool) error {
	alone := t.Type == html.SelfClosingTagToken || void[t.Data]
	switch {
	case s.now == nil, t.Type != html.StartTagToken && t.Type != html.EndTagToken && !alone, !opened && alone:
		return nil
	case t.Type == html.StartTagToken && !alone:
		if !opened {
			s.depth++
		}
		return nil
	}
	if s.depth--; s.depth > 0 {
		return nil
	}
	if err := s.zip.Flush(); err != nil {
		return err
	}
	s.now.Bytes += s.out.n
	s.now = nil
	return nil
}

var void = map[string]bool{"img": true, "source": true, "input": true, "hr": true, "br": true, "link": true, "meta": true}

// picture adds the one file of a picture that the phone takes.
func (s *scale) picture(t html.Token) {
	switch {
	case t.Data == "picture" && t.Type == html.StartTagToken:
		s.sources = nil
	case t.Data == "source":
		s.sources = append(s.sources, t)
	case t.Data == "img" && t.Type != html.EndTagToken:
		n := s.sizes[pathOf(chosen(append(s.sources, t)[0]))]
		if how, _ := attr(t, "loading"); how == "lazy" {
			s.lazy += n
		} else {
			s.eager += n
		}
		if s.now != nil {
			s.now.Bytes += n
		}
	}
}

// chosen is the file that the phone takes of a source: the narrowest that is sharp, or the widest there is.
func chosen(t html.Token) string {
	set, _ := attr(t, "srcset")
	sizes, _ := attr(t, "sizes")
	want, best, at := pixels(sizes), 0, ""
	for part := range strings.SplitSeq(set, ",") {
		u, w, ok := strings.Cut(strings.TrimSpace(part), " ")
		n, err := strconv.Atoi(strings.TrimSuffix(w, "w"))
		if !ok || err != nil {
			continue
		}
		if at == "" || best < want && n > best || n >= want && n < best {
			best, at = n, u
		}
	}
	if at == "" {
		at, _ = attr(t, "src")
	}
	return at
}

// pixels is how wide a picture stands on the phone. Conditions of sizes are for wider screens.
func pixels(sizes string) int {
	last := strings.TrimSpace(sizes[strings.LastIndexByte(sizes, ',')+1:])
	for unit, points := range map[string]float64{"vw": phonePoints / 100.0, "rem": remPoints, "px": 1} {
		if n, err := strconv.ParseFloat(strings.TrimSuffix(last, unit), 64); err == nil && strings.HasSuffix(last, unit) {
			return int(n * points * phonePixels)
		}
	}
	return phonePoints * phonePixels
}

func attr(t html.Token, name string) (string, bool) {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// cost is what visitors pay for an open block, in words.
func (h *Handler) cost(ctx context.Context, d Draft, b id.Block) string {
	w, err := h.Front.Weigh(ctx, d)
	if err != nil {
		slog.WarnContext(ctx, "draft not weighed", "shop", d.Shop.ID.String(), "err", err)
		return ""
	}
	if w.Blocks[b].Bytes == 0 { // hidden, or not complete
		return ""
	}
	return text.T(ctx, "Costs visitors %s, %s on a slow phone.", products.Size(w.Blocks[b].Bytes), took(ctx, w.Blocks[b].Took()))
}
