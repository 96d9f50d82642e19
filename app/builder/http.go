package builder

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/live"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	views "vitrine/views/builder"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// Handler is the window as its creator edits it. Every write works as a plain form; with htmx the answer is the
// list of blocks, or nothing but what stands around the text that is being typed.
type Handler struct {
	Service *Service
	Front   *Front    // draws the preview
	Hub     *live.Hub // tells other devices
}

func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app/window", web.Creator)
	g.GET("", h.window)
	g.GET("/blocks", h.list)
	g.POST("/blocks", h.add)
	g.GET("/add", h.addSheet)
	g.POST("/blocks/:id", h.edit)
	g.PATCH("/blocks/:id", h.edit)
	g.GET("/blocks/:id/place", h.placeSheet)
	h.pictureRoutes(g)
	g.POST("/move", h.moveAfter)
	g.POST("/blocks/:id/move", h.move)
	g.POST("/blocks/:id/copy", h.copy)
	g.POST("/blocks/:id/hide", h.hide)
	g.POST("/blocks/:id/show", h.show)
	g.POST("/blocks/:id/remove", h.remove)
	g.POST("/blocks/:id/restore", h.restore)
	g.GET("/blocks/:id/hours", h.hoursSheet)
	g.POST("/blocks/:id/hours", h.setHours)
	g.POST("/undo", h.undo)
	g.POST("/redo", h.redo)
	g.GET("/versions", h.drafts)
	g.GET("/versions/:draft", h.toDraft)
	g.POST("/versions/:draft/return", h.bringBack)
	g.GET("/live", h.stream)
	g.GET("/live/now", h.now)
	g.GET("/publish", h.review)
	g.POST("/publish", h.publish)
	g.POST("/publish/undo", h.takeBack)
	g.POST("/unpublish", h.unpublish)
	g.GET("/theme", h.theme)
	g.POST("/theme", h.setTheme)
	g.GET("/theme.css", h.themeCSS)
	g.GET("/theme/css", h.css)
	g.POST("/theme/css", h.setCSS)
	g.GET("/preview", h.toPreview)
}

func who(c echo.Context) storefronts.Who {
	p := web.Who(c)
	return storefronts.Who{User: p.ID, Shop: p.Shop}
}

// blockID reads the block of the address; what is no id is simply not there.
func blockID(c echo.Context) (id.Block, error) {
	b, err := id.Parse[id.BlockKind](c.Param("id"))
	if err != nil {
		return b, errNoBlock
	}
	return b, nil
}

// optional reads an id that may be missing.
func optional(s string) (id.Block, error) {
	if s == "" {
		return id.Block{}, nil
	}
	b, err := id.Parse[id.BlockKind](s)
	if err != nil {
		return b, errNoBlock
	}
	return b, nil
}

// scene is what a person sees of the draft at one moment.
type scene struct {
	open     id.Block // the block that is being edited
	focus    bool     // its first field takes the focus
	typed    *Props   // what its form holds, if it was not saved
	bv       int      // the version that the form was drawn from, if it was not saved
	errors   map[string]string
	stale    *Stale
	removed  id.Block // offer to bring it back
	refused  string
	saved    bool
	sentence string // spoken to those who do not see
}

func (h *Handler) window(c echo.Context) error {
	open, err := optional(c.QueryParam("b"))
	if err != nil {
		return web.SeeOther(c, "/app/window")
	}
	removed, _ := optional(c.QueryParam("removed"))
	return h.page(c, http.StatusOK, scene{open: open, focus: true, removed: removed})
}

// page answers with the whole window.
func (h *Handler) page(c echo.Context, status int, sc scene) error {
	ctx := c.Request().Context()
	d, err := h.Service.Draft(ctx, who(c))
	if err != nil {
		return err
	}
	p := h.present(c, d, sc)
	if !sc.removed.IsZero() {
		if r, err := findBlock(ctx, h.Service.DB, who(c), sc.removed); err == nil && r.Removed {
			b, err := r.block()
			if err != nil {
				return err
			}
			p.Removed = &views.RemovedProps{ID: b.ID.String(), Name: d.called(ctx, b.Kind, b.Props)}
		}
	}
	page := layout.Page{Title: text.T(ctx, "Window"), Section: "window", Back: "/app/today", Shell: layout.Creator, NoIndex: true, Builder: true, Bar: views.Bar(p.State, p.History)}
	return web.Page(c, status, page, views.Window(p))
}

