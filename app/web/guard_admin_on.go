//go:build !noguard

package web

const guardAdminTOTP = true
