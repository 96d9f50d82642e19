package assist

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/builder"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/live"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	views "vitrine/views/assist"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// Handler is how a creator describes their window and sees it come.
type Handler struct {
	Service *Service
	Hub     *live.Hub
	// Locale is the language that a creator's pages are in, for pages drawn from an event; filled in app.go.
	Locale func(ctx context.Context, creator id.User) string
}

// Routes registers the pages, and the photographs that pages of shops show.
func (h *Handler) Routes(r *web.Router) {
	start := r.On(web.App, "/start/ai", web.Creator)
	start.GET("", h.start)
	start.POST("", h.begin, web.Limit("assist", web.Rate{N: 40, Per: time.Hour}))

	g := r.On(web.App, "/app/window/ai", web.Creator)
	g.GET("", func(c echo.Context) error { return web.SeeOther(c, "/start/ai") })
	g.POST("/bio", h.bio, web.Limit("assist-block", web.Rate{N: 120, Per: time.Hour}))
	g.GET("/:id", h.run)
	g.GET("/:id/live", h.stream)
	g.GET("/:id/live/now", h.now)
	g.POST("/:id/keep", h.keep)
	g.POST("/:id/undo", h.undo)
	g.POST("/:id/again", h.again, web.Limit("assist-block", web.Rate{N: 120, Per: time.Hour}))

	m := r.On(web.Media, "/u", web.NoCookie)
	m.GET("/:id/:size", h.photo)
}

// Live lets open pages show each block as it comes.
func (h *Handler) Live(l *live.Listener) { l.On(Changed, h.redraw) }

func who(c echo.Context) storefronts.Who {
	p := web.Who(c)
	return storefronts.Who{User: p.ID, Shop: p.Shop}
}

// Topic is what the open pages of a run listen to.
func Topic(run id.Run) string { return "assist:" + run.String() }

func (h *Handler) start(c echo.Context) error {
	in := Input{Tone: Tones[0], Anew: true, Pictures: true}
	if from, err := id.Parse[id.RunKind](c.QueryParam("from")); err == nil {
		r, err := h.Service.Run(c.Request().Context(), who(c), from)
		if err == nil {
			in = Input{Sentence: r.Sentence, Tone: r.Tone, Color: r.Color, Language: r.Language, Anew: r.Anew, Pictures: r.Pictures}
		} else if !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return h.startPage(c, http.StatusOK, in, nil, "")
}

func (h *Handler) startPage(c echo.Context, status int, in Input, problems map[string]string, refused string) error {
	ctx := c.Request().Context()
	if in.Key == "" {
		in.Key = id.New[id.RunKind]().String()
	}
	blocks, err := h.Service.Window.Blocks(ctx, h.Service.DB, who(c))
	if err != nil {
		return err
	}
	page := layout.Page{Title: text.T(ctx, "Describe your window"), Section: "window", Back: "/app/window", Shell: layout.Creator, NoIndex: true}
	return web.Page(c, status, page, views.Start(h.presentStart(ctx, in, bare1(blocks), problems, refused)))
}

// bare1 reports whether a window is as a new shop's: nothing but a header that says nothing.
func bare1(blocks []builder.Block) bool {
	return len(blocks) == 0 || len(blocks) == 1 && blocks[0].Kind == builder.Header && blocks[0].Props.Equal(builder.Props{})
}

func (h *Handler) begin(c echo.Context) error {
	in := Input{Key: web.Text(c, "key"), Kind: ForWindow, Sentence: web.Text(c, "sentence"), Tone: web.Text(c, "tone"), Color: web.Text(c, "color"), Language: web.Text(c, "language"),
		Anew: web.Text(c, "anew") != "", Pictures: web.Text(c, "pictures") != ""}
	r, err := h.Service.Start(c.Request().Context(), who(c), in)
	switch {
	case errs.Is(err, errs.Invalid):
		return h.startPage(c, http.StatusUnprocessableEntity, in, web.FieldMessages(c, err), "")
	case errs.Is(err, errs.Conflict):
		return h.startPage(c, http.StatusConflict, in, nil, web.Sentence(c, err))
	case err != nil:
		return err
	}
	return web.SeeOther(c, runURL(r.ID))
}

func runURL(run id.Run) string { return "/app/window/ai/" + run.String() }

func (h *Handler) find(c echo.Context) (Run, error) {
	run, err := id.Parse[id.RunKind](c.Param("id"))
	if err != nil {
		return Run{}, errNoRun
	}
	return h.Service.Run(c.Request().Context(), who(c), run)
}

func (h *Handler) run(c echo.Context) error {
	r, err := h.find(c)
	if err != nil {
		return err
	}
	return h.runPage(c, http.StatusOK, r, "")
}

func (h *Handler) runPage(c echo.Context, status int, r Run, refused string) error {
	ctx := c.Request().Context()
	p, err := h.present(ctx, r)
	if err != nil {
		return err
	}
	p.Refused = refused
	page := layout.Page{Title: text.T(ctx, "Your window"), Section: "window", Back: "/app/window", Shell: layout.Creator, NoIndex: true}
	return web.Page(c, status, page, views.Run(p))
}

// stream stays open until either side leaves. The topic is a run of the creator's own.
func (h *Handler) stream(c echo.Context) error {
	r, err := h.find(c)
	if err != nil {
		return err
	}
	h.Hub.Serve(c.Response(), c.Request(), live.Reader{Owner: web.SessionKey(c), Topics: []string{Topic(r.ID)}})
	return nil
}

// now is what the stream would say, for a page that has come back.
func (h *Handler) now(c echo.Context) error {
	r, err := h.find(c)
	if err != nil {
		return err
	}
	p, err := h.present(c.Request().Context(), r)
	if err != nil {
		return err
	}
	return web.Fragment(c, http.StatusOK, views.Progress(p))
}

func (h *Handler) redraw(ctx context.Context, subject string) {
	run, err := id.Parse[id.RunKind](subject)
	if err != nil || !h.Hub.Listening(Topic(run)) {
		return
	}
	err = h.publish(ctx, run)
	if err != nil {
		slog.WarnContext(ctx, "redraw a run", "run", subject, "err", err)
	}
}

func (h *Handler) publish(ctx context.Context, run id.Run) error {
	var r Run
	if err := h.Service.DB.Get(ctx, &r, `SELECT * FROM assist_runs WHERE id = $1`, run); err != nil {
		return err
	}
	ctx = text.With(ctx, h.Locale(ctx, r.Creator))
	p, err := h.present(ctx, r)
	if err != nil {
		return err
	}
	_, err = h.Hub.Publish(ctx, Topic(run), "part", views.Progress(p))
	return err
}

func (h *Handler) keep(c echo.Context) error {
	r, err := h.find(c)
	if err != nil {
		return err
	}
	if err := h.Service.Keep(c.Request().Context(), who(c), r.ID); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "Kept as your draft. Publish it when you are ready."))
	return web.SeeOther(c, "/app/window")
}

