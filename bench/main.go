// bench measures Vitrine on this machine: `figure NAME VALUE UNIT` is a number, `ratio NAME VALUE of WHAT` compares
// with something measured in the same rounds. Ratios travel between machines; numbers do not.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/labstack/echo/v4"

	"vitrine/app/embedded"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/views/text"
)

const (
	clients = 16
	rounds  = 3
	span    = 3 * time.Second
)

func main() {
	embedded.ChildMain() // the local S3 is this binary again
	ctx := context.Background()
	w, err := newWorld(ctx)
	if err == nil {
		err = run(ctx, w)
	}
	w.close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything, or what the command line names: go run ./bench pages browser
func run(ctx context.Context, w *world) error {
	if err := packed(ctx, w); err != nil {
		return err
	}
	for _, f := range []struct {
		name    string
		measure func(context.Context, *world) error
	}{
		{"pages", pages}, {"render", render}, {"browser", browser}, {"checkout", checkout}, {"hot", hot}, {"oversold", oversold}, {"process", process}, {"size", size},
	} {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], f.name) {
			continue
		}
		if err := f.measure(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func figure(name string, v float64, unit string) {
	fmt.Printf("figure %s %s %s\n", name, number(v), unit)
}
func ratio(name string, v float64, of string) { fmt.Printf("ratio %s %s of %s\n", name, number(v), of) }
func number(v float64) string                 { return strconv.FormatFloat(v, 'f', -1, 32) }

func round2(v float64) float64 { return float64(int(v*100+.5)) / 100 }

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// pages compares a shop's page, from memory and drawn anew, with the same bytes sent by a bare Echo handler.
func pages(ctx context.Context, w *world) error {
	page, err := w.Front().Fresh(ctx, "noor")
	if err != nil {
		return err
	}
	bare, err := serveBare(page.Body)
	if err != nil {
		return err
	}
	miss, err := serveMiss(w)
	if err != nil {
		return err
	}
	got := map[string][]float64{}
	for range rounds {
		for _, t := range []struct{ name, url, host string }{
			{"static", bare, ""}, {"warm", w.base + "/@noor", shopHost(w.cfg)}, {"miss", miss, ""},
		} {
			n, err := load(ctx, t.url, t.host)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			got[t.name] = append(got[t.name], n)
		}
	}
	st := median(got["static"])
	ratio("shop_page_warm", round2(median(got["warm"])/st), "the same bytes from a bare Echo handler")
	ratio("shop_page_miss", round2(median(got["miss"])/st), "the same bytes from a bare Echo handler")
	return firstBytes(ctx, w)
}

func serveBare(body []byte) (string, error) {
	e := echo.New()
	e.GET("/", func(c echo.Context) error { return c.HTMLBlob(http.StatusOK, body) })
	return listen(e)
}

func serveMiss(w *world) (string, error) {
	front := w.Front()
	e := echo.New()
	e.GET("/", func(c echo.Context) error {
		p, err := front.Fresh(text.With(c.Request().Context(), "en"), "noor")
		if err != nil {
			return err
		}
		return c.HTMLBlob(http.StatusOK, p.Body)
	})
	return listen(e)
}

func listen(h http.Handler) (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go http.Serve(ln, h)
	return "http://" + ln.Addr().String() + "/", nil
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients * 4, DisableCompression: true}}

func get(ctx context.Context, url, host string) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Host = host
	r.Header.Set("Accept-Encoding", "br, gzip")
	res, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, res.Status)
	}
	return res, b.Bytes(), err
}

// load counts answers a second.
func load(ctx context.Context, url, host string) (float64, error) {
	return rate(span, func(int) error { _, _, err := get(ctx, url, host); return err })
}

