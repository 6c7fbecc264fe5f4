package cmd

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/shellvault/vault/config"
)

// chosen returns the profiles that exec is for: those that were named, and
// where the one in front of the command is no profile but a glob, those that
// match it. fan is false where it is one profile, as ever.
func (app *App) chosen(named []string, pattern string) (names []string, fan bool, err error) {
	if len(named) == 0 && !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, false, nil
	}
	all, err := config.ScanNames(config.Locate(app.getenv, app.Home), "")
	if err != nil {
		return nil, false, err
	}
	if pattern != "" && (slices.Contains(all, pattern) || !strings.ContainsAny(pattern, "*?[")) {
		named, pattern = append(named, pattern), ""
	}
	for _, name := range named {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if pattern == "" {
		return names, len(names) > 1, nil
	}
	found := false
	for _, name := range all {
		// A slash in a name is a letter like any other.
		ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
		if err != nil {
			return nil, false, usageErrorf("exec: %q is neither a profile nor a pattern: %s", pattern, err)
		}
		if found = found || ok; ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if !found {
		return nil, false, &usageError{text: fmt.Sprintf("exec: no profile matches %q", pattern), hint: "see them with: " + app.name() + " list"}
	}
	return names, true, nil
}

// A job is one command of many.
type job struct {
	profile string
	env     []string
	err     error // why it was not run
	code    int
}

// A fanout runs one command with several profiles.
type fanout struct {
	*App
	opts execOptions
	jobs []*job
	path string
	argv []string
	out  *printer
}

// fanOut runs a command with each of the profiles, several at a time. What
// needs a person is asked ahead of all commands.
func (app *App) fanOut(ctx context.Context, names []string, argv []string, opts execOptions) error {
	path, err := lookPath(argv[0], app.Env["PATH"])
	if err != nil {
		return app.cannotRun(names[0], argv[0], err)
	}
	app.Arm()
	f := &fanout{App: app, opts: opts, path: path, argv: argv}
	for _, name := range names {
		f.jobs = append(f.jobs, &job{profile: name})
	}
	if err := f.prepare(ctx); err != nil {
		return err
	}
	f.out = app.newPrinter(names, opts.json)
	f.each(ctx, f.jobs, f.run)
	f.out.close()
	if ctx.Err() != nil {
		return context.Canceled
	}
	return f.summary()
}

// prepare gets the credentials of all: the first alone, so that a keystore is
// unlocked once and an MFA code asked for once, and then the others. What one
// lacks does not keep the others from running.
func (f *fanout) prepare(ctx context.Context) error {
	if _, err := f.ownSettings(); err != nil {
		return err
	}
	one := &oneAtATime{Terminal: f.Terminal}
	f.Terminal = one
	defer func() { f.Terminal = one.Terminal }()
	get := func(ctx context.Context, j *job) {
		r, t, err := f.credentials(ctx, j.profile, f.opts.sessionOptions, false)
		if err != nil {
			j.err = err
			return
		}
		f.notes(r)
		f.handedOut("exec", r, t)
		j.env = f.child(t, f.newState(r, t, f.opts.switchFlags)).Environ()
	}
	get(ctx, f.jobs[0])
	if ctx.Err() == nil {
		f.each(ctx, f.jobs[1:], get)
	}
	if ctx.Err() != nil {
		return context.Canceled
	}
	for _, j := range f.jobs {
		if errors.Is(j.err, context.Canceled) {
			return j.err // at a question
		}
	}
	return nil
}

// each does all jobs, as many at a time as was asked for.
func (f *fanout) each(ctx context.Context, jobs []*job, do func(context.Context, *job)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, f.opts.jobs)
	for _, j := range jobs {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			do(ctx, j)
			<-slots
		})
	}
	all.Wait()
}

// killPatience is how long commands may take to end after ^C.
const killPatience = 2 * time.Second

// run runs the command of one profile. It leads a process group, so that what
// it has started ends with it, in a session without a terminal: one that asks
// there is told so, and is not stopped for good in the background.
func (f *fanout) run(ctx context.Context, j *job) {
	if j.err != nil {
		f.out.failed(j.profile, j.err)
		return
	}
	c := exec.CommandContext(ctx, f.path)
	c.Args, c.Env = f.argv, j.env
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGINT) }
	c.WaitDelay = killPatience
	stdout, stderr := f.out.stream(j.profile, "stdout"), f.out.stream(j.profile, "stderr")
	c.Stdout, c.Stderr = stdout, stderr
	f.out.started(j.profile)
	err := c.Run()
	if ctx.Err() != nil && c.Process != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // what did not heed ^C
	}
	stdout.close()
	stderr.close()
	j.code, j.err = status(c, err)
	f.out.ended(j.profile, j.code)
}

// status returns the exit code of a command as a shell has it, and an error if
// it could not be started.
func status(c *exec.Cmd, err error) (int, error) {
	switch {
	case c.ProcessState == nil:
		return 126, err
	case c.ProcessState.Exited():
		return c.ProcessState.ExitCode(), nil
	}
	if ws, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return exitFailed, nil
}

// summary says how each ended; it is an error if one failed.
func (f *fanout) summary() error {
	width, bad := 0, 0
	for _, j := range f.jobs {
		width = max(width, utf8.RuneCountInString(j.profile))
		if j.err != nil || j.code != 0 {
			bad++
		}
	}
	if !f.opts.json {
		for _, j := range f.jobs {
			how := fmt.Sprintf("exit %d", j.code)
			if j.err != nil {
				how = "not run"
			}
			f.note(fmt.Sprintf("%-*s  %s", width, j.profile, how))
		}
	}
	if bad > 0 {
		f.note(fmt.Sprintf("%d of %d failed", bad, len(f.jobs)))
		return exitError(exitFailed)
	}
	return nil
}

// oneAtATime asks one question at a time.
type oneAtATime struct {
	Terminal
	mu sync.Mutex
}

func (t *oneAtATime) Ask(ctx context.Context, question string, hidden bool) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() != nil {
		return "", context.Canceled
	}
	return t.Terminal.Ask(ctx, question, hidden)
}

// Present reports whether there is a terminal to ask on.
func (t *oneAtATime) Present() bool {
	terminal, ok := t.Terminal.(interface{ Present() bool })
	return !ok || terminal.Present()
}
