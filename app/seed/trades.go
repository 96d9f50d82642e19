package seed

import (
	"vitrine/app/builder"
	"vitrine/app/storefronts"
)

// offer is a product that is sold with a photograph.
func offer(name, summary, price, photo, description, pdfName string, chapters ...string) product {
	return product{name: name, summary: summary, price: price, cover: cover{photo: photo}, description: description, files: []file{pdf(pdfName, name, chapters)}}
}

// trades are the seven shops beside the first three, each of another trade and in another dress.
func trades() []creator {
	return []creator{paloma(), kofi(), aiko(), lena(), sofia(), tomasz(), ravi()}
}

func paloma() creator {
	return creator{
		name: "Paloma Reyes", email: "paloma@vitrine.example", zone: "Europe/Madrid", shop: "Paloma bakes", slug: "paloma", currency: "EUR",
		look:   storefronts.Look{Theme: "daylight", BrandColor: "#a4481c", HeaderStyle: "board", Lettering: "slab", Background: "paper"},
		header: builder.Props{Title: "Paloma bakes", Text: "Sourdough for people who also have a job. Written in a flat in Valencia.", Status: "The oven is on", Socials: []builder.Social{{Label: "Instagram", URL: "https://instagram.com/"}}},
		products: []product{
			offer("Bread on a Tuesday", "A loaf that fits round a working day", "16", "loaf", "One dough, four timetables. Mix before breakfast or after dinner and bake when you are home.\n\n- Photographs of every stage\n- What to do when life gets in between\n- A table for warm and cold kitchens", "tuesday.pdf", "The dough", "Four timetables", "When it goes wrong"),
			offer("Small rolls, big breakfast", "Twelve recipes", "9", "rolls", "Rolls that rise in the fridge overnight and bake in twenty minutes.", "rolls.pdf", "Milk rolls", "Seeded rolls", "Sweet ones"),
			offer("Your first starter", "Free, two pages", "0", "starter", "Flour, water and seven days. What it should smell of, and what it should not.", "starter.pdf", "Day one", "Day seven"),
		},
		rest: func(s *shelf) []block {
			return []block{
				{builder.Quote, builder.Props{Text: "The first bread I ever made that my mother asked about.", By: "Inés, Alicante"}},
				{builder.FAQ, builder.Props{Title: "Before you buy", Items: []builder.Item{{Title: "Do I need a mixer?", Text: "No. A bowl, a spoon and a pot with a lid."}, {Title: "Is there a version without gluten?", Text: "Not yet. I would rather have none than a bad one."}}}},
				{builder.Link, builder.Props{Title: "The pot I bake in", URL: "https://example.com/pot", Note: "Cast iron, 4 litres"}},
				{builder.Contact, builder.Props{Title: "Ask about your dough", Text: "Send the time, the temperature and what it looks like.", Button: "Send"}},
			}
		},
	}
}

func kofi() creator {
	return creator{
		name: "Kofi Mensah", email: "kofi@vitrine.example", zone: "America/New_York", shop: "Second Crack", slug: "secondcrack", currency: "USD",
		look:   storefronts.Look{Theme: "afterhours", BrandColor: "#ff9a4d", HeaderStyle: "plate", Lettering: "mono"},
		header: builder.Props{Title: "Second Crack", Text: "Roasting at home, by ear and by nose. Notes from a balcony in Queens.", Status: "Roasting on Sundays", Socials: []builder.Social{{Label: "YouTube", URL: "https://youtube.com/"}, {Label: "Mastodon", URL: "https://mastodon.social/"}}},
		products: []product{
			offer("Espresso without a machine room", "A course in eleven evenings", "29", "espresso", "Grind, dose, time, taste. Each evening changes one thing and leaves the rest alone.", "espresso.pdf", "Grind", "Dose", "Time", "Taste"),
			offer("Twelve roasts in a popcorn popper", "Curves and notes", "12", "beans", "What happens each minute, what you hear, and when to stop.", "roasts.pdf", "Light", "Medium", "Second crack"),
			offer("The patient pot", "Filter coffee for two", "6", "pourover", "One recipe, drawn out over eight pages, so that you never need another.", "pot.pdf", "Water", "The pour"),
		},
		rest: func(s *shelf) []block {
			return []block{
				{builder.Link, builder.Props{Title: "The roasting diary", URL: "https://example.com/diary", Note: "Every batch since 2019"}},
				{builder.Link, builder.Props{Title: "Green beans I trust", URL: "https://example.com/green"}},
				{builder.Contact, builder.Props{Title: "Tell me what you tasted", Text: "I answer after the roast.", Button: "Send"}},
			}
		},
	}
}

