package source

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// link writes down where an anchor leads and what it says. Its words go into the run as well, so that a sentence
// around it stays whole.
func (w *walker) link(n *html.Node) {
	label, rest := labelOf(n)
	img, alt := w.imageIn(n)
	if label == "" {
		label = line(attr(n, "aria-label", "title"))
	}
	if label == "" {
		label = alt
	}
	words := strings.ReplaceAll(inner(n), "\n", " ")
	joint(&w.text, words)
	w.text.WriteString(words)
	w.joint = true

	href := attr(n, "href")
	r := Record{Kind: Link, Title: label, Text: rest, Image: img, Alt: alt}
	if hs := find(n, headings...); len(hs) > 0 {
		r.Level = int(hs[0].Data[1] - '0')
	}
	w.where(&r, href)
	if r.Title == "" && r.URL != "" {
		r.Title = nameOf(r.URL)
		r.change("It said nothing, so it is called by its address.")
	}
	if r.Title == "" && r.URL == "" && r.Out == nil {
		r.refuse("There is nothing in it.")
	}
	w.pending = append(w.pending, r)
	for i, x := range find(n, atom.Img) {
		if p, ok := w.picture(x); ok && (i > 0 || p.Image != img) {
			p.Of = r.Key
			if p.Out == nil {
				p.refuse("A link shows one picture.")
			}
			w.pending = append(w.pending, p)
		}
	}
}

// labelOf is what a link is called, and what else stands in it: a card has a heading, a plain link its words.
func labelOf(n *html.Node) (label, rest string) {
	all := lines(inner(n))
	if hs := find(n, headings...); len(hs) > 0 {
		label = line(inner(hs[0]))
	}
	if label == "" {
		if first, after, more := strings.Cut(all, "\n"); more {
			return line(first), lines(after)
		}
		return line(all), ""
	}
	return label, lines(strings.Replace(all, label, "", 1))
}

func (w *walker) imageIn(n *html.Node) (src, alt string) {
	for _, i := range find(n, atom.Img) {
		if r, ok := w.picture(i); ok && r.Out == nil {
			return r.Image, r.Alt
		}
	}
	for _, i := range find(n, atom.Img) {
		if a := line(attr(i, "alt")); a != "" {
			return "", a
		}
	}
	return "", ""
}

// where decides what an address is good for.
func (w *walker) where(r *Record, href string) {
	low := strings.ToLower(href)
	scheme, _, _ := strings.Cut(low, ":")
	r.Key = "link:" + href
	switch {
	case href == "#" || href == "" || low == "javascript:void(0)" || low == "javascript:void(0);" || low == "javascript:;":
		r.Key = "link:#" + plain(r.Title)
		r.Off = true
		r.change("It leads nowhere yet. Write its address before you publish.")
		return
	case strings.HasPrefix(href, "#"):
		r.refuse("It leads to another place on the same page.")
		return
	case scheme == "javascript" || scheme == "data" || scheme == "vbscript":
		r.refuse("It runs a script of that site.")
		return
	case scheme == "mailto":
		r.URL = mailOnly(href)
		r.Key = "link:" + r.URL
		if r.URL != href {
			r.change("Of the letter only the address is kept.")
		}
		return
	case scheme == "tel" || scheme == "sms" || scheme == "whatsapp" || scheme == "skype" || scheme == "facetime":
		r.refuse("Links here lead to pages or letters, not to telephones. Put the number into a text.")
		return
	}
	u := w.resolve(href)
	switch {
	case u == "":
		r.refuse("The file does not say on which site this address is.")
	case !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://"):
		r.refuse("Links here lead to pages or letters.")
	default:
		r.URL = secure(u)
		r.Key = "link:" + bare(u)
		if r.URL != u {
			r.change("http became https.")
		}
		if samePage(w.base, u) {
			r.refuse("It leads to this page itself.")
		}
	}
}

func samePage(base *url.URL, raw string) bool {
	if base == nil {
		return false
	}
	u, err := url.Parse(raw)
	return err == nil && u.Host == base.Host && strings.Trim(u.Path, "/") == strings.Trim(base.Path, "/") && u.RawQuery == base.RawQuery && base.Host != ""
}

// resolve makes an address whole; empty when it cannot be.
func (w *walker) resolve(ref string) string {
	u, err := url.Parse(strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 {
			return -1
		}
		return r
	}, ref)))
	if err != nil || ref == "" {
		return ""
	}
	if w.base != nil {
		u = w.base.ResolveReference(u)
	}
	if u.Scheme == "" && u.Host != "" {
		u.Scheme = "https"
	}
	if !u.IsAbs() || (u.Scheme == "http" || u.Scheme == "https") && u.Host == "" {
		return ""
	}
	return u.String()
}

func secure(u string) string {
	if rest, ok := strings.CutPrefix(u, "http://"); ok {
		return "https://" + strings.Replace(rest, ":80/", "/", 1)
	}
	return u
}

// bare is an address as it is compared: what people are counted by does not make another one of it.
func bare(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	q := u.Query()
	for k := range q {
		if strings.HasPrefix(k, "utm_") || k == "fbclid" || k == "gclid" || k == "igshid" || k == "igsh" || k == "ref" || k == "mc_cid" {
			q.Del(k)
		}
	}
	out := strings.TrimPrefix(strings.ToLower(u.Host), "www.") + strings.TrimRight(u.EscapedPath(), "/")
	if s := q.Encode(); s != "" {
		out += "?" + s
	}
	if u.Fragment != "" {
		out += "#" + u.Fragment
	}
	return out
}

