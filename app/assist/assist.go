// Package assist writes a window from a sentence: with a model when there is one, and otherwise from templates.
//
// What it writes are blocks of ours, put into the draft by package builder as one step of its history. Nothing is
// published. A model sees data and has no tools; it names products and addresses by their number in a list, so
// that it can make up neither, and what it says is checked as a person's words are, and for more.
package assist

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Changed is the event that a run has come further; its subject is the run.
const Changed = "assist.changed"

// Kinds of runs.
const (
	ForWindow = "window"
	ForBlock  = "block"
	ForBio    = "bio"
)

// States of a run.
const (
	Waiting = "waiting"
	Writing = "writing"
	Done    = "done"
	Failed  = "failed"
	Kept    = "kept"
	Undone  = "undone"
)

// Who has written it.
const (
	ByModel    = "model"
	ByTemplate = "template"
)

// Why something is not by the model, or has failed.
const (
	WhyNoKey   = "no_key"
	WhyDown    = "down"
	WhySlow    = "slow"
	WhyCreator = "creator_budget"
	WhyAll     = "instance_budget"
	WhyFaulty  = "faulty"
	WhyRefused = "refused"
	WhyDied    = "died"
	WhyChanged = "changed"
	WhyFull    = "full"
)

// Goods is what assist needs to know of products.
type Goods interface {
	OffersOfShop(ctx context.Context, q db.Q, shop id.Shop) ([]products.Offer, error)
	Draft(ctx context.Context, tx *db.Tx, who products.Who, in products.Input) (id.Product, error)
}

// Service writes.
type Service struct {
	DB     *db.DB
	Shops  *storefronts.Service
	Window *builder.Service
	Goods  Goods
	Model  *Model  // nil: none is configured
	Photos *Photos // nil: none is configured
	Placed *Photos // shows those that were placed once, whatever is configured now
	Budget Budget
}

// Input is what a person asks for.
type Input struct {
	Key      string // the same one is the same run
	Kind     string
	Sentence string
	Tone     string
	Color    string // "#rrggbb", or empty for the look there is
	Language string // empty: that of the sentence
	Anew     bool   // take out what is there
	Pictures bool
	Block    id.Block // whose text is to be written again
	Inline   bool     // whoever starts it writes it, and waits
}

// Limits of a sentence, in characters.
const (
	minSentence = 12
	maxSentence = 1200
)

var (
	errNoRun   = errs.New(errs.NotFound, "There is nothing at this address.")
	errKeyUsed = errs.New(errs.Conflict, "This Idempotency-Key was used with another request.")
	errNoKey   = errs.Field("idempotency_key", "Send an Idempotency-Key of 1 to 200 characters.")
	errBusy    = errs.New(errs.Conflict, "Your window is being written already. Wait until that is done.")
	errNotText = errs.New(errs.Invalid, "This block has no text that could be written again.")
)

func (in Input) check() (Input, error) {
	in.Sentence = builder.Lines(in.Sentence)
	var f errs.Form
	n := utf8.RuneCountInString(in.Sentence)
	switch {
	case in.Kind == ForBlock:
	case n < minSentence:
		f.Add("sentence", "Write a sentence: who you are, what you make, what it costs.")
	case n > maxSentence:
		f.Add("sentence", "Please use at most %d characters.", maxSentence)
	}
	if in.Tone == "" {
		in.Tone = Tones[0]
	}
	if !slices.Contains(Tones, in.Tone) {
		f.Add("tone", "Choose one from the list.")
	}
	if in.Language == "" {
		in.Language = Language(in.Sentence)
	}
	if !slices.Contains(Languages, in.Language) {
		f.Add("language", "Choose one from the list.")
	}
	if in.Color != "" {
		l, err := storefronts.Look{Theme: "house", BrandColor: in.Color, HeaderStyle: "plain"}.Check()
		if err != nil {
			f.Add("color", "Write the colour as # and six digits, like #2637c4.")
		}
		in.Color = l.BrandColor
	}
	if in.Key == "" || len(in.Key) > 200 || strings.ContainsFunc(in.Key, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return in, errNoKey
	}
	return in, f.Err()
}

