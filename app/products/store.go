package products

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
)

type row struct {
	ID          id.Product `db:"id"`
	Shop        id.Shop    `db:"shop_id"`
	Creator     id.User    `db:"creator_id"`
	Slug        string     `db:"slug"`
	Name        string     `db:"name"`
	Summary     string     `db:"summary"`
	Description string     `db:"description"`
	Price       int64      `db:"price_minor"`
	Currency    string     `db:"currency"`
	Cover       id.File    `db:"cover_id"`
	CoverAlt    string     `db:"cover_alt"`
	Active      bool       `db:"is_active"`
	ArchivedAt  *time.Time `db:"archived_at"`
	Version     int        `db:"v"`
	UpdatedAt   time.Time  `db:"updated_at"`
}

func (r row) price() money.Amount {
	return money.Amount{Minor: r.Price, Currency: money.Currency(r.Currency)}
}

func (r row) product() Product {
	return Product{
		ID: r.ID, Shop: r.Shop, Slug: r.Slug, Name: r.Name, Summary: r.Summary, Description: r.Description, Price: r.price(),
		CoverID: r.Cover, CoverAlt: r.CoverAlt, Left: Unlimited, Active: r.Active, Archived: r.ArchivedAt != nil, Version: r.Version, UpdatedAt: r.UpdatedAt,
	}
}

func insert(ctx context.Context, tx *db.Tx, p row) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO products (id, shop_id, creator_id, slug, name, summary, description, product_type, price_minor, currency,
			cover_id, cover_alt, is_active, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'digital', $8, $9, $10, $11, $12, $13, $13)`,
		p.ID, p.Shop, p.Creator, p.Slug, p.Name, p.Summary, p.Description, p.Price, p.Currency, p.Cover, p.CoverAlt, p.Active, tx.Now)
	return err
}

// update writes over exactly the version that the form showed.
func update(ctx context.Context, tx *db.Tx, p row) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE products
		SET slug = $5, name = $6, summary = $7, description = $8, price_minor = $9, cover_id = $10, cover_alt = $11,
			is_active = $12, updated_at = $13, v = v + 1
		WHERE id = $1 AND shop_id = $2 AND creator_id = $3 AND v = $4 AND currency = $14 AND archived_at IS NULL`,
		p.ID, p.Shop, p.Creator, p.Version, p.Slug, p.Name, p.Summary, p.Description, p.Price, p.Cover, p.CoverAlt, p.Active, tx.Now, p.Currency)
	return n == 1, err
}

func updateArchived(ctx context.Context, tx *db.Tx, who Who, product id.Product, archived bool) (bool, error) {
	var at *time.Time
	if archived {
		at = &tx.Now
	}
	n, err := tx.Exec(ctx, `
		UPDATE products
		SET archived_at = $4, is_active = false, updated_at = $5, v = v + 1
		WHERE id = $1 AND shop_id = $2 AND creator_id = $3 AND (archived_at IS NULL) <> ($4::timestamptz IS NULL)`,
		product, who.Shop, who.User, at, tx.Now)
	return n == 1, err
}

func updateCurrency(ctx context.Context, tx *db.Tx, shop id.Shop, from, to money.Currency) error {
	_, err := tx.Exec(ctx, `
		WITH renamed AS (
			SELECT id, LEAST($6::bigint, round(price_minor * 10::numeric ^ $4::int / 10::numeric ^ $3::int))::bigint AS price
			FROM products
			WHERE shop_id = $1 AND currency = $7
		)
		UPDATE products p
		SET currency = $2, price_minor = r.price, is_active = p.is_active AND (r.price = 0 OR r.price >= $5), updated_at = $8, v = p.v + 1
		FROM renamed r
		WHERE p.id = r.id`, shop, string(to), from.Exponent(), to.Exponent(), to.Least().Minor, money.Max, string(from), tx.Now)
	return err
}

