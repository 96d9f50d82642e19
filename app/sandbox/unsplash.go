package sandbox

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Unsplash has photographs for every word, drawn as they are asked for, and counts who says that one is used.
type Unsplash struct {
	s *Server

	mu    sync.Mutex
	told  []string
	down  bool
	asked int
}

// URL is the base address of the API.
func (u *Unsplash) URL() string { return u.s.base + "/unsplash" }

// Told are the ids of photographs that were said to be used.
func (u *Unsplash) Told() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.told)
}

// Down lets every call fail, or no more.
func (u *Unsplash) Down(on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.down = on
}

// Shown is how often a picture was asked for.
func (u *Unsplash) Shown() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked
}

func (u *Unsplash) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /unsplash/search/photos", u.api(u.search))
	mux.HandleFunc("GET /unsplash/photos/{id}/download", u.api(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		u.told = append(u.told, r.PathValue("id"))
		u.mu.Unlock()
		say(w, http.StatusOK, obj{"url": u.URL() + "/picture/" + r.PathValue("id") + "?ixid=told"})
	}))
	mux.HandleFunc("GET /unsplash/picture/{id}", u.picture)
}

func (u *Unsplash) api(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		down := u.down
		u.mu.Unlock()
		key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Client-ID ")
		switch {
		case !ok || key == "":
			say(w, http.StatusUnauthorized, obj{"errors": []string{"OAuth error: The access token is invalid"}})
		case down:
			say(w, http.StatusServiceUnavailable, obj{"errors": []string{"Service unavailable"}})
		default:
			w.Header().Set("X-Ratelimit-Limit", "50")
			w.Header().Set("X-Ratelimit-Remaining", "49")
			next(w, r)
		}
	}
}

var photographers = []string{"Ines Falk", "Tomas Reyes", "Mina Okafor", "Jonas Weil"}

func (u *Unsplash) search(w http.ResponseWriter, r *http.Request) {
	words := r.URL.Query().Get("query")
	n, err := strconv.Atoi(r.URL.Query().Get("per_page"))
	if err != nil || n < 1 || n > 30 {
		n = 10
	}
	results := []obj{}
	for i := range n {
		h := fnv.New32a()
		fmt.Fprintf(h, "%s %d", strings.ToLower(words), i)
		id := fmt.Sprintf("sbx%08x", h.Sum32())
		who := photographers[i%len(photographers)]
		handle := strings.ToLower(strings.ReplaceAll(who, " ", ""))
		raw := u.URL() + "/picture/" + id + "?ixid=M3w" + id
		results = append(results, obj{
			"id": id, "width": 4000, "height": 2667, "color": fmt.Sprintf("#%06x", h.Sum32()&0x7f7f7f+0x404040), "blur_hash": nil, "description": nil, "alt_description": "a photograph of " + words,
			"urls":  obj{"raw": raw, "full": raw + "&q=85&fm=jpg", "regular": raw + "&q=80&fm=jpg&w=1080&fit=max", "small": raw + "&q=80&fm=jpg&w=400&fit=max", "thumb": raw + "&q=80&fm=jpg&w=200&fit=max"},
			"links": obj{"self": u.URL() + "/photos/" + id, "html": "https://unsplash.com/photos/" + id, "download": "https://unsplash.com/photos/" + id + "/download", "download_location": u.URL() + "/photos/" + id + "/download?ixid=M3w" + id},
			"user":  obj{"id": handle, "username": handle, "name": who, "links": obj{"html": "https://unsplash.com/@" + handle}},
		})
	}
	say(w, http.StatusOK, obj{"total": len(results), "total_pages": 1, "results": results})
}

// picture draws a still life of its own for each id. It knows JPEG alone and says so in its type, as browsers go by that.
func (u *Unsplash) picture(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	u.asked++
	u.mu.Unlock()
	width, err := strconv.Atoi(r.URL.Query().Get("w"))
	if err != nil || width < 1 || width > 2400 {
		width = 1080
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.PathValue("id")))
	seed := h.Sum32()
	height := width * 2 / 3
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	tone := func(n uint32) uint8 { return uint8(90 + (seed>>n)&0x5f) }
	for y := range height {
		for x := range width {
			wall := y < height*2/3
			dx, dy := x-width/2, y-height*3/5
			c := color.RGBA{tone(0), tone(5), tone(10), 255}
			switch {
			case dx*dx*3+dy*dy*2 < width*width/30:
				c = color.RGBA{uint8(220 - y*60/height), tone(3), tone(8), 255}
			case !wall:
				c = color.RGBA{tone(10) / 2, tone(5) / 2, tone(0) / 2, 255}
			default:
				c.R += uint8(x * 40 / width)
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 70}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = b.WriteTo(w)
}
