package webtest

import "testing"

func TestTheVocabularyFindsFaults(t *testing.T) {
	t.Parallel()
	for doc, faults := range map[string]int{
		`{"@context":"https://schema.org","@type":"Product","name":"Pot","offers":{"@type":"Offer","price":"19.00","priceCurrency":"EUR","availability":"https://schema.org/InStock"}}`: 0,
		`{"@type":"Product","name":"Pot"}`:                                                                                                1,
		`{"@context":"https://schema.org","@type":"Pot"}`:                                                                                 1,
		`{"@context":"https://schema.org","@type":"Product","cost":"19"}`:                                                                 1,
		`{"@context":"https://schema.org","@type":"Product","url":"/p/pot"}`:                                                              1,
		`{"@context":"https://schema.org","@type":"Product","name":""}`:                                                                   1,
		`{"@context":"https://schema.org","@type":"Product","offers":{"@type":"Offer","availability":"https://schema.org/OnTheShelf"}}`:   1,
		`{"@context":"https://schema.org","@type":"Product","offers":{"@type":"Organization","name":"x"}}`:                                1,
		`{"@context":"https://schema.org","@type":"Product","offers":{"@type":"Offer","seller":{"@id":"https://nobody.example"}}}`:        1,
		`{"@context":"https://schema.org","@type":"BreadcrumbList","itemListElement":[{"@type":"ListItem","position":"first"},"x",null]}`: 1,
	} {
		if got := SchemaFaults(t, doc); len(got) != faults {
			t.Errorf("%s: %q, want %d", doc, got, faults)
		}
	}
}
