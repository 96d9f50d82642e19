package disputes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/orders"
	"vitrine/app/payments"
)

// Jobs registers what the worker does.
func (s *Service) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: 2 * time.Minute, Attempts: 20}, func(ctx context.Context, t Deliver) error { return s.Deliver(ctx, t.Dispute) })
	job.Handle(r, job.Spec{Timeout: time.Minute, Attempts: 12}, func(ctx context.Context, t Remind) error { return s.Remind(ctx, t.Dispute) })
	r.Every("disputes:sweep", 10*time.Minute, s.Sweep)
}

// Remind sends what there is: the bank's time is nearly over, and an answer without the creator's words is better
// than none.
func (s *Service) Remind(ctx context.Context, d id.Dispute) error {
	have, err := s.read(ctx, s.DB, d)
	if err != nil || have.Answer != Drafting || have.Status != payments.DisputeOpen {
		return err
	}
	if err := s.begin(ctx, have.Creator, d, Sending, true); !errs.Is(err, errs.Conflict) {
		return err
	}
	return nil // the creator was quicker
}

// Sweep finds what lost jobs have missed.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.DB.Now()
	due, err := s.listDue(ctx, s.DB, now.Add(-5*time.Minute), now.Add(ahead))
	if err != nil {
		return fmt.Errorf("list due disputes: %w", err)
	}
	var all []error
	for _, d := range due {
		do := s.Deliver
		if d.Answer == Drafting {
			do = s.Remind
		}
		if err := do(ctx, d.ID); err != nil {
			slog.WarnContext(ctx, "dispute not answered", "dispute", d.ID, "err", err)
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// Deliver hands an answer over. It may run as often as it likes: every call has a key made from the dispute's id, and
// past the life of the keys the provider is asked how the dispute stands before anything is sent again.
func (s *Service) Deliver(ctx context.Context, dispute id.Dispute) error {
	d, err := s.read(ctx, s.DB, dispute)
	if err != nil || d.Answer != Sending && d.Answer != Accepting {
		return err
	}
	p, ok := s.Disputers[d.Provider]
	if !ok {
		return job.Permanent(fmt.Errorf("dispute %s: no provider %q", d.ID, d.Provider))
	}
	if s.DB.Now().Sub(d.SendingAt) >= payments.KeyLife {
		failpoint.Hit("disputes.look.before_call")
		now, err := p.Dispute(ctx, d.Ref)
		failpoint.Hit("disputes.look.after_call")
		if err != nil {
			return fmt.Errorf("look at dispute %s: %w", d.ID, err)
		}
		if now.Status != payments.DisputeOpen && now.Status != payments.DisputeInquiry {
			return s.record(ctx, d, nil)
		}
	}
	if d.Answer == Accepting {
		failpoint.Hit("disputes.accept.before_call")
		_, err = p.Accept(ctx, d.Ref)
		failpoint.Hit("disputes.accept.after_call")
	} else {
		err = s.submit(ctx, p, d)
	}
	if err != nil && payments.OutcomeOf(err) != payments.Refused {
		return fmt.Errorf("answer dispute %s: %w", d.ID, err)
	}
	return s.record(ctx, d, err)
}

// submit gathers the evidence, uploads its files and sends it.
func (s *Service) submit(ctx context.Context, p payments.Disputer, d Dispute) error {
	e, receipt, err := s.Collect(ctx, d)
	if err != nil {
		return err
	}
	upload := func(to *string, f payments.EvidenceFile) error {
		failpoint.Hit("disputes.upload.before_call")
		n, err := p.Upload(ctx, f)
		failpoint.Hit("disputes.upload.after_call")
		*to = n
		return err
	}
	if err := upload(&e.ReceiptFile, payments.EvidenceFile{Key: "evidence-" + d.ID.String() + "-receipt", Name: "receipt.pdf", ContentType: "application/pdf", Body: receipt}); err != nil {
		return err
	}
	for _, f := range d.Files {
		body, err := s.body(ctx, s.DB, d.ID, f.Kind)
		if err != nil {
			return err
		}
		to := map[string]*string{"delivery": &e.ServiceFile, "policy": &e.PolicyFile, "other": &e.OtherFile}[f.Kind]
		if err := upload(to, payments.EvidenceFile{Key: "evidence-" + d.ID.String() + "-" + f.Kind, Name: f.Name, ContentType: f.ContentType, Body: body}); err != nil {
			return err
		}
	}
	failpoint.Hit("disputes.submit.before_call")
	_, err = p.Submit(ctx, e)
	failpoint.Hit("disputes.submit.after_call")
	return err
}

// record notes how it went, and tells the creator.
func (s *Service) record(ctx context.Context, d Dispute, cause error) error {
	to, trouble, what := Sent, "", "sent"
	if d.Answer == Accepting {
		to, what = Accepted, "accepted"
	}
	if cause != nil {
		to, trouble, what = Failed, "The bank did not take the answer: the dispute is over or its time is.", "failed"
		slog.WarnContext(ctx, "evidence refused", "dispute", d.ID, "err", cause)
	}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := s.finishAnswer(ctx, tx, d, to, trouble)
		if err == nil && n == 1 {
			err = s.tell(ctx, tx, d.ID, what)
		}
		failpoint.Hit("disputes.record.before_commit")
		return err
	})
	failpoint.Hit("disputes.record.after_commit")
	return err
}