func mailOnly(href string) string {
	addr, _, _ := strings.Cut(href[len("mailto:"):], "?")
	if s, err := url.PathUnescape(addr); err == nil {
		addr = s
	}
	first, _, _ := strings.Cut(addr, ",")
	return "mailto:" + strings.TrimSpace(first)
}

// Names of sites whose links are accounts of a person.
var sites = map[string]string{
	"instagram.com": "Instagram", "tiktok.com": "TikTok", "youtube.com": "YouTube", "youtu.be": "YouTube", "github.com": "GitHub", "x.com": "X", "twitter.com": "X",
	"bsky.app": "Bluesky", "facebook.com": "Facebook", "linkedin.com": "LinkedIn", "pinterest.com": "Pinterest", "twitch.tv": "Twitch", "soundcloud.com": "SoundCloud",
	"bandcamp.com": "Bandcamp", "vimeo.com": "Vimeo", "threads.net": "Threads", "threads.com": "Threads", "mastodon.social": "Mastodon", "snapchat.com": "Snapchat", "discord.gg": "Discord",
	"discord.com": "Discord", "t.me": "Telegram", "wa.me": "WhatsApp", "open.spotify.com": "Spotify", "music.apple.com": "Apple Music", "patreon.com": "Patreon", "ko-fi.com": "Ko-fi",
	"etsy.com": "Etsy", "behance.net": "Behance", "dribbble.com": "Dribbble", "medium.com": "Medium", "reddit.com": "Reddit", "tumblr.com": "Tumblr", "substack.com": "Substack",
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(u.Hostname()), "www."), "m.")
}

// nameOf is what a link is called that does not say.
func nameOf(raw string) string {
	if a, ok := strings.CutPrefix(raw, "mailto:"); ok {
		return a
	}
	h := hostOf(raw)
	if n, ok := sites[h]; ok {
		return n
	}
	return h
}

// social reports whether a link is nothing but an account elsewhere: a short path on a known site, called by
// the site's name or by nothing.
func social(r Record) bool {
	name, ok := sites[hostOf(r.URL)]
	if !ok {
		return false
	}
	u, err := url.Parse(r.URL)
	if err != nil || strings.Count(strings.Trim(u.Path, "/"), "/") > 1 {
		return false
	}
	said := plain(r.Title)
	return said == "" || said == plain(name) || said == plain(nameOf(r.URL)) || strings.HasPrefix(said, plain(name)+" ") && len(strings.Fields(said)) <= 2 || said == plain(path.Base(u.Path))
}

// picture reads an image; false for what no visitor sees as one.
func (w *walker) picture(n *html.Node) (Record, bool) {
	src := attr(n, "data-src", "data-lazy-src", "data-original")
	if src == "" {
		src = attr(n, "src")
	}
	if set := attr(n, "srcset", "data-srcset"); set != "" && (src == "" || strings.HasPrefix(src, "data:")) {
		src, _, _ = strings.Cut(strings.TrimSpace(set), " ")
		src = strings.TrimRight(src, ",")
	}
	if src == "" || attr(n, "width") == "1" || attr(n, "height") == "1" {
		return Record{}, false
	}
	u := w.resolve(src)
	r := Record{Key: "picture:" + bareImage(u), Kind: Picture, Image: u, Alt: line(attr(n, "alt"))}
	if attr(n, "aria-hidden") == "true" || attr(n, "role") == "presentation" {
		r.Alt = ""
	}
	if u == "" {
		r.Key = "picture:" + src
	}
	imageFault(&r, src)
	return r, true
}

// imageFault says why a picture cannot come.
func imageFault(r *Record, src string) {
	low, _, _ := strings.Cut(strings.ToLower(src), "?")
	switch {
	case strings.HasPrefix(low, "data:"):
		r.Image, r.Key = "", "picture:data:"+r.Alt
		r.refuse("It is part of the page's code and has no address of its own.")
	case r.Image == "":
		r.refuse("The file does not say on which site this picture is.")
	case strings.HasSuffix(low, ".svg"), strings.HasSuffix(low, ".ico"):
		r.refuse("Drawings of this kind are not taken. Pictures are JPEG, PNG, WebP or GIF.")
	case !strings.HasPrefix(r.Image, "https://") && !strings.HasPrefix(r.Image, "http://"):
		r.refuse("It has no address on the web.")
	}
}

func bareImage(u string) string {
	s, _, _ := strings.Cut(u, "?")
	return strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
}

var (
	youtube = regexp.MustCompile(`^https?://(?:www\.|m\.)?(?:youtube(?:-nocookie)?\.com/(?:embed/|watch\?(?:.*&)?v=|shorts/)|youtu\.be/)([A-Za-z0-9_-]{11})`)
	vimeo   = regexp.MustCompile(`^https?://(?:www\.|player\.)?vimeo\.com/(?:video/)?(\d{6,12})`)
)

// watchPage is the page of a film whose frame or link this is.
func watchPage(u string) (string, bool) {
	if m := youtube.FindStringSubmatch(u); m != nil {
		return "https://www.youtube.com/watch?v=" + m[1], true
	}
	if m := vimeo.FindStringSubmatch(u); m != nil {
		return "https://vimeo.com/" + m[1], true
	}
	return u, false
}
