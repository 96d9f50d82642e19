package builder

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestFramesAreFoundForTheAddressesThatPeopleCopy(t *testing.T) {
	t.Parallel()
	const tube, vimeo = "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?autoplay=1", "https://player.vimeo.com/video/76979871?dnt=1&autoplay=1&h="
	for _, x := range []struct {
		among     []host
		raw, want string
	}{
		{films, "https://www.youtube.com/watch?v=dQw4w9WgXcQ", tube},
		{films, "https://youtube.com/watch?v=dQw4w9WgXcQ&t=42s&list=PL1", tube},
		{films, "https://m.youtube.com/watch?feature=share&v=dQw4w9WgXcQ", tube},
		{films, "https://youtu.be/dQw4w9WgXcQ?si=abc", tube},
		{films, "https://www.youtube.com/shorts/dQw4w9WgXcQ", tube},
		{films, "https://www.youtube.com/live/dQw4w9WgXcQ?feature=share", tube},
		{films, "https://www.youtube.com/embed/dQw4w9WgXcQ", tube},
		{films, "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?rel=0", tube},
		{films, "https://WWW.YouTube.com/watch?v=dQw4w9WgXcQ", tube},
		{films, "https://vimeo.com/76979871", vimeo},
		{films, "https://vimeo.com/76979871/8272103f6e", vimeo + "8272103f6e"},
		{films, "https://vimeo.com/76979871?h=8272103f6e", vimeo + "8272103f6e"},
		{films, "https://player.vimeo.com/video/76979871", vimeo},
		{films, "https://www.dailymotion.com/video/x8abcde", "https://geo.dailymotion.com/player.html?video=x8abcde"},
		{films, "https://dai.ly/x8abcde", "https://geo.dailymotion.com/player.html?video=x8abcde"},
		{others, "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC?si=1", "https://open.spotify.com/embed/track/4uLU6hMCjMI75M1A2tKUQC"},
		{others, "https://open.spotify.com/intl-de/album/4uLU6hMCjMI75M1A2tKUQC", "https://open.spotify.com/embed/album/4uLU6hMCjMI75M1A2tKUQC"},
		{others, "https://open.spotify.com/episode/4uLU6hMCjMI75M1A2tKUQC", "https://open.spotify.com/embed/episode/4uLU6hMCjMI75M1A2tKUQC"},
		{others, "https://soundcloud.com/lowtide/side-a", "https://w.soundcloud.com/player/?url=https%3A%2F%2Fsoundcloud.com%2Flowtide%2Fside-a"},
		{others, "https://m.soundcloud.com/lowtide/sets/tapes", "https://w.soundcloud.com/player/?url=https%3A%2F%2Fsoundcloud.com%2Flowtide%2Fsets%2Ftapes"},
		{others, "https://bandcamp.com/EmbeddedPlayer/album=1234/size=large/artwork=small", "https://bandcamp.com/EmbeddedPlayer/album=1234/size=large/artwork=small"},
		{others, "https://music.apple.com/fr/album/tides/1440857781", "https://embed.music.apple.com/fr/album/tides/1440857781"},
		{others, "https://www.openstreetmap.org/export/embed.html?bbox=5.3,43.2,5.4,43.3&layer=mapnik&evil=1", "https://www.openstreetmap.org/export/embed.html?bbox=5.3%2C43.2%2C5.4%2C43.3&layer=mapnik"},
		{others, "https://codepen.io/ilse/pen/abcDEF", "https://codepen.io/ilse/embed/abcDEF?default-tab=result"},
		{others, "https://www.are.na/ilse/letters-1", "https://www.are.na/ilse/letters-1/embed"},
	} {
		f, err := player(x.raw, x.among)
		if err != nil || f.src != x.want {
			t.Errorf("%s: %q, %v", x.raw, f.src, err)
			continue
		}
		if u, err := url.Parse(f.src); err != nil || "https://"+u.Host != f.origin {
			t.Errorf("%s: the policy would name %s", x.raw, f.origin)
		}
	}
}

