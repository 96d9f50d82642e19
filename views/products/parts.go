package products

import (
	"context"

	"github.com/a-h/templ"

	"vitrine/views/text"
)

func indexTitle(ctx context.Context, p ListProps) string {
	if p.Archived {
		return text.T(ctx, "Archived products")
	}
	return text.T(ctx, "Products")
}

func formTitle(ctx context.Context, p FormProps) string {
	if p.ID == "" {
		return text.T(ctx, "New product")
	}
	return p.Title
}

func coverLabel(ctx context.Context, chosen bool) string {
	if chosen {
		return text.T(ctx, "Choose another picture")
	}
	return text.T(ctx, "Choose a picture")
}

func slugHint(ctx context.Context, p FormProps) string {
	if p.Active {
		return text.T(ctx, "Links you have shared stop working when you change it.")
	}
	return text.T(ctx, "Left empty, it is made from the name.")
}

func archiveVerb(archived bool) string {
	if archived {
		return "/restoration"
	}
	return "/archive"
}

// unless keeps a button in its place, and focus with it, when it has nothing to do.
func unless(can bool) templ.Attributes {
	if can {
		return nil
	}
	return templ.Attributes{"aria-disabled": "true"}
}

// polling asks for the element again every two seconds while something is being worked on.
func polling(on bool, address string) templ.Attributes {
	if !on {
		return nil
	}
	return templ.Attributes{"hx-get": address, "hx-trigger": "every 2s", "hx-swap": "outerHTML", "hx-target": "this"}
}

func buyLabel(ctx context.Context, p PublicProps) string {
	if p.Free {
		return text.T(ctx, "Get it free")
	}
	return text.T(ctx, "Buy for %s", p.Price)
}

func barLabel(ctx context.Context, p PublicProps) string {
	if p.Free {
		return text.T(ctx, "Get it free")
	}
	return text.T(ctx, "Buy now")
}
