package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// paypalOrder is what control calls about PayPal say beside what they share with Stripe's: reason, amount, event, url,
// faults.
type paypalOrder struct {
	Order    string `json:"order"`
	Buyer    string `json:"buyer"` // key or address
	Capture  string `json:"capture"`
	Refund   string `json:"refund"`
	Batch    string `json:"batch"`
	Item     string `json:"item"`
	State    string `json:"state"`
	Outcome  string `json:"outcome"`
	Stage    string `json:"stage"` // CHARGEBACK, INQUIRY
	External bool   `json:"external"`
	Currency string `json:"currency"`
	Lag      span   `json:"lag"`
}

// paypalForm reads what the index page sends.
func (o *order) paypalForm(f url.Values) {
	o.Dispute, o.Outcome, o.Item, o.State, o.Order, o.Capture = f.Get("dispute"), f.Get("outcome"), f.Get("item"), f.Get("state"), f.Get("order"), f.Get("capture")
}

// controlRoutes are PayPal's part of /control.
func (pp *PayPal) controlRoutes(mux *http.ServeMux, look func(string, func(*http.Request) any)) {
	look("/paypal", func(*http.Request) any { return pp.view() })
	look("/paypal/events", func(r *http.Request) any { return obj{"events": pp.eventViews(r.URL.Query().Get("type"))} })
	look("/paypal/balance", func(r *http.Request) any {
		b := pp.Balance(orElse(r.URL.Query().Get("currency"), "EUR"))
		return obj{"currency": b.Currency, "available": b.Available, "pending": b.Pending}
	})
	look("/paypal/buyers", func(*http.Request) any { return obj{"buyers": buyerViews()} })
	look("/paypal/calls", func(*http.Request) any { return obj{"calls": append([]Call{}, pp.Calls()...)} })
	for _, kind := range []string{"orders", "captures", "refunds", "disputes", "payouts"} {
		look("/paypal/"+kind, func(*http.Request) any { return obj{kind: pp.rows(kind)} })
	}
	for path, f := range pp.doings() {
		mux.HandleFunc("POST /control/paypal"+path, func(w http.ResponseWriter, r *http.Request) {
			pp.srv.obey(w, r, func(r *http.Request, o order) (any, error) {
				out, err := f(r, o)
				return out, ppControl(err)
			})
		})
	}
}

func (pp *PayPal) doings() map[string]doing {
	done := func(err error) (any, error) { return obj{"ok": err == nil}, err }
	named := func(id string, err error) (any, error) { return obj{"id": id}, err }
	return map[string]doing{
		"/approve":         func(_ *http.Request, o order) (any, error) { return went(pp.Approve(o.Order, o.Buyer)) },
		"/decline":         func(_ *http.Request, o order) (any, error) { return went(pp.Decline(o.Order)) },
		"/cancel":          func(_ *http.Request, o order) (any, error) { return went(pp.Cancel(o.Order)) },
		"/void":            func(_ *http.Request, o order) (any, error) { return done(pp.Void(o.Order)) },
		"/settle":          func(_ *http.Request, o order) (any, error) { return counted(pp.Settle(o.Capture)) },
		"/refund":          func(_ *http.Request, o order) (any, error) { return named(pp.Refund(o.Capture, o.Amount)) },
		"/refunds/settle":  func(_ *http.Request, o order) (any, error) { return counted(pp.SettleRefunds(o.Refund)) },
		"/payouts/settle":  func(_ *http.Request, o order) (any, error) { return counted(pp.SettlePayouts(o.Batch)) },
		"/payouts/item":    func(_ *http.Request, o order) (any, error) { return done(pp.SetItem(o.Item, o.State, o.Reason)) },
		"/fund":            func(_ *http.Request, o order) (any, error) { return done(pp.Fund(o.Currency, o.Amount)) },
		"/dispute/resolve": func(_ *http.Request, o order) (any, error) { return done(pp.Resolve(o.Dispute, o.Outcome)) },
		"/dispute/escalate": func(_ *http.Request, o order) (any, error) {
			return done(pp.Escalate(o.Dispute))
		},
		"/dispute": func(_ *http.Request, o order) (any, error) {
			return named(pp.Complain(o.Capture, o.Reason, orElse(o.Stage, "CHARGEBACK"), o.External))
		},
		"/flush":     func(r *http.Request, _ order) (any, error) { return done(pp.Flush(r.Context())) },
		"/redeliver": func(_ *http.Request, o order) (any, error) { return done(pp.Redeliver(o.Event)) },
		"/webhook":   func(_ *http.Request, o order) (any, error) { return done(pp.SetWebhook(o.URL)) },
		"/webhooks/faults": func(_ *http.Request, o order) (any, error) {
			pp.Misbehave(o.webhooks())
			return done(nil)
		},
		"/webhooks/release": func(*http.Request, order) (any, error) { pp.Release(); return done(nil) },
		"/faults": func(_ *http.Request, o order) (any, error) {
			if !o.Kind.known() {
				return nil, invalid("kind", "", "Unknown fault: %s", o.Kind)
			}
			pp.Inject(Fault{Kind: o.Kind, Call: o.Call, Skip: o.Skip, Times: o.Times, Odds: o.Odds, Delay: time.Duration(o.Delay)})
			return done(nil)
		},
		"/faults/clear": func(*http.Request, order) (any, error) { pp.ClearFaults(); return done(nil) },
		"/record":       func(*http.Request, order) (any, error) { pp.Record(); return done(nil) },
		"/tokens/revoke": func(*http.Request, order) (any, error) {
			return done(pp.Revoke())
		},
		"/report/lag": func(_ *http.Request, o order) (any, error) { pp.SetReportLag(time.Duration(o.Lag)); return done(nil) },
	}
}

