package builder

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/live"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	views "vitrine/views/builder"
)

const topicPrefix = "window:"

// Topic is what the open windows of a shop listen to.
func Topic(shop id.Shop) string { return topicPrefix + shop.String() }

// stream stays open until either side leaves.
func (h *Handler) stream(c echo.Context) error {
	h.Hub.Serve(c.Response(), c.Request(), live.Reader{Owner: web.SessionKey(c), Topics: []string{Topic(web.Who(c).Shop)}, Name: device(c.Request().UserAgent())})
	return nil
}

// now is what the stream would say, for a page that has come back.
func (h *Handler) now(c echo.Context) error {
	sh, err := h.Service.Shops.Mine(c.Request().Context(), h.Service.DB, who(c))
	if err != nil {
		return err
	}
	return web.Fragment(c, 200, views.Elsewhere(h.elsewhere(sh)))
}

func (h *Handler) elsewhere(sh storefronts.Shop) views.ElsewhereProps {
	p := views.ElsewhereProps{Seq: strconv.FormatInt(sh.Seq, 10)}
	if h.Hub != nil {
		p.Devices = h.Hub.Names(Topic(sh.ID))
	}
	return p
}

// Live tells open windows that the draft has changed on another device, and who else has it open.
func (h *Handler) Live(l *live.Listener) {
	l.On(Changed, h.tell)
	h.Hub.Watch(func(topic string) {
		if shop, ok := strings.CutPrefix(topic, topicPrefix); ok {
			h.tell(context.Background(), shop)
		}
	})
}

func (h *Handler) tell(ctx context.Context, shop string) {
	sid, err := id.Parse[id.ShopKind](shop)
	if err != nil || !h.Hub.Listening(Topic(sid)) {
		return
	}
	sh, err := h.Service.Shops.ByID(ctx, h.Service.DB, sid)
	if err == nil {
		_, err = h.Hub.Publish(ctx, Topic(sid), "part", views.Elsewhere(h.elsewhere(sh)))
	}
	if err != nil {
		slog.WarnContext(ctx, "tell the other devices", "shop", shop, "err", err)
	}
}

// devices as people call them, by a word of the browser's name; the first that is in it.
var devices = [][2]string{{"iPad", "iPad"}, {"iPhone", "iPhone"}, {"Android", "Android"}, {"CrOS", "Chromebook"}, {"Macintosh", "Mac"}, {"Windows", "Windows"}, {"Linux", "Linux"}}

func device(agent string) string {
	i := slices.IndexFunc(devices, func(d [2]string) bool { return strings.Contains(agent, d[0]) })
	if i < 0 {
		return "?"
	}
	return devices[i][1]
}
