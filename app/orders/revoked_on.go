//go:build !noguard

package orders

// guardRevoked keeps downloads closed once an order's grant was taken back.
const guardRevoked = true
