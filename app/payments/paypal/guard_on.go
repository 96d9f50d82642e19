//go:build !noguard

package paypal

// guardCert: a webhook is only believed when its certificate comes from PayPal's hosts, is made out to PayPal's signer,
// and leads to a root that we trust.
const guardCert = true
