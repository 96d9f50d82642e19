package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// ppHook is an address that is told of events.
type ppHook struct {
	ID    string   `json:"id"`
	URL   string   `json:"url"`
	Types []string `json:"types"`
	Gone  bool     `json:"gone,omitempty"`
}

func (h ppHook) wants(kind string) bool {
	return !h.Gone && (slices.Contains(h.Types, "*") || slices.Contains(h.Types, kind))
}

// ppEvent is one thing that happened. The body is what is sent, byte for byte, however often.
type ppEvent struct {
	ID      string          `json:"id"`
	Created int64           `json:"created"`
	Type    string          `json:"type"`
	About   string          `json:"about"`
	Body    json.RawMessage `json:"body"`
}

// ppNews is an event in the making.
type ppNews struct {
	Type, Kind, Version, About, Summary string
	Resource                            obj
}

// emit records an event and queues it for every address that wants it.
func (pp *PayPal) emit(t *tx, n ppNews) error {
	if pp.settings.Webhooks.loses(pp.rng, n.Type) {
		return nil
	}
	e := ppEvent{ID: "WH-" + ppID(17) + "-" + ppID(17), Created: t.now.Unix(), Type: n.Type, About: n.About}
	self := pp.URL() + "/v1/notifications/webhooks-events/" + e.ID
	body := obj{"id": e.ID, "event_version": "1.0", "create_time": t.now.UTC().Format("2006-01-02T15:04:05.000Z"), "resource_type": n.Kind, "event_type": n.Type, "summary": n.Summary,
		"resource": n.Resource, "links": []obj{ppLink(self, "self", "GET"), ppLink(self+"/resend", "resend", "POST")}}
	if n.Version != "" {
		body["resource_version"] = n.Version
	}
	e.Body = ppJSON(body)
	put(t, pp.events, e.ID, e)
	for _, id := range pp.hooks.order {
		if h := pp.hooks.rows[id]; h.wants(e.Type) {
			pp.enqueue(t, e, h)
		}
	}
	return nil
}

func (pp *PayPal) enqueue(t *tx, e ppEvent, h ppHook) {
	f := pp.settings.Webhooks
	now := time.Now()
	if f.drops(pp.rng, e.Type) {
		put(t, pp.sendings, e.ID+":"+h.ID+":0", sending{Event: e.ID, Hook: h.ID, Since: now.UnixMilli(), State: "dropped"})
		return
	}
	for i := range 1 + f.Duplicate {
		wait := f.Delay
		if f.Jitter > 0 {
			wait += time.Duration(pp.rng.Int64N(int64(f.Jitter) + 1))
		}
		pp.send(t, e.ID+":"+h.ID+":"+strconv.Itoa(i), sending{Event: e.ID, Hook: h.ID, Since: now.UnixMilli(), NextAt: now.Add(wait).UnixMilli(), State: "waiting"})
	}
}

func (pp *PayPal) send(t *tx, key string, s sending) {
	put(t, pp.sendings, key, s)
	pp.post.queue = append(pp.post.queue, key) // harmless when t is undone: the postman looks for the row
}

// Events lists every event, oldest first. Data is the whole body.
func (pp *PayPal) Events() []Event {
	var out []Event
	pp.db.see(func() {
		tally := map[string]Event{}
		for _, s := range pp.sendings.rows {
			e := tally[s.Event]
			e.Attempts += s.Attempts
			switch s.State {
			case "done":
				e.Delivered++
			case "waiting":
				e.Waiting++
			}
			e.Dropped = e.Dropped || s.State == "dropped"
			e.LastError = orElse(s.Error, e.LastError)
			tally[s.Event] = e
		}
		for _, id := range pp.events.order {
			e, row := tally[id], pp.events.rows[id]
			e.ID, e.Type, e.Created, e.Data, e.Object = row.ID, row.Type, time.Unix(row.Created, 0).UTC(), row.Body, row.About
			out = append(out, e)
		}
	})
	return out
}

// SetWebhook says where the product listens, under WebhookID. Until then events are made and listed but sent nowhere.
func (pp *PayPal) SetWebhook(address string) error {
	return pp.do(func(t *tx) error {
		put(t, pp.hooks, PayPalWebhookID, ppHook{ID: PayPalWebhookID, URL: address, Types: []string{"*"}})
		for _, k := range pp.post.queue { // what waited for the old address need not wait longer
			if s, ok := pp.sendings.rows[k]; ok && s.State == "waiting" && s.Hook == PayPalWebhookID && !pp.post.busy[k] {
				s.NextAt = 0
				put(t, pp.sendings, k, s)
			}
		}
		return nil
	})
}

// Misbehave sets how webhooks go wrong from now on.
func (pp *PayPal) Misbehave(f WebhookFaults) {
	pp.db.see(func() { pp.settings.Webhooks = f })
	pp.post.wake()
}

// Release sends what Hold kept back.
func (pp *PayPal) Release() {
	pp.db.see(func() { pp.settings.Webhooks.Hold = false })
	pp.post.wake()
}

// Redeliver sends an event again, delivered or not, dropped or not.
func (pp *PayPal) Redeliver(eventID string) error {
	return pp.do(func(t *tx) error {
		e, ok := pp.events.rows[eventID]
		if !ok {
			return ppUnknown("event", eventID)
		}
		pp.resend(t, e)
		return nil
	})
}

