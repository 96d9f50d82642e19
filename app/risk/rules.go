package risk

import (
	"slices"
	"time"

	"vitrine/app/money"
)

// Verdict is what the rules say of an order.
type Verdict string

const (
	Allowed Verdict = "allowed"
	Flagged Verdict = "flagged" // a person decides; nothing is delivered or paid out until then
	Blocked Verdict = "blocked" // refused, or given back at once where it was paid already
)

// Stage is when the rules are asked.
type Stage string

const (
	Admit Stage = "admit" // before anything is written
	Paid  Stage = "paid"  // in the transaction that marks paid
)

// Inputs are all that the rules see. They are kept with each decision, so that it can be computed again. Who the
// buyer is stands in none of them: keys are hashes under the instance's secret.
type Inputs struct {
	At       time.Time      `json:"at"`
	Stage    Stage          `json:"stage"`
	Currency money.Currency `json:"currency"`
	Total    int64          `json:"total"`
	Own      bool           `json:"own,omitempty"` // a creator tries the own shop with real money

	Provider string `json:"provider,omitempty"`
	Level    string `json:"level,omitempty"` // the provider's
	Score    int    `json:"score,omitempty"` // the provider's

	Disposable    bool   `json:"disposable,omitempty"` // the address is of a service for throw-away ones
	CardCountry   string `json:"card_country,omitempty"`
	ClientCountry string `json:"client_country,omitempty"`
	Region        string `json:"region,omitempty"` // of the buyer's locale
	Funding       string `json:"funding,omitempty"`

	Keys    map[Kind]string `json:"keys,omitempty"`
	Seen    map[Kind]Seen   `json:"seen,omitempty"`    // what these keys did before, this order left out
	Blocks  []Hit           `json:"blocks,omitempty"`  // those of the blocklist that these keys meet
	Sellers []Seller        `json:"sellers,omitempty"` // of the order's shops
}

// Kind is what a key is of.
type Kind string

const (
	Card    Kind = "card"
	Email   Kind = "email"
	Browser Kind = "browser"
	IP      Kind = "ip"
	Net     Kind = "net" // /24, or /48 of the new kind
	Product Kind = "product"
)

// kinds in the order in which rules look at them and rows are locked.
var kinds = []Kind{Browser, Card, Email, IP, Net}

// Seen counts what one key did within fixed windows. Every version of the rules chooses among these.
type Seen struct {
	PaidHour    int `json:"paid_hour,omitempty"`
	PaidDay     int `json:"paid_day,omitempty"`
	PaidWeek    int `json:"paid_week,omitempty"`
	FreeDay     int `json:"free_day,omitempty"`
	FailedDay   int `json:"failed_day,omitempty"` // tries
	CardsDay    int `json:"cards_day,omitempty"`  // different cards that failed
	CardsWeek   int `json:"cards_week,omitempty"`
	PaidCards   int `json:"paid_cards,omitempty"`   // different cards that paid within a day
	Emails      int `json:"emails,omitempty"`       // different addresses within a week
	FraudsMonth int `json:"frauds_month,omitempty"` // refusals of banks that speak of fraud
}

// Hit is a row of the blocklist that an order meets.
type Hit struct {
	Kind Kind   `json:"kind"`
	Why  string `json:"why"`
}

// Seller is what the rules see of a creator whose goods are bought.
type Seller struct {
	Hours int `json:"hours"` // since the account was made
	Sales int `json:"sales"` // before this one, up to fifty
}

// Reason is one rule that spoke. Have and Limit are the figures it compared, A and B the words.
type Reason struct {
	Code   string `json:"code"`
	Points int    `json:"points,omitempty"`
	Block  bool   `json:"block,omitempty"`
	Kind   Kind   `json:"kind,omitempty"`
	Have   int64  `json:"have,omitempty"`
	Limit  int64  `json:"limit,omitempty"`
	A      string `json:"a,omitempty"`
	B      string `json:"b,omitempty"`
}

// step is a limit and what reaching it weighs.
type step struct{ at, points int }

// Rules are one version of all thresholds. A version is never changed once it has decided something: a new one is
// added, and the old one stays, so that old decisions can be computed again.
type Rules struct {
	Version int
	Flag    int // points from which a person looks

	Hundred map[money.Currency]int64 // about a hundred euros in each currency, rounded: a scale, not an exchange rate

	Highest       int
	Elevated      int
	ElevatedLarge int // from ElevatedFrom on
	ElevatedFrom  int64
	Scores        []step
	CardTesting   map[Kind]step // different failed cards; points are days for which the key is blocked
	PaidDay       map[Kind][]step
	FreeDay       map[Kind]step
	CardEmails    step
	BrowserCards  step
	Disposable    int
	SellerHours   int
	SellerNew     int
	SellerFrom    int64
	FirstSales    int
	FirstSale     int
	FirstFrom     int64
	Countries     int   // card and client
	CountriesAll  int   // card, client and language
	Fraud         int   // refused before as fraud
	OwnBelow      int64 // a creator's purchase in the own shop below this says nothing about the account
}

