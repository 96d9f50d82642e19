package importer

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

type row struct {
	ID        id.Import `db:"id"`
	Shop      id.Shop   `db:"shop_id"`
	Creator   id.User   `db:"creator_id"`
	URL       string    `db:"url"`
	File      string    `db:"file"`
	State     string    `db:"state"`
	Failure   string    `db:"failure"`
	Found     []byte    `db:"found"`
	Report    []byte    `db:"report"`
	UndoSeq   int64     `db:"undo_seq"`
	People    int       `db:"people"`
	CreatedAt time.Time `db:"created_at"`
}

const columns = `id, shop_id, creator_id, url, file, state, failure, found, report, undo_seq, people, created_at`

// raw is JSON as a statement takes it; nothing is NULL.
func raw(b []byte) *string {
	if len(b) == 0 {
		return nil
	}
	s := string(b)
	return &s
}

func insert(ctx context.Context, tx *db.Tx, who storefronts.Who, r row) (bool, error) {
	n, err := tx.Exec(ctx, `
		INSERT INTO imports (id, shop_id, creator_id, url, file, state, found, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
		ON CONFLICT ON CONSTRAINT imports_pkey DO NOTHING`, r.ID, who.Shop, who.User, r.URL, r.File, r.State, raw(r.Found), tx.Now)
	return n == 1, err
}

func find(ctx context.Context, q db.Q, who storefronts.Who, n id.Import) (r row, err error) {
	err = q.Get(ctx, &r, `SELECT `+columns+` FROM imports WHERE id = $1 AND (shop_id = $2 AND creator_id = $3 OR $4)`, n, who.Shop, who.User, !guardOwner)
	if db.None(err) {
		err = errNotFound
	}
	return r, err
}

func lock(ctx context.Context, tx *db.Tx, who storefronts.Who, n id.Import) (r row, err error) {
	err = tx.Get(ctx, &r, `SELECT `+columns+` FROM imports WHERE id = $1 AND (shop_id = $2 AND creator_id = $3 OR $4) FOR UPDATE`, n, who.Shop, who.User, !guardOwner)
	if db.None(err) {
		err = errNotFound
	}
	return r, err
}

// findAny is for jobs, which act for nobody.
func findAny(ctx context.Context, q db.Q, n id.Import) (r row, err error) {
	err = q.Get(ctx, &r, `SELECT `+columns+` FROM imports WHERE id = $1`, n)
	return r, err
}

func list(ctx context.Context, q db.Q, who storefronts.Who) (rs []row, err error) {
	err = q.Select(ctx, &rs, `
		SELECT id, shop_id, creator_id, url, file, state, failure, NULL::jsonb AS found, NULL::jsonb AS report, undo_seq, people, created_at FROM imports
		WHERE shop_id = $1 AND creator_id = $2 ORDER BY id DESC LIMIT 10`, who.Shop, who.User)
	return rs, err
}

func setRead(ctx context.Context, tx *db.Tx, r row) error {
	_, err := tx.Exec(ctx, `UPDATE imports SET state = $2, failure = $3, found = $4, updated_at = $5 WHERE id = $1 AND state = 'reading'`, r.ID, r.State, r.Failure, raw(r.Found), tx.Now)
	return err
}

// setTaken keeps the report and drops what was read: it may hold people's addresses.
func setTaken(ctx context.Context, tx *db.Tx, n id.Import, report []byte, undo int64, people int) error {
	_, err := tx.Exec(ctx, `
		UPDATE imports SET state = 'taken', found = NULL, report = $2, undo_seq = $3, people = $4, updated_at = $5
		WHERE id = $1 AND state = 'found'`, n, string(report), undo, people, tx.Now)
	return err
}

func purge(ctx context.Context, tx *db.Tx, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM imports WHERE state <> 'taken' AND updated_at < $1`, before)
	return err
}

// knownRow is what a key became, and whether it is still there.
type knownRow struct {
	Key     string     `db:"key"`
	Print   string     `db:"print"`
	Block   id.Block   `db:"block_id"`
	Product id.Product `db:"product_id"`
}

func listKnown(ctx context.Context, q db.Q, who storefronts.Who, scope string) (rs []knownRow, err error) {
	err = q.Select(ctx, &rs, `SELECT key, print, block_id, product_id FROM import_records WHERE shop_id = $1 AND scope = $2`, who.Shop, scope)
	return rs, err
}

func putKnown(ctx context.Context, tx *db.Tx, who storefronts.Who, scope string, n id.Import, k knownRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO import_records (shop_id, scope, key, print, block_id, product_id, import_id, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT ON CONSTRAINT import_records_pkey DO UPDATE
		SET print = EXCLUDED.print, block_id = EXCLUDED.block_id, product_id = EXCLUDED.product_id, import_id = EXCLUDED.import_id, updated_at = EXCLUDED.updated_at`,
		who.Shop, scope, k.Key, k.Print, k.Block, k.Product, n, tx.Now)
	return err
}

