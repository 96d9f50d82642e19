// Package contact draws what visitors have written to a creator, and the mail about it.
package contact

import (
	"context"
	"strings"

	"vitrine/views/text"
)

// SentProps thanks a visitor.
type SentProps struct{ Shop, URL string }

// ListProps is the messages of a shop.
type ListProps struct {
	Messages []MessageProps
	More     string // address of the next page; empty on the last
}

// MessageProps is one message. Reply opens the creator's own mail.
type MessageProps struct{ ID, Name, Email, Body, At, Reply string }

// MailProps is the mail that a message becomes.
type MailProps struct{ Title, Shop, Name, Email, Body, URL string }

// Text is the mail for readers without HTML.
func (p MailProps) Text(ctx context.Context) string {
	return strings.Join([]string{p.Title, p.Body, text.T(ctx, "Answer this mail and it goes to %s.", p.Email), text.T(ctx, "All messages: %s", p.URL)}, "\n\n") + "\n"
}

func paragraphs(s string) []string { return strings.Split(s, "\n") }
