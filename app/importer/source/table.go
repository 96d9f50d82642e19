package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"vitrine/app/errs"
)

// table is a CSV file with its header.
type table struct {
	head []string // plain
	rows []tableRow
}

type tableRow struct {
	n     int // the line of the file it begins on
	cells []string
}

// Table reads a CSV file, in UTF-8: products, or people.
func Table(b []byte, name string) (Set, error) {
	t, err := readTable(b)
	if err != nil {
		return Set{}, err
	}
	var s Set
	switch {
	case t.has("handle") && t.has("title") && t.has("variant price"):
		s = shopify(t)
	case t.has("regular price") && t.has("name"):
		s = woocommerce(t)
	case t.col(mails...) >= 0:
		s = people(t, name)
	default:
		return Set{}, ErrColumns
	}
	if len(s.Records) == 0 {
		return Set{}, ErrEmpty
	}
	if len(s.Records) > MaxRecords {
		return Set{}, ErrMany
	}
	s.Title = line(name)
	keys(s.Records)
	return s, nil
}

func readTable(b []byte) (table, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return table{}, ErrEmpty
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = delimiter(b), -1, true, false
	var t table
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			at := "?"
			var pe *csv.ParseError
			if errors.As(err, &pe) {
				at = strconv.Itoa(pe.StartLine)
			}
			return table{}, errs.Field("file", ErrTable.Message, at)
		}
		n, _ := r.FieldPos(0)
		if t.head == nil {
			if strings.HasPrefix(strings.ToLower(cells[0]), "sep=") {
				continue // what a spreadsheet writes for itself
			}
			for _, c := range cells {
				t.head = append(t.head, plain(c))
			}
			continue
		}
		if slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			t.rows = append(t.rows, tableRow{n, cells})
		}
		if len(t.rows) > MaxRecords {
			return table{}, ErrMany
		}
	}
	if len(t.rows) == 0 {
		return t, ErrEmpty
	}
	return t, nil
}

// delimiter is the mark that stands most often in the first line, outside of quotes.
func delimiter(b []byte) rune {
	if bytes.HasPrefix(bytes.ToLower(b[:min(len(b), 4)]), []byte("sep=")) && len(b) > 4 && strings.IndexByte(",;\t|", b[4]) >= 0 {
		return rune(b[4])
	}
	count := map[rune]int{}
	quoted := false
	for _, r := range string(b[:min(len(b), 20_000)]) {
		if r == '"' {
			quoted = !quoted
		}
		if r == '\n' && !quoted {
			break
		}
		if !quoted {
			count[r]++
		}
	}
	best := ','
	for _, d := range []rune{';', '\t', '|'} {
		if count[d] > count[best] {
			best = d
		}
	}
	return best
}

func (t table) has(name string) bool { return slices.Contains(t.head, name) }

// col is the column with one of the names, or that begins with it; -1 when there is none.
func (t table) col(names ...string) int {
	for _, n := range names {
		if i := slices.Index(t.head, n); i >= 0 {
			return i
		}
	}
	for _, n := range names {
		for i, h := range t.head {
			if strings.HasPrefix(h, n+" ") {
				return i
			}
		}
	}
	return -1
}

func (r tableRow) at(i int) string {
	if i < 0 || i >= len(r.cells) {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// get is the cell under the first of the names that has something in it.
func (t table) get(r tableRow, names ...string) string {
	for _, n := range names {
		if s := r.at(slices.Index(t.head, n)); s != "" {
			return s
		}
	}
	return ""
}

func yes(s string) bool {
	switch strings.ToLower(s) {
	case "true", "yes", "y", "1", "active", "t":
		return true
	}
	return false
}
