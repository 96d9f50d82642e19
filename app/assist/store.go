package assist

import (
	"context"
	"encoding/json"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Run is one thing that was asked for, and what came of it.
type Run struct {
	ID        id.Run    `db:"id"`
	Shop      id.Shop   `db:"shop_id"`
	Creator   id.User   `db:"creator_id"`
	Key       string    `db:"key"`
	Kind      string    `db:"kind"`
	State     string    `db:"state"`
	Sentence  string    `db:"sentence"`
	Tone      string    `db:"tone"`
	Color     string    `db:"color"`
	Language  string    `db:"language"`
	Anew      bool      `db:"anew"`
	Pictures  bool      `db:"pictures"`
	Block     id.Block  `db:"block_id"`
	V         int       `db:"bv"` // the version of that block
	By        string    `db:"by"`
	Why       string    `db:"why"`
	Text      string    `db:"text"`
	RawBlocks []byte    `db:"blocks"`
	RawGoods  []byte    `db:"goods"`
	Op        int64     `db:"op"`
	CreatedAt time.Time `db:"created_at"`
	UpdatedAt time.Time `db:"updated_at"`
}

// Ended reports whether nothing more will come.
func (r Run) Ended() bool { return r.State != Waiting && r.State != Writing }

// Who is whose run it is.
func (r Run) Who() storefronts.Who { return storefronts.Who{User: r.Creator, Shop: r.Shop} }

// Blocks are those that it has put into the window, in the order in which they came.
func (r Run) Blocks() (out []id.Block) {
	_ = json.Unmarshal(r.RawBlocks, &out) // written by addBlock alone
	return out
}

// asks reports whether in is what the run was started with.
func (r Run) asks(in Input) bool {
	return r.Kind == in.Kind && r.Block == in.Block && (r.Kind == ForBlock || r.Sentence == in.Sentence && r.Tone == in.Tone && r.Color == in.Color)
}

func insertRun(ctx context.Context, tx *db.Tx, r Run) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO assist_runs (id, shop_id, creator_id, key, kind, state, sentence, tone, color, language, anew, pictures, block_id, bv, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)`,
		r.ID, r.Shop, r.Creator, r.Key, r.Kind, r.State, r.Sentence, r.Tone, r.Color, r.Language, r.Anew, r.Pictures, r.Block, r.V, tx.Now)
	return err
}

func findRun(ctx context.Context, q db.Q, who storefronts.Who, run id.Run) (r Run, err error) {
	err = q.Get(ctx, &r, `SELECT * FROM assist_runs WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, run, who.Shop, who.User)
	return r, err
}

func findByKey(ctx context.Context, q db.Q, who storefronts.Who, key string) (r Run, err error) {
	err = q.Get(ctx, &r, `SELECT * FROM assist_runs WHERE creator_id = $1 AND shop_id = $2 AND key = $3`, who.User, who.Shop, key)
	return r, err
}

func findLastWindow(ctx context.Context, q db.Q, who storefronts.Who) (r Run, err error) {
	err = q.Get(ctx, &r, `SELECT * FROM assist_runs WHERE shop_id = $1 AND creator_id = $2 AND kind = 'window' ORDER BY id DESC LIMIT 1`, who.Shop, who.User)
	return r, err
}

func isBusy(ctx context.Context, q db.Q, who storefronts.Who) (busy bool, err error) {
	err = q.Get(ctx, &busy, `SELECT EXISTS (SELECT 1 FROM assist_runs WHERE shop_id = $1 AND creator_id = $2 AND kind = 'window' AND state IN ('waiting', 'writing'))`, who.Shop, who.User)
	return busy, err
}

// countRewritten is how often a block has been written again.
func countRewritten(ctx context.Context, q db.Q, r Run) (n int, err error) {
	err = q.Get(ctx, &n, `SELECT count(*) FROM assist_runs WHERE shop_id = $1 AND creator_id = $2 AND block_id = $3 AND id <= $4`, r.Shop, r.Creator, r.Block, r.ID)
	return n, err
}

// claim begins a run that waits; it is nil for one that somebody else has begun or ended.
func claim(ctx context.Context, tx *db.Tx, run id.Run) (*Run, error) {
	var r Run
	err := tx.Get(ctx, &r, `UPDATE assist_runs SET state = 'writing', updated_at = $2 WHERE id = $1 AND state = 'waiting' RETURNING *`, run, tx.Now)
	if db.None(err) {
		return nil, nil
	}
	return &r, err
}

// alive notes that a run goes on; false when it was ended meanwhile.
func alive(ctx context.Context, tx *db.Tx, run id.Run) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE assist_runs SET updated_at = $2 WHERE id = $1 AND state = 'writing'`, run, tx.Now)
	return n == 1, err
}

func addBlock(ctx context.Context, tx *db.Tx, run id.Run, b id.Block, op int64) error {
	_, err := tx.Exec(ctx, `UPDATE assist_runs SET blocks = blocks || to_jsonb($2::text), op = $3 WHERE id = $1`, run, b.String(), op)
	return err
}

func setGoods(ctx context.Context, tx *db.Tx, run id.Run, goods []id.Product) error {
	raw, err := json.Marshal(goods)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE assist_runs SET goods = $2 WHERE id = $1`, run, string(raw))
	return err
}

func updateEnded(ctx context.Context, tx *db.Tx, run id.Run, state, by, why, text string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE assist_runs SET state = $2, by = $3, why = $4, text = $5, updated_at = $6 WHERE id = $1 AND state IN ('waiting', 'writing')`, run, state, by, why, text, tx.Now)
	return n == 1, err
}

func updateSettled(ctx context.Context, tx *db.Tx, who storefronts.Who, run id.Run, state string) error {
	_, err := tx.Exec(ctx, `
		UPDATE assist_runs SET state = $4, updated_at = $5
		WHERE id = $1 AND shop_id = $2 AND creator_id = $3 AND state IN ('done', 'failed', 'kept')`, run, who.Shop, who.User, state, tx.Now)
	return err
}

// updateDead ends the runs that have said nothing since a time.
func updateDead(ctx context.Context, tx *db.Tx, before time.Time) (out []id.Run, err error) {
	err = tx.Select(ctx, &out, `
		UPDATE assist_runs SET state = 'failed', why = 'died', updated_at = $2
		WHERE updated_at < $1 AND state IN ('waiting', 'writing') RETURNING id`, before, tx.Now)
	return out, err
}

func deleteOld(ctx context.Context, tx *db.Tx, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM assist_runs WHERE created_at < $1`, before)
	return err
}

// call is one line of the log of costs.
type call struct {
	Run     id.Run
	Creator id.User
	Prompt  string
	Model   string
	Usage   Usage
	Cost    int64
	Took    time.Duration
	Outcome string
}

func insertCall(ctx context.Context, tx *db.Tx, c call) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO assist_calls (id, run_id, creator_id, prompt, model, tokens_in, tokens_out, cost_micro, ms, outcome, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		id.New[id.RunKind](), c.Run, c.Creator, c.Prompt, c.Model, c.Usage.In, c.Usage.Out, c.Cost, c.Took.Milliseconds(), c.Outcome, tx.Now)
	return err
}
