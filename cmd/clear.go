package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/sts"
)

func (app *App) clearCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "clear [PROFILE]",
		Short:             "forget cached sessions",
		Long:              "clear forgets the cached sessions of a profile, or all of them. Stored keys stay, and so does what a shell has already.",
		Example:           "  vault clear\n  vault clear prod",
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			drop := func(sts.Header) bool { return true }
			if len(args) == 1 {
				drop = func(h sts.Header) bool { return h.Profile == args[0] }
			}
			n, err := app.cache(app.sealingStore).DropFunc(c.Context(), drop)
			if err != nil {
				return fmt.Errorf("sessions: %w", err)
			}
			what := "sessions"
			if n == 1 {
				what = "session"
			}
			app.note(fmt.Sprintf("forgot %d cached %s", n, what))
			return nil
		},
	}
}
