package risk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vitrine/app/money"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// Sentence says what a rule has seen, for operators.
func (r Reason) Sentence(ctx context.Context) string {
	have := int(r.Have)
	switch r.Code {
	case CodeBlocked:
		return text.T(ctx, "%s is on the blocklist: %s.", r.Kind.thing(ctx), whyWord(ctx, r.A))
	case CodeHighest:
		return text.T(ctx, "The payment provider sees the highest risk (score %d of 100).", have)
	case CodeElevated:
		return text.T(ctx, "The payment provider sees an elevated risk (score %d of 100).", have)
	case CodeScore:
		return text.T(ctx, "The provider's score is %d; from %d on it counts.", have, int(r.Limit))
	case CodeTesting:
		return text.T(ctx, "%s tried %d different cards that failed. That is how stolen numbers are tested.", r.Kind.thing(ctx), have)
	case CodeFree:
		return text.T(ctx, "%s took %d free orders within a day.", r.Kind.thing(ctx), have)
	case CodeVelocity:
		return text.T(ctx, "%s paid %d times within a day.", r.Kind.thing(ctx), have)
	case CodeCardEmails:
		return text.T(ctx, "The card was used with %d different addresses within a week.", have)
	case CodeBrowserCards:
		return text.T(ctx, "The browser paid with %d different cards within a day.", have)
	case CodeFraud:
		return text.N(ctx, have, "%[2]s was refused by a bank as stolen or fraud once within a month.", "%[2]s was refused by banks as stolen or fraud %[1]d times within a month.", r.Kind.thing(ctx))
	case CodeDisposable:
		return text.T(ctx, "The address is of a service for throw-away mail.")
	case CodeSellerNew:
		return text.N(ctx, have, "The creator's account is %d hour old.", "The creator's account is %d hours old.")
	case CodeFirstSales:
		return text.N(ctx, have+1, "It is the creator's first sale, and a large one.", "It is one of the creator's first sales (number %d), and a large one.")
	case CodeCountries:
		return text.T(ctx, "The card is from %s, the browser is in %s.", r.A, r.B)
	}
	return r.Code
}

// Label is a reason in two or three words, for the queue.
func (r Reason) Label(ctx context.Context) string {
	switch r.Code {
	case CodeBlocked:
		return text.T(ctx, "Blocklist")
	case CodeHighest:
		return text.T(ctx, "Highest risk")
	case CodeElevated:
		return text.T(ctx, "Elevated risk")
	case CodeScore:
		return text.T(ctx, "Score %d", int(r.Have))
	case CodeTesting:
		return text.T(ctx, "Card testing")
	case CodeFree:
		return text.T(ctx, "Many free orders")
	case CodeVelocity, CodeCardEmails, CodeBrowserCards:
		return text.T(ctx, "Many payments")
	case CodeFraud:
		return text.T(ctx, "Refused before")
	case CodeDisposable:
		return text.T(ctx, "Throw-away mail")
	case CodeSellerNew, CodeFirstSales:
		return text.T(ctx, "New seller")
	case CodeCountries:
		return text.T(ctx, "Countries differ")
	}
	return r.Code
}

// Weight says how much a reason counts.
func (r Reason) Weight(ctx context.Context) string {
	if r.Block {
		return text.T(ctx, "blocks")
	}
	return text.N(ctx, r.Points, "%d point", "%d points")
}

func (k Kind) thing(ctx context.Context) string {
	switch k {
	case Card:
		return text.T(ctx, "The card")
	case Email:
		return text.T(ctx, "The address")
	case Browser:
		return text.T(ctx, "The browser")
	case IP:
		return text.T(ctx, "The IP address")
	case Net:
		return text.T(ctx, "The network")
	case Product:
		return text.T(ctx, "The product")
	}
	return string(k)
}

func whyWord(ctx context.Context, why string) string {
	switch why {
	case WhyTesting:
		return text.T(ctx, "tried out cards")
	case WhyFraud:
		return text.T(ctx, "a bank refused a card as stolen")
	case WhyWarning:
		return text.T(ctx, "a bank warned of fraud")
	case WhyReview:
		return text.T(ctx, "a person blocked it")
	case WhyAttack:
		return text.T(ctx, "many failed payments in a row")
	}
	return why
}

// warningWord is a bank's early warning in words.
func warningWord(ctx context.Context, kind string) string {
	switch kind {
	case "made_with_stolen_card", "made_with_lost_card", "made_with_counterfeit_card":
		return text.T(ctx, "The bank warned: paid with a lost, stolen or copied card.")
	case "unauthorized_use_of_card":
		return text.T(ctx, "The bank warned: the owner of the card does not know of the payment.")
	case "card_never_received":
		return text.T(ctx, "The bank warned: the card never reached its owner.")
	case "fraudulent_card_application":
		return text.T(ctx, "The bank warned: the card was applied for under a wrong name.")
	}
	return text.T(ctx, "The bank warned that the payment may be fraud.")
}

// pill is a verdict as a word in a frame.
func (v Verdict) pill(ctx context.Context) ui.Pill {
	switch v {
	case Allowed:
		return ui.Pill{Label: text.T(ctx, "Allowed"), Tone: "good"}
	case Flagged:
		return ui.Pill{Label: text.T(ctx, "Flagged"), Tone: "lamp"}
	case Blocked:
		return ui.Pill{Label: text.T(ctx, "Blocked"), Tone: "bad"}
	}
	return ui.Pill{}
}

