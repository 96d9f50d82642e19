package assist

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"vitrine/app/builder"
	"vitrine/app/id"
	views "vitrine/views/assist"
	"vitrine/views/text"
	"vitrine/views/ui"
)

var toneLabels = map[string][2]string{
	"warm":    {"Warm", "As if you stood behind the counter."},
	"plain":   {"Plain", "Short and to the point."},
	"playful": {"Playful", "With a wink."},
}

// colors that are offered; every one of them is made readable by the theme.
var colors = [][2]string{{"", "As it is"}, {"#b4532a", "Terracotta"}, {"#2f6b4f", "Bottle green"}, {"#2637c4", "Ink blue"}, {"#8a2f5c", "Plum"}, {"#c99a1b", "Mustard"}, {"#1f2a30", "Slate"}}

var languageLabels = map[string]string{"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "pt": "Português"}

func (h *Handler) presentStart(ctx context.Context, in Input, bare bool, problems map[string]string, refused string) views.StartProps {
	p := views.StartProps{Key: in.Key, Sentence: in.Sentence, Anew: in.Anew, CanAdd: !bare, Pictures: in.Pictures, NoKey: h.Service.Model == nil, NoPhotos: h.Service.Photos == nil, Errors: problems, Refused: refused}
	for _, t := range Tones {
		p.Tones = append(p.Tones, ui.Option{Value: t, Label: text.T(ctx, toneLabels[t][0]), Note: text.T(ctx, toneLabels[t][1]), Selected: t == in.Tone})
	}
	for _, c := range colors {
		p.Colors = append(p.Colors, ui.Option{Value: c[0], Label: text.T(ctx, c[1]), Selected: strings.EqualFold(c[0], in.Color)})
	}
	p.Languages = []ui.Option{{Value: "", Label: text.T(ctx, "As in your sentence"), Selected: in.Language == ""}}
	for _, l := range Languages {
		p.Languages = append(p.Languages, ui.Option{Value: l, Label: languageLabels[l], Selected: l == in.Language})
	}
	return p
}

func (h *Handler) present(ctx context.Context, r Run) (views.RunProps, error) {
	d, drawn, err := h.Service.Window.Drawn(ctx, r.Who(), r.Blocks())
	if err != nil {
		return views.RunProps{}, err
	}
	p := views.RunProps{ID: r.ID.String(), Live: runURL(r.ID) + "/live", State: r.State, Waiting: !r.Ended(), Theme: d.Shop.Theme, Awning: d.Shop.HeaderStyle == "awning"}
	if d.Shop.Theme == "house" {
		p.ThemeCSS = "/app/window/theme.css?c=" + url.QueryEscape(strings.TrimPrefix(d.Shop.BrandColor, "#"))
	}
	for _, b := range drawn {
		_, writes := shapeOf(b.Kind)
		p.Blocks = append(p.Blocks, views.BlockProps{ID: b.ID.String(), Kind: string(b.Kind), Label: b.Label, Name: b.Name, Body: b.Body, Missing: b.Missing,
			Again: writes && b.Kind != builder.Divider && b.Kind != builder.Product && b.Kind != builder.Link && (b.Kind != builder.Image || h.Service.Photos != nil), Key: id.New[id.RunKind]().String()})
	}
	p.Notes = notes(ctx, r)
	if r.State == Failed {
		p.Bad = text.T(ctx, failure(r.Why))
	}
	return p, nil
}

// notes are what a creator should know of how it was written.
func notes(ctx context.Context, r Run) (out []string) {
	if r.By == ByTemplate && r.Ended() {
		out = append(out, text.T(ctx, byTemplateBecause(r.Why)))
	}
	var goods []id.Product
	_ = json.Unmarshal(r.RawGoods, &goods) // written by setGoods alone
	if len(goods) > 0 && r.State != Undone {
		out = append(out, text.N(ctx, len(goods), "%d product with your price is a draft now. Add its file, and it can be sold.", "%d products with your prices are drafts now. Add their files, and they can be sold."))
	}
	if r.State == Done {
		out = append(out, text.T(ctx, "It is a draft. Nobody else sees it before you publish."))
	}
	return out
}

func byTemplateBecause(why string) string {
	switch why {
	case WhyNoKey:
		return "Written from our templates: no language model is connected here."
	case WhyCreator:
		return "Written from our templates: you have used what a day holds of the language model. Tomorrow there is more."
	case WhyAll:
		return "Written from our templates: everybody together has used what a day holds of the language model."
	case WhySlow:
		return "Written from our templates: the language model took too long."
	case WhyDown:
		return "Written from our templates: the language model does not answer."
	}
	return "Written from our templates: what the language model wrote could not be used."
}

func failure(why string) string {
	switch why {
	case WhyRefused:
		return "The language model does not want to write this. Say it in other words."
	case WhyChanged:
		return "You have changed this block meanwhile. It was left as you wrote it."
	case WhyFull:
		return "Your window has no room for more blocks. Remove some first."
	case WhyDied:
		return "The writing was interrupted. Keep what is here, undo it, or have it written again."
	}
	return "Something went wrong on our side. Keep what is here, undo it, or have it written again."
}