// versions are all rules that ever decided, by their number.
var versions = map[int]*Rules{1: &first}

// Current are the rules that decide now.
func Current() *Rules { return versions[len(versions)] }

// Version finds old rules.
func Version(n int) (*Rules, bool) {
	r, ok := versions[n]
	return r, ok
}

// first is the rule set that Vitrine began with. Amounts are in hundredths of about a euro.
var first = Rules{
	Version: 1, Flag: 100,
	Hundred: map[money.Currency]int64{"EUR": 100_00, "USD": 110_00, "GBP": 85_00, "CHF": 95_00, "CAD": 150_00, "AUD": 170_00, "NZD": 185_00,
		"SEK": 1150_00, "NOK": 1170_00, "DKK": 750_00, "PLN": 430_00, "CZK": 2500_00, "HUF": 40_000_00, "MXN": 2000_00, "BRL": 600_00,
		"JPY": 16_000, "KRW": 150_000, "TWD": 3500_00, "KWD": 33_000},
	Highest: 100, Elevated: 40, ElevatedLarge: 100, ElevatedFrom: 50_00,
	Scores:      []step{{75, 100}, {65, 60}},
	CardTesting: map[Kind]step{Browser: {4, 7}, Email: {4, 7}, IP: {4, 7}, Net: {12, 2}},
	PaidDay:     map[Kind][]step{Card: {{10, 100}, {5, 60}}, Email: {{40, 100}, {20, 60}}, Browser: {{40, 100}, {20, 60}}, IP: {{60, 100}, {30, 40}}, Net: {{150, 60}}},
	FreeDay:     map[Kind]step{Email: {6, 100}, Browser: {6, 100}, IP: {30, 100}},
	CardEmails:  step{3, 60}, BrowserCards: step{3, 60},
	Disposable:  40,
	SellerHours: 6, SellerNew: 60, SellerFrom: 50_00,
	FirstSales: 3, FirstSale: 40, FirstFrom: 300_00,
	Countries: 30, CountriesAll: 40,
	Fraud: 60, OwnBelow: 300_00,
}

// Worth is an amount on the common scale; of a currency without one, the amount in its own hundredths.
func (r *Rules) Worth(a money.Amount) int64 {
	h, ok := r.Hundred[a.Currency]
	if !ok {
		h = 100
		for range a.Currency.Exponent() {
			h *= 10
		}
	}
	return a.Times(100*100).Minor / h
}

// Evaluate is the whole of the rules: what they see comes in, what they say goes out, and nothing else counts.
func (r *Rules) Evaluate(in Inputs) (Verdict, []Reason) {
	e := evaluation{Rules: r, in: in, worth: r.Worth(money.Amount{Minor: in.Total, Currency: in.Currency})}
	e.blocks()
	e.cardTesting()
	e.free()
	if in.Stage == Paid && in.Total > 0 {
		e.provider()
		e.velocity()
		e.frauds()
		if !in.Own || e.worth >= e.OwnBelow {
			e.mail()
			e.sellers()
			e.countries()
		}
	}
	return e.verdict()
}

type evaluation struct {
	*Rules
	in      Inputs
	worth   int64
	reasons []Reason
}

func (e *evaluation) say(r Reason) { e.reasons = append(e.reasons, r) }

func (e *evaluation) verdict() (Verdict, []Reason) {
	sum, v := 0, Allowed
	for _, r := range e.reasons {
		sum += r.Points
		if r.Block {
			v = Blocked
		}
	}
	if v == Allowed && sum >= e.Flag {
		v = Flagged
	}
	return v, e.reasons
}

func (e *evaluation) blocks() {
	for _, h := range e.in.Blocks {
		e.say(Reason{Code: CodeBlocked, Block: true, Kind: h.Kind, A: h.Why})
	}
}

// provider takes in what the provider thinks of the payment. Its level and its score say much the same, so that only the
// stronger of the two counts.
func (e *evaluation) provider() {
	points := 0
	switch e.in.Level {
	case "highest":
		points = e.Highest
		e.say(Reason{Code: CodeHighest, Points: points, Have: int64(e.in.Score)})
	case "elevated":
		points = e.Elevated
		if e.worth >= e.ElevatedFrom {
			points = e.ElevatedLarge
		}
		e.say(Reason{Code: CodeElevated, Points: points, Have: int64(e.in.Score)})
	}
	i := slices.IndexFunc(e.Scores, func(s step) bool { return e.in.Score >= s.at })
	if i >= 0 && e.Scores[i].points > points {
		e.say(Reason{Code: CodeScore, Points: e.Scores[i].points - points, Have: int64(e.in.Score), Limit: int64(e.Scores[i].at)})
	}
}

