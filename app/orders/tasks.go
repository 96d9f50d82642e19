package orders

import (
	"context"
	"slices"
	"time"

	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/payments"
)

// Jobs registers what the worker does for checkouts. The mails are registered by Mails.
func (s *Service) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: 2 * time.Minute, Attempts: 10}, func(ctx context.Context, t Watch) error {
		if t.Agreed {
			return s.Take(ctx, t.Checkout)
		}
		return s.Watch(ctx, t.Checkout)
	})
	r.Every("orders:sweep", time.Minute, s.Sweep)
	r.Every("orders:mature", 10*time.Minute, s.Mature)
	r.Every("orders:reconcile", 6*time.Hour, s.Reconcile)
}

// Failpoints are all places of the money path where a process may die: around every commit and every call to
// the provider. The kill tests walk through them.
var Failpoints = slices.Concat([]string{
	"checkout.write.before_commit", "checkout.write.after_commit",
	"checkout.record.before_commit", "checkout.record.after_commit",
	"checkout.attempt.before_commit", "checkout.attempt.after_commit",
	"checkout.refused.before_commit", "checkout.refused.after_commit",
	"checkout.let_go.before_commit", "checkout.let_go.after_commit",
	"checkout.look.before_commit", "checkout.look.after_commit",
	"sweep.orphan.before_commit", "sweep.orphan.after_commit",
	"reconcile.learn.before_commit", "reconcile.learn.after_commit",
	"orders.ask.before_call", "orders.ask.after_call", "orders.ask.before_commit", "orders.ask.after_commit",
	"orders.mature.before_commit", "orders.mature.after_commit",
	"provider.begin.before_call", "provider.begin.after_call",
	"checkout.intent.before_commit", "checkout.intent.after_commit",
	"provider.intent.before_call", "provider.intent.after_call",
	"provider.intent_read.before_call", "provider.intent_read.after_call",
	"provider.intent_find.before_call", "provider.intent_find.after_call",
	"provider.intent_look.before_call", "provider.intent_look.after_call",
	"provider.intent_cancel.before_call", "provider.intent_cancel.after_call",
	"provider.confirm.before_call", "provider.confirm.after_call",
	"provider.find.before_call", "provider.find.after_call",
	"provider.session.before_call", "provider.session.after_call",
	"provider.expire.before_call", "provider.expire.after_call",
	"provider.payment.before_call", "provider.payment.after_call",
	"provider.movements.before_call", "provider.movements.after_call",
}, inventory.Failpoints, payments.Failpoints, ledger.Failpoints)
