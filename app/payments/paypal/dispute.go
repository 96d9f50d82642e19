package paypal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"vitrine/app/money"
	"vitrine/app/payments"
)

var _ payments.Disputer = (*Client)(nil)

// complaint is a dispute as PayPal shows it.
type complaint struct {
	ID      string    `json:"dispute_id"`
	Created time.Time `json:"create_time"`
	Reason  string    `json:"reason"`
	Status  string    `json:"status"`
	Amount  value     `json:"dispute_amount"`
	Due     time.Time `json:"seller_response_due_date"`
	Outcome struct {
		Code string `json:"outcome_code"`
	} `json:"dispute_outcome"`
	Trades []struct {
		Capture string `json:"seller_transaction_id"`
		Custom  string `json:"custom"`
	} `json:"disputed_transactions"`
	Moves []struct {
		Party  string `json:"affected_party"`
		Amount value  `json:"amount"`
		Type   string `json:"type"`
		Reason string `json:"reason"`
	} `json:"money_movements"`
	Evidence []struct {
		Source string `json:"source"`
	} `json:"evidences"`
}

// read takes in a dispute. Its sums are those of its movements; PayPal's fee is none of them.
func (d complaint) read() (payments.Dispute, error) {
	a, err := d.Amount.read()
	none := money.Amount{Currency: a.Currency}
	out := payments.Dispute{ID: d.ID, Reason: strings.ToLower(d.Reason), Amount: a, Withdrawn: none, Reinstated: none, At: d.Created.UTC()}
	if len(d.Trades) > 0 {
		out.Charge = d.Trades[0].Capture
	}
	for _, m := range d.Moves {
		if m.Party == "BUYER" || strings.HasSuffix(m.Reason, "_FEE") {
			continue
		}
		v, err := m.Amount.read()
		if err != nil {
			return out, err
		}
		switch m.Type {
		case "DEBIT":
			out.Withdrawn = out.Withdrawn.Add(v)
		case "CREDIT":
			out.Reinstated = out.Reinstated.Add(v)
		}
	}
	out.Status = d.status(out)
	if out.Status == payments.DisputeOpen {
		out.Due = d.Due.UTC()
	}
	return out, err
}

func (d complaint) status(v payments.Dispute) payments.DisputeStatus {
	switch d.Status {
	case "OPEN":
		return payments.DisputeInquiry
	case "WAITING_FOR_SELLER_RESPONSE":
		return payments.DisputeOpen
	case "RESOLVED":
	default: // waiting for the buyer, or for PayPal
		return payments.DisputeReview
	}
	switch d.Outcome.Code {
	case "RESOLVED_BUYER_FAVOUR", "ACCEPTED":
		return payments.DisputeLost
	case "RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER", "DENIED":
		return payments.DisputeWon
	}
	if v.Withdrawn.Minor > v.Reinstated.Minor {
		return payments.DisputeLost
	}
	return payments.DisputeClosed
}

func disputePath(number, what string) string {
	return "/v1/customer/disputes/" + url.PathEscape(number) + what
}

func (c *Client) complaint(ctx context.Context, number string) (d complaint, err error) {
	err = c.call(ctx, http.MethodGet, disputePath(number, ""), "", nil, &d)
	return d, err
}

// Dispute asks how a dispute stands.
func (c *Client) Dispute(ctx context.Context, number string) (payments.Dispute, error) {
	d, err := c.complaint(ctx, number)
	if err != nil {
		return payments.Dispute{}, err
	}
	return d.read()
}

// disputes asks for all disputes of a payment. The list says nothing of the money: each is asked for by itself.
func (c *Client) disputes(ctx context.Context, f payments.Fact) (all []payments.Dispute, err error) {
	var page struct {
		Items []struct {
			ID string `json:"dispute_id"`
		} `json:"items"`
	}
	if err := c.call(ctx, http.MethodGet, "/v1/customer/disputes?page_size=50&disputed_transaction_id="+url.QueryEscape(f.Charge), "", nil, &page); err != nil {
		return nil, err
	}
	for _, i := range page.Items {
		d, err := c.Dispute(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		d.Intent = f.Intent
		all = append(all, d)
	}
	return all, nil
}

// Upload keeps a file until it is sent: PayPal takes files only together with the answer that they belong to.
func (c *Client) Upload(_ context.Context, in payments.EvidenceFile) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[in.Key] = in
	return in.Key, nil
}

type document struct {
	Name string `json:"name"`
}

type tracking struct {
	Carrier string `json:"carrier_name"`
	Number  string `json:"tracking_number"`
}

type proof struct {
	Type string `json:"evidence_type"`
	Info *struct {
		Tracking []tracking `json:"tracking_info"`
	} `json:"evidence_info,omitempty"`
	Notes     string     `json:"notes,omitempty"`
	Documents []document `json:"documents,omitempty"`
}

// noteSize is how many letters PayPal takes with each proof.
const noteSize = 2000

