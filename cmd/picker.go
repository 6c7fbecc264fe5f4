package cmd

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A Chooser is a Terminal on which a person can choose from a menu. Choose and
// ChooseBy return the number of the name that is chosen, and context.Canceled
// where none is.
type Chooser interface {
	Terminal
	// Present reports whether there is a terminal to ask on.
	Present() bool
	// Choose draws the menu itself.
	Choose(ctx context.Context, m Menu) (int, error)
	// ChooseBy has fzf draw it, which lies at that path. It fails with a
	// *programError where that does not work.
	ChooseBy(ctx context.Context, fzf string, environ []string, m Menu) (int, error)
}

// escapeTime is how long after an ESC the rest of a key may take to come: that
// is sent at once, but may be on its way through a network.
const escapeTime = 50 * time.Millisecond

// Choose draws the menu on the terminal's other screen, and leaves the
// terminal as it was, whatever happens.
func (TTY) Choose(ctx context.Context, m Menu) (int, error) {
	tty, err := openTerminal()
	if err != nil {
		return 0, err
	}
	defer tty.Close()
	fd := int(tty.Fd())
	in, err := newInput(ctx, fd)
	if err != nil {
		return 0, err
	}
	defer in.close()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	defer close(resized)
	defer signal.Stop(resized)
	go func() {
		for range resized {
			in.wake()
		}
	}()
	before, err := term.MakeRaw(fd)
	if err != nil {
		return 0, errNoTerminal
	}
	defer term.Restore(fd, before)
	p := &picker{finder: newFinder(m), tty: tty, in: in, changed: true, learning: true}
	if err := p.drain(); err != nil {
		return 0, err
	}
	if _, err := tty.WriteString(screenOpen); err != nil {
		return 0, errNoTerminal
	}
	defer tty.WriteString(screenClose)
	return p.run(ctx)
}

// A picker is a finder on a terminal.
type picker struct {
	*finder
	tty      *os.File
	in       *input
	typed    []byte // of a key whose end is still to come
	changed  bool   // since the screen was drawn
	learning bool
}

// run draws, and takes what is typed, until a name is chosen.
func (p *picker) run(ctx context.Context) (int, error) {
	for ctx.Err() == nil {
		patience := time.Duration(-1)
		switch {
		case p.changed:
			patience = 0
		case len(p.typed) > 0:
			patience = escapeTime
		case p.learning:
			patience = 0
		}
		typed, woken, err := p.in.wait(patience)
		switch {
		case err != nil:
			return 0, err
		case typed:
			if err := p.read(); err != nil {
				return 0, err
			}
			if chosen, done := p.keys(false); done {
				return chosen, canceledIf(chosen < 0)
			}
			p.changed = true
		case woken:
			p.changed = true
		case p.changed: // and nothing else was typed that would change it again
			if err := p.show(); err != nil {
				return 0, err
			}
			p.changed = false
		case len(p.typed) > 0:
			if chosen, done := p.keys(true); done {
				return chosen, canceledIf(chosen < 0)
			}
			p.changed = true
		case p.learning:
			p.learning = p.learn()
		}
	}
	return 0, context.Canceled
}

func canceledIf(canceled bool) error {
	if canceled {
		return context.Canceled
	}
	return nil
}

// read reads one byte: what is typed behind the last key is for the shell.
func (p *picker) read() error {
	b := make([]byte, 1)
	n, err := unix.Read(int(p.tty.Fd()), b)
	switch {
	case errors.Is(err, unix.EINTR):
		return nil
	case err != nil || n == 0: // the terminal is gone
		return context.Canceled
	}
	p.typed = append(p.typed, b...)
	return nil
}

// drain drops what was typed before there was something to see: it was meant
// for something else.
func (p *picker) drain() error {
	for {
		typed, _, err := p.in.wait(0)
		if err != nil || !typed {
			p.typed = nil
			return err
		}
		if err := p.read(); err != nil {
			return err
		}
	}
}

// keys does what the keys stand for that were typed. chosen is -1 where the
// person left; whole says that nothing else was typed for a while.
func (p *picker) keys(whole bool) (chosen int, done bool) {
	for len(p.typed) > 0 {
		k, letter, n := nextKey(p.typed, whole)
		if n == 0 {
			break
		}
		p.typed = p.typed[n:]
		switch {
		case k == keyLeave, k == keyDeleteOrLeave && len(p.query) == 0:
			return -1, true
		case k == keyEnter:
			if chosen := p.chosen(); chosen >= 0 {
				return chosen, true
			}
		default:
			_, height := p.size()
			p.press(k, letter, p.page(height))
		}
	}
	return 0, false
}

func (p *picker) show() error {
	width, height := p.size()
	if _, err := p.tty.WriteString(p.draw(width, height)); err != nil {
		return context.Canceled
	}
	return nil
}

// size returns the size of the terminal, or the usual one if it does not know.
func (p *picker) size() (width, height int) {
	width, height, err := term.GetSize(int(p.tty.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}
