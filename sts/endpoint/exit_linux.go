package endpoint

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Exited returns a channel that is closed when the process pid has ended, be
// it a child of this one or not: by pidfd_open(2), or by looking where the
// kernel has none.
func Exited(pid int) <-chan struct{} {
	done := make(chan struct{})
	fd, err := unix.PidfdOpen(pid, 0)
	go func() {
		defer close(done)
		switch {
		case errors.Is(err, unix.ESRCH):
		case err != nil:
			for unix.Kill(pid, 0) == nil && os.Getpid() != pid {
				time.Sleep(lookPause)
			}
		default:
			defer unix.Close(fd)
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			for {
				if n, err := unix.Poll(fds, -1); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
					return
				}
			}
		}
	}()
	return done
}

const lookPause = 500 * time.Millisecond