func aiko() creator {
	return creator{
		name: "Aiko Mori", email: "aiko@vitrine.example", zone: "Asia/Tokyo", shop: "Aiko knits", slug: "aiko", currency: "JPY",
		look:   storefronts.Look{Theme: "house", BrandColor: "#b23a6b", HeaderStyle: "centred", Lettering: "rounded", Spacing: "airy", Background: "dots"},
		header: builder.Props{Title: "Aiko knits", Text: "Patterns for jumpers that fit people. In seven sizes, tested by forty knitters.", Socials: []builder.Social{{Label: "Ravelry", URL: "https://ravelry.com/"}, {Label: "Instagram", URL: "https://instagram.com/"}}},
		products: []product{
			offer("The Sunday jumper", "Pattern in seven sizes", "1200", "yarn", "Worked in one piece from the neck down. Nothing to sew.\n\n- Charts and words\n- Where to change the length\n- How much wool for each size", "sunday.pdf", "Sizes and wool", "Yoke", "Body", "Sleeves"),
			offer("Cloud scarf", "For two balls of mohair", "600", "mohair", "A scarf that takes one weekend and weighs nothing.", "cloud.pdf", "Cast on", "The pattern of eight rows"),
			offer("Mending with thread", "Eleven ways", "800", "spools", "Holes are a place to put colour.", "mending.pdf", "Small holes", "Elbows", "Heels"),
		},
		rest: func(s *shelf) []block {
			return []block{
				{builder.Divider, builder.Props{Style: "scallop"}},
				{builder.Text, builder.Props{Title: "How the sizes are made", Text: "Each pattern is knitted by people of each size before it is sold.\n\nWhere a jumper should be loose it is loose in all of them."}},
				{builder.Link, builder.Props{Title: "Help with the charts", URL: "https://example.com/charts"}},
				{builder.Contact, builder.Props{Title: "A stitch went wrong?", Text: "Send a picture of it.", Button: "Send"}},
			}
		},
	}
}

func lena() creator {
	return creator{
		name: "Lena Brandt", email: "lena@vitrine.example", zone: "Europe/Berlin", shop: "Green by the window", slug: "green", currency: "EUR",
		look:   storefronts.Look{Theme: "house", BrandColor: "#2f7d4f", HeaderStyle: "awning", Lettering: "serif", Background: "tint"},
		header: builder.Props{Title: "Green by the window", Text: "House plants that live. By a botanist who has killed many.", Status: "Answering questions until Friday"},
		products: []product{
			offer("Forty plants, honestly", "Which will live with you", "18", "fig", "Light, water, and how long you may be away. Sorted by window, not by name.", "forty.pdf", "North windows", "South windows", "Bathrooms"),
			offer("Repotting in twenty minutes", "With pictures", "7", "pots", "When, into what, and what to do with the roots.", "repotting.pdf", "When", "How"),
			offer("Plants that like to be forgotten", "A short list", "4", "aloe", "Nine plants for people who travel.", "forgotten.pdf", "Nine plants"),
		},
		rest: func(s *shelf) []block {
			return []block{
				{builder.FAQ, builder.Props{Title: "Asked every week", Items: []builder.Item{{Title: "Why are the tips brown?", Text: "Nine times of ten: water, too much. Put a finger into the earth."}, {Title: "Should I mist?", Text: "It does no harm, and no good."}}}},
				{builder.Link, builder.Props{Title: "Seeds I swap", URL: "https://example.com/seeds", Note: "List of the month"}},
				{builder.Contact, builder.Props{Title: "What is wrong with it?", Text: "Three pictures, please: leaf, earth, window.", Button: "Ask"}},
			}
		},
	}
}

