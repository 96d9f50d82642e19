//go:build noguard_inbox

// Test: vitrine/app/payments TestFiveDeliveriesAndEightWorkers

package payments

// Only `make guards` builds without the guard, to prove that its test notices.
const guardInbox = false
