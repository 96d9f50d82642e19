package builder

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	views "vitrine/views/builder"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// addSheet is the choice of what to add.
func (h *Handler) addSheet(c echo.Context) error {
	ctx := c.Request().Context()
	after, err := optional(c.QueryParam("after"))
	if err != nil {
		return err
	}
	all, err := h.Service.Blocks(ctx, h.Service.DB, who(c))
	if err != nil {
		return err
	}
	if after.IsZero() && len(all) > 0 { // from the dock: at the end
		after = all[len(all)-1].ID
	}
	p := views.AddProps{Page: !web.IsFragment(c), Fresh: id.New[id.BlockKind]().String()}
	if !after.IsZero() {
		p.After = after.String()
	}
	headers := 0
	for _, b := range all {
		if b.Kind == Header {
			headers++
		}
	}
	for _, k := range Kinds {
		if k != Header || headers == 0 {
			p.Kinds = append(p.Kinds, kindProps(ctx, k))
		}
	}
	return h.sheet(c, text.T(ctx, "Add"), views.Add(p))
}

func (h *Handler) sheet(c echo.Context, title string, main component) error {
	return web.Page(c, http.StatusOK, layout.Page{Title: title, Section: "window", Back: "/app/window", Shell: layout.Creator, NoIndex: true}, main)
}

func (h *Handler) add(c echo.Context) error {
	fresh, err := optional(web.Text(c, "id"))
	if err != nil {
		return err
	}
	after, err := optional(web.Text(c, "after"))
	if err != nil {
		return err
	}
	b, err := h.Service.Add(c.Request().Context(), who(c), fresh, Kind(web.Text(c, "kind")), after)
	return h.done(c, err, scene{open: b.ID, focus: true, sentence: text.T(c.Request().Context(), "Added.")}, windowURL(b.ID))
}

// placeSheet is the list of places that a block can move to.
func (h *Handler) placeSheet(c echo.Context) error {
	ctx := c.Request().Context()
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	d, err := h.Service.Draft(ctx, who(c))
	if err != nil {
		return err
	}
	p := views.PlaceProps{ID: bid.String(), Page: !web.IsFragment(c)}
	for i, b := range d.Blocks {
		p.Names = append(p.Names, d.called(ctx, b.Kind, b.Props))
		if b.ID == bid {
			p.Now, p.Name = i+1, p.Names[i]
		}
	}
	if p.Now == 0 {
		return errNoBlock
	}
	return h.sheet(c, text.T(ctx, "Move"), views.Place(p))
}

// moveAfter is what dragging and the keys send: a block and the one it now stands after.
func (h *Handler) moveAfter(c echo.Context) error {
	bid, err := id.Parse[id.BlockKind](web.Text(c, "id"))
	if err != nil {
		return errNoBlock
	}
	after, err := optional(web.Text(c, "after"))
	if err != nil {
		return err
	}
	open, _ := optional(web.Text(c, "open"))
	err = h.Service.Move(c.Request().Context(), who(c), bid, after)
	return h.done(c, err, scene{open: open}, windowURL(open))
}

// move takes "up", "down" or a place counted from 1.
func (h *Handler) move(c echo.Context) error {
	ctx := c.Request().Context()
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	open, _ := optional(web.Text(c, "open"))
	var moved bool
	var now, of int
	switch to := web.Text(c, "to"); to {
	case "up":
		moved, now, of, err = h.Service.MoveBy(ctx, who(c), bid, -1)
	case "down":
		moved, now, of, err = h.Service.MoveBy(ctx, who(c), bid, 1)
	default:
		n, bad := strconv.Atoi(to)
		if bad != nil {
			return errs.New(errs.Invalid, "Say where the block goes: up, down or a number.")
		}
		moved, now, of, err = h.Service.MoveTo(ctx, who(c), bid, n)
	}
	if err == nil && !moved && web.IsFragment(c) {
		return c.NoContent(http.StatusNoContent)
	}
	sc := scene{open: open}
	if err == nil {
		name, err := h.name(c, bid)
		if err != nil {
			return err
		}
		sc.sentence = text.T(ctx, "%s, position %d of %d", name, now, of)
	}
	return h.done(c, err, sc, windowURL(open))
}

// name is what a block is called in sentences.
func (h *Handler) name(c echo.Context, bid id.Block) (string, error) {
	ctx := c.Request().Context()
	r, err := findBlock(ctx, h.Service.DB, who(c), bid)
	if err != nil {
		return "", err
	}
	b, err := r.block()
	if err != nil {
		return "", err
	}
	d := Draft{}
	if ids := b.Props.products(); len(ids) > 0 {
		g, err := h.Service.goodsOf(ctx, h.Service.DB, who(c).Shop, Content{Blocks: []Part{b.part()}})
		if err != nil {
			return "", err
		}
		d.Offers = g.offers
	}
	return d.called(ctx, b.Kind, b.Props), nil
}

func (h *Handler) copy(c echo.Context) error {
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	fresh, err := id.Parse[id.BlockKind](web.Text(c, "fresh"))
	if err != nil {
		return errs.New(errs.Invalid, "Choose what to add.")
	}
	b, err := h.Service.Duplicate(c.Request().Context(), who(c), bid, fresh)
	open := b.ID
	if err != nil {
		open = bid
	}
	return h.done(c, err, scene{open: open, focus: true, sentence: text.T(c.Request().Context(), "Copied.")}, windowURL(open))
}

func (h *Handler) hide(c echo.Context) error { return h.setHidden(c, true) }
func (h *Handler) show(c echo.Context) error { return h.setHidden(c, false) }

func (h *Handler) setHidden(c echo.Context, hidden bool) error {
	ctx := c.Request().Context()
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	open, _ := optional(web.Text(c, "open"))
	sentence := text.T(ctx, "Shown to visitors.")
	if hidden {
		sentence = text.T(ctx, "Hidden from visitors.")
	}
	err = h.Service.Hide(ctx, who(c), bid, hidden)
	return h.done(c, err, scene{open: open, sentence: sentence}, windowURL(open))
}

// remove asks nothing and can be undone: by the toast, or by a button on the next page.
func (h *Handler) remove(c echo.Context) error {
	ctx := c.Request().Context()
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	name, err := h.name(c, bid)
	if err != nil {
		return err
	}
	sentence := text.T(ctx, "Removed: %s", name)
	if err = h.Service.Remove(ctx, who(c), bid); err == nil {
		web.Toast(c, sentence, "/app/window/blocks/"+bid.String()+"/restore")
	}
	return h.done(c, err, scene{sentence: sentence}, "/app/window?removed="+bid.String())
}

func (h *Handler) restore(c echo.Context) error {
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	err = h.Service.Restore(c.Request().Context(), who(c), bid)
	return h.done(c, err, scene{sentence: text.T(c.Request().Context(), "Back again.")}, windowURL(bid))
}
