package payouts

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"vitrine/app/money"
	"vitrine/views/text"
)

// payee is who a statement is for.
type payee struct{ Name, Shop, Email string }

// Widths of the columns of a statement in millimetres; the description takes what is left of 174.
const (
	pdfDate = 24
	pdfText = 72
	pdfSum  = 26
)

// sheet is a statement that is being drawn.
type sheet struct {
	*fpdf.Fpdf
	ctx context.Context
}

// statementPDF draws a statement. The same payout gives the same file as long as nothing about it changes.
func statementPDF(ctx context.Context, st Statement, to payee, on func(time.Time) string) ([]byte, error) {
	p := sheet{fpdf.New("P", "mm", "A4", ""), ctx}
	p.SetCreationDate(st.CreatedAt)
	p.SetModificationDate(st.CreatedAt)
	p.SetCatalogSort(true)
	title := text.T(ctx, "Payout %d", st.Number)
	p.SetTitle(title, true)
	p.SetAuthor("Vitrine", true)
	p.SetLang(text.Lang(ctx))
	p.AddUTF8FontFromBytes("go", "", goregular.TTF)
	p.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	p.SetMargins(18, 18, 18)
	p.SetAutoPageBreak(true, 20)
	p.AliasNbPages("{pages}")
	p.SetFooterFunc(func() {
		p.SetY(-14)
		p.SetFont("go", "", 8)
		p.SetTextColor(90, 110, 104)
		p.CellFormat(0, 5, fmt.Sprintf("Vitrine · %s · %d / {pages}", title, p.PageNo()), "", 0, "C", false, 0, "")
	})
	p.AddPage()
	p.head(st, to, on)
	p.summary(st)
	p.lines(st, on)
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		return nil, fmt.Errorf("statement of %s: %w", st.ID, err)
	}
	return b.Bytes(), nil
}

func (p sheet) head(st Statement, to payee, on func(time.Time) string) {
	p.SetTextColor(16, 35, 31)
	p.SetFont("go", "B", 20)
	p.CellFormat(110, 10, text.T(p.ctx, "Payout statement"), "", 0, "L", false, 0, "")
	p.SetFont("go", "B", 14)
	p.CellFormat(0, 10, st.Amount.String(), "", 1, "R", false, 0, "")
	p.Ln(2)
	fact := func(label, value string) {
		if value == "" {
			return
		}
		p.SetFont("go", "", 9)
		p.SetTextColor(90, 110, 104)
		p.CellFormat(42, 5.5, label, "", 0, "L", false, 0, "")
		p.SetTextColor(16, 35, 31)
		p.MultiCell(0, 5.5, drawable(value), "", "L", false)
	}
	fact(text.T(p.ctx, "Shop"), to.Shop)
	fact(text.T(p.ctx, "For"), to.Name)
	fact(text.T(p.ctx, "Email"), to.Email)
	fact(text.T(p.ctx, "Payout"), fmt.Sprintf("%d (%s)", st.Number, st.ID))
	fact(text.T(p.ctx, "State"), statePill(p.ctx, st.State).Label)
	fact(text.T(p.ctx, "To"), st.To)
	fact(text.T(p.ctx, "Through"), providerName(st.Provider))
	fact(text.T(p.ctx, "The provider's number"), st.Ref)
	for _, d := range []struct {
		label string
		at    time.Time
	}{{text.T(p.ctx, "Taken from your balance"), st.CreatedAt}, {text.T(p.ctx, "Sent"), st.SentAt}, {text.T(p.ctx, "Arrived"), st.PaidAt}, {text.T(p.ctx, "Back in your balance"), st.EndedAt}} {
		if !d.at.IsZero() {
			fact(d.label, on(d.at))
		}
	}
	p.Ln(4)
}

func (p sheet) summary(st Statement) {
	p.SetDrawColor(20, 37, 33)
	row := func(style, border, label string, a money.Amount) {
		p.SetFont("go", style, 10)
		p.CellFormat(174-40, 6.5, drawable(label), border, 0, "L", false, 0, "")
		p.CellFormat(40, 6.5, a.String(), border, 1, "R", false, 0, "")
	}
	for _, k := range kinds(p.ctx, st) {
		row("", "", k.label+" ("+k.note+")", k.net)
	}
	row("B", "T", text.T(p.ctx, "Paid out"), st.Amount)
	p.Ln(5)
}

func (p sheet) lines(st Statement, on func(time.Time) string) {
	head := func() {
		p.SetFont("go", "B", 8.5)
		p.CellFormat(pdfDate, 6, text.T(p.ctx, "Date"), "B", 0, "L", false, 0, "")
		p.CellFormat(pdfText, 6, text.T(p.ctx, "Description"), "B", 0, "L", false, 0, "")
		for i, h := range []string{text.T(p.ctx, "Gross"), text.T(p.ctx, "Fee"), text.T(p.ctx, "Net")} {
			p.CellFormat(pdfSum, 6, h, "B", i/2, "R", false, 0, "")
		}
	}
	head()
	_, height := p.GetPageSize()
	for _, l := range st.Lines {
		if p.GetY() > height-28 {
			p.AddPage()
			head()
		}
		p.SetFont("go", "", 8.5)
		p.CellFormat(pdfDate, 5.5, l.At.UTC().Format(date), "", 0, "L", false, 0, "")
		p.CellFormat(pdfText, 5.5, p.cut(l.Text, pdfText-2), "", 0, "L", false, 0, "")
		p.CellFormat(pdfSum, 5.5, l.Gross.Decimal(), "", 0, "R", false, 0, "")
		p.CellFormat(pdfSum, 5.5, l.Fee.Neg().Decimal(), "", 0, "R", false, 0, "")
		p.CellFormat(pdfSum, 5.5, l.Net.Decimal(), "", 1, "R", false, 0, "")
	}
	p.SetFont("go", "B", 9)
	p.CellFormat(pdfDate+pdfText+2*pdfSum, 7, text.T(p.ctx, "Paid out"), "T", 0, "L", false, 0, "")
	p.CellFormat(pdfSum, 7, st.Amount.Decimal(), "T", 1, "R", false, 0, "")
}

// cut shortens a text to a width.
func (p sheet) cut(s string, width float64) string {
	s = drawable(s)
	if p.GetStringWidth(s) <= width {
		return s
	}
	r := []rune(s)
	for len(r) > 0 && p.GetStringWidth(string(r)+"…") > width {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// drawable leaves out what the font's table cannot hold.
func drawable(s string) string {
	out := []rune(s)
	for i, r := range out {
		if r > 0xffff || r < ' ' {
			out[i] = '·'
		}
	}
	return string(out)
}
