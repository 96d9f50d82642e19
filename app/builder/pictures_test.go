package builder_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/live"
	"vitrine/app/web/webtest"
)

// pile is pictures in memory.
type pile struct {
	mu    sync.Mutex
	files map[id.File]files.File
	used  map[id.File]bool
	bytes int64
}

func newPile() *pile {
	return &pile{files: map[id.File]files.File{}, used: map[id.File]bool{}, bytes: 40_000}
}

func (p *pile) put(f files.File) id.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.ID.IsZero() {
		f.ID = id.New[id.FileKind]()
	}
	f.Purpose = files.ForImage
	p.files[f.ID] = f
	return f.ID
}

func (p *pile) ready(who id.User) id.File {
	return p.put(files.File{Creator: who, Status: files.Ready})
}

func (p *pile) Pictures(_ context.Context, _ db.Q, ids []id.File) (map[id.File]files.Picture, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[id.File]files.Picture{}
	for _, i := range ids {
		if p.files[i].Status != files.Ready {
			continue
		}
		pic := files.Picture{Width: 1066, Height: 800, Color: "#445566"}
		for _, w := range []int{360, 720, 1066} {
			pic.Sources = append(pic.Sources, files.PictureSource{Width: w, URL: fmt.Sprintf("http://media.localhost:8080/m/%s/%d.jpg", i, w), Format: "jpeg", Bytes: p.bytes * int64(w) / 720})
		}
		out[i] = pic
	}
	return out, nil
}

func (p *pile) ByIDs(_ context.Context, _ db.Q, ids []id.File) (out []files.File, _ error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range ids {
		if f, ok := p.files[i]; ok {
			out = append(out, f)
		}
	}
	return out, nil
}

func (p *pile) Use(_ context.Context, _ *db.Tx, who id.User, _ files.Purpose, ids ...id.File) (out []files.File, _ error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range ids {
		f, ok := p.files[i]
		if !ok || f.Creator != who || f.Status == files.Refused {
			return nil, errs.New(errs.NotFound, "There is no such file.")
		}
		p.used[i] = true
		out = append(out, f)
	}
	return out, nil
}

func (p *pile) StoreSent(_ context.Context, who id.User, purpose files.Purpose, x files.Sent) (files.File, error) {
	if purpose != files.ForImage || !strings.HasSuffix(x.Name, ".png") {
		return files.File{}, errs.Field("file", "This is not a picture. Choose a JPEG, PNG, WebP or GIF.")
	}
	f := files.File{ID: id.New[id.FileKind](), Creator: who, Name: x.Name, Status: files.Checking}
	p.put(f)
	return f, nil
}

func (p *pile) Reserve(_ context.Context, _ *db.Tx, who id.User, name string) (files.File, error) {
	f := files.File{ID: id.New[id.FileKind](), Creator: who, Name: name, Status: files.Uploading}
	p.put(f)
	return f, nil
}

func (p *pile) Fill(_ context.Context, who id.User, file id.File, body []byte) error {
	p.put(files.File{ID: file, Creator: who, Status: files.Ready, Size: int64(len(body))})
	return nil
}

func (p *pile) Abort(_ context.Context, who id.User, file id.File) error {
	p.put(files.File{ID: file, Creator: who, Status: files.Refused, Reason: "It did not arrive."})
	return nil
}

// gallery is a studio with an open gallery.
func newGallery(t *testing.T, htmx bool) (studio, *pile, builder.Block) {
	t.Helper()
	s := newStudio(t, htmx)
	p := newPile()
	s.Pictures = p
	return s, p, s.add(t, builder.Gallery, id.Block{})
}

