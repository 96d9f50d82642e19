//go:build !unix

package sandbox

import (
	"os"
	"path/filepath"
)

// lockDir opens the lock file only: there is no flock here, so running two sandboxes in one folder is not noticed.
func lockDir(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
}
