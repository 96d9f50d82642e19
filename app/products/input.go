package products

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Input is a product form as it was typed. Nothing else of a product can be set by its creator.
type Input struct {
	Name        string
	Slug        string // made from the name when empty
	Summary     string
	Description string
	Price       string
	Limited     bool
	Left        string // copies for sale; read when Limited
	LeftWas     string // what the form showed: "" or a number
	Cover       string // a file's id, or empty
	CoverAlt    string
	Files       []string // ids, in order
	Active      bool
}

// Limits of the texts, in characters; the table has the same.
const (
	maxName        = 120
	maxSummary     = 160
	maxDescription = 20_000
	maxAlt         = 250
	maxLeft        = 1_000_000
)

// values are an Input that makes sense.
type values struct {
	name, slug, summary, description string
	price                            money.Amount
	left, leftWas                    int
	cover                            id.File
	alt                              string
	files                            []id.File
	active                           bool
}

func (v values) fill(p *row) {
	p.Name, p.Summary, p.Description = v.name, v.summary, v.description
	if v.slug != "" {
		p.Slug = v.slug
	}
	p.Price, p.Currency = v.price.Minor, string(v.price.Currency)
	p.Cover, p.CoverAlt, p.Active = v.cover, v.alt, v.active
}

// read checks everything at once, so that a person sees all that is wrong.
func (in Input) read(c money.Currency) (values, error) {
	var f errs.Form
	v := values{name: line(in.Name), summary: line(in.Summary), description: strings.TrimSpace(in.Description), alt: line(in.CoverAlt), active: in.Active}
	long := func(field, s string, most int) {
		if n := utf8.RuneCountInString(s); n > most {
			f.Add(field, "This is too long: %d characters, %d at most.", n, most)
		}
	}
	if v.name == "" {
		f.Add("name", "Give it a name.")
	}
	long("name", v.name, maxName)
	v.slug = in.readSlug(&f)
	long("summary", v.summary, maxSummary)
	v.price = readPrice(&f, in.Price, c)
	v.left, v.leftWas = in.readLeft(&f)
	long("description", v.description, maxDescription)
	in.readFiles(&f, &v)
	long("cover_alt", v.alt, maxAlt)
	return v, f.Err()
}

func (in Input) readSlug(f *errs.Form) string {
	s := strings.ToLower(strings.TrimSpace(in.Slug))
	if s != "" && !validSlug(s) {
		f.Add("slug", "An address has small letters, digits and hyphens between them, 80 at most: %s", "forty-glazes")
		return ""
	}
	return s
}

func readPrice(f *errs.Form, s string, c money.Currency) money.Amount {
	free := money.Amount{Currency: c}
	if strings.TrimSpace(s) == "" {
		f.Add("price", "Write a price. 0 gives it away.")
		return free
	}
	a, err := money.Parse(s, c)
	if err != nil {
		f.Add("price", "Write the price as a plain number, like %s. The most is %s.", money.Amount{Minor: 1900, Currency: c}.Decimal(), money.Amount{Minor: money.Max, Currency: c}.Format())
		return free
	}
	if least := c.Least(); a.Minor > 0 && a.Minor < least.Minor {
		f.Add("price", "The least that can be charged is %s. Choose that or more, or 0 to give it away.", least.Format())
	}
	return a
}

// readLeft reads the two numbers about stock: what should be, and what the form showed.
func (in Input) readLeft(f *errs.Form) (want, was int) {
	want, was = Unlimited, Unlimited
	if n, err := strconv.Atoi(in.LeftWas); err == nil && n >= 0 {
		was = n
	}
	if !in.Limited {
		return want, was
	}
	n, err := strconv.Atoi(strings.TrimSpace(in.Left))
	if err != nil || n < 0 || n > maxLeft || !plainDigits(strings.TrimSpace(in.Left)) {
		f.Add("left", "Write how many copies are for sale, from 0 to %d.", maxLeft)
		return was, was
	}
	return n, was
}

func (in Input) readFiles(f *errs.Form, v *values) {
	var err error
	if in.Cover != "" {
		if v.cover, err = id.Parse[id.FileKind](in.Cover); err != nil {
			f.Add("cover", "This picture is gone. Please choose it again.")
		}
	}
	seen := map[id.File]bool{}
	for _, s := range in.Files {
		x, err := id.Parse[id.FileKind](s)
		if err != nil {
			f.Add("files", "One of the files is gone. Please choose it again.")
			continue
		}
		if !seen[x] {
			seen[x] = true
			v.files = append(v.files, x)
		}
	}
	if len(v.files) > MaxFiles {
		f.Add("files", "A product has %d files at most. Pack some of them together.", MaxFiles)
	}
}

// line is a text of one line: no breaks, no control or direction marks, one blank at a time.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func plainDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// quotable is readPrice on its own.
func quotable(s string, c money.Currency) (money.Amount, error) {
	var f errs.Form
	a := readPrice(&f, s, c)
	return a, f.Err()
}
