package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/completions"
	"github.com/shellvault/vault/shell"
)

func (app *App) initCommand() *cobra.Command {
	var opts struct {
		name     string
		noPrompt bool
		noHook   bool
		aliases  bool
		part     string
	}
	c := &cobra.Command{
		Use:   "init SHELL",
		Short: "print the script that loads vault into zsh, bash or fish",
		Long: `init prints a script that defines the shell function "vault", completes its
words, shows the profile in the prompt, and renews credentials before they
expire. Load it in the startup file:
  ~/.zshrc                     eval "$(vault init zsh)"
  ~/.bashrc                    eval "$(vault init bash)"
  ~/.config/fish/config.fish   vault init fish | source

HashiCorp's CLI is called vault too. Once loaded, the function calls this
binary by its path; who needs both names it otherwise:
  eval "$(/path/to/vault init zsh --cmd av)"`,
		Example:   "  eval \"$(vault init zsh)\"\n  vault init fish --no-prompt | source",
		Args:      app.atMost(1, 1, "SHELL"),
		ValidArgs: []string{"zsh", "bash", "fish"},
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := shell.ParseDialect(args[0])
			if err != nil {
				return err
			}
			if !shell.FunctionName(opts.name) {
				return usageErrorf("--cmd %q: a function's name is made of letters, digits, - and _", opts.name)
			}
			if opts.part != "" {
				return app.printPart(d, opts.part)
			}
			own, err := app.ownSettings()
			if err != nil {
				own.Directories = false // other commands say what is wrong
			}
			script, err := d.Script(shell.Init{
				Exe: app.Exe, Name: opts.name, Prompt: !opts.noPrompt, Hook: !opts.noHook, Follow: own.Directories, Aliases: opts.aliases,
				Stamps: app.locks(), Now: app.Now(),
				// Where nothing looks for a profile between prompts, nothing would load it.
				Session: app.Env[stateVariable] != "" || opts.noPrompt && opts.noHook,
			})
			if err != nil {
				return err
			}
			_, err = io.WriteString(app.Stdout, script)
			return err
		},
	}
	c.Flags().StringVar(&opts.name, "cmd", "vault", "`NAME` of the function")
	c.Flags().BoolVar(&opts.noPrompt, "no-prompt", false, "leave the prompt alone; vault_prompt_info prints the segment")
	c.Flags().BoolVar(&opts.noHook, "no-hook", false, "renew nothing by itself: the segment alone")
	c.Flags().BoolVar(&opts.aliases, "aliases", false, "define short names too: "+aliasNames())
	c.Flags().StringVar(&opts.part, "part", "", "what a loaded shell asks for when it needs it first: session or completion")
	c.Flag("part").Hidden = true
	return c
}

// printPart prints a part of the script that init left out, with the mark by
// which the shell knows that it is whole.
func (app *App) printPart(d shell.Dialect, part string) error {
	var code string
	switch part {
	case "session":
		code = d.Session()
	case "completion":
		code = shell.StripComments(completions.File(string(d)))
	default:
		return usageErrorf("--part %q: session or completion", part)
	}
	_, err := fmt.Fprintf(app.Stdout, "%s%s%s\n", code, d.Let("__vault_part", part), shell.EndMark)
	return err
}

// aliasNames says what the short names stand for.
func aliasNames() string {
	var list []string
	for _, a := range shell.Aliases() {
		if a.Words != "" {
			list = append(list, a.Name+" ("+a.Words+")")
		} else {
			list = append(list, a.Name)
		}
	}
	return strings.Join(list, ", ")
}

func (app *App) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "print the completion for zsh, bash or fish",
		Long:      `completion prints the completion for a shell that does not load "vault init", which completes already.`,
		Example:   "  vault completion bash > /usr/local/share/bash-completion/completions/vault\n  vault completion zsh > /usr/local/share/zsh/site-functions/_vault\n  vault completion fish > ~/.config/fish/completions/vault.fish",
		Args:      app.atMost(1, 1, "SHELL"),
		ValidArgs: []string{"zsh", "bash", "fish"},
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := shell.ParseDialect(args[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(app.Stdout, completions.File(string(d)))
			return err
		},
	}
}

func (app *App) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Example: "  vault version", Args: app.atMost(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			return app.printVersion()
		},
	}
}

func (app *App) printVersion() error {
	_, err := fmt.Fprintf(app.Stdout, "vault %s\n", app.Version)
	return err
}
