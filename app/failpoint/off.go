//go:build !failpoint

// Package failpoint names the places where a process may die between two steps of the money path.
//
// In a build with the tag failpoint, VITRINE_FAILPOINT=name kills the process with SIGKILL the first time
// it comes past Hit(name); otherwise Hit does nothing. The kill tests walk through every name.
package failpoint

// Hit does nothing in ordinary builds.
func Hit(string) {}
