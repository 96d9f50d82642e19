package payouts

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vitrine/views/text"
)

// statementCSV is a statement for programs: RFC 4180, UTF-8, the net column sums to the payout.
func statementCSV(ctx context.Context, st Statement) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	head := []string{text.T(ctx, "Date"), text.T(ctx, "Kind"), text.T(ctx, "Description"), text.T(ctx, "Order"), text.T(ctx, "Currency"), text.T(ctx, "Gross"), text.T(ctx, "Fee"), text.T(ctx, "Net"), text.T(ctx, "Order reference")}
	rows := [][]string{head}
	for _, l := range st.Lines {
		row := []string{l.At.UTC().Format(time.RFC3339), l.Kind, Cell(l.Text), "", string(st.Amount.Currency), l.Gross.Decimal(), l.Fee.Decimal(), l.Net.Decimal(), ""}
		if !l.Order.IsZero() {
			row[8] = l.Order.String()
			if l.Number > 0 {
				row[3] = strconv.Itoa(l.Number)
			}
		}
		rows = append(rows, row)
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("statement of %s: %w", st.ID, err)
	}
	return b.Bytes(), nil
}

// Cell is a text as it may stand in a CSV file: spreadsheets take what begins like a formula for one.
func Cell(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	if t := strings.TrimLeft(s, " \u00a0\ufeff"); t != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(t)[0]) {
		return "'" + s
	}
	return s
}
