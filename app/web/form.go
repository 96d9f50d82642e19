package web

import (
	"strings"

	"github.com/labstack/echo/v4"
)

// Text reads one form field as a person typed it: valid UTF-8, no NUL, line ends as \n, no blanks around.
// It reads the body alone, never the query.
func Text(c echo.Context, name string) string {
	return strings.TrimSpace(Raw(c, name))
}

// Raw is Text with the blanks around left alone, for passwords.
func Raw(c echo.Context, name string) string {
	v := c.Request().PostFormValue(name)
	v = strings.ToValidUTF8(v, "\uFFFD")
	return strings.ReplaceAll(strings.ReplaceAll(v, "\x00", ""), "\r\n", "\n")
}

// Checked reports whether a checkbox was ticked.
func Checked(c echo.Context, name string) bool { return c.Request().PostFormValue(name) != "" }
