package assist

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

// API writes for programs. docs/openapi.yaml describes it.
type API struct {
	Service *Service
	AppURL  string
}

// Routes registers the doors.
func (a *API) Routes(r *web.Router) {
	cors := web.CORS(r)
	g := r.On(web.App, "/api/v1/ai", web.Bearer, cors)
	program := web.CrossOrigin("takes no cookie, so a visitor's browser lends it nothing")
	limit := web.Limit("api-assist", web.Rate{N: 60, Per: time.Hour})
	g.POST("/generate/bio", a.bio, program, limit)
	g.POST("/build/storefront", a.build, program, limit)
	g.GET("/runs/:id", a.run)
	g.GET("/health", a.health)
	open := r.On(web.App, "/api/v1/ai", web.NoCookie, cors)
	for _, p := range []string{"/generate/bio", "/build/storefront", "/runs/:id", "/health"} {
		open.Preflight(p)
	}
}

var errNoShop = errs.New(errs.Conflict, "Open a shop first.")

type askIn struct {
	Sentence string `json:"sentence"`
	Tone     string `json:"tone"`
	Language string `json:"language"`
	Color    string `json:"color"`
	Replace  bool   `json:"replace"`
	Pictures bool   `json:"pictures"`
}

type runOut struct {
	ID       id.Run     `json:"id"`
	Kind     string     `json:"kind"`
	State    string     `json:"state"`
	Language string     `json:"language"`
	By       string     `json:"made_by,omitempty"`
	Why      string     `json:"reason,omitempty"`
	Bio      string     `json:"bio,omitempty"`
	Blocks   []id.Block `json:"blocks"`
	Goods    []string   `json:"products"`
	URL      string     `json:"url,omitempty"`
}

func (a *API) draw(c echo.Context, r Run) runOut {
	out := runOut{ID: r.ID, Kind: r.Kind, State: r.State, Language: r.Language, By: r.By, Why: r.Why, Bio: r.Text, Blocks: r.Blocks(), Goods: []string{}}
	_ = json.Unmarshal(r.RawGoods, &out.Goods) // written by setGoods alone
	if out.Blocks == nil {
		out.Blocks = []id.Block{}
	}
	if r.Kind == ForWindow {
		out.URL = a.AppURL + runURL(r.ID)
	}
	return out
}

func (a *API) read(c echo.Context, kind string) (Input, error) {
	if web.Who(c).Shop.IsZero() {
		return Input{}, errNoShop
	}
	var in askIn
	d := json.NewDecoder(io.LimitReader(c.Request().Body, 16<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Input{}, errs.Wrap(errs.Invalid, err, "The body is not the JSON that is expected here.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Input{}, errs.New(errs.Invalid, "The body is not the JSON that is expected here.")
	}
	return Input{Key: c.Request().Header.Get("Idempotency-Key"), Kind: kind, Sentence: in.Sentence, Tone: in.Tone, Language: in.Language, Color: in.Color, Anew: in.Replace, Pictures: in.Pictures}, nil
}

// bio answers with one or two sentences. Nothing of the window changes.
func (a *API) bio(c echo.Context) error {
	in, err := a.read(c, ForBio)
	if err != nil {
		return err
	}
	r, err := a.Service.Now(c.Request().Context(), who(c), in)
	if err != nil {
		return err
	}
	if r.State == Failed {
		return errs.New(errs.Invalid, failure(r.Why))
	}
	return c.JSON(http.StatusOK, a.draw(c, r))
}

// build begins to write a window into the draft.
func (a *API) build(c echo.Context) error {
	in, err := a.read(c, ForWindow)
	if err != nil {
		return err
	}
	r, err := a.Service.Start(c.Request().Context(), who(c), in)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, a.draw(c, r))
}

func (a *API) run(c echo.Context) error {
	run, err := id.Parse[id.RunKind](c.Param("id"))
	if err != nil {
		return errNoRun
	}
	r, err := a.Service.Run(c.Request().Context(), who(c), run)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.draw(c, r))
}

// health says what would write, without asking anybody.
func (a *API) health(c echo.Context) error {
	left, err := a.Service.Left(c.Request().Context(), web.Who(c).ID)
	if err != nil {
		return err
	}
	out := map[string]any{"configured": a.Service.Model != nil, "model": "", "available": false, "templates": true, "pictures": a.Service.Photos != nil, "tokens_left_today": left, "languages": Languages, "tones": Tones}
	if m := a.Service.Model; m != nil {
		out["model"], out["available"] = m.Name, !m.Resting() && left > 0
	}
	return c.JSON(http.StatusOK, out)
}
