package storefronts

import (
	"context"
	"database/sql"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
)

// columns are those of a row.
const columns = `id, creator_id, name, slug, COALESCE(domain, '') AS domain, theme, brand_color, header_style, lettering, spacing, background, custom_css, currency, closed_at, closed_reason, published_version_id, published_at, draft_seq, deleted_at`

var errNoShop = errs.New(errs.NotFound, "There is no shop at this address.")

type row struct {
	ID               id.Shop      `db:"id"`
	Creator          id.User      `db:"creator_id"`
	Name             string       `db:"name"`
	Slug             string       `db:"slug"`
	Domain           string       `db:"domain"`
	Theme            string       `db:"theme"`
	BrandColor       string       `db:"brand_color"`
	HeaderStyle      string       `db:"header_style"`
	Lettering        string       `db:"lettering"`
	Spacing          string       `db:"spacing"`
	Background       string       `db:"background"`
	CSS              string       `db:"custom_css"`
	Currency         string       `db:"currency"`
	ClosedAt         sql.NullTime `db:"closed_at"`
	ClosedReason     string       `db:"closed_reason"`
	PublishedVersion id.Version   `db:"published_version_id"`
	PublishedAt      sql.NullTime `db:"published_at"`
	Seq              int64        `db:"draft_seq"`
	DeletedAt        sql.NullTime `db:"deleted_at"`
}

func (r row) shop() Shop {
	return Shop{ID: r.ID, Creator: r.Creator, Name: r.Name, Slug: r.Slug, Domain: r.Domain, Theme: r.Theme, BrandColor: r.BrandColor, HeaderStyle: r.HeaderStyle,
		Lettering: r.Lettering, Spacing: r.Spacing, Background: r.Background, CSS: r.CSS,
		Currency: money.Currency(r.Currency), Closed: r.ClosedAt.Valid, ClosedAt: r.ClosedAt.Time, ClosedReason: r.ClosedReason,
		Published: !r.PublishedVersion.IsZero(), PublishedVersion: r.PublishedVersion, PublishedAt: r.PublishedAt.Time, Seq: r.Seq, Deleted: r.DeletedAt.Valid, DeletedAt: r.DeletedAt.Time}
}

func one(r row, err error) (Shop, error) {
	if db.None(err) {
		return Shop{}, errNoShop
	}
	return r.shop(), err
}

func find(ctx context.Context, q db.Q, shop id.Shop) (Shop, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT `+columns+`
		FROM shops WHERE id = $1`, shop)
	return one(r, err)
}

func findMine(ctx context.Context, q db.Q, who Who) (Shop, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT `+columns+`
		FROM shops WHERE id = $1 AND creator_id = $2`, who.Shop, who.User)
	return one(r, err)
}

func findBySlug(ctx context.Context, q db.Q, slug string) (Shop, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT `+columns+`
		FROM shops WHERE slug = $1::citext`, slug)
	return one(r, err)
}

func findFirst(ctx context.Context, q db.Q, user id.User, chosen id.Shop) (Shop, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT `+columns+`
		FROM shops WHERE creator_id = $1 AND deleted_at IS NULL
		ORDER BY (id = $2) IS TRUE DESC, created_at, id
		LIMIT 1`, user, chosen)
	return one(r, err)
}

func findMoved(ctx context.Context, q db.Q, slug string) (string, error) {
	var now string
	err := q.Get(ctx, &now, `SELECT s.slug FROM slug_history h JOIN shops s ON s.id = h.shop_id WHERE h.slug = $1::citext`, slug)
	if db.None(err) {
		return "", errNoShop
	}
	return now, err
}

func lock(ctx context.Context, tx *db.Tx, who Who) (Shop, error) {
	var r row
	err := tx.Get(ctx, &r, `SELECT `+columns+`
		FROM shops WHERE id = $1 AND creator_id = $2 FOR NO KEY UPDATE`, who.Shop, who.User)
	return one(r, err)
}

func touch(ctx context.Context, tx *db.Tx, who Who) (Shop, error) {
	var r row
	err := tx.Get(ctx, &r, `
		UPDATE shops SET draft_seq = draft_seq + 1, updated_at = $3
		WHERE id = $1 AND creator_id = $2
		RETURNING `+columns,
		who.Shop, who.User, tx.Now)
	return one(r, err)
}

// insertShop adds a shop if its creator has fewer than limit. The lock on the creator's name makes a second one at
// the same moment wait, and then find the first.
func insertShop(ctx context.Context, tx *db.Tx, shop id.Shop, user id.User, in NewShop, limit int) (int64, error) {
	if err := lockCreator(ctx, tx, user); err != nil {
		return 0, err
	}
	return tx.Exec(ctx, `
		INSERT INTO shops (id, creator_id, name, slug, currency, create_key, created_at, updated_at)
		SELECT $1, $2, $3, $4, $5, NULLIF($6, ''), $7, $7
		WHERE (SELECT count(*) FROM shops WHERE creator_id = $2 AND deleted_at IS NULL) < $8`, shop, user, in.Name, in.Slug, in.Currency, in.Key, tx.Now, limit)
}

func lockCreator(ctx context.Context, tx *db.Tx, user id.User) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('shop of ' || $1::text, 0))`, user)
	return err
}

func findKeyed(ctx context.Context, q db.Q, user id.User, key string) (Shop, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT `+columns+`
		FROM shops WHERE creator_id = $1 AND create_key = $2`, user, key)
	return one(r, err)
}

