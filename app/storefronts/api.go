package storefronts

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
)

// API is shops for programs. docs/openapi.yaml describes it.
type API struct {
	Service *Service
	// Dress changes the look of a draft as a step that can be undone; filled by the builder.
	Dress func(ctx context.Context, tx *db.Tx, who Who, l Look) (Shop, error)
	// Visible is what visitors of a published shop see, as a value for JSON; filled by the builder.
	Visible func(ctx context.Context, slug string) (any, error)
}

// Routes registers the doors.
func (a *API) Routes(r *web.Router) {
	cors := web.CORS(r)
	program := web.CrossOrigin("takes no cookie, so a visitor's browser lends it nothing")
	limit := web.Limit("api-storefronts", web.Rate{N: 120, Per: time.Hour})
	open := r.On(web.App, "/api/v1/storefronts", web.NoCookie, cors)
	open.GET("/:shop", a.visible, web.Limit("api-visible", web.Rate{N: 600, Per: time.Minute}))
	open.Preflight("")
	open.Preflight("/:shop")
	g := r.On(web.App, "/api/v1/storefronts", web.Bearer, cors)
	g.GET("", a.list)
	g.POST("", a.create, program, limit)
	g.PUT("/:shop", a.change, program, limit) // its id; reading takes the slug
	g.DELETE("/:shop", a.delete, program, limit)
}

type lookJSON struct {
	Theme       string `json:"theme"`
	BrandColor  string `json:"brand_color"`
	HeaderStyle string `json:"header_style"`
	Lettering   string `json:"lettering"`
	Spacing     string `json:"spacing"`
	Background  string `json:"background"`
}

type shopJSON struct {
	ID          id.Shop    `json:"id"`
	Name        string     `json:"name"`
	Slug        string     `json:"slug"`
	URL         string     `json:"url"`
	Currency    string     `json:"currency"`
	Look        lookJSON   `json:"look"` // of the draft
	Published   bool       `json:"published"`
	PublishedAt *time.Time `json:"published_at,omitempty"`
	Closed      bool       `json:"closed"`
}

func (a *API) draw(sh Shop) shopJSON {
	l := sh.Look()
	out := shopJSON{ID: sh.ID, Name: sh.Name, Slug: sh.Slug, URL: a.Service.URL(sh), Currency: string(sh.Currency), Published: sh.Published, Closed: sh.Closed,
		Look: lookJSON{l.Theme, l.BrandColor, l.HeaderStyle, l.Lettering, l.Spacing, l.Background}}
	if sh.Published {
		at := sh.PublishedAt.UTC()
		out.PublishedAt = &at
	}
	return out
}

// readJSON takes one JSON object of at most 16 KB, with no field that dest does not know.
func readJSON(c echo.Context, dest any) error {
	if !strings.HasPrefix(c.Request().Header.Get("Content-Type"), "application/json") {
		return errs.New(errs.Invalid, "Send JSON, with the content type application/json.")
	}
	d := json.NewDecoder(io.LimitReader(c.Request().Body, 16<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(dest); err != nil {
		return errs.Wrap(errs.Invalid, err, "The body is not the JSON that is expected here.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errs.New(errs.Invalid, "The body is not the JSON that is expected here.")
	}
	return nil
}

func (a *API) list(c echo.Context) error {
	all, err := a.Service.All(c.Request().Context(), web.Who(c).ID)
	if err != nil {
		return err
	}
	out := make([]shopJSON, len(all))
	for i, sh := range all {
		out[i] = a.draw(sh)
	}
	return c.JSON(http.StatusOK, map[string]any{"storefronts": out})
}

func (a *API) create(c echo.Context) error {
	var in struct {
		Name     string `json:"name"`
		Slug     string `json:"slug"`
		Currency string `json:"currency"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Currency == "" {
		in.Currency = "EUR"
	}
	sh, err := a.Service.Another(c.Request().Context(), web.Who(c).ID, NewShop{in.Name, in.Slug, strings.ToUpper(in.Currency), c.Request().Header.Get("Idempotency-Key")})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/storefronts/"+sh.Slug)
	return c.JSON(http.StatusCreated, a.draw(sh))
}

func (a *API) visible(c echo.Context) error {
	v, err := a.Visible(c.Request().Context(), CleanSlug(c.Param("shop")))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, v)
}

// shopOf is the shop of the address, which must be the caller's.
func (a *API) shopOf(c echo.Context) (Who, Shop, error) {
	shop, err := id.Parse[id.ShopKind](c.Param("shop"))
	if err != nil {
		return Who{}, Shop{}, errNoShop
	}
	who := Who{User: web.Who(c).ID, Shop: shop}
	sh, err := a.Service.Mine(c.Request().Context(), a.Service.DB, who)
	if err == nil && sh.Deleted && c.Request().Method != http.MethodDelete {
		err = errNoShop
	}
	return who, sh, err
}

// change sets what is named and leaves the rest.
func (a *API) change(c echo.Context) error {
	ctx := c.Request().Context()
	who, sh, err := a.shopOf(c)
	if err != nil {
		return err
	}
	l := sh.Look()
	in := struct {
		Name        *string `json:"name"`
		Slug        *string `json:"slug"`
		Currency    *string `json:"currency"`
		Theme       *string `json:"theme"`
		BrandColor  *string `json:"brand_color"`
		HeaderStyle *string `json:"header_style"`
		Lettering   *string `json:"lettering"`
		Spacing     *string `json:"spacing"`
		Background  *string `json:"background"`
	}{&sh.Name, &sh.Slug, nil, &l.Theme, &l.BrandColor, &l.HeaderStyle, &l.Lettering, &l.Spacing, &l.Background}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	for _, s := range []*string{in.Name, in.Slug, in.Theme, in.BrandColor, in.HeaderStyle, in.Lettering, in.Spacing, in.Background} {
		if s == nil { // null
			return errs.New(errs.Invalid, "The body is not the JSON that is expected here.")
		}
	}
	l.Theme, l.BrandColor, l.HeaderStyle, l.Lettering, l.Spacing, l.Background = *in.Theme, *in.BrandColor, *in.HeaderStyle, *in.Lettering, *in.Spacing, *in.Background
	err = a.Service.DB.InTx(ctx, func(tx *db.Tx) error { // all of it or nothing
		if _, err := a.Service.rename(ctx, tx, who, *in.Name, *in.Slug); err != nil {
			return err
		}
		if in.Currency != nil {
			if _, err := a.Service.setCurrency(ctx, tx, who, strings.ToUpper(*in.Currency)); err != nil {
				return err
			}
		}
		sh, err = a.Dress(ctx, tx, who, l)
		return err
	})
	if err := slugTaken(err); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.draw(sh))
}

// delete takes a shop away; the answer is the same when that was done before.
func (a *API) delete(c echo.Context) error {
	who, _, err := a.shopOf(c)
	if err != nil {
		return err
	}
	if err := a.Service.Delete(c.Request().Context(), who); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
