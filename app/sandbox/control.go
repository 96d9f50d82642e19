package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// span is a duration that JSON may write as "25h" or as nanoseconds.
type span time.Duration

func (d *span) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		v, err := time.ParseDuration(text)
		*d = span(v)
		return err
	}
	var n int64
	err := json.Unmarshal(b, &n)
	*d = span(n)
	return err
}

// order is what a control call may say; each call reads its own part.
type order struct {
	By      span   `json:"by"`
	Session string `json:"session"`
	Card    string `json:"card"` // number or IBAN
	Email   string `json:"email"`
	Intent  string `json:"payment_intent"`
	Charge  string `json:"charge"`
	Pass    bool   `json:"pass"`
	Event   string `json:"event"`
	Reason  string `json:"reason"`
	Dispute string `json:"dispute"`
	Won     bool   `json:"won"`
	URL     string `json:"url"`
	Secret  string `json:"secret"`
	Allow   bool   `json:"allow"`

	Kind  FaultKind `json:"kind"`
	Call  string    `json:"call"`
	Skip  int       `json:"skip"`
	Times int       `json:"times"`
	Odds  float64   `json:"odds"`

	Duplicate int      `json:"duplicate"`
	Drop      float64  `json:"drop"`
	DropTypes []string `json:"drop_types"`
	Lose      float64  `json:"lose"`
	LoseTypes []string `json:"lose_types"`
	Delay     span     `json:"delay"`
	Jitter    span     `json:"jitter"`
	Shuffle   bool     `json:"shuffle"`
	Hold      bool     `json:"hold"`

	Redirects []string `json:"redirects"`

	connectOrder
	paypalOrder
}

func (s *Server) controlRoutes(mux *http.ServeMux) {
	st := s.stripe
	look := func(path string, f func(r *http.Request) any) {
		mux.HandleFunc("GET /control"+path, func(w http.ResponseWriter, r *http.Request) { say(w, http.StatusOK, f(r)) })
	}
	look("/clock", func(*http.Request) any { return s.clockView() })
	look("/stripe/events", func(r *http.Request) any { return obj{"events": st.eventViews(r.URL.Query().Get("type"))} })
	look("/stripe/balance", func(r *http.Request) any {
		return st.balanceView(r.URL.Query().Get("account"), r.URL.Query().Get("currency"))
	})
	look("/stripe/cards", func(*http.Request) any { return cardViews() })
	look("/stripe/accounts", func(*http.Request) any { return obj{"accounts": st.accountViews()} })
	look("/stripe/files", func(*http.Request) any { return obj{"files": st.uploadViews()} })
	look("/stripe/calls", func(*http.Request) any { return obj{"calls": st.Calls()} })
	look("/google/people", func(*http.Request) any { return obj{"people": s.google.People()} })
	s.paypal.controlRoutes(mux, look)
	for _, orders := range []map[string]doing{s.orders(), s.connectOrders()} {
		for path, f := range orders {
			mux.HandleFunc("POST /control"+path, func(w http.ResponseWriter, r *http.Request) { s.obey(w, r, f) })
		}
	}
}

type doing func(r *http.Request, o order) (any, error)

func (s *Server) orders() map[string]doing {
	st := s.stripe
	done := func(err error) (any, error) { return obj{"ok": err == nil}, err }
	return map[string]doing{
		"/clock/advance": func(_ *http.Request, o order) (any, error) {
			err := s.Advance(time.Duration(o.By))
			return s.clockView(), err
		},
		"/stripe/pay":            func(_ *http.Request, o order) (any, error) { return went(st.Pay(o.Session, o.Card, o.Email)) },
		"/stripe/challenge":      func(_ *http.Request, o order) (any, error) { return went(st.Challenge(o.Intent, o.Pass)) },
		"/stripe/settle":         func(_ *http.Request, o order) (any, error) { return counted(st.Settle(o.Intent)) },
		"/stripe/refunds/settle": func(*http.Request, order) (any, error) { return counted(st.SettleRefunds()) },
		"/stripe/dispute": func(_ *http.Request, o order) (any, error) {
			return done(st.DisputeAmount(orElse(o.Charge, o.Intent), o.Reason, o.Amount))
		},
		"/stripe/dispute/decide": func(_ *http.Request, o order) (any, error) { return done(st.Decide(o.Dispute, o.Won)) },
		"/stripe/flush":          func(r *http.Request, _ order) (any, error) { return done(st.Flush(r.Context())) },
		"/stripe/redeliver":      func(_ *http.Request, o order) (any, error) { return done(st.Redeliver(o.Event)) },
		"/stripe/webhook": func(_ *http.Request, o order) (any, error) {
			return done(st.SetWebhook(o.URL, orElse(o.Secret, st.WebhookSecret())))
		},
		"/stripe/webhooks/faults": func(_ *http.Request, o order) (any, error) { st.Misbehave(o.webhooks()); return done(nil) },
		"/stripe/webhooks/release": func(*http.Request, order) (any, error) {
			st.Release()
			return done(nil)
		},
		"/stripe/faults": func(_ *http.Request, o order) (any, error) {
			if !o.Kind.known() {
				return nil, invalid("kind", "", "Unknown fault: %s", o.Kind)
			}
			st.Inject(Fault{Kind: o.Kind, Call: o.Call, Skip: o.Skip, Times: o.Times, Odds: o.Odds, Delay: time.Duration(o.Delay)})
			return done(nil)
		},
		"/stripe/faults/clear": func(*http.Request, order) (any, error) { st.ClearFaults(); return done(nil) },
		"/stripe/record":       func(*http.Request, order) (any, error) { st.Record(); return done(nil) },
		"/stripe/radar":        func(_ *http.Request, o order) (any, error) { st.AllowHighestRisk(o.Allow); return done(nil) },
		"/google/redirects":    func(_ *http.Request, o order) (any, error) { s.google.SetRedirects(o.Redirects...); return done(nil) },
	}
}

