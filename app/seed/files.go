package seed

import (
	"bytes"
	"fmt"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// file is something a buyer gets.
type file struct {
	name string
	body func() ([]byte, error)
}

func text(name, content string) file {
	return file{name, func() ([]byte, error) { return []byte(content), nil }}
}

// pdf is a title page and a page for each chapter.
func pdf(name, title string, chapters []string) file {
	return file{name, func() ([]byte, error) {
		p := fpdf.New("P", "mm", "A5", "")
		p.SetTitle(title, true)
		p.AddUTF8FontFromBytes("sign", "", gobold.TTF)
		p.AddUTF8FontFromBytes("text", "", goregular.TTF)
		p.AddPage()
		p.SetFont("sign", "", 30)
		p.SetY(60)
		p.MultiCell(0, 12, title, "", "L", false)
		for i, c := range chapters {
			p.AddPage()
			p.SetFont("sign", "", 16)
			p.MultiCell(0, 8, fmt.Sprintf("%d. %s", i+1, c), "", "L", false)
			p.Ln(4)
			p.SetFont("text", "", 11)
			p.MultiCell(0, 6, "This file belongs to the demo world of Vitrine. A real shop has real pages here.", "", "L", false)
		}
		var b bytes.Buffer
		err := p.Output(&b)
		return b.Bytes(), err
	}}
}
