package cmd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/sts/endpoint"
)

func (app *App) psCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "ps",
		Short:   "list the servers of credentials that run",
		Long:    "ps lists the endpoints that serve, exec --serve and use --serve have started: for whom, where, and since when.",
		Example: "  vault ps\n  vault ps --json",
		Args:    app.atMost(0, 0, ""),
		RunE:    func(*cobra.Command, []string) error { return app.ps(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (app *App) ps(asJSON bool) error {
	list := app.servers()
	if asJSON {
		return app.printJSON(struct {
			Version int            `json:"version"`
			Servers []serverRecord `json:"servers"`
		}{1, append([]serverRecord{}, list...)})
	}
	if len(list) == 0 {
		app.note("no server runs")
		return nil
	}
	rows := [][]string{{"ID", "PROFILE", "FOR", "ADDRESS", "SINCE"}}
	for _, r := range list {
		what := r.For
		if r.For != forAnybody {
			what += " " + strconv.Itoa(r.ForPID)
		}
		rows = append(rows, []string{r.ID, oneLine(r.Profile), what, oneLine(r.Address), app.clock(r.Since)})
	}
	p := app.painter()
	return printTable(app.Stdout, rows, func(row, _ int, cell string) string {
		if row == 0 {
			return p.faint(cell)
		}
		return cell
	})
}

func (app *App) stopCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:     "stop [ID...]",
		Short:   "end servers of credentials",
		Long:    "stop ends the servers that ps lists, by their id; without one, if only one runs, that.",
		Example: "  vault stop 4k2jx7qmra\n  vault stop --all",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, r := range app.servers() {
				ids = append(ids, r.ID+"\t"+r.Profile)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return app.stop(args, all) },
	}
	c.Flags().BoolVar(&all, "all", false, "end all of them")
	return c
}

// stopPatience is how long a server may take to end; it ends by the signal
// after 3 seconds.
const stopPatience = 5 * time.Second

func (app *App) stop(ids []string, all bool) error {
	list := app.servers()
	switch {
	case all && len(ids) > 0:
		return usageErrorf("stop: --all, or ids")
	case !all && len(ids) == 0 && len(list) > 1:
		return &usageError{text: fmt.Sprintf("stop: %d servers run", len(list)), hint: "name one, or --all: " + app.name() + " ps"}
	}
	for _, id := range ids {
		found := false
		for _, r := range list {
			found = found || r.ID == id
		}
		if !found {
			return &usageError{text: fmt.Sprintf("stop: no server %q runs", id), hint: "see: " + app.name() + " ps"}
		}
	}
	for _, r := range list {
		if len(ids) > 0 && !strings.Contains(" "+strings.Join(ids, " ")+" ", " "+r.ID+" ") {
			continue
		}
		exited := endpoint.Exited(r.PID)
		if err := unix.Kill(r.PID, unix.SIGTERM); err != nil {
			return fmt.Errorf("stop: server %s of %q: %w", r.ID, r.Profile, err)
		}
		_ = unix.Kill(r.PID, unix.SIGCONT) // one that ^Z has stopped
		select {
		case <-exited:
		case <-time.After(stopPatience):
			return fmt.Errorf("stop: server %s of %q (process %d) does not end", r.ID, r.Profile, r.PID)
		}
		app.note(fmt.Sprintf("ended %s, which served %s", r.ID, r.Profile))
	}
	if len(list) == 0 {
		app.note("no server runs")
	}
	return nil
}
