//go:build !linux

package embedded

import "syscall"

func bindToParent(*syscall.SysProcAttr)      {}
func sameFilesOtherUID(*syscall.SysProcAttr) {}
