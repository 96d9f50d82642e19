// Package bundle draws the page on which a shop is taken away or brought in.
package bundle

import "strconv"

// ArchiveProps is what is in the shop, and the form for an archive.
type ArchiveProps struct {
	ID                               string // of the arrival that the form begins
	Blocks, Products, Files, Members int
	Bytes                            int64
	Fault                            string
}

// ArrivalProps is what became of an archive.
type ArrivalProps struct {
	ID, Failure, From    string
	Ours, Shown, Waiting bool
	Lines                []string
}

// size is a number of bytes for people.
func size(n int64) string {
	if n < 1<<20 {
		return strconv.FormatInt((n+1023)>>10, 10) + " KB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MB"
}
