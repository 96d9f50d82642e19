package builder

import (
	"net/url"
	"regexp"
	"strings"

	"vitrine/app/errs"
)

// host is a site whose frames a window may show, and how its addresses become those of a frame. It is an
// allow-list: a page's policy names only the hosts of its own frames.
type host struct {
	name    string
	at      []string // hosts of addresses that people copy
	address func(u *url.URL) string
	wide    bool // 16:9; others are a card
}

// frame is what a visitor's browser loads once it is told to.
type frame struct {
	name, src, origin string
	wide              bool
}

var errNoPlayer = errs.New(errs.Invalid, "This address cannot be shown inside your window. A link block can lead to it.")

// player finds the frame for an address, among some hosts.
func player(raw string, among []host) (frame, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Port() != "" || u.User != nil || u.Opaque != "" {
		return frame{}, errNoPlayer
	}
	name := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	for _, h := range among {
		for _, at := range h.at {
			if name != at {
				continue
			}
			if src := h.address(u); src != "" {
				f, err := url.Parse(src)
				if err != nil {
					return frame{}, errNoPlayer
				}
				return frame{h.name, src, "https://" + f.Host, h.wide}, nil
			}
		}
	}
	return frame{}, errNoPlayer
}

var (
	youtubeID = regexp.MustCompile(`^[A-Za-z0-9_-]{11}$`)
	numberID  = regexp.MustCompile(`^[0-9]{1,20}$`)
	wordID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	pathID    = regexp.MustCompile(`^(/[A-Za-z0-9._~-]{1,100}){1,6}$`)
)

var films = []host{
	{name: "YouTube", at: []string{"youtube.com", "m.youtube.com", "youtu.be", "youtube-nocookie.com"}, wide: true, address: func(u *url.URL) string {
		v := u.Query().Get("v")
		if p := strings.Split(strings.Trim(u.Path, "/"), "/"); u.Hostname() == "youtu.be" {
			v = p[0]
		} else if len(p) == 2 && (p[0] == "shorts" || p[0] == "embed" || p[0] == "live") {
			v = p[1]
		}
		return when(youtubeID.MatchString(v), "https://www.youtube-nocookie.com/embed/"+v+"?autoplay=1")
	}},
	{name: "Vimeo", at: []string{"vimeo.com", "player.vimeo.com"}, wide: true, address: func(u *url.URL) string {
		p := strings.Split(strings.Trim(strings.TrimPrefix(u.Path, "/video"), "/"), "/")
		hash := u.Query().Get("h")
		if len(p) > 1 {
			hash = p[1]
		}
		if hash != "" && !wordID.MatchString(hash) {
			return ""
		}
		return when(numberID.MatchString(p[0]), "https://player.vimeo.com/video/"+p[0]+"?dnt=1&autoplay=1&h="+hash)
	}},
	{name: "Dailymotion", at: []string{"dailymotion.com", "dai.ly"}, wide: true, address: func(u *url.URL) string {
		v := strings.TrimPrefix(strings.TrimPrefix(u.Path, "/video/"), "/")
		return when(wordID.MatchString(v), "https://geo.dailymotion.com/player.html?video="+v)
	}},
}

var others = []host{
	{name: "Spotify", at: []string{"open.spotify.com"}, address: func(u *url.URL) string {
		p := strings.Split(strings.Trim(u.Path, "/"), "/")
		if len(p) == 3 && strings.HasPrefix(p[0], "intl-") {
			p = p[1:]
		}
		ok := len(p) == 2 && wordID.MatchString(p[1]) && strings.Contains(" track album playlist episode show artist ", " "+p[0]+" ")
		return when(ok, "https://open.spotify.com/embed/"+strings.Join(p, "/"))
	}},
	{name: "SoundCloud", at: []string{"soundcloud.com", "m.soundcloud.com"}, address: func(u *url.URL) string {
		return when(pathID.MatchString(u.Path), "https://w.soundcloud.com/player/?url="+url.QueryEscape("https://soundcloud.com"+u.Path))
	}},
	{name: "Bandcamp", at: []string{"bandcamp.com"}, address: func(u *url.URL) string {
		ok := regexp.MustCompile(`^/EmbeddedPlayer(/[a-z_]+=[A-Za-z0-9]+)+/?$`).MatchString(u.Path)
		return when(ok, "https://bandcamp.com"+u.Path)
	}},
	{name: "Apple Music", at: []string{"music.apple.com", "embed.music.apple.com"}, address: func(u *url.URL) string {
		return when(pathID.MatchString(u.Path), "https://embed.music.apple.com"+u.Path)
	}},
	{name: "OpenStreetMap", at: []string{"openstreetmap.org"}, address: func(u *url.URL) string {
		q := url.Values{}
		for _, k := range []string{"bbox", "layer", "marker"} {
			if v := u.Query().Get(k); v != "" {
				q.Set(k, v)
			}
		}
		return when(u.Path == "/export/embed.html" && q.Has("bbox"), "https://www.openstreetmap.org/export/embed.html?"+q.Encode())
	}},
	{name: "CodePen", at: []string{"codepen.io"}, address: func(u *url.URL) string {
		p := strings.Split(strings.Trim(u.Path, "/"), "/")
		ok := len(p) == 3 && (p[1] == "pen" || p[1] == "embed") && wordID.MatchString(p[0]) && wordID.MatchString(p[2])
		if !ok {
			return ""
		}
		return "https://codepen.io/" + p[0] + "/embed/" + p[2] + "?default-tab=result"
	}},
	{name: "Are.na", at: []string{"are.na"}, address: func(u *url.URL) string {
		p := strings.Split(strings.Trim(u.Path, "/"), "/")
		ok := len(p) >= 2 && wordID.MatchString(p[0]) && wordID.MatchString(p[1])
		if !ok {
			return ""
		}
		return "https://www.are.na/" + p[0] + "/" + p[1] + "/embed"
	}},
}

func when(ok bool, s string) string {
	if !ok {
		return ""
	}
	return s
}