func (pp *PayPal) resend(t *tx, e ppEvent) {
	now := time.Now().UnixMilli()
	for _, id := range pp.hooks.order {
		if pp.hooks.rows[id].wants(e.Type) {
			pp.send(t, e.ID+":"+id+":again"+random(6), sending{Event: e.ID, Hook: id, Since: now, NextAt: now, State: "waiting"})
		}
	}
}

const ppHookLimit = 10

func (pp *PayPal) createHook(c *ppCall) (ppReply, error) {
	var in struct {
		URL   string `json:"url"`
		Types []struct {
			Name string `json:"name"`
		} `json:"event_types"`
	}
	if err := c.read(&in); err != nil {
		return ppReply{}, err
	}
	u, err := url.Parse(in.URL)
	if err != nil || u.Host == "" || len(in.Types) == 0 {
		return ppReply{}, ppOld("VALIDATION_ERROR", "Invalid data provided", ppDetail{Field: "url", Location: "body", Issue: "Not a valid webhook URL, or no event types"})
	}
	n := 0
	for _, h := range pp.hooks.rows {
		if h.Gone {
			continue
		}
		if n++; h.URL == in.URL {
			return ppReply{}, ppOld("WEBHOOK_URL_ALREADY_EXISTS", "Webhook URL already exists")
		}
	}
	if n >= ppHookLimit {
		return ppReply{}, ppOld("WEBHOOK_NUMBER_LIMIT_EXCEEDED", "Webhook number limit exceeded")
	}
	h := ppHook{ID: ppID(17), URL: in.URL}
	for _, e := range in.Types {
		h.Types = append(h.Types, e.Name)
	}
	put(c.t, pp.hooks, h.ID, h)
	return ppReply{Status: http.StatusCreated, Body: pp.shapeHook(h)}, nil
}

// ppOld is an error as the v1 calls write it.
func ppOld(name, text string, details ...ppDetail) *ppError {
	if details == nil {
		details = []ppDetail{}
	}
	return &ppError{Status: http.StatusBadRequest, Name: name, Message: text, Details: details, Links: []obj{}}
}

func (pp *PayPal) shapeHook(h ppHook) obj {
	types := []obj{}
	for _, name := range h.Types {
		types = append(types, obj{"name": name, "status": "ENABLED"})
	}
	self := pp.URL() + "/v1/notifications/webhooks/" + h.ID
	return obj{"id": h.ID, "url": h.URL, "event_types": types, "links": []obj{ppLink(self, "self", "GET"), ppLink(self, "delete", "DELETE")}}
}

func (pp *PayPal) listHooks(*ppCall) (ppReply, error) {
	out := []obj{}
	for _, id := range pp.hooks.order {
		if h := pp.hooks.rows[id]; !h.Gone {
			out = append(out, pp.shapeHook(h))
		}
	}
	return ppReply{Status: http.StatusOK, Body: obj{"webhooks": out}}, nil
}

func (pp *PayPal) getHook(c *ppCall) (ppReply, error) {
	h, ok := pp.hooks.rows[c.id]
	if !ok || h.Gone {
		return ppReply{}, ppMissing()
	}
	return ppReply{Status: http.StatusOK, Body: pp.shapeHook(h)}, nil
}

func (pp *PayPal) deleteHook(c *ppCall) (ppReply, error) {
	h, ok := pp.hooks.rows[c.id]
	if !ok || h.Gone {
		return ppReply{}, ppMissing()
	}
	h.Gone = true
	put(c.t, pp.hooks, h.ID, h)
	return ppReply{Status: http.StatusNoContent}, nil
}

func (pp *PayPal) listEvents(c *ppCall) (ppReply, error) {
	q := c.URL.Query()
	size, err := strconv.Atoi(orElse(q.Get("page_size"), "10"))
	if err != nil || size < 1 || size > 300 {
		return ppReply{}, ppOld("VALIDATION_ERROR", "Invalid data provided", ppDetail{Field: "page_size", Location: "query", Issue: "Out of range"})
	}
	out := []json.RawMessage{}
	for _, id := range slices.Backward(pp.events.order) {
		e := pp.events.rows[id]
		if (q.Get("event_type") == "" || e.Type == q.Get("event_type")) && (q.Get("transaction_id") == "" || e.About == q.Get("transaction_id")) && ppWithin(q, e.Created) && len(out) < size {
			out = append(out, e.Body)
		}
	}
	return ppReply{Status: http.StatusOK, Body: obj{"events": out, "count": len(out), "links": []obj{ppLink(pp.URL()+"/v1/notifications/webhooks-events", "self", "GET")}}}, nil
}

// ppWithin reads start_time and end_time; what cannot be read sets no bound.
func ppWithin(q url.Values, at int64) bool {
	if from, err := time.Parse(time.RFC3339, q.Get("start_time")); err == nil && at < from.Unix() {
		return false
	}
	to, err := time.Parse(time.RFC3339, q.Get("end_time"))
	return err != nil || at <= to.Unix()
}

func (pp *PayPal) getEvent(c *ppCall) (ppReply, error) {
	e, ok := pp.events.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	var body obj
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return ppReply{}, err
	}
	return ppReply{Status: http.StatusOK, Body: body}, nil
}

func (pp *PayPal) resendEvent(c *ppCall) (ppReply, error) {
	e, ok := pp.events.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	pp.resend(c.t, e)
	rep, err := pp.getEvent(c)
	rep.Status = http.StatusAccepted
	return rep, err
}
