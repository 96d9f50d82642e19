package disputes

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/payments"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/disputes"
)

// Handler is the creator's pages about disputes.
type Handler struct{ Service *Service }

// Routes registers the pages.
func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app/disputes", web.Creator)
	g.GET("", h.Index)
	g.GET("/:id", h.Show)
	g.POST("/:id", h.Save)
	g.POST("/:id/files", h.Attach, web.Limit("dispute-files", web.Rate{N: 60, Per: time.Hour}))
	g.POST("/:id/files/:kind/removal", h.Detach)
	g.POST("/:id/answer", h.Send)
	g.POST("/:id/acceptance", h.Accept)
}

// Index lists the disputes.
func (h *Handler) Index(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := h.Service.List(ctx, web.Who(c).ID)
	if err != nil {
		return err
	}
	var p view.IndexProps
	for _, d := range all {
		r := ui.Row{ID: "dispute-" + d.ID.String(), Href: "/app/disputes/" + d.ID.String(), Title: reason(ctx, d.Reason), End: d.Amount.Format(), Pill: pill(ctx, d),
			EndNote: text.T(ctx, "Opened %s", local(c, d.OpenedAt))}
		if d.Open() && !d.Due.IsZero() {
			r.Note = text.T(ctx, "Answer before %s", local(c, d.Due))
		}
		p.Rows = append(p.Rows, r)
	}
	return web.Page(c, http.StatusOK, layout.Page{Title: text.T(ctx, "Disputes"), Section: "orders", Back: "/app/orders", Shell: layout.Creator}, view.Index(p))
}

// Show is one dispute; those of others are not found.
func (h *Handler) Show(c echo.Context) error {
	d, err := h.mine(c)
	if err != nil {
		return err
	}
	return h.page(c, http.StatusOK, d, nil)
}

// Save keeps the words.
func (h *Handler) Save(c echo.Context) error {
	ctx := c.Request().Context()
	d, err := h.mine(c)
	if err != nil {
		return err
	}
	d.Words, d.Refusal = web.Text(c, "words"), web.Text(c, "refusal")
	err = h.Service.Save(ctx, web.Who(c).ID, d.ID, d.Words, d.Refusal)
	switch {
	case errs.Is(err, errs.Invalid) && web.IsFragment(c):
		return web.Fragment(c, http.StatusUnprocessableEntity, view.Words(view.ShowProps{ID: d.ID.String(), Words: d.Words, Refusal: d.Refusal, Errors: web.FieldMessages(c, err)}))
	case errs.Is(err, errs.Invalid):
		return h.page(c, http.StatusUnprocessableEntity, d, err)
	case err != nil:
		return err
	case web.IsFragment(c):
		return web.Fragment(c, http.StatusOK, view.Words(view.ShowProps{ID: d.ID.String(), Words: d.Words, Refusal: d.Refusal, Saved: text.T(ctx, "The draft is saved.")}))
	}
	web.Flash(c, text.T(ctx, "The draft is saved."))
	return web.SeeOther(c, address(d))
}

// Attach takes a file in.
func (h *Handler) Attach(c echo.Context) error {
	ctx := c.Request().Context()
	d, err := h.mine(c)
	if err != nil {
		return err
	}
	c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, maxFiles+64<<10)
	name, body, err := upload(c)
	if err == nil {
		err = h.Service.Attach(ctx, web.Who(c).ID, d.ID, web.Text(c, "kind"), name, body)
	}
	if errs.Is(err, errs.Invalid) {
		return h.page(c, http.StatusUnprocessableEntity, d, err)
	}
	if err != nil {
		return err
	}
	web.Flash(c, text.T(ctx, "The file is added."))
	return web.SeeOther(c, address(d)+"#files")
}

func upload(c echo.Context) (name string, body []byte, err error) {
	f, head, err := c.Request().FormFile("file")
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", nil, errs.Field("file", "All files together may have 4 MB. Make this one smaller, or remove another.")
	case err != nil:
		return "", nil, errs.Field("file", "Choose a file.")
	}
	defer f.Close()
	body, err = io.ReadAll(f)
	return head.Filename, body, err
}

