package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// A programError reports that the user's own picker does not work.
type programError struct {
	program string
	why     string
}

func (e *programError) Error() string {
	return fmt.Sprintf("%s does not work as a picker: %s", e.program, e.why)
}

// fzfArguments bring an fzf of any version, with any settings of the user's,
// to print the one line that was chosen. ^Z would stop the shell that waits.
var fzfArguments = []string{
	"--delimiter=\t", "--with-nth=2..", "--tiebreak=begin", "--prompt=" + pickerPrompt, "--bind=ctrl-z:ignore",
	"--no-multi", "--no-ansi", "--no-expect", "--no-preview", "--no-print-query", "--no-print0", "--no-read0",
}

// fzfEnviron returns the environment of fzf. What the user's settings say wins
// over how it looks otherwise.
func (app *App) fzfEnviron() []string {
	env := maps.Clone(app.Env)
	for _, name := range ownSecrets {
		delete(env, name)
	}
	env["FZF_DEFAULT_OPTS"] = "--layout=reverse " + env["FZF_DEFAULT_OPTS"]
	return env.Environ()
}

// The statuses of fzf (fzf(1), "Exit status").
const (
	fzfNoMatch     = 1
	fzfInterrupted = 130
)

// ChooseBy has fzf draw the menu on the terminal. It gets one line a name on
// its stdin, with the number of the name ahead, and prints the chosen one.
func (TTY) ChooseBy(ctx context.Context, fzf string, environ []string, m Menu) (int, error) {
	tty, err := openTerminal()
	if err != nil {
		return 0, err
	}
	defer tty.Close()
	if before, err := term.GetState(int(tty.Fd())); err == nil {
		defer term.Restore(int(tty.Fd()), before) // where fzf was killed
	}
	var out bytes.Buffer
	c := exec.CommandContext(ctx, fzf, fzfArguments...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = environ, newMenuLines(m), &out, tty
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) } // it leaves the terminal as it was
	c.WaitDelay = time.Second
	err = c.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, context.Canceled
	case errors.As(err, &exit) && (exit.ExitCode() == fzfNoMatch || exit.ExitCode() == fzfInterrupted):
		return 0, context.Canceled
	case err != nil:
		return 0, &programError{filepath.Base(fzf), err.Error()}
	}
	number, _, _ := strings.Cut(out.String(), "\t")
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i >= len(m.Names) {
		return 0, &programError{filepath.Base(fzf), "it did not print the chosen line"}
	}
	return i, nil
}

// menuLines are the lines of a menu, made as they are read.
type menuLines struct {
	Menu
	width int
	next  int
	line  []byte
}

func newMenuLines(m Menu) *menuLines {
	l := &menuLines{Menu: m}
	const most = 40
	for _, name := range m.Names {
		l.width = max(l.width, min(utf8.RuneCountInString(name), most))
	}
	return l
}

func (l *menuLines) Read(p []byte) (int, error) {
	for len(l.line) == 0 {
		if l.next == len(l.Names) {
			return 0, io.EOF
		}
		line := pad(printable(l.Names[l.next]), l.width)
		for _, cell := range l.Details(l.next) {
			if cell != "" {
				line += "  " + printable(cell)
			}
		}
		l.line = fmt.Appendf(nil, "%d\t%s\n", l.next, strings.TrimRight(line, " "))
		l.next++
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, nil
}
