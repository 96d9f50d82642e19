package sandbox_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func TestTransfersNeedAvailableMoney(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	cs := paid(t, s, "4242424242424242") // pending for two days
	_, err := newTransfer(s, id, 1000, "eur")
	if e := stripeError(t, err); e.Code != stripe.ErrorCodeBalanceInsufficient || e.HTTPStatusCode != 400 || !strings.Contains(e.Msg, "Insufficient funds") {
		t.Fatalf("%+v", e)
	}
	p := &stripe.TransferParams{Amount: stripe.Int64(1000), Currency: stripe.String("eur"), Destination: &id}
	p.SetIdempotencyKey("payout-1-transfer")
	if _, err = api(s).Transfers.New(p); stripeError(t, err).Code != stripe.ErrorCodeBalanceInsufficient {
		t.Fatal(err)
	}
	if err := s.Advance(49 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err = newTransfer(s, id, 1847, "eur"); stripeError(t, err).Code != stripe.ErrorCodeBalanceInsufficient { // 19.00 less the fee
		t.Fatal(err)
	}
	if _, err = newTransfer(s, id, 1846, "eur"); err != nil {
		t.Fatal(err)
	}
	if _, err = newTransfer(s, id, 1, "usd"); stripeError(t, err).Code != stripe.ErrorCodeBalanceInsufficient {
		t.Fatal(err)
	}
	if b := s.Stripe().Balance("eur"); b.Available != 0 {
		t.Errorf("%+v", b)
	}
	ch := cs.PaymentIntent.LatestCharge.ID
	if err := s.Stripe().Dispute(ch, ""); err != nil { // a negative balance is nothing to send either
		t.Fatal(err)
	}
	if _, err = newTransfer(s, id, 1, "eur"); stripeError(t, err).Code != stripe.ErrorCodeBalanceInsufficient {
		t.Error("sent what is not there")
	}
}

func TestPendingMoneyIsMadeAvailable(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	paid(t, s, "4242424242424242")
	if b := s.Stripe().Balance("eur"); b.Available != 0 || b.Pending != 1846 {
		t.Fatalf("%+v", b)
	}
	if n, err := s.Stripe().Clear(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if b := s.Stripe().Balance("eur"); b.Available != 1846 || b.Pending != 0 {
		t.Errorf("%+v", b)
	}
	if _, err := newTransfer(s, id, 1846, "eur"); err != nil {
		t.Error(err)
	}
	if n, err := s.Stripe().Clear(); n != 0 || err != nil {
		t.Error("twice:", n, err)
	}
}

// TestARefusalIsStoredUnderItsKey: Stripe remembers what it refused while it worked on a call, too.
func TestARefusalIsStoredUnderItsKey(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	form := "amount=100&currency=eur&destination=" + id
	if a := raw(t, s, "POST", "/v1/transfers", form, "Idempotency-Key", "k"); a.Error.Code != "balance_insufficient" {
		t.Fatalf("%+v", a.Error)
	}
	fundPlatform(t, s, 1000, "eur")
	if a := raw(t, s, "POST", "/v1/transfers", form, "Idempotency-Key", "k"); a.Error.Code != "balance_insufficient" || a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%+v", a)
	}
	if err := s.Advance(25 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if a := raw(t, s, "POST", "/v1/transfers", form, "Idempotency-Key", "k"); a.Status != 200 {
		t.Errorf("%+v", a.Error)
	}
}

func TestTransfersThatAreRefused(t *testing.T) {
	s := start(t, sandbox.Options{})
	id, empty := payee(t, s, "DE"), newAccount(t, s, "DE").ID
	fundPlatform(t, s, 10000, "eur")
	good := "amount=100&currency=eur&destination=" + id
	for _, c := range []struct{ name, value, code, param string }{
		{"amount", "", "parameter_missing", "amount"}, {"amount", "0", "parameter_invalid_integer", "amount"}, {"amount", "1.5", "parameter_invalid_integer", "amount"},
		{"currency", "", "parameter_missing", "currency"}, {"currency", "xxx", "", "currency"}, {"destination", "", "parameter_missing", "destination"},
		{"destination", "acct_nobody", "resource_missing", "destination"}, {"destination", empty, "insufficient_capabilities_for_transfer", "destination"},
		{"source_transaction", "ch_none", "resource_missing", "source_transaction"}, {"colour", "red", "parameter_unknown", "colour"}, {"source_type", "gold", "", "source_type"},
		{"metadata[k]", strings.Repeat("v", 501), "", "metadata[k]"},
	} {
		if a := raw(t, s, "POST", "/v1/transfers", with(good, c.name, c.value)); a.Status != 400 || a.Error.Code != c.code || a.Error.Param != c.param {
			t.Errorf("%s=%.20s: %d %+v", c.name, c.value, a.Status, a.Error)
		}
	}
	for _, path := range []string{"/v1/transfers/tr_1", "/v1/transfers/tr_1/reversals", "/v1/payouts/po_1", "/v1/radar/early_fraud_warnings/issfr_1", "/v1/files/file_1"} {
		if a := raw(t, s, "GET", path, ""); a.Status != 404 || a.Error.Code != "resource_missing" {
			t.Errorf("%s: %d %+v", path, a.Status, a.Error)
		}
	}
}

func TestTransferFromOneCharge(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	ch := paid(t, s, "4242424242424242").PaymentIntent.LatestCharge
	from := func(amount int64, currency string) (*stripe.Transfer, error) {
		return api(s).Transfers.New(&stripe.TransferParams{Amount: &amount, Currency: &currency, Destination: &id, SourceTransaction: &ch.ID})
	}
	tr, err := from(1000, "eur")
	if err != nil || tr.TransferGroup != "order_1" || tr.SourceTransaction.ID != ch.ID {
		t.Fatalf("%+v %v", tr, err)
	}
	if b := s.Stripe().BalanceOf(id, "eur"); b.Pending != 1000 || b.Available != 0 {
		t.Errorf("the money is there before the charge's: %+v", b)
	}
	_, err = from(901, "eur")
	if e := stripeError(t, err); e.Param != "amount" || !strings.Contains(e.Msg, "must not exceed the source amount of €19.00") {
		t.Errorf("%+v", e)
	}
	if _, err = from(1, "usd"); stripeError(t, err).Param != "currency" {
		t.Error(err)
	}
	if r, err := api(s).TransferReversals.New(&stripe.TransferReversalParams{ID: &tr.ID, Amount: stripe.Int64(400)}); err != nil || r.Amount != 400 {
		t.Errorf("reversal of pending money: %v", err)
	}
	if err := s.Advance(49 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if b, p := s.Stripe().BalanceOf(id, "eur"), s.Stripe().Balance("eur"); b.Available != 600 || b.Pending != 0 || p.Available != 1846-600 || p.Pending != 0 {
		t.Errorf("account %+v, platform %+v", b, p)
	}
}

func TestReversalsNeedTheMoneyToBeThere(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	fundPlatform(t, s, 10000, "eur")
	tr, err := newTransfer(s, id, 1000, "eur")
	if err != nil {
		t.Fatal(err)
	}
	back := func(amount int64) (*stripe.TransferReversal, error) {
		return api(s).TransferReversals.New(&stripe.TransferReversalParams{ID: &tr.ID, Amount: &amount, Metadata: map[string]string{"payout": "1"}})
	}
	if _, err = newPayout(s, id, 700, "eur"); err != nil {
		t.Fatal(err)
	}
	_, err = back(301)
	if e := stripeError(t, err); e.Code != stripe.ErrorCodeBalanceInsufficient || !strings.Contains(e.Msg, id) {
		t.Errorf("%+v", e)
	}
	r, err := back(300)
	if err != nil || r.Metadata["payout"] != "1" || r.Transfer.ID != tr.ID || r.BalanceTransaction == nil {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err = back(701); stripeError(t, err).Param != "amount" {
		t.Error(err)
	}
	if n, err := s.Stripe().Submit(""); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	po := listed(t, s, "/v1/payouts", id)[0]
	if po["status"] != "in_transit" {
		t.Errorf("%v", po["status"])
	}
	if err := s.Stripe().FailPayout(po["id"].(string), "could_not_process"); err != nil {
		t.Fatal(err)
	}
	if _, err = api(s).TransferReversals.New(&stripe.TransferReversalParams{ID: &tr.ID}); err != nil { // what is left
		t.Fatal(err)
	}
	tr, err = api(s).Transfers.Get(tr.ID, nil)
	if err != nil || !tr.Reversed || tr.AmountReversed != 1000 || len(tr.Reversals.Data) != 2 {
		t.Errorf("%+v %v", tr, err)
	}
	if _, err = back(1); stripeError(t, err).HTTPStatusCode != 400 {
		t.Error("reversed twice")
	}
	if b, p := s.Stripe().BalanceOf(id, "eur"), s.Stripe().Balance("eur"); b.Available != 0 || p.Available != 10000-175 {
		t.Errorf("account %+v, platform %+v", b, p)
	}
}

func TestTransfersAndReversalsAreListed(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	fundPlatform(t, s, 10000, "eur")
	tr, err := newTransfer(s, id, 1000, "eur")
	if err != nil {
		t.Fatal(err)
	}
	r, err := api(s).TransferReversals.New(&stripe.TransferReversalParams{ID: &tr.ID, Amount: stripe.Int64(300)})
	if err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s, "/v1/transfers/"+tr.ID+"/reversals", ""); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if a := raw(t, s, "GET", "/v1/transfers/"+tr.ID+"/reversals/"+r.ID, ""); a.Body["id"] != r.ID {
		t.Errorf("%v", a.Body)
	}
	if got, err := api(s).Transfers.Update(tr.ID, &stripe.TransferParams{Metadata: map[string]string{"seen": "1"}}); err != nil || got.Metadata["seen"] != "1" || got.Metadata["payout"] != "1" {
		t.Errorf("%+v %v", got, err)
	}
	hasAll(t, eventsOf(s, ""), "transfer.created", "transfer.reversed", "transfer.updated")
	if got := listed(t, s, "/v1/transfers?transfer_group=payout_1&destination="+id, ""); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if got := listed(t, s, "/v1/transfers?transfer_group=other", ""); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestPayoutsThatAreRefused(t *testing.T) {
	s := start(t, sandbox.Options{})
	id, hu, empty := payee(t, s, "DE"), payee(t, s, "HU"), newAccount(t, s, "DE").ID
	fundPlatform(t, s, 100000, "eur")
	fundPlatform(t, s, 5000000, "huf")
	for _, c := range []struct {
		to, cur string
		amount  int64
	}{{id, "eur", 5000}, {hu, "huf", 1000000}, {hu, "eur", 100}} {
		if _, err := newTransfer(s, c.to, c.amount, c.cur); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ account, form, code, param, says string }{
		{id, "amount=5001&currency=eur", "balance_insufficient", "", "insufficient funds in your Stripe account"},
		{id, "amount=100&currency=usd", "", "", "external accounts in that currency (usd)"},
		{hu, "amount=100&currency=eur", "", "", "external accounts in that currency (eur)"},
		{hu, "amount=999950&currency=huf", "parameter_invalid_integer", "amount", "divisible by 100"},
		{id, "amount=150&currency=twd", "parameter_invalid_integer", "amount", "divisible by 100"},
		{empty, "amount=100&currency=eur", "", "", "external accounts"},
		{id, "currency=eur", "parameter_missing", "amount", ""},
		{id, "amount=0&currency=eur", "parameter_invalid_integer", "amount", ""},
		{id, "amount=100", "parameter_missing", "currency", ""},
		{id, "amount=100&currency=eur&destination=ba_other", "resource_missing", "destination", ""},
		{id, "amount=100&currency=eur&method=instant", "parameter_unknown", "method=instant", ""},
		{id, "amount=100&currency=eur&statement_descriptor=a*b", "", "statement_descriptor", ""},
		{id, "amount=100&currency=eur&statement_descriptor=" + strings.Repeat("x", 23), "parameter_invalid_string", "statement_descriptor", ""},
		{id, "amount=100&currency=eur&speed=fast", "parameter_unknown", "speed", ""},
	} {
		a := raw(t, s, "POST", "/v1/payouts", c.form, "Stripe-Account", c.account)
		if a.Status != 400 || a.Error.Code != c.code || a.Error.Param != c.param || !strings.Contains(a.Error.Message, c.says) {
			t.Errorf("%s: %d %+v", c.form, a.Status, a.Error)
		}
	}
	if po, err := newPayout(s, hu, 999900, "huf"); err != nil || po.Amount != 999900 {
		t.Errorf("whole hundreds: %v", err)
	}
	po, err := newPayout(s, id, 100, "eur")
	if err != nil {
		t.Fatal(err)
	}
	if a := raw(t, s, "GET", "/v1/payouts/"+po.ID, "", "Stripe-Account", hu); a.Status != 404 {
		t.Errorf("another account's payout: %d", a.Status)
	}
	if a := raw(t, s, "GET", "/v1/payouts/"+po.ID, ""); a.Status != 404 {
		t.Errorf("from the platform: %d", a.Status)
	}
}

func TestPayoutIsCanceledWhileItIsPending(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	fundPlatform(t, s, 10000, "eur")
	if _, err := newTransfer(s, id, 1000, "eur"); err != nil {
		t.Fatal(err)
	}
	po, err := newPayout(s, id, 1000, "eur")
	if err != nil {
		t.Fatal(err)
	}
	p := &stripe.PayoutParams{}
	p.SetStripeAccount(id)
	if po, err = api(s).Payouts.Cancel(po.ID, p); err != nil || po.Status != "canceled" || po.FailureBalanceTransaction == nil {
		t.Fatalf("%+v %v", po, err)
	}
	if b := s.Stripe().BalanceOf(id, "eur"); b.Available != 1000 {
		t.Errorf("%+v", b)
	}
	hasAll(t, eventsOf(s, id), "payout.canceled")
	if po, err = newPayout(s, id, 1000, "eur"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stripe().Submit(po.ID); err != nil {
		t.Fatal(err)
	}
	if _, err = api(s).Payouts.Cancel(po.ID, p); stripeError(t, err).HTTPStatusCode != 400 {
		t.Error("canceled on its way")
	}
	p = &stripe.PayoutParams{Metadata: map[string]string{"seen": "1"}}
	p.SetStripeAccount(id)
	if po, err = api(s).Payouts.Update(po.ID, p); err != nil || po.Metadata["seen"] != "1" || po.Metadata["payout"] != "1" {
		t.Errorf("%+v %v", po, err)
	}
	for query, want := range map[string]int{"": 2, "?status=canceled": 1, "?status=paid": 0, "?arrival_date[gte]=1": 2, "?arrival_date[lt]=1": 0, "?created[gt]=9999999999": 0} {
		if n := len(listed(t, s, "/v1/payouts"+query, id)); n != want {
			t.Errorf("%s: %d payouts", query, n)
		}
	}
}

func TestPayoutToAWrongBankAccountFails(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := newAccount(t, s, "US").ID
	if err := s.Stripe().Onboard(id, sandbox.WrongBank); err != nil {
		t.Fatal(err)
	}
	fundPlatform(t, s, 10000, "usd")
	if _, err := newTransfer(s, id, 1000, "usd"); err != nil {
		t.Fatal(err)
	}
	po, err := newPayout(s, id, 1000, "usd")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Stripe().SettlePayouts(po.ID); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	po = payoutOf(t, s, id, po.ID)
	if po.Status != "failed" || po.FailureCode != stripe.PayoutFailureCodeNoAccount || po.FailureMessage == "" || po.FailureBalanceTransaction == nil || s.Stripe().BalanceOf(id, "usd").Available != 1000 {
		t.Errorf("%+v", po)
	}
	hasAll(t, eventsOf(s, id), "payout.failed", "account.external_account.updated", "account.updated")
	a := account(t, s, id)
	if b := a.ExternalAccounts.Data[0].BankAccount; b.Status != "errored" || a.PayoutsEnabled || a.Requirements.CurrentlyDue[0] != "external_account" || a.Capabilities.Transfers != "active" {
		t.Errorf("%+v %+v", b, a.Requirements)
	}
	if _, err = newPayout(s, id, 1000, "usd"); stripeError(t, err).Code != stripe.ErrorCodePayoutsNotAllowed {
		t.Error(err)
	}
	if err := s.Stripe().ChangeBank(id, ""); err != nil {
		t.Fatal(err)
	}
	if po, err = newPayout(s, id, 1000, "usd"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stripe().SettlePayouts(""); err != nil {
		t.Fatal(err)
	}
	if po = payoutOf(t, s, id, po.ID); po.Status != "paid" {
		t.Errorf("after the change: %+v", po)
	}
	if s.Stripe().ChangeBank(id, "gremlins") == nil {
		t.Error("an unknown failure code was taken")
	}
}

func TestPaidPayoutsCanStillFail(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // a Wednesday: it arrives on Friday
	for _, c := range []struct {
		after time.Duration
		ok    bool
	}{{0, true}, {7*24*time.Hour - time.Minute, true}, {8*24*time.Hour + time.Minute, false}} {
		s := start(t, sandbox.Options{Clock: func() time.Time { return now }})
		id := payee(t, s, "DE")
		fundPlatform(t, s, 10000, "eur")
		if _, err := newTransfer(s, id, 1000, "eur"); err != nil {
			t.Fatal(err)
		}
		po, err := newPayout(s, id, 1000, "eur")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Advance(36 * time.Hour); err != nil {
			t.Fatal(err)
		}
		if po = payoutOf(t, s, id, po.ID); po.Status != "paid" {
			t.Fatalf("%s", po.Status)
		}
		if err := s.Advance(c.after); err != nil {
			t.Fatal(err)
		}
		if err := s.Stripe().FailPayout(po.ID, "account_closed"); (err == nil) != c.ok {
			t.Errorf("after %v: %v", c.after, err)
		}
		want, left := "paid", int64(0)
		if c.ok {
			want, left = "failed", 1000
			if s.Stripe().FailPayout(po.ID, "") == nil {
				t.Error("failed twice")
			}
		}
		if po = payoutOf(t, s, id, po.ID); string(po.Status) != want || s.Stripe().BalanceOf(id, "eur").Available != left {
			t.Errorf("%s, %+v", po.Status, s.Stripe().BalanceOf(id, "eur"))
		}
	}
	s := start(t, sandbox.Options{})
	if s.Stripe().FailPayout("po_none", "") == nil || s.Stripe().FailPayout("po_none", "bad luck") == nil {
		t.Error("failed a payout that is not there, or for no known reason")
	}
}

func TestBalanceTransactionsOfAnAccount(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	fundPlatform(t, s, 10000, "eur")
	tr, err := newTransfer(s, id, 1000, "eur")
	if err != nil {
		t.Fatal(err)
	}
	po, err := newPayout(s, id, 600, "eur")
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"": 2, "?type=payout": 1, "?type=payment": 1, "?source=" + po.ID: 1, "?source=" + tr.ID: 0, "?currency=usd": 0, "?created[gte]=1": 2} {
		if n := len(listed(t, s, "/v1/balance_transactions"+query, id)); n != want {
			t.Errorf("%s: %d", query, n)
		}
	}
	if n := len(listed(t, s, "/v1/balance_transactions", "")); n != 2 { // the charge and the transfer
		t.Errorf("platform: %d", n)
	}
	sum := float64(0)
	for _, x := range listed(t, s, "/v1/balance_transactions?expand[]=data.source", id) {
		sum += x["net"].(float64)
	}
	if b := s.Stripe().BalanceOf(id, "eur"); sum != float64(b.Available+b.Pending) || sum != 400 {
		t.Errorf("rows %v, balance %+v", sum, b)
	}
	bal := raw(t, s, "GET", "/v1/balance", "", "Stripe-Account", id).Body["available"].([]any)[0].(map[string]any)
	if bal["amount"] != float64(400) || bal["currency"] != "eur" {
		t.Errorf("%v", bal)
	}
	if a := raw(t, s, "GET", "/v1/balance_transactions?payout="+po.ID, "", "Stripe-Account", id); a.Status != 400 || !strings.Contains(a.Error.Message, "automatic transfers, not manual") {
		t.Errorf("%+v", a)
	}
	if a := raw(t, s, "GET", "/v1/balance_transactions?payout=po_none", ""); a.Status != 400 || a.Error.Code != "resource_missing" {
		t.Errorf("%+v", a)
	}
	own := listed(t, s, "/v1/balance_transactions?type=transfer&expand[]=data.source", "")[0]
	if src := own["source"].(map[string]any); src["object"] != "transfer" || src["metadata"].(map[string]any)["payout"] != "1" {
		t.Errorf("%v", own)
	}
	row := listed(t, s, "/v1/balance_transactions?type=payout", id)[0]["id"].(string)
	if a := raw(t, s, "GET", "/v1/balance_transactions/"+row, ""); a.Status != 404 {
		t.Errorf("an account's row at the platform: %d", a.Status)
	}
}

func TestKeysBelongToOneAccount(t *testing.T) {
	s := start(t, sandbox.Options{})
	fundPlatform(t, s, 10000, "eur")
	var ids []string
	for range 2 {
		id := payee(t, s, "DE")
		if _, err := newTransfer(s, id, 1000, "eur"); err != nil {
			t.Fatal(err)
		}
		a := raw(t, s, "POST", "/v1/payouts", "amount=1000&currency=eur", "Stripe-Account", id, "Idempotency-Key", "same")
		again := raw(t, s, "POST", "/v1/payouts", "amount=1000&currency=eur", "Stripe-Account", id, "Idempotency-Key", "same")
		if a.Status != 200 || a.Body["id"] != again.Body["id"] || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Fatalf("%+v %+v", a, again)
		}
		ids = append(ids, a.Body["id"].(string))
	}
	if ids[0] == ids[1] {
		t.Error("one account's key answered another's")
	}
}

func TestFaultsOnPayouts(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	fundPlatform(t, s, 10000, "eur")
	for i, c := range []struct {
		kind sandbox.FaultKind
		made bool
	}{{sandbox.DropAfter, true}, {sandbox.Error500After, true}, {sandbox.Error500, false}, {sandbox.DropBefore, false}, {sandbox.Unavailable, false}, {sandbox.RateLimit, false}} {
		before := s.Stripe().BalanceOf(id, "eur").Available
		s.Stripe().Inject(sandbox.Fault{Kind: c.kind, Call: "POST /v1/transfers", Times: 1})
		if _, err := newTransfer(s, id, 100, "eur"); err == nil {
			t.Fatalf("%s: no error", c.kind)
		}
		if got := s.Stripe().BalanceOf(id, "eur").Available - before; (got == 100) != c.made {
			t.Errorf("%d %s: moved %d", i, c.kind, got)
		}
		before = s.Stripe().BalanceOf(id, "eur").Available
		s.Stripe().Inject(sandbox.Fault{Kind: c.kind, Call: "POST /v1/payouts", Times: 1})
		if _, err := newPayout(s, id, 10, "eur"); err == nil {
			t.Fatalf("%s: no error", c.kind)
		}
		if got := before - s.Stripe().BalanceOf(id, "eur").Available; (got == 10) != c.made {
			t.Errorf("%d %s: paid out %d", i, c.kind, got)
		}
	}
}

// TestNoMoneyIsMadeInARace sends many transfers and payouts at once against a balance for ten of each.
func TestNoMoneyIsMadeInARace(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	fundPlatform(t, s, 1041, "eur") // 1000 after the fee
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() { _, _ = newTransfer(s, id, 100, "eur") })
		wg.Go(func() { _, _ = newPayout(s, id, 100, "eur") })
	}
	wg.Wait()
	sent := int64(0)
	for _, p := range listed(t, s, "/v1/payouts?limit=100", id) {
		sent += int64(p["amount"].(float64))
	}
	p, a := s.Stripe().Balance("eur"), s.Stripe().BalanceOf(id, "eur")
	if p.Available != 0 || a.Available < 0 || a.Available+sent != 1000 {
		t.Errorf("platform %+v, account %+v, sent %d", p, a, sent)
	}
}
