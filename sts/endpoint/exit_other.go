//go:build !linux

package endpoint

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Exited returns a channel that is closed when the process pid has ended, be
// it a child of this one or not: by kqueue(2).
func Exited(pid int) <-chan struct{} {
	done := make(chan struct{})
	kq, err := unix.Kqueue()
	if err == nil {
		unix.CloseOnExec(kq)
		change := []unix.Kevent_t{{Ident: uint64(pid), Filter: unix.EVFILT_PROC, Flags: unix.EV_ADD, Fflags: unix.NOTE_EXIT}}
		_, err = unix.Kevent(kq, change, nil, nil)
	}
	go func() {
		defer close(done)
		switch {
		case errors.Is(err, unix.ESRCH):
		case err != nil:
			for unix.Kill(pid, 0) == nil {
				time.Sleep(500 * time.Millisecond)
			}
		default:
			defer unix.Close(kq)
			events := make([]unix.Kevent_t, 1)
			for {
				if n, err := unix.Kevent(kq, nil, events, nil); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
					return
				}
			}
		}
	}()
	return done
}
