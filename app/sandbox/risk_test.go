package sandbox_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func TestEarlyFraudWarnings(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	pi := paid(t, s, "4242424242424242").PaymentIntent
	id, err := s.Stripe().Warn(pi.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Stripe().Warn(pi.LatestCharge.ID, "misc"); again != id || err != nil {
		t.Errorf("two warnings of one charge: %s %v", again, err)
	}
	w, err := api(s).RadarEarlyFraudWarnings.Get(id, nil)
	if err != nil || !w.Actionable || w.FraudType != "unauthorized_use_of_card" || w.Charge.ID != pi.LatestCharge.ID || w.PaymentIntent.ID != pi.ID {
		t.Fatalf("%+v %v", w, err)
	}
	flush(t, s)
	for _, e := range sh.got(t) {
		var got stripe.RadarEarlyFraudWarning
		if e.Type == "radar.early_fraud_warning.created" && (json.Unmarshal(e.Data.Raw, &got) != nil || got.ID != id || e.Account != "") {
			t.Errorf("%+v", e)
		}
	}
	if _, err := api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID}); err != nil {
		t.Fatal(err)
	}
	if w, _ = api(s).RadarEarlyFraudWarnings.Get(id, nil); w.Actionable {
		t.Error("still actionable after the refund")
	}
	hasAll(t, eventTypes(s), "radar.early_fraud_warning.created", "radar.early_fraud_warning.updated")
	for query, want := range map[string]int{"": 1, "?charge=" + pi.LatestCharge.ID: 1, "?payment_intent=" + pi.ID: 1, "?charge=ch_other": 0} {
		if n := len(listed(t, s, "/v1/radar/early_fraud_warnings"+query, "")); n != want {
			t.Errorf("%s: %d", query, n)
		}
	}
	late := paid(t, s, "4000000000005423").PaymentIntent
	if err := s.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := len(listed(t, s, "/v1/radar/early_fraud_warnings?payment_intent="+late.ID, "")); n != 1 {
		t.Errorf("the card that is warned of: %d", n)
	}
	if _, err := s.Stripe().Warn("ch_none", ""); err == nil {
		t.Error("warned of nothing")
	}
	if _, err := s.Stripe().Warn(pi.ID, "gut feeling"); err == nil {
		t.Error("an unknown kind was taken")
	}
}

func TestChargesTellOfTheCard(t *testing.T) {
	s := start(t, sandbox.Options{})
	seen := map[string]string{}
	for _, c := range []struct{ number, country, funding, brand string }{{"4242424242424242", "US", "credit", "visa"}, {"4242424242424242", "US", "credit", "visa"},
		{"4000056655665556", "US", "debit", "visa"}, {"5105105105105100", "US", "prepaid", "mastercard"}, {"4000002760000016", "DE", "credit", "visa"}, {"4000000760000002", "BR", "credit", "visa"}} {
		card := paid(t, s, c.number).PaymentIntent.LatestCharge.PaymentMethodDetails.Card
		if card.Country != c.country || string(card.Funding) != c.funding || string(card.Brand) != c.brand || card.Fingerprint == "" {
			t.Errorf("%s: %+v", c.number, card)
		}
		if old, ok := seen[c.number]; ok && old != card.Fingerprint {
			t.Errorf("%s has two fingerprints", c.number)
		}
		seen[c.number] = card.Fingerprint
	}
	all := map[string]bool{}
	for _, f := range seen {
		all[f] = true
	}
	if len(all) != len(seen) {
		t.Error("two cards share a fingerprint")
	}
	by := raw(t, s, "POST", "/v1/payment_intents", "amount=1900&currency=eur&confirm=true&payment_method=pm_card_visa&payment_method_types[]=card&expand[]=latest_charge")
	o := by.Body["latest_charge"].(map[string]any)
	if f := o["payment_method_details"].(map[string]any)["card"].(map[string]any)["fingerprint"]; f != seen["4242424242424242"] {
		t.Errorf("by token: %v", f)
	}
	if out := o["outcome"].(map[string]any); out["risk_level"] != "normal" || out["risk_score"] == nil {
		t.Errorf("%v", out)
	}
}

