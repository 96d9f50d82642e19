package admin

import (
	"context"
	"strings"
	"time"

	"vitrine/app/money"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// span is an age in words: minutes, hours or days.
func span(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Minute:
		return text.T(ctx, "less than a minute")
	case d < time.Hour:
		return text.N(ctx, int(d.Minutes()), "%d minute", "%d minutes")
	case d < 48*time.Hour:
		return text.N(ctx, int(d.Hours()), "%d hour", "%d hours")
	}
	return text.N(ctx, int(d.Hours()/24), "%d day", "%d days")
}

func sums(all []money.Amount) string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = a.Format()
	}
	return strings.Join(out, ", ")
}

// kinds of cases in the order of the filter.
var kinds = []string{"difference", "mismatch", "too late", "refund", "second page", "second payment", "payout unknown", "payout stuck", "payout refused", "payout gone", "payout amount", "payout late", "check"}

func kindLabel(ctx context.Context, kind string) string {
	switch kind {
	case "difference":
		return text.T(ctx, "Difference")
	case "mismatch":
		return text.T(ctx, "Wrong payment")
	case "too late":
		return text.T(ctx, "Paid too late")
	case "refund":
		return text.T(ctx, "Too much given back")
	case "second page":
		return text.T(ctx, "Two payment pages")
	case "second payment":
		return text.T(ctx, "Two payments")
	case "payout unknown":
		return text.T(ctx, "Payout unknown")
	case "payout stuck":
		return text.T(ctx, "Payout stuck")
	case "payout refused":
		return text.T(ctx, "Payouts refused")
	case "payout gone":
		return text.T(ctx, "Payout not known")
	case "payout amount":
		return text.T(ctx, "Payout's amount")
	case "payout late":
		return text.T(ctx, "Payout left late")
	case "check":
		return text.T(ctx, "Check of the book")
	}
	return kind
}

// meaning says what a case means, and what to do next.
func meaning(ctx context.Context, c Case) (what, next string) {
	switch c.Kind {
	case "difference":
		return faultWords(ctx, c.Details.Fault)
	case "mismatch":
		return text.T(ctx, "A payment came whose amount or currency is not the one that was asked for. It is not booked and nothing was delivered."),
			text.T(ctx, "Give the money back at the provider. The next nightly comparison closes the difference.")
	case "too late":
		return text.T(ctx, "A payment came after its goods had been given to somebody else. Nothing was delivered."),
			text.T(ctx, "Give the money back at the provider, and write to the buyer.")
	case "refund":
		return text.T(ctx, "The provider has given more back than the order was paid with. The book stops at what was paid."),
			text.T(ctx, "Look at the payment's refunds and disputes at the provider: one of them is too much. The loss is the platform's.")
	case "second page", "second payment":
		return text.T(ctx, "A checkout was given two ways to be paid, so that the buyer could pay twice."),
			text.T(ctx, "Look whether both were paid, and give one back at the provider.")
	case "payout unknown":
		return text.T(ctx, "The answer to a payout was lost, and the provider has not said what became of it for two days."),
			text.T(ctx, "Look it up at the provider. Never send it again by hand: it is sent once, or not at all.")
	case "payout stuck":
		return text.T(ctx, "A payout came back, and the provider does not give its money back to the platform's account."),
			text.T(ctx, "It is asked for every six hours. Write to the provider when it takes longer than two days.")
	case "payout refused":
		return text.T(ctx, "The provider refuses payouts for a reason that is ours to mend: often the account's balance or a setting."),
			text.T(ctx, "Read the code below in the provider's dashboard. The next payout that leaves closes the case.")
	case "payout gone":
		return text.T(ctx, "The provider knows nothing of a payout that it had taken."), text.T(ctx, "Ask the provider, with both numbers below.")
	case "payout amount":
		return text.T(ctx, "The provider paid another amount than was sent."), text.T(ctx, "Ask the provider for a correction. The book has what was sent.")
	case "payout late":
		return text.T(ctx, "A payout left that the provider had denied. Its money had been given back to the creator's balance, which now owes it."),
			text.T(ctx, "Nothing is lost when the next sales cover it. Watch the balance, and close the case when it is repaid.")
	case "check":
		return text.T(ctx, "The hourly check of the whole book has found something that must not be."),
			text.T(ctx, "Read the finding below. Nothing is ever corrected by itself: book what is missing, or take back what is wrong, with an entry of its own.")
	}
	return c.What, ""
}

