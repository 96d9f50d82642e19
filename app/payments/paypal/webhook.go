package paypal

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vitrine/app/payments"
)

// tolerance is how old a message may be, either way: for so long does PayPal try to deliver one.
const tolerance = 3 * 24 * time.Hour

// event is a message of PayPal's.
type event struct {
	ID       string          `json:"id"`
	Version  string          `json:"event_version"`
	Created  time.Time       `json:"create_time"`
	Type     string          `json:"event_type"`
	Resource json.RawMessage `json:"resource"`
}

// ParseWebhook checks a message against the certificate that it names, without asking PayPal about it: what is signed
// is the number and time of the transmission, the number of our webhook, and the checksum of the body as it came.
func (c *Client) ParseWebhook(body []byte, header http.Header) (payments.Event, error) {
	if err := c.verify(body, header); err != nil {
		return payments.Event{}, fmt.Errorf("%w: %w", payments.ErrSignature, err)
	}
	return c.ParseEvent(body)
}

func (c *Client) verify(body []byte, h http.Header) error {
	number, stamp, algo := h.Get("Paypal-Transmission-Id"), h.Get("Paypal-Transmission-Time"), h.Get("Paypal-Auth-Algo")
	switch {
	case c.opt.WebhookID == "":
		return errors.New("no webhook is set up at PayPal: PAYPAL_WEBHOOK_ID is empty")
	case number == "" || len(number) > 200:
		return errors.New("not signed")
	case algo != "SHA256withRSA":
		return fmt.Errorf("signed by %q", algo)
	}
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return fmt.Errorf("time of transmission %q", stamp)
	}
	now := c.opt.Clock()
	if d := now.Sub(at); d > tolerance || d < -tolerance {
		return fmt.Errorf("sent %s ago", d)
	}
	signature, err := base64.StdEncoding.DecodeString(h.Get("Paypal-Transmission-Sig"))
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	leaf, err := c.certs.leaf(ctx, h.Get("Paypal-Cert-Url"), now)
	if err != nil {
		return err
	}
	signed := number + "|" + stamp + "|" + c.opt.WebhookID + "|" + strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)
	if err := leaf.CheckSignature(x509.SHA256WithRSA, []byte(signed), signature); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	return nil
}

// ParseEvent reads a body that ParseWebhook has accepted. Hardly any event tells how the whole payment stands: those
// that change one are looked up.
func (c *Client) ParseEvent(body []byte) (payments.Event, error) {
	var e event
	err := json.Unmarshal(body, &e)
	if err == nil && (e.ID == "" || e.Type == "" || e.Version != "1.0" || len(e.Resource) == 0) {
		err = errors.New("not an event")
	}
	if err != nil {
		return payments.Event{}, fmt.Errorf("%w: %w", payments.ErrEvent, err)
	}
	out := payments.Event{ID: e.ID, Type: e.Type, Created: e.Created.UTC(), Live: !strings.Contains(c.base, "sandbox")}
	if err := c.into(&out, e); err != nil {
		return out, fmt.Errorf("%w: %s: %w", payments.ErrEvent, e.Type, err)
	}
	return out, nil
}

// into adds what an event tells. Events of the same kind tell of the same object.
func (c *Client) into(out *payments.Event, e event) error {
	kind, what, _ := cutLast(e.Type)
	switch {
	case kind == "CHECKOUT.ORDER":
		var o order
		if err := json.Unmarshal(e.Resource, &o); err != nil {
			return err
		}
		f, err := fact(o)
		if f.State == payments.Approved {
			f.Intent = "" // nothing is paid yet
		}
		out.Known, out.Fact = what == "APPROVED" || what == "COMPLETED" || what == "VOIDED", f
		return err
	case e.Type == "PAYMENT.CAPTURE.REFUNDED", e.Type == "PAYMENT.CAPTURE.REVERSED", kind == "PAYMENT.REFUND":
		var r refund
		if err := json.Unmarshal(e.Resource, &r); err != nil {
			return err
		}
		out.Known, out.Look, out.Fact = true, true, payments.Fact{Intent: last(r.Links, "up", "captures")}
	case kind == "PAYMENT.CAPTURE":
		var p capture
		if err := json.Unmarshal(e.Resource, &p); err != nil {
			return err
		}
		f := payments.Fact{Checkout: checkout(p.Custom), Session: p.order(), Intent: p.order()}
		if err := p.into(&f); err != nil {
			return err
		}
		out.Known, out.Fact = true, f
		out.Look = f.State == payments.Succeeded // with who has paid
	case kind == "CUSTOMER.DISPUTE":
		var d complaint
		if err := json.Unmarshal(e.Resource, &d); err != nil {
			return err
		}
		v, err := d.read()
		if err != nil {
			return err
		}
		out.Known, out.Look, out.Fact = v.Charge != "", true, payments.Fact{Intent: v.Charge, Disputes: []payments.Dispute{v}}
	case kind == "PAYMENT.PAYOUTS-ITEM":
		var i payoutItem
		if err := json.Unmarshal(e.Resource, &i); err != nil {
			return err
		}
		v, err := i.read()
		if err != nil {
			return err
		}
		out.Known, out.Payout = !v.Payout.IsZero(), &v
	}
	return nil
}

// cutLast divides at the last point.
func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndex(s, ".")
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
