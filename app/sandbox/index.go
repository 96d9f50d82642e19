package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

type indexPage struct {
	Title, Base, Key, Issuer, ClientID, Webhook, Clock, Ahead string
	Groups                                                    []cardGroup
	Accounts                                                  []account
	People                                                    []Person
	Sessions                                                  []indexRow
	Events                                                    []indexRow
	Balances                                                  []indexRow
	Creators, Payouts                                         []indexRow
	PayPal                                                    ppIndex
}

type indexRow struct{ Name, Detail, State, Link string }

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	st := s.stripe
	p := indexPage{Title: "Sandbox", Base: st.URL(), Key: st.key, Issuer: s.google.Issuer(), ClientID: s.google.ID(), Groups: cardGroups(), Accounts: testAccounts,
		People: s.opt.People, Clock: s.Now().UTC().Format("2 January 2006, 15:04:05 MST"), Webhook: "nowhere yet"}
	if d := time.Duration(s.offset.Load()).Round(time.Second); d != 0 {
		p.Ahead = d.String()
	}
	currencies := []string{}
	st.db.see(func() {
		if h, ok := st.hooks.rows["we_sandbox"]; ok {
			p.Webhook = h.URL
		}
		for i := len(st.sessions.order) - 1; i >= 0 && len(p.Sessions) < 10; i-- {
			v := st.sessions.rows[st.sessions.order[i]]
			name := ""
			if len(v.Items) > 0 {
				name = v.Items[0].Name
			}
			p.Sessions = append(p.Sessions, indexRow{name, format(v.Total, v.Currency), v.Status + ", " + v.Paid, st.payURL(v.ID)})
		}
		p.Creators, p.Payouts = st.payeeRows()
		for _, id := range st.txns.order {
			if c := st.txns.rows[id].Currency; st.txns.rows[id].Account == "" && !slices.Contains(currencies, c) {
				currencies = append(currencies, c)
			}
		}
	})
	for _, c := range currencies {
		b := st.Balance(c)
		p.Balances = append(p.Balances, indexRow{Name: c, Detail: format(b.Available, c) + " available", State: format(b.Pending, c) + " pending"})
	}
	events := st.Events()
	for _, e := range slices.Backward(events[max(0, len(events)-12):]) {
		state := "sent " + strconv.Itoa(e.Delivered) + "×"
		switch {
		case e.Dropped:
			state = "dropped"
		case e.Waiting > 0:
			state = "waiting"
		case e.Delivered == 0:
			state = "nobody listens"
		}
		p.Events = append(p.Events, indexRow{Name: e.Type, Detail: e.Created.Format("15:04:05"), State: state})
	}
	p.PayPal = s.paypal.index()
	s.show(w, http.StatusOK, "index.html", p)
}
