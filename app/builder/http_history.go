package builder

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	views "vitrine/views/builder"
	"vitrine/views/layout"
	"vitrine/views/text"
)

func (h *Handler) undo(c echo.Context) error { return h.travel(c, h.Service.Undo, "Undone: %s") }
func (h *Handler) redo(c echo.Context) error { return h.travel(c, h.Service.Redo, "Done again: %s") }

// travel goes one step through the history. The form names the step, so that it is taken once however often it
// is sent.
func (h *Handler) travel(c echo.Context, step func(context.Context, storefronts.Who, int64) (*Op, error), said string) error {
	ctx := c.Request().Context()
	seq, err := strconv.ParseInt(web.Text(c, "seq"), 10, 64)
	if err != nil {
		seq = 0 // there is nothing to undo, as the button says
	}
	open, _ := optional(web.Text(c, "open"))
	op, err := step(ctx, who(c), seq)
	if err == nil && op == nil && web.IsFragment(c) {
		return c.NoContent(http.StatusNoContent)
	}
	sc := scene{open: open}
	if op != nil {
		sc.sentence = text.T(ctx, said, sentence(ctx, op.What))
	}
	return h.done(c, err, sc, windowURL(open))
}

// bar says what can be undone and done again.
func (h *Handler) bar(ctx context.Context, d Draft) views.HistoryProps {
	var p views.HistoryProps
	if op := d.History.Undo; op != nil {
		p.Undo, p.UndoSeq = text.T(ctx, "Undo: %s", sentence(ctx, op.What)), strconv.FormatInt(op.Seq, 10)
	}
	if op := d.History.Redo; op != nil {
		p.Redo, p.RedoSeq = text.T(ctx, "Do again: %s", sentence(ctx, op.What)), strconv.FormatInt(op.Seq, 10)
	}
	return p
}

// drafts are the versions that are kept: what was published, and what stood there before a change.
func (h *Handler) drafts(c echo.Context) error {
	ctx := c.Request().Context()
	kept, err := h.Service.Drafts(ctx, who(c))
	if err != nil {
		return err
	}
	sh, err := h.Service.Shops.Mine(ctx, h.Service.DB, who(c))
	if err != nil {
		return err
	}
	var p views.DraftsProps
	for _, k := range kept {
		v := views.DraftProps{ID: k.ID.String(), At: moment(c, k.CreatedAt), Blocks: k.Blocks}
		if !k.Version.IsZero() {
			v.Published, v.Public = true, k.Version == sh.PublishedVersion
		}
		p.Drafts = append(p.Drafts, v)
	}
	return web.Page(c, http.StatusOK, layout.Page{Title: text.T(ctx, "Versions"), Section: "window", Back: "/app/window", Shell: layout.Creator, NoIndex: true}, views.Drafts(p))
}

// moment is a date with its time in the creator's zone.
func moment(c echo.Context, t time.Time) string {
	return t.In(zone(c)).Format("2 January 2006, 15:04")
}

func zone(c echo.Context) *time.Location {
	if z, err := time.LoadLocation(web.Who(c).TimeZone); err == nil {
		return z
	}
	return time.UTC
}

func draftID(c echo.Context) (id.Draft, error) {
	d, err := id.Parse[id.DraftKind](c.Param("draft"))
	if err != nil {
		return d, errNoDraft
	}
	return d, nil
}

func (h *Handler) bringBack(c echo.Context) error {
	d, err := draftID(c)
	if err != nil {
		return err
	}
	if err := h.Service.BringBack(c.Request().Context(), who(c), d); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "Brought back into your draft. Visitors see it when you publish."))
	return web.SeeOther(c, "/app/window")
}

// hoursSheet asks when a block is shown.
func (h *Handler) hoursSheet(c echo.Context) error {
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	b, err := h.Service.Block(c.Request().Context(), h.Service.DB, who(c), bid)
	if err != nil {
		return err
	}
	return h.hoursPage(c, http.StatusOK, b, typed(b.Hours.From, zone(c)), typed(b.Hours.Until, zone(c)), nil)
}

// wall is how a browser writes a time without a zone.
const wall = "2006-01-02T15:04"

func typed(t time.Time, z *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(z).Format(wall)
}

func (h *Handler) hoursPage(c echo.Context, status int, b Block, from, until string, problems map[string]string) error {
	name, err := h.name(c, b.ID)
	if err != nil {
		return err
	}
	p := views.HoursProps{ID: b.ID.String(), Name: name, From: from, Until: until, Zone: zone(c).String(), Errors: problems, Page: !web.IsFragment(c)}
	if status != http.StatusOK && web.IsFragment(c) {
		c.Response().Header().Set("HX-Retarget", "#sheet")
		c.Response().Header().Set("HX-Reswap", "innerHTML")
	}
	return web.Page(c, status, layout.Page{Title: text.T(c.Request().Context(), "When it is shown"), Section: "window", Back: "/app/window", Shell: layout.Creator, NoIndex: true}, views.Hours(p))
}

func (h *Handler) setHours(c echo.Context) error {
	ctx := c.Request().Context()
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	b, err := h.Service.Block(ctx, h.Service.DB, who(c), bid)
	if err != nil {
		return err
	}
	from, until := strings.TrimSpace(web.Text(c, "from")), strings.TrimSpace(web.Text(c, "until"))
	hours, err := readHours(from, until, zone(c))
	if err == nil {
		err = h.Service.Schedule(ctx, who(c), bid, hours)
	}
	if errs.Is(err, errs.Invalid) {
		return h.hoursPage(c, http.StatusUnprocessableEntity, b, from, until, web.FieldMessages(c, err))
	}
	return h.done(c, err, scene{open: bid, sentence: text.T(ctx, "Times kept.")}, windowURL(bid))
}

func readHours(from, until string, z *time.Location) (Hours, error) {
	var f errs.Form
	read := func(name, s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		t, err := time.ParseInLocation(wall, s, z)
		if err != nil || t.Year() < 2000 || t.Year() > 2200 {
			f.Add(name, "Write a date and a time, like 2026-12-24 18:00.")
		}
		return t.UTC()
	}
	h := Hours{read("from", from), read("until", until)}
	return h, f.Err()
}
