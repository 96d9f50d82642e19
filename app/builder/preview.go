package builder

import (
	"context"
	"crypto/subtle"
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
	"vitrine/views/text"
)

// previewDays is how long a link to a draft works, at least.
const previewDays = 7

const day = 24 * time.Hour

// PreviewURL is a link to the draft of a shop, or to a kept one, for whoever has it: on the shop host, as it
// shows what creators have written. It ends by itself, and nothing is stored for it.
func (f *Front) PreviewURL(shop id.Shop, draft id.Draft) string {
	last := strconv.FormatInt(f.DB.Now().Unix()/int64(day.Seconds())+previewDays, 36)
	kept := ""
	if !draft.IsZero() {
		kept = draft.String()
	}
	return f.Config.ShopURL + "/preview/" + shop.String() + "." + kept + "." + last + "." + f.seal(shop.String(), kept, last)
}

func (f *Front) seal(shop, draft, last string) string {
	return id.Derive(f.Config.SecretKey.Reveal(), "preview", shop, draft, last)
}

var errNoPreview = errs.New(errs.NotFound, "This preview has ended. Ask for a new link.")

// readPreview opens a link to a draft.
func (f *Front) readPreview(token string) (shop id.Shop, draft id.Draft, err error) {
	p := strings.Split(token, ".")
	if len(p) != 4 || subtle.ConstantTimeCompare([]byte(p[3]), []byte(f.seal(p[0], p[1], p[2]))) != 1 {
		return shop, draft, errNoPreview
	}
	last, err := strconv.ParseInt(p[2], 36, 64)
	if err != nil || f.DB.Now().Unix()/int64(day.Seconds()) > last {
		return shop, draft, errNoPreview
	}
	if shop, err = id.Parse[id.ShopKind](p[0]); err != nil {
		return shop, draft, errNoPreview
	}
	if p[1] != "" {
		if draft, err = id.Parse[id.DraftKind](p[1]); err != nil {
			return shop, draft, errNoPreview
		}
	}
	return shop, draft, nil
}

// preview is a draft as visitors would see it. Nothing can be sent from it.
func (f *Front) preview(c echo.Context) error {
	ctx := c.Request().Context()
	shop, draft, err := f.readPreview(c.Param("token"))
	if err != nil {
		return err
	}
	sh, content, err := f.draftOf(ctx, shop, draft)
	if err != nil {
		return err
	}
	shown := Shown{Shop: sh, Content: content, URL: f.Shops.URL(sh), At: f.DB.Now()}
	g, err := f.goodsOf(ctx, f.DB, sh.ID, content)
	if err != nil {
		return err
	}
	p := f.drawHome(ctx, shown, g)
	p.NoIndex, p.Inline, p.Main = true, true, views.PreviewStrip(p.Main, f.Config.AppURL+"/app/window")
	out, err := f.framed(ctx, shown, p)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", strings.Replace(out.CSP, "form-action 'self' "+f.Config.AppURL, "form-action 'none'", 1))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "no-referrer")
	return c.HTMLBlob(http.StatusOK, out.Body)
}

// draftOf is what a link to a draft shows.
func (f *Front) draftOf(ctx context.Context, shop id.Shop, draft id.Draft) (sh storefronts.Shop, c Content, err error) {
	if sh, err = f.Shops.ByID(ctx, f.DB, shop); err != nil || sh.Deleted {
		return sh, c, errNoPreview
	}
	who := storefronts.Who{User: sh.Creator, Shop: sh.ID}
	if !draft.IsZero() {
		w, err := findDraft(ctx, f.DB, who, draft)
		return sh, w.content(), err
	}
	d := Draft{Shop: sh}
	d.Blocks, err = listBlocks(ctx, f.DB, who)
	return sh, d.content(), err
}

// toPreview leads the creator to the draft.
func (h *Handler) toPreview(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, h.Front.PreviewURL(web.Who(c).Shop, id.Draft{}))
}

// toDraft leads the creator to a kept draft.
func (h *Handler) toDraft(c echo.Context) error {
	d, err := draftID(c)
	if err != nil {
		return err
	}
	if _, err := findDraft(c.Request().Context(), h.Service.DB, who(c), d); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, h.Front.PreviewURL(web.Who(c).Shop, d))
}

// lastDay is how long a link that is made now works, in words.
func (h *Handler) lastDay(c echo.Context) string {
	return text.T(c.Request().Context(), "until %s", h.Service.DB.Now().Add(previewDays*day).In(zone(c)).Format("2 January"))
}