// view is what a product is configured with.
func (pp *PayPal) view() obj {
	return obj{"url": pp.URL(), "client_id": pp.ClientID(), "secret": pp.Secret(), "webhook_id": pp.WebhookID(), "cert_url": pp.CertURL(), "ca": string(pp.CACert())}
}

func buyerViews() []obj {
	out := []obj{}
	for _, b := range ppBuyers {
		out = append(out, obj{"key": b.Key, "name": b.Name(), "email": b.Email, "country": b.Country, "payer_id": b.ID, "label": b.Label})
	}
	return out
}

func (pp *PayPal) eventViews(kind string) []obj {
	out := []obj{}
	for _, e := range pp.Events() {
		if kind != "" && e.Type != kind {
			continue
		}
		out = append(out, obj{"id": e.ID, "type": e.Type, "created": e.Created.Unix(), "object": e.Object, "delivered": e.Delivered, "attempts": e.Attempts, "waiting": e.Waiting, "dropped": e.Dropped,
			"last_error": e.LastError})
	}
	return out
}

// rows are the objects of one kind, oldest first, as the API shows them.
func (pp *PayPal) rows(kind string) []obj {
	out := []obj{}
	pp.db.see(func() {
		switch kind {
		case "orders":
			for _, id := range pp.orders.order {
				out = append(out, pp.shapeOrder(pp.orders.rows[id], true))
			}
		case "captures":
			for _, id := range pp.captures.order {
				out = append(out, pp.shapeCapture(pp.captures.rows[id]))
			}
		case "refunds":
			for _, id := range pp.refunds.order {
				out = append(out, pp.shapeRefund(pp.refunds.rows[id], true))
			}
		case "disputes":
			for _, id := range pp.disputes.order {
				out = append(out, pp.shapeDispute(pp.disputes.rows[id]))
			}
		case "payouts":
			for _, id := range pp.items.order {
				out = append(out, pp.shapeItem(pp.items.rows[id]))
			}
		}
	})
	return out
}

// ppIndex is PayPal's part of the index page.
type ppIndex struct {
	URL, ClientID, Webhook, WebhookID string
	Buyers                            []Buyer
	Balances                          []indexRow
	Orders, Events                    []indexRow
	Disputes, Payouts                 []ppIndexRow
	Waiting                           int // what can be hurried
}

// ppIndexRow is a row with what can be done to it.
type ppIndexRow struct {
	indexRow
	ID  string
	Can []string
}

func (pp *PayPal) index() ppIndex {
	p := ppIndex{URL: pp.URL(), ClientID: pp.ClientID(), Webhook: "nowhere yet", WebhookID: pp.WebhookID(), Buyers: ppBuyers}
	now := pp.srv.Now()
	pp.db.see(func() {
		if h, ok := pp.hooks.rows[PayPalWebhookID]; ok {
			p.Webhook = h.URL
		}
		for _, d := range pp.dues.rows {
			if d.What == "settle" || d.What == "refund" || d.What == "batch" {
				p.Waiting++
			}
		}
		for _, cur := range pp.currencies() {
			has, held := pp.purse(cur)
			row := indexRow{Name: cur, Detail: ppShow(has, cur) + " available"}
			if held != 0 {
				row.State = ppShow(held, cur) + " withheld"
			}
			p.Balances = append(p.Balances, row)
		}
		for _, id := range lastOf(pp.orders.order, 8) {
			o := pp.orders.rows[id]
			total, cur := o.total()
			row := indexRow{Name: orElse(o.Units[0].Description, o.ID), Detail: ppShow(total, cur), State: o.Status}
			if !o.over(now) {
				row.Link = pp.approveURL(o)
			}
			p.Orders = append(p.Orders, row)
		}
		pp.indexWork(&p)
	})
	for _, e := range lastOf(pp.Events(), 8) {
		p.Events = append(p.Events, indexRow{Name: e.Type, Detail: e.Created.Format("15:04:05"), State: "sent " + strconv.Itoa(e.Delivered) + "×"})
	}
	return p
}

// indexWork adds the disputes and payouts that a person can move on.
func (pp *PayPal) indexWork(p *ppIndex) {
	for _, id := range lastOf(pp.disputes.order, 8) {
		d := pp.disputes.rows[id]
		row := ppIndexRow{indexRow: indexRow{Name: d.ID, Detail: ppShow(d.Amount, d.Currency), State: orElse(d.Outcome, d.Status)}, ID: d.ID}
		if d.Status != "RESOLVED" {
			row.Can = ppOutcomes
		}
		p.Disputes = append(p.Disputes, row)
	}
	for _, id := range lastOf(pp.items.order, 8) {
		it := pp.items.rows[id]
		row := ppIndexRow{indexRow: indexRow{Name: it.Receiver, Detail: ppShow(it.Amount, pp.batches.rows[it.Batch].Currency), State: it.Status}, ID: it.ID}
		for _, to := range ppItemPaths[it.Status] {
			if to != it.Status {
				row.Can = append(row.Can, to)
			}
		}
		p.Payouts = append(p.Payouts, row)
	}
}

// lastOf are the last n, newest first.
func lastOf[T any](all []T, n int) []T {
	out := slices.Clone(all[max(0, len(all)-n):])
	slices.Reverse(out)
	return out
}
