package assist

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/app/builder"
	"vitrine/app/money"
)

// Good is something that the creator says they sell, and for how much.
type Good struct {
	Name  string
	Price money.Amount
}

// Told is what a sentence says by rule, before any model sees it: nothing of it is guessed.
type Told struct {
	Sentence string
	Language string
	Trade    string
	Goods    []Good // with a price in the shop's currency
	Links    []string
	Amounts  []string // every price as it is written
}

// Understand reads a sentence of a creator whose shop sells in c.
func Understand(sentence string, c money.Currency) Told {
	t := Told{Sentence: sentence, Language: Language(sentence)}
	t.Trade = tradeOf(sentence)
	t.Links = linksIn(sentence)
	t.Goods, t.Amounts = goodsIn(sentence, c)
	return t
}

var linkShape = regexp.MustCompile(`(?i)\b(?:https?://[^\s<>"'()]+|[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}|(?:[a-z0-9-]+\.)+(?:com|org|net|io|de|es|fr|pt|br|co|me|app|dev|shop|store|studio|art|link|tv|ly|eu|uk|at|ch|mx|ar|be|nl|it|info|biz|xyz|page|site|online)\b(?:/[^\s<>"'()]*)?)`)

// linksIn are the addresses that the creator wrote down, as the window would keep them.
func linksIn(s string) (out []string) {
	for _, raw := range linkShape.FindAllString(s, -1) {
		raw = strings.TrimRight(raw, ".,;:!?…")
		if rest, ok := strings.CutPrefix(strings.ToLower(raw), "http://"); ok {
			raw = "https://" + raw[len(raw)-len(rest):]
		}
		if u, err := builder.CheckLink(raw); err == nil && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// Marks of currencies as people write them, the longest first; those of which a symbol is shared hold for the shop's own.
var marks = []struct {
	mark string
	of   []money.Currency
}{
	{"US$", []money.Currency{"USD"}}, {"CA$", []money.Currency{"CAD"}}, {"A$", []money.Currency{"AUD"}}, {"R$", []money.Currency{"BRL"}}, {"MX$", []money.Currency{"MXN"}},
	{"euros", []money.Currency{"EUR"}}, {"euro", []money.Currency{"EUR"}}, {"EUR", []money.Currency{"EUR"}}, {"€", []money.Currency{"EUR"}},
	{"dollars", dollars}, {"dollar", dollars}, {"dólares", dollars}, {"USD", []money.Currency{"USD"}}, {"bucks", dollars},
	{"pounds", []money.Currency{"GBP"}}, {"GBP", []money.Currency{"GBP"}}, {"£", []money.Currency{"GBP"}},
	{"reais", []money.Currency{"BRL"}}, {"BRL", []money.Currency{"BRL"}}, {"CHF", []money.Currency{"CHF"}}, {"Franken", []money.Currency{"CHF"}}, {"francs", []money.Currency{"CHF"}},
	{"CAD", []money.Currency{"CAD"}}, {"AUD", []money.Currency{"AUD"}}, {"MXN", []money.Currency{"MXN"}}, {"pesos", []money.Currency{"MXN"}},
	{"yen", []money.Currency{"JPY"}}, {"JPY", []money.Currency{"JPY"}}, {"¥", []money.Currency{"JPY"}},
	{"PLN", []money.Currency{"PLN"}}, {"zł", []money.Currency{"PLN"}}, {"SEK", []money.Currency{"SEK"}}, {"NOK", []money.Currency{"NOK"}}, {"DKK", []money.Currency{"DKK"}},
	{"$", dollars},
}

var dollars = []money.Currency{"USD", "CAD", "AUD", "MXN", "NZD", "SGD"}

const number = `\d{1,3}(?:[.,'’ \x{00a0}\x{202f}]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?`

var priceShape = func() *regexp.Regexp {
	var all []string
	for _, m := range marks {
		q := regexp.QuoteMeta(m.mark)
		if r, _ := utf8.DecodeLastRuneInString(m.mark); unicode.IsLetter(r) {
			q = `\b` + q
		}
		all = append(all, q)
	}
	m := strings.Join(all, "|")
	return regexp.MustCompile(`(?i)(?:(` + m + `)\s?(` + number + `)|(` + number + `)(?:,-|,–|\.-)?\s?-?(` + m + `))(?:,-|,–|\.-)?`)
}()

// amount is one price in a text: where it stands and what it is worth.
type amount struct {
	from, to int
	raw      string
	figure   string
	of       []money.Currency
}

func amountsIn(s string) (out []amount) {
	for _, m := range priceShape.FindAllStringSubmatchIndex(s, -1) {
		part := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return s[m[2*i]:m[2*i+1]]
		}
		end := m[1]
		if r, _ := utf8.DecodeRuneInString(s[end:]); unicode.IsLetter(r) && unicode.IsLetter(lastRune(s[:end])) {
			continue // "5 europeans" names no price
		}
		a := amount{from: m[0], to: end, raw: s[m[0]:end], figure: part(2) + part(3)}
		mark := part(1) + part(4)
		for _, k := range marks {
			if strings.EqualFold(k.mark, mark) {
				a.of = k.of
				break
			}
		}
		out = append(out, a)
	}
	return out
}

func lastRune(s string) rune { r, _ := utf8.DecodeLastRuneInString(s); return r }

// in is the amount in a currency; false when it is another's.
func (a amount) in(c money.Currency) (money.Amount, bool) {
	if !slices.Contains(a.of, c) {
		return money.Amount{}, false
	}
	out, err := money.Parse(a.figure, c)
	return out, err == nil && out.Minor >= c.Least().Minor
}

// goodsIn pairs prices with the words before them: "a mug for 24 €", "Tasse (24 €)", "un taller por 1.250,50 €".
func goodsIn(s string, c money.Currency) (goods []Good, raw []string) {
	from := 0
	for _, a := range amountsIn(s) {
		raw = append(raw, strings.TrimSpace(a.raw))
		before := s[from:a.from]
		from = a.to
		price, ok := a.in(c)
		if !ok {
			continue
		}
		name := goodName(before)
		if name == "" { // "24 € for the mug"
			name, from = goodAfter(s, a.to)
		}
		if name == "" || slices.ContainsFunc(goods, func(g Good) bool { return strings.EqualFold(g.Name, name) }) {
			continue
		}
		goods = append(goods, Good{name, price})
	}
	return goods, raw
}

// stops are the words that a name cannot contain: what stands before them belongs to another thing.
var stops = wordSet(`sell selling sells offer offering offers make making makes teach teaching teaches write writing bake baking paint painting draw drawing photograph shoot design designing record
	i we my our me us also plus and or with called named including include costs cost is are have has run
	verkaufe verkaufen verkauft biete bieten anbiete mache machen male backe unterrichte schreibe und oder sowie ich wir mein meine meinen meiner unser unsere außerdem dazu kostet kosten gibt es ist sind habe
	vendo vendemos vende ofrezco ofrecemos hago enseño pinto escribo y e o yo mi mis nuestro nuestra además cuesta cuestan es son tengo doy
	vends vendons vend propose proposons fais crée peins écris et ou je nous mon ma mes notre nos aussi coûte coûtent est sont enseigne donne
	ofereço oferecemos faço ensino escrevo pinto e ou eu nós meu minha meus minhas nosso nossa também custa custam é são tenho dou vendemos`)

// priceVerbs stand between a thing and its price.
var priceVerbs = wordSet(`is are costs cost kostet kosten ist sind gibt es bekommst du cuesta cuestan es son vale valen coûte coûtent est sont vaut custa custam é são vale fica`)

// small words at the edge of a name that are no part of it.
var edges = wordSet(`a an the for at of from to each per only just in on some new one two three by it its this that these those price prices priced starting
	ein eine einen einem einer der die das den dem für zu zum zur je ab nur von im am preis mit neu neue neuen
	un una unos unas el la los las por a de desde cada solo en para del precio con nuevo nueva
	le la les l un une des pour à au aux de du dès chaque seulement en prix avec nouveau nouvelle d
	um uma uns umas o os as por a de do da desde cada só em para preço com novo nova no na pelo pela`)

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

// goodName is the thing at the end of a stretch of text: the words since the last stop or punctuation.
func goodName(before string) string {
	if i := strings.LastIndexAny(before, ".;:!?\n•·|"); i >= 0 && strings.TrimSpace(before[i+1:]) != "" {
		before = before[i+1:]
	}
	before = strings.TrimRight(before, " \t(–—-:=,;")
	if i := strings.LastIndexByte(before, '('); i > 0 && strings.HasSuffix(before, ")") { // "Poster (A2), 35 €"
		before = strings.TrimRight(before[:i], " ,")
	}
	if i := strings.LastIndexAny(before, ",("); i >= 0 {
		before = before[i+1:]
	}
	words := strings.Fields(before)
	for len(words) > 0 && (priceVerbs[bare(words[len(words)-1])] || edges[bare(words[len(words)-1])]) { // "the mug is €24"
		words = words[:len(words)-1]
	}
	at := len(words)
	for at > 0 && !stops[bare(words[at-1])] {
		at--
	}
	return tidyName(words[at:])
}

// goodAfter reads "24 € for the mug": only after a word that says so.
func goodAfter(s string, at int) (string, int) {
	rest := s[at:]
	words := strings.Fields(rest)
	if len(words) < 2 || !slices.Contains([]string{"for", "für", "por", "pour"}, bare(words[0])) {
		return "", at
	}
	end := strings.IndexAny(rest, ",.;:!?\n(")
	if end < 0 {
		end = len(rest)
	}
	words = strings.Fields(rest[:end])[1:]
	for i, w := range words {
		if stops[bare(w)] {
			words = words[:i]
			break
		}
	}
	return tidyName(words), at + end
}

func tidyName(words []string) string {
	for len(words) > 0 && edges[bare(words[0])] {
		words = words[1:]
	}
	for len(words) > 0 && edges[bare(words[len(words)-1])] {
		words = words[:len(words)-1]
	}
	if len(words) == 0 || len(words) > 8 {
		return ""
	}
	name := strings.Trim(strings.Join(words, " "), " \"'“”„«»*_()[]")
	if n := utf8.RuneCountInString(name); n < 2 || n > 80 || !strings.ContainsFunc(name, unicode.IsLetter) || linkShape.MatchString(name) || strings.ContainsAny(name, "<>{}") {
		return ""
	}
	r, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[size:]
}

func bare(w string) string { return strings.ToLower(strings.Trim(w, ".,;:!?()\"'“”„«»’")) }
