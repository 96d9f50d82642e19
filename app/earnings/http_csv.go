package earnings

import (
	"bytes"
	"encoding/csv"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/money"
	"vitrine/app/payouts"
	"vitrine/app/web"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// logCSV sends everything that the filter chooses, page by page, so that a long log needs no memory. When it breaks
// off the connection does too: half a file must not look whole.
func (h *Handler) logCSV(c echo.Context) error {
	ctx := c.Request().Context()
	a := ask(c)
	if len(a.bad) > 0 {
		for _, p := range ui.Problems(a.bad, "kind", "from", "to", "order", "currency") {
			return errs.New(errs.Invalid, "%s", p.Message)
		}
	}
	a.After = ""
	z := zoneOf(web.Who(c))
	begun := false
	err := h.Service.Each(ctx, web.Who(c).ID, a.Filter, func(page []Transaction) error {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.UseCRLF = true
		if !begun {
			hd := c.Response().Header()
			hd.Set(echo.HeaderContentType, "text/csv; charset=utf-8; header=present")
			hd.Set(echo.HeaderContentDisposition, `attachment; filename="transactions.csv"`)
			c.Response().WriteHeader(http.StatusOK)
			begun = true
			if err := w.Write(head(c)); err != nil {
				return err
			}
		}
		for _, t := range page {
			if err := w.Write(record(c, t, z)); err != nil {
				return err
			}
		}
		if w.Flush(); w.Error() != nil {
			return w.Error()
		}
		_, err := c.Response().Write(b.Bytes())
		c.Response().Flush()
		return err
	})
	if err != nil && begun {
		if ctx.Err() == nil {
			slog.WarnContext(ctx, "the log of transactions broke off", "err", err)
		}
		panic(http.ErrAbortHandler)
	}
	return err
}

func head(c echo.Context) []string {
	ctx := c.Request().Context()
	return []string{text.T(ctx, "Date"), text.T(ctx, "Kind"), text.T(ctx, "Step"), text.T(ctx, "Description"), text.T(ctx, "Order"), text.T(ctx, "Payout"), text.T(ctx, "Currency"), text.T(ctx, "Gross"), text.T(ctx, "Fee"),
		text.T(ctx, "Net"), text.T(ctx, "Moved"), text.T(ctx, "Provider"), text.T(ctx, "Reference"), text.T(ctx, "Provider transaction"), text.T(ctx, "Provider fee, paid by Vitrine"), text.T(ctx, "Provider fee currency"), text.T(ctx, "Entry")}
}

// record is a transaction as a row. Texts are made safe for spreadsheets; numbers are ours.
func record(c echo.Context, t Transaction, z *time.Location) []string {
	r := []string{t.At.In(z).Format(time.RFC3339), t.Kind, t.Step, payouts.Cell(title(c.Request().Context(), t)), "", "", string(t.Currency), t.Gross.Decimal(), t.Fee.Decimal(),
		t.Net.Decimal(), t.Moved.Decimal(), t.Provider, payouts.Cell(t.Ref), payouts.Cell(t.Movement), "", "", t.ID.String()}
	switch {
	case t.Number == 0:
	case !t.Order.IsZero():
		r[4] = strconv.Itoa(t.Number)
	default:
		r[5] = strconv.Itoa(t.Number)
	}
	if t.ProviderFeeKnown {
		r[14], r[15] = t.ProviderFee.Decimal(), string(t.ProviderFee.Currency)
	}
	return r
}

type transactionOut struct {
	ID          string         `json:"id"`
	At          time.Time      `json:"at"`
	Kind        string         `json:"kind"`
	Step        string         `json:"step"`
	Text        string         `json:"text"`
	Order       *string        `json:"order_id"`
	OrderNumber int            `json:"order_number"`
	Payout      *string        `json:"payout_id"`
	Currency    money.Currency `json:"currency"`
	Gross       int64          `json:"gross"`
	Fee         int64          `json:"fee"`
	Net         int64          `json:"net"`
	Moved       int64          `json:"moved"`
	Provider    string         `json:"provider"`
	Reference   string         `json:"reference"`
	Movement    string         `json:"provider_transaction"`
}

func (h *Handler) apiLog(c echo.Context) error {
	ctx := c.Request().Context()
	a := ask(c)
	if len(a.bad) > 0 {
		var f errs.Form
		for _, p := range ui.Problems(a.bad, "kind", "from", "to", "order", "currency") {
			f.Add(p.Field, "%s", p.Message)
		}
		return f.Err()
	}
	page, next, err := h.Service.List(ctx, web.Who(c).ID, a.Filter)
	if err != nil {
		return err
	}
	out := make([]transactionOut, 0, len(page))
	for _, t := range page {
		x := transactionOut{ID: t.ID.String(), At: t.At.UTC(), Kind: t.Kind, Step: t.Step, Text: title(ctx, t), Currency: t.Currency, Gross: t.Gross.Minor, Fee: t.Fee.Minor, Net: t.Net.Minor, Moved: t.Moved.Minor,
			Provider: t.Provider, Reference: t.Ref, Movement: t.Movement}
		if !t.Order.IsZero() {
			o := t.Order.String()
			x.Order, x.OrderNumber = &o, t.Number
		}
		if !t.Payout.IsZero() {
			p := t.Payout.String()
			x.Payout = &p
		}
		out = append(out, x)
	}
	body := map[string]any{"transactions": out, "next": nil}
	if next != "" {
		body["next"] = next
	}
	return c.JSON(http.StatusOK, body)
}
