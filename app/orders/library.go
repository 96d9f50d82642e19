package orders

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
)

// LibraryLife is how long a mailed link to /my works.
const LibraryLife = 24 * time.Hour

// Library shows buyers everything they bought with an address, once they have proved that it is theirs.
type Library struct{ Orders *Service }

// SendLibrary mails a link to /my. Buyer is zero for an address that bought nothing: then nothing is sent, and
// whoever asked cannot tell the difference.
type SendLibrary struct {
	Request id.Job   `json:"request"`
	Buyer   id.Buyer `json:"buyer"`
	Locale  string   `json:"locale"`
}

func (SendLibrary) Kind() string { return "orders:library" }

var (
	errAddress = errs.Field("email", "Write the whole address, like ines@mail.fr.")
	errOldLink = errs.New(errs.Gone, "This link does not work any more. Links last 24 hours; ask for a new one below.")
)

// Ask lets a link be mailed to an address if something was bought with it. Known and unknown addresses take
// the same way through here.
func (l *Library) Ask(ctx context.Context, email, locale string) error {
	email, ok := address(email)
	if !ok {
		return errAddress
	}
	b, err := l.Orders.FindBuyer(ctx, email)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return l.Orders.DB.InTx(ctx, func(tx *db.Tx) error {
		return job.Enqueue(ctx, tx, SendLibrary{Request: id.New[id.JobKind](), Buyer: b, Locale: locale})
	})
}

// Shelf is what a library link opens.
type Shelf struct {
	Email  string
	Until  time.Time
	Orders []Order
}

// Open reads a library link.
func (l *Library) Open(ctx context.Context, token string) (Shelf, error) {
	if id.CheckToken(token) != nil {
		return Shelf{}, errOldLink
	}
	link, err := findLibraryLink(ctx, l.Orders.DB, id.Hash(token), l.Orders.DB.Now())
	if db.None(err) {
		return Shelf{}, errOldLink
	}
	if err != nil {
		return Shelf{}, fmt.Errorf("open library: %w", err)
	}
	all, err := l.Orders.OfBuyer(ctx, link.Buyer)
	if err != nil {
		return Shelf{}, fmt.Errorf("orders of buyer %s: %w", link.Buyer, err)
	}
	return Shelf{Email: link.Email, Until: link.Until, Orders: all}, nil
}

// Token is what stands in the link of a request.
func (l *Library) Token(request id.Job) string {
	return id.Derive(l.Orders.Secret, "library", request.String())
}

// grant makes the link of a request work; again for the same request changes nothing.
func (l *Library) grant(ctx context.Context, t SendLibrary) error {
	return l.Orders.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO library_links (hash, buyer_id, expires_at, created_at)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT ON CONSTRAINT library_links_pkey DO NOTHING`,
			id.Hash(l.Token(t.Request)), t.Buyer, tx.Now.Add(LibraryLife), tx.Now)
		return err
	})
}

// Sweep forgets links that are over.
func (l *Library) Sweep(ctx context.Context) error {
	return l.Orders.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM library_links WHERE expires_at <= $1`, tx.Now)
		return err
	})
}

type libraryLink struct {
	Buyer id.Buyer  `db:"buyer_id"`
	Email string    `db:"email"`
	Until time.Time `db:"expires_at"`
}

func findLibraryLink(ctx context.Context, q db.Q, hash []byte, now time.Time) (l libraryLink, err error) {
	err = q.Get(ctx, &l, `
		SELECT l.buyer_id, b.email, l.expires_at
		FROM library_links l
		JOIN buyers b ON b.id = l.buyer_id
		WHERE l.hash = $1 AND l.expires_at > $2`, hash, now)
	return l, err
}
