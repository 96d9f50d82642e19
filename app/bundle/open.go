package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"

	"vitrine/app/errs"
)

// Limits of an archive that is brought in.
const (
	maxEntries = 5000
	maxList    = 32 << 20 // of one list
	maxTotal   = 4 << 30  // of all files
)

// Opened is an archive that is whole and was signed by who its table of contents says.
type Opened struct {
	Contents
	From string // the instance that made it
	Ours bool   // it was this one

	entries map[string]*zip.File
	sums    map[string]Entry
}

func bad(sentence string, args ...any) error { return errs.New(errs.Invalid, sentence, args...) }

var (
	errNoBundle = bad("This is no archive of a shop. Choose the file that “Take everything with you” made.")
	errTampered = bad("This archive was changed after it was made, so nothing of it was taken. Make a new one.")
)

// Open reads an archive and proves it: every entry has the digest that the table of contents says, and that table has
// the signature of the key in it. What is asked of the bytes is bounded before they are read.
func (s *Service) Open(r io.ReaderAt, size int64) (*Opened, error) {
	z, err := zip.NewReader(r, size)
	if err != nil || len(z.File) > maxEntries {
		return nil, errNoBundle
	}
	o := &Opened{entries: map[string]*zip.File{}, sums: map[string]Entry{}}
	for _, f := range z.File {
		if o.entries[f.Name] != nil {
			return nil, errTampered
		}
		o.entries[f.Name] = f
	}
	if err := o.prove(s); err != nil {
		return nil, err
	}
	for name, v := range map[string]any{shopName: &o.Shop, pageName: &o.Page, productsName: &o.Products, filesName: &o.Files, membersName: &o.Members} {
		b, err := o.list(name)
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errTampered, name, err)
		}
	}
	return o, nil
}

// prove checks signature and table of contents.
func (o *Opened) prove(s *Service) error {
	raw, err := o.raw(manifestName, maxList)
	if err != nil {
		return errNoBundle
	}
	var m Manifest
	if json.Unmarshal(raw, &m) != nil {
		return errNoBundle
	}
	if m.Format != Format {
		return bad("This archive is of another kind: %s. This instance reads %s.", m.Format, Format)
	}
	sig, err := o.raw(signatureName, ed25519.SignatureSize)
	if err != nil || len(m.Key) != ed25519.PublicKeySize || !ed25519.Verify(m.Key, raw, sig) {
		return errTampered
	}
	if len(m.Entries)+2 != len(o.entries) {
		return errTampered
	}
	var total int64
	for _, e := range m.Entries {
		if o.entries[e.Name] == nil || e.Bytes < 0 || o.entries[e.Name].UncompressedSize64 != uint64(e.Bytes) {
			return errTampered
		}
		if total += e.Bytes; total > maxTotal {
			return bad("This archive is too large: %d GB at most.", maxTotal>>30)
		}
		o.sums[e.Name] = e
	}
	k, err := key(s.Secret)
	o.From, o.Ours = m.From, err == nil && bytes.Equal(m.Key, k.Public().(ed25519.PublicKey))
	return err
}

func (o *Opened) raw(name string, most int64) ([]byte, error) {
	f := o.entries[name]
	if f == nil || f.UncompressedSize64 > uint64(most) {
		return nil, errTampered
	}
	r, err := f.Open()
	if err != nil {
		return nil, errTampered
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil || int64(len(b)) > most {
		return nil, errTampered
	}
	return b, nil
}

// list is an entry whose digest holds.
func (o *Opened) list(name string) ([]byte, error) {
	b, err := o.raw(name, maxList)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b); !guardDigest || bytes.Equal(sum[:], o.sums[name].SHA256) {
		return b, nil
	}
	return nil, errTampered
}

// copy writes a file of the archive to w and proves it on the way.
func (o *Opened) copy(name string, w io.Writer) error {
	f, sum := o.entries[name], o.sums[name]
	if f == nil {
		return errTampered
	}
	r, err := f.Open()
	if err != nil {
		return errTampered
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(r, sum.Bytes+1))
	if err != nil || guardDigest && (n != sum.Bytes || !bytes.Equal(h.Sum(nil), sum.SHA256)) {
		return errTampered
	}
	return nil
}
