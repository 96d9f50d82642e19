package builder

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/web"
	views "vitrine/views/builder"
	"vitrine/views/text"
)

func (h *Handler) pictureRoutes(g *web.Group) {
	g.POST("/paste", h.paste)
	g.POST("/blocks/:id/pictures", h.addPictures)
	g.GET("/blocks/:id/pictures/:file", h.pictureState)
	g.POST("/blocks/:id/pictures/:file", h.arrangePicture)
}

// addPictures takes images with what they show. One that cannot be used does not keep the others out.
func (h *Handler) addPictures(c echo.Context) error {
	ctx := c.Request().Context()
	sent, err := files.ReadForm(c)
	if err != nil {
		return err
	}
	defer files.CloseAll(sent)
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	b, err := h.Service.Block(ctx, h.Service.DB, who(c), bid)
	if err != nil {
		return err
	}
	room := maxPictures(b.Kind)
	if room == 0 {
		return errNoPictures
	}
	if room > 1 {
		room -= len(b.Props.Pictures)
	}
	fresh, faults, err := h.store(c, sent, room)
	if err == nil && len(fresh) > 0 {
		_, err = h.Service.AddPictures(ctx, who(c), bid, fresh)
		if errs.Is(err, errs.Invalid) {
			faults, err = web.FieldMessages(c, err), nil
		}
	}
	if len(faults) == 0 || err != nil {
		return h.done(c, err, scene{open: bid, sentence: text.N(ctx, len(fresh), "Picture added.", "Pictures added.")}, windowURL(bid))
	}
	sc := scene{open: bid, errors: faults}
	if web.IsFragment(c) {
		return h.blocks(c, http.StatusUnprocessableEntity, sc)
	}
	return h.page(c, http.StatusUnprocessableEntity, sc)
}

// store keeps what was sent, up to the room there is. The faults are for the field.
func (h *Handler) store(c echo.Context, sent []files.Sent, room int) (fresh []Picture, faults map[string]string, err error) {
	ctx := c.Request().Context()
	fault := func(sentence string) { faults = map[string]string{"pictures": sentence} }
	alts := c.Request().PostForm["alt"]
	for i, x := range sent {
		if len(fresh) >= room {
			fault(text.T(ctx, "There was no room for all of them. Take a picture out first."))
			break
		}
		if err := web.Check(c, "upload", who(c).User.String(), web.Rate{N: 300, Per: time.Hour}); err != nil {
			return nil, nil, err
		}
		f, err := h.Service.Pictures.StoreSent(ctx, who(c).User, files.ForImage, x)
		if errs.KindOf(err) == errs.Internal && err != nil {
			return nil, nil, err
		}
		if err != nil {
			fault(x.Name + ": " + web.Sentence(c, err))
			continue
		}
		p := Picture{File: f.ID}
		if i < len(alts) {
			p.Alt = alts[i]
		}
		fresh = append(fresh, p)
	}
	if len(sent) == 0 {
		fault(text.T(ctx, "Choose a picture first."))
	}
	return fresh, faults, nil
}

// pictureState is one picture of an open block, which is asked for while its sizes are being made.
func (h *Handler) pictureState(c echo.Context) error {
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	d, err := h.Service.Draft(ctx, who(c))
	if err != nil {
		return err
	}
	for _, b := range d.Blocks {
		if b.ID != bid {
			continue
		}
		for i, p := range b.Props.Pictures {
			if p.File.String() == c.Param("file") {
				if !web.IsFragment(c) {
					return web.SeeOther(c, windowURL(bid))
				}
				return web.Fragment(c, http.StatusOK, views.PictureState(bid.String(), d.picture(ctx, i, p)))
			}
		}
	}
	return errNoPictures
}

// arrangePicture moves a picture among the others or takes it out. Its button belongs to the form of the block, so
// that what was typed is written with it.
func (h *Handler) arrangePicture(c echo.Context) error {
	ctx := c.Request().Context()
	bid, err := blockID(c)
	if err != nil {
		return err
	}
	have, err := h.Service.Block(ctx, h.Service.DB, who(c), bid)
	if err != nil {
		return err
	}
	file, err := id.Parse[id.FileKind](c.Param("file"))
	if err != nil {
		return errNoPictures
	}
	in := readProps(c, have.Kind)
	if !in.arrange(file, web.Text(c, "to")) {
		return errNoPictures
	}
	bv, _ := strconv.Atoi(web.Text(c, "bv"))
	_, err = h.Service.Edit(ctx, who(c), bid, bv, in)
	var stale *Stale
	switch {
	case errors.As(err, &stale):
		return h.notSaved(c, http.StatusConflict, have, scene{open: bid, typed: &in, bv: bv, stale: stale})
	case errs.Is(err, errs.Invalid):
		return h.notSaved(c, http.StatusUnprocessableEntity, have, scene{open: bid, typed: &in, bv: bv, errors: web.FieldMessages(c, err)})
	}
	sentence := text.T(ctx, "Moved.")
	if web.Text(c, "to") == "out" {
		sentence = text.T(ctx, "Taken out.")
	}
	return h.done(c, err, scene{open: bid, sentence: sentence}, windowURL(bid))
}
