// Package dbtest gives each test binary its own clone of one migrated template on a real Postgres.
// Tests keep apart by owning their rows: Creator makes a new one, assertions look only at theirs.
package dbtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jmoiron/sqlx"

	"vitrine/app/db"
	"vitrine/app/embedded"
	"vitrine/app/id"
	"vitrine/migrations"
)

// Root is the checkout's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../../..")
}

var cluster = sync.OnceValues(func() (func(string) string, error) {
	return embedded.SharedPostgres(context.Background(), Root())
})

var (
	shared = sync.OnceValues(func() (*db.DB, error) { return clone(fmt.Sprintf("vt_%d", os.Getpid())) })
	clones atomic.Int64
)

// Shared is the package's database.
func Shared(t testing.TB) *db.DB {
	t.Helper()
	d, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Fresh is a database of the test's own, for tests that count whole tables or race on purpose.
func Fresh(t testing.TB) *db.DB {
	t.Helper()
	name := fmt.Sprintf("vt_%d_%d", os.Getpid(), clones.Add(1))
	d, err := clone(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		if os.Getenv("KEEPDB") == "" {
			drop(name)
		}
	})
	return d
}

// Main is TestMain's body: it runs the tests and drops the package's clone. KEEPDB=1 keeps it.
func Main(m *testing.M) int {
	embedded.ChildMain()
	code := m.Run()
	dropLent()
	if d, err := shared(); err == nil {
		d.Close()
		if os.Getenv("KEEPDB") == "" {
			drop(fmt.Sprintf("vt_%d", os.Getpid()))
		}
	}
	embedded.StopShared()
	return code
}

func admin() (*sqlx.DB, error) {
	dsn, err := cluster()
	if err != nil {
		return nil, err
	}
	return sqlx.Connect("postgres", dsn("postgres"))
}

func drop(name string) {
	if a, err := admin(); err == nil {
		a.Exec(fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name))
		a.Close()
	}
}

func clone(name string) (*db.DB, error) {
	ctx := context.Background()
	a, err := admin()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	c, err := a.Connx(ctx) // advisory locks belong to one connection
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "SELECT pg_advisory_lock(771)"); err != nil {
		return nil, err
	}
	defer c.ExecContext(ctx, "SELECT pg_advisory_unlock(771)")
	template, err := makeTemplate(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY FILE_COPY"); err != nil {
		return nil, err
	}
	dsn, err := cluster()
	if err != nil {
		return nil, err
	}
	return db.Open(ctx, dsn(name), db.Options{MaxOpen: 24, Prepare: true})
}

func makeTemplate(ctx context.Context, c *sqlx.Conn) (string, error) {
	name := "vt_template_" + fingerprint()
	var have bool
	if err := c.GetContext(ctx, &have, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)", name); err != nil || have {
		return name, err
	}
	if _, err := c.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name); err != nil {
		return "", err
	}
	if _, err := c.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	dsn, err := cluster()
	if err != nil {
		return "", err
	}
	d, err := db.Open(ctx, dsn(name), db.Options{})
	if err != nil {
		return "", err
	}
	_, err = db.Migrate(ctx, d)
	d.Close()
	if err != nil {
		return "", err
	}
	_, err = c.ExecContext(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE true")
	return name, err
}

func fingerprint() string {
	h := sha256.New()
	names, _ := fs.Glob(migrations.FS, "*.sql")
	for _, n := range names {
		b, _ := fs.ReadFile(migrations.FS, n)
		h.Write(b)
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:12]
}

// Person is a creator with a shop.
type Person struct {
	User  id.User
	Shop  id.Shop
	Email string
	Slug  string
}

// Creator makes a verified creator with an unpublished shop in EUR.
func Creator(t testing.TB, d *db.DB) Person {
	t.Helper()
	p := Person{User: id.New[id.UserKind](), Shop: id.New[id.ShopKind]()}
	p.Slug = "shop-" + strings.ToLower(id.Token()[:12])
	p.Email = p.Slug + "@example.test"
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `
			INSERT INTO users (id, email, email_verified_at, name, created_at, updated_at)
			VALUES ($1, $2, $3, 'Ada Test', $3, $3)`, p.User, p.Email, tx.Now); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `
			INSERT INTO shops (id, creator_id, name, slug, currency, created_at, updated_at)
			VALUES ($1, $2, 'Ada''s shop', $3, 'EUR', $4, $4)`, p.Shop, p.User, p.Slug, tx.Now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Product makes an active digital product; stock < 0 means unlimited.
func (p Person) Product(t testing.TB, d *db.DB, priceMinor int64, stock int) id.Product {
	t.Helper()
	pid := id.New[id.ProductKind]()
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `
			INSERT INTO products (id, shop_id, creator_id, slug, name, product_type, price_minor, currency, is_active, created_at, updated_at)
			VALUES ($1, $2, $3, $4, 'Forty glazes', 'digital', $5, 'EUR', true, $6, $6)`,
			pid, p.Shop, p.User, "p-"+id.Token()[:10], priceMinor, tx.Now); err != nil {
			return err
		}
		if stock < 0 {
			return nil
		}
		_, err := tx.Exec(t.Context(), `
			INSERT INTO stock (product_id, shop_id, creator_id, available, updated_at)
			VALUES ($1, $2, $3, $4, $5)`, pid, p.Shop, p.User, stock, tx.Now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
