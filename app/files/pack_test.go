package files

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/gen2brain/avif"

	"vitrine/app/id"
)

// scene is like a photograph: soft shapes, some grain.
func scene(wide, high int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, wide, high))
	grain := noise(wide, high)
	for y := range high {
		for x := range wide {
			fx, fy := float64(x)/float64(wide), float64(y)/float64(high)
			v := 120 + 70*math.Sin(fx*7)*math.Cos(fy*5) + float64(grain.Pix[grain.PixOffset(x, y)])/32
			m.SetRGBA(x, y, color.RGBA{uint8(v), uint8(v * .8), uint8(255 * fy), 255})
		}
	}
	return m
}

func (w world) sources(t *testing.T, f File) map[string][]int {
	t.Helper()
	out := map[string][]int{}
	for _, s := range must(w.Pictures(t.Context(), w.d, []id.File{f.ID}))[f.ID].Sources {
		out[s.Format] = append(out[s.Format], s.Width)
	}
	return out
}

func TestAPictureAlsoComesInSmallFormats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := scene(800, 600)
	f := w.arrive(t, ForImage, "a.jpg", jpegOf(t, m))
	var jobs int
	if err := w.d.Get(t.Context(), &jobs, `SELECT count(*) FROM outbox WHERE kind = 'files:pack' AND payload->>'File' = $1`, f.ID.String()); err != nil || jobs != 1 {
		t.Fatal(jobs, err)
	}
	if got := w.sources(t, f); len(got) != 1 {
		t.Fatalf("before the job: %v", got)
	}
	for range 2 { // a job may run twice
		if err := w.pack(t.Context(), Pack{f.ID}); err != nil {
			t.Fatal(err)
		}
	}
	want := []int{165, 360, 533, 720, 800}
	got := w.sources(t, f)
	for _, format := range []string{"jpeg", "webp", "avif"} {
		if !slices.Equal(got[format], want) {
			t.Errorf("%s: %v", format, got[format])
		}
	}
	size := map[string]int{}
	for _, s := range must(w.Pictures(t.Context(), w.d, []id.File{f.ID}))[f.ID].Sources {
		b := must(w.read(t.Context(), sizeKey(f.ID, s.Width, s.Format), 10<<20))
		size[s.Format] += len(b)
		if bytes.Contains(b, []byte("Exif")) {
			t.Errorf("%s carries metadata", s.URL)
		}
		shown, err := decodeAny(b)
		if err != nil || shown.Bounds().Dx() != s.Width {
			t.Fatalf("%s: %v", s.URL, err)
		}
		if d := apart(shown, shrink(m, s.Width)); d > 6 {
			t.Errorf("%s differs by %.1f of 255", s.URL, d)
		}
	}
	if size["avif"]*2 > size["jpeg"] || size["webp"]*10 > size["jpeg"]*9 {
		t.Errorf("bytes: %v", size)
	}
}

func decodeAny(b []byte) (image.Image, error) {
	if string(b[4:8]) == "ftyp" {
		return avif.Decode(bytes.NewReader(b))
	}
	m, _, err := image.Decode(bytes.NewReader(b))
	return m, err
}

// apart is the mean difference of two pictures of one size.
func apart(a, b image.Image) float64 {
	var sum float64
	r := a.Bounds()
	for y := range r.Dy() {
		for x := range r.Dx() {
			ar, ag, ab, _ := a.At(r.Min.X+x, r.Min.Y+y).RGBA()
			br, bg, bb, _ := b.At(x, y).RGBA()
			sum += math.Abs(float64(ar)-float64(br)) + math.Abs(float64(ag)-float64(bg)) + math.Abs(float64(ab)-float64(bb))
		}
	}
	return sum / 257 / 3 / float64(r.Dx()*r.Dy())
}

