package cmd

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
)

// completeProfile offers the names of profiles. It looks at the section
// headers of the two files and at nothing else.
//
// The names go out in one piece, ahead of what cobra prints: cobra would make a
// call to the system for each of ten thousand.
func (app *App) completeProfile(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, err := config.ScanLines(config.Locate(app.getenv, app.Home), typed)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if _, err := io.WriteString(app.Stdout, names); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completeFlags offers values of the flags that all commands with a session
// have.
func (app *App) completeFlags(c *cobra.Command) {
	_ = c.RegisterFlagCompletionFunc("region", completeRegion)
	for name, values := range map[string][]string{
		"duration": {"15m", "1h", "4h", "12h"},
		"min-ttl":  {"5m", "15m", "30m", "1h"},
		"mfa-code": nil,
		"for":      {"15m", "30m", "1h"},
		"prompt":   config.MFAPrompts,
		"shell":    {"zsh", "bash", "fish"},
	} {
		if c.Flags().Lookup(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
	}
}

// regions are those of AWS's commercial partition and the ones beside it, for
// completion alone: no region is refused for not standing here (AWS General
// Reference, "Regions and zones").
var regions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
	"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
	"ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1",
	"eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
	"sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
}

func completeRegion(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return regions, cobra.ShellCompDirectiveNoFileComp
}
