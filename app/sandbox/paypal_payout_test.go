package sandbox_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/app/sandbox"
)

func ppBatch(sender, currency, value string, receivers ...string) string {
	items := []string{}
	for i, r := range receivers {
		items = append(items, fmt.Sprintf(`{"recipient_type":"EMAIL","receiver":%q,"amount":{"currency":%q,"value":%q},"sender_item_id":"item-%d","note":"Your sales"}`, r, currency, value, i))
	}
	return `{"sender_batch_header":{"sender_batch_id":"` + sender + `","email_subject":"You are paid"},"items":[` + strings.Join(items, ",") + `]}`
}

func fund(t *testing.T, s *sandbox.Server, currency string, minor int64) {
	t.Helper()
	if err := s.PayPal().Fund(currency, minor); err != nil {
		t.Fatal(err)
	}
}

func TestPayPalPayouts(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	pp := s.PayPal()
	c.post("/v1/payments/payouts", ppBatch("b1", "EUR", "10.00", "lea@creator.test")).want(t, 422, "name", "INSUFFICIENT_FUNDS")
	fund(t, s, "eur", 100_00)
	r := c.post("/v1/payments/payouts", ppBatch("b1", "EUR", "10.00", "lea@creator.test", "unclaimed@creator.test", "locked@creator.test", "onhold@creator.test", "blocked+1@creator.test", "pending@creator.test"))
	r.want(t, 201, "batch_header.batch_status", "PENDING")
	batch := r.at("batch_header.payout_batch_id")
	path := "/v1/payments/payouts/" + batch
	c.get(path).want(t, 200, "items.0.transaction_status", "PENDING")
	c.post("/v1/payments/payouts", ppBatch("b2", "EUR", "60.00", "lea@creator.test")).want(t, 422, "name", "INSUFFICIENT_FUNDS") // the first one waits
	if n, err := pp.SettlePayouts(batch); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	got := c.get(path)
	got.want(t, 200, "batch_header.batch_status", "SUCCESS")
	got.want(t, 200, "batch_header.amount.value", "50.00")
	got.want(t, 200, "batch_header.fees.value", "1.00")
	for i, want := range []string{"SUCCESS", "UNCLAIMED", "FAILED", "ONHOLD", "BLOCKED", "PENDING"} {
		got.want(t, 200, fmt.Sprintf("items.%d.transaction_status", i), want)
	}
	got.want(t, 200, "items.1.errors.name", "RECEIVER_UNREGISTERED")
	got.want(t, 200, "items.2.errors.name", "RECEIVER_ACCOUNT_LOCKED")
	got.want(t, 200, "items.0.payout_item_fee.currency", "EUR")
	got.want(t, 200, "items.0.payout_item.sender_item_id", "item-0")
	if b := pp.Balance("EUR").Available; b != 10000-5*1020 {
		t.Errorf("balance %d", b)
	}
	item := func(i int) string { return got.at(fmt.Sprintf("items.%d.payout_item_id", i)) }
	c.post("/v1/payments/payouts-item/"+item(0)+"/cancel", "").want(t, 400, "name", "ITEM_INCORRECT_STATUS")
	c.post("/v1/payments/payouts-item/"+item(1)+"/cancel", "").want(t, 200, "transaction_status", "RETURNED")
	c.post("/v1/payments/payouts-item/"+item(1)+"/cancel", "").want(t, 400, "name", "ITEM_ALREADY_CANCELLED")
	for i, to := range map[int]string{0: "REVERSED", 3: "SUCCESS", 4: "RETURNED", 5: "SUCCESS"} {
		if err := pp.SetItem(item(i), to); err != nil {
			t.Error(i, err)
		}
	}
	if err := pp.SetItem(item(5), "REFUNDED"); err != nil {
		t.Error(err)
	}
	if pp.SetItem(item(2), "SUCCESS") == nil || pp.SetItem("NONE", "SUCCESS") == nil {
		t.Error("a failed payout was sent after all")
	}
	// 3 stays out with its fee; 0 and 5 cost their fee; 1 and 4 came back whole
	if b := pp.Balance("EUR").Available; b != 10000-1020-20-20 {
		t.Errorf("balance %d", b)
	}
	c.get("/v1/payments/payouts-item/"+item(4)).want(t, 200, "payout_item_fee.value", "0.00")
	c.get("/v1/payments/payouts-item/NONE").want(t, 404, "name", "RESOURCE_NOT_FOUND")
	c.get(path+"?page_size=4&page=2").want(t, 200, "items.1.payout_item_id", item(5))
	c.get(path+"?page_size=1001").want(t, 400, "name", "VALIDATION_ERROR")
	ppFlush(t, s)
	hasAll(t, sh.types(t), "PAYMENT.PAYOUTSBATCH.PROCESSING", "PAYMENT.PAYOUTSBATCH.SUCCESS", "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "PAYMENT.PAYOUTS-ITEM.UNCLAIMED", "PAYMENT.PAYOUTS-ITEM.FAILED",
		"PAYMENT.PAYOUTS-ITEM.HELD", "PAYMENT.PAYOUTS-ITEM.BLOCKED", "PAYMENT.PAYOUTS-ITEM.CANCELED", "PAYMENT.PAYOUTS-ITEM.RETURNED", "PAYMENT.PAYOUTS-ITEM.REFUNDED")
}

