// Package admin is the operator's area: one screen that says what needs somebody, the cases that the checks have
// opened, payouts and refund requests that are stuck, and the nightly comparison of the book with the providers.
package admin

import (
	"context"
	"sync"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

// Service is the way in.
type Service struct {
	DB        *db.DB
	Orders    *orders.Service
	Payouts   *payouts.Service
	Providers payments.Providers
	Check     func(ctx context.Context) (ledger.Report, error) // of the whole book
	Zone      *time.Location                                   // of the instance; nil is UTC
	Hour      int                                              // of the day, in that zone, from which accounts are compared; 0 is 3
	Page      int                                              // lines or entries that are compared in one transaction; 0 is 500

	alarming sync.Mutex
	alarms   map[string]string // that the log has heard of
}

func (s *Service) page() int {
	if s.Page == 0 {
		return pageSize
	}
	return s.Page
}

func (s *Service) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// Jobs registers what the worker does.
func (s *Service) Jobs(r *job.Registry) {
	r.Every("sweep:money", time.Hour, s.CheckMoney)
	r.Every("admin:alarm", time.Minute, s.Alarm)
	r.Every("admin:reconcile", 10*time.Minute, s.Nightly)
}

// Failpoints are all places where a process may die: around every commit and every call to a provider.
var Failpoints = []string{
	"admin.reconcile.begin.before_commit", "admin.reconcile.begin.after_commit",
	"admin.reconcile.read.before_call", "admin.reconcile.read.after_call", "admin.reconcile.read.before_commit", "admin.reconcile.read.after_commit",
	"admin.reconcile.page.before_commit", "admin.reconcile.page.after_commit",
	"admin.check.before_commit", "admin.check.after_commit", "admin.case.before_commit", "admin.case.after_commit",
}

var (
	errNoCase = errs.New(errs.NotFound, "There is no such case.")
	errClosed = errs.New(errs.Conflict, "This case is closed already.")
)

// Note is the longest text that an operator writes.
const noteLimit = 1000

// Moment is one line of a case's history.
type Moment struct {
	Kind string    `db:"kind"`
	Who  string    `db:"who"` // empty: the checks
	Note string    `db:"note"`
	At   time.Time `db:"created_at"`
}

// Case is a difference, or a doubt, that a person must look at.
type Case struct {
	ID         id.Case
	Key        string
	Kind       string // what stands before the first colon of the key
	What       string
	Details    Details
	OpenedAt   time.Time
	ClosedAt   time.Time // zero: open
	Assignee   id.User
	AssignedTo string // the name
	ClosedBy   string // the name; empty: it has settled itself
	Why        string
}

// Open reports whether somebody still has to look.
func (c Case) Open() bool { return c.ClosedAt.IsZero() }
