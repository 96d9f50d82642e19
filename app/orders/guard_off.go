//go:build noguard

// Test: vitrine/app/orders TestInvariant05FiftyClicksOnBuyAreOneCheckout

package orders

import "vitrine/app/noguard"

var guardDoubleBuy = !noguard.Removed("doublebuy")