func find(ctx context.Context, q db.Q, who Who, product id.Product) (r row, err error) {
	err = q.Get(ctx, &r, `
		SELECT id, shop_id, creator_id, slug, name, summary, description, price_minor, currency, cover_id, cover_alt, is_active, archived_at, v, updated_at
		FROM products
		WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, product, who.Shop, who.User)
	return r, err
}

func list(ctx context.Context, q db.Q, who Who, archived bool, before id.Product, limit int) (rows []row, err error) {
	err = q.Select(ctx, &rows, `
		SELECT id, shop_id, creator_id, slug, name, summary, '' AS description, price_minor, currency, cover_id, cover_alt, is_active, archived_at, v, updated_at
		FROM products
		WHERE creator_id = $1 AND shop_id = $2 AND (archived_at IS NOT NULL) = $3 AND ($4::uuid IS NULL OR id < $4)
		ORDER BY id DESC
		LIMIT $5`, who.User, who.Shop, archived, before, limit)
	return rows, err
}

func listByID(ctx context.Context, q db.Q, ids []id.Product) (rows []row, err error) {
	err = q.Select(ctx, &rows, `
		SELECT id, shop_id, creator_id, slug, name, summary, '' AS description, price_minor, currency, cover_id, cover_alt, is_active, archived_at, v, updated_at
		FROM products
		WHERE id = ANY($1)`, db.Array(ids))
	return rows, err
}

func listActive(ctx context.Context, q db.Q, shop id.Shop) (rows []row, err error) {
	err = q.Select(ctx, &rows, `
		SELECT id, shop_id, creator_id, slug, name, summary, '' AS description, price_minor, currency, cover_id, cover_alt, is_active, archived_at, v, updated_at
		FROM products
		WHERE shop_id = $1 AND is_active AND archived_at IS NULL
		ORDER BY id DESC
		LIMIT 500`, shop)
	return rows, err
}

func findActive(ctx context.Context, q db.Q, shop id.Shop, slug string) (r row, err error) {
	err = q.Get(ctx, &r, `
		SELECT id, shop_id, creator_id, slug, name, summary, description, price_minor, currency, cover_id, cover_alt, is_active, archived_at, v, updated_at
		FROM products
		WHERE shop_id = $1 AND slug = $2 AND is_active AND archived_at IS NULL`, shop, slug)
	return r, err
}

func listPaths(ctx context.Context, q db.Q, shops []id.Shop) (ps []PublicPath, err error) {
	err = q.Select(ctx, &ps, `
		SELECT shop_id, slug, cover_id, updated_at
		FROM products
		WHERE shop_id = ANY($1) AND is_active AND archived_at IS NULL
		ORDER BY shop_id, id`, db.Array(shops))
	return ps, err
}

type fileRow struct {
	Product id.Product `db:"product_id"`
	File    id.File    `db:"file_id"`
}

// listFiles is what the products hold now, in the creator's order.
func listFiles(ctx context.Context, q db.Q, products []id.Product) (rows []fileRow, err error) {
	err = q.Select(ctx, &rows, `
		SELECT product_id, file_id
		FROM product_files
		WHERE product_id = ANY($1) AND removed_at IS NULL
		ORDER BY product_id, pos, created_at`, db.Array(products))
	return rows, err
}

// listFilesSince is what the product holds now and what it held at the time or later.
func listFilesSince(ctx context.Context, q db.Q, product id.Product, at time.Time) (ids []id.File, err error) {
	err = q.Select(ctx, &ids, `
		SELECT file_id
		FROM product_files
		WHERE product_id = $1 AND (removed_at IS NULL OR removed_at > $2)
		ORDER BY removed_at IS NOT NULL, pos, created_at`, product, at)
	return ids, err
}

func putFile(ctx context.Context, tx *db.Tx, product id.Product, file id.File, creator id.User, pos int) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO product_files (product_id, file_id, creator_id, pos, created_at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT ON CONSTRAINT product_files_pkey DO UPDATE SET pos = EXCLUDED.pos, removed_at = NULL`, product, file, creator, pos, tx.Now)
	return err
}

func removeFile(ctx context.Context, tx *db.Tx, product id.Product, file id.File) error {
	_, err := tx.Exec(ctx, `UPDATE product_files SET removed_at = $3 WHERE product_id = $1 AND file_id = $2 AND removed_at IS NULL`, product, file, tx.Now)
	return err
}

func listShopsOfFile(ctx context.Context, q db.Q, file id.File) (shops []id.Shop, err error) {
	err = q.Select(ctx, &shops, `
		SELECT shop_id FROM products WHERE cover_id = $1
		UNION
		SELECT p.shop_id FROM product_files f JOIN products p ON p.id = f.product_id WHERE f.file_id = $1 AND f.removed_at IS NULL`, file)
	return shops, err
}
