package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// upload is a file that the product handed over. What is in it is not kept.
type upload struct {
	ID      string `json:"id"`
	Created int64  `json:"created"`
	Name    string `json:"name"`
	Purpose string `json:"purpose"`
	Size    int64  `json:"size"`
	Type    string `json:"type"` // pdf, png, jpg
	Sum     string `json:"sum"`  // SHA-256 of what was in it
}

const (
	fileSize = 5 << 20 // of one piece of evidence, as Stripe
	fileBody = fileSize + 1<<20
)

// fileNames are the fields of evidence that hold files.
var fileNames = strings.Fields(`cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt refund_policy
service_documentation shipping_documentation uncategorized_file`)

func (st *Stripe) fileRoutes() map[string]endpoint {
	return map[string]endpoint{
		"POST /files":     st.createFile,
		"GET /files":      st.listFiles,
		"GET /files/{id}": st.getFile,
	}
}

// multipartForm reads an upload. The file itself stands in the form as its name, and apart from it.
func multipartForm(contentType string, body []byte) (url.Values, *filePart, *apiError) {
	bad := invalid("", "", "Invalid request: the multipart form cannot be read.")
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, nil, bad
	}
	form, file := url.Values{}, (*filePart)(nil)
	in := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			return form, file, nil
		}
		if err != nil {
			return nil, nil, bad
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, bad
		}
		if part.FormName() == "file" && part.FileName() != "" {
			file = &filePart{part.FileName(), b}
			continue
		}
		form.Add(part.FormName(), string(b))
	}
}

type filePart struct {
	name string
	body []byte
}

// digest stands for an upload where two requests are compared: the boundary of a form is drawn anew each time.
func (f *filePart) digest() string {
	if f == nil {
		return ""
	}
	sum := sha256.Sum256(f.body)
	return f.name + "\n" + hex.EncodeToString(sum[:])
}

func (st *Stripe) createFile(c *call) (obj, error) {
	c.need("purpose", 100)
	purpose := c.enum("purpose", "account_requirement", "additional_verification", "business_icon", "business_logo", "customer_signature", "dispute_evidence",
		"identity_document", "pci_document", "tax_document_user_upload", "terminal_reader_splashscreen")
	if purpose != "" && purpose != "dispute_evidence" {
		c.fail(unsupported("purpose=" + purpose))
	}
	c.refuse("file_link_data")
	if c.file == nil {
		c.fail(invalid("file", "parameter_missing", "Missing required param: file."))
	}
	if err := c.done(); err != nil {
		return nil, err
	}
	kind := map[string]string{"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}[http.DetectContentType(c.file.body)]
	switch {
	case len(c.file.body) == 0:
		return nil, invalid("file", "", "The file is empty.")
	case len(c.file.body) > fileSize:
		return nil, invalid("file", "", "File for key file exceeds the maximum allowed size of %d bytes.", fileSize)
	case kind == "":
		return nil, invalid("file", "", "The file type uploaded is not supported. For the purpose dispute_evidence it must be a PDF, JPG, or PNG.")
	}
	sum := sha256.Sum256(c.file.body)
	f := upload{ID: newID("file"), Created: c.t.now.Unix(), Name: c.file.name, Purpose: purpose, Size: int64(len(c.file.body)), Type: kind, Sum: hex.EncodeToString(sum[:])}
	put(c.t, st.uploads, f.ID, f)
	return st.shapeFile(f), nil
}

func (st *Stripe) getFile(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	f, ok := st.uploads.rows[c.id]
	if !ok {
		return nil, missing("file upload", c.id, "file")
	}
	return st.shapeFile(f), nil
}

func (st *Stripe) listFiles(c *call) (obj, error) {
	pg, purpose := c.pages(), c.str("purpose")
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/files", "file upload", st.uploads.order, func(id string) bool {
		f := st.uploads.rows[id]
		return pg.holds(f.Created) && (purpose == "" || f.Purpose == purpose)
	}, func(id string) obj { return st.shapeFile(st.uploads.rows[id]) })
}

func (st *Stripe) shapeFile(f upload) obj {
	return obj{"id": f.ID, "object": "file", "created": f.Created, "expires_at": nil, "filename": f.Name, "links": listOf(nil, false, "/v1/file_links?file="+f.ID),
		"purpose": f.Purpose, "size": f.Size, "title": nil, "type": f.Type, "url": st.URL() + "/v1/files/" + f.ID + "/contents"}
}

// evidence reads what a dispute is answered with, and checks that its files are there.
func (st *Stripe) evidence(c *call) map[string]string {
	ev, given, chars := c.obj("evidence"), map[string]string{}, 0
	for _, n := range evidenceNames {
		v := ev.text(n, 20000)
		if v == "" {
			continue
		}
		given[n] = v
		if !slices.Contains(fileNames, n) {
			chars += len([]rune(v))
			continue
		}
		if f, ok := st.uploads.rows[v]; !ok || f.Purpose != "dispute_evidence" {
			c.fail(missingRef("file upload", clip(v), ev.name(n)))
		}
	}
	if chars > 150_000 {
		c.fail(invalid("evidence", "", "The combined character count of all evidence fields must be at most 150,000."))
	}
	return given
}

// Upload is a file as tests see it.
type Upload struct {
	ID, Name, Type, SHA256 string
	Size                   int64
}

// Uploads lists every file that was handed over, oldest first.
func (st *Stripe) Uploads() []Upload {
	var out []Upload
	st.db.see(func() {
		for _, id := range st.uploads.order {
			f := st.uploads.rows[id]
			out = append(out, Upload{f.ID, f.Name, f.Type, f.Sum, f.Size})
		}
	})
	return out
}
