package sandbox

type country struct{ Code, Name string }

var countries = []country{{"AR", "Argentina"}, {"AU", "Australia"}, {"AT", "Austria"}, {"BE", "Belgium"}, {"BR", "Brazil"}, {"BG", "Bulgaria"},
	{"CA", "Canada"}, {"CL", "Chile"}, {"CO", "Colombia"}, {"HR", "Croatia"}, {"CY", "Cyprus"}, {"CZ", "Czechia"}, {"DK", "Denmark"}, {"EG", "Egypt"},
	{"EE", "Estonia"}, {"FI", "Finland"}, {"FR", "France"}, {"DE", "Germany"}, {"GH", "Ghana"}, {"GR", "Greece"}, {"HK", "Hong Kong"}, {"HU", "Hungary"},
	{"IS", "Iceland"}, {"IN", "India"}, {"ID", "Indonesia"}, {"IE", "Ireland"}, {"IL", "Israel"}, {"IT", "Italy"}, {"JP", "Japan"}, {"KE", "Kenya"},
	{"KW", "Kuwait"}, {"LV", "Latvia"}, {"LI", "Liechtenstein"}, {"LT", "Lithuania"}, {"LU", "Luxembourg"}, {"MY", "Malaysia"}, {"MT", "Malta"},
	{"MX", "Mexico"}, {"MA", "Morocco"}, {"NL", "Netherlands"}, {"NZ", "New Zealand"}, {"NG", "Nigeria"}, {"NO", "Norway"}, {"PE", "Peru"},
	{"PH", "Philippines"}, {"PL", "Poland"}, {"PT", "Portugal"}, {"RO", "Romania"}, {"SA", "Saudi Arabia"}, {"SG", "Singapore"}, {"SK", "Slovakia"},
	{"SI", "Slovenia"}, {"ZA", "South Africa"}, {"KR", "South Korea"}, {"ES", "Spain"}, {"SE", "Sweden"}, {"CH", "Switzerland"}, {"TW", "Taiwan"},
	{"TH", "Thailand"}, {"TR", "Türkiye"}, {"UA", "Ukraine"}, {"AE", "United Arab Emirates"}, {"GB", "United Kingdom"}, {"US", "United States"},
	{"VN", "Vietnam"}}