// Collect is the evidence as it would be sent now, with the receipt as a PDF. It says only what our rows know.
func (s *Service) Collect(ctx context.Context, d Dispute) (payments.Evidence, []byte, error) {
	o, err := s.Orders.Find(ctx, s.DB, d.Order)
	if err != nil {
		return payments.Evidence{}, nil, fmt.Errorf("order of dispute %s: %w", d.ID, err)
	}
	log, err := s.Orders.AccessLog(ctx, s.DB, o.ID)
	if err != nil {
		return payments.Evidence{}, nil, fmt.Errorf("access log of %s: %w", o.ID, err)
	}
	consent, err := s.Orders.Consent(ctx, s.DB, o.Checkout)
	if err != nil {
		return payments.Evidence{}, nil, err
	}
	e := payments.Evidence{Dispute: d.Ref, Key: "evidence-" + d.ID.String(), Final: true, BuyerEmail: o.Email, ProductName: goods(o),
		ServiceDate: o.PaidAt.UTC().Format("2006-01-02"), AccessLog: accessLog(o, log), RefusalReason: d.Refusal, Text: words(d, o, consent)}
	if !consent.IsZero() {
		e.PolicyText = "At checkout, on " + moment(consent) + ", the buyer ticked: “Start my download now; I understand I lose my 14-day right to change my mind.” The order cannot be sent without it."
	}
	pdf, err := receipt(o, consent)
	return e, pdf, err
}

func goods(o orders.Order) string {
	var all []string
	for _, i := range o.Items {
		all = append(all, fmt.Sprintf("%d x %s (%s)", i.Quantity, i.Name, i.Total))
	}
	return clip("Digital goods, delivered by download: "+strings.Join(all, "; "), 3000)
}

func accessLog(o orders.Order, log []orders.Fetched) string {
	lines := []string{fmt.Sprintf("%s  paid %s; receipt with the download link sent to %s", moment(o.PaidAt), o.Total, o.Email)}
	for _, f := range log {
		lines = append(lines, fmt.Sprintf("%s  last download of a file of “%s”; %d downloads in all", moment(f.Last), f.Item, f.Count))
	}
	if len(log) == 0 {
		lines = append(lines, "No file was downloaded through the link so far.")
	}
	return clip(strings.Join(lines, "\n"), 6000)
}

func words(d Dispute, o orders.Order, consent time.Time) string {
	all := []string{d.Words}
	if d.Words == "" {
		all = []string{fmt.Sprintf("Order %d was paid on %s and delivered at once by a download link to the address given at checkout.", o.Number, moment(o.PaidAt))}
	}
	if !o.Refunded.IsZero() {
		all = append(all, fmt.Sprintf("%s of %s was refunded before the dispute.", o.Refunded, o.Total))
	}
	if !consent.IsZero() && d.Words == "" {
		all = append(all, "The buyer asked for immediate delivery.")
	}
	return clip(strings.Join(all, "\n\n"), 3500)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
