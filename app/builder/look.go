package builder

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/storefronts"
	views "vitrine/views/builder"
	"vitrine/views/text"
)

// redress changes what the draft wears now. What change leaves alone stays as it is, whoever has changed it.
func (s *Service) redress(ctx context.Context, who storefronts.Who, change func(storefronts.Look) storefronts.Look) (storefronts.Shop, error) {
	return s.redressIn(ctx, who, step{verb: "changed the theme", same: "look", soon: typing}, func(_ *db.Tx, l storefronts.Look) (storefronts.Look, error) { return change(l), nil })
}

func (s *Service) redressIn(ctx context.Context, who storefronts.Who, st step, change func(*db.Tx, storefronts.Look) (storefronts.Look, error)) (storefronts.Shop, error) {
	var out storefronts.Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		sh, err := s.Shops.Lock(ctx, tx, who)
		if err != nil {
			return err
		}
		l, err := change(tx, sh.Look())
		if err != nil {
			return err
		}
		out, err = s.take(ctx, tx, who, st, func() error { return s.Shops.ApplyLook(ctx, tx, who, l) })
		return err
	})
	return out, err
}

// lookGroups are all choices of the fitting room.
func lookGroups(ctx context.Context, l storefronts.Look, problems map[string]string) []views.Group {
	return []views.Group{
		group("theme", text.T(ctx, "Light"), l.Theme, problems,
			views.Choice{Value: "daylight", Label: text.T(ctx, "Daylight"), Note: text.T(ctx, "Bottle green on pale glass"), Theme: "daylight"},
			views.Choice{Value: "afterhours", Label: text.T(ctx, "After hours"), Note: text.T(ctx, "A dark room and a lamp"), Theme: "afterhours"},
			views.Choice{Value: "house", Label: text.T(ctx, "House colour"), Note: text.T(ctx, "Everything from one colour of yours"), Theme: "house"}),
		group("header", text.T(ctx, "Header"), l.HeaderStyle, problems,
			views.Choice{Value: "awning", Label: text.T(ctx, "Awning"), Paths: awningArt, Theme: l.Theme},
			views.Choice{Value: "board", Label: text.T(ctx, "Painted board"), Paths: boardArt, Theme: l.Theme},
			views.Choice{Value: "plate", Label: text.T(ctx, "Enamel plate"), Paths: plateArt, Theme: l.Theme},
			views.Choice{Value: "centred", Label: text.T(ctx, "In the middle"), Paths: centredArt, Theme: l.Theme},
			views.Choice{Value: "plain", Label: text.T(ctx, "Plain"), Paths: plainArt, Theme: l.Theme}),
		group("lettering", text.T(ctx, "Lettering"), l.Lettering, problems,
			views.Choice{Value: "sign", Label: text.T(ctx, "Shop sign"), Theme: l.Theme},
			views.Choice{Value: "sans", Label: text.T(ctx, "Poster"), Classes: "l-own l-sans", Theme: l.Theme},
			views.Choice{Value: "serif", Label: text.T(ctx, "Book"), Classes: "l-own l-serif", Theme: l.Theme},
			views.Choice{Value: "slab", Label: text.T(ctx, "Wood type"), Classes: "l-own l-slab", Theme: l.Theme},
			views.Choice{Value: "rounded", Label: text.T(ctx, "Rounded"), Classes: "l-own l-rounded", Theme: l.Theme},
			views.Choice{Value: "mono", Label: text.T(ctx, "Typewriter"), Classes: "l-own l-mono", Theme: l.Theme}),
		group("spacing", text.T(ctx, "Spacing"), l.Spacing, problems,
			views.Choice{Value: "airy", Label: text.T(ctx, "Airy"), Paths: []views.Path{{D: "M8 4h32M8 16h32M8 28h32", Class: "ln"}}},
			views.Choice{Value: "normal", Label: text.T(ctx, "Normal"), Paths: []views.Path{{D: "M8 4h32M8 12h32M8 20h32M8 28h32", Class: "ln"}}},
			views.Choice{Value: "tight", Label: text.T(ctx, "Tight"), Paths: []views.Path{{D: "M8 4h32M8 10h32M8 16h32M8 22h32M8 28h32", Class: "ln"}}}),
		group("background", text.T(ctx, "Background"), l.Background, problems,
			views.Choice{Value: "plain", Label: text.T(ctx, "Plain"), Classes: "b-plain", Theme: l.Theme},
			views.Choice{Value: "tint", Label: text.T(ctx, "Tinted"), Classes: "b-tint", Theme: l.Theme},
			views.Choice{Value: "stripes", Label: text.T(ctx, "Stripes"), Classes: "b-stripes", Theme: l.Theme},
			views.Choice{Value: "dots", Label: text.T(ctx, "Dots"), Classes: "b-dots", Theme: l.Theme},
			views.Choice{Value: "squares", Label: text.T(ctx, "Squares"), Classes: "b-squares", Theme: l.Theme},
			views.Choice{Value: "paper", Label: text.T(ctx, "Laid paper"), Classes: "b-paper", Theme: l.Theme}),
	}
}

func group(name, label, now string, problems map[string]string, choices ...views.Choice) views.Group {
	for i := range choices {
		choices[i].On = choices[i].Value == now
	}
	return views.Group{Name: name, Label: label, Error: problems[name], Choices: choices}
}

// Headers, drawn in a few strokes.
var (
	awningArt  = []views.Path{{D: "M0 0h6.9v7a3.4 3.4 0 0 1-6.9 0zM13.7 0h6.9v7a3.4 3.4 0 0 1-6.9 0zM27.4 0h6.9v7a3.4 3.4 0 0 1-6.9 0zM41.1 0H48v7a3.4 3.4 0 0 1-6.9 0z", Class: "ac"}, {D: "M5 18h22", Class: "big"}, {D: "M5 26h30", Class: "ln"}}
	boardArt   = []views.Path{{D: "M0 3h48v26H0z", Class: "ac"}, {D: "M2.5 5.5h43v21h-43z", Class: "on fine"}, {D: "M8 13h20", Class: "on big"}, {D: "M8 21h26", Class: "on"}}
	plateArt   = []views.Path{{D: "M5 3h38a2 2 0 0 1 2 2v22a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z", Class: "frame"}, {D: "M14 13h20", Class: "big"}, {D: "M12 21h24", Class: "ln"}}
	centredArt = []views.Path{{D: "M18 2h12v2a2 2 0 0 1-4 0 2 2 0 0 1-4 0 2 2 0 0 1-4 0z", Class: "ac"}, {D: "M12 12h24", Class: "big"}, {D: "M9 20h30", Class: "ln"}, {D: "M2 27h44M2 30h44", Class: "ln fine"}}
	plainArt   = []views.Path{{D: "M5 8h22", Class: "big"}, {D: "M5 17h32M5 25h20", Class: "ln"}}
)