func (k FaultKind) known() bool {
	switch k {
	case Latency, Unavailable, RateLimit, DropBefore, DropAfter, Error500, Error500After:
		return true
	}
	return false
}

func (o order) webhooks() WebhookFaults {
	return WebhookFaults{Duplicate: o.Duplicate, Drop: o.Drop, DropTypes: o.DropTypes, Lose: o.Lose, LoseTypes: o.LoseTypes,
		Delay: time.Duration(o.Delay), Jitter: time.Duration(o.Jitter), Shuffle: o.Shuffle, Hold: o.Hold}
}

// AllowHighestRisk lets cards of the highest risk through, but for the one that is always blocked.
func (st *Stripe) AllowHighestRisk(on bool) { st.db.see(func() { st.settings.AllowHighest = on }) }

func went(next string, err error) (any, error) { return obj{"next": next}, err }
func counted(n int, err error) (any, error)    { return obj{"settled": n}, err }

// obey runs a control call: JSON in and out, or a form of the index page, which comes back to it.
func (s *Server) obey(w http.ResponseWriter, r *http.Request, f doing) {
	var o order
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	if form {
		d, err := time.ParseDuration(orElse(r.PostFormValue("by"), "0s"))
		if err != nil {
			say(w, http.StatusBadRequest, obj{"error": "by: write a time such as 25h or 90s."})
			return
		}
		o.By = span(d)
		o.paypalForm(r.PostForm)
	} else {
		in := json.NewDecoder(r.Body)
		in.DisallowUnknownFields()
		if err := in.Decode(&o); err != nil && !errors.Is(err, io.EOF) {
			say(w, http.StatusBadRequest, obj{"error": err.Error()})
			return
		}
	}
	out, err := f(r, o)
	var e *apiError
	switch {
	case errors.As(err, &e):
		say(w, e.Status, obj{"error": e.Message, "code": e.Code, "decline_code": e.Decline})
	case err != nil:
		say(w, http.StatusInternalServerError, obj{"error": err.Error()})
	case form:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		say(w, http.StatusOK, out)
	}
}

func (s *Server) clockView() obj {
	return obj{"now": s.Now().UTC().Format(time.RFC3339Nano), "unix": s.Now().Unix(), "ahead": time.Duration(s.offset.Load()).String()}
}

func (st *Stripe) balanceView(account, currency string) obj {
	b := st.BalanceOf(account, orElse(currency, "eur"))
	return obj{"currency": b.Currency, "pending": b.Pending, "available": b.Available}
}

func (st *Stripe) eventViews(kind string) []obj {
	out := []obj{}
	for _, e := range st.Events() {
		if kind != "" && e.Type != kind {
			continue
		}
		out = append(out, obj{"id": e.ID, "type": e.Type, "created": e.Created.Unix(), "object": e.Object, "account": e.Account, "delivered": e.Delivered, "attempts": e.Attempts,
			"waiting": e.Waiting, "dropped": e.Dropped, "last_error": e.LastError})
	}
	return out
}

func cardViews() obj {
	cards, ibans := []obj{}, []obj{}
	for _, c := range testCards {
		cards = append(cards, obj{"number": c.Number, "label": c.Label, "group": c.Group, "token": c.Token, "code": c.Code, "decline_code": c.Decline, "three_d_secure": c.ThreeDS})
	}
	for _, a := range testAccounts {
		ibans = append(ibans, obj{"iban": a.IBAN, "label": a.Label, "fails": a.Fails})
	}
	return obj{"cards": cards, "ibans": ibans}
}
