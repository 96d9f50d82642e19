package payments

import (
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"vitrine/app/web"
)

// Handler takes webhooks in.
type Handler struct{ Inbox *Inbox }

// maxBody is far above any event of Stripe's.
const maxBody = 256 << 10

// Routes registers the webhook. Who calls it is known by the signature.
func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/webhooks", web.Signed)
	g.POST("/stripe", h.Stripe, web.CrossOrigin("signed by the provider"))
}

// Stripe answers 200 as soon as the event is safe with us.
func (h *Handler) Stripe(c echo.Context) error {
	ctx := c.Request().Context()
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return c.String(http.StatusRequestEntityTooLarge, "too large\n")
	case err != nil:
		return c.String(http.StatusBadRequest, "unreadable\n")
	}
	err = h.Inbox.Receive(ctx, body, c.Request().Header.Get("Stripe-Signature"))
	switch {
	case err == nil:
		return c.String(http.StatusOK, "received\n")
	case errors.Is(err, ErrSignature), errors.Is(err, ErrEvent):
		slog.WarnContext(ctx, "webhook refused", "request", web.RequestID(c), "err", err)
		return c.String(http.StatusBadRequest, "refused\n")
	}
	slog.ErrorContext(ctx, "webhook not stored", "request", web.RequestID(c), "err", err)
	return c.String(http.StatusServiceUnavailable, "try again\n")
}
