package importer

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/importer/source"
	"vitrine/app/money"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	views "vitrine/views/importer"
	"vitrine/views/layout"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// Handler is how a creator brings things. All of it works without a script.
type Handler struct {
	Service *Service
	ShopURL string
	Open    func(c echo.Context, in storefronts.NewShop) (storefronts.Shop, error) // opens the shop of who has none
}

func (h *Handler) Routes(r *web.Router) {
	start := r.On(web.App, "/start/bring", web.Verified)
	start.GET("", h.start)
	start.POST("", h.begin, web.Limit("bring-start", web.Rate{N: 20, Per: time.Hour}))

	g := r.On(web.App, "/app/window/bring", web.Creator)
	g.GET("", h.form)
	g.POST("", h.bring)
	g.GET("/:id", h.show)
	g.POST("/:id", h.take)
	g.POST("/:id/undo", h.undo)
	g.POST("/:id/people", h.forget)
	g.GET("/:id/report.csv", h.reportCSV)
	g.GET("/:id/report.html", h.reportHTML)
}

// A creator reads so many pages and files; other people's sites are not to suffer from ours.
var perCreator = web.Rate{N: 20, Per: time.Hour}

const at = "/app/window/bring"

func who(c echo.Context) storefronts.Who {
	p := web.Who(c)
	return storefronts.Who{User: p.ID, Shop: p.Shop}
}

func importID(c echo.Context) (id.Import, error) {
	n, err := id.Parse[id.ImportKind](c.Param("id"))
	if err != nil {
		return n, errNotFound
	}
	return n, nil
}

func (h *Handler) start(c echo.Context) error {
	if !web.Who(c).Shop.IsZero() {
		return web.SeeOther(c, at)
	}
	name := web.Who(c).Name
	return h.startPage(c, http.StatusOK, views.BringProps{Shop: &views.ShopProps{Name: name, Slug: storefronts.Suggest(name)}}, "EUR")
}

func (h *Handler) startPage(c echo.Context, status int, p views.BringProps, currency string) error {
	p.Action, p.Shop.Prefix = "/start/bring", h.ShopURL
	if p.ID == "" {
		p.ID = id.New[id.ImportKind]().String()
	}
	for _, k := range money.Known() {
		p.Shop.Currencies = append(p.Shop.Currencies, ui.Option{Value: string(k), Label: string(k), Selected: string(k) == currency})
	}
	page := layout.Page{Title: text.T(c.Request().Context(), "Bring your page"), Shell: layout.Auth, NoIndex: true}
	return web.Page(c, status, page, views.Bring(p))
}

// sent is the form of a source: an address, or a file that is small enough.
type sent struct {
	id   id.Import
	url  string
	name string
	body []byte
}

func read(c echo.Context) (sent, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, source.MaxFile+256<<10)
	f, head, err := r.FormFile("file")
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return sent{}, source.ErrBig
	case err == nil:
		defer f.Close()
	case !errors.Is(err, http.ErrMissingFile) && !errors.Is(err, http.ErrNotMultipart):
		return sent{}, errs.Wrap(errs.Invalid, err, "This form did not arrive whole. Please send it again.")
	}
	out := sent{url: web.Text(c, "url")}
	if out.id, err = id.Parse[id.ImportKind](web.Text(c, "id")); err != nil {
		out.id = id.New[id.ImportKind]()
	}
	if f == nil || head.Filename == "" {
		return out, nil
	}
	out.name = head.Filename
	if out.body, err = io.ReadAll(io.LimitReader(f, source.MaxFile+1)); err != nil {
		return out, errs.Wrap(errs.Invalid, err, "This form did not arrive whole. Please send it again.")
	}
	if len(out.body) > source.MaxFile {
		return out, source.ErrBig
	}
	return out, nil
}

// brought begins the import that a form asks for.
func (h *Handler) brought(c echo.Context, who storefronts.Who, s sent) error {
	if s.url == "" && s.name == "" {
		return errNoSource
	}
	if err := web.Check(c, "bring", "user:"+who.User.String(), perCreator); err != nil {
		return err
	}
	if s.name != "" {
		return h.Service.Document(c.Request().Context(), who, s.id, s.name, s.body)
	}
	return h.Service.Address(c.Request().Context(), who, s.id, s.url)
}

// begin opens a shop and brings the first thing into it.
func (h *Handler) begin(c echo.Context) error {
	p := web.Who(c)
	s, err := read(c)
	in := storefronts.NewShop{Name: web.Text(c, "name"), Slug: web.Text(c, "slug"), Currency: web.Text(c, "currency")}
	if err == nil && s.url == "" && s.name == "" {
		err = errNoSource
	}
	w := storefronts.Who{User: p.ID, Shop: p.Shop}
	if err == nil && s.name != "" { // a file that cannot be read opens no shop
		_, err = document(s.name, s.body)
	}
	if err == nil && w.Shop.IsZero() {
		var sh storefronts.Shop
		if sh, err = h.Open(c, in); err == nil {
			w.Shop = sh.ID
			web.ChooseShop(c, sh.ID)
		}
	}
	if err == nil {
		err = h.brought(c, w, s)
	}
	if errs.Is(err, errs.Invalid) && w.Shop.IsZero() {
		props := views.BringProps{ID: s.id.String(), URL: s.url, Errors: web.FieldMessages(c, err), Shop: &views.ShopProps{Name: in.Name, Slug: in.Slug}}
		return h.startPage(c, http.StatusUnprocessableEntity, props, in.Currency)
	}
	if errs.Is(err, errs.Invalid) {
		return h.formPage(c, http.StatusUnprocessableEntity, w, views.BringProps{URL: s.url, Errors: web.FieldMessages(c, err)})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, at+"/"+s.id.String())
}