// listMine are a creator's shops, oldest first; those deleted are asked for or not.
func listMine(ctx context.Context, q db.Q, user id.User, deleted bool) ([]Shop, error) {
	var rows []row
	err := q.Select(ctx, &rows, `SELECT `+columns+`
		FROM shops WHERE creator_id = $1 AND (deleted_at IS NOT NULL) = $2
		ORDER BY created_at, id`, user, deleted)
	out := make([]Shop, len(rows))
	for i, r := range rows {
		out[i] = r.shop()
	}
	return out, err
}

// refuseFormer refuses a slug that another shop had before. It runs after the write that claims the slug: a
// shop leaving it at this moment has made that write wait.
func refuseFormer(ctx context.Context, tx *db.Tx, slug string, shop id.Shop) error {
	var n int
	err := tx.Get(ctx, &n, `SELECT count(*) FROM slug_history WHERE slug = $1::citext AND shop_id <> $2`, slug, shop)
	if err == nil && n > 0 {
		return errs.Field("slug", "This address is taken. Please choose another one.")
	}
	return err
}

func moveSlug(ctx context.Context, tx *db.Tx, shop id.Shop, from, to string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM slug_history WHERE slug = $1::citext AND shop_id = $2`, to, shop); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO slug_history (slug, shop_id, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (slug) DO NOTHING`, from, shop, tx.Now)
	return err
}

func updateName(ctx context.Context, tx *db.Tx, who Who, name, slug string) error {
	_, err := tx.Exec(ctx, `UPDATE shops SET name = $3, slug = $4, updated_at = $5 WHERE id = $1 AND creator_id = $2`, who.Shop, who.User, name, slug, tx.Now)
	return err
}

func updateCurrency(ctx context.Context, tx *db.Tx, who Who, c money.Currency) error {
	_, err := tx.Exec(ctx, `UPDATE shops SET currency = $3, updated_at = $4 WHERE id = $1 AND creator_id = $2`, who.Shop, who.User, string(c), tx.Now)
	return err
}

func updateClosed(ctx context.Context, tx *db.Tx, who Who, closed bool, reason string) error {
	n, err := tx.Exec(ctx, `
		UPDATE shops SET
			closed_at = CASE WHEN $3 THEN COALESCE(closed_at, $5::timestamptz) END,
			closed_reason = $4,
			updated_at = $5
		WHERE id = $1 AND creator_id = $2`, who.Shop, who.User, closed, reason, tx.Now)
	if err == nil && n == 0 {
		return errNoShop
	}
	return err
}

// listTaken tells which of the slugs are or were some shop's. Those of a shop deleted long ago are free.
func listTaken(ctx context.Context, q db.Q, slugs []string, freed time.Time) (map[string]bool, error) {
	var found []string
	err := q.Select(ctx, &found, `
		SELECT slug::text FROM shops WHERE slug = ANY($1::citext[]) AND (deleted_at IS NULL OR deleted_at > $2)
		UNION SELECT h.slug::text FROM slug_history h JOIN shops s ON s.id = h.shop_id
		WHERE h.slug = ANY($1::citext[]) AND (s.deleted_at IS NULL OR s.deleted_at > $2)`, db.Array(slugs), freed)
	out := map[string]bool{}
	for _, s := range found {
		out[s] = true
	}
	return out, err
}

func findShown(ctx context.Context, q db.Q, slug string) (Shown, error) {
	var r struct {
		row
		Content []byte `db:"content"`
	}
	err := q.Get(ctx, &r, `
		SELECT s.*, v.content FROM (SELECT `+columns+` FROM shops WHERE slug = $1::citext) s
		LEFT JOIN versions v ON v.id = s.published_version_id`, slug)
	sh, err := one(r.row, err)
	return Shown{sh, r.Content}, err
}

func findContent(ctx context.Context, q db.Q, who Who) ([]byte, error) {
	var b []byte
	err := q.Get(ctx, &b, `
		SELECT v.content FROM shops s JOIN versions v ON v.id = s.published_version_id
		WHERE s.id = $1 AND s.creator_id = $2`, who.Shop, who.User)
	if db.None(err) {
		return nil, nil
	}
	return b, err
}

func findPrevious(ctx context.Context, q db.Q, who Who, v id.Version) (id.Version, error) {
	var p id.Version
	err := q.Get(ctx, &p, `SELECT previous_id FROM versions WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, v, who.Shop, who.User)
	return p, err
}

func insertVersion(ctx context.Context, tx *db.Tx, v id.Version, sh Shop, content []byte) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO versions (id, shop_id, creator_id, previous_id, seq, content, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, v, sh.ID, sh.Creator, sh.PublishedVersion, sh.Seq, string(content), tx.Now)
	return err
}

// setShown points the shop at a version; the zero version shows none.
func setShown(ctx context.Context, tx *db.Tx, sh Shop, v id.Version) error {
	at := sql.NullTime{Time: tx.Now, Valid: !v.IsZero()}
	_, err := tx.Exec(ctx, `
		UPDATE shops SET published_version_id = $3, published_at = $4, updated_at = $5
		WHERE id = $1 AND creator_id = $2`, sh.ID, sh.Creator, v, at, tx.Now)
	return err
}

func listPublished(ctx context.Context, q db.Q, after id.Shop, limit int) ([]Listed, error) {
	var rows []struct {
		ID        id.Shop   `db:"id"`
		Slug      string    `db:"slug"`
		UpdatedAt time.Time `db:"published_at"`
	}
	err := q.Select(ctx, &rows, `
		SELECT id, slug, published_at FROM shops
		WHERE published_version_id IS NOT NULL AND closed_at IS NULL AND deleted_at IS NULL AND ($1::uuid IS NULL OR id > $1)
		ORDER BY id LIMIT $2`, after, limit)
	out := make([]Listed, len(rows))
	for i, r := range rows {
		out[i] = Listed{r.ID, r.Slug, r.UpdatedAt}
	}
	return out, err
}
