package disputes

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
)

type row struct {
	ID        id.Dispute             `db:"id"`
	Provider  string                 `db:"provider"`
	Ref       string                 `db:"ref"`
	Checkout  id.Checkout            `db:"checkout_id"`
	Order     id.Order               `db:"order_id"`
	Shop      id.Shop                `db:"shop_id"`
	Creator   id.User                `db:"creator_id"`
	Reason    string                 `db:"reason"`
	Status    payments.DisputeStatus `db:"status"`
	Currency  money.Currency         `db:"currency"`
	Amount    int64                  `db:"amount_minor"`
	Due       *time.Time             `db:"due_at"`
	OpenedAt  time.Time              `db:"opened_at"`
	Answer    Answer                 `db:"answer"`
	Automatic bool                   `db:"automatic"`
	Words     string                 `db:"words"`
	Refusal   string                 `db:"refusal"`
	Trouble   string                 `db:"trouble"`
	SendingAt *time.Time             `db:"sending_at"`
	DoneAt    *time.Time             `db:"answered_at"`
}

func (r row) dispute() Dispute {
	return Dispute{ID: r.ID, Provider: r.Provider, Ref: r.Ref, Checkout: r.Checkout, Order: r.Order, Shop: r.Shop, Creator: r.Creator, Reason: r.Reason, Status: r.Status,
		Amount: money.Amount{Minor: r.Amount, Currency: r.Currency}, Due: value(r.Due), OpenedAt: r.OpenedAt, Answer: r.Answer, Automatic: r.Automatic,
		Words: r.Words, Refusal: r.Refusal, Trouble: r.Trouble, SendingAt: value(r.SendingAt), DoneAt: value(r.DoneAt)}
}

func value(t *time.Time) (v time.Time) {
	if t != nil {
		v = *t
	}
	return v
}

// upsert keeps what the provider says; before is the status that was known, empty when the dispute is new.
func (s *Service) upsert(ctx context.Context, tx *db.Tx, o orders.Order, d payments.Dispute) (out Dispute, before payments.DisputeStatus, err error) {
	err = tx.Get(ctx, &before, `SELECT status FROM disputes WHERE provider = $1 AND ref = $2 FOR UPDATE`, o.Provider, d.ID)
	if err != nil && !db.None(err) {
		return out, "", err
	}
	var due *time.Time
	if !d.Due.IsZero() {
		due = &d.Due
	}
	var r row
	err = tx.Get(ctx, &r, `
		INSERT INTO disputes (id, provider, ref, checkout_id, order_id, shop_id, creator_id, reason, status, currency, amount_minor, due_at, opened_at, answer, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'drafting', $14, $14)
		ON CONFLICT ON CONSTRAINT disputes_ref_unique DO UPDATE SET status = excluded.status, due_at = excluded.due_at, amount_minor = excluded.amount_minor, updated_at = excluded.updated_at
		RETURNING id, provider, ref, checkout_id, order_id, shop_id, creator_id, reason, status, currency, amount_minor, due_at, opened_at, answer, automatic, words, refusal, trouble,
			sending_at, answered_at`,
		id.New[id.DisputeKind](), o.Provider, d.ID, o.Checkout, o.ID, o.Shop, o.Creator, d.Reason, string(d.Status), d.Amount.Currency, d.Amount.Minor, due, d.At, tx.Now)
	return r.dispute(), before, err
}

func (s *Service) listOf(ctx context.Context, q db.Q, creator id.User) ([]Dispute, error) {
	var rows []row
	err := q.Select(ctx, &rows, `
		SELECT id, provider, ref, checkout_id, order_id, shop_id, creator_id, reason, status, currency, amount_minor, due_at, opened_at, answer, automatic, words, refusal, trouble,
			sending_at, answered_at
		FROM disputes WHERE creator_id = $1
		ORDER BY opened_at DESC, id
		LIMIT 200`, creator)
	out := make([]Dispute, len(rows))
	for i, r := range rows {
		out[i] = r.dispute()
	}
	return out, err
}

func (s *Service) find(ctx context.Context, q db.Q, creator id.User, d id.Dispute) (Dispute, error) {
	out, err := s.read(ctx, q, d)
	if err == nil && out.Creator != creator {
		err = errNone
	}
	return out, err
}

// read finds a dispute without asking who wants it: for jobs.
func (s *Service) read(ctx context.Context, q db.Q, d id.Dispute) (Dispute, error) {
	var r row
	err := q.Get(ctx, &r, `
		SELECT id, provider, ref, checkout_id, order_id, shop_id, creator_id, reason, status, currency, amount_minor, due_at, opened_at, answer, automatic, words, refusal, trouble,
			sending_at, answered_at
		FROM disputes WHERE id = $1`, d)
	if db.None(err) {
		return Dispute{}, errNone
	}
	if err != nil {
		return Dispute{}, err
	}
	out := r.dispute()
	var files []struct {
		Kind string `db:"kind"`
		Name string `db:"name"`
		Type string `db:"content_type"`
		Size int    `db:"size"`
	}
	err = q.Select(ctx, &files, `SELECT kind, name, content_type, length(body) AS size FROM dispute_files WHERE dispute_id = $1 ORDER BY kind`, d)
	for _, f := range files {
		out.Files = append(out.Files, File{f.Kind, f.Name, f.Type, f.Size})
	}
	return out, err
}