// cardTesting: somebody tries which of many card numbers work.
func (e *evaluation) cardTesting() {
	for _, k := range kinds {
		limit, ok := e.CardTesting[k]
		have := e.in.Seen[k].CardsWeek
		if k == IP || k == Net { // many people may share an address; a day says more than a week
			have = e.in.Seen[k].CardsDay
		}
		if ok && have >= limit.at {
			// The one who paid in spite of it is looked at; who only tries is refused.
			e.say(Reason{Code: CodeTesting, Points: e.Flag, Block: e.in.Stage == Admit, Kind: k, Have: int64(have), Limit: int64(limit.at)})
		}
	}
}

func (e *evaluation) free() {
	if e.in.Total > 0 {
		return
	}
	for _, k := range kinds {
		limit, ok := e.FreeDay[k]
		if have := e.in.Seen[k].FreeDay; ok && have >= limit.at {
			e.say(Reason{Code: CodeFree, Points: limit.points, Block: e.in.Stage == Admit, Kind: k, Have: int64(have), Limit: int64(limit.at)})
		}
	}
}

func (e *evaluation) velocity() {
	for _, k := range kinds {
		have := e.in.Seen[k].PaidDay + 1 // with this one
		i := slices.IndexFunc(e.PaidDay[k], func(s step) bool { return have >= s.at })
		if i >= 0 {
			s := e.PaidDay[k][i]
			e.say(Reason{Code: CodeVelocity, Points: s.points, Kind: k, Have: int64(have), Limit: int64(s.at)})
		}
	}
	if have := e.in.Seen[Card].Emails; have >= e.CardEmails.at {
		e.say(Reason{Code: CodeCardEmails, Points: e.CardEmails.points, Have: int64(have), Limit: int64(e.CardEmails.at)})
	}
	if have := e.in.Seen[Browser].PaidCards; have >= e.BrowserCards.at {
		e.say(Reason{Code: CodeBrowserCards, Points: e.BrowserCards.points, Have: int64(have), Limit: int64(e.BrowserCards.at)})
	}
}

func (e *evaluation) frauds() {
	for _, k := range []Kind{Browser, Card, Email} {
		if have := e.in.Seen[k].FraudsMonth; have > 0 {
			e.say(Reason{Code: CodeFraud, Points: e.Fraud, Kind: k, Have: int64(have)})
			return
		}
	}
}

func (e *evaluation) mail() {
	if e.in.Disposable {
		e.say(Reason{Code: CodeDisposable, Points: e.Disposable})
	}
}

// sellers: an account that was made to cash in stolen cards is young, and its first sales are large.
func (e *evaluation) sellers() {
	for _, s := range e.in.Sellers {
		if s.Hours < e.SellerHours && e.worth >= e.SellerFrom {
			e.say(Reason{Code: CodeSellerNew, Points: e.SellerNew, Have: int64(s.Hours), Limit: int64(e.SellerHours)})
		}
		if s.Sales < e.FirstSales && e.worth >= e.FirstFrom {
			e.say(Reason{Code: CodeFirstSales, Points: e.FirstSale, Have: int64(s.Sales), Limit: int64(e.FirstSales)})
		}
	}
}

// countries: where the card was issued, where the browser is, and the region of the language it asks for. Travellers
// differ in one; that alone flags nobody.
func (e *evaluation) countries() {
	card, client, region := e.in.CardCountry, e.in.ClientCountry, e.in.Region
	if card == "" || client == "" || card == client {
		return
	}
	points := e.Countries
	if region != "" && region != card && region != client {
		points = e.CountriesAll
	}
	e.say(Reason{Code: CodeCountries, Points: points, A: card, B: client})
}

// Codes of reasons.
const (
	CodeBlocked      = "blocklist"
	CodeHighest      = "provider_highest"
	CodeElevated     = "provider_elevated"
	CodeScore        = "provider_score"
	CodeTesting      = "card_testing"
	CodeFree         = "free_repetition"
	CodeVelocity     = "velocity"
	CodeCardEmails   = "card_many_addresses"
	CodeBrowserCards = "browser_many_cards"
	CodeFraud        = "refused_as_fraud"
	CodeDisposable   = "disposable_address"
	CodeSellerNew    = "seller_new"
	CodeFirstSales   = "seller_first_sales"
	CodeCountries    = "countries_differ"
)
