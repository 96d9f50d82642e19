package refunds

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/payments"
)

// Send is the job that asks the provider.
type Send struct {
	Refund id.Refund `json:"refund"`
}

func (Send) Kind() string { return "refunds:send" }

// Jobs registers what the worker does.
func (s *Service) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: 2 * time.Minute, Attempts: 20}, func(ctx context.Context, t Send) error { return s.Send(ctx, t.Refund) })
	r.Every("refunds:sweep", 5*time.Minute, s.Sweep)
}

// Sweep takes up what lost jobs have left.
func (s *Service) Sweep(ctx context.Context) error {
	left, err := s.listUnfinished(ctx, s.DB, s.DB.Now().Add(-5*time.Minute))
	if err != nil {
		return fmt.Errorf("list unfinished refunds: %w", err)
	}
	var all []error
	for _, r := range left {
		if err := s.Send(ctx, r); err != nil {
			slog.WarnContext(ctx, "refund not sent", "refund", r, "err", err)
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// Send asks the provider to give the money back, or finds out what became of it. It may run as often as it likes:
// within the life of the key the same call does it once; after that the payment is only looked up.
func (s *Service) Send(ctx context.Context, refund id.Refund) error {
	r, err := s.begin(ctx, refund)
	if err != nil || r.State != Sending {
		return err
	}
	o, err := s.Orders.Find(ctx, s.DB, r.Order)
	if err != nil {
		return err
	}
	p, ok := s.Orders.ProviderOf(o.Provider)
	if !ok {
		return job.Permanent(fmt.Errorf("refund %s: no provider %q", refund, o.Provider))
	}
	if s.DB.Now().Sub(r.SendingAt) >= payments.KeyLife && guardResend {
		return s.conclude(ctx, r, "The payment service never confirmed this refund, and nothing was given back. Ask for it again.")
	}
	failpoint.Hit("refunds.call.before_call")
	done, err := p.Refund(ctx, payments.RefundInput{Request: r.ID, Order: r.Order, Intent: o.PaymentIntent, Charge: o.Charge, Amount: r.Amount, Fraud: r.Reason == "fraud"})
	failpoint.Hit("refunds.call.after_call")
	var pe *payments.Error
	switch {
	case err == nil:
		return s.record(ctx, r, func(tx *db.Tx) error { return s.Orders.ApplyRefund(ctx, tx, o.Provider, done) })
	case errors.As(err, &pe) && (pe.Outcome == payments.Refused || pe.Answered):
		// Refused, or an error that the same key will meet again: the payment says whether it was done.
		slog.WarnContext(ctx, "refund refused", "refund", refund, "err", err)
		if pe.Outcome != payments.Refused && s.DB.Now().Sub(r.SendingAt) < time.Hour {
			return fmt.Errorf("refund %s: %w", refund, err)
		}
		return s.conclude(ctx, r, whyRefused(pe.Code))
	}
	return fmt.Errorf("refund %s: %w", refund, err)
}

// begin takes the step to the first call; later ones find its time.
func (s *Service) begin(ctx context.Context, refund id.Refund) (r Refund, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE refunds SET state = 'sending', sending_at = coalesce(sending_at, $2), updated_at = $2 WHERE id = $1 AND state IN ('asked', 'sending')`, refund, tx.Now); err != nil {
			return err
		}
		r, err = s.find(ctx, tx, refund)
		failpoint.Hit("refunds.begin.before_commit")
		return err
	})
	failpoint.Hit("refunds.begin.after_commit")
	if db.None(err) {
		return r, nil
	}
	return r, err
}

// conclude asks how the payment stands. Where the refund is not among what was given back, it was not done: what was
// set aside is free again, and the creator is told.
func (s *Service) conclude(ctx context.Context, r Refund, trouble string) error {
	if err := s.Orders.Ask(ctx, r.Checkout); err != nil {
		return fmt.Errorf("look at the payment of refund %s: %w", r.ID, err)
	}
	return s.record(ctx, r, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE refunds SET state = 'refused', trouble = $2, ended_at = $3, updated_at = $3 WHERE id = $1 AND state = 'sending'`, r.ID, trouble, tx.Now)
		if err != nil || n == 0 { // Ask has found it
			return err
		}
		if err := s.Orders.EndRefund(ctx, tx, r.Order, r.Amount); err != nil {
			return err
		}
		return s.tell(ctx, tx, Mail{Refund: r.ID, What: string(Refused)})
	})
}