func TestSmallFormatsStandUprightAndKeepWhatIsSeenThrough(t *testing.T) {
	t.Parallel()
	m := scene(300, 200)
	p, reason, err := drawPacked(t.Context(), withOrientation(jpegOf(t, m), 6), false)
	if err != nil || reason != "" {
		t.Fatal(reason, err)
	}
	for _, v := range p.variants {
		if v.width == 200 && v.height != 300 {
			t.Errorf("%s is %dx%d", v.format, v.width, v.height)
		}
	}
	if len(p.variants) != 4 { // 165 and 200 wide, twice
		t.Fatalf("%d sizes", len(p.variants))
	}
	glass := image.NewNRGBA(image.Rect(0, 0, 300, 300))
	for y := range 300 {
		for x := range 300 {
			c := noise(1, 1).RGBAAt(0, 0)
			glass.SetNRGBA(x, y, color.NRGBA{uint8(x + int(c.R)), uint8(y), uint8(x * y), uint8(x * 255 / 300)})
		}
	}
	if p, _, err = drawPacked(t.Context(), pngOf(t, glass), true); err != nil {
		t.Fatal(err)
	}
	for _, v := range p.variants {
		if v.format != "avif" {
			t.Fatalf("made %s though there is one", v.format)
		}
		d := must(decodeAny(v.data))
		_, _, _, left := d.At(2, v.height/2).RGBA()
		_, _, _, right := d.At(v.width-3, v.height/2).RGBA()
		if left>>8 > 20 || right>>8 < 235 {
			t.Errorf("alpha %d at the left, %d at the right", left>>8, right>>8)
		}
	}
	if len(p.variants) == 0 {
		t.Fatal("no AVIF of a picture one can see through")
	}
}

// Its decoder is in the process, for this test alone: nothing from outside may reach it.
func TestAnAVIFFromOutsideIsNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b bytes.Buffer
	if err := avif.Encode(&b, scene(64, 64)); err != nil {
		t.Fatal(err)
	}
	if _, reason := inspect(b.Bytes()); reason == "" {
		t.Error("its header was read")
	}
	for _, name := range []string{"a.avif", "a.jpg"} {
		if f := w.arrive(t, ForImage, name, b.Bytes()); f.Status != Refused {
			t.Errorf("%s: %s", name, f.Status)
		}
	}
	if _, err := jpeg.Decode(&b); err == nil {
		t.Fatal("it was a JPEG")
	}
}

func TestPicturesAreRememberedOnlyAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.arrive(t, ForImage, "a.jpg", jpegOf(t, scene(400, 300)))
	other := id.New[id.FileKind]()
	look := func() map[id.File]Picture {
		return must(w.Pictures(t.Context(), w.d, []id.File{f.ID, other}))
	}
	if p := look(); len(p) != 1 || len(p[f.ID].Sources) != 3 {
		t.Fatalf("%v", p)
	}
	if rest := w.album.take([]id.File{f.ID, other}, map[id.File]Picture{}, w.d.Now()); !slices.Equal(rest, []id.File{other}) {
		t.Fatalf("read again: %v", rest)
	}
	if rest := w.album.take([]id.File{f.ID}, map[id.File]Picture{}, w.d.Now().Add(albumPending)); len(rest) != 1 {
		t.Fatal("a picture without its small formats is remembered for long")
	}
	if err := w.pack(t.Context(), Pack{f.ID}); err != nil {
		t.Fatal(err)
	}
	if p := look(); len(p[f.ID].Sources) != 9 {
		t.Fatalf("after the job %d sources", len(p[f.ID].Sources))
	}
	if rest := w.album.take([]id.File{f.ID}, map[id.File]Picture{}, w.d.Now().Add(albumWhole-time.Second)); len(rest) != 0 {
		t.Fatal("a whole picture is forgotten")
	}
	if err := w.purge(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if p := look(); len(p) != 0 {
		t.Fatalf("it was purged: %v", p)
	}
	for i := range albumMost * 2 {
		w.album.put(map[id.File]Picture{id.New[id.FileKind](): {Width: i}}, w.d.Now())
	}
	if n := len(w.album.pictures); n > albumMost {
		t.Fatalf("%d pictures are remembered", n)
	}
}
