package products_test

import (
	"testing"
	"time"

	"github.com/lib/pq"

	"vitrine/app/db"
	"vitrine/app/event"
)

// notices is what comes over the event channel of the database.
func notices(t *testing.T, d *db.DB) <-chan string {
	t.Helper()
	l := pq.NewListener(d.URL(), time.Second, time.Minute, nil)
	t.Cleanup(func() { l.Close() })
	if err := l.Listen(event.Channel); err != nil {
		t.Fatal(err)
	}
	ch := make(chan string, 1000)
	go func() {
		for n := range l.Notify {
			if n != nil {
				ch <- n.Extra
			}
		}
	}()
	return ch
}
