package cmd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type logOptions struct {
	journalQuery
	since string
	json  bool
}

func (app *App) logCommand() *cobra.Command {
	var o logOptions
	c := &cobra.Command{
		Use:   "log",
		Short: "show which credentials were handed out",
		Long: `log shows the journal of this machine: each time that credentials were handed
to a shell or a program, with profile, account, role, the last four letters of
the access key id, the command, the program that called vault, and the folder.
It shows the last 20, or with --since all from then on.

"renewal" is a shell whose credentials were renewed by itself, "folder" one that
went into a folder that names a profile, or out of it, and "return" one that
went back when the time of --for was over.

AWS CloudTrail has the session's name at the end of userIdentity.arn; --json has
it here, and --session looks for it.

The journal lies in ~/.local/state/vault/journal, for you alone to read, holds
no secret, and is sent nowhere. Above 5 MB another one is begun, and one older
is kept. In config.toml, journal = false has none written.`,
		Example: `  vault log
  vault log --since 2h --profile prod
  vault log --since 2026-01-31 --json
  vault log --session alice@laptop`,
		Args: app.atMost(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(app.Now()); err != nil {
				return err
			}
			if o.since != "" && !c.Flags().Changed("number") {
				o.most = 0
			}
			return app.log(o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.since, "since", "", "from then on: an age such as 2h or 7d, or a day or time such as 2026-01-31 or 2026-01-31T08:00")
	f.StringVar(&o.profile, "profile", "", "of this `PROFILE` alone")
	f.StringVar(&o.session, "session", "", "of the session with this `NAME` alone")
	f.IntVarP(&o.most, "number", "n", 20, "the last `N` of them, 0 for all")
	f.BoolVar(&o.json, "json", false, "print JSON")
	_ = c.RegisterFlagCompletionFunc("since", cobra.FixedCompletions([]string{"1h", "8h", "1d", "7d"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// check reads the flags.
func (o *logOptions) check(now time.Time) (err error) {
	if o.most < 0 {
		return usageErrorf("--number %d is negative", o.most)
	}
	if o.since != "" {
		o.journalQuery.since, err = sinceTime(o.since, now)
	}
	return err
}

// sinceForms are how a point in time may be written, in local time where it
// says no other.
var sinceForms = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// sinceTime reads an age, or a point in time.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 100_000 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, form := range sinceForms {
		if t, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageErrorf("--since %q is neither an age such as 2h or 7d nor a time such as 2026-01-31", text)
}

func (app *App) log(o logOptions) error {
	list, damaged, err := app.readJournal(o.journalQuery)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if damaged > 0 {
		app.note(fmt.Sprintf("journal: %s cannot be read", count(damaged, "line")))
	}
	if o.json {
		return app.printJSON(struct {
			Version int            `json:"version"`
			Entries []journalEntry `json:"entries"`
		}{1, append([]journalEntry{}, list...)})
	}
	if len(list) == 0 {
		app.note(app.emptyLog(o))
		return nil
	}
	return app.printLog(list)
}

// emptyLog says why there is nothing to show.
func (app *App) emptyLog(o logOptions) string {
	settings, err := app.ownSettings()
	switch {
	case err == nil && settings.NoJournal:
		return "nothing is in the journal: " + tilde(app.settingsFile(), app.Home) + " says journal = false"
	case o.since != "" || o.profile != "" || o.session != "":
		return "nothing in the journal is like that"
	}
	return "nothing is in the journal yet"
}

// printLog prints entries as a table. What is the same in all of them, as the
// usual name of sessions, has no column.
func (app *App) printLog(list []journalEntry) error {
	rows := [][]string{{"TIME", "PROFILE", "ACCOUNT", "ROLE", "SESSION", "KEY", "EXPIRES", "COMMAND", "FOR", "FOLDER"}}
	for _, e := range list {
		at, expires, session, program := e.Time.Local(), "", e.Session, e.Program
		if !e.Expires.IsZero() {
			end := e.Expires.Local()
			expires = end.Format("15:04")
			if end.YearDay() != at.YearDay() || end.Year() != at.Year() {
				expires = end.Format("01-02 15:04")
			}
		}
		if e.usual(app) {
			session = ""
		}
		if e.PID != 0 {
			program += " " + strconv.Itoa(e.PID)
		}
		rows = append(rows, []string{
			at.Format("2006-01-02 15:04:05"), e.Profile, e.Account, e.roleName(), session, e.Key, expires, e.Command, program, tilde(e.Folder, app.Home),
		})
	}
	p := app.painter()
	return printTable(app.Stdout, rows, func(row, column int, cell string) string {
		switch {
		case row == 0:
			return p.faint(cell)
		case column == 1:
			return p.bold(cell)
		}
		return cell
	})
}
