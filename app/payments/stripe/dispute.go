package stripe

import (
	"bytes"
	"context"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/payments"
)

var _ payments.Disputer = (*Client)(nil)

// Dispute asks how a dispute stands.
func (c *Client) Dispute(ctx context.Context, number string) (payments.Dispute, error) {
	p := &stripe.DisputeParams{}
	p.Context = ctx
	d, err := c.api.Disputes.Get(number, p)
	if err != nil {
		return payments.Dispute{}, explain(err)
	}
	return dispute(d), nil
}

// Upload hands over a file.
func (c *Client) Upload(ctx context.Context, in payments.EvidenceFile) (string, error) {
	p := &stripe.FileParams{FileReader: bytes.NewReader(in.Body), Filename: stripe.String(in.Name), Purpose: stripe.String(string(stripe.FilePurposeDisputeEvidence))}
	p.Context = ctx
	p.SetIdempotencyKey(in.Key)
	f, err := c.api.Files.New(p)
	if err != nil {
		return "", explain(err)
	}
	return f.ID, nil
}

// Submit adds evidence; with Final the bank gets it.
func (c *Client) Submit(ctx context.Context, in payments.Evidence) (payments.Dispute, error) {
	p := &stripe.DisputeParams{Submit: stripe.Bool(in.Final), Evidence: &stripe.DisputeEvidenceParams{
		ProductDescription: some(in.ProductName), CustomerEmailAddress: some(in.BuyerEmail), CustomerName: some(in.BuyerName), CustomerPurchaseIP: some(in.BuyerIP),
		AccessActivityLog: some(in.AccessLog), Receipt: some(in.ReceiptFile), RefundPolicy: some(in.PolicyFile), RefundPolicyDisclosure: some(in.PolicyText),
		ServiceDocumentation: some(in.ServiceFile), ServiceDate: some(in.ServiceDate), ShippingCarrier: some(in.ShippingCarrier), ShippingTrackingNumber: some(in.Tracking),
		RefundRefusalExplanation: some(in.RefusalReason), UncategorizedText: some(in.Text), UncategorizedFile: some(in.OtherFile),
	}}
	p.Context = ctx
	p.SetIdempotencyKey(in.Key)
	d, err := c.api.Disputes.Update(in.Dispute, p)
	if err != nil {
		return payments.Dispute{}, explain(err)
	}
	return dispute(d), nil
}

// Accept gives a dispute up.
func (c *Client) Accept(ctx context.Context, number string) (payments.Dispute, error) {
	p := &stripe.DisputeParams{}
	p.Context = ctx
	p.SetIdempotencyKey("accept-" + number)
	d, err := c.api.Disputes.Close(number, p)
	if err != nil {
		return payments.Dispute{}, explain(err)
	}
	return dispute(d), nil
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return stripe.String(s)
}
