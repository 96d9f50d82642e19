package assist

import (
	"strings"
	"testing"

	"vitrine/app/money"
)

func TestASentenceSaysWhatIsSoldForHowMuch(t *testing.T) {
	for _, x := range []struct {
		say   string
		in    money.Currency
		goods string // name=minor, …
	}{
		{"I'm a potter in Porto. I sell mugs for €24 and an evening at the wheel for €60.", "EUR", "Mugs=2400, Evening at the wheel=6000"},
		{"I bake sourdough ($8.50) and cinnamon rolls ($4).", "USD", "Sourdough=850, Cinnamon rolls=400"},
		{"Ich verkaufe Tassen für 24,90 € und einen Drehkurs für 1.250 €.", "EUR", "Tassen=2490, Drehkurs=125000"},
		{"Ich biete Gitarrenunterricht an, 45 Euro, und Notenhefte zu 12,- €.", "EUR", "Gitarrenunterricht=4500, Notenhefte=1200"},
		{"Vendo láminas por 35 € y un taller de acuarela por 1.250,50 €.", "EUR", "Láminas=3500, Taller de acuarela=125050"},
		{"Je vends des bols à 28 € et un stage de tournage à 1 200 €.", "EUR", "Bols=2800, Stage de tournage=120000"},
		{"Vendo canecas por R$ 80 e aulas de cerâmica por R$ 250,00.", "BRL", "Canecas=8000, Aulas de cerâmica=25000"},
		{"Prints at £30, framed prints at £95.", "GBP", "Prints=3000, Framed prints=9500"},
		{"$19 for the field guide, $49 for the workshop", "USD", "Field guide=1900, Workshop=4900"},
		{"Mugs for $24.", "EUR", ""},                              // of another currency: nothing is converted
		{"I have 12 years and 300 plants and 2 cats.", "EUR", ""}, // no price
		{"A zine for €0.", "EUR", ""},                             // nothing that could be charged
		{"We were 5 europeans in 1998.", "EUR", ""},
		{"<script>alert(1)</script> for €5", "EUR", ""},
		{"Mugs for €24, mugs for €30.", "EUR", "Mugs=2400"}, // the first word counts
		{"Templates für 19 EUR, ein Logo für 400 EUR", "EUR", "Templates=1900, Logo=40000"},
		{"Poster (A2), 35 €", "EUR", "Poster=3500"},
		{"手作りの器 for ¥3500", "JPY", "手作りの器=3500"},
	} {
		var got []string
		for _, g := range Understand(x.say, x.in).Goods {
			got = append(got, g.Name+"="+strings.TrimLeft(itoa(g.Price.Minor), "+"))
		}
		if s := strings.Join(got, ", "); s != x.goods {
			t.Errorf("%s\n\tgot  %s\n\twant %s", x.say, s, x.goods)
		}
	}
}

func TestLinksAreThoseThatWereWritten(t *testing.T) {
	got := linksIn("Find me at instagram.com/ana.barro, https://ana.example/shop?x=1. Mail ana@barro.pt, or http://cal.com/ana and javascript:alert(1), e.g. mugs.")
	want := "https://instagram.com/ana.barro https://ana.example/shop?x=1 mailto:ana@barro.pt https://cal.com/ana"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestLanguageAndTradeAreTold(t *testing.T) {
	for _, x := range [][3]string{
		{"I'm a potter in Porto and sell mugs.", "en", "ceramics"},
		{"Ich bin Töpferin und verkaufe Tassen.", "de", "ceramics"},
		{"Soy ceramista y vendo tazas hechas a mano.", "es", "ceramics"},
		{"Je suis céramiste et je vends des bols.", "fr", "ceramics"},
		{"Sou ceramista e vendo canecas.", "pt", "ceramics"},
		{"I take wedding photographs.", "en", "photography"},
		{"Ich unterrichte Yoga und Pilates.", "de", "movement"},
		{"Hago joyas de plata, anillos y pendientes.", "es", "jewellery"},
		{"J'écris des romans et des poèmes.", "fr", "writing"},
		{"Faço pão e bolos.", "pt", "baking"},
		{"I design Notion templates and fonts.", "en", "design"},
		{"Ich nähe Kleider und stricke Schals.", "de", "textile"},
		{"Vendo plantas y semillas para tu jardín.", "es", "plants"},
		{"Cours de guitare et chansons originales.", "fr", "music"},
		{"Sou consultora de carreira e faço mentoria.", "pt", "coaching"},
		{"I draw comics and posters.", "en", "illustration"},
		{"I teach maths, one lesson at a time.", "en", "teaching"},
		{"Hello there.", "en", "general"},
	} {
		if l, tr := Language(x[0]), tradeOf(x[0]); l != x[1] || tr != x[2] {
			t.Errorf("%s: %s %s, want %s %s", x[0], l, tr, x[1], x[2])
		}
	}
}

func itoa(n int64) string { return money.Amount{Minor: n, Currency: "JPY"}.Decimal() }
