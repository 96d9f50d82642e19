//go:build noguard

// Test: vitrine/app/fetch TestANameThatMovesIsNotFollowed

package fetch

import "vitrine/app/noguard"

var guardSSRF = !noguard.Removed("ssrf")
