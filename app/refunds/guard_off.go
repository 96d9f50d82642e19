//go:build noguard_refund_resend

// Test: vitrine/app/refunds TestARefundIsNeverSentAgainPastTheLifeOfItsKey

package refunds

const guardResend = false