func sofia() creator {
	return creator{
		name: "Sofia Lindqvist", email: "sofia@vitrine.example", zone: "Europe/Stockholm", shop: "Sofia Lindqvist", slug: "sofia", currency: "SEK",
		look:   storefronts.Look{Theme: "daylight", BrandColor: "#22577a", HeaderStyle: "plain", Lettering: "sans", Spacing: "airy"},
		header: builder.Props{Title: "Sofia Lindqvist", Text: "Landscapes, and how they were taken. Prints to download, notes to read on the way.", Socials: []builder.Social{{Label: "Instagram", URL: "https://instagram.com/"}, {Label: "Are.na", URL: "https://are.na/"}}},
		products: []product{
			offer("Six ranges, one evening", "A print in full size", "240", "alps", "Two exposures and a lot of waiting. The file prints to one metre.", "ranges.pdf", "Where I stood", "What I waited for"),
			offer("Calm", "A print in full size", "240", "sunsea", "Öland, the last evening of August.", "calm.pdf", "Where I stood"),
			offer("Light, and when to leave the house", "A notebook for photographers", "120", "hills", "Forty pages about weather, clocks and coats.", "light.pdf", "Morning", "Rain", "The hour after"),
		},
		rest: func(s *shelf) []block {
			return []block{
				{builder.Gallery, builder.Props{Title: "From this year", Pictures: []builder.Picture{s.picture("dunes"), s.picture("moonsea"), s.picture("hills")}}},
				{builder.Contact, builder.Props{Title: "Licences and larger prints", Text: "Tell me the wall or the page.", Button: "Write"}},
			}
		},
	}
}

func tomasz() creator {
	return creator{
		name: "Tomasz Zieliński", email: "tomasz@vitrine.example", zone: "Europe/Warsaw", shop: "Wick and Lye", slug: "wick", currency: "PLN",
		look:   storefronts.Look{Theme: "house", BrandColor: "#6b4ea3", HeaderStyle: "plate", Lettering: "serif", Spacing: "tight"},
		header: builder.Props{Title: "Wick and Lye", Text: "Candles and soap, with the sums done for you.", Status: "New moulds in December"},
		products: []product{
			offer("Candles that burn to the end", "Wick tables for six waxes", "55", "candles", "Which wick, how wide, how hot. Measured, not guessed.", "candles.pdf", "Waxes", "Wicks", "Scent"),
			offer("Amber", "One recipe, from scent to label", "25", "tin", "A candle that smells of a workshop in winter.", "amber.pdf", "The scent", "The pour", "The label"),
			offer("Cold soap", "With a lye calculator", "45", "soap", "Safe, slow and better after six weeks.", "soap.pdf", "Safety", "Oils", "Colours"),
		},
		rest: func(s *shelf) []block {
			return []block{
				{builder.Quote, builder.Props{Text: "My first candle without a tunnel in it.", By: "Marta, Gdynia"}},
				{builder.Link, builder.Props{Title: "Where I buy wax", URL: "https://example.com/wax"}},
				{builder.Link, builder.Props{Title: "Workshops in Łódź", URL: "https://example.com/lodz", Note: "Two places left"}},
				{builder.Contact, builder.Props{Title: "Sums that do not add up?", Text: "Send oils and grams.", Button: "Send"}},
			}
		},
	}
}

func ravi() creator {
	return creator{
		name: "Ravi Patel", email: "ravi@vitrine.example", zone: "Asia/Kolkata", shop: "Ravi binds books", slug: "ravi", currency: "GBP",
		look:   storefronts.Look{Theme: "daylight", BrandColor: "#8d3b2f", HeaderStyle: "centred", Lettering: "slab", Background: "squares"},
		header: builder.Props{Title: "Ravi binds books", Text: "Journals to print, fold and sew on a kitchen table.", Socials: []builder.Social{{Label: "YouTube", URL: "https://youtube.com/"}}},
		products: []product{
			offer("Three books in a weekend", "Sheets to print and a sewing plan", "15", "notebooks", "A4 paper, a needle and thread. Three sizes, covers included.", "books.pdf", "Fold", "Sew", "Cover"),
			offer("A year in lines", "A journal to print", "8", "journal", "One page a day that does not ask how you feel.", "year.pdf", "January", "The other eleven"),
			offer("Tools I still use", "Free list", "0", "pens", "Eleven tools after twenty years. Most of them cost less than this list would.", "tools.pdf", "For cutting", "For sewing"),
		},
		rest: func(s *shelf) []block {
			return []block{
				{builder.Image, builder.Props{Title: "The table where it happens", Pictures: []builder.Picture{s.picture("vases")}}},
				{builder.Link, builder.Props{Title: "Paper that folds well", URL: "https://example.com/paper"}},
				{builder.Contact, builder.Props{Title: "A book for somebody?", Text: "Twelve a year, made to order.", Button: "Ask"}},
			}
		},
	}
}

// shelf is what a shop's creator has put into the bucket.
type shelf struct {
	pictures map[string]builder.Picture
	wanted   []string
}

// picture is the photograph of a name: noted on the first call, there on the second.
func (s *shelf) picture(name string) builder.Picture {
	s.wanted = append(s.wanted, name)
	return s.pictures[name]
}
