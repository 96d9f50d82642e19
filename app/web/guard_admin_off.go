//go:build noguard_admin_totp

// Test: vitrine/app/accounts TestOperatorsNeedTheSecondStep

package web

// Only `make guards` builds without the guard, to prove that its test notices.
const guardAdminTOTP = false
