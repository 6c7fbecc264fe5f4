package cmd

import "golang.org/x/sys/unix"

// echoOff hides what is typed; ^C still interrupts.
func echoOff(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TIOCGETA)
	if err != nil {
		return err
	}
	t.Lflag &^= unix.ECHO
	t.Lflag |= unix.ICANON | unix.ISIG
	t.Iflag |= unix.ICRNL
	// Flush what was typed before the question: it was meant for something else.
	return unix.IoctlSetTermios(fd, unix.TIOCSETAF, t)
}
