package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// child is a process of ours. It ends when we do, even on kill -9 (platform_linux.go).
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone; err is set before
	err   error
}

// startChild starts cmd in a process group of its own, so that the terminal's Ctrl-C reaches us first. The kernel
// binds a child's life to the thread that started it, so the thread is kept for as long.
func startChild(cmd *exec.Cmd) (*child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	bindToParent(cmd.SysProcAttr)
	c := &child{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.ended)
		}
	}()
	return c, <-started
}

// stop asks the process to end, and kills it when grace has passed. A second call does nothing.
func (c *child) stop(ask syscall.Signal, grace time.Duration) error {
	select {
	case <-c.ended:
		return nil
	default:
	}
	if err := c.cmd.Process.Signal(ask); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.ended:
		return c.err
	case <-time.After(grace):
	}
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-c.ended
	return fmt.Errorf("%s did not stop within %v and was killed", filepath.Base(c.cmd.Path), grace)
}

// lockDir keeps a second process off the folder. The lock ends with the process that holds it.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s is in use by another Vitrine. Stop that one, or give this one a folder of its own: VITRINE_DATA=./data2", dir)
	}
	return nil, fmt.Errorf("lock %s: %w", dir, err)
}

// mine makes dir for us alone, and says what to do when it is somebody else's.
func mine(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var st os.FileInfo
		if st, err = os.Stat(dir); err == nil {
			if owner := ownerOf(st); owner != os.Geteuid() && os.Geteuid() != 0 {
				return ownedBy(dir, owner)
			}
			return nil
		}
	}
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w. It, or a folder above it, belongs to another user: start Vitrine as that user, or use another folder: VITRINE_DATA=./data-of-mine", err)
	}
	return err
}

func ownerOf(st os.FileInfo) int {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return os.Geteuid()
}

func ownedBy(dir string, uid int) error {
	return fmt.Errorf("%s belongs to the user with number %d and this is user %d. Start Vitrine as that user, or use another folder: VITRINE_DATA=./data-of-mine", dir, uid, os.Geteuid())
}

// writeFile replaces file in one step, so that a kill leaves the old text or the new, never half of one.
func writeFile(file string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
