package assist

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/app/builder"
	"vitrine/app/errs"
)

var (
	errMarkup  = errors.New("must be plain text without HTML or Markdown")
	errAddress = errors.New("must not contain an address; addresses are given by their number")
	errPrice   = errors.New("must not contain a price; prices are shown by the product")
	errFigure  = errors.New("contains a number that the creator did not give")
	errClaim   = errors.New("promises or praises something that the creator did not say")
	errEcho    = errors.New("repeats the instructions")
)

// Words of promises and of praise, which are true only if the creator says so themselves.
var claims = strings.Fields(`award prize-winning bestsell best-sell certified guarantee refund money-back testimonial five-star 5-star customers clients-love world-class free-shipping discount sale-ends
	preisgekrönt auszeichnung zertifiziert garantie garantiert geld-zurück rückerstattung kostenloser-versand rabatt kunden kundinnen bestseller
	premiad galardonad certificad garantía garantiza reembolso descuento envío-gratis clientes
	primé récompens certifié garantie garanti remboursement livraison-gratuite rabais clients clientes
	garantia certificad reembolso desconto envio-grátis portes-grátis clientes`)

var (
	markupShape = regexp.MustCompile("(?i)<[a-z!/?]|<<<|>>>|&(?:lt|gt|#x?[0-9a-f]+);|javascript:|vbscript:|data:[a-z]+/|\\bon[a-z]+\\s*=|```|\\]\\(|\\bsrcdoc\\b|\\{\\{|\\$\\{|<%")
	anyAddress  = regexp.MustCompile(`(?i)(?:[a-z][a-z0-9+.-]*:)?//\S|\bwww\.|[\w.+-]+@[\w-]+\.\w|\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:xn--[a-z0-9-]+|[a-z]{2,24})(?:[/:?#]|\b)`)
	figureShape = regexp.MustCompile(`[0-9]+(?:[.,'’][0-9]+)*`)
	echoShape   = regexp.MustCompile(`(?i)ignore (?:all|any|the|previous)|system prompt|<\|im_|as an ai|language model|\bassistant:`)
)

// checkWords refuses texts that say what only the creator may say. Everything the creator said themselves passes.
func checkWords(s string, b Brief) error {
	own := strings.ToLower(b.Sentence + " " + b.Shop + " " + b.wares())
	for _, r := range s {
		if unicode.Is(unicode.Cf, r) && r != '\u200d' && r != '\u00ad' || r == utf8.RuneError || unicode.Is(unicode.Co, r) {
			return errMarkup
		}
	}
	folded := fold(s)
	switch {
	case markupShape.MatchString(folded):
		return errMarkup
	case foreignAddress(folded, own):
		return errAddress
	case echoShape.MatchString(folded) && !echoShape.MatchString(own):
		return errEcho
	}
	for _, a := range amountsIn(folded) {
		if guardPrice && !strings.Contains(own, strings.ToLower(strings.TrimSpace(a.raw))) {
			return errPrice
		}
	}
	given := figureShape.FindAllString(fold(own), -1)
	for _, n := range figureShape.FindAllString(folded, -1) {
		if guardPrice && !slices.Contains(given, n) {
			return errFigure
		}
	}
	low := strings.ToLower(folded)
	for _, c := range claims {
		for _, form := range []string{c, strings.ReplaceAll(c, "-", " ")} {
			if startsWord(low, form) && !strings.Contains(own, form) {
				return errClaim
			}
		}
	}
	return nil
}

// startsWord reports whether a word of s begins with w.
func startsWord(s, w string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], w)
		if i < 0 {
			return false
		}
		if i += at; i == 0 || !unicode.IsLetter(lastRune(s[:i])) {
			return true
		}
		at = i + len(w)
	}
}

// foreignAddress reports an address in s that is not in the creator's own words.
func foreignAddress(s, own string) bool {
	if !guardAddress {
		return false
	}
	for _, a := range anyAddress.FindAllString(s, -1) {
		if !strings.Contains(own, strings.ToLower(strings.TrimRight(a, "/:?#"))) {
			return true
		}
	}
	return false
}

// fold turns letters and digits that look like plain ones into those: full-width, mathematical, other scripts' digits.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r == '。' || r == '．' || r == '․':
			return '.'
		case r == '⁄' || r == '∕':
			return '/'
		case r >= 0x1D7CE && r <= 0x1D7FF:
			return '0' + (r-0x1D7CE)%10
		case r > unicode.MaxASCII && unicode.IsDigit(r):
			zero := r
			for unicode.IsDigit(zero-1) && r-zero < 9 {
				zero--
			}
			return '0' + (r-zero)%10
		}
		return r
	}, s)
}

func (b Brief) wares() string {
	var out []string
	for _, p := range b.Products {
		out = append(out, p.Name, p.Price)
	}
	return strings.Join(out, " ")
}

// checkPiece puts a block through the rules about words, then through the checks of what people type.
func checkPiece(p *Piece, search string, b Brief) error {
	if err := complete(*p); err != nil {
		return err
	}
	texts := []string{p.Props.Title, p.Props.Text, p.Props.Note, p.Props.Button, search}
	for _, x := range p.Props.Items {
		texts = append(texts, x.Title, x.Text)
	}
	for _, s := range texts {
		if err := checkWords(s, b); err != nil {
			return fmt.Errorf("a %s block %w", p.Kind, err)
		}
	}
	props, err := builder.CheckProps(p.Kind, p.Props)
	if err != nil {
		return fmt.Errorf("a %s block: %s", p.Kind, reason(err))
	}
	p.Props = props
	return nil
}

// complete refuses blocks that would show nothing.
func complete(p Piece) error {
	x := p.Props
	empty := map[builder.Kind]bool{
		builder.Header: strings.TrimSpace(x.Text) == "", builder.Text: strings.TrimSpace(x.Text) == "", builder.Product: x.Product.IsZero(), builder.Grid: len(x.Products) == 0,
		builder.Link: x.URL == "" || strings.TrimSpace(x.Title) == "", builder.Scheduler: x.URL == "", builder.FAQ: len(x.Items) == 0,
	}
	if empty[p.Kind] {
		return fmt.Errorf("a %s block says nothing", p.Kind)
	}
	return nil
}

func reason(err error) string {
	for _, f := range errs.Fields(err) {
		return f.Name + ": " + f.Text()
	}
	return errs.Message(err)
}
