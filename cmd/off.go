package cmd

import (
	"fmt"

	"github.com/spf13/cobra"
)

// errNotInUse reports a command that needs a switched shell.
func (app *App) errNotInUse(command string) error {
	return &hintError{fmt.Errorf("%s: no profile is in use in this shell", command), "use one with: " + app.name() + " use PROFILE"}
}

func (app *App) offCommand() *cobra.Command {
	var flag string
	c := &cobra.Command{
		Use:     "off",
		Short:   "leave: everything as it was before",
		Long:    "off puts every variable back as it was before the first use in this shell. What you changed yourself since then stays.",
		Example: "  vault off",
		Args:    app.atMost(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			d, err := app.evaluator("off", flag)
			if err != nil {
				return err
			}
			old := app.current()
			if _, set := app.Env[stateVariable]; old == nil && set {
				app.note("this shell was switched by another version of vault: what it changed stays; open a new shell")
				return exitError(exitFailed)
			}
			if old == nil {
				app.note("no profile is in use in this shell")
				return nil
			}
			if err := app.emit(d, undo(app.Env, old)); err != nil {
				return err
			}
			app.stopServerOf(old)
			return nil
		},
	}
	bindShell(c, &flag)
	return c
}