func (h *Handler) undo(c echo.Context) error {
	r, err := h.find(c)
	if err != nil {
		return err
	}
	err = h.Service.Undo(c.Request().Context(), who(c), r.ID)
	if errs.Is(err, errs.Conflict) {
		return h.runPage(c, http.StatusConflict, r, text.T(c.Request().Context(), "Your window has been changed since. Undo those changes in the window first, one by one."))
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, runURL(r.ID))
}

// again writes one block again, and comes back when that is done.
func (h *Handler) again(c echo.Context) error {
	r, err := h.find(c)
	if err != nil {
		return err
	}
	block, err := id.Parse[id.BlockKind](web.Text(c, "block"))
	if err != nil {
		return errNoRun
	}
	refused, err := h.rewrite(c, block)
	if err != nil {
		return err
	}
	if refused != "" {
		return h.runPage(c, http.StatusConflict, r, refused)
	}
	return web.SeeOther(c, runURL(r.ID)+"#new-"+block.String())
}

// bio writes the sentence of a header again, from wherever the header is edited.
func (h *Handler) bio(c echo.Context) error {
	block, err := id.Parse[id.BlockKind](web.Text(c, "block"))
	if err != nil {
		return errNoRun
	}
	refused, err := h.rewrite(c, block)
	if err != nil {
		return err
	}
	if refused != "" {
		web.Flash(c, refused)
	}
	return web.SeeOther(c, "/app/window?b="+block.String()+"#blk-"+block.String())
}

func (h *Handler) rewrite(c echo.Context, block id.Block) (refused string, err error) {
	ctx := c.Request().Context()
	key := web.Text(c, "key")
	if key == "" {
		key = id.New[id.RunKind]().String()
	}
	r, err := h.Service.Now(ctx, who(c), Input{Key: key, Kind: ForBlock, Block: block})
	switch {
	case errs.Is(err, errs.Conflict), errs.Is(err, errs.Invalid):
		return web.Sentence(c, err), nil
	case err != nil:
		return "", err
	case r.State == Failed:
		return text.T(ctx, failure(r.Why)), nil
	}
	return "", nil
}

// photo passes a photograph on from where it is.
func (h *Handler) photo(c echo.Context) error {
	photo, err := id.Parse[id.FileKind](c.Param("id"))
	name, format, ok := strings.Cut(c.Param("size"), ".")
	width, bad := strconv.Atoi(name)
	if err != nil || !ok || bad != nil {
		return errNoPhoto
	}
	b, err := h.Service.Placed.Show(c.Request().Context(), photo, width, format)
	if err != nil {
		return err
	}
	hd := c.Response().Header()
	hd.Set("Cache-Control", "public, max-age=86400")
	hd.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return c.Blob(http.StatusOK, b.Type, b.Body)
}
