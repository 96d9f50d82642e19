package assist

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/errs"
	"vitrine/app/id"
)

// wire is an endpoint that answers from a list, on a clock of its own.
type wire struct {
	answers []int // statuses; 0 is a broken connection
	after   string
	asked   int
	clock   time.Time
	naps    []time.Duration
	bodies  []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	b, _ := io.ReadAll(r.Body)
	w.bodies = append(w.bodies, string(b))
	status := w.answers[min(w.asked, len(w.answers)-1)]
	w.asked++
	if status == 0 {
		return nil, errors.New("connection reset")
	}
	h := http.Header{}
	if w.after != "" {
		h.Set("Retry-After", w.after)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func (w *wire) transport() *transport {
	return &transport{base: w, now: func() time.Time { return w.clock }, wait: func(ctx context.Context, d time.Duration) error {
		w.naps, w.clock = append(w.naps, d), w.clock.Add(d)
		return ctx.Err()
	}}
}

func post(t *testing.T, tr *transport) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://llm.example/", bytes.NewReader([]byte("question")))
	if err != nil {
		t.Fatal(err)
	}
	return tr.RoundTrip(r)
}

func TestBusyAndBrokenEndpointsAreAskedAgain(t *testing.T) {
	for _, x := range []struct {
		answers []int
		after   string
		asked   int
		status  int // 0: an error
	}{
		{[]int{200}, "", 1, 200}, {[]int{400}, "", 1, 400}, {[]int{401}, "", 1, 401}, {[]int{429, 200}, "", 2, 200}, {[]int{500, 502, 0, 200}, "", 4, 200},
		{[]int{503}, "", 4, 503}, {[]int{0}, "", 4, 0}, {[]int{429, 200}, "7", 2, 200}, {[]int{429, 200}, "3600", 1, 429}, {[]int{429, 200}, "0.25", 2, 200},
		{[]int{429, 200}, "Tue, 24 Nov 2026 10:00:05 GMT", 2, 200},
	} {
		w := &wire{answers: x.answers, after: x.after, clock: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
		res, err := post(t, w.transport())
		if status := statusOf(res); w.asked != x.asked || status != x.status || (err != nil) != (x.status == 0) {
			t.Errorf("%v after %q: asked %d times, %d, %v", x.answers, x.after, w.asked, status, err)
		}
		for i, b := range w.bodies {
			if b != "question" {
				t.Errorf("try %d sent %q", i+1, b)
			}
		}
		switch x.after {
		case "7":
			if w.naps[0] != 7*time.Second {
				t.Errorf("waited %v, not the 7 s that were asked for", w.naps[0])
			}
		case "Tue, 24 Nov 2026 10:00:05 GMT":
			if w.naps[0] != 5*time.Second {
				t.Errorf("waited %v until the time that was named", w.naps[0])
			}
		case "":
			for i, d := range w.naps {
				if low := firstWait << i / 2; d < low || d > 3*low {
					t.Errorf("try %d waited %v", i+1, d)
				}
			}
		}
	}
}

func statusOf(r *http.Response) int {
	if r == nil {
		return 0
	}
	return r.StatusCode
}

func TestAnEndpointThatIsDownIsLeftAlone(t *testing.T) {
	w := &wire{answers: []int{500}, clock: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
	tr := w.transport()
	_, _ = post(t, tr)
	if _, err := post(t, tr); !errors.Is(err, errDown) || w.asked != breakAt || !tr.resting() {
		t.Fatalf("asked %d times, %v", w.asked, err)
	}
	if _, err := post(t, tr); !errors.Is(err, errDown) || w.asked != breakAt {
		t.Errorf("asked while it rests: %v", err)
	}
	w.clock = w.clock.Add(restFor)
	if _, err := post(t, tr); !errors.Is(err, errDown) || w.asked != breakAt+1 {
		t.Errorf("one should go and see: asked %d times, %v", w.asked, err)
	}
	w.answers, w.clock = []int{200}, w.clock.Add(restFor)
	for range 3 {
		if _, err := post(t, tr); err != nil {
			t.Errorf("it is back: %v", err)
		}
	}
	if tr.resting() {
		t.Error("it rests still")
	}
}

// A day holds what it holds, however many ask at once.
func TestNobodyTakesMoreThanADayHolds(t *testing.T) {
	w := newWorld(t)
	w.Budget.Creator = 1000
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []taken
	for range 40 {
		wg.Go(func() {
			x, err := w.take(context.Background(), w.who.User, 90)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				got = append(got, x)
			case !errors.Is(err, errCreatorSpent):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(got) != 11 {
		t.Fatalf("%d calls of 90 tokens out of 1000", len(got))
	}
	if left, err := w.Left(t.Context(), w.who.User); err != nil || left != 10 {
		t.Errorf("%d left, %v", left, err)
	}
	if err := w.logCall(t.Context(), call{Creator: w.who.User, Run: runFor(w), Prompt: "p", Usage: Usage{20, 10}}, got[0]); err != nil {
		t.Fatal(err)
	}
	if left, err := w.Left(t.Context(), w.who.User); err != nil || left != 70 {
		t.Errorf("after giving 60 back %d are left, %v", left, err)
	}
	if _, err := w.take(t.Context(), w.who.User, 71); !errors.Is(err, errCreatorSpent) {
		t.Errorf("more than is left: %v", err)
	}
	w.Budget.Instance = 1
	if _, err := w.take(t.Context(), w.who.User, 60); !errors.Is(err, errInstanceSpent) {
		t.Errorf("more than all have: %v", err)
	}
	if left, err := w.Left(t.Context(), w.who.User); err != nil || left != 70 {
		t.Errorf("what all refused was taken from one: %d left, %v", left, err)
	}
	other := newWorld(t)
	if left, err := w.Left(t.Context(), other.who.User); err != nil || left != 1000 {
		t.Errorf("another's day: %d, %v", left, err)
	}
}

func runFor(w *world) id.Run {
	r, err := w.Start(w.t.Context(), w.who, Input{Key: id.Token(), Kind: ForBio, Sentence: potter, Inline: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.ID
}

func TestOverBudgetTheTemplatesWrite(t *testing.T) {
	w := newWorld(t)
	w.Budget.Creator = 100
	r := w.write(Input{Sentence: potter, Anew: true})
	if r.State != Done || r.By != ByTemplate || r.Why != WhyCreator || len(w.box.LLM().Asked()) != 0 || !strings.Contains(strings.Join(notes(t.Context(), r), " "), "what a day holds") {
		t.Errorf("%s by %s because %s", r.State, r.By, r.Why)
	}
	if errs.KindOf(errCreatorSpent) != errs.TooMany {
		t.Error("kind")
	}
}