// upload sends pictures as a browser does: their names, each with what it shows.
func (s studio) upload(t *testing.T, b id.Block, pictures ...[2]string) *webtest.Page {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range pictures {
		part, err := w.CreateFormFile("picture", p[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte("\x89PNG")); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pictures {
		if err := w.WriteField("alt", p[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.b.HTMX = s.htmx
	defer func() { s.b.HTMX = false }()
	return s.b.Do("POST", path(b, "/pictures"), w.FormDataContentType(), body.String())
}

func (s studio) alts(t *testing.T, b id.Block) (out []string) {
	t.Helper()
	now, err := s.Block(t.Context(), s.DB, s.who, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range now.Props.Pictures {
		out = append(out, p.Alt)
	}
	return out
}

func TestPicturesAreSentSeveralAtOnce(t *testing.T) {
	t.Parallel()
	for _, htmx := range []bool{true, false} {
		s, pile, b := newGallery(t, htmx)
		open := "/app/window?b=" + b.ID.String()
		p := s.get(open).Is(200).Has("Add pictures")
		wellFormed(t, p)
		to := open + "#blk-" + b.ID.String()
		p = s.saved(t, s.upload(t, b.ID, [2]string{"1.png", "A bowl"}, [2]string{"2.png", "A <b>vase</b>"}), to).Has("Its sizes are being made")
		noMarkup(t, p)
		wellFormed(t, s.get(open))
		s.saved(t, s.upload(t, b.ID, [2]string{"3.png", ""}), to)
		if got := s.alts(t, b.ID); !slices.Equal(got, []string{"A bowl", "A <b>vase</b>", ""}) {
			t.Errorf("kept %q", got)
		}
		if len(pile.used) != 3 {
			t.Errorf("%d are marked as used: the others would be swept", len(pile.used))
		}
		// One that cannot be used does not keep the others out, and says why.
		s.upload(t, b.ID, [2]string{"notes.txt", "x"}, [2]string{"4.png", "A cup"}).Is(422).Has("notes.txt: This is not a picture.")
		if got := s.alts(t, b.ID); !slices.Equal(got, []string{"A bowl", "A <b>vase</b>", "", "A cup"}) {
			t.Errorf("kept %q", got)
		}
		s.upload(t, b.ID).Is(422).Has("Choose a picture first.")
	}
}

func TestARoomForOnePictureTakesTheNextInItsPlace(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	s.Pictures = newPile()
	for _, k := range []builder.Kind{builder.Image, builder.Link, builder.Video} {
		b := s.add(t, k, id.Block{})
		s.upload(t, b.ID, [2]string{"1.png", "First"}).Is(303)
		s.get("/app/window?b=" + b.ID.String()).Is(200).Has("Another picture in its place")
		s.upload(t, b.ID, [2]string{"2.png", "Second"}).Is(303)
		if got := s.alts(t, b.ID); !slices.Equal(got, []string{"Second"}) {
			t.Errorf("%s: %q", k, got)
		}
		s.upload(t, b.ID, [2]string{"3.png", "Third"}, [2]string{"4.png", "Fourth"}).Is(422).Has("There was no room for all of them.")
		if got := s.alts(t, b.ID); !slices.Equal(got, []string{"Third"}) {
			t.Errorf("%s: %q", k, got)
		}
	}
}

func TestPicturesEndWhereTheRoomDoes(t *testing.T) {
	t.Parallel()
	s, pile, b := newGallery(t, true)
	full := builder.Props{}
	for range builder.MaxGallery - 1 {
		full.Pictures = append(full.Pictures, builder.Picture{File: pile.ready(s.who.User), Alt: "x"})
	}
	s.edit(t, b, full)
	s.upload(t, b.ID, [2]string{"1.png", "a"}, [2]string{"2.png", "b"}).Is(422).Has("There was no room for all of them.")
	if got := len(s.alts(t, b.ID)); got != builder.MaxGallery {
		t.Errorf("%d pictures", got)
	}
	if s.get("/app/window?b="+b.ID.String()).Doc().Find("form[data-pictures]").Length() != 0 {
		t.Error("there is a form for more")
	}
	s.upload(t, s.add(t, builder.Text, id.Block{}).ID, [2]string{"1.png", "a"}).Is(404)
}

func TestPicturesOfOthersCannotBeShown(t *testing.T) {
	t.Parallel()
	s, pile, b := newGallery(t, false)
	theirs, other := pile.ready(id.New[id.UserKind]()), newStudio(t, false)
	other.Pictures = pile
	form := url.Values{"bv": {"1"}, "pic1": {theirs.String()}, "alt1": {"Stolen"}}
	s.post(path(b.ID, ""), form).Is(422).Has("Choose one of your pictures.")
	s.post(path(b.ID, "/pictures/"+theirs.String()), url.Values{"bv": {"1"}, "pic1": {theirs.String()}, "to": {"up"}}).Is(422)
	if _, err := s.AddPictures(t.Context(), s.who, b.ID, []builder.Picture{{File: theirs}}); !errs.Is(err, errs.Invalid) {
		t.Errorf("added: %v", err)
	}
	if got := s.alts(t, b.ID); len(got) != 0 {
		t.Errorf("shows %q", got)
	}
	other.upload(t, b.ID, [2]string{"1.png", "x"}).Is(404)
	mine := pile.ready(s.who.User)
	s.edit(t, b, builder.Props{Pictures: []builder.Picture{{File: mine, Alt: "Mine"}}})
	other.post(path(b.ID, "/pictures/"+mine.String()), url.Values{"bv": {"2"}, "pic1": {mine.String()}, "to": {"out"}}).Is(404)
	if got := s.alts(t, b.ID); len(got) != 1 {
		t.Errorf("shows %q", got)
	}
}

func TestPicturesAreArrangedWithWhatWasTyped(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		pile := newPile()
		s.Pictures = pile
		b := s.add(t, builder.Gallery, id.Block{})
		three := builder.Props{Title: "Firing"}
		for _, alt := range []string{"one", "two", "three"} {
			three.Pictures = append(three.Pictures, builder.Picture{File: pile.ready(s.who.User), Alt: alt})
		}
		b = s.edit(t, b, three)
		press := func(n int, to string, typed map[string]string) *webtest.Page {
			t.Helper()
			form := webtest.Filled(s.get("/app/window?b=" + b.ID.String()).Is(200).Doc().Find("form#edit-" + b.ID.String()))
			for k, v := range typed {
				form.Set(k, v)
			}
			form.Set("to", to)
			return s.post(path(b.ID, "/pictures/"+three.Pictures[n].File.String()), form)
		}
		want := func(alts ...string) {
			t.Helper()
			if got := s.alts(t, b.ID); !slices.Equal(got, alts) {
				t.Errorf("%q, want %q", got, alts)
			}
		}
		to := "/app/window?b=" + b.ID.String() + "#blk-" + b.ID.String()
		s.saved(t, press(2, "up", map[string]string{"title": "Last firing", "alt1": "ONE"}), to)
		want("ONE", "three", "two")
		if now, _ := s.Block(t.Context(), s.DB, s.who, b.ID); now.Props.Title != "Last firing" {
			t.Errorf("what was typed is gone: %q", now.Props.Title)
		}
		s.saved(t, press(0, "down", nil), to)
		want("three", "ONE", "two")
		s.saved(t, press(1, "up", nil), to)
		want("three", "two", "ONE")
		s.saved(t, press(1, "up", nil), to)
		s.saved(t, press(1, "up", nil), to) // past the end
		want("two", "three", "ONE")
		s.saved(t, press(1, "out", nil), to)
		want("three", "ONE")
		press(0, "sideways", nil).Is(404)
		form := url.Values{"bv": {"2"}, "title": {"Older"}, "pic1": {three.Pictures[0].File.String()}, "alt1": {"older"}, "to": {"up"}}
		s.post(path(b.ID, "/pictures/"+three.Pictures[0].File.String()), form).Is(409).Has("Older")
		want("three", "ONE")
	})
}

// Two devices send pictures and a third writes: nothing is lost.
func TestNoPictureIsLostBetweenDevices(t *testing.T) {
	t.Parallel()
	s, pile, b := newGallery(t, true)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for j := range 2 {
				p := builder.Picture{File: pile.ready(s.who.User), Alt: fmt.Sprintf("%d-%d", i, j)}
				if _, err := s.AddPictures(t.Context(), s.who, b.ID, []builder.Picture{p}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := s.alts(t, b.ID)
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != 12 {
		t.Errorf("%d of 12 are there: %q", n, got)
	}
}

func TestAPictureAsksForItselfUntilItIsThere(t *testing.T) {
	t.Parallel()
	s, pile, b := newGallery(t, true)
	s.upload(t, b.ID, [2]string{"1.png", "A bowl"}).Is(200)
	now, err := s.Block(t.Context(), s.DB, s.who, b.ID)
	if err != nil {
		t.Fatal(err)
	}
	file := now.Props.Pictures[0].File
	ask := func() *webtest.Page {
		s.b.HTMX = true
		defer func() { s.b.HTMX = false }()
		return s.b.Get(path(b.ID, "/pictures/"+file.String()))
	}
	if ask().Is(200).Has("Its sizes are being made").Doc().Find("[hx-trigger]").Length() != 1 {
		t.Error("it does not ask again")
	}
	s.get(path(b.ID, "/pictures/"+file.String())).Is(303)
	if strings.Contains(s.drawn(t), anchorOf(b.ID)) {
		t.Error("visitors see it already")
	}
	pile.put(files.File{ID: file, Creator: s.who.User, Status: files.Ready})
	if ask().Is(200).Doc().Find("[hx-trigger]").Length() != 0 || ask().Doc().Find("img[alt='A bowl']").Length() != 1 {
		t.Error("it is not shown")
	}
	pile.put(files.File{ID: file, Creator: s.who.User, Status: files.Refused, Reason: "This picture cannot be read. Save it again as JPEG or PNG."})
	if ask().Is(200).Has("This picture cannot be read.").Doc().Find("[hx-trigger]").Length() != 0 {
		t.Error("it asks for what will never come")
	}
	s.b.HTMX = true
	s.b.Get(path(b.ID, "/pictures/"+id.New[id.FileKind]().String())).Is(404)
	s.b.HTMX = false
}

// A picture that has got its sizes draws the public page again.
func TestAReadyPictureReachesThePublicPage(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	pile := newPile()
	s.Pictures = pile
	l := live.NewListener()
	s.front.Listen(l)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, s.DB.URL()) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	file := pile.put(files.File{Creator: s.who.User, Status: files.Checking})
	s.edit(t, s.add(t, builder.Image, id.Block{}), builder.Props{Title: "The studio", Pictures: []builder.Picture{{File: file, Alt: "A wheel"}}})
	s.publish(t)
	s.web.Get(s.home()).Is(200).HasNot("A wheel")
	pile.put(files.File{ID: file, Creator: s.who.User, Status: files.Ready})
	for end := time.Now().Add(10 * time.Second); !strings.Contains(s.web.Get(s.home()).Body, "A wheel"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the page was never drawn again")
		}
		// The listener may still be connecting: it is told until it has heard.
		if err := s.DB.InTx(t.Context(), func(tx *db.Tx) error {
			return s.PictureReady(t.Context(), tx, files.File{ID: file, Creator: s.who.User, Purpose: files.ForImage})
		}); err != nil {
			t.Fatal(err)
		}
	}
}
