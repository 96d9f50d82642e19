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

// mainClass writes the words that name a block as large as they will stand.
func mainClass(f FieldProps) string {
	if f.Main {
		return "t"
	}
	return ""
}
