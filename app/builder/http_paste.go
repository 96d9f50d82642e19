package builder

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/web"
	views "vitrine/views/builder"
	"vitrine/views/text"
)

// paste adds the block that fits an address or a sentence best. What cannot be taken stays in its field.
func (h *Handler) paste(c echo.Context) error {
	ctx := c.Request().Context()
	if err := web.Check(c, "paste", who(c).User.String(), web.Rate{N: 120, Per: time.Hour}); err != nil {
		return err
	}
	fresh, err := optional(web.Text(c, "id"))
	if err != nil {
		return err
	}
	after, err := optional(web.Text(c, "after"))
	if err != nil {
		return err
	}
	if fresh.IsZero() {
		return errs.New(errs.Invalid, "Choose what to add.")
	}
	b, err := h.Service.Paste(ctx, who(c), fresh, web.Text(c, "pasted"), after)
	if errs.Is(err, errs.Invalid) {
		return h.notPasted(c, err)
	}
	return h.done(c, err, scene{open: b.ID, focus: true, sentence: text.T(ctx, "Added.")}, windowURL(b.ID))
}

func (h *Handler) notPasted(c echo.Context, err error) error {
	sentence := web.Sentence(c, err)
	for _, m := range web.FieldMessages(c, err) {
		sentence = m
	}
	if web.IsFragment(c) {
		c.Response().Header().Set("HX-Reswap", "none")
		return web.Fragment(c, http.StatusUnprocessableEntity, views.PasteFault(sentence, true))
	}
	return h.page(c, http.StatusUnprocessableEntity, scene{refused: sentence})
}