func disputeOf(t *testing.T, s *sandbox.Server, pi string) *stripe.Dispute {
	t.Helper()
	it := api(s).Disputes.List(&stripe.DisputeListParams{PaymentIntent: &pi})
	if !it.Next() {
		t.Fatal("no dispute", it.Err())
	}
	return it.Dispute()
}

func TestInquiriesMoveNoMoney(t *testing.T) {
	s := start(t, sandbox.Options{})
	pi := paid(t, s, "4000000000001976").PaymentIntent
	if err := s.Advance(25 * time.Hour); err != nil {
		t.Fatal(err)
	}
	d := disputeOf(t, s, pi.ID)
	if d.Status != "warning_needs_response" || len(d.BalanceTransactions) != 0 || !d.IsChargeRefundable || s.Stripe().Balance("eur").Pending+s.Stripe().Balance("eur").Available != 1846 {
		t.Fatalf("%+v", d)
	}
	if slices.Contains(eventTypes(s), "charge.dispute.funds_withdrawn") {
		t.Error("money was taken")
	}
	if _, err := api(s).Disputes.Close(d.ID, nil); stripeError(t, err).HTTPStatusCode != 400 {
		t.Error("an inquiry was lost")
	}
	d, err := api(s).Disputes.Update(d.ID, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("It was delivered.")}, Submit: stripe.Bool(true)})
	if err != nil || d.Status != "warning_under_review" {
		t.Fatalf("%+v %v", d, err)
	}
	if err := s.Stripe().CloseInquiry(d.ID); err != nil {
		t.Fatal(err)
	}
	if d = disputeOf(t, s, pi.ID); d.Status != "warning_closed" || s.Stripe().CloseInquiry(d.ID) == nil {
		t.Errorf("%+v", d)
	}

	asked := paid(t, s, "4242424242424242").PaymentIntent
	if err := s.Stripe().Inquire(asked.ID, "product_not_received"); err != nil {
		t.Fatal(err)
	}
	if _, err := api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &asked.ID, Amount: stripe.Int64(100)}); err != nil {
		t.Fatal("refund during an inquiry:", err)
	}
	if err := s.Stripe().Dispute(asked.ID, "product_not_received"); err != nil { // it becomes a dispute
		t.Fatal(err)
	}
	if d = disputeOf(t, s, asked.ID); d.Status != "needs_response" || d.Amount != 1800 || len(d.BalanceTransactions) != 1 || d.IsChargeRefundable {
		t.Errorf("%+v", d)
	}
	hasAll(t, eventTypes(s), "charge.dispute.updated", "charge.dispute.funds_withdrawn", "charge.dispute.closed")
}