// Start writes down what is asked for; a job does it. Asked again with the same key it is the same run.
func (s *Service) Start(ctx context.Context, who storefronts.Who, in Input) (Run, error) {
	in, err := in.check()
	if err != nil {
		return Run{}, err
	}
	var out Run
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := s.Shops.Lock(ctx, tx, who); err != nil {
			return err
		}
		old, err := findByKey(ctx, tx, who, in.Key)
		if err == nil {
			if out = old; !old.asks(in) {
				return errKeyUsed
			}
			return nil
		}
		if !db.None(err) {
			return err
		}
		r := Run{ID: id.New[id.RunKind](), Shop: who.Shop, Creator: who.User, Key: in.Key, Kind: in.Kind, State: Waiting, Sentence: in.Sentence, Tone: in.Tone, Color: in.Color,
			Language: in.Language, Anew: in.Anew, Pictures: in.Pictures && s.Photos != nil, Block: in.Block, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		if err := s.mayStart(ctx, tx, who, &r); err != nil {
			return err
		}
		if err := insertRun(ctx, tx, r); err != nil {
			return err
		}
		out = r
		if in.Inline {
			return nil
		}
		return job.Enqueue(ctx, tx, Write{r.ID})
	})
	return out, err
}

// mayStart refuses a second window at the same time, and completes what a run of one block begins from.
func (s *Service) mayStart(ctx context.Context, tx *db.Tx, who storefronts.Who, r *Run) error {
	switch r.Kind {
	case ForWindow:
		busy, err := isBusy(ctx, tx, who)
		if err == nil && busy {
			err = errBusy
		}
		return err
	case ForBlock:
		b, err := s.Window.Block(ctx, tx, who, r.Block)
		if err != nil {
			return err
		}
		if _, ok := shapeOf(b.Kind); !ok || b.Kind == builder.Divider || b.Kind == builder.Product || b.Kind == builder.Image && s.Photos == nil {
			return errNotText
		}
		last, err := findLastWindow(ctx, tx, who)
		if err == nil && r.Sentence == "" {
			r.Sentence, r.Tone, r.Language = last.Sentence, last.Tone, last.Language
		}
		if err != nil && !db.None(err) {
			return err
		}
		if r.Sentence == "" {
			r.Language = Language(b.Props.Title + " " + b.Props.Text)
		}
		r.V = b.V
	}
	return nil
}

// Run finds one of the creator's own.
func (s *Service) Run(ctx context.Context, who storefronts.Who, run id.Run) (Run, error) {
	r, err := findRun(ctx, s.DB, who, run)
	if db.None(err) {
		err = errNoRun
	}
	return r, err
}

// Last is the newest run that wrote a window, zero when there is none.
func (s *Service) Last(ctx context.Context, who storefronts.Who) (Run, error) {
	r, err := findLastWindow(ctx, s.DB, who)
	if db.None(err) {
		return Run{}, nil
	}
	return r, err
}

// Keep says that the creator keeps what was written. It changes nothing but what is asked of them.
func (s *Service) Keep(ctx context.Context, who storefronts.Who, run id.Run) error {
	return s.settle(ctx, who, run, Kept)
}

// Undo takes back all that a run has put into the window, its products too.
func (s *Service) Undo(ctx context.Context, who storefronts.Who, run id.Run) error {
	r, err := s.Run(ctx, who, run)
	if err != nil || r.State == Undone {
		return err
	}
	if !r.Ended() {
		return errs.New(errs.Conflict, "Your window is being written already. Wait until that is done.")
	}
	if r.Op != 0 {
		if _, err := s.Window.Undo(ctx, who, r.Op); err != nil {
			return err
		}
	}
	return s.settle(ctx, who, run, Undone)
}

func (s *Service) settle(ctx context.Context, who storefronts.Who, run id.Run, state string) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := updateSettled(ctx, tx, who, run, state); err != nil {
			return err
		}
		return event.Emit(ctx, tx, Changed, run.String())
	})
}

// errGone says that a run is not being written any more, whoever ended it.
var errGone = errors.New("the run has ended")

// deadAfter is how long a run may say nothing before it is taken for dead. A call of a model is bounded well below.
const deadAfter = 4 * time.Minute

// keepRuns is how long what people wrote to us is kept.
const keepRuns = 30 * 24 * time.Hour
