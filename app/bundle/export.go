package bundle

import (
	"archive/zip"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"vitrine/app/assist"
	"vitrine/app/builder"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
)

// Contents are all of a shop, in references; two shops that are the same have the same.
type Contents struct {
	Shop     Shop
	Page     Page
	Products []Product
	Files    []File
	Members  []Member

	stored map[string]files.File // by reference
}

// pack collects a shop and hands out references.
type pack struct {
	Contents
	s        *Service
	files    map[id.File]string
	products map[id.Product]string
	blocks   map[id.Block]string
	wanted   []id.File // in the order of their references
	purpose  map[id.File]files.Purpose
	photos   map[id.File]assist.Placed
}

// Read collects all of a shop.
func (s *Service) Read(ctx context.Context, who Who) (Contents, error) {
	sh, err := s.Shops.Mine(ctx, s.DB, who)
	if err != nil {
		return Contents{}, err
	}
	p := &pack{s: s, files: map[id.File]string{}, products: map[id.Product]string{}, blocks: map[id.Block]string{}, purpose: map[id.File]files.Purpose{}}
	p.Shop = Shop{sh.Name, sh.Slug, string(sh.Currency), sh.Look(), sh.Published}
	if err := p.readProducts(ctx, goods(who, sh)); err != nil {
		return Contents{}, err
	}
	draft, shown, err := s.Window.Whole(ctx, s.DB, who)
	if err != nil {
		return Contents{}, err
	}
	if p.photos, err = s.Photos.PlacedIn(ctx, s.DB, pictures(draft, shown)); err != nil {
		return Contents{}, err
	}
	p.Page.Draft = []Block{}
	for _, b := range draft.Blocks {
		p.Page.Draft = append(p.Page.Draft, p.block(b))
	}
	if shown != nil {
		p.Page.Look = &shown.Look
		for _, b := range shown.Blocks {
			p.Page.Published = append(p.Page.Published, p.block(builder.WholePart{Part: b}))
		}
	}
	if p.Members, err = s.Members.Members(ctx, s.DB, who); err != nil {
		return Contents{}, err
	}
	return p.Contents, p.readFiles(ctx)
}

// pictures are those of all blocks.
func pictures(draft builder.Whole, shown *builder.Content) (out []id.File) {
	add := func(ps builder.Props) {
		for _, x := range ps.Pictures {
			out = append(out, x.File)
		}
	}
	for _, b := range draft.Blocks {
		add(b.Props)
	}
	if shown != nil {
		for _, b := range shown.Blocks {
			add(b.Props)
		}
	}
	return out
}

