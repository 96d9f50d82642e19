package assist

import (
	"bytes"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

func withPhotos(w *world) *Photos {
	p := NewPhotos(w.DB, w.box.Unsplash().URL(), "key", "http://media.localhost")
	w.Photos, w.Placed = p, p
	w.Window.Pictures = both{w.Window.Pictures, p}
	return p
}

func TestAPhotographIsCreditedToldOfAndPassedOn(t *testing.T) {
	w := newWorld(t)
	ph := withPhotos(w)
	w.write(Input{Sentence: potter, Anew: true, Pictures: true})
	i := slices.IndexFunc(w.blocks(), func(b builder.Block) bool { return b.Kind == builder.Image })
	if i < 0 {
		t.Fatalf("no picture: %s", w.kinds())
	}
	p := w.blocks()[i].Props.Pictures[0]
	if !strings.HasSuffix(p.Credit, " / Unsplash") || !strings.HasPrefix(p.CreditURL, "https://unsplash.com/@") || !strings.Contains(p.CreditURL, "utm_source=vitrine") || !strings.Contains(p.CreditURL, "utm_medium=referral") || p.Alt == "" {
		t.Errorf("credit %+v", p)
	}
	var jobs int
	if err := w.DB.Get(t.Context(), &jobs, `SELECT count(*) FROM outbox WHERE kind = 'assist.photo' AND key = $1`, "photo:"+p.File.String()); err != nil || jobs != 1 {
		t.Fatalf("%d jobs, %v", jobs, err)
	}
	for range 2 { // a job may run twice
		if err := ph.tell(t.Context(), p.File); err != nil {
			t.Fatal(err)
		}
	}
	if told := w.box.Unsplash().Told(); len(told) != 1 {
		t.Errorf("told of %v", told)
	}
	pics, err := ph.Pictures(t.Context(), w.DB, []id.File{p.File})
	if err != nil || len(pics[p.File].Sources) != 9 || !strings.HasPrefix(pics[p.File].Largest().URL, "http://media.localhost/u/"+p.File.String()+"/1200.") {
		t.Errorf("%+v, %v", pics[p.File], err)
	}
	for range 3 {
		b, err := ph.Show(t.Context(), p.File, 360, "webp")
		if err != nil || b.Type != "image/jpeg" {
			t.Fatalf("%s, %v", b.Type, err)
		}
		if c, err := jpeg.DecodeConfig(bytes.NewReader(b.Body)); err != nil || c.Width != 360 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	if n := w.box.Unsplash().Shown(); n != 1 {
		t.Errorf("the picture was fetched %d times for three visitors", n)
	}
	for _, size := range []int{0, 100, 5000} {
		if _, err := ph.Show(t.Context(), p.File, size, "jpeg"); !errs.Is(err, errs.NotFound) {
			t.Errorf("width %d: %v", size, err)
		}
	}
	if _, err := ph.Show(t.Context(), id.New[id.FileKind](), 360, "jpeg"); !errs.Is(err, errs.NotFound) {
		t.Errorf("no such photograph: %v", err)
	}
}

func TestWithoutPhotographsAWindowGoesOn(t *testing.T) {
	w := newWorld(t)
	withPhotos(w)
	w.box.Unsplash().Down(true)
	if r := w.write(Input{Sentence: potter, Anew: true, Pictures: true}); r.State != Done || strings.Contains(w.kinds(), "image") {
		t.Errorf("%s because %s: %s", r.State, r.Why, w.kinds())
	}
}

// Nothing but Unsplash's own addresses is read or told, and nobody places somebody else's find.
func TestOnlyUnsplashIsAsked(t *testing.T) {
	u := &Unsplash{URL: unsplashAPI}
	for raw, ok := range map[string]bool{"https://images.unsplash.com/photo-1?ixid=x": true, "https://plus.unsplash.com/premium": true, "http://images.unsplash.com/x": false, "https://images.unsplash.com.evil.example/x": false,
		"https://evil.example/images.unsplash.com/": false, "http://169.254.169.254/": false, "": false} {
		if u.pictures(raw) != ok {
			t.Errorf("%s: %v", raw, !ok)
		}
	}
	for raw, ok := range map[string]bool{"https://api.unsplash.com/photos/x/download?ixid=1": true, "https://api.unsplash.com.evil.example/": false, "https://api.unsplash.comx/": false} {
		if u.own(raw) != ok {
			t.Errorf("download %s: %v", raw, !ok)
		}
	}
	for _, page := range []string{"javascript:alert(1)", "https://unsplash.com.evil.example/@x", "http://unsplash.com/@x"} {
		if u.back(page) != "" {
			t.Errorf("links back to %s", page)
		}
	}
	w, other := newWorld(t), newWorld(t)
	ph := withPhotos(w)
	x, err := ph.Find(t.Context(), w.who.User, "pots", 0)
	if err != nil || x.ID.IsZero() {
		t.Fatal(err)
	}
	if own, rest, err := ph.Own(t.Context(), w.DB, other.who.User, []id.File{x.ID}); err != nil || len(own) != 0 || len(rest) != 1 {
		t.Errorf("%v %v %v", own, rest, err)
	}
	withPhotos(other)
	err = w.DB.InTx(t.Context(), func(tx *db.Tx) error {
		return other.Window.Apply(t.Context(), tx, other.who, builder.Proposal{Verb: "added %s", Blocks: []builder.Proposed{{ID: id.New[id.BlockKind](), Kind: builder.Image, Props: builder.Props{Pictures: []builder.Picture{{File: x.ID}}}}}})
	})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("somebody else's photograph was placed: %v", err)
	}
}
