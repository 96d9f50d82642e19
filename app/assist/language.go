package assist

import (
	"strings"
	"unicode"
)

// Small words by which a sentence gives its language away. Those that two languages share are in both.
var smallWords = map[string]map[string]bool{
	"en": wordSet(`i i'm we my our the a an and or of for from with to in on at is are am make makes sell selling offer teach bake write paint draw take who what you people want shop handmade called based new small page website`),
	"de": wordSet(`ich wir mir dir du schreib mein meine meinen unser unsere der die das den dem ein eine einen und oder von für aus mit zu in im auf ist sind bin mache verkaufe biete an unterrichte backe schreibe male aus euro wer was du menschen laden seite handgemachte kleine kurse`),
	"es": wordSet(`yo soy somos mi mis nuestro nuestra el la los las un una unos unas y o de del para desde con en es son hago vendo ofrezco enseño horneo escribo pinto quien que tienda página hechas hechos a mano también cursos clases por`),
	"fr": wordSet(`je j'ai suis nous mon ma mes notre nos le la les un une des et ou de du pour depuis avec en dans est sont fais vends propose enseigne écris peins qui que boutique page faites fait main aussi cours à au aux chez`),
	"pt": wordSet(`eu sou somos o meu minha meus minhas nosso nossa os as um uma uns umas e ou de do da dos das para desde com em no na é são faço vendo ofereço ensino escrevo pinto quem que loja página feitas feitos à mão também cursos aulas por`),
}

// Letters that only some of the languages have.
var letters = map[rune][]string{'ß': {"de"}, 'ä': {"de"}, 'ö': {"de"}, 'ü': {"de"}, 'ñ': {"es"}, '¿': {"es"}, '¡': {"es"}, 'ã': {"pt"}, 'õ': {"pt"}, 'ç': {"fr", "pt"}, 'è': {"fr"}, 'ê': {"fr", "pt"},
	'œ': {"fr"}, 'û': {"fr"}, 'î': {"fr"}, 'ô': {"fr", "pt"}, 'á': {"es", "pt"}, 'í': {"es", "pt"}, 'ó': {"es", "pt"}, 'ú': {"es", "pt"}, 'à': {"fr", "pt"}, 'â': {"fr", "pt"}, 'ù': {"fr"}}

// Language is what a text is written in, by its small words and its letters; English when nothing tells.
func Language(s string) string {
	score := map[string]int{}
	s = linkShape.ReplaceAllString(s, " ") // an address is in no language
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '’' }) {
		w = strings.ReplaceAll(w, "’", "'")
		for lang, words := range smallWords {
			if words[w] {
				score[lang] += 2
			}
		}
		if head, _, ok := strings.Cut(w, "'"); ok && (head == "l" || head == "d" || head == "j" || head == "qu" || head == "c") {
			score["fr"] += 2
		}
	}
	for _, r := range strings.ToLower(s) {
		for _, lang := range letters[r] {
			score[lang]++
		}
	}
	best := Languages[0]
	for _, lang := range Languages {
		if score[lang] > score[best] {
			best = lang
		}
	}
	return best
}

// Beginnings of words by which a trade is known, in all five languages. The order decides a tie.
var tradeWords = []struct{ trade, starts string }{
	{"ceramics", `ceramic pottery potter pots mugs mug clay glaze stoneware porcelain keramik töpfer toepfer tasse becher ton steingut porzellan cerámic ceramic alfarer barro taza cuenco céramique céramiste poterie potier grès tasse bol cerâmic ceramista olaria oleir barro caneca`},
	{"photography", `photo photograph photographer portrait wedding prints camera foto fotograf porträt portrait hochzeit abzüge fotógraf fotografí retrato boda photographe photographie tirage mariage fotografia casamento`},
	{"illustration", `illustrat drawing draw drawings comic comics poster posters sketch watercolour watercolor illustration zeichn illustratorin aquarell plakat ilustra dibuj lámina acuarela cómic illustratri illustrateur dessin dessine affiche aquarelle desenh ilustrador aguarela aquarela`},
	{"music", `music musician song songs singer album guitar piano beats band vinyl concert musik lied lieder sänger gitarre klavier noten konzert músic music canción canciones cantante guitarra piano disco musique chanson chansons chante guitare partition musicien música canções canção cantora violão`},
	{"writing", `writer write novel book books poem poems poetry essay essays newsletter zine author autor autorin schreibe roman buch bücher gedicht gedichte essay escrit escribo novela libro libros poema poemas ensayo écrivain écris roman livre livres poème poèmes autrice auteur escritor escrevo romance livro livros poesia`},
	{"teaching", `teacher teach tutor course courses lesson lessons class workshop language maths lehrer unterricht kurs kurse nachhilfe stunden sprache profesor enseño curso cursos clase clases taller idiomas professeur enseigne cours leçon atelier langue professor ensino aula aulas oficina explicador`},
	{"movement", `yoga pilates fitness training trainer run running dance dancer dancing gym stretching training laufen tanz turnen bewegung entrenador entrenamiento danza baile correr entraînement entraîneuse danse coach sportif treino treinador dança corrida`},
	{"baking", `bake baker bakery bread cake cakes cookie cookies pastry sourdough chocolate cook recipe recipes backe bäcker bäckerei brot kuchen kekse torte torten sauerteig rezept horneo pan panader pastel pasteles tarta tartas galletas receta boulang pain gâteau gâteaux pâtisser biscuits recette pão pães padeir bolo bolos bolacha receita confeitar`},
	{"textile", `knit knitting sew sewing fabric clothes dress weave weaver quilt yarn textile embroider strick häkel nähe näherin stoff kleid kleider wolle weber schal tejo tejid costura ropa tela bordad lana tricot couture couds vêtement tissu laine brode tisse tricô costur roupa tecido bordad lã crochê croché`},
	{"jewellery", `jewel jewellery jewelry ring rings earring earrings necklace silver gold goldsmith schmuck ring ringe ohrring ohrringe kette silber gold joya joyas joyer anillo anillos pendiente pendientes collar plata bijou bijoux bague bagues boucles collier argent joia joias joalher anel anéis brinco brincos colar prata`},
	{"coaching", `coach coaching mentor consult consulting consultant therapy therapist career beratung berate coachin coach karriere mentorin consultor consultora asesor mentora carrera conseil conseille accompagne carrière consultor consultoria mentoria carreira terapeuta`},
	{"design", `design designer template templates logo website websites ux font fonts icons notion figma developer gestalt vorlage vorlagen webseite webseiten schrift diseñ plantilla plantillas web tipografía graphis modèle modèles site sites police designer modelo modelos tipografia`},
	{"plants", `plant plants garden gardener seeds seedling flowers florist succulent pflanze pflanzen garten gärtner samen blumen setzling planta plantas jardín jardiner semillas flores plante plantes jardin jardinière graines fleurs jardim jardineir sementes suculenta`},
}

// tradeOf is the trade of which most words are in a sentence. Short beginnings must be whole words.
func tradeOf(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
	best, most := "general", 0
	for _, t := range tradeWords {
		n := 0
		for _, w := range words {
			for _, start := range strings.Fields(t.starts) {
				if w == start || len([]rune(start)) >= 5 && strings.HasPrefix(w, start) {
					n++
					break
				}
			}
		}
		if n > most {
			best, most = t.trade, n
		}
	}
	return best
}
