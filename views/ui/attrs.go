package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

func (b Btn) named() templ.Attributes {
	if b.Name == "" {
		return nil
	}
	return templ.Attributes{"name": b.Name, "value": b.Value}
}

func (f Field) rows() string {
	if f.Rows == 0 {
		return "4"
	}
	return strconv.Itoa(f.Rows)
}

func currentIf(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": "true"}
}
