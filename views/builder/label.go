package builder

import (
	"context"

	"github.com/a-h/templ"

	"vitrine/views/text"
)

func dockLabel(ctx context.Context, p DockProps) string {
	if p.Open == "" {
		return text.T(ctx, "Window")
	}
	return p.Name
}

// goLabel is the whole name of a block's link.
func goLabel(ctx context.Context, b BlockProps) string {
	if b.Hidden {
		return text.T(ctx, "Edit %s, hidden from visitors", b.Name)
	}
	return text.T(ctx, "Edit %s", b.Name)
}

// mainClass writes the words that name a block as large as they will stand.
func mainClass(f FieldProps) string {
	if f.Main {
		return "t"
	}
	return ""
}

func altLabel(ctx context.Context) string {
	return text.T(ctx, "What it shows, for people who cannot see it")
}

// pickLabel is over the choice of a file; where there is room for one picture, another takes its place.
func pickLabel(ctx context.Context, f FieldProps) string {
	switch {
	case f.Pictures.Max > 1:
		return text.T(ctx, "Add pictures")
	case len(f.Pictures.List) > 0:
		return text.T(ctx, "Another picture in its place")
	}
	return text.T(ctx, "Add a picture")
}

func sendLabel(ctx context.Context, f FieldProps) string {
	if f.Pictures.Max == 1 && len(f.Pictures.List) > 0 {
		return text.T(ctx, "Use this one")
	}
	return text.T(ctx, "Add it")
}

// waits asks for a picture again until there is something to see.
func waits(block string, p PictureProps) templ.Attributes {
	if p.Refused != "" || !p.Picture.Empty() {
		return nil
	}
	return templ.Attributes{"hx-get": "/app/window/blocks/" + block + "/pictures/" + p.File, "hx-trigger": "every 3s", "hx-swap": "outerHTML"}
}
