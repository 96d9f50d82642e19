//go:build noguard

// Test: vitrine/app/accounts TestTwoRegistrationsAtOnceMakeOneAccount

package accounts

import "vitrine/app/noguard"

var guardEmail = !noguard.Removed("email")
