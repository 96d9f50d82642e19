package assist

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// Languages that the templates are written in. The first is what is taken when a sentence gives nothing away.
var Languages = []string{"en", "de", "es", "fr", "pt"}

// Tones that a window can be written in.
var Tones = []string{"warm", "plain", "playful"}

// Trades that the templates know; the last is for all others.
var Trades = []string{"ceramics", "photography", "illustration", "music", "writing", "teaching", "movement", "baking", "textile", "jewellery", "coaching", "design", "plants", "general"}

//go:embed copy/*.txt
var copyFiles embed.FS

// craft is what the templates say about one trade.
type craft struct {
	noun  string
	lines map[string]string // by tone
	about string
}

// wording is all that the templates say in one language.
type wording struct {
	trades map[string]craft
	words  map[string]string
}

var wordings = func() map[string]wording {
	out := map[string]wording{}
	for _, lang := range Languages {
		b, err := copyFiles.ReadFile("copy/" + lang + ".txt")
		if err != nil {
			panic(err) // the file is part of the program
		}
		out[lang] = readWording(lang, string(b))
	}
	return out
}()

func readWording(lang, file string) wording {
	w := wording{map[string]craft{}, map[string]string{}}
	for _, line := range strings.Split(file, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		p := strings.Split(line, "|")
		for i := range p {
			p[i] = strings.TrimSpace(p[i])
		}
		switch {
		case len(p) == 2:
			w.words[p[0]] = p[1]
		case len(p) == 6 && slices.Contains(Trades, p[0]):
			w.trades[p[0]] = craft{p[1], map[string]string{"warm": p[2], "plain": p[3], "playful": p[4]}, p[5]}
		default:
			panic(fmt.Sprintf("assist: copy/%s.txt: %q", lang, line))
		}
	}
	return w
}