// take locks a dispute.
func (s *Service) take(ctx context.Context, tx *db.Tx, creator id.User, d id.Dispute) (Dispute, error) {
	var have id.Dispute
	err := tx.Get(ctx, &have, `SELECT id FROM disputes WHERE id = $1 AND creator_id = $2 FOR UPDATE`, d, creator)
	if db.None(err) {
		return Dispute{}, errNone
	}
	if err != nil {
		return Dispute{}, err
	}
	return s.read(ctx, tx, d)
}

func (s *Service) updateWords(ctx context.Context, tx *db.Tx, d id.Dispute, words, refusal string) error {
	_, err := tx.Exec(ctx, `UPDATE disputes SET words = $2, refusal = $3, updated_at = $4 WHERE id = $1`, d, words, refusal, tx.Now)
	return err
}

// updateAnswer takes the step from a draft; no row means that it was taken, or that the bank has decided.
func (s *Service) updateAnswer(ctx context.Context, tx *db.Tx, creator id.User, d id.Dispute, to Answer, automatic bool) (int64, error) {
	return tx.Exec(ctx, `
		UPDATE disputes SET answer = $3, automatic = $4, sending_at = $5, updated_at = $5
		WHERE id = $1 AND creator_id = $2 AND (answer = 'drafting' OR NOT $6) AND status IN ('needs_response', 'inquiry')`, d, creator, string(to), automatic, tx.Now, guardOnce)
}

// finishAnswer notes how handing over went.
func (s *Service) finishAnswer(ctx context.Context, tx *db.Tx, d Dispute, to Answer, trouble string) (int64, error) {
	return tx.Exec(ctx, `
		UPDATE disputes SET answer = $2, trouble = $3, answered_at = $4, updated_at = $4
		WHERE id = $1 AND answer IN ('sending', 'accepting')`, d.ID, string(to), trouble, tx.Now)
}

func (s *Service) sumFiles(ctx context.Context, q db.Q, d id.Dispute, but string) (n int, err error) {
	err = q.Get(ctx, &n, `SELECT coalesce(sum(length(body)), 0)::int FROM dispute_files WHERE dispute_id = $1 AND kind <> $2`, d, but)
	return n, err
}

func (s *Service) upsertFile(ctx context.Context, tx *db.Tx, creator id.User, d id.Dispute, kind, name, contentType string, body []byte) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO dispute_files (dispute_id, kind, creator_id, name, content_type, body, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT ON CONSTRAINT dispute_files_pkey DO UPDATE SET name = excluded.name, content_type = excluded.content_type, body = excluded.body, created_at = excluded.created_at`,
		d, kind, creator, name, contentType, body, tx.Now)
	return err
}

func (s *Service) deleteFile(ctx context.Context, tx *db.Tx, d id.Dispute, kind string) error {
	_, err := tx.Exec(ctx, `DELETE FROM dispute_files WHERE dispute_id = $1 AND kind = $2`, d, kind)
	return err
}

func (s *Service) body(ctx context.Context, q db.Q, d id.Dispute, kind string) ([]byte, error) {
	var b []byte
	err := q.Get(ctx, &b, `SELECT body FROM dispute_files WHERE dispute_id = $1 AND kind = $2`, d, kind)
	return b, err
}

// listDue lists what lost jobs have left: answers that are not handed over, and drafts whose time is nearly over.
func (s *Service) listDue(ctx context.Context, q db.Q, silent, soon time.Time) ([]Dispute, error) {
	var ids []id.Dispute
	if err := q.Select(ctx, &ids, `
		SELECT id FROM disputes
		WHERE answer IN ('sending', 'accepting') AND updated_at < $1
			OR answer = 'drafting' AND status = 'needs_response' AND due_at < $2
		ORDER BY id
		LIMIT 200`, silent, soon); err != nil {
		return nil, err
	}
	out := make([]Dispute, 0, len(ids))
	for _, d := range ids {
		one, err := s.read(ctx, q, d)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// checkFile says what a file is by its content; banks take pictures and PDFs.
func checkFile(kind string, body []byte) (contentType string, err error) {
	known := false
	for _, k := range Kinds {
		known = known || k == kind
	}
	switch t := http.DetectContentType(body); {
	case !known:
		return "", errs.Field("kind", "Choose what the file shows.")
	case len(body) == 0:
		return "", errs.Field("file", "Choose a file.")
	case t != "image/jpeg" && t != "image/png" && t != "application/pdf":
		return "", errs.Field("file", "Banks take only JPEG and PNG pictures and PDF files.")
	default:
		return t, nil
	}
}

// tidyName keeps a file's name readable and its ending true.
func tidyName(name, contentType string) string {
	ext := map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "application/pdf": ".pdf"}[contentType]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '/' || r == '\\' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(path.Base(strings.ReplaceAll(name, `\`, "/")), ""))
	name = strings.TrimSpace(strings.TrimSuffix(name, path.Ext(name)))
	if r := []rune(name); len(r) > 100 {
		name = string(r[:100])
	}
	if name == "" || name == "." {
		name = "file"
	}
	return name + ext
}
