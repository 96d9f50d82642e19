package builder

import (
	"context"

	"vitrine/app/products"
	"vitrine/views/blocks"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// image is one picture, with a caption; it may lead somewhere.
var image = kind{
	label: "Picture", note: "One picture with a caption", icon: "image",
	asks: []input{
		words{name: "title", label: "Caption", max: 200, main: true, at: func(p *Props) *string { return &p.Title }},
		address{label: "Where it leads, if anywhere"},
		pictureRows{max: 1},
	},
	warn: warnPictures,
	draw: func(ctx context.Context, c *canvas, p Part) piece {
		frames := c.images(p.Props.Pictures)
		if len(frames) == 0 {
			return missing(ctx, noPicture(p.Props))
		}
		return piece{body: blocks.Image(blocks.ImageProps{ID: anchor(p.ID), Frame: frames[0], Caption: p.Props.Title, Href: p.Props.URL})}
	},
}

// MaxGallery is how many pictures one gallery shows.
const MaxGallery = 24

// gallery is pictures side by side.
var gallery = kind{
	label: "Gallery", note: "Several pictures", icon: "gallery",
	asks: []input{
		words{name: "title", label: "Heading", max: 80, main: true, at: func(p *Props) *string { return &p.Title }},
		pictureRows{max: MaxGallery},
	},
	warn: warnPictures,
	draw: func(ctx context.Context, c *canvas, p Part) piece {
		frames := c.images(p.Props.Pictures)
		if len(frames) == 0 {
			return missing(ctx, noPicture(p.Props))
		}
		return piece{body: blocks.Gallery(blocks.GalleryProps{ID: anchor(p.ID), Title: p.Props.Title, Frames: frames})}
	},
}

func noPicture(p Props) Word {
	if len(p.Pictures) > 0 {
		return "The picture is being made ready"
	}
	return "Needs a picture"
}

func warnPictures(_ Draft, p Props) (Sentence, bool) {
	if len(p.Pictures) == 0 {
		return say("A picture block has no picture. It will not be shown."), true
	}
	for _, x := range p.Pictures {
		if x.Alt == "" {
			return say("A picture has no description for people who cannot see it."), true
		}
	}
	return Sentence{}, false
}

// pictures are all that a content shows.
func (c Content) pictures() (out []Picture) {
	for _, p := range c.Blocks {
		out = append(out, p.Props.Pictures...)
	}
	return out
}

func pictureOf(p products.Picture) ui.Picture {
	out := ui.Picture{Alt: p.Alt, Color: p.Color, Width: p.Width, Height: p.Height}
	for _, s := range p.Sources {
		out.Sources = append(out.Sources, ui.Source{URL: s.URL, Width: s.Width, Format: string(s.Format)})
	}
	return out
}

// video is a film of another host. Nothing is asked of that host before a visitor opens it.
var video = kind{
	label: "Video", note: "From YouTube, Vimeo or Dailymotion", icon: "play",
	asks: []input{
		address{label: "Address of the video", fit: func(u string) error { _, err := player(u, films); return err }},
		words{name: "title", label: "What it shows", max: 120, main: true, at: func(p *Props) *string { return &p.Title }},
		pictureRows{max: 1},
	},
	warn: func(_ Draft, p Props) (Sentence, bool) {
		return say("The video has no title. People who cannot see it would not know what it is."), p.URL != "" && p.Title == ""
	},
	draw: func(ctx context.Context, c *canvas, p Part) piece { return c.facade(ctx, p, films) },
}

// embed is a player, a map or a board of another host, from a list.
var embed = kind{
	label: "Embed", note: "Spotify, Bandcamp, maps and more", icon: "embed",
	asks: []input{
		address{label: "Address to embed", hint: "Spotify, SoundCloud, Bandcamp, Apple Music, OpenStreetMap, CodePen, Are.na.", fit: func(u string) error { _, err := player(u, others); return err }},
		words{name: "title", label: "What it is", max: 120, main: true, at: func(p *Props) *string { return &p.Title }},
	},
	draw: func(ctx context.Context, c *canvas, p Part) piece { return c.facade(ctx, p, others) },
}

// facade stands where another host's frame will be once a visitor opens it.
func (c *canvas) facade(ctx context.Context, p Part, from []host) piece {
	if p.Props.URL == "" {
		return missing(ctx, "Needs an address")
	}
	pl, err := player(p.Props.URL, from)
	if err != nil {
		return missing(ctx, "This address cannot be shown here")
	}
	f := blocks.FacadeProps{ID: anchor(p.ID), Title: p.Props.Title, Host: pl.name, Src: pl.src, Wide: pl.wide, Link: p.Props.URL}
	if f.Title == "" {
		f.Title = text.T(ctx, "From %s", pl.name)
	}
	if len(p.Props.Pictures) > 0 {
		f.Poster = c.image(p.Props.Pictures[0])
	}
	if c.public {
		c.frames = append(c.frames, pl.origin)
	} else {
		f.Src = ""
	}
	return piece{body: blocks.Facade(f)}
}
