package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A Terminal asks the person in front of it.
type Terminal interface {
	// Ask prints the question and returns the line that is typed, which is not
	// shown where it is hidden. It fails at once with an error that wraps
	// errNoTerminal where nobody can be asked, and with context.Canceled on ^C.
	Ask(ctx context.Context, question string, hidden bool) (string, error)
}

// TTY is the controlling terminal of this process. It is used whatever stdin
// and stdout are, and only while the process is in the foreground: a question
// from the background would stop the job.
type TTY struct{}

// Present reports whether there is a terminal to ask on.
func (TTY) Present() bool {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	front, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && front == unix.Getpgrp()
}

// Ask asks on /dev/tty.
func (TTY) Ask(ctx context.Context, question string, hidden bool) (string, error) {
	tty, err := openTerminal()
	if err != nil {
		return "", err
	}
	defer tty.Close()
	fd := int(tty.Fd())
	if ctx.Err() != nil {
		return "", context.Canceled
	}
	if signal.Ignored(os.Interrupt) {
		// Who has his commands ignore ^C still gets out of a question by it.
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt)
		defer func() {
			stop()
			signal.Ignore(os.Interrupt)
		}()
	}
	if hidden {
		before, err := term.GetState(fd)
		if err != nil {
			return "", errNoTerminal
		}
		// Restored on every way out: ^C ends the context, not the process.
		defer term.Restore(fd, before)
		if err := echoOff(fd); err != nil {
			return "", fmt.Errorf("terminal: %w", err)
		}
	}
	if _, err := tty.WriteString(question); err != nil {
		return "", errNoTerminal
	}
	line, err := readLine(ctx, fd)
	if hidden || err != nil {
		_, _ = tty.WriteString("\n")
	}
	return line, err
}

// nobody is a Terminal that nobody sits in front of.
type nobody struct{}

func (nobody) Ask(context.Context, string, bool) (string, error) { return "", errNoTerminal }

// maxLine bounds what is read from a terminal in answer to one question.
const maxLine = 4096

// readLine reads one line from the terminal, until ctx is done.
func readLine(ctx context.Context, fd int) (string, error) {
	in, err := newInput(ctx, fd)
	if err != nil {
		return "", err
	}
	defer in.close()
	var line []byte
	defer func() { clear(line) }()
	buf := make([]byte, maxLine)
	defer clear(buf)
	for {
		typed, _, err := in.wait(-1)
		switch {
		case err != nil:
			return "", err
		case ctx.Err() != nil:
			return "", context.Canceled
		case !typed:
			continue
		}
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return "", fmt.Errorf("%w: %s", errNoTerminal, err)
		case n == 0 && len(line) == 0:
			return "", context.Canceled // ^D, or the terminal is gone
		}
		line = append(line, buf[:n]...)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			return string(bytes.TrimSuffix(line[:i], []byte("\r"))), nil
		}
		if n == 0 || len(line) > maxLine {
			return string(line), nil
		}
	}
}
