//go:build noguard

// Test: vitrine/app/payments/paypal TestAWebhookOfSomebodyElseIsRefused

package paypal

import "vitrine/app/noguard"

var guardCert = !noguard.Removed("paypal_cert")
