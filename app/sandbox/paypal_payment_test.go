package sandbox_test

import (
	"bytes"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"vitrine/app/sandbox"
)

func TestPayPalRefunds(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	id := c.bought(s, "robin")
	path := "/v2/payments/captures/" + id + "/refund"
	part := `{"amount":{"currency_code":"EUR","value":"5.00"},"invoice_id":"R-1","custom_id":"refund-1","note_to_payer":"Sorry"}`
	one := c.post(path, part, "PayPal-Request-Id", "r1", "Prefer", "return=representation")
	one.want(t, 201, "status", "COMPLETED")
	one.want(t, 201, "seller_payable_breakdown.total_refunded_amount.value", "5.00")
	one.want(t, 201, "custom_id", "refund-1")
	if one.link("up") != c.base+"/v2/payments/captures/"+id {
		t.Errorf("%v", one.Body)
	}
	again := c.post(path, part, "PayPal-Request-Id", "r1")
	again.want(t, 200, "id", one.at("id"))
	if again.at("amount") != "" {
		t.Error("a minimal answer has an amount")
	}
	c.post(path, `{"amount":{"currency_code":"EUR","value":"6.00"}}`, "PayPal-Request-Id", "r1").want(t, 422, "details.0.issue", "DUPLICATE_REQUEST_ID")
	c.get("/v2/payments/captures/"+id).want(t, 200, "status", "PARTIALLY_REFUNDED")
	c.get("/v2/payments/refunds/"+one.at("id")).want(t, 200, "note_to_payer", "Sorry")
	c.get("/v2/payments/refunds/NONE").want(t, 404, "name", "RESOURCE_NOT_FOUND")
	c.post(path, `{"amount":{"currency_code":"EUR","value":"14.01"}}`).want(t, 422, "details.0.issue", "REFUND_AMOUNT_EXCEEDED")
	c.post(path, `{"amount":{"currency_code":"USD","value":"1.00"}}`).want(t, 422, "details.0.issue", "REFUND_CAPTURE_CURRENCY_MISMATCH")
	c.post(path, `{"amount":{"currency_code":"EUR","value":"0"}}`).want(t, 422, "details.0.issue", "CANNOT_BE_ZERO_OR_NEGATIVE")
	c.post(path, "").want(t, 201, "status", "COMPLETED") // all that is left
	c.get("/v2/payments/captures/"+id).want(t, 200, "status", "REFUNDED")
	c.post(path, "").want(t, 422, "details.0.issue", "CAPTURE_FULLY_REFUNDED")
	if b := s.PayPal().Balance("EUR").Available; b != -96 { // PayPal keeps its fee
		t.Errorf("balance %d", b)
	}
	c.post("/v2/payments/captures/NONE/refund", "").want(t, 404, "name", "RESOURCE_NOT_FOUND")

	slow, closed := c.bought(s, "leo"), c.bought(s, "uma")
	r1, r2 := c.post("/v2/payments/captures/"+slow+"/refund", ""), c.post("/v2/payments/captures/"+closed+"/refund", "")
	r1.want(t, 201, "status", "PENDING")
	r2.want(t, 201, "status", "PENDING")
	if n, err := s.PayPal().SettleRefunds(""); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	c.get("/v2/payments/refunds/"+r1.at("id")).want(t, 200, "status", "COMPLETED")
	c.get("/v2/payments/refunds/"+r2.at("id")).want(t, 200, "status", "FAILED")
	c.get("/v2/payments/captures/"+closed).want(t, 200, "status", "COMPLETED")

	mine, err := s.PayPal().Refund(c.bought(s, "robin"), 250) // begun at PayPal's own pages
	if err != nil {
		t.Fatal(err)
	}
	c.get("/v2/payments/refunds/"+mine).want(t, 200, "amount.value", "2.50")
	late := c.bought(s, "robin")
	if err := s.Advance(181 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	paypal(t, s).post("/v2/payments/captures/"+late+"/refund", "").want(t, 422, "details.0.issue", "REFUND_TIME_LIMIT_EXCEEDED")
	ppFlush(t, s)
	hasAll(t, sh.types(t), "PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED")
}

// evidence is a multipart body: the JSON, then one file.
func evidence(t *testing.T, input, file string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part := func(disposition, kind, content string) {
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {kind}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = p.Write([]byte(content))
	}
	if input != "" {
		part(`form-data; name="input"`, "application/json", input)
	}
	if file != "" {
		part(`form-data; name="file1"; filename="`+file+`"`, "application/pdf", "%PDF-1.4")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestPayPalDisputes(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	pp := s.PayPal()
	id := c.bought(s, "robin")
	d, err := pp.Dispute(id, "UNAUTHORISED")
	if err != nil {
		t.Fatal(err)
	}
	if b := pp.Balance("EUR"); b.Available != 1804-1900 || b.Pending != 1900 {
		t.Errorf("held: %+v", b)
	}
	path := "/v1/customer/disputes/" + d
	got := c.get(path)
	got.want(t, 200, "status", "WAITING_FOR_SELLER_RESPONSE")
	got.want(t, 200, "disputed_transactions.0.seller_transaction_id", id)
	got.want(t, 200, "dispute_amount.value", "19.00")
	if got.link("provide_evidence") == "" || got.link("accept_claim") == "" || got.at("seller_response_due_date") == "" {
		t.Errorf("%v", got.Body)
	}
	c.post("/v2/payments/captures/"+id+"/refund", `{"amount":{"currency_code":"EUR","value":"1.00"}}`).want(t, 422, "details.0.issue", "CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED")
	if _, err := pp.Dispute(id, ""); err == nil {
		t.Error("disputed twice at once")
	}
	input := `{"evidences":[{"evidence_type":"PROOF_OF_FULFILLMENT","notes":"Downloaded twice","documents":[{"name":"log.pdf"}]}]}`
	send := func(input, file string) ppResult {
		body, ct := evidence(t, input, file)
		return c.post(path+"/provide-evidence", body, "Content-Type", ct)
	}
	c.post(path+"/provide-evidence", input).want(t, 415, "name", "UNSUPPORTED_MEDIA_TYPE")
	send("", "log.pdf").want(t, 400, "details.0.issue", "MISSING_REQUIRED_PARAMETER")
	send(`{"evidences":[]}`, "").want(t, 400, "details.0.issue", "MISSING_REQUIRED_PARAMETER")
	send(input, "log.exe").want(t, 422, "details.0.issue", "INVALID_FILE_FORMAT")
	send(input, "other.pdf").want(t, 400, "details.0.issue", "INVALID_PARAMETER_VALUE")
	send(input, "log.pdf").want(t, 200, "links.0.rel", "self")
	send(input, "log.pdf").want(t, 422, "details.0.issue", "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE")
	c.get(path).want(t, 200, "evidences.0.documents.0.name", "log.pdf")
	c.get(path).want(t, 200, "status", "UNDER_REVIEW")
	if err := pp.Resolve(d, "RESOLVED_SELLER_FAVOUR"); err != nil {
		t.Fatal(err)
	}
	c.get(path).want(t, 200, "dispute_outcome.outcome_code", "RESOLVED_SELLER_FAVOUR")
	if b := pp.Balance("EUR"); b.Available != 1804 || b.Pending != 0 {
		t.Errorf("won: %+v", b)
	}
	if pp.Resolve(d, "RESOLVED_BUYER_FAVOUR") == nil || pp.Resolve(d, "COIN_TOSS") == nil {
		t.Error("resolved twice, or as nothing")
	}

	ppFlush(t, s)
	hasAll(t, sh.types(t), "CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.UPDATED", "CUSTOMER.DISPUTE.RESOLVED")
}

func TestPayPalClaimAccepted(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	pp := s.PayPal()
	id := c.bought(s, "robin")
	won, err := pp.Dispute(id, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := pp.Resolve(won, "RESOLVED_WITH_PAYOUT"); err != nil { // PayPal pays the buyer itself
		t.Fatal(err)
	}
	if b := pp.Balance("EUR"); b.Available != 1804 || b.Pending != 0 {
		t.Errorf("won: %+v", b)
	}
	lost, err := pp.Dispute(id, "") // after a won one, another may come
	if err != nil {
		t.Fatal(err)
	}
	c.post("/v1/customer/disputes/"+lost+"/accept-claim", `{}`).want(t, 400, "details.0.issue", "MISSING_REQUIRED_PARAMETER")
	c.post("/v1/customer/disputes/"+lost+"/accept-claim", `{"note":"You are right"}`).want(t, 200, "", "")
	c.get("/v1/customer/disputes/"+lost).want(t, 200, "dispute_outcome.amount_refunded.value", "19.00")
	if b := pp.Balance("EUR"); b.Available != 1804-1900-1400 || b.Pending != 0 {
		t.Errorf("lost: %+v", b)
	}
	c.post("/v2/payments/captures/"+id+"/refund", "").want(t, 422, "details.0.issue", "CAPTURE_FULLY_REFUNDED")
	ppFlush(t, s)
	hasAll(t, sh.types(t), "CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.RESOLVED", "PAYMENT.CAPTURE.REVERSED")
}

func TestPayPalDisputesOtherWays(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	pp := s.PayPal()
	open := func(d string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	asked := open(pp.Inquire(c.bought(s, "robin"), ""))
	c.get("/v1/customer/disputes/"+asked).want(t, 200, "status", "OPEN")
	body, ct := evidence(t, `{"evidences":[{"evidence_type":"OTHER"}]}`, "")
	c.post("/v1/customer/disputes/"+asked+"/provide-evidence", body, "Content-Type", ct).want(t, 422, "details.0.issue", "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE")
	if err := pp.Escalate(asked); err != nil {
		t.Fatal(err)
	}
	c.get("/v1/customer/disputes/"+asked).want(t, 200, "dispute_life_cycle_stage", "CHARGEBACK")
	if err := pp.Resolve(asked, "CANCELED_BY_BUYER"); err != nil {
		t.Fatal(err)
	}

	bank := c.bought(s, "robin")
	before := pp.Balance("EUR").Available
	charged := open(pp.Chargeback(bank, "UNAUTHORISED"))
	c.post("/v2/payments/captures/"+bank+"/refund", "").want(t, 422, "details.0.issue", "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK")
	if got := before - pp.Balance("EUR").Available; got != 1900+1400 {
		t.Errorf("a chargeback took %d", got)
	}
	if err := pp.Resolve(charged, "RESOLVED_SELLER_FAVOUR"); err != nil {
		t.Fatal(err)
	}
	if got := before - pp.Balance("EUR").Available; got != 1400 { // the fee stays
		t.Errorf("a won chargeback cost %d", got)
	}

	refunded := c.bought(s, "robin")
	d := open(pp.Dispute(refunded, ""))
	c.post("/v2/payments/captures/"+refunded+"/refund", "").want(t, 201, "status", "COMPLETED")
	c.get("/v1/customer/disputes/"+d).want(t, 200, "dispute_outcome.outcome_code", "CANCELED_BY_BUYER")

	if _, err := pp.Dispute("NONE", ""); err == nil || !strings.Contains(err.Error(), "INVALID_RESOURCE_ID") {
		t.Error(err)
	}
}

func TestPayPalDisputesOverdueAndListed(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	for range 3 {
		if _, err := s.PayPal().Dispute(c.bought(s, "robin"), "OTHER"); err != nil {
			t.Fatal(err)
		}
	}
	silent := c.bought(s, "mia") // she complains by herself, and nobody answers
	if err := s.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	list := c.get("/v1/customer/disputes?disputed_transaction_id=" + silent)
	list.want(t, 200, "items.0.dispute_state", "REQUIRED_ACTION")
	if err := s.Advance(10 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	c = paypal(t, s)
	c.get("/v1/customer/disputes/"+list.at("items.0.dispute_id")).want(t, 200, "dispute_outcome.outcome_code", "RESOLVED_BUYER_FAVOUR")
	seen, next := map[string]bool{}, "/v1/customer/disputes?page_size=1"
	for next != "" {
		r := c.get(next)
		r.want(t, 200, "items.1", "")
		seen[r.at("items.0.dispute_id")] = true
		next = r.link("next")
	}
	if len(seen) != 4 {
		t.Errorf("%d disputes on all pages", len(seen))
	}
	c.get("/v1/customer/disputes?page_size=51").want(t, 400, "name", "INVALID_REQUEST")
	c.get("/v1/customer/disputes/PP-R-NONE").want(t, 404, "name", "RESOURCE_NOT_FOUND")
}
