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

// Routes registers the webhooks, one inbox behind all of them. Who calls is known by the signature.
func (h *Handler) Routes(r *web.Router) {
	signed := web.CrossOrigin("signed by the provider")
	for _, p := range h.Inbox.Providers {
		r.On(web.App, "/webhooks", web.Signed).POST("/"+p.Name(), h.receive(p.Name()), signed)
	}
	if len(h.Inbox.Providers) > 0 {
		r.On(web.App, "/api/v1/payment", web.Signed).POST("/webhook", h.receive(h.Inbox.Providers[0].Name()), signed)
	}
}

// receive answers 200 as soon as the event is safe with us.
func (h *Handler) receive(provider string) echo.HandlerFunc {
	return func(c echo.Context) error { return h.take(c, provider) }
}

func (h *Handler) take(c echo.Context, provider string) error {
	ctx := c.Request().Context()
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return c.String(http.StatusRequestEntityTooLarge, "too large\n")
	case err != nil:
		return c.String(http.StatusBadRequest, "unreadable\n")
	}
	err = h.Inbox.Receive(ctx, provider, body, c.Request().Header)
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
