package products

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/products"
	"vitrine/views/text"
)

// Handler is the creator's pages of products.
type Handler struct {
	Service *Service
	ShopURL string // the shop host
}

// Routes of the creator's products.
func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app/products", web.Creator)
	g.GET("", h.index)
	g.GET("/new", h.fresh)
	g.GET("/quote", h.quote)
	g.GET("/files/:file", h.fileState)
	g.GET("/covers/:file", h.coverState)
	g.POST("", h.create)
	g.GET("/:id", h.show)
	g.POST("/:id", h.save)
	g.POST("/:id/archive", h.archive)
	g.POST("/:id/restoration", h.restore)
}

func whoOf(c echo.Context) Who {
	p := web.Who(c)
	return Who{User: p.ID, Shop: p.Shop, Currency: money.Currency(p.Currency)}
}

func param(c echo.Context) (id.Product, error) {
	p, err := id.Parse[id.ProductKind](c.Param("id"))
	if err != nil {
		return p, errNotFound
	}
	return p, nil
}

func page(c echo.Context, status int, title string, main templ.Component) error {
	p := layout.Page{Title: title, Section: "products", Back: "/app/products", Upload: true, NoIndex: true, Shell: layout.Creator, Bar: products.SaveTop()}
	return web.Page(c, status, p, main)
}

func (h *Handler) index(c echo.Context) error {
	archived := c.QueryParam("archived") != ""
	before, err := id.Parse[id.ProductKind](c.QueryParam("before"))
	if err != nil {
		before = id.Product{}
	}
	ps, more, err := h.Service.List(c.Request().Context(), whoOf(c), archived, before)
	if err != nil {
		return err
	}
	l := presentList(c, ps, archived, more)
	p := layout.Page{Title: text.T(c.Request().Context(), "Products"), Section: "products", NoIndex: true, Shell: layout.Creator}
	if archived {
		p.Back = "/app/products"
	}
	return web.Page(c, http.StatusOK, p, products.Index(l))
}

func (h *Handler) fresh(c echo.Context) error {
	v, err := h.present(c, Product{Left: Unlimited}, Input{}, nil)
	if err != nil {
		return err
	}
	return page(c, http.StatusOK, text.T(c.Request().Context(), "New product"), products.Form(v))
}

func (h *Handler) show(c echo.Context) error {
	i, err := param(c)
	if err != nil {
		return err
	}
	p, err := h.Service.Get(c.Request().Context(), whoOf(c), i)
	if err != nil {
		return err
	}
	v, err := h.present(c, p, inputOf(p), nil)
	if err != nil {
		return err
	}
	if p.Archived {
		l := layout.Page{Title: p.Name, Section: "products", Back: "/app/products", NoIndex: true, Shell: layout.Creator}
		return web.Page(c, http.StatusOK, l, products.Archived(v))
	}
	return page(c, http.StatusOK, p.Name, products.Form(v))
}

func (h *Handler) quote(c echo.Context) error {
	q, err := h.presentQuote(c, whoOf(c).Currency, c.QueryParam("price"))
	if err != nil {
		return err
	}
	return web.Fragment(c, http.StatusOK, products.Quote(q))
}

func (h *Handler) fileState(c echo.Context) error {
	f, err := h.file(c)
	if err != nil {
		return err
	}
	return web.Fragment(c, http.StatusOK, products.FileState(fileRowOf(c.Request().Context(), f)))
}

func (h *Handler) coverState(c echo.Context) error {
	f, err := h.file(c)
	if err != nil {
		return err
	}
	v, err := h.presentCover(c.Request().Context(), f, "")
	if err != nil {
		return err
	}
	return web.Fragment(c, http.StatusOK, products.CoverShow(v))
}

func (h *Handler) file(c echo.Context) (files.File, error) {
	i, err := id.Parse[id.FileKind](c.Param("file"))
	if err != nil {
		return files.File{}, errNotFound
	}
	return h.Service.Files.Get(c.Request().Context(), web.Who(c).ID, i)
}

// typed is a form as it came, and what its button asks for.
type typed struct {
	Input
	do      string
	version int
	errors  map[string]string // about files that came with the form
}

// read takes the form with the files that came with it. They are stored before anything else is looked at, so
// that a mistake elsewhere does not cost a second upload.
func (h *Handler) read(c echo.Context, active bool) (t typed, err error) {
	sent, err := files.ReadForm(c)
	if err != nil {
		return t, err
	}
	defer files.CloseAll(sent)
	t.Input = Input{
		Name: web.Text(c, "name"), Slug: web.Text(c, "slug"), Summary: web.Text(c, "summary"), Description: web.Text(c, "description"),
		Price: web.Text(c, "price"), Limited: web.Checked(c, "limited"), Left: web.Text(c, "left"), LeftWas: web.Text(c, "left_was"),
		Cover: web.Text(c, "cover"), CoverAlt: web.Text(c, "cover_alt"), Files: slices.Clone(c.Request().PostForm["files"]),
	}
	t.do, t.errors = web.Text(c, "do"), map[string]string{}
	t.version, _ = strconv.Atoi(web.Text(c, "v")) // 0 fits no product
	t.Active = t.do == "active" || t.do != "draft" && active
	ctx, who := c.Request().Context(), web.Who(c).ID
	for _, x := range sent {
		field, purpose := "files", files.ForProduct
		if x.Field == "cover_upload" {
			field, purpose = "cover", files.ForImage
		} else if x.Field != "upload" {
			continue
		}
		if err := web.Check(c, "upload", who.String(), web.Rate{N: 300, Per: time.Hour}); err != nil {
			return t, err
		}
		f, err := h.Service.Files.StoreSent(ctx, who, purpose, x)
		switch {
		case err != nil && errs.KindOf(err) == errs.Internal:
			return t, err
		case err != nil:
			t.errors[field] = web.Sentence(c, err)
		case field == "cover":
			t.Cover = f.ID.String()
		default:
			t.Files = append(t.Files, f.ID.String())
		}
	}
	return t, nil
}

