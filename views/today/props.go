// Package today draws the creator's first page: what was sold, what just happened, what comes next.
package today

import (
	"fmt"
	"strings"

	"vitrine/views/ui"
)

// Props is the whole page.
type Props struct {
	KPI     KPI
	Feed    Feed
	Start   *Start // until the first sale
	First   string // "First sale after 3 days", on the day it happens
	Pending Pending
}

// KPI is the day in one number and a curve.
type KPI struct {
	Sales  ui.Figure
	Orders string // "21 orders"
	Delta  string // "36 % more than last Thursday by now", empty when there is nothing to compare
	Better bool
	Chart  Chart
}

// Chart is today against the same weekday before, as sums by the hour; empty when nothing was sold on either.
type Chart struct {
	Title, Desc string
	Is, Was     []int64 // cumulative, one an hour; Is ends with the present hour
	Top         int64
	TopLabel    string
	Rows        []ChartRow
	Heads       [3]string
	Show        string
}

// ChartRow is a line of the table behind the curve.
type ChartRow struct{ Hour, Is, Was string }

// Feed is the newest orders.
type Feed struct {
	Rows []ui.Row
}

// Start is the way to the first sale.
type Start struct {
	Steps   []ui.Step
	ShopURL string // to copy, once the window is published
}

// Pending is money on its way.
type Pending struct{ Amount, Note, Href string }

const (
	chartWidth  = 358.0
	chartHeight = 120.0
)

func (c Chart) y(v int64) float64 {
	if c.Top == 0 {
		return chartHeight
	}
	return chartHeight - float64(v)/float64(c.Top)*110
}

func x(hour int) float64 { return float64(hour) * chartWidth / 24 }

// steps is a path that stays level through an hour and jumps at its end, because money arrives in steps.
func (c Chart) steps(sums []int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %.1f", chartHeight)
	for i, v := range sums {
		fmt.Fprintf(&b, "H%.1fV%.1f", x(i)+chartWidth/48, c.y(v))
	}
	fmt.Fprintf(&b, "H%.1f", x(len(sums)))
	return b.String()
}

func (c Chart) area() string {
	return c.steps(c.Is) + fmt.Sprintf("V%.1fH0Z", chartHeight)
}

func (c Chart) nowX() string { return fmt.Sprintf("%.1f", x(len(c.Is))) }

func (c Chart) nowY() string {
	if len(c.Is) == 0 {
		return "120"
	}
	return fmt.Sprintf("%.1f", c.y(c.Is[len(c.Is)-1]))
}

func hour(h int) string { return fmt.Sprintf("%.1f", x(h)) }