func (p *pack) readProducts(ctx context.Context, who products.Who) error {
	var before id.Product
	var all []products.Product
	for more := true; more; {
		ps, next, err := p.s.Products.List(ctx, who, false, before)
		if err != nil {
			return err
		}
		if more = next && len(ps) > 0; more {
			before = ps[len(ps)-1].ID
		}
		all = append(all, ps...)
	}
	slices.SortFunc(all, func(a, b products.Product) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	p.Products = []Product{}
	for i, x := range all {
		out := Product{Ref: "product-" + strconv.Itoa(i+1), Slug: x.Slug, Name: x.Name, Summary: x.Summary, Description: x.Description, Price: x.Price.Decimal(),
			Active: x.Active, Cover: p.file(x.CoverID, files.ForImage), CoverAlt: x.CoverAlt}
		if x.Left != products.Unlimited {
			out.Left = &x.Left
		}
		for _, f := range x.Files {
			out.Files = append(out.Files, p.file(f.ID, files.ForProduct))
		}
		p.products[x.ID] = out.Ref
		p.Products = append(p.Products, out)
	}
	return nil
}

func (p *pack) file(f id.File, purpose files.Purpose) string {
	if f.IsZero() {
		return ""
	}
	if p.files[f] == "" {
		p.files[f] = "file-" + strconv.Itoa(len(p.files)+1)
		p.wanted, p.purpose[f] = append(p.wanted, f), purpose
	}
	return p.files[f]
}

func (p *pack) block(b builder.WholePart) Block {
	if p.blocks[b.ID] == "" {
		p.blocks[b.ID] = "block-" + strconv.Itoa(len(p.blocks)+1)
	}
	props := Props{Props: b.Props, Product: p.products[b.Props.Product]}
	for _, x := range b.Props.Products {
		if ref := p.products[x]; ref != "" { // archived ones stay behind
			props.Products = append(props.Products, ref)
		}
	}
	for _, x := range b.Props.Pictures {
		pic := Picture{Alt: x.Alt, Credit: x.Credit, CreditURL: x.CreditURL}
		if photo, ok := p.photos[x.File]; ok {
			pic.Photo = &photo
		} else {
			pic.File = p.file(x.File, files.ForImage)
		}
		props.Pictures = append(props.Pictures, pic)
	}
	return Block{p.blocks[b.ID], b.Kind, props, b.Hidden, b.Hours}
}

// readFiles looks up what the references to files stand for. Files that never passed their check stay behind.
func (p *pack) readFiles(ctx context.Context) error {
	found, err := p.s.Files.ByIDs(ctx, p.s.DB, p.wanted)
	if err != nil {
		return err
	}
	have := map[id.File]files.File{}
	for _, f := range found {
		have[f.ID] = f
	}
	p.stored, p.Files = map[string]files.File{}, []File{}
	for _, w := range p.wanted {
		f, ref := have[w], p.files[w]
		if f.Status == files.Ready {
			p.stored[ref] = f
			p.Files = append(p.Files, File{Ref: ref, Name: f.Name, Purpose: string(p.purpose[w]), Entry: "files/" + ref + path.Ext(f.Name), Bytes: f.Size})
		}
	}
	return nil
}

// archive writes entries and remembers their digests.
type archive struct {
	*zip.Writer
	entries []Entry
}

func (a *archive) entry(name string, r io.Reader) (Entry, error) {
	w, err := a.CreateHeader(&zip.FileHeader{Name: name, Method: method(name)})
	if err != nil {
		return Entry{}, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), r)
	e := Entry{name, n, h.Sum(nil)}
	a.entries = append(a.entries, e)
	return e, err
}

// method stores files as they are: most are compressed already.
func method(name string) uint16 {
	if strings.HasPrefix(name, "files/") {
		return zip.Store
	}
	return zip.Deflate
}

func (a *archive) json(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		_, err = a.entry(name, strings.NewReader(string(b)+"\n"))
	}
	return err
}

// Write sends the archive of a shop to w as it is made; nothing of it is kept in memory but the lists.
func (s *Service) Write(ctx context.Context, who Who, w io.Writer) error {
	c, err := s.Read(ctx, who)
	if err != nil {
		return err
	}
	return s.Pack(ctx, c, w)
}

// Pack is Write for contents that were read before.
func (s *Service) Pack(ctx context.Context, c Contents, w io.Writer) error {
	a := &archive{Writer: zip.NewWriter(w)}
	for i, f := range c.Files {
		r, err := s.Files.Read(ctx, c.stored[f.Ref], 0, 0)
		if err != nil {
			return fmt.Errorf("export file %s: %w", f.Name, err)
		}
		e, err := a.entry(f.Entry, r)
		r.Close()
		if err != nil {
			return fmt.Errorf("export file %s: %w", f.Name, err)
		}
		c.Files[i].SHA256, c.Files[i].Bytes = e.SHA256, e.Bytes
	}
	for name, v := range map[string]any{shopName: c.Shop, pageName: c.Page, productsName: c.Products, filesName: c.Files, membersName: c.Members} {
		if err := a.json(name, v); err != nil {
			return err
		}
	}
	return s.sign(a)
}

// sign writes the table of contents and the signature, and ends the archive.
func (s *Service) sign(a *archive) error {
	k, err := key(s.Secret)
	if err != nil {
		return err
	}
	slices.SortFunc(a.entries, func(x, y Entry) int { return strings.Compare(x.Name, y.Name) })
	m := Manifest{Format, s.Shops.ShopURL, k.Public().(ed25519.PublicKey), slices.Clone(a.entries)}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if _, err := a.entry(manifestName, strings.NewReader(string(b))); err != nil {
		return err
	}
	if _, err := a.entry(signatureName, strings.NewReader(string(ed25519.Sign(k, b)))); err != nil {
		return err
	}
	return a.Close()
}