// Whoever chooses the frame chooses what runs in it: nothing but the players of our list may come out.
func TestNoOtherFrameIsEverMade(t *testing.T) {
	t.Parallel()
	const v = "dQw4w9WgXcQ"
	hostile := []string{
		"", " ", "https://", "https:///watch?v=" + v, "/watch?v=" + v, "//www.youtube.com/watch?v=" + v, "youtube.com/watch?v=" + v,
		"http://www.youtube.com/watch?v=" + v, "ftp://youtube.com/watch?v=" + v, "javascript:alert(1)", "javascript://youtube.com/%0aalert(1)",
		"data:text/html,<script>alert(1)</script>", "data:text/html;base64,PHNjcmlwdD4=", "blob:https://youtube.com/" + v, "file:///etc/passwd", "about:srcdoc",
		"https://user:pass@www.youtube.com/watch?v=" + v, "https://www.youtube.com@evil.example/watch?v=" + v, "https://evil.example@youtu.be/" + v,
		"https://www.youtube.com:8443/watch?v=" + v, "https://youtu.be:443/" + v, "https://open.spotify.com:22/track/abc",
		"https://youtube.com.evil.example/watch?v=" + v, "https://evil-youtube.com/watch?v=" + v, "https://notyoutu.be/" + v, "https://xyoutube.com/watch?v=" + v,
		"https://www.www.youtube.com/watch?v=" + v, "https://youtube.com./watch?v=" + v, "https://yоutube.com/watch?v=" + v, "https://xn--yutube-wqf.com/watch?v=" + v,
		"https://youtube.co/watch?v=" + v, "https://vimeo.com.evil.example/1", "https://player.vimeo.co/video/1", "https://sub.vimeo.com/1",
		"https://www.youtube.com/watch", "https://www.youtube.com/watch?v=", "https://www.youtube.com/watch?v=short", "https://www.youtube.com/watch?v=" + v + "x",
		"https://www.youtube.com/watch?v=%22%3E%3Cscript%3E", `https://www.youtube.com/watch?v="onload=1//`, "https://www.youtube.com/watch?v=../../../..", "https://www.youtube.com/embed/" + v + "/../x",
		"https://www.youtube.com/redirect?q=https://evil.example", "https://www.youtube.com/playlist?list=PL1", "https://youtu.be/", "https://youtu.be/a/b", "https://youtu.be/%2e%2e%2fx",
		"https://vimeo.com/", "https://vimeo.com/channels/staffpicks", "https://vimeo.com/1%22", "https://vimeo.com/76979871/%22%3E", "https://vimeo.com/76979871?h=%22%3Cx", "https://vimeo.com/76979871/a&b=c",
		"https://dai.ly/", "https://dai.ly/x/../y", "https://www.dailymotion.com/playlist/x1", "https://www.dailymotion.com/video/x8abcde?x=1/../..%22/z%22",
		"https://open.spotify.com/", "https://open.spotify.com/user/noor", "https://open.spotify.com/track/", "https://open.spotify.com/track/%22%3E", "https://open.spotify.com/embed/track/abc",
		"https://soundcloud.com/", "https://soundcloud.com/a%22b/c", "https://soundcloud.com/a b", "https://bandcamp.com/", "https://noor.bandcamp.com/album/x", "https://bandcamp.com/EmbeddedPlayer/album=%22",
		"https://bandcamp.com/EmbeddedPlayer/../login", "https://music.apple.com/", "https://music.apple.com/fr/%3Cscript%3E", "https://www.openstreetmap.org/", "https://www.openstreetmap.org/export/embed.html",
		"https://www.openstreetmap.org/export/embed.html/x?bbox=1", "https://codepen.io/", "https://codepen.io/ilse/full/abc", "https://codepen.io/ilse/pen/%22", "https://www.are.na/", "https://www.are.na/ilse",
	}
	all := slices.Concat(films, others)
	for _, raw := range hostile {
		f, err := player(raw, all)
		if err == nil && !strings.Contains(raw, "?x=1/../..") { // what stands behind the id of a film is not taken over
			t.Errorf("%q became %s", raw, f.src)
		}
	}
	if len(hostile) < 60 {
		t.Errorf("only %d", len(hostile))
	}
	f, err := player("https://www.dailymotion.com/video/x8abcde?x=1/../..%22/z%22", all)
	if err != nil || f.src != "https://geo.dailymotion.com/player.html?video=x8abcde" {
		t.Errorf("%s, %v", f.src, err)
	}
	for _, x := range []struct {
		raw   string
		among []host
	}{{"https://open.spotify.com/track/abc", films}, {"https://vimeo.com/76979871", others}} {
		if f, err := player(x.raw, x.among); err == nil {
			t.Errorf("%s became %s in the wrong block", x.raw, f.src)
		}
	}
}