// rearrange does what the small buttons of the form ask for, without saving; false when it was another button.
func (t *typed) rearrange() bool {
	verb, file, _ := strings.Cut(t.do, ":")
	i := slices.Index(t.Files, file)
	switch verb {
	case "up":
		if i > 0 {
			t.Files[i-1], t.Files[i] = t.Files[i], t.Files[i-1]
		}
	case "down":
		if i >= 0 && i < len(t.Files)-1 {
			t.Files[i], t.Files[i+1] = t.Files[i+1], t.Files[i]
		}
	case "remove":
		if i >= 0 {
			t.Files = slices.Delete(t.Files, i, i+1)
		}
	case "remove-cover":
		t.Cover = ""
	default:
		return false
	}
	return true
}

func (h *Handler) create(c echo.Context) error {
	t, err := h.read(c, false)
	if err != nil {
		return err
	}
	blank := Product{Left: Unlimited}
	if t.rearrange() {
		return h.draw(c, http.StatusOK, blank, t, nil)
	}
	if len(t.errors) > 0 {
		return h.draw(c, http.StatusUnprocessableEntity, blank, t, nil)
	}
	p, err := h.Service.Create(c.Request().Context(), whoOf(c), t.Input)
	if expected(err) {
		return h.draw(c, web.Status(err), blank, t, err)
	}
	if err != nil {
		return err
	}
	web.Flash(c, savedSentence(c, p))
	return web.SeeOther(c, "/app/products/"+p.ID.String())
}

func (h *Handler) save(c echo.Context) error {
	i, err := param(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), whoOf(c)
	now, err := h.Service.Get(ctx, who, i) // before the files are read: others' products get nothing
	if err != nil {
		return err
	}
	t, err := h.read(c, now.Active)
	if err != nil {
		return err
	}
	if t.rearrange() {
		return h.draw(c, http.StatusOK, now, t, nil)
	}
	if len(t.errors) > 0 {
		return h.draw(c, http.StatusUnprocessableEntity, now, t, nil)
	}
	p, err := h.Service.Save(ctx, who, i, t.version, t.Input)
	if theirs, ok := IsStale(err); ok {
		t.version = theirs.Version
		return h.draw(c, http.StatusConflict, theirs, t, err)
	}
	if expected(err) {
		return h.draw(c, web.Status(err), now, t, err)
	}
	if err != nil {
		return err
	}
	if web.IsFragment(c) {
		v, err := h.present(c, p, inputOf(p), nil)
		if err != nil {
			return err
		}
		web.Toast(c, savedSentence(c, p), "")
		return web.Fragment(c, http.StatusOK, products.Form(v))
	}
	web.Flash(c, savedSentence(c, p))
	return web.SeeOther(c, "/app/products/"+i.String())
}

// expected are refusals that the form itself explains.
func expected(err error) bool {
	k := errs.KindOf(err)
	return k == errs.Invalid || k == errs.Conflict
}

// draw shows the form again with everything that was typed.
func (h *Handler) draw(c echo.Context, status int, now Product, t typed, err error) error {
	v, perr := h.present(c, now, t.Input, err)
	if perr != nil {
		return perr
	}
	v.Version = strconv.Itoa(t.version)
	v.Dirty = status == http.StatusOK
	for k, m := range t.errors {
		v.Errors[k] = m
	}
	return page(c, status, v.Title, products.Form(v))
}

func savedSentence(c echo.Context, p Product) string {
	ctx := c.Request().Context()
	if p.Active {
		return text.T(ctx, "Saved. “%s” is on sale.", p.Name)
	}
	return text.T(ctx, "Saved as a draft.")
}

func (h *Handler) archive(c echo.Context) error {
	i, err := param(c)
	if err != nil {
		return err
	}
	if err := h.Service.Archive(c.Request().Context(), whoOf(c), i); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "Archived. Buyers keep what they bought."))
	return web.SeeOther(c, "/app/products")
}

func (h *Handler) restore(c echo.Context) error {
	i, err := param(c)
	if err != nil {
		return err
	}
	if err := h.Service.Restore(c.Request().Context(), whoOf(c), i); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "It is back as a draft."))
	return web.SeeOther(c, "/app/products/"+i.String())
}
