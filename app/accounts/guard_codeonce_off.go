//go:build noguard

// Test: vitrine/app/accounts TestOneCodeAtOnceOpensOneDoor

package accounts

import "vitrine/app/noguard"

var guardCodeOnce = !noguard.Removed("codeonce")
