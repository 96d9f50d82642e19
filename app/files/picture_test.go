package files

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	_ "image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"vitrine/app/db/dbtest"
	"vitrine/app/id"
)

func TestAPictureComesInItsSizesAndNeverLarger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		wide, high int
		want       []int
	}{
		{2000, 1200, []int{165, 360, 533, 720, 940, 1066, 1500}},
		{600, 800, []int{165, 360, 533, 600}},
		{100, 100, []int{100}},
		{1, 1, []int{1}},
	} {
		f := w.arrive(t, ForImage, "a.jpg", jpegOf(t, photo(c.wide, c.high)))
		if f.Status != Ready || f.ContentType != "image/jpeg" {
			t.Fatalf("%+v", f)
		}
		p := must(w.Pictures(t.Context(), w.d, []id.File{f.ID}))[f.ID]
		var got []int
		for _, s := range p.Sources {
			got = append(got, s.Width)
			m := w.fetch(t, f.ID, s)
			if m.Bounds().Dx() != s.Width {
				t.Errorf("%s is %v", s.URL, m.Bounds())
			}
			if want := float64(s.Width) * float64(c.high) / float64(c.wide); float64(m.Bounds().Dy()) < want-1 || float64(m.Bounds().Dy()) > want+1 {
				t.Errorf("%s is %v of %dx%d", s.URL, m.Bounds(), c.wide, c.high)
			}
		}
		if !slices.Equal(got, c.want) || p.Width != c.want[len(c.want)-1] {
			t.Errorf("%dx%d: %v, %d wide", c.wide, c.high, got, p.Width)
		}
		if !strings.HasPrefix(p.Color, "#") || len(p.Color) != 7 {
			t.Error(p.Color)
		}
	}
}

func (w world) fetch(t *testing.T, f id.File, s PictureSource) image.Image {
	t.Helper()
	b := must(w.read(t.Context(), sizeKey(f, s.Width, s.Format), 10<<20))
	m, format, err := image.Decode(bytes.NewReader(b))
	if err != nil || format != s.Format {
		t.Fatalf("%s: %s %v", s.URL, format, err)
	}
	if bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte("GPS")) {
		t.Errorf("%s carries metadata", s.URL)
	}
	return m
}

