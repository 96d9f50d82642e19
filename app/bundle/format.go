// Package bundle lets a shop leave in one click: all of it in one signed archive, which another instance brings in
// as it was.
//
// The archive is a zip. shop.json, page.json, products.json, files.json and members.json say what there is, in
// references that hold within the archive ("product-1"), and without times; files/ has the bytes. vitrine.json
// names every entry with its SHA-256, and vitrine.sig is an Ed25519 signature of vitrine.json.
package bundle

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"

	"vitrine/app/assist"
	"vitrine/app/builder"
	"vitrine/app/storefronts"
)

// Format is what this code writes, and the only one it reads.
const Format = "vitrine-shop/1"

// Entries of the archive.
const (
	manifestName  = "vitrine.json"
	signatureName = "vitrine.sig"
	shopName      = "shop.json"
	pageName      = "page.json"
	productsName  = "products.json"
	filesName     = "files.json"
	membersName   = "members.json"
)

// Manifest is the archive's table of contents.
type Manifest struct {
	Format  string  `json:"format"`
	From    string  `json:"from"` // the instance's shop host
	Key     []byte  `json:"key"`  // its public key
	Entries []Entry `json:"entries"`
}

// Entry is one file of the archive.
type Entry struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 []byte `json:"sha256"`
}

// Shop is the settings of a shop.
type Shop struct {
	Name      string           `json:"name"`
	Slug      string           `json:"slug"`
	Currency  string           `json:"currency"`
	Look      storefronts.Look `json:"look"`
	Published bool             `json:"published"`
}

// Page is the draft, and what visitors see if that is something.
type Page struct {
	Draft     []Block           `json:"draft"`
	Look      *storefronts.Look `json:"look,omitempty"` // of the published page
	Published []Block           `json:"published,omitempty"`
}

// Block is a block of the window. Ref is the same in the draft and in the published page.
type Block struct {
	Ref    string        `json:"ref"`
	Kind   builder.Kind  `json:"kind"`
	Props  Props         `json:"props"`
	Hidden bool          `json:"hidden,omitempty"`
	Hours  builder.Hours `json:"hours"`
}

// Props are those of the builder with references in place of ids.
type Props struct {
	builder.Props
	Product  string    `json:"product,omitempty"`
	Products []string  `json:"products,omitempty"`
	Pictures []Picture `json:"pictures,omitempty"`
}

// Picture is an image of a block: a file of the archive, or a photograph that stands elsewhere, as its licence demands.
type Picture struct {
	File      string         `json:"file,omitempty"`
	Photo     *assist.Placed `json:"photo,omitempty"`
	Alt       string         `json:"alt,omitempty"`
	Credit    string         `json:"credit,omitempty"`
	CreditURL string         `json:"credit_url,omitempty"`
}

// Product is a product with its files. Left is nil for one that never sells out.
type Product struct {
	Ref         string   `json:"ref"`
	Slug        string   `json:"slug"`
	Name        string   `json:"name"`
	Summary     string   `json:"summary,omitempty"`
	Description string   `json:"description,omitempty"`
	Price       string   `json:"price"` // decimal, in the shop's currency
	Active      bool     `json:"active"`
	Left        *int     `json:"left,omitempty"`
	Cover       string   `json:"cover,omitempty"`
	CoverAlt    string   `json:"cover_alt,omitempty"`
	Files       []string `json:"files,omitempty"`
}

// File is an upload whose bytes are in the archive.
type File struct {
	Ref     string `json:"ref"`
	Name    string `json:"name"`
	Purpose string `json:"purpose"`
	Entry   string `json:"entry"`
	Bytes   int64  `json:"bytes"`
	SHA256  []byte `json:"sha256"`
}

// Member is somebody whom the shop may write to.
type Member struct {
	Email   string `json:"email"`
	Name    string `json:"name,omitempty"`
	Consent string `json:"consent"`
	Since   string `json:"since,omitempty"` // a day, 2026-11-23
}

// key is what an instance signs with. It follows from the instance's secret, so that it needs no place of its own.
func key(secret string) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, []byte(secret), nil, "vitrine bundle v1", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
