package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const ppReportSpan = 31 * 24 * time.Hour

// SetReportLag lets the transaction search learn of movements later, as PayPal's does by up to three hours.
func (pp *PayPal) SetReportLag(d time.Duration) { pp.db.see(func() { pp.settings.Lag = d }) }

func ppBadQuery(name, value, issue, text string) *ppError {
	e := ppBad(name, clip(value), issue, text)
	e.Details[0].Location = "query"
	return e
}

type ppSearch struct {
	from, to   time.Time
	page, size int
	fields     []string
}

func (c *ppCall) search() (s ppSearch, err error) {
	q := c.URL.Query()
	for _, d := range []struct {
		name string
		to   *time.Time
	}{{"start_date", &s.from}, {"end_date", &s.to}} {
		v := q.Get(d.name)
		if v == "" {
			return s, ppBadQuery(d.name, "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
		}
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			at, err = time.Parse("2006-01-02T15:04:05-0700", v)
		}
		if err != nil {
			return s, ppBadQuery(d.name, v, "INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the expected format.")
		}
		*d.to = at
	}
	switch {
	case s.to.Before(s.from):
		return s, ppBadQuery("end_date", q.Get("end_date"), "INVALID_PARAMETER_VALUE", "End date is before the start date.")
	case s.to.Sub(s.from) > ppReportSpan:
		return s, ppBadQuery("end_date", q.Get("end_date"), "INVALID_PARAMETER_VALUE", "Date range is greater than 31 days")
	}
	var err1, err2 error
	s.size, err1 = strconv.Atoi(orElse(q.Get("page_size"), "100"))
	s.page, err2 = strconv.Atoi(orElse(q.Get("page"), "1"))
	if err1 != nil || err2 != nil || s.size < 1 || s.size > 500 || s.page < 1 {
		return s, ppBadQuery("page_size", q.Get("page_size"), "INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
	}
	s.fields = strings.Split(orElse(q.Get("fields"), "transaction_info"), ",")
	return s, nil
}

// searchTxns lists what moved on the account, oldest first.
func (pp *PayPal) searchTxns(c *ppCall) (ppReply, error) {
	s, err := c.search()
	if err != nil {
		return ppReply{}, err
	}
	q := c.URL.Query()
	ends := map[string]int64{}
	all := []obj{}
	fresh := c.t.now.Add(-pp.settings.Lag)
	for _, id := range pp.txns.order {
		x := pp.txns.rows[id]
		ends[x.Currency] += x.Amount + x.Fee
		if at := time.Unix(x.Created, 0); at.Before(s.from.Truncate(time.Second)) || at.After(s.to) || at.After(fresh) {
			continue
		}
		if !ppAsked(q.Get("transaction_id"), x.ID) || !ppAsked(q.Get("transaction_type"), x.Code) || !ppAsked(q.Get("transaction_status"), x.Status) || !ppAsked(q.Get("transaction_currency"), x.Currency) {
			continue
		}
		all = append(all, pp.shapeTxn(x, ends[x.Currency], s.fields))
	}
	from := min((s.page-1)*s.size, len(all))
	pages := max(1, (len(all)+s.size-1)/s.size)
	links := []obj{}
	for _, l := range []struct {
		rel  string
		page int
	}{{"self", s.page}, {"first", 1}, {"prev", s.page - 1}, {"next", s.page + 1}, {"last", pages}} {
		if l.page >= 1 && (l.page <= pages || l.rel == "self") {
			q.Set("page", strconv.Itoa(l.page))
			links = append(links, ppLink(pp.URL()+"/v1/reporting/transactions?"+q.Encode(), l.rel, "GET"))
		}
	}
	return ppReply{Status: http.StatusOK, Body: obj{"transaction_details": all[from:min(from+s.size, len(all))], "account_number": PayPalMerchant, "start_date": ppReportStamp(s.from), "end_date": ppReportStamp(s.to),
		"last_refreshed_datetime": ppReportStamp(fresh), "page": s.page, "total_items": len(all), "total_pages": pages, "links": links}}, nil
}

func ppAsked(want, have string) bool { return want == "" || want == have }

// ppReportStamp is how the reports write a moment: without a colon in the zone.
func ppReportStamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05-0700") }

func (pp *PayPal) shapeTxn(x ppTxn, end int64, fields []string) obj {
	at := ppReportStamp(time.Unix(x.Created, 0))
	info := obj{"transaction_id": x.ID, "transaction_event_code": x.Code, "transaction_initiation_date": at, "transaction_updated_date": ppReportStamp(time.Unix(x.Updated, 0)),
		"transaction_amount": ppAmount(x.Amount, x.Currency), "transaction_status": x.Status, "ending_balance": ppAmount(end, x.Currency), "available_balance": ppAmount(end, x.Currency), "protection_eligibility": "01"}
	if x.Fee != 0 {
		info["fee_amount"] = ppAmount(x.Fee, x.Currency)
	}
	for k, v := range map[string]string{"paypal_reference_id": x.Ref, "paypal_reference_id_type": x.RefType, "invoice_id": x.Invoice, "custom_field": x.Custom, "transaction_subject": x.Subject, "transaction_note": x.Note} {
		if v != "" {
			info[k] = v
		}
	}
	out := obj{"transaction_info": info}
	all := slices.Contains(fields, "all")
	if b, ok := buyerOf(x.Payer); ok && (all || slices.Contains(fields, "payer_info")) {
		info["paypal_account_id"] = b.ID
		out["payer_info"] = obj{"account_id": b.ID, "email_address": b.Email, "address_status": "N", "payer_status": "Y", "country_code": b.Country,
			"payer_name": obj{"given_name": b.Given, "surname": b.Surname, "alternate_full_name": b.Name()}}
	} else if x.Payer != "" && all {
		out["payer_info"] = obj{"email_address": x.Payer, "payer_name": obj{}}
	}
	return out
}

func (pp *PayPal) getBalances(c *ppCall) (ppReply, error) {
	q := c.URL.Query()
	out := []obj{}
	for _, cur := range pp.currencies() {
		if want := q.Get("currency_code"); want != "" && want != "ALL" && want != cur {
			continue
		}
		has, held := pp.purse(cur)
		out = append(out, obj{"currency": cur, "primary": len(out) == 0, "total_balance": ppAmount(has+held, cur), "available_balance": ppAmount(has, cur), "withheld_balance": ppAmount(held, cur)})
	}
	now := ppStamp(c.t.now.Unix())
	return ppReply{Status: http.StatusOK, Body: obj{"balances": out, "account_id": PayPalMerchant, "as_of_time": now, "last_refresh_time": now}}, nil
}
