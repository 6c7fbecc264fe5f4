package cmd

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
)

func (app *App) doctorCommand() *cobra.Command {
	var asJSON, online bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "look for what is wrong, and say what helps",
		Long: `doctor looks at the shell, the environment, the config, the files and the
keystore, and says of each finding what to type. It asks nobody, changes nothing
and shows no secret; keys that lie in clear it names by file and line. Without
--online it reaches for nothing outside this machine.

With --online it asks AWS whether its endpoints can be reached, how far the
clock is off, and whether users have a second active key.

The status is 0 where nothing was found, else 1.`,
		Example: "  vault doctor\n  vault doctor --online\n  vault doctor --json",
		Args:    app.atMost(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return app.doctor(c.Context(), asJSON, online)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&online, "online", false, "ask AWS too")
	return c
}

// What a finding amounts to.
const (
	findingOK   = "ok"
	findingWarn = "warn" // it may do harm, or be a mistake
	findingFail = "fail" // something cannot work, or is open to others
)

// A finding is what a check has found; of one that found nothing wrong, too.
// Its form as JSON is stable.
type finding struct {
	Check   string `json:"check"`
	Status  string `json:"status"`
	Finding string `json:"finding"`
	Fix     string `json:"fix,omitempty"` // what to type
}

func okay(format string, args ...any) finding {
	return finding{Status: findingOK, Finding: fmt.Sprintf(format, args...)}
}

func warning(fix, format string, args ...any) finding {
	return finding{Status: findingWarn, Finding: fmt.Sprintf(format, args...), Fix: fix}
}

func failing(fix, format string, args ...any) finding {
	return finding{Status: findingFail, Finding: fmt.Sprintf(format, args...), Fix: fix}
}

// A doctor is what the checks look at, read once.
type doctor struct {
	*App
	all      bool          // nothing is left out
	shell    shell.Dialect // that the fixes are for, "" where it cannot be told
	files    *config.Files
	filesErr error
	own      config.Settings
	ownErr   error
	index    keystore.Index
	indexErr error
}

// A check looks at one thing. It says at least that it is well.
type check struct {
	name   string // stable
	look   func(*doctor, context.Context) []finding
	online bool // it reaches for the net
}

func checks() []check {
	return []check{
		{name: "shell", look: (*doctor).checkShell},
		{name: "path", look: (*doctor).checkPath},
		{name: "completion", look: (*doctor).checkCompletion},
		{name: "environment", look: (*doctor).checkEnvironment},
		{name: "settings", look: (*doctor).checkSettings},
		{name: "config", look: (*doctor).checkConfig},
		{name: "permissions", look: (*doctor).checkPermissions},
		{name: "keystore", look: (*doctor).checkKeystore},
		{name: "kernel-keyring", look: (*doctor).checkKernelKeyring},
		{name: "core-dumps", look: (*doctor).checkCoreDumps},
		{name: "key-age", look: (*doctor).checkKeyAge},
		{name: "rotation", look: (*doctor).checkRotation},
		{name: "keys-in-clear", look: (*doctor).checkKeysInClear},
		{name: "sign-ins", look: (*doctor).checkSignIns},
		{name: "journal", look: (*doctor).checkJournal},
		{name: "network", look: (*doctor).checkNetwork, online: true},
		{name: "second-key", look: (*doctor).checkSecondKey, online: true},
	}
}

func (app *App) doctor(ctx context.Context, asJSON, online bool) error {
	app.unattended, app.Terminal = true, nobody{}     // no check asks
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as list, for as many profiles
	d := &doctor{App: app, all: asJSON}
	if d.shell = app.dialect; d.shell == "" {
		d.shell, _ = shell.ParseDialect(app.Parent()) // "" where it is none
	}
	d.files, d.filesErr = config.Load(config.Locate(app.getenv, app.Home))
	d.own, d.ownErr = app.ownSettings()
	d.index, d.indexErr = app.readIndex()
	var list []finding
	for _, c := range checks() {
		if c.online && !online {
			continue
		}
		found := c.look(d, ctx)
		if ctx.Err() != nil {
			return context.Canceled
		}
		for _, f := range found {
			f.Check, f.Finding, f.Fix = c.name, oneLine(app.shortened(f.Finding)), oneLine(f.Fix)
			list = append(list, f)
		}
	}
	if err := app.printFindings(list, asJSON); err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(f finding) bool { return f.Status != findingOK }) {
		return exitError(exitFailed)
	}
	return nil
}

// printFindings prints what is well, and then what is not, with what helps
// below it.
func (app *App) printFindings(list []finding, asJSON bool) error {
	if asJSON {
		return app.printJSON(list)
	}
	var well, not [][]string
	for _, f := range list {
		if f.Status == findingOK {
			well = append(well, []string{f.Status, f.Check, f.Finding})
			continue
		}
		not = append(not, []string{f.Status, f.Check, f.Finding})
		if f.Fix != "" {
			not = append(not, []string{"", "", "  " + f.Fix})
		}
	}
	p := app.painter()
	// The table has no head: its first row is not shown as one.
	rows := slices.Concat(well, not)
	return printTable(app.Stdout, rows, func(row, column int, cell string) string {
		switch {
		case column == 0 && cell == findingOK:
			return p.green(cell)
		case column == 0 && cell == findingWarn:
			return p.yellow(cell)
		case column == 0:
			return p.red(cell)
		case rows[row][0] == "":
			return p.bold(cell)
		case column == 1:
			return p.faint(cell)
		}
		return cell
	})
}

// mostAlike is how many findings of one kind are shown one by one.
const mostAlike = 5

// few returns the first findings of one kind, and how many more there are; for
// a program, all.
func (d *doctor) few(list []finding, kind string) []finding {
	if len(list) <= mostAlike || d.all {
		return list
	}
	return append(list[:mostAlike:mostAlike], warning("", "and %d more %s", len(list)-mostAlike, kind))
}

// or returns what was found, or where that is nothing that all is well.
func or(list []finding, format string, args ...any) []finding {
	if len(list) == 0 {
		return []finding{okay(format, args...)}
	}
	return list
}
