// Package pwa draws what makes the creator app installable: its manifest and the page without a connection.
package pwa

import (
	"context"

	"vitrine/static"
	"vitrine/views/text"
)

type icon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
}

type shortcut struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Manifest is the web app manifest as a value for the JSON encoder.
func Manifest(ctx context.Context) any {
	return map[string]any{
		"id": "/app/", "name": "Vitrine", "short_name": "Vitrine", "start_url": "/app/today?src=pwa", "scope": "/app/",
		"display": "standalone", "display_override": []string{"standalone", "minimal-ui"},
		"background_color": "#F1F5F3", "theme_color": "#F1F5F3", "lang": text.Lang(ctx), "dir": text.Dir(ctx),
		"categories": []string{"business", "shopping"}, "description": text.T(ctx, "Run your shop from your phone."),
		"icons": []icon{
			{static.Path("icon-192.png"), "192x192", "image/png", ""},
			{static.Path("icon-512.png"), "512x512", "image/png", ""},
			{static.Path("maskable-512.png"), "512x512", "image/png", "maskable"},
		},
		"shortcuts": []shortcut{
			{text.T(ctx, "Add product"), "/app/products/new"},
			{text.T(ctx, "Orders"), "/app/orders"},
			{text.T(ctx, "Edit window"), "/app/window"},
		},
	}
}