// Detach removes a file.
func (h *Handler) Detach(c echo.Context) error {
	d, err := h.mine(c)
	if err != nil {
		return err
	}
	if err := h.Service.Detach(c.Request().Context(), web.Who(c).ID, d.ID, c.Param("kind")); err != nil {
		return err
	}
	return web.SeeOther(c, address(d)+"#files")
}

// Send hands the answer to the bank.
func (h *Handler) Send(c echo.Context) error {
	return h.end(c, h.Service.Send, text.T(c.Request().Context(), "Your answer is on its way to the bank."))
}

// Accept gives up.
func (h *Handler) Accept(c echo.Context) error {
	return h.end(c, h.Service.Accept, text.T(c.Request().Context(), "The buyer keeps the money."))
}

func (h *Handler) end(c echo.Context, do func(context.Context, id.User, id.Dispute) error, said string) error {
	d, err := h.mine(c)
	if err != nil {
		return err
	}
	if err := do(c.Request().Context(), web.Who(c).ID, d.ID); err != nil {
		return err
	}
	web.Flash(c, said)
	return web.SeeOther(c, address(d))
}

func (h *Handler) mine(c echo.Context) (Dispute, error) {
	d, err := id.Parse[id.DisputeKind](c.Param("id"))
	if err != nil {
		return Dispute{}, errNone
	}
	return h.Service.Get(c.Request().Context(), web.Who(c).ID, d)
}

func address(d Dispute) string { return "/app/disputes/" + d.ID.String() }

func (h *Handler) page(c echo.Context, status int, d Dispute, problem error) error {
	ctx := c.Request().Context()
	e, _, err := h.Service.Collect(ctx, d)
	if err != nil {
		return err
	}
	p := view.ShowProps{ID: d.ID.String(), Title: text.T(ctx, "Dispute over %s", d.Amount.Format()), State: pill(ctx, d), Open: d.Open(), Words: d.Words, Refusal: d.Refusal,
		Lead: text.T(ctx, "Opened %s.", local(c, d.OpenedAt))}
	if problem != nil {
		p.Errors = web.FieldMessages(c, problem)
	}
	p.Tone, p.Say = say(c, d)
	p.Facts = []view.Fact{
		{Label: text.T(ctx, "Reason"), Value: reason(ctx, d.Reason)},
		{Label: text.T(ctx, "What helps"), Value: advice(ctx, d.Reason)},
		{Label: text.T(ctx, "Order"), Value: text.T(ctx, "See the order"), Href: "/app/orders/" + d.Order.String()},
		{Label: text.T(ctx, "Reference"), Value: d.Ref},
	}
	p.Evidence = []view.Part{
		{Label: text.T(ctx, "What was bought"), Text: e.ProductName},
		{Label: text.T(ctx, "Buyer"), Text: e.BuyerEmail},
		{Label: text.T(ctx, "Delivery and downloads"), Text: e.AccessLog},
	}
	if e.PolicyText != "" {
		p.Evidence = append(p.Evidence, view.Part{Label: text.T(ctx, "What the buyer agreed to"), Text: e.PolicyText})
	}
	if !d.Open() && d.Answer != Drafting {
		p.Evidence = append(p.Evidence, view.Part{Label: text.T(ctx, "In your words"), Text: e.Text})
	}
	for _, k := range Kinds {
		p.Kinds = append(p.Kinds, ui.Option{Value: k, Label: kind(ctx, k)})
	}
	for _, f := range d.Files {
		p.Files = append(p.Files, view.File{Kind: f.Kind, Label: kind(ctx, f.Kind), Name: f.Name, Note: size(ctx, f.Size)})
	}
	return web.Page(c, status, layout.Page{Title: p.Title, Section: "orders", Back: "/app/disputes", Shell: layout.Creator}, view.Show(p))
}

