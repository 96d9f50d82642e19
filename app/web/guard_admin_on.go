//go:build !noguard_admin_totp

package web

const guardAdminTOTP = true
