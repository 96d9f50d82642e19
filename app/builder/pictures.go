package builder

import (
	"context"
	"slices"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Pictured is the event that a picture of a shop's window has got its sizes. Its subject is the shop.
const Pictured = "builder.pictured"

// maxPictures is how many pictures a block of kind k holds; 0 for kinds without.
func maxPictures(k Kind) int {
	for _, in := range kinds[k].asks {
		if r, ok := in.(pictureRows); ok {
			return r.max
		}
	}
	return 0
}

var errNoPictures = errs.New(errs.NotFound, "There are no pictures in this block.")

// AddPictures puts pictures at the end of a block, whatever else has changed in it: none that another device has
// added or described is lost. Where there is room for one, it takes the place of the one before.
func (s *Service) AddPictures(ctx context.Context, who storefronts.Who, block id.Block, fresh []Picture) (Edited, error) {
	var out Edited
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := s.Shops.Lock(ctx, tx, who); err != nil { // whoever was quicker has written
			return err
		}
		b, err := s.Block(ctx, tx, who, block)
		if err != nil {
			return err
		}
		room := maxPictures(b.Kind)
		if room == 0 {
			return errNoPictures
		}
		p := b.Props
		p.Pictures = slices.Concat(p.Pictures, fresh)
		if room == 1 {
			p.Pictures = p.Pictures[len(p.Pictures)-1:]
		}
		out, err = s.editIn(ctx, tx, who, block, b.V, p)
		return err
	})
	return out, err
}

// arrange moves the picture of one file up or down among the others, or takes it out; false when it is not there.
func (p *Props) arrange(file id.File, to string) bool {
	i := slices.IndexFunc(p.Pictures, func(x Picture) bool { return x.File == file })
	if i < 0 {
		return false
	}
	p.Pictures = slices.Clone(p.Pictures)
	switch to {
	case "up":
		if i > 0 {
			p.Pictures[i-1], p.Pictures[i] = p.Pictures[i], p.Pictures[i-1]
		}
	case "down":
		if i < len(p.Pictures)-1 {
			p.Pictures[i+1], p.Pictures[i] = p.Pictures[i], p.Pictures[i+1]
		}
	case "out":
		p.Pictures = slices.Delete(p.Pictures, i, i+1)
	default:
		return false
	}
	return true
}

// refusals says of pictures that have no sizes why they will not get any; those that are still being made are not
// among them.
func (s *Service) refusals(ctx context.Context, q db.Q, ps []Picture, ready map[id.File]files.Picture) (map[id.File]string, error) {
	var wait []id.File
	for _, p := range ps {
		if _, ok := ready[p.File]; !ok {
			wait = append(wait, p.File)
		}
	}
	if len(wait) == 0 {
		return nil, nil
	}
	fs, err := s.Pictures.ByIDs(ctx, q, wait)
	if err != nil {
		return nil, err
	}
	out := map[id.File]string{}
	for _, f := range fs {
		if f.Status == files.Refused {
			out[f.ID] = f.Reason
		}
	}
	return out, nil
}

// PictureReady tells the windows that show a file that it has got its sizes: open editors and public pages are drawn
// again. It is for files.Service.OnReady.
func (s *Service) PictureReady(ctx context.Context, tx *db.Tx, f files.File) error {
	if f.Purpose != files.ForImage {
		return nil
	}
	shops, err := shopsOfPicture(ctx, tx, f.Creator, f.ID)
	if err != nil {
		return err
	}
	for _, sh := range shops {
		for _, name := range []string{Changed, Pictured} {
			if err := event.Emit(ctx, tx, name, sh.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// shopsOfPicture are those with a block that shows a file, or has shown it: a published page may still do.
func shopsOfPicture(ctx context.Context, q db.Q, creator id.User, file id.File) (out []id.Shop, err error) {
	err = q.Select(ctx, &out, `
		SELECT DISTINCT shop_id FROM blocks
		WHERE creator_id = $1 AND props ? 'pictures' AND props -> 'pictures' @> jsonb_build_array(jsonb_build_object('file', $2::text))`, creator, file)
	return out, err
}
