//go:build failpoint

package failpoint

import (
	"os"
	"sync"
	"syscall"
)

var (
	armed = os.Getenv("VITRINE_FAILPOINT")
	first sync.Mutex // never unlocked: two that come here at once must not cut each other's mark short
)

// Hit kills the process at once, as a power cut would, when name is the armed one.
func Hit(name string) {
	if name != armed {
		return
	}
	first.Lock()
	if f := os.Getenv("VITRINE_FAILPOINT_MARK"); f != "" { // tells the test that the place was reached
		os.WriteFile(f, []byte(name), 0o600)
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
