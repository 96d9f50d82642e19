package app_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"vitrine/app/apptest"
)

// stream opens /app/live over the network with the cookies of a browser.
func stream(t *testing.T, w *apptest.World, c *apptest.Creator) (lines <-chan string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", w.Config.Port))
	}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Config.AppURL+"/app/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range c.Cookies("/") {
		req.AddCookie(k)
	}
	res, err := client.Do(req)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%v %+v", err, res)
	}
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		defer res.Body.Close()
		sc := bufio.NewScanner(res.Body)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			out <- sc.Text()
		}
	}()
	return out
}

func TestASaleReachesTheTodayPageWithinTwoSeconds(t *testing.T) {
	w := apptest.New(t)
	w.Listen()
	c, other := w.Creator(), w.Creator()
	w.Worker()
	mine, theirs := stream(t, w, c), stream(t, w, other)
	s := w.Begin(c.Product)
	w.Pay(s, apptest.Good)
	began := time.Now() // the webhook leaves the sandbox now
	over := time.After(10 * time.Second)
	for found := false; !found; {
		select {
		case l := <-mine:
			found = strings.HasPrefix(l, "data:") && strings.Contains(l, s.Email)
		case <-over:
			t.Fatal("the sale never came")
		}
	}
	took := time.Since(began)
	t.Logf("from payment to part: %s", took.Round(time.Millisecond))
	if took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	c.HTMX = true
	c.Get("/app/live/now").Is(http.StatusOK).Has(s.Email).HasNot("<html")
	c.HTMX = false
	for {
		select {
		case l := <-theirs:
			if strings.HasPrefix(l, "data:") {
				t.Errorf("another creator heard %q", l)
			}
			continue
		default:
		}
		break
	}
	other.Get("/app/live/now").HasNot(s.Email)
	// Signing out closes the stream, and no other.
	began = time.Now()
	c.Post("/logout", url.Values{}).Is(http.StatusSeeOther)
	for open := true; open; {
		select {
		case _, open = <-mine:
		case <-time.After(5 * time.Second):
			t.Fatal("the stream is open five seconds after signing out")
		}
	}
	t.Logf("closed %s after signing out", time.Since(began).Round(time.Millisecond))
	select {
	case _, open := <-theirs:
		if !open {
			t.Error("the stream of somebody else was closed, too")
		}
	default:
	}
}
