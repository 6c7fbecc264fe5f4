package cmd

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal opens the controlling terminal of this process. It fails with
// an error that wraps errNoTerminal where there is none, or where this process
// is in the background. From then on stop signals no longer stop this process:
// ^Z would leave the terminal as it is while a person is asked, and inside a
// command substitution it hangs the shell.
func openTerminal() (*os.File, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, errNoTerminal
	}
	if front, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP); err != nil || front != unix.Getpgrp() {
		tty.Close()
		return nil, errBackground
	}
	signal.Ignore(unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)
	return tty, nil
}

// An input waits for what is typed at a terminal.
type input struct {
	fd   int
	r, w *os.File // a byte in this pipe ends the waiting
	stop func() bool
}

// newInput returns the input of the terminal fd. The waiting ends when ctx is
// done, too.
func newInput(ctx context.Context, fd int) (*input, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	in := &input{fd: fd, r: r, w: w}
	in.stop = context.AfterFunc(ctx, in.wake)
	return in, nil
}

// wake ends the waiting, that of now or the next one.
func (in *input) wake() { _, _ = in.w.Write([]byte{0}) }

func (in *input) close() {
	if in.stop() {
		in.w.Close()
	}
	in.r.Close()
}

// maxSelect is how many files select knows (POSIX.1-2017, FD_SETSIZE).
const maxSelect = 1024

// wait waits until something was typed or wake was called, for as long as
// patience says; without end where that is negative.
func (in *input) wait(patience time.Duration) (typed, woken bool, err error) {
	pipe := int(in.r.Fd())
	if max(in.fd, pipe) >= maxSelect {
		return false, false, errors.New("too many files are open")
	}
	// Not poll, which on macOS knows no terminals (poll(2), "Bugs").
	var set unix.FdSet
	set.Set(in.fd)
	set.Set(pipe)
	var timeout *unix.Timeval
	if patience >= 0 {
		tv := unix.NsecToTimeval(patience.Nanoseconds())
		timeout = &tv
	}
	_, err = unix.Select(max(in.fd, pipe)+1, &set, nil, nil, timeout)
	if errors.Is(err, unix.EINTR) {
		return false, true, nil // a signal
	}
	if err != nil {
		return false, false, err
	}
	if woken = set.IsSet(pipe); woken {
		_, _ = in.r.Read(make([]byte, 64))
	}
	return set.IsSet(in.fd), woken, nil
}
