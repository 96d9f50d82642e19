package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
)

var (
	llmKind  = regexp.MustCompile(`(?m)^- "([a-z]+)":`)
	llmFact  = regexp.MustCompile(`(?s)What the creator says: <<<(.*?)>>>`)
	llmNow   = regexp.MustCompile(`(?s)What it says now: <<<(.*?)>>>`)
	llmLang  = regexp.MustCompile(`Write in (\w+)`)
	llmTone  = regexp.MustCompile(`Tone: (\w+)`)
	llmList  = regexp.MustCompile(`(?m)^\d+\. <<<(.*)>>>$`)
	llmPrice = regexp.MustCompile(`(?i)\s*(?:\b(?:for|at|für|zu|por|a|pour|à)\s+)?(?:[€$£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:€|\$|£|eur(?:os?)?\b|usd\b|gbp\b|dollars?\b|reais\b))`)
	llmURL   = regexp.MustCompile(`(?i)\S*(?:https?://|www\.|@)\S*|\b[\w-]+\.(?:com|org|net|de|es|fr|pt)\S*`)
)

// said is what the writer has to say in a language beyond the creator's own words: by tone, then two of each.
var said = map[string]map[string][][2]string{
	"English":  {"warm": {{"Welcome", "I am glad that you found your way here. Take your time, and write to me whenever you like."}, {"A few words", "Everything here is something that I like to do. Look around, and tell me what you are looking for."}}, "plain": {{"About", "Here is what I do and what I offer. Ask me if something is missing."}, {"What this is", "This page shows my work. Choose something, or write to me."}}, "playful": {{"Well, hello", "You made it past the door. Look at everything, and wave if you need me."}, {"Psst", "The good things are further down. So am I, most of the time."}}},
	"German":   {"warm": {{"Willkommen", "Schön, dass du hergefunden hast. Nimm dir Zeit, und schreib mir, wann immer du magst."}, {"Ein paar Worte", "Alles hier mache ich gern. Schau dich um, und sag mir, was du suchst."}}, "plain": {{"Über mich", "Hier steht, was ich mache und was ich anbiete. Frag mich, wenn etwas fehlt."}, {"Worum es geht", "Diese Seite zeigt meine Arbeit. Such dir etwas aus, oder schreib mir."}}, "playful": {{"Na so was", "Du bist schon durch die Tür. Schau dir alles an, und wink, wenn du mich brauchst."}, {"Psst", "Das Gute steht weiter unten. Ich meistens auch."}}},
	"Spanish":  {"warm": {{"Te doy la bienvenida", "Me alegra que hayas llegado hasta aquí. Tómate tu tiempo y escríbeme cuando quieras."}, {"Unas palabras", "Todo lo que ves lo hago con gusto. Date una vuelta y dime qué buscas."}}, "plain": {{"Sobre mí", "Aquí está lo que hago y lo que ofrezco. Pregúntame si falta algo."}, {"De qué va esto", "Esta página muestra mi trabajo. Elige algo o escríbeme."}}, "playful": {{"Vaya, hola", "Ya has cruzado la puerta. Míralo todo y haz una seña si me necesitas."}, {"Psst", "Lo bueno está más abajo. Yo también, casi siempre."}}},
	"French":   {"warm": {{"Bienvenue", "Je suis contente que vous soyez là. Prenez votre temps, et écrivez-moi quand vous voulez."}, {"Quelques mots", "Tout ce que vous voyez, je le fais avec plaisir. Regardez, et dites-moi ce que vous cherchez."}}, "plain": {{"À propos", "Voici ce que je fais et ce que je propose. Demandez-moi s’il manque quelque chose."}, {"De quoi il s’agit", "Cette page montre mon travail. Choisissez, ou écrivez-moi."}}, "playful": {{"Tiens, bonjour", "Vous avez passé la porte. Regardez tout, et faites signe si vous avez besoin de moi."}, {"Psst", "Le meilleur est plus bas. Moi aussi, en général."}}},
	"European": {"warm": {{"Boas-vindas", "Ainda bem que chegaste até aqui. Demora o tempo que quiseres e escreve-me quando te apetecer."}, {"Umas palavras", "Tudo o que vês faço com gosto. Dá uma volta e diz-me o que procuras."}}, "plain": {{"Sobre mim", "Aqui está o que faço e o que ofereço. Pergunta-me se faltar alguma coisa."}, {"Do que se trata", "Esta página mostra o meu trabalho. Escolhe alguma coisa ou escreve-me."}}, "playful": {{"Ora viva", "Já passaste a porta. Vê tudo e acena se precisares de mim."}, {"Psst", "O melhor está mais abaixo. Eu também, quase sempre."}}},
}

var saidWords = map[string]map[string]string{
	"English":  {"shelf": "What there is", "contact": "Write to me", "text": "Ask me anything about what you see here.", "button": "Send", "book": "Find a time", "see": "See free times"},
	"German":   {"shelf": "Was es gibt", "contact": "Schreib mir", "text": "Frag mich alles zu dem, was du hier siehst.", "button": "Senden", "book": "Termin finden", "see": "Freie Zeiten"},
	"Spanish":  {"shelf": "Lo que hay", "contact": "Escríbeme", "text": "Pregúntame lo que quieras sobre lo que ves aquí.", "button": "Enviar", "book": "Busca un hueco", "see": "Ver horas"},
	"French":   {"shelf": "Ce qu’il y a", "contact": "Écrivez-moi", "text": "Posez-moi vos questions sur ce que vous voyez ici.", "button": "Envoyer", "book": "Trouver un moment", "see": "Voir les créneaux"},
	"European": {"shelf": "O que há", "contact": "Escreve-me", "text": "Pergunta-me o que quiseres sobre o que vês aqui.", "button": "Enviar", "book": "Encontrar uma hora", "see": "Ver horas"},
}

