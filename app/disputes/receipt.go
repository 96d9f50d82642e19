package disputes

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"vitrine/app/orders"
)

// receipt draws an order for a bank: one page, in English, as the network wants it.
func receipt(o orders.Order, consent time.Time) ([]byte, error) {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetCreationDate(o.PaidAt) // the same order gives the same file
	p.SetModificationDate(o.PaidAt)
	p.SetCatalogSort(true)
	p.AddUTF8FontFromBytes("go", "", goregular.TTF)
	p.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	p.SetMargins(20, 20, 20)
	p.AddPage()
	p.SetFont("go", "B", 18)
	p.CellFormat(0, 12, fmt.Sprintf("Receipt, order %d", o.Number), "", 1, "L", false, 0, "")
	p.SetFont("go", "", 10)
	line := func(label, value string) {
		p.CellFormat(45, 6, label, "", 0, "L", false, 0, "")
		p.MultiCell(0, 6, value, "", "L", false)
	}
	line("Paid", moment(o.PaidAt))
	line("Buyer", o.Email)
	line("Payment", o.Provider+" "+o.PaymentIntent)
	if !consent.IsZero() {
		line("Immediate delivery", "asked for by the buyer at "+moment(consent))
	}
	p.Ln(4)
	for _, i := range o.Items {
		p.CellFormat(120, 7, clip(fmt.Sprintf("%d × %s", i.Quantity, i.Name), 60), "B", 0, "L", false, 0, "")
		p.CellFormat(0, 7, i.Total.String(), "B", 1, "R", false, 0, "")
	}
	p.SetFont("go", "B", 10)
	p.CellFormat(120, 8, "Total", "", 0, "L", false, 0, "")
	p.CellFormat(0, 8, o.Total.String(), "", 1, "R", false, 0, "")
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		return nil, fmt.Errorf("receipt of %s: %w", o.ID, err)
	}
	return b.Bytes(), nil
}
