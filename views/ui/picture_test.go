package ui

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func picture(formats ...string) Picture {
	p := Picture{Alt: "A pot", Color: "#aabbcc", Width: 1200, Height: 900}
	for _, f := range formats {
		for _, w := range []int{360, 720, 1200} {
			p.Sources = append(p.Sources, Source{URL: fmt.Sprintf("http://media.localhost/m/id/%d.%s", w, f), Width: w, Format: f})
		}
	}
	return p
}

func drawn(t *testing.T, ctx context.Context, p Picture, first bool) string {
	t.Helper()
	var b strings.Builder
	if err := Image(p, "92vw", first).Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAPictureComesInTheSmallestFormatFirst(t *testing.T) {
	for _, c := range []struct{ have, types, plain string }{
		{"avif jpeg webp", "avif webp", "720.jpeg"}, {"jpeg", "", "720.jpeg"}, {"png webp", "webp", "720.png"}, {"avif png", "avif", "720.png"}, {"webp", "", "720.webp"},
	} {
		got := drawn(t, t.Context(), picture(strings.Fields(c.have)...), false)
		var types []string
		for _, m := range regexp.MustCompile(`<source type="image/(\w+)" srcset="[^"]+360\.(\w+) 360w, [^"]+ 1200w" sizes="92vw"`).FindAllStringSubmatch(got, -1) {
			if m[1] == m[2] {
				types = append(types, m[1])
			}
		}
		if strings.Join(types, " ") != c.types || !strings.Contains(got, c.plain+`" srcset=`) {
			t.Errorf("%s: %s", c.have, got)
		}
		if !strings.Contains(got, `width="1200" height="900"`) || !strings.Contains(got, `loading="lazy"`) || strings.Contains(got, "fetchpriority") {
			t.Errorf("%s: %s", c.have, got)
		}
	}
	if got := drawn(t, t.Context(), picture("jpeg"), true); strings.Contains(got, "lazy") || !strings.Contains(got, `fetchpriority="high"`) {
		t.Errorf("the first: %s", got)
	}
	if got := drawn(t, t.Context(), Picture{}, true); got != "" {
		t.Errorf("none: %s", got)
	}
}

func TestPicturesOfAShopComeFromItsOwnHost(t *testing.T) {
	if got := drawn(t, Local(t.Context()), picture("avif", "jpeg"), true); strings.Contains(got, "//") || strings.Count(got, "/m/id/") != 7 {
		t.Error(got)
	}
	if got := drawn(t, t.Context(), picture("avif", "jpeg"), true); strings.Count(got, "http://media.localhost/m/id/") != 7 {
		t.Error(got)
	}
	if (Source{URL: "/m/id/360.jpg"}).at(true) != "/m/id/360.jpg" {
		t.Error("an address without a host was cut")
	}
}
