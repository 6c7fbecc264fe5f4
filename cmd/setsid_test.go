package cmd_test

import "syscall"

var newSession = &syscall.SysProcAttr{Setsid: true}