func (s *Service) record(ctx context.Context, r Refund, f func(tx *db.Tx) error) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := f(tx)
		failpoint.Hit("refunds.record.before_commit")
		return err
	})
	failpoint.Hit("refunds.record.after_commit")
	if err != nil {
		return fmt.Errorf("record refund %s: %w", r.ID, err)
	}
	return nil
}

// Heard takes in what a provider says of a refund of an order: the answer to our call, an event, or a look-up,
// whichever is first. One that was begun at the provider's has no request of ours.
func (s *Service) Heard(ctx context.Context, tx *db.Tx, _ id.Order, told payments.Refund) error {
	if told.Request.IsZero() {
		return nil
	}
	r, err := s.find(ctx, tx, told.Request)
	if db.None(err) {
		return nil // of another instance's database
	}
	if err != nil {
		return err
	}
	to := map[payments.RefundState]State{payments.RefundPending: Pending, payments.RefundSucceeded: Succeeded, payments.RefundFailed: Failed}[told.State]
	n, err := tx.Exec(ctx, `
		UPDATE refunds SET state = $2, ref = $3, trouble = $4, ended_at = $5, updated_at = $5
		WHERE id = $1 AND array_position(ARRAY['asked', 'sending', 'pending', 'succeeded', 'failed'], state) < array_position(ARRAY['asked', 'sending', 'pending', 'succeeded', 'failed'], $2)`,
		r.ID, string(to), told.ID, whyFailed(told), tx.Now)
	if err != nil || n == 0 {
		return err
	}
	if r.State == Asked || r.State == Sending {
		if err := s.Orders.EndRefund(ctx, tx, r.Order, r.Amount); err != nil {
			return err
		}
		if to != Failed {
			if err := s.after(ctx, tx, r); err != nil {
				return err
			}
		}
	}
	if to == Failed {
		return s.tell(ctx, tx, Mail{Refund: r.ID, What: string(Failed)})
	}
	return nil
}

// after does what was chosen besides the money: copies on sale again, downloads closed.
func (s *Service) after(ctx context.Context, tx *db.Tx, r Refund) error {
	o, err := s.Orders.Find(ctx, tx, r.Order)
	if err != nil {
		return err
	}
	items := r.Items
	if len(items) == 0 {
		for _, i := range o.Items {
			items = append(items, Item{i.ID, i.Quantity})
		}
	}
	var closed []id.Item
	for _, i := range items {
		for _, x := range o.Items {
			if x.ID != i.Item {
				continue
			}
			closed = append(closed, x.ID)
			if r.Restock {
				if err := s.Stock.Restock(ctx, tx, x.Product, i.Quantity); err != nil {
					return err
				}
			}
		}
	}
	if r.Access == "close" {
		return s.Orders.Revoke(ctx, tx, r.Order, closed)
	}
	return nil
}

func whyFailed(r payments.Refund) string {
	if r.State != payments.RefundFailed {
		return ""
	}
	return "The buyer’s bank did not take the refund, so the money is yours again. Ask the buyer how else to send it."
}

func whyRefused(code string) string {
	switch code {
	case "charge_already_refunded", "CAPTURE_FULLY_REFUNDED":
		return "All of this payment was given back already."
	case "charge_disputed", "TRANSACTION_DISPUTED":
		return "The buyer’s bank is looking into this payment, so it cannot be refunded now."
	case "balance_insufficient", "INSUFFICIENT_FUNDS":
		return "The payment service’s balance does not cover it at the moment. Please try again tomorrow."
	}
	return "The payment service did not accept this refund. Nothing was given back."
}
