//go:build !noguard_person

package web

const guardPerson = true
