//go:build noguard_doublebuy

// Test: vitrine/app/orders TestFiftyClicksOnBuyAreOneCheckout

package orders

// Only `make guards` builds without the guard, to prove that its test notices.
const guardDoubleBuy = false
