package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/app/sandbox"
)

// child runs this test binary as a sandbox of its own, over dir.
func child(t *testing.T, dir, addr string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill9$")
	cmd.Env = append(os.Environ(), "SANDBOX_TEST_DIR="+dir, "SANDBOX_TEST_ADDR="+addr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 6)
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "ready\n" {
		t.Fatalf("child: %q %v", line, err)
	}
	return cmd
}

// post makes one call; ok says that it was acknowledged whole.
func post(addr, path, form, account, key string) (body map[string]any, ok bool) {
	req, err := http.NewRequest("POST", "http://"+addr+"/stripe/v1"+path, strings.NewReader(form))
	if err != nil {
		return nil, false
	}
	for k, v := range map[string]string{"Authorization": "Bearer " + sandbox.DefaultKey, "Content-Type": "application/x-www-form-urlencoded", "Stripe-Account": account, "Idempotency-Key": key} {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	rs, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false
	}
	defer rs.Body.Close()
	return body, json.NewDecoder(rs.Body).Decode(&body) == nil && rs.StatusCode == 200
}

// TestKill9DuringPayouts kills the sandbox in the middle of transfers and payouts: what was acknowledged is there, what
// was not is there whole or not at all, and the same keys find it.
func TestKill9DuringPayouts(t *testing.T) {
	dir := t.TempDir()
	first := start(t, sandbox.Options{Dir: dir})
	id := payee(t, first, "DE")
	fundPlatform(t, first, 10_000_000, "eur")
	in := first.Stripe().Balance("eur").Available
	addr := strings.TrimPrefix(first.URL(), "http://")
	first.Close()
	made := map[string]string{} // key → id
	n := 0
	for range 3 {
		cmd := child(t, dir, addr)
		timer := time.AfterFunc(200*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for alive := true; alive; n++ {
			for _, c := range [][3]string{{"/transfers", "amount=100&currency=eur&destination=" + id, ""}, {"/payouts", "amount=60&currency=eur", id}} {
				key := c[0] + strconv.Itoa(n)
				body, ok := post(addr, c[0], c[1], c[2], key)
				if alive = ok; !ok {
					break
				}
				made[key] = body["id"].(string)
			}
		}
		timer.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	s := start(t, sandbox.Options{Dir: dir, Addr: addr})
	for key, want := range made {
		path, form, of := "/transfers", "amount=100&currency=eur&destination="+id, ""
		if strings.HasPrefix(key, "/payouts") {
			path, form, of = "/payouts", "amount=60&currency=eur", id
		}
		if body, ok := post(addr, path, form, of, key); !ok || body["id"] != want {
			t.Fatalf("%s was acknowledged as %s and is %v", key, want, body)
		}
	}
	sent, after := int64(0), ""
	for {
		rows := listed(t, s, "/v1/payouts?limit=100"+after, id)
		for _, p := range rows {
			sent += int64(p["amount"].(float64))
			after = "&starting_after=" + p["id"].(string)
		}
		if len(rows) < 100 {
			break
		}
	}
	p, a := s.Stripe().Balance("eur").Available, s.Stripe().BalanceOf(id, "eur").Available
	if p+a+sent != in || len(made) < 10 {
		t.Errorf("platform %d, account %d, at the bank %d, of %d; %d calls", p, a, sent, in, len(made))
	}
}