// list is the blocks alone, with another one opened or none.
func (h *Handler) list(c echo.Context) error {
	open, err := optional(c.QueryParam("b"))
	if err != nil {
		return err
	}
	if !web.IsFragment(c) {
		return web.SeeOther(c, windowURL(open))
	}
	return h.blocks(c, http.StatusOK, scene{open: open, focus: true})
}

func windowURL(open id.Block) string {
	if open.IsZero() {
		return "/app/window"
	}
	return "/app/window?b=" + open.String() + "#blk-" + open.String()
}

// blocks answers a change of structure: the list in its true order and what stands around it.
func (h *Handler) blocks(c echo.Context, status int, sc scene) error {
	d, err := h.Service.Draft(c.Request().Context(), who(c))
	if err != nil {
		return err
	}
	p := h.present(c, d, sc)
	p.Dock.OOB, p.State.OOB, p.History.OOB = true, true, true
	parts := []templ.Component{views.Blocks(p.Blocks), views.Dock(p.Dock), views.SaveState(p.State), views.PublishCount(p.State), views.HistoryBar(p.History)}
	if sc.sentence != "" {
		parts = append(parts, views.Say(sc.sentence))
	}
	return web.Fragment(c, status, parts...)
}

// done answers a change of structure in both browsers.
func (h *Handler) done(c echo.Context, err error, sc scene, back string) error {
	if errs.Is(err, errs.Conflict) {
		sc.refused = web.Sentence(c, err)
		if web.IsFragment(c) {
			web.Toast(c, sc.refused, "")
			return h.blocks(c, http.StatusConflict, sc)
		}
		return h.page(c, http.StatusConflict, sc)
	}
	if err != nil {
		return err
	}
	if !web.IsFragment(c) {
		return web.SeeOther(c, back)
	}
	sc.saved = true
	return h.blocks(c, http.StatusOK, sc)
}

// edit writes what an open block says. The form is not sent back: the answer is only what stands around the
// fields, so that what is being typed and the caret are never touched.
func (h *Handler) edit(c echo.Context) error {
	ctx := c.Request().Context()
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	have, err := h.Service.Block(ctx, h.Service.DB, who(c), bid)
	if err != nil {
		return err
	}
	in := readProps(c, have.Kind)
	bv, _ := strconv.Atoi(web.Text(c, "bv"))
	keep := web.Text(c, "keep") == "mine"
	out, err := h.Service.Edit(ctx, who(c), bid, bv, in)
	var stale *Stale
	switch {
	case errors.As(err, &stale):
		return h.notSaved(c, http.StatusConflict, have, scene{open: bid, typed: &in, bv: bv, stale: stale})
	case errs.Is(err, errs.Invalid):
		return h.notSaved(c, http.StatusUnprocessableEntity, have, scene{open: bid, typed: &in, bv: bv, errors: web.FieldMessages(c, err)})
	case err != nil:
		return err
	case !web.IsFragment(c):
		return web.SeeOther(c, windowURL(bid))
	case keep:
		return h.blocks(c, http.StatusOK, scene{open: bid, saved: true})
	case !out.Changed && bv == out.Block.V && web.Text(c, "faulty") == "":
		return c.NoContent(http.StatusNoContent)
	}
	return h.around(c, http.StatusOK, out.Block, scene{open: bid, saved: true})
}

// notSaved says why, beside the text that stays as it was typed.
func (h *Handler) notSaved(c echo.Context, status int, b Block, sc scene) error {
	if !web.IsFragment(c) {
		return h.page(c, status, sc)
	}
	c.Response().Header().Set("HX-Reswap", "none")
	return h.around(c, status, b, sc)
}

// around is what stands around the fields of an open block, all of it out of band.
func (h *Handler) around(c echo.Context, status int, b Block, sc scene) error {
	d, err := h.Service.Draft(c.Request().Context(), who(c))
	if err != nil {
		return err
	}
	p := h.present(c, d, sc)
	p.State.OOB, p.History.OOB = true, true
	parts := []templ.Component{views.SaveState(p.State), views.PublishCount(p.State), views.HistoryBar(p.History)}
	for _, vb := range p.Blocks {
		if vb.ID == b.ID.String() {
			parts = append(parts, views.Faults(vb, true), views.Conflict(vb, true))
			if status == http.StatusOK {
				parts = append(parts, views.Version(vb.ID, vb.Form.V, true))
			}
		}
	}
	return web.Fragment(c, status, parts...)
}

// readProps reads the form of a block.
func readProps(c echo.Context, k Kind) Props {
	var p Props
	for _, in := range kinds[k].asks {
		in.read(func(name string) string { return web.Text(c, name) }, &p)
	}
	return p
}
