package accounts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/mileusna/useragent"

	"vitrine/app/errs"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"

	view "vitrine/views/accounts"
)

func creator(c echo.Context, title, back string) layout.Page {
	return layout.Page{Title: text.T(c.Request().Context(), title), Section: "you", Back: back, Shell: layout.Creator}
}

func (h *Handler) You(c echo.Context) error {
	p := web.Who(c)
	return web.Page(c, http.StatusOK, creator(c, "You", ""), view.YouPage(view.You{Name: p.Name, Email: p.Email, ShopName: p.ShopName, Admin: p.Role == "admin"}))
}

// zones are those offered in the form, one a country or so; any other IANA name that is set is kept.
var zones = []string{
	"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "America/Bogota",
	"America/Chicago", "America/Denver", "America/Halifax", "America/Lima", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
	"America/Santiago", "America/Sao_Paulo", "America/Toronto", "America/Vancouver", "Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai", "Asia/Hong_Kong",
	"Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kolkata", "Asia/Kuwait", "Asia/Manila", "Asia/Riyadh", "Asia/Seoul", "Asia/Shanghai",
	"Asia/Singapore", "Asia/Taipei", "Asia/Tokyo", "Australia/Brisbane", "Australia/Melbourne", "Australia/Perth", "Australia/Sydney",
	"Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Budapest", "Europe/Copenhagen",
	"Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Oslo",
	"Europe/Paris", "Europe/Prague", "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich",
	"Pacific/Auckland", "Pacific/Honolulu",
}

func (h *Handler) profile(c echo.Context, status int, v view.Profile) error {
	v.Zones = zones
	if !slices.Contains(zones, v.TimeZone) {
		v.Zones = append([]string{v.TimeZone}, zones...)
	}
	return web.Page(c, status, creator(c, "Name and time zone", "/app/you"), view.ProfilePage(v))
}

func (h *Handler) Profile(c echo.Context) error {
	p := web.Who(c)
	return h.profile(c, http.StatusOK, view.Profile{Name: p.Name, TimeZone: p.TimeZone, Locale: p.Locale})
}

func (h *Handler) SaveProfile(c echo.Context) error {
	p := web.Who(c)
	v := view.Profile{Name: web.Text(c, "name"), TimeZone: web.Text(c, "time_zone"), Locale: p.Locale}
	err := h.Service.SetProfile(c.Request().Context(), p.ID, v.Name, v.TimeZone, v.Locale)
	if errs.Is(err, errs.Invalid) {
		v.Errors = web.FieldMessages(c, err)
		return h.profile(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "Saved."))
	return web.SeeOther(c, "/app/settings/profile")
}

func (h *Handler) Security(c echo.Context) error { return h.security(c, http.StatusOK, nil) }

func (h *Handler) security(c echo.Context, status int, messages map[string]string) error {
	ctx, p := c.Request().Context(), web.Who(c)
	u, err := h.Service.User(ctx, p.ID)
	if err != nil {
		return err
	}
	google, err := h.Service.HasGoogle(ctx, p.ID)
	if err != nil {
		return err
	}
	devices, err := h.Service.Devices(ctx, p.ID)
	if err != nil {
		return err
	}
	v := view.Security{HasPassword: u.HasPass, Google: google, Errors: messages}
	here := web.SessionKey(c)
	for _, d := range devices {
		v.Devices = append(v.Devices, view.Device{Key: d.Key, Name: deviceName(d.Agent), Here: d.Key == here,
			Seen: text.T(ctx, "Last used %s UTC", d.SeenAt.UTC().Format("2 Jan, 15:04"))})
	}
	return web.Page(c, status, frame(c, "Signing in", "/app/you"), view.SecurityPage(v))
}

// deviceName is a user agent in a few words.
func deviceName(agent string) string {
	ua := useragent.Parse(agent)
	var parts []string
	for _, s := range []string{ua.Name, ua.OS} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return "?"
	}
	return strings.Join(parts, ", ")
}

// ChangePassword takes the present password as proof. Who has none yet shows by Google that it is them: whoever found
// an open browser could choose one, and with it show whatever is asked.
func (h *Handler) ChangePassword(c echo.Context) error {
	p := web.Who(c)
	u, err := h.Service.User(c.Request().Context(), p.ID)
	if err != nil {
		return err
	}
	if !u.HasPass && !web.IsFresh(c) {
		return web.SeeOtherStatus(c, http.StatusUnauthorized, "/login/again?next=%2Fapp%2Fsettings%2Fsecurity")
	}
	err = h.Service.ChangePassword(c.Request().Context(), p.ID, web.Raw(c, "current"), web.Raw(c, "password"), web.SessionKey(c))
	if errs.Is(err, errs.Invalid) {
		return h.security(c, http.StatusUnprocessableEntity, web.FieldMessages(c, err))
	}
	if err != nil {
		return err
	}
	if err := web.SignIn(c, p.ID); err != nil { // a new token for the session that stays
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "Your password is changed. You are signed out everywhere else."))
	return web.SeeOther(c, "/app/settings/security")
}

func (h *Handler) EndDevice(c echo.Context) error {
	if err := h.Service.EndDevice(c.Request().Context(), web.Who(c).ID, web.Text(c, "key")); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "That device is signed out."))
	return web.SeeOther(c, "/app/settings/security")
}

func (h *Handler) EndOthers(c echo.Context) error {
	if err := h.Service.EndOthers(c.Request().Context(), web.Who(c).ID, web.SessionKey(c)); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "You are signed out everywhere else."))
	return web.SeeOther(c, "/app/settings/security")
}

// Resume shows a form that was sent while the session had ended, to be sent again.
func (h *Handler) Resume(c echo.Context) error {
	s, ok := web.Stashed(c)
	if !ok {
		return web.SeeOther(c, home(c))
	}
	k := view.Kept{Path: web.LocalPath(s.Path, "/app/today"), Proof: s.Proof}
	for _, name := range sortedKeys(s.Form) {
		for _, v := range s.Form[name] {
			k.Fields = append(k.Fields, view.KeptField{Label: label(name, v), Name: name, Value: v})
		}
	}
	return web.Page(c, http.StatusOK, auth(c, "Nothing was lost"), view.Resume(k))
}

func (h *Handler) Discard(c echo.Context) error {
	web.ForgetStash(c)
	return web.SeeOther(c, home(c))
}

func sortedKeys(v url.Values) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// label names a field for reading; empty for those that are not: ids, versions, keys.
func label(name, value string) string {
	switch name {
	case "key", "v", "bv", "id", "after", "next", "seq":
		return ""
	}
	if strings.TrimSpace(value) == "" {
		return ""
	}
	s := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}
