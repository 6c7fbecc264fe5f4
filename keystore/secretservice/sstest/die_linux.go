package sstest

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets no daemon outlive a test binary that was killed.
func dieWithParent(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
