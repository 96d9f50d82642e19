// Package errs separates what a person may read from what an operator must know.
package errs

import (
	"errors"
	"fmt"
)

// Kind decides the HTTP status and whether the message may be shown.
type Kind string

const (
	Internal     Kind = "internal"
	Invalid      Kind = "invalid"
	NotFound     Kind = "not_found"
	Gone         Kind = "gone"
	Conflict     Kind = "conflict"
	Unauthorized Kind = "unauthorized"
	Forbidden    Kind = "forbidden"
	TooMany      Kind = "too_many"
	TooLarge     Kind = "too_large"
	Unavailable  Kind = "unavailable"
)

// Error carries a sentence that is safe to show, the form fields it belongs to, and the cause for the log.
// Message is an English format text (a key of the message catalogue); Args fill it.
type Error struct {
	Kind    Kind
	Message string
	Args    []any
	Fields  []FieldError
	Cause   error
}

// FieldError is one message beside one form field.
type FieldError struct {
	Name    string
	Message string
	Args    []any
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.text(), e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.text())
}

func (e *Error) Unwrap() error { return e.Cause }

func (e *Error) text() string { return sprintf(e.Message, e.Args) }

// Text is the field's message in English.
func (f FieldError) Text() string { return sprintf(f.Message, f.Args) }

func sprintf(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// New makes an error a person may read: errs.New(errs.Conflict, "This drop has sold out.").
func New(k Kind, msg string, args ...any) *Error { return &Error{Kind: k, Message: msg, Args: args} }

// Wrap is New with the cause kept for the log.
func Wrap(k Kind, cause error, msg string, args ...any) *Error {
	return &Error{Kind: k, Message: msg, Args: args, Cause: cause}
}

// Field makes an Invalid error that belongs to one form field.
func Field(name, msg string, args ...any) *Error {
	return &Error{Kind: Invalid, Message: msg, Args: args, Fields: []FieldError{{name, msg, args}}}
}

// Form collects the field errors of one submission, in the order of the form.
type Form struct{ fields []FieldError }

// Add notes that the field name is wrong; the first message of a field stays.
func (f *Form) Add(name, msg string, args ...any) {
	for _, have := range f.fields {
		if have.Name == name {
			return
		}
	}
	f.fields = append(f.fields, FieldError{name, msg, args})
}

// Err is nil when nothing was added.
func (f *Form) Err() error {
	if len(f.fields) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: f.fields[0].Message, Args: f.fields[0].Args, Fields: f.fields}
}

// KindOf is empty for no error and Internal for one that is not ours.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return KindOf(err) == k }

// Public returns what may be shown of err: its catalogue key and arguments.
func Public(err error) (msg string, args []any) {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e.Message, e.Args
	}
	return "Something went wrong on our side. Nothing was lost; please try again.", nil
}

// Message is Public in English, for logs, JSON and tests.
func Message(err error) string {
	msg, args := Public(err)
	return sprintf(msg, args)
}

// Fields returns the messages beside form fields, or nil.
func Fields(err error) []FieldError {
	var e *Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}
