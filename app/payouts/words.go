package payouts

import (
	"context"
	"time"

	"vitrine/app/money"
	"vitrine/views/text"
)

// on is a date in the instance's zone.
func (s *Service) on(t time.Time) string { return t.In(s.zone()).Format("2 January 2006") }

// at is a moment in the instance's zone, and names it: who reads may live in another.
func (s *Service) at(t time.Time) string { return t.In(s.zone()).Format("2 January 2006, 15:04 MST") }

// words is a verdict for a person.
func (s *Service) words(ctx context.Context, v verdict) string {
	t := func(key string, args ...any) string { return text.T(ctx, key, args...) }
	switch v.Code {
	case ReasonHeld:
		return t("Payout %d of %s is set aside while we look at something: %s", v.args[0], in(v.args[1]), text.T(ctx, v.args[2].(string)))
	case ReasonUnknown:
		return t("Payout %d of %s was sent, but the answer was lost on the way. We ask until we know, and send nothing twice.", v.args[0], in(v.args[1]))
	case ReasonUnderWay:
		return t("Payout %d of %s is being sent. What comes in meanwhile goes with the next.", v.args[0], in(v.args[1]))
	case ReasonNoMethod:
		return t("Tell us where to pay out to: a bank account through Stripe, or a PayPal address.")
	case ReasonOwed:
		return t("Refunds and disputes took %s more than was there. The next sales repay it first.", in(v.args[0]))
	case ReasonPending:
		if v.Until.IsZero() {
			return t("%s may still be asked back by the buyers' banks.", in(v.args[0]))
		}
		return t("%s may still be asked back by the buyers' banks. The first of it becomes available on %s.", in(v.args[0]), s.on(v.Until))
	case ReasonReview:
		return t("%s belongs to orders that we look at before they are delivered.", in(v.args[0]))
	case ReasonRecovering:
		return t("Payout %d of %s did not arrive. Its money is on the way back to your balance.", v.args[0], in(v.args[1]))
	case ReasonStuck:
		return t("Payout %d of %s did not arrive, and the provider does not give its money back yet. We keep asking.", v.args[0], in(v.args[1]))
	case ReasonMinimum:
		return t("Payouts begin at %s; there are %s so far.", in(v.args[0]), in(v.args[1]))
	}
	return s.methodWords(ctx, v, t)
}

// methodWords are those about where the money goes to.
func (s *Service) methodWords(_ context.Context, v verdict, t func(string, ...any) string) string {
	switch v.Code {
	case ReasonUnconfirmed:
		return t("Follow the link that we mailed to you, so that payouts go to %s.", v.args[0])
	case ReasonIncomplete:
		if v.Until.IsZero() {
			return t("Stripe still needs something from you before it can pay out.")
		}
		return t("Stripe still needs something from you before it can pay out, until %s.", s.on(v.Until))
	case ReasonChecking:
		return t("Stripe is looking at what you sent. That takes minutes, sometimes two days.")
	case ReasonRestricted:
		if v.Act == ActProvider {
			return t("Stripe has stopped payouts to your account and is looking at it.")
		}
		return t("Stripe has stopped payouts to your account until it has what it asks for.")
	case ReasonProviderOff:
		return t("Payouts through %s are switched off here at the moment.", v.args[0])
	case ReasonCurrency:
		return t("%s does not take %s. Add an account that does.", v.args[0], v.args[1])
	case ReasonTrouble:
		return t("The last payout came back: %s It is tried again after %s, or as soon as you choose the method again.", t(v.args[0].(string)), s.on(v.Until))
	case ReasonChanged:
		return t("The payout method was changed. For your safety nothing is sent there before %s.", s.at(v.Until))
	case ReasonPaused:
		return t("You have paused payouts.")
	case ReasonAccount:
		return t("We are looking at something: %s The next payout is set aside until that is done.", t(v.args[0].(string)))
	case ReasonRefused:
		if v.Until.IsZero() {
			return t("The last payout was refused before it left: %s", t(v.args[0].(string)))
		}
		return t("The last payout was refused before it left: %s It is tried again on %s.", t(v.args[0].(string)), s.on(v.Until))
	}
	return t("Payouts wait.")
}

func in(v any) string {
	if a, ok := v.(money.Amount); ok {
		return a.Format()
	}
	return ""
}

// Names of providers, in rows and for people.
const (
	Stripe = "stripe"
	PayPal = "paypal"
)

func providerName(p string) string {
	switch p {
	case Stripe:
		return "Stripe"
	case PayPal:
		return "PayPal"
	}
	return p
}

// Shown is a method as a person knows it. The words are in English on purpose: rows keep them.
func (m Method) Shown() string {
	switch {
	case m.Provider == PayPal:
		return m.Address
	case m.Bank != "":
		return "•••• " + m.Bank
	case m.Account != "":
		return "Stripe " + m.Account
	}
	return "Stripe"
}

// failure is what a provider's code means: who must act, and a sentence.
type failure struct {
	act  string
	text string
}

