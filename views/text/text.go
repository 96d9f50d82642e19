// Package text is the message catalogue. English source texts are the keys: text.T(ctx, "Sign in").
package text

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// Locales in which texts can be read. en-XA is English in disguise, longer and accented: a page shown in it
// betrays every text that did not come through here.
const (
	English = "en"
	Pseudo  = "en-XA"
)

type localeKey struct{}

var (
	builder = catalog.NewBuilder(catalog.Fallback(language.English))
	english = message.NewPrinter(language.English, message.Catalog(builder))
)

// With chooses the locale of ctx from a language tag or an Accept-Language header. What is not known is English.
func With(ctx context.Context, accept string) context.Context {
	return context.WithValue(ctx, localeKey{}, match(accept))
}

func match(accept string) string {
	for part := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(tag, Pseudo) {
			return Pseudo
		}
		if strings.EqualFold(tag, English) || strings.HasPrefix(strings.ToLower(tag), "en-") {
			return English
		}
	}
	return English
}

// Locale is the locale of ctx.
func Locale(ctx context.Context) string {
	if l, ok := ctx.Value(localeKey{}).(string); ok {
		return l
	}
	return English
}

// Lang is what <html lang> says.
func Lang(ctx context.Context) string { return Locale(ctx) }

// Dir is what <html dir> says.
func Dir(context.Context) string { return "ltr" }

// T returns the text in the locale of ctx, with args filled in as fmt does.
func T(ctx context.Context, key string, args ...any) string {
	if Locale(ctx) == Pseudo {
		key = disguise(key)
	}
	if len(args) == 0 {
		if strings.Contains(key, "%%") {
			return strings.ReplaceAll(key, "%%", "%")
		}
		return key
	}
	return fmt.Sprintf(key, args...)
}

// N chooses between one and many by n; both may hold a %d for n itself as the first verb.
func N(ctx context.Context, n int, one, many string, args ...any) string {
	key := many
	if n == 1 {
		key = one
	}
	all := append([]any{n}, args...)
	if !strings.Contains(key, "%") {
		all = nil
	}
	return T(ctx, key, all...)
}

// Number writes n with the locale's grouping.
func Number(ctx context.Context, n int) string { return english.Sprintf("%d", n) }
