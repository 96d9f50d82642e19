package accounts

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"

	view "vitrine/views/accounts"
)

// drawQR is what an authenticator app scans, as the path of an SVG: one rectangle for each run of dark squares.
func drawQR(content string) (view.QR, error) {
	b, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return view.QR{}, err
	}
	const quiet = 4 // squares of margin, as the standard wants
	size := b.Bounds().Dx()
	dark := func(x, y int) bool { return x < size && b.At(x, y) == color.Black }
	var p strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			run := 0
			for dark(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&p, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return view.QR{Size: size + 2*quiet, Path: p.String()}, nil
}
