package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// CORS lets pages of the configured origins call the API, never with credentials.
func CORS(r *Router) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			h.Add(echo.HeaderVary, "Origin")
			origin := c.Request().Header.Get("Origin")
			if origin != "" && slices.Contains(r.Config.CORSOrigins, origin) {
				h.Set("Access-Control-Allow-Origin", origin)
				h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
				h.Set("Cross-Origin-Resource-Policy", "cross-origin")
				if c.Request().Method == http.MethodOptions {
					h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
					h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key")
					h.Set("Access-Control-Max-Age", "600")
				}
			}
			return next(c)
		}
	}
}

// Preflight answers a browser that asks before it calls; what it may do is said by CORS.
func (g *Group) Preflight(path string) {
	g.g.Add(http.MethodOptions, path, func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
}
