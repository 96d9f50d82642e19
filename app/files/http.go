package files

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
)

// Handler answers the upload island and serves pictures.
type Handler struct{ Service *Service }

// Routes of uploads, for their creator, and of pictures, for everyone.
func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app/files", web.Creator)
	g.POST("", h.start)
	g.GET("/:id", h.progress)
	g.POST("/:id/parts", h.parts)
	g.POST("/:id/completion", h.complete)
	g.DELETE("/:id", h.abort)

	for _, host := range []web.Host{web.Media, web.Shop} { // a shop's pages need no second connection for their pictures
		m := r.On(host, "/m", web.NoCookie)
		m.GET("/:id/:size", h.picture)
	}
}

// upload is what the island reads of a file.
type upload struct {
	ID       id.File  `json:"id"`
	Name     string   `json:"name"`
	Size     int64    `json:"size"`
	Status   Status   `json:"status"`
	Reason   string   `json:"reason,omitempty"`
	PartSize int64    `json:"partSize"`
	Parts    int      `json:"parts"`
	Have     []int    `json:"have"`
	Picture  *preview `json:"picture,omitempty"`
}

type preview struct {
	URL    string `json:"url"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Color  string `json:"color"`
}

func present(c echo.Context, p Progress) upload {
	f := p.File
	u := upload{ID: f.ID, Name: f.Name, Size: f.Size, Status: f.Status, PartSize: f.PartSize, Parts: f.Parts(), Have: p.Have}
	if u.Have == nil {
		u.Have = []int{}
	}
	if f.Reason != "" {
		u.Reason = web.Sentence(c, errs.New(errs.Invalid, f.Reason))
	}
	return u
}

func (h *Handler) start(c echo.Context) error {
	var in struct {
		Purpose Purpose `json:"purpose"`
		Name    string  `json:"name"`
		Size    int64   `json:"size"`
	}
	if err := read(c, &in); err != nil {
		return fail(c, err)
	}
	who := web.Who(c).ID
	if err := web.Check(c, "upload", who.String(), web.Rate{N: 300, Per: time.Hour}); err != nil {
		return fail(c, err)
	}
	f, err := h.Service.Start(c.Request().Context(), who, in.Purpose, in.Name, in.Size)
	if err != nil {
		return fail(c, err)
	}
	return c.JSON(http.StatusCreated, present(c, Progress{File: f}))
}

func (h *Handler) progress(c echo.Context) error {
	f, err := fileParam(c)
	if err != nil {
		return fail(c, err)
	}
	p, err := h.Service.Progress(c.Request().Context(), web.Who(c).ID, f)
	if err != nil {
		return fail(c, err)
	}
	u := present(c, p)
	if p.File.Purpose == ForImage && p.File.Status == Ready {
		pics, err := h.Service.Pictures(c.Request().Context(), h.Service.db, []id.File{f})
		if err != nil {
			return fail(c, err)
		}
		pic := pics[f]
		u.Picture = &preview{pic.Smallest(360).URL, pic.Width, pic.Height, pic.Color}
	}
	return c.JSON(http.StatusOK, u)
}

func (h *Handler) parts(c echo.Context) error {
	var in struct {
		Numbers []int `json:"numbers"`
	}
	f, err := fileParam(c)
	if err != nil {
		return fail(c, err)
	}
	if err := read(c, &in); err != nil {
		return fail(c, err)
	}
	urls, err := h.Service.PartURLs(c.Request().Context(), web.Who(c).ID, f, in.Numbers)
	if err != nil {
		return fail(c, err)
	}
	type part struct {
		Number int    `json:"number"`
		Size   int64  `json:"size"`
		URL    string `json:"url"`
	}
	out := make([]part, len(urls))
	for i, u := range urls {
		out[i] = part(u)
	}
	return c.JSON(http.StatusOK, map[string]any{"urls": out})
}

func (h *Handler) complete(c echo.Context) error {
	f, err := fileParam(c)
	if err != nil {
		return fail(c, err)
	}
	done, err := h.Service.Complete(c.Request().Context(), web.Who(c).ID, f)
	var m *Missing
	if errors.As(err, &m) {
		return c.JSON(http.StatusConflict, map[string]any{
			"error":   map[string]any{"kind": errs.Conflict, "message": web.Sentence(c, err)},
			"missing": m.Parts,
		})
	}
	if err != nil {
		return fail(c, err)
	}
	return c.JSON(http.StatusAccepted, present(c, Progress{File: done}))
}

func (h *Handler) abort(c echo.Context) error {
	f, err := fileParam(c)
	if err != nil {
		return fail(c, err)
	}
	if err := h.Service.Abort(c.Request().Context(), web.Who(c).ID, f); err != nil {
		return fail(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}

func fileParam(c echo.Context) (id.File, error) {
	f, err := id.Parse[id.FileKind](c.Param("id"))
	if err != nil {
		return f, errNotFound
	}
	return f, nil
}

// read takes a small JSON body with known fields alone.
func read(c echo.Context, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, 16<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errs.Wrap(errs.Invalid, err, "This request could not be read.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errs.New(errs.Invalid, "This request could not be read.")
	}
	return nil
}

// fail answers an expected refusal as JSON; what is broken goes on to be logged.
func fail(c echo.Context, err error) error {
	if status := web.Status(err); status < 500 {
		return web.JSONError(c, status, err)
	}
	return err
}
