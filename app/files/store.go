package files

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
)

func find(ctx context.Context, q db.Q, who id.User, file id.File) (f File, err error) {
	err = q.Get(ctx, &f, `
		SELECT id, creator_id, purpose, name, content_type, size, key, upload_id, part_size, status, reason, created_at, deleted_at
		FROM files
		WHERE id = $1 AND creator_id = $2`, file, who)
	return f, err
}

// findAny is for jobs, which act for nobody.
func findAny(ctx context.Context, q db.Q, file id.File) (f File, err error) {
	err = q.Get(ctx, &f, `
		SELECT id, creator_id, purpose, name, content_type, size, key, upload_id, part_size, status, reason, created_at, deleted_at
		FROM files
		WHERE id = $1`, file)
	return f, err
}

func listByID(ctx context.Context, q db.Q, ids []id.File) (fs []File, err error) {
	err = q.Select(ctx, &fs, `
		SELECT id, creator_id, purpose, name, content_type, size, key, upload_id, part_size, status, reason, created_at, deleted_at
		FROM files
		WHERE id = ANY($1)`, db.Array(ids))
	return fs, err
}

// insert writes a new upload, unless its creator has too many open ones.
func insert(ctx context.Context, tx *db.Tx, f File) (bool, error) {
	n, err := tx.Exec(ctx, `
		INSERT INTO files (id, creator_id, purpose, name, content_type, size, key, part_size, status, created_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
		WHERE (SELECT count(*) FROM files WHERE creator_id = $2 AND status IN ('uploading', 'checking')) < $11`,
		f.ID, f.Creator, string(f.Purpose), f.Name, f.ContentType, f.Size, f.Key, f.PartSize, string(f.Status), tx.Now, maxOpen)
	return n == 1, err
}

func setUpload(ctx context.Context, tx *db.Tx, file id.File, upload string) error {
	_, err := tx.Exec(ctx, `UPDATE files SET upload_id = $2 WHERE id = $1`, file, upload)
	return err
}

func use(ctx context.Context, tx *db.Tx, who id.User, p Purpose, ids []id.File) (fs []File, err error) {
	err = tx.Select(ctx, &fs, `
		UPDATE files
		SET used_at = COALESCE(used_at, $4)
		WHERE id = ANY($1) AND creator_id = $2 AND purpose = $3 AND status <> 'refused'
		RETURNING id, creator_id, purpose, name, content_type, size, key, upload_id, part_size, status, reason, created_at, deleted_at`,
		db.Array(ids), who, string(p), tx.Now)
	return fs, err
}

// toChecking is true for the one caller who moves the upload on.
func toChecking(ctx context.Context, tx *db.Tx, file id.File) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE files SET status = 'checking' WHERE id = $1 AND status = 'uploading'`, file)
	return n == 1, err
}

func toReady(ctx context.Context, tx *db.Tx, f File, etag string) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE files
		SET status = 'ready', content_type = $2, key = $3, etag = $4, ready_at = $5
		WHERE id = $1 AND status = 'checking'`, f.ID, f.ContentType, f.Key, etag, tx.Now)
	return n == 1, err
}

// toRefused takes the status it was seen in, so that a file which moved on meanwhile is left alone.
func toRefused(ctx context.Context, tx *db.Tx, f File, reason string) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE files
		SET status = 'refused', reason = $3
		WHERE id = $1 AND status = $2`, f.ID, string(f.Status), reason)
	return n == 1, err
}

// toUnused is toRefused for a file that nothing has used; Use and it cannot both win.
func toUnused(ctx context.Context, tx *db.Tx, f File, reason string) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE files
		SET status = 'refused', reason = $2
		WHERE id = $1 AND status = 'ready' AND used_at IS NULL`, f.ID, reason)
	return n == 1, err
}

func setDeleted(ctx context.Context, tx *db.Tx, file id.File) error {
	_, err := tx.Exec(ctx, `UPDATE files SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL`, file, tx.Now)
	return err
}

func listStale(ctx context.Context, q db.Q, before time.Time) (fs []File, err error) {
	err = q.Select(ctx, &fs, `
		SELECT id, creator_id, purpose, name, content_type, size, key, upload_id, part_size, status, reason, created_at, deleted_at
		FROM files
		WHERE status IN ('uploading', 'checking') AND created_at < $1
		ORDER BY created_at
		LIMIT 500`, before)
	return fs, err
}

func listUnused(ctx context.Context, q db.Q, before time.Time) (fs []File, err error) {
	err = q.Select(ctx, &fs, `
		SELECT id, creator_id, purpose, name, content_type, size, key, upload_id, part_size, status, reason, created_at, deleted_at
		FROM files
		WHERE status = 'ready' AND used_at IS NULL AND deleted_at IS NULL AND created_at < $1
		ORDER BY created_at
		LIMIT 500`, before)
	return fs, err
}

func listRefused(ctx context.Context, q db.Q) (fs []File, err error) {
	err = q.Select(ctx, &fs, `
		SELECT id, creator_id, purpose, name, content_type, size, key, upload_id, part_size, status, reason, created_at, deleted_at
		FROM files
		WHERE status = 'refused' AND deleted_at IS NULL
		ORDER BY created_at
		LIMIT 500`)
	return fs, err
}

// sizeRow is one size of an image, with what holds for all of its sizes.
type sizeRow struct {
	File     id.File `db:"file_id"`
	Width    int     `db:"width"`
	Format   string  `db:"format"`
	Full     int     `db:"full_width"`
	FullHigh int     `db:"full_height"`
	Color    string  `db:"color"`
	Bytes    int64   `db:"bytes"`
}

func listSizes(ctx context.Context, q db.Q, ids []id.File) (rows []sizeRow, err error) {
	err = q.Select(ctx, &rows, `
		SELECT s.file_id, s.width, s.format, s.bytes, i.width AS full_width, i.height AS full_height, i.color
		FROM image_sizes s
		JOIN images i ON i.file_id = s.file_id
		WHERE s.file_id = ANY($1)
		ORDER BY s.file_id, s.format, s.width`, db.Array(ids))
	return rows, err
}

func insertImage(ctx context.Context, tx *db.Tx, file id.File, p made) error {
	if _, err := tx.Exec(ctx, `
		INSERT INTO images (file_id, width, height, color)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT ON CONSTRAINT images_pkey DO NOTHING`, file, p.width, p.height, p.color); err != nil {
		return err
	}
	for _, v := range p.variants {
		if _, err := tx.Exec(ctx, `
			INSERT INTO image_sizes (file_id, width, height, format, bytes)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT ON CONSTRAINT image_sizes_pkey DO NOTHING`, file, v.width, v.height, v.format, len(v.data)); err != nil {
			return err
		}
	}
	return nil
}

func deleteImage(ctx context.Context, tx *db.Tx, file id.File) error {
	if _, err := tx.Exec(ctx, `DELETE FROM image_sizes WHERE file_id = $1`, file); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM images WHERE file_id = $1`, file)
	return err
}
