//go:build noguard_doublebuy

// Test: vitrine/app/orders TestInvariant05FiftyClicksOnBuyAreOneCheckout

package orders

// Only `make guards` builds without the guard, to prove that its test notices.
const guardDoubleBuy = false