// person is a row of the audience.
type person struct{ email, name, consent, since string }

// addPeople adds those who are not there yet, and returns their addresses.
func addPeople(ctx context.Context, tx *db.Tx, who storefronts.Who, n id.Import, ps []person) (added []string, err error) {
	var ids, emails, names, consents, sinces []string
	for _, p := range ps {
		ids, emails, names = append(ids, id.New[id.MemberKind]().String()), append(emails, p.email), append(names, p.name)
		consents, sinces = append(consents, p.consent), append(sinces, p.since)
	}
	err = tx.Select(ctx, &added, `
		INSERT INTO audience_members (id, shop_id, creator_id, email, name, consent, since, import_id, created_at)
		SELECT p.id, $1, $2, p.email, p.name, p.consent, NULLIF(p.since, '')::date, $3, $4
		FROM unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[]) AS p (id, email, name, consent, since)
		ON CONFLICT ON CONSTRAINT audience_members_once DO NOTHING
		RETURNING email::text`, who.Shop, who.User, n, tx.Now, db.Array(ids), db.Array(emails), db.Array(names), db.Array(consents), db.Array(sinces))
	return added, err
}

func listPeople(ctx context.Context, q db.Q, who storefronts.Who, emails []string) (have []string, err error) {
	err = q.Select(ctx, &have, `SELECT email::text FROM audience_members WHERE shop_id = $1 AND creator_id = $2 AND email = ANY($3::citext[])`, who.Shop, who.User, db.Array(emails))
	return have, err
}

func deletePeople(ctx context.Context, tx *db.Tx, who storefronts.Who, n id.Import) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM audience_members WHERE shop_id = $1 AND creator_id = $2 AND import_id = $3`, who.Shop, who.User, n)
}

func countPeople(ctx context.Context, q db.Q, who storefronts.Who) (n int, err error) {
	err = q.Get(ctx, &n, `SELECT count(*) FROM audience_members WHERE shop_id = $1 AND creator_id = $2`, who.Shop, who.User)
	return n, err
}

// pictureRow is a picture on its way.
type pictureRow struct {
	File    id.File   `db:"file_id"`
	Import  id.Import `db:"import_id"`
	Creator id.User   `db:"creator_id"`
	URL     string    `db:"url"`
	State   string    `db:"state"`
	Failure string    `db:"failure"`
}

func insertPicture(ctx context.Context, tx *db.Tx, p pictureRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO import_pictures (file_id, import_id, creator_id, url, state, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 'waiting', $5, $5)`, p.File, p.Import, p.Creator, p.URL, tx.Now)
	return err
}

func findPicture(ctx context.Context, q db.Q, file id.File) (p pictureRow, err error) {
	err = q.Get(ctx, &p, `SELECT file_id, import_id, creator_id, url, state, failure FROM import_pictures WHERE file_id = $1`, file)
	return p, err
}

func listPictures(ctx context.Context, q db.Q, n id.Import) (ps []pictureRow, err error) {
	err = q.Select(ctx, &ps, `SELECT file_id, import_id, creator_id, url, state, failure FROM import_pictures WHERE import_id = $1 ORDER BY file_id`, n)
	return ps, err
}

// fetchedBytes is how much the pictures of an import have brought so far.
func fetchedBytes(ctx context.Context, q db.Q, n id.Import) (sum int64, err error) {
	err = q.Get(ctx, &sum, `SELECT COALESCE(sum(size), 0) FROM import_pictures WHERE import_id = $1`, n)
	return sum, err
}

func setPicture(ctx context.Context, tx *db.Tx, file id.File, state, failure string, size int) error {
	_, err := tx.Exec(ctx, `UPDATE import_pictures SET state = $2, failure = $3, size = $4, updated_at = $5 WHERE file_id = $1 AND state = 'waiting'`, file, state, failure, size, tx.Now)
	return err
}
