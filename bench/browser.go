package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// visit is what Lighthouse says of one visit of one page.
type visit struct {
	URL           string   `json:"url"`
	Performance   float64  `json:"performance"`
	Accessibility float64  `json:"accessibility"`
	Practices     float64  `json:"practices"`
	SEO           float64  `json:"seo"`
	LCP           float64  `json:"lcp"`
	TBT           float64  `json:"tbt"`
	CLS           float64  `json:"cls"`
	Bytes         float64  `json:"bytes"`
	Below         []string `json:"below"` // audits that were not passed
}

// browser lets Lighthouse visit the demo shops, all of them in each round, with their photographs.
func browser(ctx context.Context, w *world) error {
	args := []string{"bench/lighthouse.mjs", strconv.Itoa(rounds)}
	for _, s := range w.shops {
		args = append(args, w.cfg.ShopURL+"/@"+s.Slug)
	}
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("lighthouse: %w", err)
	}
	byPage := map[string][]visit{}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		var v visit
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			return fmt.Errorf("lighthouse said %q: %w", s.Text(), err)
		}
		byPage[v.URL] = append(byPage[v.URL], v)
	}
	if len(byPage) != len(w.shops) {
		return fmt.Errorf("lighthouse visited %d of %d shops", len(byPage), len(w.shops))
	}
	// of each page the median of its rounds; of the pages the median, or the lowest score
	pages := func(of func(visit) float64) (out []float64) {
		for _, vs := range byPage {
			var one []float64
			for _, v := range vs {
				one = append(one, of(v))
			}
			out = append(out, median(one))
		}
		return out
	}
	figure("first_visit_bytes", median(pages(func(v visit) float64 { return v.Bytes })), "B")
	figure("lighthouse_performance", median(pages(func(v visit) float64 { return v.Performance })), "points")
	figure("lighthouse_accessibility", slices.Min(pages(func(v visit) float64 { return v.Accessibility })), "points")
	figure("lighthouse_best_practices", slices.Min(pages(func(v visit) float64 { return v.Practices })), "points")
	figure("lighthouse_seo", slices.Min(pages(func(v visit) float64 { return v.SEO })), "points")
	figure("lcp_ms", round2(median(pages(func(v visit) float64 { return v.LCP }))), "ms")
	figure("tbt_ms", round2(median(pages(func(v visit) float64 { return v.TBT }))), "ms")
	figure("cls", round4(median(pages(func(v visit) float64 { return v.CLS }))), "")
	below := map[string]bool{}
	for _, vs := range byPage {
		for _, v := range vs {
			for _, b := range v.Below {
				below[b] = true
			}
		}
	}
	for b := range below {
		fmt.Fprintln(os.Stderr, "lighthouse: below 0.9 on some page:", b)
	}
	return nil
}

func round4(v float64) float64 { return float64(int(v*10_000+.5)) / 10_000 }

// packed waits until the pictures are there in all formats, and lets the pages be drawn with them.
func packed(ctx context.Context, w *world) error {
	var left int
	var err error
	ok := wait(5*time.Minute, func() bool {
		err = w.DB.Get(ctx, &left, `SELECT count(*) FROM outbox WHERE kind IN ('files:pack', 'files:check') AND done_at IS NULL`)
		return err != nil || left == 0
	})
	if err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	if !ok {
		return fmt.Errorf("%d pictures are not packed yet", left)
	}
	w.Cache.DropAll()
	return nil
}
