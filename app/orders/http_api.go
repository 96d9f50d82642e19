package orders

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/payments"
	"vitrine/app/web"
	"vitrine/views/text"
)

// API lets integrators take payments for their own products on pages of their own. docs/openapi.yaml describes it.
type API struct {
	Service        *Service
	PublishableKey string // for the provider's script
}

// Routes registers the doors.
func (a *API) Routes(r *web.Router) {
	cors := web.CORS(r)
	g := r.On(web.App, "/api/v1/payment", web.Bearer, cors)
	program := web.CrossOrigin("takes no cookie, so a visitor's browser lends it nothing")
	limit := web.Limit("api-payment", web.Rate{N: 120, Per: time.Minute})
	g.POST("/create-intent", a.create, program, limit)
	g.POST("/confirm", a.confirm, program, limit)
	open := r.On(web.App, "/api/v1/payment", web.NoCookie, cors)
	open.Preflight("/create-intent")
	open.Preflight("/confirm")
}

type createIn struct {
	Items []struct {
		Product  string `json:"product_id"`
		Quantity int    `json:"quantity"`
	} `json:"items"`
	Email    string `json:"email"`
	Consent  bool   `json:"consent"`
	Expected int64  `json:"expected_total"`
}

func (a *API) create(c echo.Context) error {
	var in createIn
	if err := readJSON(c, &in); err != nil {
		return err
	}
	ctx := c.Request().Context()
	want := IntentInput{User: web.Who(c).ID, Key: c.Request().Header.Get("Idempotency-Key"), Email: in.Email, Consent: in.Consent, Expected: in.Expected, Locale: text.Locale(ctx)}
	for _, i := range in.Items {
		p, err := id.Parse[id.ProductKind](i.Product)
		if err != nil {
			return errNoProduct
		}
		want.Lines = append(want.Lines, Line{Product: p, Quantity: i.Quantity})
	}
	p, err := a.Service.CreateIntent(ctx, want)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, a.draw(p))
}

type confirmIn struct {
	Intent    string `json:"payment_intent"`
	Method    string `json:"payment_method"`
	ReturnURL string `json:"return_url"`
}

func (a *API) confirm(c echo.Context) error {
	var in confirmIn
	if err := readJSON(c, &in); err != nil {
		return err
	}
	var f errs.Form
	if in.Intent == "" || len(in.Intent) > 100 {
		f.Add("payment_intent", "Name the payment.")
	}
	if in.Method == "" || len(in.Method) > 100 {
		f.Add("payment_method", "Name the means of payment.")
	}
	if u, err := url.Parse(in.ReturnURL); in.ReturnURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		f.Add("return_url", "The address must look like https://host/path.")
	}
	if err := f.Err(); err != nil {
		return err
	}
	p, err := a.Service.ConfirmIntent(c.Request().Context(), web.Who(c).ID, c.Request().Header.Get("Idempotency-Key"),
		payments.ConfirmInput{Intent: in.Intent, Method: in.Method, ReturnURL: in.ReturnURL})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.draw(p))
}

type intentOut struct {
	Checkout       string `json:"checkout"`
	Intent         string `json:"payment_intent,omitempty"`
	Secret         string `json:"client_secret,omitempty"`
	PublishableKey string `json:"publishable_key,omitempty"`
	Amount         int64  `json:"amount"`
	Currency       string `json:"currency"`
	Status         string `json:"status"`
	Next           string `json:"next_action_url,omitempty"`
	OrderURL       string `json:"order_url,omitempty"`
	Decline        string `json:"decline_code,omitempty"`
}

func (a *API) draw(p PaymentIntent) intentOut {
	return intentOut{Checkout: p.Checkout.String(), Intent: p.Intent, Secret: p.Secret, PublishableKey: a.PublishableKey, Amount: p.Total.Minor, Currency: string(p.Total.Currency),
		Status: p.Status, Next: p.Next, OrderURL: p.OrderURL, Decline: p.Decline}
}

// readJSON takes one JSON object of at most 16 KB, with no field that dest does not know: a price that somebody sends
// is refused, not ignored.
func readJSON(c echo.Context, dest any) error {
	d := json.NewDecoder(io.LimitReader(c.Request().Body, 16<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(dest); err != nil {
		return errs.Wrap(errs.Invalid, err, "The body is not the JSON that is expected here.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errs.New(errs.Invalid, "The body is not the JSON that is expected here.")
	}
	return nil
}
