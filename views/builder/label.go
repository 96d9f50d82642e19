package builder

import (
	"context"

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

// faultName names the field that a message belongs to.
func faultName(ctx context.Context, kind, field string) string {
	switch {
	case field == "url":
		return text.T(ctx, "Where it leads")
	case field == "socials":
		return text.T(ctx, "Where else to find you")
	case field == "note":
		return text.T(ctx, "Note")
	case field == "button":
		return text.T(ctx, "Button")
	case field == "product":
		return text.T(ctx, "Product")
	case field == "status":
		return text.T(ctx, "Beside the lamp")
	case field == "text":
		return text.T(ctx, "Text")
	case kind == "contact":
		return text.T(ctx, "Heading")
	}
	return text.T(ctx, "Name")
}
