package cmd

import (
	"maps"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/shell"
)

func (app *App) regionCommand() *cobra.Command {
	var flag string
	c := &cobra.Command{
		Use:     "region REGION",
		Short:   "change the region of this shell",
		Long:    "region changes AWS_REGION and AWS_DEFAULT_REGION of a shell that uses a profile; the credentials stay.",
		Example: "  vault region eu-west-1",
		Args:    app.atMost(1, 1, "REGION"),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := app.evaluator("region", flag)
			if err != nil {
				return err
			}
			if !isRegion(args[0]) {
				return usageErrorf("region: %q is not the name of a region", args[0])
			}
			old := app.current()
			if old == nil {
				return app.errNotInUse("region")
			}
			now := *old
			now.Set, now.Was = maps.Clone(old.Set), maps.Clone(old.Was)
			now.Flags.Region = args[0]
			s := shell.Switch{ID: old.ID, Set: shell.Env{}}
			for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
				record(app.Env, old, &now, &s, name)
				s.Set[name], now.Set[name] = args[0], digest(args[0])
			}
			s.Set[stateVariable] = now.String()
			s.Say = "vault: region " + args[0]
			return app.emit(d, s)
		},
	}
	bindShell(c, &flag)
	c.ValidArgsFunction = app.completeRegion
	return c
}
