package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// root returns the command line that args need.
func (app *App) root(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "vault",
		Short: "switch this shell between AWS profiles",
		Long: `vault switches the current shell between AWS profiles: short-lived
credentials in this shell, long-lived keys in a keystore.

Load it first, by a line in the shell's startup file:
  ~/.zshrc                     eval "$(vault init zsh)"
  ~/.bashrc                    eval "$(vault init bash)"
  ~/.config/fish/config.fish   vault init fish | source`,
		Example: `  vault add work        store an access key
  vault use work        switch this shell
  vault off             leave: everything as it was before`,
		Version:                    app.Version,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:                       app.unknownCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		text := err.Error()
		if i := strings.Index(text, ": time: "); i >= 0 {
			text = text[:i] + ": not a duration such as 90m or 4h"
		} else if i := strings.Index(text, ": strconv.ParseBool: "); i >= 0 {
			text = text[:i] + ": neither true nor false"
		} else if i := strings.Index(text, ": strconv.Parse"); i >= 0 {
			text = text[:i] + ": not a number"
		}
		return &usageError{text: text, hint: "see: " + app.name() + strings.TrimPrefix(c.CommandPath(), "vault") + " --help"}
	})
	root.PersistentFlags().StringVar(&app.flags.passphraseFile, "passphrase-file", "", "read the keystore's passphrase from the first line of `FILE`")
	root.PersistentFlags().StringVar(&app.flags.backend, "backend", "", "the keystore to use: file, secret-service, keychain or command")
	root.AddCommand(app.commands(args)...)
	root.SetHelpCommand(&cobra.Command{
		Use: "help [COMMAND]", Short: "help about a command", Hidden: true, ValidArgsFunction: completeCommand,
		RunE: func(c *cobra.Command, args []string) error {
			target, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return app.unknownCommand(root, args)
			}
			return target.Help()
		},
	})
	return root
}

// commands returns the command that args name, or all of them where args are
// not that plain: to build all takes longer than most of them run.
func (app *App) commands(args []string) []*cobra.Command {
	table := []struct {
		name string
		make func() *cobra.Command
	}{
		{"add", app.addCommand},
		{"allow", app.allowCommand},
		{"clear", app.clearCommand},
		{"completion", app.completionCommand},
		{"credential-process", app.credentialProcessCommand},
		{"deny", app.denyCommand},
		{"docker-env", app.dockerEnvCommand},
		{"doctor", app.doctorCommand},
		{"exec", app.execCommand},
		{"explain", app.explainCommand},
		{"export", app.exportCommand},
		{"hook", app.hookCommand},
		{"import", app.importCommand},
		{"init", app.initCommand},
		{"list", app.listCommand},
		{"lock", app.lockCommand},
		{"log", app.logCommand},
		{"login", app.loginCommand},
		{"logout", app.logoutCommand},
		{"man", app.manCommand},
		{"migrate", app.migrateCommand},
		{"off", app.offCommand},
		{"passphrase", app.passphraseCommand},
		{"prompt", app.promptCommand},
		{"ps", app.psCommand},
		{"refresh", app.refreshCommand},
		{"region", app.regionCommand},
		{"remove", app.removeCommand},
		{"reset", app.resetCommand},
		{"rotate", app.rotateCommand},
		{"setup", app.setupCommand},
		{"sso", app.ssoCommand},
		{"serve", app.serveCommand},
		{"server", app.serverCommand},
		{"status", app.statusCommand},
		{"stop", app.stopCommand},
		{"unlock", app.unlockCommand},
		{"use", app.useCommand},
		{"version", app.versionCommand},
	}
	var all []*cobra.Command
	for _, c := range table {
		if commandWord(args) == c.name && c.name != "man" { // man speaks of all
			return []*cobra.Command{c.make()}
		}
	}
	for _, c := range table {
		all = append(all, c.make())
	}
	return all
}

// wordsToStderr keeps help from what a shell evaluates.
func (app *App) wordsToStderr(root *cobra.Command) {
	for _, c := range root.Commands() {
		if slices.Contains(evaluatedCommands, c.Name()) || c.Name() == "init" {
			c.SetOut(app.Stderr)
		}
	}
}

// plainUsage takes the marks of placeholders out of what completion shows.
func plainUsage(root *cobra.Command) {
	strip := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	root.PersistentFlags().VisitAll(strip)
	for _, c := range root.Commands() {
		c.Flags().VisitAll(strip)
	}
}

func (app *App) unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see: " + app.name() + " --help"
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(quoted(near), " or ") + "?"
	}
	return &usageError{text: fmt.Sprintf("no command %q", args[0]), hint: hint}
}

// atMost checks the number of arguments; what names them.
func (app *App) atMost(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		hint := "usage: " + app.usage(c)
		switch {
		case len(args) < least:
			return &usageError{text: fmt.Sprintf("%s: %s is missing", c.Name(), what), hint: hint}
		case len(args) > most:
			return &usageError{text: fmt.Sprintf("%s: too many arguments: %q", c.Name(), args[most]), hint: hint}
		}
		return nil
	}
}

// usage is how a command is called, by the name that the user calls it by.
func (app *App) usage(c *cobra.Command) string {
	return app.name() + strings.TrimPrefix(c.UseLine(), "vault")
}
