// Package disputes answers banks that take a buyer's payment back: it tells the creator, gathers what proves the
// sale, and sends it in time. What a dispute does to the money is booked in orders.
package disputes

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
)

// Answer is how far our answer has come. It only moves forward.
type Answer string

const (
	Drafting  Answer = "drafting"
	Sending   Answer = "sending"
	Sent      Answer = "sent"
	Accepting Answer = "accepting" // the creator gives up
	Accepted  Answer = "accepted"
	Failed    Answer = "failed" // the provider did not take it: too late, or over
)

// Dispute is one payment that a buyer's bank looks into.
type Dispute struct {
	ID        id.Dispute
	Provider  string
	Ref       string
	Checkout  id.Checkout
	Order     id.Order
	Shop      id.Shop
	Creator   id.User
	Reason    string
	Status    payments.DisputeStatus
	Amount    money.Amount
	Due       time.Time // until when the bank takes evidence; zero when it takes none
	OpenedAt  time.Time
	Answer    Answer
	Automatic bool
	Words     string // the creator's own
	Refusal   string // why no refund was given
	Trouble   string
	SendingAt time.Time
	DoneAt    time.Time
	Files     []File
}

// Open reports whether the creator can still change the answer.
func (d Dispute) Open() bool {
	return d.Answer == Drafting && (d.Status == payments.DisputeOpen || d.Status == payments.DisputeInquiry)
}

// File is what goes with an answer; the body is read only to be sent.
type File struct {
	Kind        string
	Name        string
	ContentType string
	Size        int
}

// Kinds of files, in the order of the form.
var Kinds = []string{"delivery", "policy", "other"}

const (
	maxWords = 3000
	maxFiles = 4 << 20 // together; the bank takes 5 MB, and the receipt is ours
	ahead    = 24 * time.Hour
)

// Service is the way in.
type Service struct {
	DB        *db.DB
	Orders    *orders.Service
	Disputers map[string]payments.Disputer
}

var (
	errNone   = errs.New(errs.NotFound, "There is no such dispute.")
	errClosed = errs.New(errs.Conflict, "The answer has been sent, so it cannot be changed any more.")
)

// Failpoints are the places where the kill tests let a process die.
var Failpoints = []string{
	"disputes.send.before_commit", "disputes.send.after_commit",
	"disputes.record.before_commit", "disputes.record.after_commit",
	"disputes.look.before_call", "disputes.look.after_call",
	"disputes.upload.before_call", "disputes.upload.after_call",
	"disputes.submit.before_call", "disputes.submit.after_call",
	"disputes.accept.before_call", "disputes.accept.after_call",
}

// Deliver is the job that hands an answer over.
type Deliver struct {
	Dispute id.Dispute `json:"dispute"`
}

func (Deliver) Kind() string { return "disputes:deliver" }

// Remind is the job that sends what there is when the time is nearly over.
type Remind struct {
	Dispute id.Dispute `json:"dispute"`
}

func (Remind) Kind() string { return "disputes:remind" }

// Heard takes in that a dispute appeared or changed. The creator with the largest part answers for all orders of
// the payment.
func (s *Service) Heard(ctx context.Context, tx *db.Tx, all []orders.Order, d payments.Dispute) error {
	if len(all) == 0 {
		return nil
	}
	best := all[0]
	for _, o := range all[1:] {
		if o.Total.Minor > best.Total.Minor {
			best = o
		}
	}
	row, before, err := s.upsert(ctx, tx, best, d)
	if err != nil {
		return fmt.Errorf("dispute %s: %w", d.ID, err)
	}
	if before == d.Status {
		return nil
	}
	if before == "" && row.Open() {
		due := row.OpenedAt.Add(6 * 24 * time.Hour)
		if !row.Due.IsZero() {
			due = row.Due
		}
		if err := job.Enqueue(ctx, tx, Remind{row.ID}, job.At(due.Add(-ahead)), job.Key("dispute-remind:"+row.ID.String())); err != nil {
			return err
		}
	}
	return s.tell(ctx, tx, row.ID, string(d.Status))
}

// List is a creator's disputes, newest first.
func (s *Service) List(ctx context.Context, creator id.User) ([]Dispute, error) {
	return s.listOf(ctx, s.DB, creator)
}

// OfOrder finds the disputes of one of the creator's orders.
func (s *Service) OfOrder(ctx context.Context, creator id.User, o id.Order) ([]Dispute, error) {
	all, err := s.listOf(ctx, s.DB, creator)
	var out []Dispute
	for _, d := range all {
		if d.Order == o {
			out = append(out, d)
		}
	}
	return out, err
}

// Get finds a dispute of the creator, with the names of its files. Someone else's is not found.
func (s *Service) Get(ctx context.Context, creator id.User, d id.Dispute) (Dispute, error) {
	return s.find(ctx, s.DB, creator, d)
}

// Save keeps the creator's words.
func (s *Service) Save(ctx context.Context, creator id.User, d id.Dispute, words, refusal string) error {
	var f errs.Form
	for name, v := range map[string]string{"words": words, "refusal": refusal} {
		if len([]rune(v)) > maxWords {
			f.Add(name, "Keep it below 3,000 characters: the bank reads no more.")
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	return s.change(ctx, creator, d, func(tx *db.Tx) error { return s.updateWords(ctx, tx, d, words, refusal) })
}

// Attach adds a picture or PDF; one of a kind.
func (s *Service) Attach(ctx context.Context, creator id.User, d id.Dispute, kind, name string, body []byte) error {
	t, err := checkFile(kind, body)
	if err != nil {
		return err
	}
	return s.change(ctx, creator, d, func(tx *db.Tx) error {
		sum, err := s.sumFiles(ctx, tx, d, kind)
		if err != nil {
			return err
		}
		if sum+len(body) > maxFiles {
			return errs.Field("file", "All files together may have 4 MB. Make this one smaller, or remove another.")
		}
		return s.upsertFile(ctx, tx, creator, d, kind, tidyName(name, t), t, body)
	})
}

// Detach removes a file.
func (s *Service) Detach(ctx context.Context, creator id.User, d id.Dispute, kind string) error {
	return s.change(ctx, creator, d, func(tx *db.Tx) error { return s.deleteFile(ctx, tx, d, kind) })
}

// Send hands the answer to the bank. It can be sent once.
func (s *Service) Send(ctx context.Context, creator id.User, d id.Dispute) error {
	return s.begin(ctx, creator, d, Sending, false)
}

// Accept gives the dispute up: the buyer keeps the money.
func (s *Service) Accept(ctx context.Context, creator id.User, d id.Dispute) error {
	return s.begin(ctx, creator, d, Accepting, false)
}

// change lets the answer be changed while it is a draft, under the row's lock.
func (s *Service) change(ctx context.Context, creator id.User, d id.Dispute, f func(tx *db.Tx) error) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		have, err := s.take(ctx, tx, creator, d)
		if err != nil {
			return err
		}
		if !have.Open() {
			return errClosed
		}
		return f(tx)
	})
}

func (s *Service) begin(ctx context.Context, creator id.User, d id.Dispute, to Answer, automatic bool) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := s.updateAnswer(ctx, tx, creator, d, to, automatic)
		if err == nil && n == 0 {
			if _, err = s.find(ctx, tx, creator, d); err == nil {
				err = errClosed
			}
		}
		if err == nil {
			err = job.Enqueue(ctx, tx, Deliver{d}, job.On(job.Money), job.Key("dispute-deliver:"+d.String()))
		}
		failpoint.Hit("disputes.send.before_commit")
		return err
	})
	failpoint.Hit("disputes.send.after_commit")
	return err
}
