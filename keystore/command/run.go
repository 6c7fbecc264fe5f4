package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	// maxOutput bounds what is read of a command: thousands of names, and
	// far more than any value.
	maxOutput = 1 << 20

	// grace is how long a command may take to end when it is told to, and
	// what it started to let go of its output when it has ended.
	grace = 2 * time.Second
)

// A task is one run of a command.
type task struct {
	which, key string
	words      []string
	input      []byte // nil: it reads nothing
}

func (s *Store) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return time.Minute
}

// run runs a command and returns what it prints, which the caller clears if
// it is secret. The error is ctx's own, or an *Error.
func (s *Store) run(ctx context.Context, t task, stderr io.Writer) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, s.timeout())
	defer cancel()
	c := exec.CommandContext(limited, t.words[0], t.words[1:]...)
	c.Env = append([]string{}, s.Environ...) // nil would be that of this process
	if s.Unattended {
		c.Env = Unattended(c.Env)
	}
	c.Stderr = stderr
	out := &output{data: make([]byte, 0, 16<<10)}
	c.Stdout = out
	// Without a terminal there is none to take from the shell: a group of its
	// own, which a terminal would stop as soon as it asks there.
	alone := s.Terminal == nil || s.Unattended
	if alone {
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	} else if t.input == nil {
		c.Stdin = s.Terminal
	}
	c.Cancel = func() error {
		if alone {
			return syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		}
		return c.Process.Signal(syscall.SIGTERM)
	}
	c.WaitDelay = grace
	err := start(c, t.input)
	if alone && limited.Err() != nil && c.Process != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // those that did not go
	}
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay) && limited.Err() == nil:
		// It has ended. A daemon that it started may still hold its output.
		return out.data, nil
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited.Err() != nil:
		err = s.fail(t.which, t.key, &lateError{s.timeout()})
	case len(out.data) > maxOutput: // whatever it ended with then
		err = s.fail(t.which, t.key, errTooMuch)
	default:
		err = s.fail(t.which, t.key, err)
	}
	clear(out.data)
	return nil, err
}

// start runs c to its end with that input.
func start(c *exec.Cmd, input []byte) error {
	if input == nil {
		return c.Run()
	}
	r, rest, err := fill(input)
	if err != nil {
		return err
	}
	defer rest.Close()
	c.Stdin = r
	err = c.Start()
	r.Close()
	if err != nil {
		return err
	}
	go rest.write()
	return c.Wait()
}

// A rest is what did not fit into a pipe.
type rest struct {
	*os.File
	input []byte
}

// fill returns a pipe that holds the input, or as much as fits. Thus a command
// has all of it before it begins: should this process be killed then, the
// command does not take a part for the whole.
func fill(input []byte) (*os.File, rest, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, rest{}, fmt.Errorf("pipe: %w", err)
	}
	_ = w.SetWriteDeadline(time.Now().Add(fillTime))
	n, _ := w.Write(input)
	_ = w.SetWriteDeadline(time.Time{})
	if n == len(input) {
		w.Close()
	}
	return r, rest{w, input[n:]}, nil
}

// fillTime is when a pipe counts as full.
const fillTime = 200 * time.Millisecond

// write writes it, as it is read.
func (r rest) write() {
	if len(r.input) > 0 {
		_, _ = r.Write(r.input) // who does not read it has failed by himself
		r.Close()
	}
}

// output takes what a command prints, and leaves no copies of it behind.
type output struct{ data []byte }

// ReadFrom reads all of r.
func (o *output) ReadFrom(r io.Reader) (int64, error) {
	begin := len(o.data)
	for {
		if len(o.data) == cap(o.data) {
			more := make([]byte, len(o.data), 2*cap(o.data))
			copy(more, o.data)
			clear(o.data)
			o.data = more
		}
		n, err := r.Read(o.data[len(o.data):cap(o.data)])
		o.data = o.data[:len(o.data)+n]
		switch {
		case len(o.data) > maxOutput:
			return int64(len(o.data) - begin), errTooMuch
		case errors.Is(err, io.EOF):
			return int64(len(o.data) - begin), nil
		case err != nil:
			return int64(len(o.data) - begin), err
		}
	}
}

func (o *output) Write(p []byte) (int, error) {
	o.data = append(o.data, p...)
	return len(p), nil
}