// writer is a model that has read one prompt.
type writer struct {
	kinds           []string
	sentence, now   string
	language, tone  string
	products, links []string
	turn            int // another wording
}

func read(in LLMRequest) writer {
	system, facts := in.Messages[0].Content, ""
	if len(in.Messages) > 1 {
		facts = in.Messages[1].Content
	}
	first := func(re *regexp.Regexp, s, other string) string {
		if m := re.FindStringSubmatch(s); m != nil {
			return m[1]
		}
		return other
	}
	w := writer{sentence: first(llmFact, facts, ""), now: first(llmNow, system, ""), language: first(llmLang, system, "English"), tone: first(llmTone, system, "warm")}
	if said[w.language] == nil {
		w.language = "English"
	}
	if said[w.language][w.tone] == nil {
		w.tone = "warm"
	}
	for _, m := range llmKind.FindAllStringSubmatch(system, -1) {
		w.kinds = append(w.kinds, m[1])
	}
	goods, links, _ := strings.Cut(facts, "\nLinks:")
	if _, list, ok := strings.Cut(goods, "\nProducts:"); ok {
		for _, m := range llmList.FindAllStringSubmatch(list, -1) {
			w.products = append(w.products, m[1])
		}
	}
	for _, m := range llmList.FindAllStringSubmatch(links, -1) {
		w.links = append(w.links, m[1])
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(w.now))
	w.turn = int(h.Sum32()>>4) % 2
	if w.now != "" && strings.Contains(w.now, said[w.language][w.tone][w.turn][1]) { // not the same again
		w.turn = 1 - w.turn
	}
	return w
}

// own is the creator's first sentence without its prices and addresses, in at most n letters.
func (w writer) own(n int) string {
	s := strings.Join(strings.Fields(llmPrice.ReplaceAllString(llmURL.ReplaceAllString(w.sentence, ""), "")), " ")
	if i := strings.IndexAny(s, ".!?\n"); i > 20 {
		s = s[:i]
	}
	s = strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune("<>{}[]`$#*_\"", r) {
			return -1
		}
		return r
	}, s), " ,;:-–")
	if r := []rune(s); len(r) > n {
		s = string(r[:n])
		if i := strings.LastIndexByte(s, ' '); i > 0 {
			s = s[:i]
		}
	}
	return strings.TrimRight(s, " ,;:-–") + "."
}

// write answers a prompt with blocks of the kinds it names.
func write(in LLMRequest) string {
	w := read(in)
	blocks := []obj{}
	if len(w.kinds) == 1 {
		blocks = append(blocks, w.block(w.kinds[0], 0))
	} else {
		blocks = w.window()
	}
	b, err := json.Marshal(obj{"blocks": blocks})
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}

func (w writer) window() (out []obj) {
	add := func(kind string, n int) {
		if slices.Contains(w.kinds, kind) {
			out = append(out, w.block(kind, n))
		}
	}
	add("header", 0)
	if w.tone == "warm" {
		add("text", 0)
	}
	if len(w.products) >= 3 {
		add("grid", 0)
	} else {
		for i := range w.products {
			add("product", i+1)
		}
	}
	add("image", 0)
	if w.tone != "warm" {
		add("text", 0)
	}
	for i, l := range w.links {
		switch {
		case strings.Contains(l, "cal.com") || strings.Contains(l, "calendly"):
			add("scheduler", i+1)
		case !social(l):
			add("link", i+1)
		}
	}
	if w.tone == "playful" {
		add("divider", 0)
	}
	add("contact", 0)
	return out
}

func social(l string) bool {
	return strings.Contains(l, "instagram.") || strings.Contains(l, "tiktok.") || strings.Contains(l, "bsky.")
}

func (w writer) block(kind string, n int) obj {
	words, lines := saidWords[w.language], said[w.language][w.tone][w.turn]
	switch kind {
	case "header":
		text, socials := w.own(180), []int{}
		for i, l := range w.links {
			if social(l) && len(socials) < 5 {
				socials = append(socials, i+1)
			}
		}
		if w.now != "" && w.turn == 1 || len(text) < 20 {
			text = lines[1]
		}
		return obj{"kind": kind, "text": text, "socials": socials}
	case "text":
		return obj{"kind": kind, "title": lines[0], "text": lines[1]}
	case "product":
		return obj{"kind": kind, "product": max(n, 1), "note": ""}
	case "grid":
		all := []int{}
		for i := range w.products[:min(len(w.products), 24)] {
			all = append(all, i+1)
		}
		return obj{"kind": kind, "title": words["shelf"], "products": all}
	case "link":
		host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(w.links[max(n, 1)-1], "mailto:"), "https://"), "www."), "/")
		return obj{"kind": kind, "title": host, "link": max(n, 1)}
	case "scheduler":
		return obj{"kind": kind, "title": words["book"], "text": "", "link": max(n, 1), "button": words["see"]}
	case "image":
		return obj{"kind": kind, "title": "", "search": "workshop table light"}
	case "faq":
		return obj{"kind": kind, "title": lines[0], "items": []obj{{"title": words["contact"], "text": words["text"]}}}
	case "divider":
		return obj{"kind": kind, "style": "scallop"}
	}
	return obj{"kind": "contact", "title": words["contact"], "text": words["text"], "button": words["button"]}
}
