package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/shell"
)

type setupOptions struct {
	shell, rcFile                   string
	backend                         string // "" where --backend does not stand
	prompt, directories, fromOthers choiceFlag
	yes                             bool
}

// A choiceFlag is a pair of flags, --x and --no-x.
type choiceFlag struct{ yes, no bool }

// answer returns what the flags say, and whether they say anything.
func (f choiceFlag) answer() (yes, said bool) { return f.yes, f.yes || f.no }

func (app *App) setupCommand() *cobra.Command {
	var o setupOptions
	c := &cobra.Command{
		Use:   "setup",
		Short: "set up vault: shell, keystore, keys of other programs",
		Long: `setup asks up to five questions and does what is answered: it loads vault in the
shell's startup file, says where keys are kept, whether folders may name
profiles, and imports the keys of other programs. It shows each line before it
writes it, and skips what is done already: it may be run again at any time.

Each answer is a flag, too; what flags say is not asked. --yes takes the answer
that is offered for the rest: the line is added to the startup file, and all
else stays as it is. Without a terminal only what flags say is done.`,
		Example: "  vault setup\n  vault setup --shell zsh --no-prompt --no-import\n  vault setup --backend file --directories --yes",
		Args:    app.unknownSetup,
		RunE: func(c *cobra.Command, _ []string) error {
			for name, f := range map[string]choiceFlag{"prompt": o.prompt, "directories": o.directories, "import": o.fromOthers} {
				if f.yes && f.no {
					return usageErrorf("setup: --%s and --no-%s exclude each other", name, name)
				}
			}
			o.backend = app.flags.backend
			return app.setup(c.Context(), o, c.Flags().NFlag() > 0)
		},
	}
	f := c.Flags()
	f.StringVar(&o.shell, "shell", "", "the `SHELL` to load vault into: zsh, bash or fish")
	f.StringVar(&o.rcFile, "rc-file", "", "its startup `FILE`, where that is another than usual")
	f.BoolVar(&o.prompt.yes, "prompt", false, "show the profile in the prompt")
	f.BoolVar(&o.prompt.no, "no-prompt", false, "leave the prompt alone")
	f.BoolVar(&o.directories.yes, "directories", false, "let .vault-profile files name profiles")
	f.BoolVar(&o.directories.no, "no-directories", false, "do not look at .vault-profile files")
	f.BoolVar(&o.fromOthers.yes, "import", false, "import the keys of other programs")
	f.BoolVar(&o.fromOthers.no, "no-import", false, "do not look for keys of other programs")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	app.completeFlags(c)
	c.AddCommand(app.setupProcessCommand())
	return c
}

func (app *App) unknownSetup(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{text: fmt.Sprintf("setup: there is no %q to set up", args[0]), hint: "usage: " + app.usage(c) + ", or: " + app.name() + " setup credential-process PROFILE"}
}

// A wizard is one run of setup.
type wizard struct {
	*App
	setupOptions
	terminal bool // a person may be asked
	failed   error
}

// setup goes through the questions; said means that flags answer some.
func (app *App) setup(ctx context.Context, o setupOptions, said bool) error {
	app.Arm()
	t, ok := app.Terminal.(interface{ Present() bool })
	w := &wizard{App: app, setupOptions: o, terminal: !ok || t.Present()}
	if !w.terminal && !said && o.backend == "" {
		return &hintError{errNoTerminal, "say with flags what to set up: " + app.name() + " setup --help"}
	}
	if o.backend != "" && !slices.Contains(config.Backends, o.backend) {
		return unknownBackend("--backend", o.backend)
	}
	for _, step := range []func(context.Context) error{w.setupShell, w.setupBackend, w.setupDirectories, w.setupImport} {
		switch err := step(ctx); {
		case ctx.Err() != nil || errors.Is(err, context.Canceled):
			return context.Canceled
		case err != nil:
			w.report(err)
			if w.failed == nil {
				w.failed = err
			}
		}
	}
	if w.failed != nil {
		return exitError(exitCode(w.failed))
	}
	return nil
}