func TestTransparencyIsKeptAndDrawingsAreSmall(t *testing.T) {
	t.Parallel()
	see := image.NewNRGBA(image.Rect(0, 0, 400, 400))
	for i := range 400 {
		see.SetNRGBA(i, 200, color.NRGBA{200, 0, 0, 255})
	}
	formats := func(raw []byte) string {
		p, reason, err := drawSizes(t.Context(), raw)
		if err != nil || reason != "" {
			t.Fatal(reason, err)
		}
		var out []string
		for _, v := range p.variants {
			if !slices.Contains(out, v.format) {
				out = append(out, v.format)
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	if got := formats(pngOf(t, see)); got != "png" && got != "png webp" {
		t.Error(got)
	}
	flat := image.NewRGBA(image.Rect(0, 0, 360, 360))
	for i := range flat.Pix {
		flat.Pix[i] = 255
	}
	for i := range 120 {
		flat.Set(i*3, i, color.Black)
	}
	if got := formats(pngOf(t, flat)); got != "jpeg webp" {
		t.Error("a drawing comes as", got)
	}
	if got := formats(pngOf(t, noise(300, 300))); got != "jpeg" {
		t.Error("a photograph comes as", got)
	}
	if got := formats(jpegOf(t, photo(300, 300))); got != "jpeg" {
		t.Error("a photograph comes as", got)
	}
	var anim bytes.Buffer
	pal := color.Palette{color.Black, color.White}
	first, second := image.NewPaletted(image.Rect(0, 0, 50, 50), pal), image.NewPaletted(image.Rect(0, 0, 50, 50), pal)
	for i := range first.Pix {
		first.Pix[i] = 1
	}
	if err := gif.EncodeAll(&anim, &gif.GIF{Image: []*image.Paletted{first, second}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	p, reason, err := drawSizes(t.Context(), anim.Bytes())
	if err != nil || reason != "" || p.color != "#ffffff" {
		t.Errorf("first frame: %+v %s %v", p, reason, err)
	}
}

// withOrientation puts an EXIF block with tag 0x0112 and a GPS mark into a JPEG.
func withOrientation(raw []byte, o byte) []byte {
	tiff := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string([]byte{o, 0, 0, 0}) + "\x00\x00\x00\x00GPS-48.85")
	seg := append([]byte("Exif\x00\x00"), tiff...)
	head := []byte{0xff, 0xd8, 0xff, 0xe1, 0, 0}
	binary.BigEndian.PutUint16(head[4:], uint16(len(seg)+2))
	return append(append(head, seg...), raw[2:]...)
}

func TestPicturesStandUpright(t *testing.T) {
	t.Parallel()
	// Red at the top left, green at the top right, blue at the bottom left: seen after turning.
	want := image.NewRGBA(image.Rect(0, 0, 320, 160))
	fill := func(r image.Rectangle, c color.RGBA) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				want.SetRGBA(x, y, c)
			}
		}
	}
	fill(want.Rect, color.RGBA{255, 255, 255, 255})
	fill(image.Rect(0, 0, 160, 80), color.RGBA{255, 0, 0, 255})
	fill(image.Rect(160, 0, 320, 80), color.RGBA{0, 255, 0, 255})
	fill(image.Rect(0, 80, 160, 160), color.RGBA{0, 0, 255, 255})
	// How the camera stored it: the inverse of each orientation.
	inverse := map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
	for o := 1; o <= 8; o++ {
		stored := upright(want, inverse[o])
		p, reason, err := drawSizes(t.Context(), withOrientation(jpegOf(t, stored), byte(o)))
		if err != nil || reason != "" {
			t.Fatal(reason, err)
		}
		last := p.variants[len(p.variants)-1]
		m, _, err := image.Decode(bytes.NewReader(last.data))
		if err != nil {
			t.Fatal(err)
		}
		if p.width != 320 || p.height != 160 {
			t.Errorf("orientation %d: %dx%d", o, p.width, p.height)
			continue
		}
		for _, at := range [][5]int{{40, 40, 255, 0, 0}, {280, 40, 0, 255, 0}, {40, 120, 0, 0, 255}, {280, 120, 255, 255, 255}} {
			r, g, b, _ := m.At(at[0], at[1]).RGBA()
			if near(r, at[2]) || near(g, at[3]) || near(b, at[4]) {
				t.Errorf("orientation %d: at %d,%d %d %d %d", o, at[0], at[1], r>>8, g>>8, b>>8)
			}
		}
		if bytes.Contains(last.data, []byte("GPS")) {
			t.Error("the place is still in the picture")
		}
	}
}

func near(v uint32, want int) bool { d := int(v>>8) - want; return d > 12 || d < -12 }

func TestDisplayP3IsBroughtToSRGB(t *testing.T) {
	t.Parallel()
	m := image.NewRGBA(image.Rect(0, 0, 2, 1))
	m.SetRGBA(0, 0, color.RGBA{128, 128, 128, 255})
	m.SetRGBA(1, 0, color.RGBA{200, 100, 50, 255})
	fromDisplayP3(m)
	if c := m.RGBAAt(0, 0); c != (color.RGBA{128, 128, 128, 255}) {
		t.Errorf("grey became %v", c)
	}
	if c := m.RGBAAt(1, 0); c != (color.RGBA{215, 93, 31, 255}) { // CSS: color(display-p3 .784 .392 .196)
		t.Errorf("orange became %v", c)
	}
	raw := jpegOf(t, photo(20, 20))
	seg := "ICC_PROFILE\x00\x01\x01....desc\x00D\x00i\x00s\x00p\x00l\x00a\x00y\x00 \x00P\x003"
	head := []byte{0xff, 0xd8, 0xff, 0xe2, 0, byte(len(seg) + 2)}
	h, reason := inspect(append(append(head, seg...), raw[2:]...))
	if reason != "" || !h.wide {
		t.Errorf("%+v %s", h, reason)
	}
}

// bomb is a PNG that says it has wide×high pixels, all black. The rows after the first lines are left out
// where nothing should ever read them.
func bomb(wide, high, lines int, depth, kind byte) []byte {
	var data bytes.Buffer
	z, _ := zlib.NewWriterLevel(&data, zlib.BestSpeed)
	bits := int(depth) * map[byte]int{0: 1, 2: 3, 6: 4}[kind]
	row := make([]byte, 1+(wide*bits+7)/8)
	for range lines {
		z.Write(row)
	}
	z.Close()
	out := bytes.NewBufferString("\x89PNG\r\n\x1a\n")
	chunk := func(name string, b []byte) {
		binary.Write(out, binary.BigEndian, uint32(len(b)))
		out.WriteString(name)
		out.Write(b)
		binary.Write(out, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(name), b...)))
	}
	head := make([]byte, 13)
	binary.BigEndian.PutUint32(head, uint32(wide))
	binary.BigEndian.PutUint32(head[4:], uint32(high))
	head[8], head[9] = depth, kind
	chunk("IHDR", head)
	chunk("IDAT", data.Bytes())
	chunk("IEND", nil)
	return out.Bytes()
}

