//go:build failpoint

package failpoint

import (
	"os"
	"syscall"
)

var armed = os.Getenv("VITRINE_FAILPOINT")

// Hit kills the process at once, as a power cut would, when name is the armed one.
func Hit(name string) {
	if name != armed {
		return
	}
	if f := os.Getenv("VITRINE_FAILPOINT_MARK"); f != "" { // tells the test that the place was reached
		os.WriteFile(f, []byte(name), 0o600)
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
