package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// store holds every row in memory and every acknowledged change in an append-only journal: one line is one
// commit, so a torn last line is a commit that nobody was told of.
type store struct {
	mu     sync.Mutex
	tables []rows
	file   *os.File
	size   int64
	lock   *os.File
	fsync  bool
	closed bool
}

type rows interface {
	name() string
	load(id string, raw json.RawMessage) error
	raw(id string) (json.RawMessage, error) // null when the row is gone
	ids() []string
	tidy()
}

// table is the rows of one kind in the order they came.
type table[T any] struct {
	kind  string
	rows  map[string]T
	order []string
	loose bool // order does not matter and rows are deleted
}

func newTable[T any](db *store, kind string) *table[T] {
	tb := &table[T]{kind: kind, rows: map[string]T{}}
	db.tables = append(db.tables, tb)
	return tb
}

func newLoose[T any](db *store, kind string) *table[T] {
	tb := newTable[T](db, kind)
	tb.loose = true
	return tb
}

func (tb *table[T]) name() string { return tb.kind }

func (tb *table[T]) ids() []string {
	if !tb.loose {
		return tb.order
	}
	ids := make([]string, 0, len(tb.rows))
	for id := range tb.rows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// tidy forgets the places of rows that are gone.
func (tb *table[T]) tidy() {
	tb.order = slices.DeleteFunc(tb.order, func(id string) bool { _, ok := tb.rows[id]; return !ok })
}

func (tb *table[T]) raw(id string) (json.RawMessage, error) {
	v, ok := tb.rows[id]
	if !ok {
		return json.RawMessage("null"), nil
	}
	return json.Marshal(v)
}

func (tb *table[T]) load(id string, raw json.RawMessage) error {
	if string(raw) == "null" {
		delete(tb.rows, id)
		return nil
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("read %s %s: %w", tb.kind, id, err)
	}
	tb.set(id, v)
	return nil
}

func (tb *table[T]) set(id string, v T) {
	if _, ok := tb.rows[id]; !ok && !tb.loose {
		tb.order = append(tb.order, id)
	}
	tb.rows[id] = v
}

// tx is one change: all of it is written, or none. Rows are values; maps and slices in them are replaced, never edited.
type tx struct {
	now   time.Time
	req   request
	undo  []func()
	dirty []change
}

// request is what caused the change; events name it.
type request struct{ ID, Key string }

type change struct {
	rows rows
	id   string
}

func put[T any](t *tx, tb *table[T], id string, v T) {
	old, had := tb.rows[id]
	t.undo = append(t.undo, func() {
		if had {
			tb.rows[id] = old
			return
		}
		delete(tb.rows, id)
		if !tb.loose {
			tb.order = tb.order[:len(tb.order)-1] // undone last in, first out
		}
	})
	tb.set(id, v)
	t.touch(tb, id)
}

// drop deletes a row of a loose table.
func drop[T any](t *tx, tb *table[T], id string) {
	old, had := tb.rows[id]
	if !had {
		return
	}
	t.undo = append(t.undo, func() { tb.rows[id] = old })
	delete(tb.rows, id)
	t.touch(tb, id)
}

func (t *tx) touch(r rows, id string) {
	c := change{r, id}
	if !slices.Contains(t.dirty, c) {
		t.dirty = append(t.dirty, c)
	}
}

func (t *tx) rollback() {
	for _, f := range slices.Backward(t.undo) {
		f()
	}
}

// keeper is an error whose change stands all the same: a declined card leaves a failed charge behind.
type keeper interface{ keep() bool }

// do runs fn alone and writes what it changed before anyone is answered.
func (db *store) do(now func() time.Time, fn func(*tx) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return errClosed
	}
	t := &tx{now: now()}
	err := fn(t)
	var k keeper
	if err != nil && !(errors.As(err, &k) && k.keep()) {
		t.rollback()
		return err
	}
	if werr := db.write(t.dirty); werr != nil {
		t.rollback()
		return werr
	}
	return err
}

// see runs fn alone; fn must not change anything.
func (db *store) see(fn func()) {
	db.mu.Lock()
	defer db.mu.Unlock()
	fn()
}

var errClosed = errors.New("the sandbox is closed")

type line struct {
	Kind string          `json:"k"`
	ID   string          `json:"i"`
	Row  json.RawMessage `json:"v"`
}

func (db *store) write(dirty []change) error {
	if db.file == nil || len(dirty) == 0 {
		return nil
	}
	lines := make([]line, 0, len(dirty))
	for _, c := range dirty {
		raw, err := c.rows.raw(c.id)
		if err != nil {
			return fmt.Errorf("write %s %s: %w", c.rows.name(), c.id, err)
		}
		lines = append(lines, line{c.rows.name(), c.id, raw})
	}
	b, err := json.Marshal(lines)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	n, err := db.file.Write(append(b, '\n'))
	if err != nil { // a full disk must not leave half a line before the next commit
		return errors.Join(fmt.Errorf("write journal: %w", err), db.file.Truncate(db.size))
	}
	db.size += int64(n)
	if db.fsync {
		return db.file.Sync()
	}
	return nil
}

// open replays the journal in dir and rewrites it without what has been overtaken. An empty dir keeps nothing.
func (db *store) open(dir string, keep func(kind, id string) bool) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("sandbox folder: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	if err := db.openJournal(filepath.Join(dir, "journal.jsonl"), keep); err != nil {
		return errors.Join(err, lock.Close())
	}
	db.lock = lock
	return nil
}

func (db *store) openJournal(path string, keep func(kind, id string) bool) error {
	if err := db.replay(path); err != nil {
		return err
	}
	if err := db.compact(path, keep); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open journal: %w", err), f.Close())
	}
	db.file, db.size = f, st.Size()
	return nil
}

func (db *store) replay(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	defer f.Close()
	byName := map[string]rows{}
	for _, r := range db.tables {
		byName[r.name()] = r
	}
	in := bufio.NewReaderSize(f, 1<<20)
	for n := 1; ; n++ {
		b, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // what follows the last newline was never acknowledged
		}
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		var lines []line
		if err := json.Unmarshal(b, &lines); err != nil {
			return fmt.Errorf("read journal line %d: %w", n, err)
		}
		for _, l := range lines {
			r, ok := byName[l.Kind]
			if !ok {
				return fmt.Errorf("read journal line %d: unknown kind %q", n, l.Kind)
			}
			if err := r.load(l.ID, l.Row); err != nil {
				return err
			}
		}
	}
}

func (db *store) compact(path string, keep func(kind, id string) bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), "journal-*")
	if err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	defer os.Remove(f.Name())
	out := bufio.NewWriterSize(f, 1<<20)
	for _, r := range db.tables {
		for _, id := range slices.Clone(r.ids()) {
			if !keep(r.name(), id) {
				if err := r.load(id, json.RawMessage("null")); err != nil {
					return err
				}
				continue
			}
			raw, err := r.raw(id)
			if err != nil {
				return fmt.Errorf("compact journal: %w", err)
			}
			b, err := json.Marshal([]line{{r.name(), id, raw}})
			if err != nil {
				return fmt.Errorf("compact journal: %w", err)
			}
			out.Write(append(b, '\n')) // the error stays in out until Flush
		}
		r.tidy()
	}
	if err := errors.Join(out.Flush(), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	return os.Rename(f.Name(), path)
}

func (db *store) close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.closed = true
	if db.file == nil {
		return nil
	}
	return errors.Join(db.file.Sync(), db.file.Close(), db.lock.Close())
}