func TestABombIsRefusedByItsHeader(t *testing.T) {
	raw := bomb(20000, 20000, 20000, 1, 0)
	if len(raw) > 1_000_000 {
		t.Fatalf("the bomb has %d bytes", len(raw))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, reason, err := drawSizes(t.Context(), raw)
	runtime.ReadMemStats(&after)
	if err != nil || reason != reasonPixels {
		t.Fatal(reason, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("refusing took %d bytes", used)
	}
	w := newWorld(t)
	if f := w.arrive(t, ForImage, "bomb.png", raw); f.Status != Refused || f.Reason != reasonPixels {
		t.Errorf("%+v", f)
	}
}

func TestWhatDecodesTooDearIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw    []byte
		reason string
	}{
		"16 bits a channel": {bomb(6000, 6000, 10, 16, 6), reasonHeavy},
		"a long thin strip": {bomb(1000, 6000, 10, 1, 0), reasonShape},
		"no width":          {bomb(0, 10, 10, 8, 0), reasonBroken},
		"cut short":         {jpegOf(t, photo(300, 300))[:400], reasonBroken},
		"a header alone":    {[]byte("\xff\xd8\xff\xe0"), reasonBroken},
		"nothing of a GIF":  {[]byte("GIF89a"), reasonBroken},
		"a broken WebP":     {[]byte("RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00aaaaaaaaaaaaaaaaaaaaaaaa"), reasonBroken},
	} {
		if _, reason, err := drawSizes(t.Context(), c.raw); err != nil || reason != c.reason {
			t.Errorf("%s: %q, %v", name, reason, err)
		}
	}
}

func TestTheLargestPicturesAreJudgedByTheirHeader(t *testing.T) {
	t.Parallel()
	for _, raw := range [][]byte{bomb(6300, 6300, 1, 1, 0), bomb(6300, 6300, 1, 8, 6)} {
		if h, reason := inspect(raw); reason != "" || h.cost > maxCost {
			t.Errorf("%+v %q", h, reason)
		}
	}
	if _, reason := inspect(bomb(6400, 6400, 1, 8, 6)); reason != reasonPixels {
		t.Error(reason)
	}
}

func TestManyLargePicturesAtOnceStayWithinMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector needs memory of its own")
	}
	raw := bomb(4000, 4000, 4000, 8, 2) // 64 MB each once decoded
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, reason, err := drawSizes(t.Context(), raw); err != nil || reason != "" {
				t.Error(reason, err)
			}
		})
	}
	wg.Wait()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapSys > 512<<20 { // the largest that the heap has been
		t.Errorf("the heap grew to %d MiB", m.HeapSys>>20)
	}
}

