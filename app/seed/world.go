package seed

import (
	"vitrine/app/builder"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

type creator struct {
	name, email, zone    string
	shop, slug, currency string
	look                 storefronts.Look
	header               builder.Props
	products             []product
	links                []builder.Props
	contact              builder.Props
	rest                 func(*shelf) []block // in place of links and contact
}

type product struct {
	name, summary, price, copies, description string
	cover                                     cover
	files                                     []file
}

type block struct {
	kind  builder.Kind
	props builder.Props
}

// blocks are the window below its header: products, links, and a way to write.
func (c creator) blocks(made map[string]id.Product) []block {
	var out []block
	for _, p := range c.products {
		out = append(out, block{builder.Product, builder.Props{Product: made[p.name]}})
	}
	for _, l := range c.links {
		out = append(out, block{builder.Link, l})
	}
	return append(out, block{builder.Contact, c.contact})
}

func creators() []creator {
	return append([]creator{noor(), malik(), ilse()}, trades()...)
}

func noor() creator {
	return creator{
		name: "Noor Adeyemi", email: "noor@vitrine.example", zone: "Europe/Paris", shop: "Noor Adeyemi", slug: "noor", currency: "EUR",
		look: storefronts.Look{Theme: "house", BrandColor: "#2637c4", HeaderStyle: "awning"},
		header: builder.Props{
			Title: "Noor Adeyemi", Text: "Wheel-thrown stoneware from a garage in Marseille. Fired twice a month.", Status: "Open, next kiln opens Thursday",
			Socials: []builder.Social{{Label: "Instagram", URL: "https://instagram.com/"}, {Label: "TikTok", URL: "https://tiktok.com/"}},
		},
		products: []product{
			{
				name: "Forty glazes that don’t run", summary: "PDF, instant download", price: "19", cover: tiles(),
				description: "Forty recipes that stay where you put them, each fired at least six times in a small electric kiln.\n\n**What is in it**\n\n- Every recipe by weight and by volume\n- Cone, atmosphere and cooling for each\n- What went wrong, and what fixed it\n\nNo lead, no barium. Made for cone 6.",
				files:       []file{pdf("forty-glazes.pdf", "Forty glazes that don’t run", glazes()), text("recipes.csv", "glaze,silica,feldspar,whiting,kaolin\nMidnight,30,38,17,15\nShino,22,45,8,25\nCeladon,32,30,20,18\n")},
			},
			{
				name: "Kiln log", summary: "A sheet for every firing", price: "5", cover: log(),
				description: "One page a firing: the curve you wanted, the curve you got, and what came out. Print as many as you like.",
				files:       []file{pdf("kiln-log.pdf", "Kiln log", []string{"Date, cone, load", "Wanted curve", "Real curve", "What came out"})},
			},
			{
				name: "Throwing off the hump", summary: "A lesson in pictures", price: "12", copies: "40", cover: cover{photo: "bowls"},
				description: "Twelve steps from one large piece of clay to six small bowls, photographed from above. Forty copies, because I answer questions of everyone who buys it.",
				files:       []file{pdf("off-the-hump.pdf", "Throwing off the hump", []string{"Centre high", "Open small", "Cut with a wire", "Six bowls, one hump"})},
			},
		},
		links: []builder.Props{
			{Title: "How I fire a kiln in a flat", URL: "https://youtube.com/", Note: "YouTube"},
			{Title: "Stockists in France", URL: "https://maps.google.com/", Note: "Map"},
			{Title: "Repair a chipped rim", URL: "https://example.com/rim", Note: "Free guide"},
		},
		contact: builder.Props{Title: "Ask about a commission", Text: "I answer on Sundays.", Button: "Send"},
	}
}

func malik() creator {
	return creator{
		name: "Malik Okafor", email: "malik@vitrine.example", zone: "Europe/London", shop: "Low Tide Tapes", slug: "lowtide", currency: "GBP",
		look: storefronts.Look{Theme: "afterhours", BrandColor: "#ffb81c", HeaderStyle: "plain"},
		header: builder.Props{
			Title: "Low Tide Tapes", Text: "Field recordings and slow loops from the Thames estuary, made at night.", Status: "New tape every full moon",
			Socials: []builder.Social{{Label: "Bandcamp", URL: "https://bandcamp.com/"}, {Label: "Mastodon", URL: "https://mastodon.social/"}},
		},
		products: []product{
			{
				name: "Mudlark loops", summary: "24 loops, free to use", price: "8", cover: tape(),
				description: "Twenty-four loops recorded between two tides: chains, gulls, a buoy that is out of tune with itself.\n\nUse them in anything. A credit makes me happy.",
				files:       []file{pdf("mudlark-notes.pdf", "Mudlark loops", []string{"Where each was recorded", "Tempo and key", "Licence: do what you like"}), text("tracklist.txt", "01 Chain, slack water\n02 Gulls over Leigh\n03 Buoy 7\n")},
			},
			{
				name: "A night on the pier", summary: "One take, with notes", price: "3.50", cover: cover{photo: "moonsea"},
				description: "One night, one microphone, nothing cut. Best with headphones, in the dark.",
				files:       []file{pdf("pier-notes.pdf", "A night on the pier", []string{"22:10 rain", "00:40 a ferry", "03:15 nothing at all"})},
			},
			{
				name: "The quiet map", summary: "Free", price: "0", cover: quiet(),
				description: "Where it is still quiet within an hour of London, drawn by ear.",
				files:       []file{pdf("quiet-map.pdf", "The quiet map", []string{"Two Tree Island", "Cooling", "Grain, before six"})},
			},
		},
		links:   []builder.Props{{Title: "Listen to the radio show", URL: "https://example.com/radio", Note: "Every second Friday"}},
		contact: builder.Props{Title: "Book me, or say hello", Text: "For licences, workshops and lost microphones.", Button: "Write"},
	}
}

func ilse() creator {
	return creator{
		name: "Ilse van Dam", email: "ilse@vitrine.example", zone: "Europe/Amsterdam", shop: "Ilse draws letters", slug: "ilse", currency: "EUR",
		look: storefronts.Look{Theme: "house", BrandColor: "#f26b1d", HeaderStyle: "awning"},
		header: builder.Props{
			Title: "Ilse draws letters", Text: "Alphabets, sheets to practise on, and one font a year.", Status: "Back from holidays",
			Socials: []builder.Social{{Label: "Instagram", URL: "https://instagram.com/"}},
		},
		products: []product{
			{
				name: "Market alphabet", summary: "A to Z for chalk and brush", price: "14", cover: alphabet(),
				description: "The letters I paint on market boards, with the order of strokes, the mistakes everyone makes, and how to fix them without washing the board.",
				files:       []file{pdf("market-alphabet.pdf", "Market alphabet", []string{"Strokes of A to M", "Strokes of N to Z", "Numbers and prices"})},
			},
			{
				name: "Fifty sheets to practise", summary: "Print at home", price: "6", cover: sheets(),
				description: "Fifty sheets from simple lines to whole words. One a day is enough.",
				files:       []file{pdf("fifty-sheets.pdf", "Fifty sheets", []string{"Lines", "Curves", "Letters", "Words"})},
			},
		},
		links:   []builder.Props{{Title: "Workshops in Utrecht", URL: "https://example.com/utrecht", Note: "Four places left"}, {Title: "The pens I use", URL: "https://example.com/pens"}},
		contact: builder.Props{Title: "Need a sign?", Text: "Tell me the word, the wall and the day.", Button: "Ask"},
	}
}

func glazes() []string {
	return []string{"Midnight: cobalt over shino, cone 6, slow cooling", "Rue: celadon with one percent iron", "Bottle: the green of this shop", "Lamp: amber, thin, over white slip"}
}
