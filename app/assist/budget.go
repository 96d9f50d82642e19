package assist

import (
	"context"
	"math"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

// Budget is how many tokens a day holds, and what they cost.
type Budget struct {
	Creator  int64 // tokens of one creator's day; 0 is none at all
	Instance int64 // tokens of everybody's day together
	In, Out  int64 // millionths of a US dollar for a million tokens
}

// cost is what a call took, in millionths of a US dollar, rounded up.
func (b Budget) cost(u Usage) int64 {
	return (int64(u.In)*b.In + int64(u.Out)*b.Out + 999_999) / 1_000_000
}

var (
	errCreatorSpent  = errs.New(errs.TooMany, "You have used what a day holds. Tomorrow there is more.")
	errInstanceSpent = errs.New(errs.TooMany, "Everybody together has used what a day holds. Tomorrow there is more.")
)

// everybody is the row that counts all creators together.
var everybody id.User

// taken is what was set aside for a call.
type taken struct {
	who    id.User
	day    string
	tokens int64
}

// take sets tokens aside before a call, of the creator's day and of everybody's: both or neither. What is not used is
// given back, and what a process took that died is not.
func (s *Service) take(ctx context.Context, who id.User, tokens int64) (t taken, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		t = taken{who, tx.Now.Format(time.DateOnly), tokens}
		for _, x := range []struct {
			who   id.User
			limit int64
			spent error
		}{{who, s.Budget.Creator, errCreatorSpent}, {everybody, s.Budget.Instance, errInstanceSpent}} {
			if !guardBudget {
				x.limit = math.MaxInt64 / 2
			}
			if tokens > x.limit {
				return x.spent
			}
			n, err := tx.Exec(ctx, `
				INSERT INTO assist_days (who, day, tokens) VALUES ($1, $2::date, $3)
				ON CONFLICT ON CONSTRAINT assist_days_pkey DO UPDATE SET tokens = assist_days.tokens + excluded.tokens WHERE assist_days.tokens + excluded.tokens <= $4`,
				dayID(x.who), t.day, tokens, x.limit)
			if err != nil {
				return err
			}
			if n == 0 {
				return x.spent
			}
		}
		return nil
	})
	return t, err
}

// giveBack makes what was set aside what was used. A call may have used more than was thought.
func (s *Service) giveBack(ctx context.Context, tx *db.Tx, t taken, used int64) error {
	for _, who := range []id.User{t.who, everybody} {
		if _, err := tx.Exec(ctx, `UPDATE assist_days SET tokens = GREATEST(0, tokens + $3) WHERE who = $1 AND day = $2::date`, dayID(who), t.day, used-t.tokens); err != nil {
			return err
		}
	}
	return nil
}

// dayID is the id in words: a zero id would be written as null.
func dayID(u id.User) string {
	if u.IsZero() {
		return "00000000-0000-0000-0000-000000000000"
	}
	return u.String()
}

// Left is how many tokens a creator's day still holds.
func (s *Service) Left(ctx context.Context, who id.User) (int64, error) {
	var used int64
	err := s.DB.Get(ctx, &used, `SELECT COALESCE((SELECT tokens FROM assist_days WHERE who = $1 AND day = $2::date), 0)`, dayID(who), s.DB.Now().Format(time.DateOnly))
	return max(0, s.Budget.Creator-used), err
}

// estimate is how many tokens a text is, rather too many than too few.
func estimate(texts ...string) int64 {
	n := 0
	for _, t := range texts {
		n += len(t)
	}
	return int64(n/3 + 100)
}
