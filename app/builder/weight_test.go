package builder_test

import (
	"strings"
	"testing"
	"time"

	"vitrine/app/builder"
	"vitrine/app/id"
	"vitrine/app/products"
)

func (s street) weights(t *testing.T) builder.Weights {
	t.Helper()
	d, err := s.Draft(t.Context(), s.who)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.front.Weigh(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// babble is a text that does not get smaller by much.
func babble(words int) string {
	var b strings.Builder
	for range words {
		b.WriteString(id.Token()[:9] + " ")
	}
	return b.String()
}

func TestABlockWeighsWhatItAdds(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	s.Pictures = newPile()
	head := s.edit(t, s.add(t, builder.Header, id.Block{}), builder.Props{Title: "Noor"})
	before := s.weights(t)
	text := s.edit(t, s.add(t, builder.Text, head.ID), builder.Props{Text: babble(200)})
	after := s.weights(t)
	grown, own := after.Total.Bytes-before.Total.Bytes, after.Blocks[text.ID].Bytes
	if own < grown*9/10 || own > grown*11/10 || own < 1000 {
		t.Errorf("the page grew by %d, the block says %d", grown, own)
	}
	if h := after.Blocks[head.ID].Bytes; h < 20 || h > 300 {
		t.Errorf("the header weighs %d", h)
	}
	if err := s.Hide(t.Context(), s.who, text.ID, true); err != nil {
		t.Fatal(err)
	}
	if w := s.weights(t); w.Blocks[text.ID].Bytes != 0 || w.Total != before.Total {
		t.Errorf("hidden it weighs %d, the page %d instead of %d", w.Blocks[text.ID].Bytes, w.Total.Bytes, before.Total.Bytes)
	}
}

func TestEveryKindIsWeighed(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	pile := newPile()
	s.Pictures = pile
	offer := s.product("Bowl")
	ids := map[builder.Kind]id.Block{}
	for _, k := range builder.Kinds {
		p := complete[k]
		switch k {
		case builder.Product:
			p.Product = offer.ID
		case builder.Image, builder.Gallery:
			p.Pictures = []builder.Picture{{File: pile.ready(s.who.User), Alt: "A bowl"}}
		}
		ids[k] = s.edit(t, s.add(t, k, id.Block{}), p).ID
	}
	w, sum := s.weights(t), int64(0)
	for _, k := range builder.Kinds {
		n := w.Blocks[ids[k]].Bytes
		if sum += n; n < 10 {
			t.Errorf("%s weighs %d", k, n)
		}
	}
	if sum >= w.Total.Bytes || sum < w.Total.Bytes/8 {
		t.Errorf("the blocks weigh %d, the page %d", sum, w.Total.Bytes)
	}
}

func TestAPictureWeighsTheSizeThatAPhoneTakes(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	pile := newPile()
	s.Pictures = pile
	first := s.edit(t, s.add(t, builder.Image, id.Block{}), builder.Props{Pictures: []builder.Picture{{File: pile.ready(s.who.User), Alt: "x"}}})
	// 92 of 100 parts of 390 points with two pixels each are 717: of 360, 720 and 1066 the second.
	w := s.weights(t)
	if n := w.Blocks[first.ID].Bytes; n < 40_000 || n > 40_400 || w.Eager.Bytes != 40_000 {
		t.Errorf("the block weighs %d, at once %d", n, w.Eager.Bytes)
	}
	second := s.edit(t, s.add(t, builder.Image, first.ID), builder.Props{Pictures: []builder.Picture{{File: pile.ready(s.who.User), Alt: "x"}}})
	link := s.edit(t, s.add(t, builder.Link, second.ID), builder.Props{Title: "x", URL: "https://example.com", Pictures: []builder.Picture{{File: pile.ready(s.who.User)}}})
	w = s.weights(t)
	if w.Eager.Bytes != 40_000 || w.Total.Bytes-w.First.Bytes != 60_000 {
		t.Errorf("at once %d, later %d", w.Eager.Bytes, w.Total.Bytes-w.First.Bytes)
	}
	if n := w.Blocks[link.ID].Bytes; n < 20_000 || n > 20_400 { // 96 pixels: the smallest is more than enough
		t.Errorf("a small picture weighs %d", n)
	}
	s.shelf.put(products.Offer{Shop: s.who.Shop, Name: "Bowl", Slug: "bowl", Active: true, Cover: products.Picture{Width: 720, Height: 720, Sources: []products.PictureSource{
		{Width: 720, URL: "http://media.localhost:8080/m/c/720.avif", Format: "avif", Bytes: 9000}, {Width: 720, URL: "http://media.localhost:8080/m/c/720.jpg", Format: "jpeg", Bytes: 70_000}}}})
	prod := s.add(t, builder.Product, link.ID)
	if n := s.weights(t).Blocks[prod.ID].Bytes; n < 9000 || n > 9600 {
		t.Errorf("a phone that takes AVIF gets %d", n)
	}
}

func TestALateWindowWarnsBeforeItIsPublished(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	pile := newPile()
	s.Pictures = pile
	b := s.edit(t, s.add(t, builder.Image, id.Block{}), builder.Props{Pictures: []builder.Picture{{File: pile.ready(s.who.User), Alt: "x"}}})
	s.get("/app/window/publish").Is(200).Has("before the window stands").HasNot("on a slow phone. Visitors wait")
	s.get("/app/window?b=" + b.ID.String()).Is(200).Has("Costs visitors 40 kB, 0.2 s on a slow phone.")
	pile.bytes = 360_000
	s.get("/app/window/publish").Is(200).Has("The picture at the top takes 1.8 s on a slow phone.")
	if took := (builder.Weight{Bytes: 200_000}).Took(); took != time.Second {
		t.Errorf("200 kB take %v", took)
	}
	if err := s.Remove(t.Context(), s.who, b.ID); err != nil {
		t.Fatal(err)
	}
	for range 15 {
		var p builder.Props
		for range builder.MaxQuestions {
			p.Items = append(p.Items, builder.Item{Title: "Why?", Text: babble(95)})
		}
		s.edit(t, s.add(t, builder.FAQ, id.Block{}), p)
	}
	s.get("/app/window/publish").Is(200).Has("Your window takes").HasNot("picture at the top")
}