func TestHowInquiriesEndByThemselves(t *testing.T) {
	s := start(t, sandbox.Options{})
	given := paid(t, s, "4242424242424242").PaymentIntent
	if err := s.Stripe().Inquire(given.LatestCharge.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &given.ID}); err != nil {
		t.Fatal(err)
	}
	if d := disputeOf(t, s, given.ID); d.Status != "warning_closed" {
		t.Errorf("a full refund does not end the inquiry: %s", d.Status)
	}
	forgotten := paid(t, s, "4242424242424242").PaymentIntent
	if err := s.Stripe().Inquire(forgotten.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(121 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if d := disputeOf(t, s, forgotten.ID); d.Status != "warning_closed" {
		t.Errorf("after four months: %s", d.Status)
	}
}

func TestVerdictsCanTurn(t *testing.T) {
	s := start(t, sandbox.Options{})
	sum := func() int64 { b := s.Stripe().Balance("eur"); return b.Pending + b.Available }
	pi := paid(t, s, "4242424242424242").PaymentIntent
	if err := s.Stripe().Dispute(pi.ID, ""); err != nil {
		t.Fatal(err)
	}
	d := disputeOf(t, s, pi.ID)
	if s.Stripe().Flip(d.ID) == nil {
		t.Error("turned before it was decided")
	}
	if err := s.Stripe().Withdraw(d.ID); err != nil {
		t.Fatal(err)
	}
	if d = disputeOf(t, s, pi.ID); d.Status != "won" || d.EvidenceDetails.SubmissionCount != 0 || sum() != 1846 {
		t.Errorf("withdrawn: %+v, balance %d", d, sum())
	}
	for _, want := range []struct {
		status string
		rows   int
		sum    int64
	}{{"lost", 3, 1846 - 3900}, {"won", 4, 1846}, {"lost", 5, 1846 - 3900}} {
		if err := s.Stripe().Flip(d.ID); err != nil {
			t.Fatal(err)
		}
		d = disputeOf(t, s, pi.ID)
		net := int64(0)
		for _, b := range d.BalanceTransactions {
			net += b.Net
		}
		if string(d.Status) != want.status || len(d.BalanceTransactions) != want.rows || sum() != want.sum || net != want.sum-1846 {
			t.Errorf("%s with %d rows, balance %d", d.Status, len(d.BalanceTransactions), sum())
		}
	}
	part := paid(t, s, "4242424242424242").PaymentIntent
	if err := s.Stripe().DisputeAmount(part.ID, "not_as_described", 700); err != nil {
		t.Fatal(err)
	}
	if d = disputeOf(t, s, part.ID); d.Amount != 700 || d.BalanceTransactions[0].Net != -2700 {
		t.Errorf("a part: %+v", d)
	}
	late := paid(t, s, "4242424242424242").PaymentIntent
	if err := s.Stripe().Dispute(late.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(9*24*time.Hour + time.Minute); err != nil {
		t.Fatal(err)
	}
	if d = disputeOf(t, s, late.ID); d.Status != "lost" {
		t.Errorf("nobody answered in time: %s", d.Status)
	}
}

// upload sends a file as a form.
func upload(t *testing.T, s *sandbox.Server, purpose, name string, body []byte, key string) answer {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("purpose", purpose)
	if name != "" {
		f, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write(body)
	}
	w.Close()
	return raw(t, s, "POST", "/v1/files", b.String(), "Content-Type", w.FormDataContentType(), "Idempotency-Key", key)
}

var pdf = []byte("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")

func TestFilesForDisputes(t *testing.T) {
	s := start(t, sandbox.Options{})
	f, err := api(s).Files.New(&stripe.FileParams{FileReader: bytes.NewReader(pdf), Filename: stripe.String("receipt.pdf"), Purpose: stripe.String("dispute_evidence")})
	if err != nil || f.Size != int64(len(pdf)) || f.Type != "pdf" || f.Filename != "receipt.pdf" || !strings.HasPrefix(f.ID, "file_") {
		t.Fatalf("%+v %v", f, err)
	}
	if got, err := api(s).Files.Get(f.ID, nil); err != nil || got.Purpose != "dispute_evidence" {
		t.Errorf("%+v %v", got, err)
	}
	one, two := upload(t, s, "dispute_evidence", "a.pdf", pdf, "k"), upload(t, s, "dispute_evidence", "a.pdf", pdf, "k") // another boundary, the same file
	if one.Status != 200 || one.Body["id"] != two.Body["id"] || two.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%+v %+v", one, two)
	}
	if a := upload(t, s, "dispute_evidence", "a.pdf", append(slices.Clone(pdf), '\n'), "k"); a.Error.Type != "idempotency_error" {
		t.Errorf("another file under the key: %+v", a)
	}
	for _, c := range []struct {
		purpose, name string
		body          []byte
		param         string
	}{{"dispute_evidence", "", nil, "file"}, {"dispute_evidence", "a.txt", []byte("words"), "file"}, {"dispute_evidence", "a.pdf", nil, "file"}, {"gift", "a.pdf", pdf, "purpose"},
		{"identity_document", "a.pdf", pdf, "purpose=identity_document"}, {"dispute_evidence", "big.pdf", append(slices.Clone(pdf), make([]byte, 5<<20)...), "file"}} {
		if a := upload(t, s, c.purpose, c.name, c.body, ""); a.Status != 400 || a.Error.Param != c.param {
			t.Errorf("%s %s: %d %+v", c.purpose, c.name, a.Status, a.Error)
		}
	}
	if a := raw(t, s, "POST", "/v1/files", "nonsense", "Content-Type", "multipart/form-data; boundary=x"); a.Status != 400 {
		t.Errorf("%+v", a)
	}
	if up := s.Stripe().Uploads(); len(up) != 2 || up[0].Name != "receipt.pdf" || len(up[0].SHA256) != 64 || len(listed(t, s, "/v1/files?purpose=dispute_evidence", "")) != 2 {
		t.Errorf("%+v", up)
	}
}

func TestEvidenceIsSentOnce(t *testing.T) {
	s := start(t, sandbox.Options{})
	pi := paid(t, s, "4242424242424242").PaymentIntent
	if err := s.Stripe().Dispute(pi.ID, "product_not_received"); err != nil {
		t.Fatal(err)
	}
	d := disputeOf(t, s, pi.ID)
	file := upload(t, s, "dispute_evidence", "receipt.pdf", pdf, "").Body["id"].(string)
	send := func(p *stripe.DisputeParams) (*stripe.Dispute, error) { return api(s).Disputes.Update(d.ID, p) }
	for _, c := range []struct{ form, param string }{{"evidence[receipt]=file_none", "evidence[receipt]"}, {"evidence[service_documentation]=words", "evidence[service_documentation]"},
		{"evidence[uncategorized_text]=" + strings.Repeat("x", 20001), "evidence[uncategorized_text]"}, {"evidence[mood]=sad", "evidence[mood]"}} {
		if a := raw(t, s, "POST", "/v1/disputes/"+d.ID, c.form); a.Status != 400 || a.Error.Param != c.param {
			t.Errorf("%.40s: %+v", c.form, a.Error)
		}
	}
	got, err := send(&stripe.DisputeParams{Submit: stripe.Bool(false), Evidence: &stripe.DisputeEvidenceParams{Receipt: &file, AccessActivityLog: stripe.String("fetched twice")}})
	if err != nil || got.Status != "needs_response" || !got.EvidenceDetails.HasEvidence || got.EvidenceDetails.SubmissionCount != 0 || got.Evidence.Receipt.ID != file {
		t.Fatalf("staged: %+v %v", got, err)
	}
	got, err = send(&stripe.DisputeParams{Submit: stripe.Bool(true), Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("It was delivered.")}})
	if err != nil || got.Status != "under_review" || got.EvidenceDetails.SubmissionCount != 1 || got.Evidence.AccessActivityLog != "fetched twice" {
		t.Fatalf("sent: %+v %v", got, err)
	}
	_, err = send(&stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("And another thing.")}})
	if e := stripeError(t, err); e.HTTPStatusCode != 400 || !strings.Contains(e.Msg, "already been submitted") {
		t.Errorf("sent twice: %+v", e)
	}
	if err := s.Advance(30 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if got = disputeOf(t, s, pi.ID); got.Status != "under_review" {
		t.Errorf("answered in time, and yet %s", got.Status)
	}
	if err := s.Stripe().Decide(d.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err = send(&stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("Please.")}}); stripeError(t, err).HTTPStatusCode != 400 {
		t.Error("evidence for a lost dispute")
	}
}