// rate lets all clients work for a while and returns how often a second they were done.
func rate(d time.Duration, work func(client int) error) (float64, error) {
	var done atomic.Int64
	var failed atomic.Pointer[error]
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for time.Now().Before(end) && failed.Load() == nil {
				if err := work(i); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / d.Seconds(), nil
}

// firstBytes is what a first visit's first answer weighs, headers and all.
func firstBytes(ctx context.Context, w *world) error {
	worst := 0
	for _, s := range w.shops {
		res, body, err := get(ctx, w.base+"/@"+s.Slug, shopHost(w.cfg))
		if err != nil {
			return err
		}
		var head bytes.Buffer
		res.Header.Write(&head)
		worst = max(worst, len(body)+head.Len())
	}
	figure("first_response_bytes", float64(worst), "B")
	return nil
}

// render draws a page without database and network.
func render(ctx context.Context, w *world) error {
	out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "BenchmarkShopRender", "-benchmem", "./app/builder").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	m := regexp.MustCompile(`([\d.]+) ns/op.*?([\d.]+) allocs/op`).FindSubmatch(out)
	if m == nil {
		return fmt.Errorf("no benchmark in: %s", out)
	}
	ns, _ := strconv.ParseFloat(string(m[1]), 64)
	allocs, _ := strconv.ParseFloat(string(m[2]), 64)
	figure("shop_render", round2(ns/1000), "µs")
	figure("shop_render_allocs", allocs, "allocations")
	return nil
}

// offer finds a product of the demo world by its name.
func offer(ctx context.Context, w *world, slug, name string) (orders.Offer, error) {
	sh, err := w.Shops.BySlug(ctx, slug)
	if err != nil {
		return orders.Offer{}, err
	}
	all, err := w.Products.OffersOfShop(ctx, w.DB, sh.ID)
	if err != nil {
		return orders.Offer{}, err
	}
	for _, o := range all {
		if o.Name == name {
			return orders.Offer{Product: o.ID, Shop: o.Shop, Creator: o.Creator, Price: o.Price, Name: o.Name}, nil
		}
	}
	return orders.Offer{}, fmt.Errorf("%s sells no %s", slug, name)
}

var buyers atomic.Int64

func start(ctx context.Context, w *world, o orders.Offer) error {
	_, err := w.Orders.Start(ctx, orders.StartInput{
		Key: orders.NewKey(), Lines: []orders.Line{{Product: o.Product, Quantity: 1}}, Email: fmt.Sprintf("b%d@bench.example", buyers.Add(1)),
		Consent: true, Expected: money.Amount{Minor: o.Price.Minor, Currency: o.Price.Currency}, Locale: "en",
	})
	return err
}

// checkout is a whole purchase of something free over HTTP: the page, the order, delivered and in the mail queue.
func checkout(ctx context.Context, w *world) error {
	o, err := offer(ctx, w, "lowtide", "The quiet map")
	if err != nil {
		return err
	}
	key := regexp.MustCompile(`name="key" value="([^"]+)"`)
	var all []float64
	for range rounds {
		n, err := rate(span, func(int) error {
			_, body, err := get(ctx, w.base+"/checkout/start?p="+o.Product.String()+"&q=1", appHost(w.cfg))
			if err != nil {
				return err
			}
			plain, err := unpack(body)
			if err != nil {
				return err
			}
			m := key.FindSubmatch(plain)
			if m == nil {
				return fmt.Errorf("no key on the checkout page")
			}
			return post(ctx, w, fmt.Sprintf("key=%s&p=%s&q=1&expected=0&currency=GBP&email=b%d%%40bench.example&consent=on", m[1], o.Product, buyers.Add(1)))
		})
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	figure("checkout_flow", round2(median(all)), "orders/s")
	return nil
}

func unpack(b []byte) ([]byte, error) {
	if bytes.Contains(b, []byte("<html")) {
		return b, nil
	}
	var out bytes.Buffer
	if len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b {
		return gunzip(b)
	}
	_, err := out.ReadFrom(brotli.NewReader(bytes.NewReader(b)))
	return out.Bytes(), err
}

func post(ctx context.Context, w *world, form string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/checkout", strings.NewReader(form))
	if err != nil {
		return err
	}
	r.Host = appHost(w.cfg)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", w.cfg.AppURL)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := (&http.Client{Transport: client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("checkout answered %s", res.Status)
	}
	return nil
}