// yesNo returns the answer to a question: that of the flags, else what a
// person says, else what is offered. ok is false where nobody says anything.
func (w *wizard) yesNo(ctx context.Context, f choiceFlag, question string, offered bool) (yes, ok bool, err error) {
	if yes, said := f.answer(); said {
		return yes, true, nil
	}
	if w.yes {
		return offered, true, nil
	}
	if !w.terminal {
		return false, false, nil
	}
	choice := " [y/N] "
	if offered {
		choice = " [Y/n] "
	}
	for range attempts {
		typed, err := w.Terminal.Ask(ctx, question+choice, false)
		if err != nil {
			return false, false, err
		}
		switch strings.ToLower(strings.TrimSpace(typed)) {
		case "":
			return offered, true, nil
		case "y", "yes":
			return true, true, nil
		case "n", "no":
			return false, true, nil
		}
		w.note("answer y or n")
	}
	return false, false, nil
}

// setupShell has the shell load vault when it starts.
func (w *wizard) setupShell(ctx context.Context) error {
	name := w.shell
	if name == "" && w.rcFile == "" && !w.terminal && !w.yes {
		if _, said := w.prompt.answer(); !said {
			return nil
		}
	}
	if name == "" {
		name = w.usualShell()
	}
	d, err := shell.ParseDialect(name)
	if err != nil && w.shell == "" {
		w.note(fmt.Sprintf("vault knows zsh, bash and fish, and your shell seems to be %q: name one with --shell", name))
		return nil
	} else if err != nil {
		return err
	}
	file := w.startupFile(d)
	if w.rcFile != "" {
		file = w.rcFile
		if rest, ok := strings.CutPrefix(file, "~/"); ok {
			file = filepath.Join(w.Home, rest)
		}
	}
	if at := w.loadedBy(d, file); at != "" {
		w.note(fmt.Sprintf("%s loads vault already: %s", d, at))
		return nil
	}
	prompt, ok, err := w.yesNo(ctx, w.prompt, "Show the profile and its time left in front of the prompt?", true)
	if err != nil || !ok && w.shell == "" && w.rcFile == "" {
		return err
	}
	flags := ""
	if ok && !prompt {
		flags += " --no-prompt"
	}
	if other := w.otherVault(); other != "" {
		w.note(fmt.Sprintf("%s is another program called vault: this one will be av in the shell", other))
		flags += " --cmd av"
	}
	line := loadLine(d, w.called(), flags)
	where := tilde(file, w.Home)
	fmt.Fprintf(w.Stdout, "%s gets this line at its end:\n    %s\n", oneLine(where), oneLine(line))
	add := choiceFlag{yes: w.shell != "" || w.rcFile != ""}
	if yes, _, err := w.yesNo(ctx, add, "Add it?", true); err != nil || !yes {
		return err
	}
	if err := appendLine(file, line); err != nil {
		return &hintError{fmt.Errorf("%s: not changed: %w", where, cause(err)), "add the line yourself, or name another file with --rc-file"}
	}
	w.note(fmt.Sprintf("added it to %s: open a new shell, or run it in this one", where))
	return nil
}

// cause returns what is wrong with a file, without its path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// setupImport takes over the keys of other programs, if there are any.
func (w *wizard) setupImport(ctx context.Context) error {
	wanted, said := w.fromOthers.answer()
	if said && !wanted || !said && (w.yes || !w.terminal) {
		return nil
	}
	look, err := w.newImporter(importOptions{dryRun: true, quiet: true})
	if err != nil {
		return err
	}
	err = look.find(ctx)
	if err != nil || !look.found && len(look.failed) == 0 {
		if err == nil {
			w.note("no keys of other programs were found")
		}
		return err
	}
	err = w.App.importKeys(ctx, importOptions{yes: w.yes || wanted && !w.terminal})
	var exit exitError
	if errors.As(err, &exit) && int(exit) == exitFailed && !said {
		return nil // no, thank you; or it is told already
	}
	return err
}