func TestPayPalBatchNumberIsKnownForThirtyDays(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	fund(t, s, "EUR", 100_00)
	first := c.post("/v1/payments/payouts", ppBatch("payout-1", "EUR", "10.00", "lea@creator.test"), "PayPal-Request-Id", "k")
	batch := first.at("batch_header.payout_batch_id")
	dup := c.post("/v1/payments/payouts", ppBatch("payout-1", "EUR", "10.00", "lea@creator.test"), "PayPal-Request-Id", "k")
	dup.want(t, 400, "name", "USER_BUSINESS_ERROR")
	dup.want(t, 400, "details.0.issue", "Batch with given sender_batch_id already exists")
	dup.want(t, 400, "details.0.link.0.href", c.base+"/v1/payments/payouts/"+batch)
	// the request id alone keeps nobody from a second batch
	c.post("/v1/payments/payouts", ppBatch("payout-2", "EUR", "10.00", "lea@creator.test"), "PayPal-Request-Id", "k").want(t, 201, "batch_header.batch_status", "PENDING")
	if err := s.Advance(30*24*time.Hour - time.Second); err != nil {
		t.Fatal(err)
	}
	c = paypal(t, s)
	c.post("/v1/payments/payouts", ppBatch("payout-1", "EUR", "10.00", "lea@creator.test")).want(t, 400, "name", "USER_BUSINESS_ERROR")
	if err := s.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	again := c.post("/v1/payments/payouts", ppBatch("payout-1", "EUR", "10.00", "lea@creator.test"))
	again.want(t, 201, "batch_header.batch_status", "PENDING") // and would be paid a second time
	if again.at("batch_header.payout_batch_id") == batch {
		t.Error("the old batch was answered")
	}
	c.get("/v1/payments/payouts/"+batch).want(t, 200, "batch_header.batch_status", "SUCCESS")
}