// hot compares orders of one limited product, which all buyers want, with orders of an unlimited one.
func hot(ctx context.Context, w *world) error {
	free, err := offer(ctx, w, "lowtide", "The quiet map")
	if err != nil {
		return err
	}
	var limited, unlimited []float64
	for range rounds {
		if err := setStock(ctx, w, free, nil); err != nil {
			return err
		}
		n, err := rate(span, func(int) error { return start(ctx, w, free) })
		if err != nil {
			return err
		}
		unlimited = append(unlimited, n)
		many := 900_000
		if err := setStock(ctx, w, free, &many); err != nil {
			return err
		}
		if n, err = rate(span, func(int) error { return start(ctx, w, free) }); err != nil {
			return err
		}
		limited = append(limited, n)
	}
	figure("order_many", round2(median(unlimited)), "orders/s")
	ratio("order_hot", round2(median(limited)/median(unlimited)), "the same order without stock")
	return setStock(ctx, w, free, nil)
}

// oversold lets 500 buyers want 10 copies at once.
func oversold(ctx context.Context, w *world) error {
	free, err := offer(ctx, w, "lowtide", "The quiet map")
	if err != nil {
		return err
	}
	ten := 10
	if err := setStock(ctx, w, free, &ten); err != nil {
		return err
	}
	var sold atomic.Int64
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			if start(ctx, w, free) == nil {
				sold.Add(1)
			}
		})
	}
	wg.Wait()
	figure("oversold", float64(sold.Load()-10), "copies of 10 wanted by 500")
	return setStock(ctx, w, free, nil)
}

// process starts the server by itself and looks at what it takes.
func process(ctx context.Context, w *world) error {
	var took, rss []float64
	for range 5 {
		ms, mb, err := once(ctx, w)
		if err != nil {
			return err
		}
		took, rss = append(took, ms), append(rss, mb)
	}
	figure("start_ms", round2(median(took)), "ms")
	figure("idle_rss_mb", round2(median(rss)), "MB")
	return devStart(ctx)
}

func once(ctx context.Context, w *world) (ms, mb float64, err error) {
	port, err := freePort()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, "bin/vitrine-lean", "web")
	cmd.Env, cmd.Stderr = w.env(port), os.Stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() }()
	url := fmt.Sprintf("http://127.0.0.1:%d/readyz", port)
	if !wait(10*time.Second, func() bool { _, _, err := get(ctx, url, fmt.Sprintf("localhost:%d", port)); return err == nil }) {
		return 0, 0, fmt.Errorf("the server did not start")
	}
	ms = float64(time.Since(begin).Microseconds()) / 1000
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return ms, 0, nil // not Linux
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+)`).FindSubmatch(b)
	kb, _ := strconv.ParseFloat(string(m[1]), 64)
	return ms, kb / 1024, nil
}

// devStart is the second `make run`: everything is built, the data is there.
func devStart(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "vitrine-dev")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var took []float64
	for i := range 4 {
		port, err := freePort()
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "bin/vitrine", "dev")
		cmd.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", port), "VITRINE_DATA="+dir, "LOG_LEVEL=error", "DATABASE_URL=", "SANDBOX_PORT=")
		begin := time.Now()
		if err := cmd.Start(); err != nil {
			return err
		}
		ok := wait(60*time.Second, func() bool {
			_, _, err := get(ctx, fmt.Sprintf("http://127.0.0.1:%d/", port), fmt.Sprintf("localhost:%d", port))
			return err == nil
		})
		ms := float64(time.Since(begin).Milliseconds())
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		if !ok {
			return fmt.Errorf("`vitrine dev` did not start")
		}
		if i > 0 { // the first makes the cluster
			took = append(took, ms)
		}
	}
	figure("run_warm_ms", median(took), "ms")
	return nil
}

func size(context.Context, *world) error {
	for name, file := range map[string]string{"binary_mb": "bin/vitrine-lean", "binary_dev_mb": "bin/vitrine"} {
		st, err := os.Stat(file)
		if err != nil {
			return err
		}
		figure(name, round2(float64(st.Size())/(1<<20)), "MB")
	}
	return nil
}
