//go:build noguard_paypal_cert

// Test: vitrine/app/payments/paypal TestAWebhookOfSomebodyElseIsRefused

package paypal

const guardCert = false