func TestExpandOfPaymentsReachesRefunds(t *testing.T) {
	s := start(t, sandbox.Options{})
	pi := paid(t, s, "4242424242424242").PaymentIntent.ID
	for range 2 {
		raw(t, s, "POST", "/v1/refunds", "amount=100&payment_intent="+pi)
	}
	p := &stripe.PaymentIntentParams{}
	p.AddExpand("latest_charge.refunds.data.balance_transaction")
	p.AddExpand("latest_charge.balance_transaction")
	got, err := api(s).PaymentIntents.Get(pi, p)
	if err != nil {
		t.Fatal(err)
	}
	if c := got.LatestCharge; len(c.Refunds.Data) != 2 || c.Refunds.Data[0].BalanceTransaction.Amount != -100 || c.BalanceTransaction.Fee != 54 {
		t.Errorf("%+v", c)
	}
	if a := raw(t, s, "GET", "/v1/payment_intents/"+pi+"?expand[]=latest_charge.dispute", ""); a.Status != 400 || !strings.Contains(a.Error.Message, "cannot be expanded") {
		t.Errorf("charges have no such field in this version: %+v", a)
	}
}

// TestIntegratorsPayments is what the seed's own API does: make, confirm, ask the bank, come back.
func TestIntegratorsPayments(t *testing.T) {
	s := start(t, sandbox.Options{})
	form := "amount=4900&currency=eur&automatic_payment_methods[enabled]=true&metadata[order]=o1&transfer_group=order_1&statement_descriptor_suffix=LEA&description=Two%20guides&receipt_email=a@example.com"
	made := raw(t, s, "POST", "/v1/payment_intents", form, "Idempotency-Key", "i1")
	if again := raw(t, s, "POST", "/v1/payment_intents", form, "Idempotency-Key", "i1"); again.Body["id"] != made.Body["id"] || made.Body["status"] != "requires_payment_method" || made.Body["receipt_email"] != "a@example.com" {
		t.Fatalf("%v", again.Body)
	}
	id := made.Body["id"].(string)
	for _, c := range []struct {
		method, status, code string
		http                 int
	}{
		{"pm_card_chargeDeclined", "requires_payment_method", "card_declined", 402}, {"pm_card_chargeDeclinedInsufficientFunds", "requires_payment_method", "card_declined", 402},
		{"pm_card_chargeDeclinedExpiredCard", "requires_payment_method", "expired_card", 402}, {"pm_card_radarBlock", "requires_payment_method", "card_declined", 402},
		{"pm_card_nobody", "", "resource_missing", 400}, {"pm_card_threeDSecure2Required", "requires_action", "", 200},
	} {
		a := raw(t, s, "POST", "/v1/payment_intents/"+id+"/confirm", "return_url=http://x.test/back&payment_method="+c.method)
		if a.Status != c.http || a.Error.Code != c.code || (c.http == 200 && a.Body["status"] != c.status) {
			t.Fatalf("%s: %d %+v", c.method, a.Status, a.Error)
		}
		if now := raw(t, s, "GET", "/v1/payment_intents/"+id, "").Body["status"]; c.status != "" && now != c.status {
			t.Errorf("%s leaves it %v", c.method, now)
		}
	}
	next := raw(t, s, "GET", "/v1/payment_intents/"+id, "").Body["next_action"].(map[string]any)["redirect_to_url"].(map[string]any)
	if p := newBuyer(t).post(next["url"].(string), map[string][]string{"result": {"fail"}}); p.Status != http.StatusSeeOther || !strings.Contains(p.Location, "redirect_status=failed") {
		t.Errorf("%d %s", p.Status, p.Location)
	}
	a := raw(t, s, "POST", "/v1/payment_intents/"+id+"/confirm", "return_url=http://x.test/back&payment_method=pm_card_visa&expand[]=latest_charge")
	if a.Body["status"] != "succeeded" || a.Body["amount_received"] != float64(4900) {
		t.Fatalf("%+v", a)
	}
	if ch := a.Body["latest_charge"].(map[string]any); ch["transfer_group"] != "order_1" || ch["metadata"].(map[string]any)["order"] != "o1" || ch["receipt_email"] != "a@example.com" {
		t.Errorf("%v", ch)
	}
	if a = raw(t, s, "POST", "/v1/payment_intents/"+id+"/confirm", "return_url=http://x.test/back&payment_method=pm_card_visa"); a.Error.Code != "payment_intent_unexpected_state" {
		t.Errorf("paid twice: %+v", a)
	}
	var charges int
	for _, c := range chargesOf(t, s, id) {
		if c.Paid {
			charges++
		}
	}
	if charges != 1 {
		t.Errorf("%d paid charges", charges)
	}
}