func TestDisguisedFilesAreRefused(t *testing.T) {
	t.Parallel()
	html := []byte("<html>\n<head></head>\n<body><script>alert(1)</script></body>\n</html>\n")
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><path d="M0 0v50L50 0z"/></svg>`)
	exe := append([]byte("MZ\x90\x00"), make([]byte, 200)...)
	copy(exe[0x3c:], []byte{0x80, 0, 0, 0})
	copy(exe[0x80:], "PE\x00\x00")
	elf := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 100)...)
	elf[16] = 2
	pdf := []byte("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")
	pngBytes := pngOf(t, photo(20, 20))
	poly := append(append([]byte{}, pngBytes...), html...)
	for _, c := range []struct {
		purpose Purpose
		name    string
		body    []byte
		reason  string
		kind    string
	}{
		{ForImage, "a.png", html, reasonPicture, ""},
		{ForImage, "a.svg", svg, reasonPicture, ""},
		{ForImage, "a.png", svg, reasonPicture, ""},
		{ForImage, "a.png", pdf, reasonPicture, ""},
		{ForImage, "a.png", []byte("x"), reasonPicture, ""},
		{ForImage, "a.gif", []byte("GIF89a/*" + strings.Repeat("x", 100) + "*/=alert(1)//"), reasonPixels, ""},
		{ForImage, "a.php", pngBytes, "", "image/png"},
		{ForImage, "a.png", poly, "", "image/png"},
		{ForProduct, "a.png", html, reasonDisguise, ""},
		{ForProduct, "a.PDF", svg, reasonDisguise, ""},
		{ForProduct, "a.jpg", []byte("#!/bin/sh\nrm -rf /\n"), reasonDisguise, ""},
		{ForProduct, "a.zip", []byte("<?php system($_GET[0]);"), reasonDisguise, ""},
		{ForProduct, "a.mp3", exe, reasonProgram, ""},
		{ForProduct, "a.pdf", elf, reasonProgram, ""},
		{ForProduct, "a.html", html, "", plainType},
		{ForProduct, "a.svg", svg, "", plainType},
		{ForProduct, "a.exe", exe, "", plainType},
		{ForProduct, "notes.txt", []byte("hello there"), "", plainType},
		{ForProduct, "a.pdf", pdf, "", "application/pdf"},
		{ForProduct, "a.png", pngBytes, "", "image/png"},
		{ForProduct, "noending", []byte{1}, "", plainType},
	} {
		kind, reason := judge(File{Purpose: c.purpose, Name: c.name}, c.body)
		if reason == "" && c.purpose == ForImage {
			_, r, err := drawSizes(t.Context(), c.body)
			if err != nil {
				t.Fatal(err)
			}
			reason = r
		}
		if reason != c.reason || reason == "" && kind != c.kind {
			t.Errorf("%s %s: %q %q, not %q %q", c.purpose, c.name, kind, reason, c.kind, c.reason)
		}
	}
}

func TestAPolyglotLosesItsOtherHalf(t *testing.T) {
	t.Parallel()
	raw := append(pngOf(t, photo(200, 200)), "<script>alert('polyglot')</script>"...)
	p, reason, err := drawSizes(t.Context(), raw)
	if err != nil || reason != "" {
		t.Fatal(reason, err)
	}
	for _, v := range p.variants {
		if bytes.Contains(v.data, []byte("polyglot")) {
			t.Errorf("the script is still in %d.%s", v.width, v.format)
		}
	}
}

func TestDisguisedFilesOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dbtest.Root(), "../shared/data/gumroad")
	w := newWorld(t)
	for name, purposes := range map[string][]Purpose{"disguised_html_script.png": {ForImage, ForProduct}, "test-svg.svg": {ForImage}} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skip("the shared data is not here: ", err)
		}
		for _, p := range purposes {
			if f := w.arrive(t, p, name, b); f.Status != Refused || f.Reason == "" {
				t.Errorf("%s as %s: %+v", name, p, f)
			}
		}
	}
}

func TestWhatArrivedMustHaveTheAnnouncedSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.send(t, ForProduct, "a.bin", []byte("0123456789"))
	if err := w.bucket.Put(t.Context(), f.Key, plainType, strings.NewReader("something longer than announced")); err != nil {
		t.Fatal(err)
	}
	if err := w.check(t.Context(), Check{f.ID}); err != nil {
		t.Fatal(err)
	}
	if f = w.now(t, f); f.Status != Refused || f.Reason != reasonSize {
		t.Fatalf("%+v", f)
	}
	if err := w.tidy(t.Context(), Tidy{f.ID}); err != nil || w.has(t, quarantine(f.ID)) {
		t.Errorf("still there, %v", err)
	}
}

func BenchmarkSizes(b *testing.B) {
	raw := jpegOf(b, photo(4000, 3000))
	b.Run(fmt.Sprint("12MP ", len(raw)>>10, "kB"), func(b *testing.B) {
		for b.Loop() {
			if _, reason, err := drawSizes(b.Context(), raw); err != nil || reason != "" {
				b.Fatal(reason, err)
			}
		}
	})
}
