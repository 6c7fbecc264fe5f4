package cmd

import "github.com/spf13/cobra"

func (app *App) setupCommand() *cobra.Command {
	c := &cobra.Command{Use: "setup", Short: "set up vault"}
	c.AddCommand(app.setupProcessCommand())
	return c
}