func (e Review) pill(ctx context.Context) ui.Pill {
	switch e.State {
	case Open:
		if e.Holds > 0 {
			return ui.Pill{Label: text.T(ctx, "Held")}
		}
		return ui.Pill{Label: text.T(ctx, "Open"), Tone: "lamp"}
	case Confirming:
		return ui.Pill{Label: text.T(ctx, "Second person needed"), Tone: "lamp"}
	case Approved:
		return ui.Pill{Label: text.T(ctx, "Approved"), Tone: "good"}
	case Refused:
		return ui.Pill{Label: text.T(ctx, "Refunded"), Tone: "bad"}
	}
	return ui.Pill{}
}

// actionWord is one line of the history.
func actionWord(ctx context.Context, m Moment) (label, tone string) {
	switch m.Action {
	case "opened":
		return text.T(ctx, "Put before a person by the rules"), ""
	case "proposed_approve":
		return text.T(ctx, "Chose to approve; a second person has to confirm"), ""
	case "proposed_refund":
		return text.T(ctx, "Chose to refund; a second person has to confirm"), ""
	case "proposed_close":
		return text.T(ctx, "Chose to close the shop; a second person has to confirm"), ""
	case "held":
		return text.T(ctx, "Held"), ""
	case string(Approve):
		return text.T(ctx, "Approved"), "good"
	case string(Refund):
		return text.T(ctx, "Refunded"), "bad"
	case string(Close):
		return text.T(ctx, "Refunded, and the shop closed"), "bad"
	case "reopened":
		return text.T(ctx, "The shop may be opened again"), "good"
	case "blocked":
		return text.T(ctx, "The buyer was blocked"), "bad"
	}
	return m.Action, ""
}

func (c Choice) word(ctx context.Context) string {
	switch c {
	case Approve:
		return text.T(ctx, "approve the order")
	case Refund:
		return text.T(ctx, "refund the order")
	case Close:
		return text.T(ctx, "refund the order and close the shop")
	}
	return ""
}

// span is a stretch of time in its largest unit.
func span(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Minute:
		return text.T(ctx, "less than a minute")
	case d < time.Hour:
		return text.N(ctx, int(d.Minutes()), "%d minute", "%d minutes")
	case d < 96*time.Hour:
		return text.N(ctx, int(d.Hours()), "%d hour", "%d hours")
	}
	return text.N(ctx, int(d.Hours()/24), "%d day", "%d days")
}

// inputLines are what the rules saw, as an operator reads it.
func inputLines(ctx context.Context, in Inputs) [][2]string {
	yes := func(b bool) string {
		if b {
			return text.T(ctx, "yes")
		}
		return text.T(ctx, "no")
	}
	or := func(s string) string {
		if s == "" {
			return text.T(ctx, "not known")
		}
		return s
	}
	out := [][2]string{
		{text.T(ctx, "Amount"), money.Amount{Minor: in.Total, Currency: in.Currency}.Format()},
		{text.T(ctx, "Provider"), or(in.Provider)},
		{text.T(ctx, "Provider's level"), or(in.Level)},
		{text.T(ctx, "Provider's score"), fmt.Sprint(in.Score)},
		{text.T(ctx, "Throw-away mail"), yes(in.Disposable)},
		{text.T(ctx, "Own shop"), yes(in.Own)},
		{text.T(ctx, "Card's country"), or(in.CardCountry)},
		{text.T(ctx, "Browser's country"), or(in.ClientCountry)},
		{text.T(ctx, "Kind of card"), or(in.Funding)},
	}
	for _, s := range in.Sellers {
		out = append(out, [2]string{text.T(ctx, "Seller"), text.T(ctx, "account %s, %s before", span(ctx, time.Duration(s.Hours)*time.Hour), text.N(ctx, s.Sales, "%d sale", "%d sales"))})
	}
	for _, k := range kinds {
		if key, ok := in.Keys[k]; ok {
			out = append(out, [2]string{k.thing(ctx) + " …" + key[max(0, len(key)-6):], in.Seen[k].words(ctx)})
		}
	}
	return out
}

// words are the counts of a key that are not zero.
func (s Seen) words(ctx context.Context) string {
	var out []string
	add := func(n int, one, many string) {
		if n > 0 {
			out = append(out, text.N(ctx, n, one, many))
		}
	}
	add(s.PaidDay, "%d payment in a day", "%d payments in a day")
	add(s.PaidWeek, "%d payment in a week", "%d payments in a week")
	add(s.FreeDay, "%d free order in a day", "%d free orders in a day")
	add(s.FailedDay, "%d failed try in a day", "%d failed tries in a day")
	add(s.CardsWeek, "%d failed card in a week", "%d failed cards in a week")
	add(s.Emails, "%d address in a week", "%d addresses in a week")
	add(s.FraudsMonth, "%d refusal as fraud in a month", "%d refusals as fraud in a month")
	if len(out) == 0 {
		return text.T(ctx, "not seen before")
	}
	return strings.Join(out, ", ")
}