// say is what is to be done now, or what became of it.
func say(c echo.Context, d Dispute) (tone, sentence string) {
	ctx := c.Request().Context()
	switch {
	case d.Status == payments.DisputeWon:
		return "good", text.T(ctx, "You won. The money is in your balance again.")
	case d.Status == payments.DisputeLost:
		return "bad", text.T(ctx, "The bank decided for the buyer. The money stays there.")
	case d.Status == payments.DisputeClosed:
		return "good", text.T(ctx, "The bank’s question is closed. Nothing was taken back.")
	case d.Answer == Failed:
		return "bad", text.T(ctx, "The bank did not take the answer: the dispute is over or its time is.")
	case d.Answer == Sending || d.Answer == Accepting:
		return "lamp", text.T(ctx, "It is being handed over. This takes a moment.")
	case d.Answer == Accepted:
		return "lamp", text.T(ctx, "You gave this dispute up.")
	case d.Answer == Sent:
		return "lamp", text.T(ctx, "Your answer is with the bank since %s. Banks take up to two or three months to decide; we tell you at once.", local(c, d.DoneAt))
	case d.Status == payments.DisputeInquiry:
		return "lamp", text.T(ctx, "The bank only asks; no money has moved. A clear answer often ends it here.")
	case d.Due.IsZero():
		return "lamp", text.T(ctx, "The bank has taken the money back and waits for your answer. Its fee is ours.")
	}
	return "lamp", text.T(ctx, "The bank has taken the money back and waits for your answer until %s. If you do nothing, we send what we have gathered a day before. The bank’s fee is ours.", local(c, d.Due))
}

func local(c echo.Context, t time.Time) string {
	z, err := time.LoadLocation(web.Who(c).TimeZone)
	if err != nil {
		z = time.UTC
	}
	return t.In(z).Format("2 January 2006, 15:04")
}

func pill(ctx context.Context, d Dispute) ui.Pill {
	switch {
	case d.Status == payments.DisputeWon:
		return ui.Pill{Label: text.T(ctx, "Won"), Tone: "good"}
	case d.Status == payments.DisputeLost:
		return ui.Pill{Label: text.T(ctx, "Lost"), Tone: "bad"}
	case d.Status == payments.DisputeClosed:
		return ui.Pill{Label: text.T(ctx, "Closed")}
	case d.Open():
		return ui.Pill{Label: text.T(ctx, "Waits for you"), Tone: "bad"}
	}
	return ui.Pill{Label: text.T(ctx, "With the bank"), Tone: "lamp"}
}

func kind(ctx context.Context, k string) string {
	switch k {
	case "delivery":
		return text.T(ctx, "Proof of delivery")
	case "policy":
		return text.T(ctx, "Your refund policy")
	}
	return text.T(ctx, "Something else: letters with the buyer")
}

func size(ctx context.Context, n int) string {
	if n < 1000*1000 {
		return text.T(ctx, "%d kB", (n+999)/1000)
	}
	return text.T(ctx, "%d MB", (n+500_000)/1_000_000)
}

// reason is the network's word as people say it.
func reason(ctx context.Context, code string) string {
	switch code {
	case "fraudulent", "UNAUTHORISED":
		return text.T(ctx, "The card’s owner says they did not pay")
	case "product_not_received", "MERCHANDISE_OR_SERVICE_NOT_RECEIVED":
		return text.T(ctx, "The buyer says nothing arrived")
	case "product_unacceptable", "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED":
		return text.T(ctx, "The buyer says it was not as described")
	case "duplicate", "DUPLICATE_TRANSACTION":
		return text.T(ctx, "The buyer says they paid twice")
	case "credit_not_processed", "CREDIT_NOT_PROCESSED":
		return text.T(ctx, "The buyer says a refund did not come")
	case "subscription_canceled", "CANCELED_RECURRING_BILLING":
		return text.T(ctx, "The buyer says they had cancelled")
	case "unrecognized":
		return text.T(ctx, "The buyer does not recognise the payment")
	}
	return text.T(ctx, "The bank gives no clear reason")
}

// advice is what tends to convince.
func advice(ctx context.Context, code string) string {
	switch code {
	case "product_not_received", "MERCHANDISE_OR_SERVICE_NOT_RECEIVED":
		return text.T(ctx, "The download log below, and anything the buyer wrote after the download.")
	case "product_unacceptable", "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED":
		return text.T(ctx, "Pictures of what you sell as your page showed it, and that you offered help.")
	case "duplicate", "DUPLICATE_TRANSACTION":
		return text.T(ctx, "That the two payments were for two orders.")
	case "credit_not_processed", "CREDIT_NOT_PROCESSED":
		return text.T(ctx, "Your refund policy, and why this order is not under it.")
	}
	return text.T(ctx, "That the buyer used what they bought, and letters from the address of the order.")
}