func (h *Handler) form(c echo.Context) error {
	return h.formPage(c, http.StatusOK, who(c), views.BringProps{})
}

func (h *Handler) formPage(c echo.Context, status int, w storefronts.Who, p views.BringProps) error {
	ctx := c.Request().Context()
	last, err := h.Service.List(ctx, w)
	if err != nil {
		return err
	}
	for _, i := range last {
		p.Last = append(p.Last, views.LastProps{ID: i.ID.String(), Name: i.Name(), At: day(c, i.CreatedAt), Pill: pill(ctx, i.State)})
	}
	p.Action, p.ID = at, id.New[id.ImportKind]().String()
	return web.Page(c, status, h.frame(c, text.T(ctx, "Bring your page"), "/app/window"), views.Bring(p))
}

func (h *Handler) frame(c echo.Context, title, back string) layout.Page {
	return layout.Page{Title: title, Section: "window", Back: back, Shell: layout.Creator, NoIndex: true}
}

func (h *Handler) bring(c echo.Context) error {
	s, err := read(c)
	if err == nil {
		err = h.brought(c, who(c), s)
	}
	if errs.Is(err, errs.Invalid) {
		return h.formPage(c, http.StatusUnprocessableEntity, who(c), views.BringProps{URL: s.url, Errors: web.FieldMessages(c, err)})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, at+"/"+s.id.String())
}

// show is an import as far as it is: being read, failed, found, taken.
func (h *Handler) show(c echo.Context) error {
	n, err := importID(c)
	if err != nil {
		return err
	}
	return h.page(c, http.StatusOK, n, nil, nil)
}

func (h *Handler) page(c echo.Context, status int, n id.Import, chosen *Choice, problems map[string]string) error {
	ctx := c.Request().Context()
	o, err := h.Service.Outlook(ctx, who(c), n)
	if err != nil {
		return err
	}
	i := o.Import
	switch i.State {
	case Reading:
		p := h.frame(c, text.T(ctx, "Reading your page"), at)
		p.Refresh = 2
		return web.Page(c, status, p, views.Wait(views.WaitProps{Name: i.Name()}))
	case Failed:
		return web.Page(c, status, h.frame(c, text.T(ctx, "It could not be read"), at), views.Failed(views.WaitProps{Name: i.Name(), Why: text.T(ctx, i.Failure)}))
	case Found:
		p := found(ctx, o, chosen)
		p.Errors = problems
		return web.Page(c, status, h.frame(c, text.T(ctx, "What was found"), at), views.Found(p))
	}
	p, err := h.report(c, i, 200)
	if err != nil {
		return err
	}
	f := h.frame(c, text.T(ctx, "Brought"), at)
	if p.Waiting {
		f.Refresh = 5
	}
	return web.Page(c, status, f, views.Report(p))
}

// choice reads what was ticked.
func choice(c echo.Context, set source.Set) (Choice, error) {
	form, err := c.FormParams()
	if err != nil {
		return Choice{}, errs.Wrap(errs.Invalid, err, "This form did not arrive whole. Please send it again.")
	}
	out := Choice{Keys: map[string]bool{}, People: web.Checked(c, "people"), Mine: web.Checked(c, "mine"), Replace: web.Text(c, "how") == "replace"}
	for _, s := range form["take"] {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < len(set.Records) {
			out.Keys[set.Records[n].Key] = true
		}
	}
	return out, nil
}

func (h *Handler) take(c echo.Context) error {
	ctx := c.Request().Context()
	n, err := importID(c)
	if err != nil {
		return err
	}
	i, err := h.Service.Get(ctx, who(c), n)
	if err != nil {
		return err
	}
	ch, err := choice(c, i.Set)
	if err != nil {
		return err
	}
	err = h.Service.Take(ctx, who(c), n, ch)
	if errs.Is(err, errs.Invalid) && len(errs.Fields(err)) > 0 {
		return h.page(c, http.StatusUnprocessableEntity, n, &ch, web.FieldMessages(c, err))
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, at+"/"+n.String())
}

func (h *Handler) undo(c echo.Context) error {
	n, err := importID(c)
	if err != nil {
		return err
	}
	if err := h.Service.Undo(c.Request().Context(), who(c), n); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "Your window is as it was before."))
	return web.SeeOther(c, "/app/window")
}

func (h *Handler) forget(c echo.Context) error {
	n, err := importID(c)
	if err != nil {
		return err
	}
	gone, err := h.Service.Forget(c.Request().Context(), who(c), n)
	if err != nil {
		return err
	}
	web.Flash(c, text.N(c.Request().Context(), int(gone), "%d person was taken out.", "%d people were taken out."))
	return web.SeeOther(c, at+"/"+n.String())
}