// failures are Stripe's codes of payouts and calls, and PayPal's of payout items.
var failures = map[string]failure{
	"account_closed":                         {ActYou, "The bank account is closed."},
	"account_frozen":                         {ActYou, "The bank account is frozen."},
	"bank_account_restricted":                {ActYou, "The bank account takes no payouts of this kind."},
	"bank_ownership_changed":                 {ActYou, "The bank account now belongs to another bank."},
	"could_not_process":                      {ActProvider, "The bank could not process it."},
	"debit_not_authorized":                   {ActYou, "The bank account does not allow it."},
	"declined":                               {ActYou, "The bank declined it."},
	"incorrect_account_holder_address":       {ActYou, "The bank has another address for this account."},
	"incorrect_account_holder_name":          {ActYou, "The bank has another name for this account."},
	"incorrect_account_holder_tax_id":        {ActYou, "The bank has another tax number for this account."},
	"incorrect_account_type":                 {ActYou, "The bank account is of another kind."},
	"invalid_account_number":                 {ActYou, "There is no bank account with this number."},
	"invalid_account_number_length":          {ActYou, "The number of the bank account has the wrong length."},
	"invalid_currency":                       {ActYou, "The bank account does not take this currency."},
	"invalid_external_account_interval":      {ActProvider, "The bank does not take it at the moment."},
	"no_account":                             {ActYou, "The bank knows of no such account."},
	"unsupported_card":                       {ActYou, "The debit card takes no payouts."},
	"external_account_not_found":             {ActYou, "There is no bank account at Stripe yet."},
	"no_external_account_in_currency":        {ActYou, "There is no bank account for this currency at Stripe yet."},
	"insufficient_funds":                     {ActProvider, "The account at the provider did not cover it."},
	"canceled":                               {ActUs, "It was called off."},
	"never_sent":                             {ActUs, "It never left."},
	"balance_insufficient":                   {ActUs, "The platform's account does not cover it at the moment."},
	"insufficient_capabilities_for_transfer": {ActYou, "The Stripe account may not be paid to yet."},
	"account_invalid":                        {ActYou, "The Stripe account is no longer connected."},
	"transfers_not_allowed":                  {ActUs, "Stripe does not allow the platform to pay there."},
	"payouts_not_allowed":                    {ActYou, "Stripe has stopped payouts of this account."},
	"payouts_limit_exceeded":                 {ActProvider, "Stripe's limit for a day is reached."},
	"amount_too_large":                       {ActUs, "It was too large for one payout."},
	"amount_too_small":                       {ActUs, "It was too small for a payout."},
	"INSUFFICIENT_FUNDS":                     {ActUs, "The platform's account does not cover it at the moment."},
	"RECEIVER_UNREGISTERED":                  {ActYou, "Nobody has a PayPal account with this address."},
	"RECEIVER_UNCONFIRMED":                   {ActYou, "The address is not confirmed at PayPal."},
	"RECEIVER_ACCOUNT_LOCKED":                {ActYou, "The PayPal account is locked."},
	"RECEIVER_ACCOUNT_LIMITATION":            {ActYou, "The PayPal account is limited."},
	"RECEIVER_COUNTRY_NOT_ALLOWED":           {ActYou, "PayPal does not pay out to this country."},
	"RECEIVER_STATE_RESTRICTED":              {ActYou, "PayPal does not pay out to this state."},
	"RECEIVER_REFUSED":                       {ActYou, "The PayPal account refused it."},
	"REFUSED_ZERO_TOLERANCE":                 {ActYou, "PayPal refused it for good."},
	"RISK_DECLINE":                           {ActProvider, "PayPal declined it for its own safety."},
	"SELF_PAY_NOT_ALLOWED":                   {ActYou, "This address is the platform's own."},
	"CURRENCY_NOT_SUPPORTED_FOR_RECEIVER":    {ActYou, "The PayPal account does not take this currency."},
	"CURRENCY_COMPLIANCE":                    {ActYou, "PayPal does not send this currency there."},
	"UNCLAIMED":                              {ActYou, "Nobody took it for 30 days."},
	"RETURNED":                               {ActYou, "Nobody took it for 30 days."},
	"REVERSED":                               {ActProvider, "PayPal took it back."},
	"BLOCKED":                                {ActProvider, "PayPal has stopped it."},
	ReasonNoMethod:                           {ActYou, "There was no payout method to send it to any more."},
	ReasonUnconfirmed:                        {ActYou, "The payout method was not confirmed."},
	ReasonIncomplete:                         {ActYou, "Stripe still needed something."},
	ReasonChecking:                           {ActProvider, "Stripe was looking at the account."},
	ReasonRestricted:                         {ActYou, "Stripe had stopped payouts to the account."},
	ReasonCurrency:                           {ActYou, "The payout method does not take this currency."},
	ReasonChanged:                            {ActNobody, "The payout method was changed just before it left."},
	ReasonTrouble:                            {ActYou, "Another payout had just come back from there."},
}

// failureOf reads a provider's code. What is not known is theirs to explain.
func failureOf(_ string, code string) failure {
	if f, ok := failures[code]; ok {
		return f
	}
	return failure{ActUs, "The provider refused it without a reason that we know. We are looking into it."}
}

func actOf(provider, code string) string { return failureOf(provider, code).act }