// faultWords explain a difference between an account and the book.
func faultWords(ctx context.Context, fault string) (what, next string) {
	ask := text.T(ctx, "Open the payment at the provider. If it is ours, compare again here; if it is not, give it back there.")
	wrong := text.T(ctx, "Compare both sides below, line by line. The book is corrected with an entry of its own, never by changing one.")
	missing := text.T(ctx, "Look for the object at the provider. If it is only late, the next night closes the case; if it never was, take the entry back.")
	switch fault {
	case chargeUnbooked:
		return text.T(ctx, "The provider has taken a payment that is not in the book."), ask
	case chargeUnknown:
		return text.T(ctx, "The book has a sale whose payment the provider's account does not show."), missing
	case chargeAmount:
		return text.T(ctx, "The provider has taken another amount than the book has."), wrong
	case refundUnbooked:
		return text.T(ctx, "The provider has given money back that the book still has."), text.T(ctx, "Compare again here: the provider is asked, and the refund booked. If it stays, look at both sides below.")
	case refundUnknown:
		return text.T(ctx, "The book has a refund that the provider's account does not show."), missing
	case refundAmount:
		return text.T(ctx, "The provider has given back another amount than the book has."), wrong
	case disputeUnbooked:
		return text.T(ctx, "A bank has taken money that the book still has."), text.T(ctx, "Compare again here: the provider is asked, and the dispute booked. If it stays, look at both sides below.")
	case disputeUnknown:
		return text.T(ctx, "The book has a dispute that the provider's account does not show."), missing
	case disputeAmount:
		return text.T(ctx, "A bank has taken another amount than the book has."), wrong
	case payoutUnbooked:
		return text.T(ctx, "The provider's account shows a payout that is not in the book."), text.T(ctx, "Look the payout up on its page. If it is not ours, somebody has sent money by hand.")
	case payoutUnknown:
		return text.T(ctx, "The book has a payout that the provider's account does not show."), missing
	case payoutAmount:
		return text.T(ctx, "A payout's amount is not the one in the book."), wrong
	case feeUnbooked:
		return text.T(ctx, "The provider has kept a fee that is not in the book."), text.T(ctx, "Book the fee of the line below, on the platform's account.")
	case feeUnknown:
		return text.T(ctx, "The book has a fee of a line that the provider's account does not show."), missing
	case feeAmount:
		return text.T(ctx, "The provider has kept another fee than the book has."), wrong
	case entryStray:
		return text.T(ctx, "An entry moves money on the provider's account and names nothing that the provider could know."),
			text.T(ctx, "Find out who has made it. Take it back with an entry of its own; the next night closes the case.")
	case lineStray:
		return text.T(ctx, "The provider's account shows a line that belongs to no payment and no payout."), text.T(ctx, "Open it at the provider, and write here what it is.")
	case lineChanged:
		return text.T(ctx, "The provider shows a line otherwise than it did before."), text.T(ctx, "Lines of an account do not change. Ask the provider, with the number below.")
	case lineGone:
		return text.T(ctx, "The provider does not show a line any more that it has shown before."), text.T(ctx, "Lines of an account do not go away. Ask the provider, with the number below.")
	}
	return text.T(ctx, "The provider's account and the book differ."), wrong
}

