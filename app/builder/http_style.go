package builder

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/storefronts"
	"vitrine/app/stylesheet"
	"vitrine/app/web"
	views "vitrine/views/builder"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// shownFaults is how many lines are told of at once.
const shownFaults = 12

// noCSS says why shops of this instance cannot have CSS of their own; empty when they can.
func (h *Handler) noCSS(ctx context.Context) string {
	if !guardCSSSite || !h.Front.Config.SameSite() {
		return ""
	}
	return text.T(ctx, "CSS of your own is not offered here: shops and the creator app share one site, where a style could reach more than your window. Whoever runs this instance can give shops a site of their own.")
}

func (h *Handler) css(c echo.Context) error {
	sh, err := h.Service.Shops.Mine(c.Request().Context(), h.Service.DB, who(c))
	if err != nil {
		return err
	}
	return h.cssPage(c, http.StatusOK, sh.CSS, nil, "")
}

func (h *Handler) cssPage(c echo.Context, status int, css string, faults []stylesheet.Fault, problem string) error {
	ctx := c.Request().Context()
	d, err := h.Service.Draft(ctx, who(c))
	if err != nil {
		return err
	}
	p := views.StyleProps{CSS: css, Forbidden: h.noCSS(ctx), Error: problem, Max: storefronts.MaxCSS, State: views.StateProps{Changes: len(d.Changes), Published: d.Shop.Published}}
	source := strings.Split(css, "\n")
	for _, f := range faults {
		if len(p.Faults) == shownFaults {
			p.Left = len(faults) - shownFaults
			break
		}
		v := views.FaultProps{Line: f.Line, Text: text.T(ctx, f.Text, f.Args...)}
		if f.Line <= len(source) {
			v.Source = short(strings.TrimSpace(source[f.Line-1]), 80)
		}
		p.Faults = append(p.Faults, v)
	}
	drawn := &canvas{pictures: d.Pictures}
	for _, b := range d.Blocks {
		for _, x := range b.Props.Pictures {
			if pic := drawn.image(x); !pic.Empty() {
				p.Pictures = append(p.Pictures, views.MediaProps{File: x.File.String(), Picture: pic})
			}
		}
	}
	page := layout.Page{Title: text.T(ctx, "CSS of your own"), Section: "window", Back: "/app/window/theme", Shell: layout.Creator, NoIndex: true, Wide: true, Bar: views.PublishCount(p.State)}
	return web.Page(c, status, page, views.Style(p))
}

func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

func (h *Handler) setCSS(c echo.Context) error {
	ctx := c.Request().Context()
	css := c.FormValue("css")
	if why := h.noCSS(ctx); why != "" && strings.TrimSpace(css) != "" {
		return h.cssPage(c, http.StatusForbidden, "", nil, "")
	}
	if len(css) > 2*storefronts.MaxCSS {
		return h.cssPage(c, http.StatusUnprocessableEntity, css, nil, text.T(ctx, "Please use at most %d characters.", storefronts.MaxCSS))
	}
	sheet, faults := stylesheet.Parse(css)
	if web.Text(c, "only") == "good" {
		css, faults = sheet.Tidy(), nil
	}
	if len(faults) > 0 {
		return h.cssPage(c, http.StatusUnprocessableEntity, css, faults, "")
	}
	err := h.Service.setCSS(ctx, who(c), css, mediaIDs(sheet))
	if errs.Is(err, errs.Invalid) {
		return h.cssPage(c, http.StatusUnprocessableEntity, css, nil, web.FieldMessages(c, err)["css"])
	}
	if err != nil {
		return err
	}
	if css == "" {
		web.Flash(c, text.T(ctx, "Removed. Your window wears its theme alone."))
	} else {
		web.Flash(c, text.T(ctx, "Saved. Visitors see it when you publish."))
	}
	return web.SeeOther(c, "/app/window/theme/css")
}

// setCSS keeps a stylesheet with the draft, and the pictures that it shows.
func (s *Service) setCSS(ctx context.Context, who storefronts.Who, css string, pictures []id.File) error {
	_, err := s.redressIn(ctx, who, step{verb: "changed the CSS"}, func(tx *db.Tx, l storefronts.Look) (storefronts.Look, error) {
		l.CSS = css
		if len(pictures) == 0 || !guardCSSPictures {
			return l, nil
		}
		_, err := s.Pictures.Use(ctx, tx, who.User, files.ForImage, pictures...)
		if errs.Is(err, errs.NotFound) {
			err = errs.Field("css", "One of the pictures is not yours, or not there any more.")
		}
		return l, err
	})
	return err
}
