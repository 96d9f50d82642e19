package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
)

// ppEvidence is what a seller sent about a dispute.
type ppEvidence struct {
	Type  string   `json:"type"`
	Notes string   `json:"notes,omitempty"`
	Info  obj      `json:"info,omitempty"`
	Files []string `json:"files,omitempty"` // names
}

const (
	ppFileSize = 10 << 20
	ppNoteSize = 2000
)

func ppNotNow() *ppError {
	return ppNo("", "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE", "This action is not allowed for this dispute ID. For the allowed actions, see the HATEOAS link in show dispute details.")
}

// answerable finds a dispute that waits for the seller.
func (pp *PayPal) answerable(c *ppCall) (ppDispute, error) {
	d, ok := pp.disputes.rows[c.id]
	if !ok {
		return d, ppMissing()
	}
	if d.Status != "WAITING_FOR_SELLER_RESPONSE" {
		return d, ppNotNow()
	}
	return d, nil
}

// provideEvidence takes the seller's answer: a JSON part named input, and the files that it speaks of.
func (pp *PayPal) provideEvidence(c *ppCall) (ppReply, error) {
	d, err := pp.answerable(c)
	if err != nil {
		return ppReply{}, err
	}
	input, files, err := c.parts()
	if err != nil {
		return ppReply{}, err
	}
	var in struct {
		Evidences []struct {
			Type      string `json:"evidence_type"`
			Info      obj    `json:"evidence_info"`
			Notes     string `json:"notes"`
			Documents []struct {
				Name string `json:"name"`
			} `json:"documents"`
		} `json:"evidences"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return ppReply{}, ppBad("/", "", "MALFORMED_REQUEST_JSON", "The request JSON is not well formed.")
	}
	if len(in.Evidences) == 0 {
		return ppReply{}, ppBad("/evidences", "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
	}
	named := 0
	for _, e := range in.Evidences {
		if e.Type == "" {
			return ppReply{}, ppBad("/evidences/evidence_type", "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
		}
		if err := ppLong("/evidences/notes", e.Notes, ppNoteSize); err != nil {
			return ppReply{}, err
		}
		one := ppEvidence{Type: e.Type, Notes: e.Notes, Info: e.Info}
		for _, doc := range e.Documents {
			if !slices.Contains(files, doc.Name) {
				return ppReply{}, ppBad("/evidences/documents", clip(doc.Name), "INVALID_PARAMETER_VALUE", "No such file was sent.")
			}
			one.Files = append(one.Files, doc.Name)
			named++
		}
		d.Evidence = append(d.Evidence[:len(d.Evidence):len(d.Evidence)], one)
	}
	if named == 0 && len(files) > 0 { // files that no evidence names belong to the first
		first := len(d.Evidence) - len(in.Evidences)
		d.Evidence = slices.Clone(d.Evidence)
		d.Evidence[first].Files = files
	}
	d.Status, d.Updated = "UNDER_REVIEW", c.t.now.Unix()
	put(c.t, pp.disputes, d.ID, d)
	pp.unplan(c.t, "overdue", d.ID)
	return ppReply{Status: http.StatusOK, Body: obj{"links": []obj{ppLink(pp.disputeURL(d.ID), "self", "GET")}}}, pp.tellDispute(c.t, "UPDATED", "Dispute updated with Case # ", d)
}

// parts reads a multipart body: the JSON and the names of the files.
func (c *ppCall) parts() (input []byte, files []string, err error) {
	kind, how, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return nil, nil, &ppError{Status: http.StatusUnsupportedMediaType, Name: "UNSUPPORTED_MEDIA_TYPE", Message: "The server does not support the request payload's media type."}
	}
	in := multipart.NewReader(bytes.NewReader(c.body), how["boundary"])
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, ppBad("/", "", "MALFORMED_REQUEST", "The multipart body cannot be read.")
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, ppBad("/", "", "MALFORMED_REQUEST", "The multipart body cannot be read.")
		}
		if part.FormName() == "input" {
			input = b
			continue
		}
		name := part.FileName()
		switch strings.ToLower(path.Ext(name)) {
		case ".jpg", ".jpeg", ".gif", ".png", ".pdf":
		default:
			return nil, nil, ppNo("", "INVALID_FILE_FORMAT", "Evidence files are JPG, GIF, PNG or PDF.")
		}
		if len(b) == 0 || len(b) > ppFileSize {
			return nil, nil, ppNo("", "FILE_SIZE_LIMIT_EXCEEDED", "An evidence file has 1 byte to 10 MB.")
		}
		files = append(files, name)
	}
	if input == nil {
		return nil, nil, ppBad("/input", "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
	}
	return input, files, nil
}

func (pp *PayPal) shapeEvidence(d ppDispute) []obj {
	out := []obj{}
	for _, e := range d.Evidence {
		one := obj{"evidence_type": e.Type, "source": "SUBMITTED_BY_SELLER", "date": ppStamp(d.Updated)}
		if e.Notes != "" {
			one["notes"] = e.Notes
		}
		if e.Info != nil {
			one["evidence_info"] = e.Info
		}
		docs := []obj{}
		for _, name := range e.Files {
			docs = append(docs, obj{"name": name})
		}
		if len(docs) > 0 {
			one["documents"] = docs
		}
		out = append(out, one)
	}
	return out
}

// acceptClaim gives the buyer the money.
func (pp *PayPal) acceptClaim(c *ppCall) (ppReply, error) {
	d, ok := pp.disputes.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	if d.Status == "RESOLVED" || d.Status == "UNDER_REVIEW" {
		return ppReply{}, ppNotNow()
	}
	var in struct {
		Note   string   `json:"note"`
		Amount *ppMoney `json:"refund_amount"`
	}
	if err := c.read(&in); err != nil {
		return ppReply{}, err
	}
	if in.Note == "" {
		return ppReply{}, ppBad("/note", "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
	}
	if err := ppLong("/note", in.Note, ppNoteSize); err != nil {
		return ppReply{}, err
	}
	if in.Amount != nil {
		if n, e := in.Amount.positive("/refund_amount"); e != nil {
			return ppReply{}, e
		} else if in.Amount.Code != d.Currency || n != d.Amount {
			return ppReply{}, ppNo("/refund_amount", "INVALID_REFUND_AMOUNT", "The sandbox accepts a claim as a whole.")
		}
	}
	d.Note = in.Note
	put(c.t, pp.disputes, d.ID, d)
	if err := pp.decide(c.t, d.ID, "RESOLVED_BUYER_FAVOUR"); err != nil {
		return ppReply{}, err
	}
	return ppReply{Status: http.StatusOK, Body: obj{"links": []obj{ppLink(pp.disputeURL(d.ID), "self", "GET")}}}, nil
}
