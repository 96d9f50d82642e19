//go:build noguard

// Package noguard takes one guard of the product away, so that `make guards` can see its test fail. It is in no binary
// but those of that run: without the build tag `noguard` every guard is a constant.
package noguard

import "os"

// Removed reports whether NOGUARD names this guard.
func Removed(name string) bool { return os.Getenv("NOGUARD") == name }
