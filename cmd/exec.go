package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// execOptions are the flags of exec.
type execOptions struct {
	sessionOptions
	profiles []string
	jobs     int
	json     bool
}

func (app *App) execCommand() *cobra.Command {
	var opts execOptions
	c := &cobra.Command{
		Use:   "exec [PROFILE] [-- COMMAND...]",
		Short: "run a command with a profile's credentials",
		Long: `exec runs a command with a profile's credentials and nothing of another
switch. The command replaces vault: its exit code and its signals are its own.
Without a command it is a shell. Functions and aliases are your shell's own: to
run one, switch a shell of its own, as in (vault use prod && myfunction).

With a pattern, or several -p, it runs once for each profile, several at a time,
and each line that is printed stands behind the profile's name.`,
		Example: `  vault exec prod -- aws sts get-caller-identity
  vault exec prod --region us-east-1 -- terraform plan
  vault exec 'prod-*' -- aws s3 ls
  vault exec -p dev -p staging --json -- terraform plan`,
		ValidArgsFunction: app.completeProfile,
		Args: func(c *cobra.Command, args []string) error {
			dash := c.ArgsLenAtDash()
			several := len(opts.profiles) > 0
			switch {
			case several && dash < 0, several && dash == len(args):
				return &usageError{text: "exec: with --profile a command is needed", hint: "put it behind --: " + app.name() + " exec -p " + word(opts.profiles[0]) + " -- COMMAND"}
			case dash < 0 && len(args) > 1, dash > 1:
				return &usageError{text: fmt.Sprintf("exec: unexpected %q", args[1]), hint: "put -- before the command: " + app.name() + " exec " + word(args[0]) + " -- " + word(args[1]) + " ..."}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			names, argv := args, []string(nil)
			if dash := c.ArgsLenAtDash(); dash >= 0 {
				names, argv = args[:dash], args[dash:]
			}
			if len(opts.profiles) > 0 {
				return app.exec(c.Context(), strings.Join(names, ""), argv, opts)
			}
			name, err := app.profileArgument(c, names)
			if err != nil {
				return err
			}
			return app.exec(c.Context(), name, argv, opts)
		},
	}
	opts.bind(c.Flags())
	opts.bindYes(c.Flags())
	c.Flags().BoolVar(&opts.Serve, "serve", false, "serve the credentials to the command, always fresh, in place of exporting them")
	c.Flags().StringArrayVarP(&opts.profiles, "profile", "p", nil, "run the command with this `PROFILE` too")
	c.Flags().IntVar(&opts.jobs, "jobs", 6, "how many of several run at a time")
	c.Flags().BoolVar(&opts.json, "json", false, "of several: print each line as JSON")
	app.completeFlags(c)
	return c
}

func (o *execOptions) check() error {
	if o.jobs < 1 {
		return usageErrorf("--jobs %d: at least one runs at a time", o.jobs)
	}
	return o.sessionOptions.check()
}

func (app *App) exec(ctx context.Context, profile string, argv []string, opts execOptions) error {
	names, fan, err := app.chosen(opts.profiles, profile)
	if err != nil {
		return err
	}
	if fan && opts.Serve {
		return usageErrorf("exec: --serve is for one profile")
	}
	if fan || opts.json {
		if len(argv) == 0 {
			return &usageError{text: fmt.Sprintf("exec: %q: several profiles share no shell", profile), hint: "give a command: " + app.name() + " exec " + word(profile) + " -- COMMAND"}
		}
		return app.fanOut(ctx, names, argv, opts)
	}
	profile = names[0]
	if len(argv) == 0 {
		shell := app.Env["SHELL"]
		if shell == "" {
			shell = "/bin/sh"
		}
		argv = []string{shell}
	}
	path, err := lookPath(argv[0], app.Env["PATH"])
	if err != nil {
		return app.cannotRun(profile, argv[0], err)
	}
	r, t, err := app.credentials(ctx, profile, opts.sessionOptions, false)
	if err != nil {
		return err
	}
	app.notes(r)
	app.used(profile)
	if opts.Serve {
		// This process becomes the command: the server ends with it.
		if t.served, err = app.startServer(r, t, opts.sessionOptions, forCommand, os.Getpid()); err != nil {
			return err
		}
	}
	now := app.newState(r, t, opts.switchFlags)
	now.Inside = app.insideOf(nil, "") // a shell below is the user's own
	app.stampSwitch(now)
	app.handedOut("exec", r, t)
	err = app.Exec(path, argv, app.child(t, now).Environ())
	return app.cannotRun(profile, argv[0], err)
}

// cannotRun reports a command that did not start, with the status that a shell
// would give (POSIX.1-2017, XCU 2.8.2).
func (app *App) cannotRun(profile, name string, err error) error {
	code, why := 126, err.Error()
	kind := map[string]string{"function": "a function", "alias": "an alias"}[app.word]
	switch {
	case errors.Is(err, fs.ErrNotExist) && kind != "":
		code, why = 127, fmt.Sprintf("not found: it is %s of your %s, which only that knows", kind, app.dialect)
	case errors.Is(err, fs.ErrNotExist):
		code, why = 127, "command not found"
	case errors.Is(err, fs.ErrPermission):
		why = "permission denied"
	case errors.Is(err, syscall.ENOEXEC):
		why = "not a program, and no #! line says what runs it"
	}
	app.note(fmt.Sprintf("exec: %q: %s", name, why))
	if code == 127 && kind != "" {
		app.note("hint: " + app.runWord(profile, name))
	}
	return exitError(code)
}

// lookPath finds a command as a shell does (POSIX.1-2017, XCU 2.9.1.1).
func lookPath(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		return name, runnable(name)
	}
	if name == "" {
		return "", fs.ErrNotExist
	}
	first := error(fs.ErrNotExist)
	for _, dir := range filepath.SplitList(path) {
		if dir == "" {
			dir = "."
		}
		file := dir + "/" + name
		err := runnable(file)
		if err == nil {
			return file, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			first = err
		}
	}
	return "", first
}

func runnable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("is a folder: %w", fs.ErrPermission)
	case info.Mode()&0o111 == 0:
		return fs.ErrPermission
	}
	return nil
}
