package sandbox

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// event is one thing that happened, as it looked then.
type event struct {
	ID      string          `json:"id"`
	Created int64           `json:"created"`
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data"`
	Request string          `json:"request,omitempty"`
	Key     string          `json:"key,omitempty"`
	Account string          `json:"account,omitempty"` // the connected account it happened on
}

// sending is one event on its way to one endpoint. Times are the machine's, not the sandbox's: a moved clock
// does not make the network faster.
type sending struct {
	Event    string `json:"event"`
	Hook     string `json:"hook"`
	Since    int64  `json:"since"` // milliseconds
	NextAt   int64  `json:"next_at"`
	Attempts int    `json:"attempts"`
	State    string `json:"state"` // waiting, done, dropped, given_up
	Status   int    `json:"status,omitempty"`
	Error    string `json:"error,omitempty"`
}

// WebhookFaults is how deliveries go wrong. The zero value delivers everything once.
type WebhookFaults struct {
	Duplicate int           `json:"duplicate"`  // extra deliveries of every event
	Drop      float64       `json:"drop"`       // share of events never sent, though listed
	DropTypes []string      `json:"drop_types"` // never sent
	Lose      float64       `json:"lose"`       // share of events never made: not even in the list
	LoseTypes []string      `json:"lose_types"`
	Delay     time.Duration `json:"delay"`  // before every delivery
	Jitter    time.Duration `json:"jitter"` // plus a random part up to this
	Shuffle   bool          `json:"shuffle"`
	Hold      bool          `json:"hold"` // nothing is sent until Release
}

func (f WebhookFaults) loses(rng *rand.Rand, kind string) bool {
	return slices.Contains(f.LoseTypes, kind) || (f.Lose > 0 && rng.Float64() < f.Lose)
}

func (f WebhookFaults) drops(rng *rand.Rand, kind string) bool {
	return slices.Contains(f.DropTypes, kind) || (f.Drop > 0 && rng.Float64() < f.Drop)
}

func (h hook) wants(e event) bool {
	if (h.Reach == "own" && e.Account != "") || (h.Reach == "connect" && e.Account == "") {
		return false
	}
	return slices.Contains(h.Types, "*") || slices.Contains(h.Types, e.Type)
}

func (st *Stripe) enqueue(t *tx, e event, h hook) {
	f := st.settings.Webhooks
	now := time.Now()
	if f.drops(st.rng, e.Type) {
		put(t, st.sendings, e.ID+":"+h.ID+":0", sending{Event: e.ID, Hook: h.ID, Since: now.UnixMilli(), State: "dropped"})
		return
	}
	for i := range 1 + f.Duplicate {
		wait := f.Delay
		if f.Jitter > 0 {
			wait += time.Duration(st.rng.Int64N(int64(f.Jitter) + 1))
		}
		st.send(t, e.ID+":"+h.ID+":"+strconv.Itoa(i),
			sending{Event: e.ID, Hook: h.ID, Since: now.UnixMilli(), NextAt: now.Add(wait).UnixMilli(), State: "waiting"})
	}
}

func (st *Stripe) send(t *tx, key string, s sending) {
	put(t, st.sendings, key, s)
	st.post.queue = append(st.post.queue, key) // harmless when t is undone: the postman looks for the row
}

func (st *Stripe) shapeEvent(e event) obj {
	pending := 0
	for _, id := range st.hooks.order {
		if s, ok := st.sendings.rows[e.ID+":"+id+":0"]; ok && s.State == "waiting" {
			pending++
		}
	}
	o := obj{"id": e.ID, "object": "event", "api_version": APIVersion, "created": e.Created, "data": e.Data, "livemode": false,
		"pending_webhooks": pending, "request": obj{"id": null(e.Request), "idempotency_key": null(e.Key)}, "type": e.Type}
	if e.Account != "" {
		o["account"] = e.Account
	}
	return o
}

// Event is what Events answers.
type Event struct {
	ID, Type  string
	Created   time.Time
	Object    string          // id of the object it is about
	Account   string          // the connected account it happened on; "" is the platform
	Data      json.RawMessage // {"object": …}
	Delivered int             // deliveries answered with 2xx
	Attempts  int
	Waiting   int // deliveries still to come
	Dropped   bool
	LastError string
}

// Events lists every event, oldest first.
func (st *Stripe) Events() []Event {
	var out []Event
	st.db.see(func() {
		tally := map[string]Event{}
		for _, s := range st.sendings.rows {
			e := tally[s.Event]
			e.Attempts += s.Attempts
			switch s.State {
			case "done":
				e.Delivered++
			case "waiting":
				e.Waiting++
			}
			e.Dropped = e.Dropped || s.State == "dropped"
			if s.Error != "" {
				e.LastError = s.Error
			}
			tally[s.Event] = e
		}
		for _, id := range st.events.order {
			e, row := tally[id], st.events.rows[id]
			var about struct {
				Object struct {
					ID string `json:"id"`
				} `json:"object"`
			}
			_ = json.Unmarshal(row.Data, &about) // our own JSON
			e.ID, e.Type, e.Created, e.Data, e.Object, e.Account = row.ID, row.Type, time.Unix(row.Created, 0).UTC(), row.Data, about.Object.ID, row.Account
			out = append(out, e)
		}
	})
	return out
}

// SetWebhook says where the product listens. Until then events are made and listed but sent nowhere.
func (st *Stripe) SetWebhook(url, secret string) error {
	return st.do(func(t *tx) error {
		h := hook{ID: "we_sandbox", Created: t.now.Unix(), URL: url, Secret: secret, Types: []string{"*"}, Version: APIVersion, Description: "Set by the sandbox itself"}
		if old, ok := st.hooks.rows[h.ID]; ok {
			h.Created = old.Created
		}
		put(t, st.hooks, h.ID, h)
		for _, k := range st.post.queue { // what waited for the old address need not wait longer
			if s, ok := st.sendings.rows[k]; ok && s.State == "waiting" && s.Hook == h.ID && !st.post.busy[k] {
				s.NextAt = 0
				put(t, st.sendings, k, s)
			}
		}
		return nil
	})
}

// Misbehave sets how webhooks go wrong from now on.
func (st *Stripe) Misbehave(f WebhookFaults) {
	st.db.see(func() { st.settings.Webhooks = f })
	st.post.wake()
}

// Release sends what Hold kept back.
func (st *Stripe) Release() {
	st.db.see(func() { st.settings.Webhooks.Hold = false })
	st.post.wake()
}

// Redeliver sends an event again, delivered or not, dropped or not.
func (st *Stripe) Redeliver(eventID string) error {
	return st.do(func(t *tx) error {
		e, ok := st.events.rows[eventID]
		if !ok {
			return missing("event", eventID, "id")
		}
		now := time.Now().UnixMilli()
		for _, id := range st.hooks.order {
			if !st.hooks.rows[id].wants(e) {
				continue
			}
			st.send(t, e.ID+":"+id+":again"+random(6), sending{Event: e.ID, Hook: id, Since: now, NextAt: now, State: "waiting"})
		}
		return nil
	})
}
