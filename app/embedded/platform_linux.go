package embedded

import "syscall"

// bindToParent: postgres gets SIGINT (fast shutdown) if we die, even on kill -9.
func bindToParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGINT }

// sameFilesOtherUID runs the child in a user namespace in which host root is uid 1000.
func sameFilesOtherUID(a *syscall.SysProcAttr) {
	a.Cloneflags |= syscall.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}}
	a.GidMappingsEnableSetgroups = false
}
