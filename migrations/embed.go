// Package migrations holds the schema, one forward-only file a change.
package migrations

import "embed"

//go:embed *.sql
var FS embed.FS
