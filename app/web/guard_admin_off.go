//go:build noguard

// Test: vitrine/app/accounts TestOperatorsNeedTheSecondStep

package web

import "vitrine/app/noguard"

var guardAdminTOTP = !noguard.Removed("admin_totp")
