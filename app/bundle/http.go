package bundle

import (
	"mime"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	views "vitrine/views/bundle"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// Handler is how a creator takes a shop away and brings one in. All of it works without a script; with one, large
// archives are sent in parts.
type Handler struct{ Service *Service }

func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app/settings/archive", web.Creator)
	g.GET("", h.show)
	g.GET("/shop.zip", h.download, web.Limit("archive", web.Rate{N: 20, Per: time.Hour}))
	g.POST("", h.bring, web.Limit("archive-in", web.Rate{N: 20, Per: time.Hour}))
	g.GET("/:id", h.arrival)
}

const at = "/app/settings/archive"

func who(c echo.Context) Who {
	p := web.Who(c)
	return storefronts.Who{User: p.ID, Shop: p.Shop}
}

func (h *Handler) show(c echo.Context) error {
	return h.page(c, http.StatusOK, "")
}

func (h *Handler) page(c echo.Context, status int, fault string) error {
	ctx := c.Request().Context()
	all, err := h.Service.Read(ctx, who(c))
	if err != nil {
		return err
	}
	p := views.ArchiveProps{ID: id.New[id.ArrivalKind]().String(), Blocks: len(all.Page.Draft), Products: len(all.Products), Files: len(all.Files), Members: len(all.Members), Fault: fault}
	for _, f := range all.Files {
		p.Bytes += f.Bytes
	}
	return web.Page(c, status, h.frame(c, text.T(ctx, "Take everything with you")), views.Archive(p))
}

func (h *Handler) frame(c echo.Context, title string) layout.Page {
	return layout.Page{Title: title, Section: "you", Back: "/app/settings/shop", Shell: layout.Creator, NoIndex: true, Upload: true}
}

// download sends the archive as it is made. What goes wrong on the way cannot be said any more: the file then lacks
// its end, and no instance opens it.
func (h *Handler) download(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := h.Service.Read(ctx, who(c))
	if err != nil {
		return err
	}
	name := all.Shop.Slug + "-" + h.Service.DB.Now().Format(time.DateOnly) + ".vitrine.zip"
	hd := c.Response().Header()
	hd.Set("Content-Type", "application/zip")
	hd.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	c.Response().WriteHeader(http.StatusOK)
	if err := h.Service.Pack(ctx, all, c.Response()); err != nil {
		panic(http.ErrAbortHandler) // the browser sees a download that broke off, not a short one that ended
	}
	return nil
}

// bring takes an archive: as the id of an upload, or with the form.
func (h *Handler) bring(c echo.Context) error {
	ctx := c.Request().Context()
	sent, err := files.ReadForm(c)
	if err != nil {
		return err
	}
	defer files.CloseAll(sent)
	n, err := id.Parse[id.ArrivalKind](web.Text(c, "id"))
	if err != nil {
		n = id.New[id.ArrivalKind]()
	}
	archive, _ := id.Parse[id.FileKind](web.Text(c, "archive"))
	for _, x := range sent {
		if archive.IsZero() && x.Name != "" {
			f, err := h.Service.Files.StoreSent(ctx, web.Who(c).ID, files.ForProduct, x)
			if err != nil {
				return h.refused(c, err)
			}
			archive = f.ID
		}
	}
	if archive.IsZero() {
		return h.refused(c, bad("Choose the archive of a shop first."))
	}
	if err := h.Service.Begin(ctx, who(c), n, archive, web.Checked(c, "show")); err != nil {
		return h.refused(c, err)
	}
	return web.SeeOther(c, at+"/"+n.String())
}

func (h *Handler) refused(c echo.Context, err error) error {
	if k := errs.KindOf(err); k != errs.Invalid && k != errs.TooLarge {
		return err
	}
	return h.page(c, http.StatusUnprocessableEntity, web.Sentence(c, err))
}

func (h *Handler) arrival(c echo.Context) error {
	ctx := c.Request().Context()
	n, err := id.Parse[id.ArrivalKind](c.Param("id"))
	if err != nil {
		return errNoArrival
	}
	a, err := h.Service.Find(ctx, who(c), n)
	if err != nil {
		return err
	}
	p := views.ArrivalProps{ID: n.String(), Failure: a.Failure, From: a.Report.From, Ours: a.Report.Ours, Shown: a.Report.Shown}
	if a.State == There {
		p.Lines = []string{text.N(ctx, a.Report.Blocks, "%d block", "%d blocks"), text.N(ctx, a.Report.Products, "%d product", "%d products"), text.N(ctx, a.Report.Files, "%d file", "%d files"),
			text.N(ctx, a.Report.Members, "%d person in your audience", "%d people in your audience")}
		if a.Report.Known > 0 {
			p.Lines = append(p.Lines, text.N(ctx, a.Report.Known, "%d person was there already", "%d people were there already"))
		}
	}
	page := h.frame(c, text.T(ctx, "Bring a shop in"))
	if a.State == Waiting {
		p.Waiting = true
		c.Response().Header().Set("Refresh", "2")
	}
	return web.Page(c, http.StatusOK, page, views.Arrival(p))
}