// Submit sends an answer, which is final: PayPal takes one, and keeps no draft. It knows no key; that the answer is
// there already is seen by the dispute's being looked at.
func (c *Client) Submit(ctx context.Context, in payments.Evidence) (payments.Dispute, error) {
	if !in.Final {
		return c.Dispute(ctx, in.Dispute)
	}
	body, kind, err := c.answer(in)
	if err != nil {
		return payments.Dispute{}, err
	}
	err = c.send(ctx, http.MethodPost, disputePath(in.Dispute, "/provide-evidence"), "", kind, body, nil)
	if err != nil && refusal(err) == "" {
		return payments.Dispute{}, err
	}
	c.forget(in)
	d, seen := c.complaint(ctx, in.Dispute)
	switch {
	case seen != nil && err == nil: // it is sent; that is what was asked for
		return payments.Dispute{ID: in.Dispute, Status: payments.DisputeReview}, nil
	case seen != nil:
		return payments.Dispute{}, seen
	case err != nil && !(d.Status == "UNDER_REVIEW" && d.answered()):
		return payments.Dispute{}, err
	}
	return d.read()
}

// answered reports whether the seller has sent something.
func (d complaint) answered() bool {
	for _, e := range d.Evidence {
		if e.Source == "SUBMITTED_BY_SELLER" {
			return true
		}
	}
	return false
}

// answer writes the proofs, and the files that they name, as one body of several parts.
func (c *Client) answer(in payments.Evidence) (body []byte, kind string, err error) {
	delivery := proof{Type: "PROOF_OF_FULFILLMENT", Notes: clip(join("Delivered: "+in.ProductName, in.ServiceDate, in.AccessLog), noteSize)}
	if in.Tracking != "" {
		delivery.Info = &struct {
			Tracking []tracking `json:"tracking_info"`
		}{[]tracking{{carrier(in.ShippingCarrier), in.Tracking}}}
	}
	all := []struct {
		proof
		file string
	}{
		{delivery, in.ServiceFile},
		{proof{Type: "PROOF_OF_RECEIPT_COPY", Notes: clip(join(in.BuyerName, in.BuyerEmail, in.BuyerIP), noteSize)}, in.ReceiptFile},
		{proof{Type: "RETURN_POLICY", Notes: clip(join(in.PolicyText, in.RefusalReason), noteSize)}, in.PolicyFile},
		{proof{Type: "OTHER", Notes: clip(in.Text, noteSize)}, in.OtherFile},
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	var input struct {
		Evidences []proof `json:"evidences"`
	}
	var files []payments.EvidenceFile
	c.mu.Lock()
	for i, p := range all {
		if f, ok := c.files[p.file]; ok && p.file != "" {
			f.Name = fmt.Sprintf("%d-%s", i+1, f.Name) // two files may have one name
			p.Documents = []document{{f.Name}}
			files = append(files, f)
		}
		if p.Notes != "" || len(p.Documents) > 0 {
			input.Evidences = append(input.Evidences, p.proof)
		}
	}
	c.mu.Unlock()
	text, err := json.Marshal(input)
	if err != nil {
		return nil, "", fmt.Errorf("write evidence: %w", err)
	}
	part := func(name, file, kind string, body []byte) error {
		h := textproto.MIMEHeader{"Content-Type": {kind}}
		h.Set("Content-Disposition", multipart.FileContentDisposition(name, file))
		if file == "" {
			h.Set("Content-Disposition", `form-data; name="`+name+`"`)
		}
		p, err := w.CreatePart(h)
		if err == nil {
			_, err = p.Write(body)
		}
		return err
	}
	if err := part("input", "", "application/json", text); err != nil {
		return nil, "", fmt.Errorf("write evidence: %w", err)
	}
	for i, f := range files {
		if err := part(fmt.Sprintf("file%d", i+1), f.Name, f.ContentType, f.Body); err != nil {
			return nil, "", fmt.Errorf("write evidence: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", fmt.Errorf("write evidence: %w", err)
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

func carrier(name string) string {
	if name == "" {
		return "OTHER"
	}
	return strings.ToUpper(name)
}

func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n")
}

// forget lets go of the files of an answer that was taken.
func (c *Client) forget(in payments.Evidence) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range []string{in.ServiceFile, in.ReceiptFile, in.PolicyFile, in.OtherFile} {
		delete(c.files, k)
	}
}

// Accept gives a dispute up: the buyer has the money.
func (c *Client) Accept(ctx context.Context, number string) (payments.Dispute, error) {
	err := c.call(ctx, http.MethodPost, disputePath(number, "/accept-claim"), "accept-"+number, map[string]string{"note": "The seller accepts the claim."}, nil)
	if err != nil && refusal(err) == "" {
		return payments.Dispute{}, err
	}
	d, seen := c.Dispute(ctx, number)
	if seen == nil && err != nil && d.Status == payments.DisputeLost {
		err = nil // it was accepted before
	}
	if err != nil {
		return payments.Dispute{}, err
	}
	return d, seen
}