func payoutPill(ctx context.Context, state string) ui.Pill {
	switch state {
	case "unknown":
		return ui.Pill{Label: text.T(ctx, "Unknown"), Tone: "bad"}
	case "failed":
		return ui.Pill{Label: text.T(ctx, "Failed"), Tone: "bad"}
	case "held":
		return ui.Pill{Label: text.T(ctx, "Held"), Tone: "lamp"}
	case "returned":
		return ui.Pill{Label: text.T(ctx, "Returned")}
	case "released":
		return ui.Pill{Label: text.T(ctx, "Refused before it left")}
	case "reserved":
		return ui.Pill{Label: text.T(ctx, "About to be sent")}
	case "sending":
		return ui.Pill{Label: text.T(ctx, "Being sent")}
	case "sent":
		return ui.Pill{Label: text.T(ctx, "Sent")}
	case "paid":
		return ui.Pill{Label: text.T(ctx, "Paid"), Tone: "good"}
	case "canceled":
		return ui.Pill{Label: text.T(ctx, "Canceled")}
	}
	return ui.Pill{Label: state}
}

// payoutMeaning says why a payout needs somebody, and what to do.
func payoutMeaning(ctx context.Context, p Payout) (what, next string) {
	switch p.State {
	case "unknown":
		return text.T(ctx, "The payout was sent, but the answer was lost. It is looked up again and again, and never sent twice."), text.T(ctx, "Look it up now. After two days it becomes a case.")
	case "failed":
		if p.StuckAt != nil {
			return text.T(ctx, "The payout came back, and the provider does not give its money back to the platform's account yet."), text.T(ctx, "Ask for it again now, or write to the provider.")
		}
		return text.T(ctx, "The payout will not arrive. Its money is being brought back to the creator's balance."), text.T(ctx, "Ask for it again now if it takes longer than an hour.")
	case "held":
		return text.T(ctx, "The money is set aside and nothing is sent until somebody lets it go: %s", orNot(ctx, p.Why)), text.T(ctx, "Release sends it; cancel gives it back to the creator's balance.")
	case "returned":
		return text.T(ctx, "The payout came back and the money is in the creator's balance again."), text.T(ctx, "The creator was told. It is sent again when the account rests no more or was corrected.")
	case "released":
		return text.T(ctx, "The provider refused the payout before it left; the money is in the balance again."), text.T(ctx, "Read the code: some refusals are ours to mend.")
	case "reserved":
		return text.T(ctx, "The money is set aside and a worker is about to send it."), text.T(ctx, "Hold keeps it back as long as nobody has begun to send it.")
	}
	return "", ""
}

func orNot(ctx context.Context, s string) string {
	if s == "" {
		return text.T(ctx, "not known")
	}
	return s
}

// action is a word of the audit log as a person reads it.
func actionLabel(ctx context.Context, action string) string {
	switch action {
	case "payouts.hold":
		return text.T(ctx, "Held by hand")
	case "payouts.release":
		return text.T(ctx, "Let go")
	case "payouts.cancel":
		return text.T(ctx, "Canceled")
	case "payouts.look":
		return text.T(ctx, "Looked up")
	case "admin.case.view":
		return text.T(ctx, "Case looked at")
	case "admin.case.close":
		return text.T(ctx, "Case closed")
	case "admin.case.note":
		return text.T(ctx, "Note on a case")
	case "admin.case.assign":
		return text.T(ctx, "Case taken or given up")
	case "admin.cases.export":
		return text.T(ctx, "Cases exported")
	case "admin.case.compare":
		return text.T(ctx, "Compared again")
	case "admin.list.view":
		return text.T(ctx, "List looked at")
	case "admin.payout.view":
		return text.T(ctx, "Payout looked at")
	}
	return action
}

func momentLabel(ctx context.Context, kind string) (label, tone string) {
	switch kind {
	case "opened":
		return text.T(ctx, "Found"), "bad"
	case "reopened":
		return text.T(ctx, "Found again"), "bad"
	case "closed":
		return text.T(ctx, "Closed"), "good"
	case "assigned":
		return text.T(ctx, "Taken in hand"), ""
	}
	return text.T(ctx, "Note"), ""
}

// providerName is what people call a provider.
func providerName(p string) string {
	switch p {
	case "stripe":
		return "Stripe"
	case "paypal":
		return "PayPal"
	}
	return p
}
