package builder_test

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vitrine/app/builder"
)

func TestLinksThatMayStandInAPage(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.com":                    "https://example.com",
		"  https://example.com/a?b=c&d=%20#e  ":  "https://example.com/a?b=c&d=%20#e",
		"HTTPS://Example.com":                    "https://Example.com",
		"example.com":                            "https://example.com",
		"example.com/path":                       "https://example.com/path",
		"example.com:8443/path":                  "https://example.com:8443/path",
		"https://bücher.example/ü":               "https://xn--bcher-kva.example/%C3%BC",
		"noor@example.com":                       "mailto:noor@example.com",
		"mailto:noor@example.com":                "mailto:noor@example.com",
		"MAILTO:noor+shop@example.co.uk":         "mailto:noor+shop@example.co.uk",
		"https://example.com/@noor":              "https://example.com/@noor",
		"https://example.com/?next=//evil.test/": "https://example.com/?next=//evil.test/",
	} {
		got, err := builder.CheckLink(in)
		if err != nil || !strings.EqualFold(got, want) {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
}

var naughty = []string{
	"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)", "\x01javascript:alert(1)",
	"javascript://example.com/%0aalert(1)", "javascript&colon;alert(1)", "data:text/html,<script>alert(1)</script>", "DATA:text/html;base64,PHNjcmlwdD4=",
	"vbscript:msgbox(1)", "file:///etc/passwd", "ftp://example.com", "blob:https://example.com/x", "view-source:https://example.com", "about:blank",
	"//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/path", "path", "#hash", "?query", "http://example.com", "https:example.com",
	"https:/example.com", "https:///example.com", "https://", "https://user@example.com", "https://user:pass@example.com", "https://example.com@evil.example",
	"https://localhost", "https://intranet", "https://[::1]", "https://exa mple.com", "https://example.com/\x00", "https://example.com/\r\nSet-Cookie:a=b",
	"https://example.com/<script>", "https://example.com/\"onmouseover=alert(1)", "https://example.com/'", "https://exam\u200bple.com", "https://\u202emoc.elpmaxe",
	"https://example..com", "https://.example.com", "https://-example-.com:x", "https://example.com:99999999", "mailto:", "mailto:a", "mailto:a@b", "mailto:a@example.com?bcc=b@example.com",
	"mailto:a@example.com,b@example.com", "mailto:\"<script>\"@example.com", "mailto:a@example.com%0aBcc:b@example.com", "Noor <noor@example.com>", "tel:+123", "sms:123",
	"intent://x#Intent;end", "chrome://settings", "ws://example.com", "https://%6a%61.example", "https://example.com\\@evil.example", strings.Repeat("a", 2000), "https://example.com/" + strings.Repeat("a", 2000),
	"\u2028https://example.com", "jAvAsCrIpT:alert`1`", "feed:javascript:alert(1)", "jar:https://x!/", "@", "a@", "@b.c",
}

func TestLinksThatMayNot(t *testing.T) {
	for _, in := range naughty {
		if got, err := builder.CheckLink(in); err == nil && !(strings.TrimSpace(in) != in && strings.HasPrefix(got, "https://")) {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestWhateverIsTypedNoLinkIsDangerous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z+.:/@\\?#% \t-]{0,40}`), rapid.SampledFrom(naughty)).Draw(t, "in")
		got, err := builder.CheckLink(in)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || (u.Scheme != "https" && u.Scheme != "mailto") || u.User != nil || strings.ContainsAny(got, " <>\"'`\\\r\n\t\x00") {
			t.Fatalf("%q became %q (%v)", in, got, err)
		}
		if again, err := builder.CheckLink(got); err != nil || again != got {
			t.Fatalf("%q became %q, which became %q (%v)", in, got, again, err)
		}
	})
}
