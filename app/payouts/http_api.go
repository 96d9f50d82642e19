package payouts

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/web"
)

// api registers the same for programs, behind an access token. docs/openapi.yaml describes it.
func (h *Handler) api(r *web.Router) {
	pre := r.On(web.App, "/api/v1", web.NoCookie, web.CORS(r)) // first: the last group answers for what nobody knows
	for _, p := range []string{"/balance", "/payouts", "/payouts/:id"} {
		pre.Preflight(p)
	}
	g := r.On(web.App, "/api/v1", web.Bearer, web.CORS(r))
	often := web.Limit("api-money", web.Rate{N: 120, Per: time.Minute})
	g.GET("/balance", h.apiBalance, often)
	g.GET("/payouts", h.apiPayouts, often)
	g.GET("/payouts/:id", h.apiPayout, often)
}

type reasonOut struct {
	Code   string     `json:"code"`
	Text   string     `json:"text"`
	Act    string     `json:"act"`
	Since  time.Time  `json:"since"`
	Until  *time.Time `json:"until"`
	Payout *id.Payout `json:"payout_id"`
}

type nextOut struct {
	At     time.Time `json:"at"`
	Amount int64     `json:"amount"`
}

type balanceOut struct {
	Currency  money.Currency `json:"currency"`
	Pending   int64          `json:"pending"`
	Available int64          `json:"available"`
	Held      int64          `json:"held"`
	InFlight  int64          `json:"in_flight"`
	Owed      int64          `json:"owed"`
	Next      *nextOut       `json:"next_payout"`
	Reason    *reasonOut     `json:"reason"`
}

func (h *Handler) apiBalance(c echo.Context) error {
	all, err := h.Service.Outlook(c.Request().Context(), web.Who(c).ID)
	if err != nil {
		return err
	}
	out := make([]balanceOut, 0, len(all))
	for _, o := range all {
		b := balanceOut{Currency: o.Currency, Pending: o.Pending.Minor, Available: o.Available.Minor, Held: o.Held.Minor, InFlight: o.InFlight.Minor, Owed: o.Owed.Minor}
		if !o.Next.IsZero() {
			b.Next = &nextOut{At: o.Next.UTC(), Amount: o.Sum.Minor}
		}
		if r := o.Reason; r != nil {
			b.Reason = &reasonOut{Code: r.Code, Text: r.Text, Act: r.Act, Since: r.Since.UTC(), Until: timeOut(r.Until)}
			if !r.Payout.IsZero() {
				b.Reason.Payout = &r.Payout
			}
		}
		out = append(out, b)
	}
	return c.JSON(http.StatusOK, map[string]any{"balances": out})
}

type payoutOut struct {
	ID        id.Payout      `json:"id"`
	Number    int            `json:"number"`
	Amount    int64          `json:"amount"`
	Currency  money.Currency `json:"currency"`
	State     State          `json:"state"`
	Provider  string         `json:"provider"`
	To        string         `json:"to"`
	Reference string         `json:"reference"`
	CreatedAt time.Time      `json:"created_at"`
	SentAt    *time.Time     `json:"sent_at"`
	ArrivesAt *time.Time     `json:"arrives_at"`
	PaidAt    *time.Time     `json:"paid_at"`
	EndedAt   *time.Time     `json:"ended_at"`
	Failure   string         `json:"failure"`
	Says      string         `json:"text"`
	Act       string         `json:"act"`
}

type lineOut struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Text   string    `json:"text"`
	Order  *id.Order `json:"order_id"`
	Number int       `json:"number"`
	Gross  int64     `json:"gross"`
	Fee    int64     `json:"fee"`
	Net    int64     `json:"net"`
}

func (h *Handler) payoutJSON(c echo.Context, p Payout) payoutOut {
	says, act := h.says(c.Request().Context(), p)
	return payoutOut{ID: p.ID, Number: p.Number, Amount: p.Amount.Minor, Currency: p.Amount.Currency, State: p.State, Provider: p.Provider, To: p.To, Reference: p.Ref,
		CreatedAt: p.CreatedAt.UTC(), SentAt: timeOut(p.SentAt), ArrivesAt: timeOut(p.ArrivesAt), PaidAt: timeOut(p.PaidAt), EndedAt: timeOut(p.EndedAt), Failure: p.Failure, Says: says, Act: act}
}

func (h *Handler) apiPayouts(c echo.Context) error {
	all, next, err := h.Service.List(c.Request().Context(), web.Who(c).ID, c.QueryParam("after"))
	if err != nil {
		return err
	}
	out := make([]payoutOut, 0, len(all))
	for _, p := range all {
		out = append(out, h.payoutJSON(c, p))
	}
	body := map[string]any{"payouts": out, "next": nil}
	if next != "" {
		body["next"] = next
	}
	return c.JSON(http.StatusOK, body)
}

func (h *Handler) apiPayout(c echo.Context) error {
	st, err := h.statement(c)
	if err != nil {
		return err
	}
	lines := make([]lineOut, 0, len(st.Lines))
	for _, l := range st.Lines {
		x := lineOut{At: l.At.UTC(), Kind: l.Kind, Text: l.Text, Number: l.Number, Gross: l.Gross.Minor, Fee: l.Fee.Minor, Net: l.Net.Minor}
		if !l.Order.IsZero() {
			x.Order = &l.Order
		}
		lines = append(lines, x)
	}
	return c.JSON(http.StatusOK, struct {
		payoutOut
		Lines []lineOut `json:"lines"`
	}{h.payoutJSON(c, st.Payout), lines})
}

// timeOut is null for a moment that has not come.
func timeOut(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
