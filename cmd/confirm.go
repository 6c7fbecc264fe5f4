package cmd

import (
	"context"
	"errors"
	"strings"
)

// confirm has a person type the name of a protected profile. account says which
// one it leads into, "" if that is not known. A program that asks by a
// line of the config never has a person asked.
func (app *App) confirm(ctx context.Context, name, account string, process bool) error {
	if process {
		return &guardError{profile: name, why: "is protected: a person has to confirm it", process: true, err: errNoTerminal}
	}
	question := name + " is protected"
	if account != "" {
		question = name + " (account " + account + ") is protected"
	}
	app.Arm()
	typed, err := app.Terminal.Ask(ctx, oneLine(question)+": type its name to go on: ", false)
	switch {
	case errors.Is(err, errNoTerminal):
		return &guardError{profile: name, why: "is protected: a person has to confirm it, and " + err.Error(), err: err}
	case err != nil:
		return err
	case strings.TrimSpace(typed) != name:
		return &guardError{profile: name, why: "is protected: what was typed is not its name"}
	}
	return nil
}