func TestPayPalUnclaimedComesBack(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	fund(t, s, "EUR", 20_00)
	r := c.post("/v1/payments/payouts", ppBatch("b", "EUR", "10.00", "unclaimed@creator.test"))
	if err := s.Advance(3 * time.Second); err != nil {
		t.Fatal(err)
	}
	path := "/v1/payments/payouts/" + r.at("batch_header.payout_batch_id")
	c.get(path).want(t, 200, "items.0.transaction_status", "UNCLAIMED")
	if err := s.Advance(30 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	c = paypal(t, s)
	c.get(path).want(t, 200, "items.0.transaction_status", "RETURNED")
	if b := s.PayPal().Balance("EUR").Available; b != 2000 {
		t.Errorf("balance %d", b)
	}
}

func TestPayPalBatchDenied(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	fund(t, s, "EUR", 20_00)
	one := c.post("/v1/payments/payouts", ppBatch("all-fail", "EUR", "1.00", "invalid@creator.test"))
	two := c.post("/v1/payments/payouts", ppBatch("money-gone", "EUR", "10.00", "lea@creator.test"))
	two.want(t, 201, "batch_header.batch_status", "PENDING")
	fund(t, s, "EUR", -15_00)
	if n, err := s.PayPal().SettlePayouts(""); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	c.get("/v1/payments/payouts/"+one.at("batch_header.payout_batch_id")).want(t, 200, "batch_header.batch_status", "DENIED")
	c.get("/v1/payments/payouts/"+two.at("batch_header.payout_batch_id")).want(t, 200, "items.0.errors.name", "INSUFFICIENT_FUNDS")
	if b := s.PayPal().Balance("EUR").Available; b != 500 {
		t.Errorf("balance %d", b)
	}
	ppFlush(t, s)
	hasAll(t, sh.types(t), "PAYMENT.PAYOUTSBATCH.DENIED", "PAYMENT.PAYOUTS-ITEM.FAILED")
	try := func(body, field string) {
		t.Helper()
		r := c.post("/v1/payments/payouts", body)
		r.want(t, 400, "name", "VALIDATION_ERROR")
		if r.at("details.0.field") != field {
			t.Errorf("%v", r.Body)
		}
	}
	try(ppBatch("v1", "EUR", "1.00"), "items")
	try(ppBatch("v2", "EUR", "1.00", "not an address"), "items[0].receiver")
	try(ppBatch("v3", "KWD", "1.00", "lea@creator.test"), "items[0].amount.value")
	try(ppBatch("v4", "JPY", "1.00", "lea@creator.test"), "items[0].amount.value")
	try(ppBatch("v5", "EUR", "-1.00", "lea@creator.test"), "items[0].amount.value")
	try(strings.Replace(ppBatch("v6", "EUR", "1.00", "a@creator.test", "b@creator.test"), "EUR", "USD", 1), "items[1].amount.currency")
	try(strings.Replace(ppBatch("v7", "EUR", "1.00", "a@creator.test"), "EMAIL", "PHONE", 1), "items[0].recipient_type")
}

func TestPayPalTransactionSearch(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	pp := s.PayPal()
	id := c.bought(s, "robin")
	c.post("/v2/payments/captures/"+id+"/refund", `{"amount":{"currency_code":"EUR","value":"4.00"}}`).want(t, 201, "status", "COMPLETED")
	d, err := pp.Dispute(id, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := pp.Resolve(d, "RESOLVED_BUYER_FAVOUR"); err != nil {
		t.Fatal(err)
	}
	fund(t, s, "EUR", 50_00)
	c.post("/v1/payments/payouts", ppBatch("b", "EUR", "10.00", "lea@creator.test")).want(t, 201, "", "")
	if _, err := pp.SettlePayouts(""); err != nil {
		t.Fatal(err)
	}
	span := func(from, to time.Time, more string) string {
		return "/v1/reporting/transactions?start_date=" + from.UTC().Format(time.RFC3339) + "&end_date=" + to.UTC().Format(time.RFC3339) + more
	}
	now := s.Now()
	all := c.get(span(now.Add(-time.Hour), now.Add(time.Hour), "&fields=all"))
	all.want(t, 200, "total_items", "8")
	codes, sum := []string{}, int64(0)
	rows, _ := all.Body["transaction_details"].([]any)
	for _, row := range rows {
		codes = append(codes, dig(row, "transaction_info.transaction_event_code"))
		sum += cents(t, dig(row, "transaction_info.transaction_amount.value")) + cents(t, dig(row, "transaction_info.fee_amount.value"))
	}
	if strings.Join(codes, " ") != "T0006 T1107 T1110 T1111 T1106 T0114 T0300 T0001" {
		t.Error(codes)
	}
	if b := pp.Balance("EUR").Available; b != sum {
		t.Errorf("the search comes to %d, the balance is %d", sum, b)
	}
	if dig(rows[0], "transaction_info.transaction_id") != id || dig(rows[0], "transaction_info.paypal_reference_id_type") != "ODR" || dig(rows[0], "transaction_info.fee_amount.value") != "-0.96" ||
		dig(rows[0], "transaction_info.custom_field") != "checkout-1" || dig(rows[0], "payer_info.email_address") != "robin@buyer.test" || dig(rows[1], "transaction_info.paypal_reference_id") != id {
		t.Errorf("%v", rows[:2])
	}
	page := c.get(span(now.Add(-time.Hour), now.Add(time.Hour), "&page_size=3&page=3"))
	page.want(t, 200, "total_pages", "3")
	page.want(t, 200, "transaction_details.1.transaction_info.transaction_event_code", "T0001")
	if page.link("next") != "" || page.link("prev") == "" || page.at("transaction_details.1.payer_info") != "" {
		t.Errorf("%v", page.Body)
	}
	c.get(span(now.Add(-time.Hour), now.Add(time.Hour), "&transaction_type=T1107")).want(t, 200, "total_items", "1")
	c.get(span(now.Add(-31*24*time.Hour), now, "")).want(t, 200, "page", "1")
	c.get(span(now.Add(-31*24*time.Hour-time.Second), now, "")).want(t, 400, "details.0.description", "Date range is greater than 31 days")
	c.get(span(now, now.Add(-time.Hour), "")).want(t, 400, "name", "INVALID_REQUEST")
	c.get("/v1/reporting/transactions?start_date=x").want(t, 400, "details.0.issue", "INVALID_PARAMETER_SYNTAX")
	c.get("/v1/reporting/transactions").want(t, 400, "details.0.issue", "MISSING_REQUIRED_PARAMETER")
	c.get("/v1/reporting/balances").want(t, 200, "balances.0.available_balance.value", fmt.Sprintf("%d.%02d", sum/100, sum%100))
	pp.SetReportLag(3 * time.Hour)
	c.get(span(now.Add(-time.Hour), now.Add(time.Hour), "")).want(t, 200, "total_items", "0")
}

// cents reads a decimal with two digits.
func cents(t *testing.T, v string) int64 {
	t.Helper()
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(strings.Replace(v, ".", "", 1), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
