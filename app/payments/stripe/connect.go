package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/id"
	"vitrine/app/payments"
)

var _ payments.Connector = (*Client)(nil)

// Open makes an Express account that may receive transfers. We say when it pays out to the bank.
func (c *Client) Open(ctx context.Context, in payments.AccountInput) (payments.Account, error) {
	p := &stripe.AccountParams{
		Type: stripe.String(string(stripe.AccountTypeExpress)), Email: stripe.String(in.Email), Country: stripe.String(in.Country),
		Capabilities: &stripe.AccountCapabilitiesParams{Transfers: &stripe.AccountCapabilitiesTransfersParams{Requested: stripe.Bool(true)}},
		Settings: &stripe.AccountSettingsParams{Payouts: &stripe.AccountSettingsPayoutsParams{
			Schedule: &stripe.AccountSettingsPayoutsScheduleParams{Interval: stripe.String(string(stripe.AccountSettingsPayoutsScheduleIntervalManual))}}},
		Metadata: map[string]string{metaCreator: in.Creator.String(), metaGeneration: strconv.Itoa(in.Generation)},
	}
	p.Context = ctx
	p.SetIdempotencyKey(fmt.Sprintf("account-%s-%d", in.Creator, in.Generation))
	a, err := c.api.Accounts.New(p)
	if err != nil {
		return payments.Account{}, explain(err)
	}
	return account(a), nil
}

// Seek looks through the accounts that were opened since.
func (c *Client) Seek(ctx context.Context, in payments.AccountInput) (payments.Account, error) {
	p := &stripe.AccountListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: in.Since.Add(-time.Minute).Unix()}}
	p.Context = ctx
	p.Limit = stripe.Int64(100)
	it := c.api.Accounts.List(p)
	for it.Next() {
		if a := it.Account(); a.Metadata[metaCreator] == in.Creator.String() && a.Metadata[metaGeneration] == strconv.Itoa(in.Generation) {
			return account(a), nil
		}
	}
	if err := it.Err(); err != nil {
		return payments.Account{}, explain(err)
	}
	return payments.Account{}, payments.ErrNone
}

// Account asks how an account stands.
func (c *Client) Account(ctx context.Context, number string) (payments.Account, error) {
	p := &stripe.AccountParams{}
	p.Context = ctx
	a, err := c.api.Accounts.GetByID(number, p)
	if err != nil {
		return payments.Account{}, gone(err)
	}
	return account(a), nil
}

// gone tells an account that is not ours any more from a call that went wrong.
func gone(err error) error {
	var se *stripe.Error
	if errors.As(err, &se) && (se.Code == stripe.ErrorCodeAccountInvalid || se.HTTPStatusCode == http.StatusNotFound) {
		return payments.ErrNone
	}
	return explain(err)
}

// Link opens the onboarding page. For Express accounts it is also the one on which things are changed.
func (c *Client) Link(ctx context.Context, in payments.LinkInput) (string, error) {
	p := &stripe.AccountLinkParams{Account: stripe.String(in.Account), ReturnURL: stripe.String(in.ReturnURL), RefreshURL: stripe.String(in.RefreshURL), Type: stripe.String(string(stripe.AccountLinkTypeAccountOnboarding))}
	p.Context = ctx
	l, err := c.api.AccountLinks.New(p)
	if err != nil {
		return "", gone(err)
	}
	return l.URL, nil
}

// Dashboard opens the creator's Express page.
func (c *Client) Dashboard(ctx context.Context, number string) (string, error) {
	p := &stripe.LoginLinkParams{Account: stripe.String(number)}
	p.Context = ctx
	l, err := c.api.LoginLinks.New(p)
	if err != nil {
		return "", gone(err)
	}
	return l.URL, nil
}

func account(a *stripe.Account) payments.Account {
	out := payments.Account{Number: a.ID, Country: a.Country, Submitted: a.DetailsSubmitted, Payouts: a.PayoutsEnabled}
	if v, err := id.Parse[id.UserKind](a.Metadata[metaCreator]); err == nil {
		out.Creator = v
	}
	if x := a.ExternalAccounts; x != nil && len(x.Data) > 0 && x.Data[0].BankAccount != nil {
		out.Bank, out.Currency = x.Data[0].BankAccount.Last4, string(amount(0, x.Data[0].BankAccount.Currency).Currency)
	}
	if out.Payouts && a.Capabilities != nil {
		out.Payouts = a.Capabilities.Transfers == stripe.AccountCapabilityStatusActive
	}
	r := a.Requirements
	if r == nil {
		return out
	}
	out.Disabled = string(r.DisabledReason)
	if r.CurrentDeadline > 0 {
		out.Deadline = at(r.CurrentDeadline)
	}
	why := map[string]string{}
	for _, e := range r.Errors {
		why[e.Requirement] = e.Reason
	}
	for _, code := range r.CurrentlyDue {
		out.Due = append(out.Due, payments.Requirement{Code: code, Past: slices.Contains(r.PastDue, code), Why: why[code]})
	}
	for _, code := range r.PastDue {
		if !slices.Contains(r.CurrentlyDue, code) {
			out.Due = append(out.Due, payments.Requirement{Code: code, Past: true, Why: why[code]})
		}
	}
	for _, code := range r.PendingVerification {
		out.Due = append(out.Due, payments.Requirement{Code: code, Pending: true})
	}
	return out
}
