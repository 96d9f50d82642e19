package photo

import (
	"bytes"
	"image"
	_ "image/jpeg"
	"testing"
)

// One is enough for a machine to tell that the rest will do; TestEverySceneIsThere names all.
func TestAPhotographIsAsLargeAsACameraMakesIt(t *testing.T) {
	a, alt, err := Take("bowls")
	if err != nil || alt == "" {
		t.Fatal(alt, err)
	}
	b, _, _ := Take("bowls")
	if !bytes.Equal(a, b) {
		t.Error("taken twice, two pictures")
	}
	if len(a) < 1<<20 || len(a) > 4<<20 {
		t.Errorf("%d bytes", len(a))
	}
	m, _, err := image.Decode(bytes.NewReader(a))
	if err != nil || m.Bounds().Dx() != 3000 || m.Bounds().Dy() != 2000 {
		t.Fatal(m.Bounds(), err)
	}
	seen := map[uint32]bool{}
	for y := 0; y < 2000; y += 40 {
		for x := 0; x < 3000; x += 40 {
			r, g, b, _ := m.At(x, y).RGBA()
			seen[r>>11<<10|g>>11<<5|b>>11] = true
		}
	}
	if len(seen) < 300 {
		t.Errorf("%d colours: that is a drawing", len(seen))
	}
}

func TestEverySceneSaysWhatItShows(t *testing.T) {
	alts := map[string]bool{}
	for name, s := range scenes() {
		if len(s.alt) < 15 || s.put == nil || alts[s.alt] {
			t.Errorf("%s: %q", name, s.alt)
		}
		alts[s.alt] = true
	}
	if len(alts) < 25 {
		t.Errorf("%d scenes", len(alts))
	}
}
