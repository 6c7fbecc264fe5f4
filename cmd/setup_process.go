package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
)

type processOptions struct {
	all, remove, dryRun, yes bool
	as                       string
}

func (app *App) setupProcessCommand() *cobra.Command {
	var o processOptions
	c := &cobra.Command{
		Use:   "credential-process [PROFILE...]",
		Short: "have the AWS CLI and SDKs ask vault for a profile",
		Long: `setup credential-process writes a line into the config file by which the AWS CLI
and the SDKs get the credentials of a profile from vault, in any shell and
without "use":
  credential_process = vault credential-process PROFILE
A line that called aws-vault is replaced. Each change is shown first.

Where a profile has role_arn, sso_session, web_identity_token_file,
login_session or keys in clear, these win over credential_process in the AWS CLI
and the SDKs: the line would do nothing, and vault refuses to write it. With
--as NAME it goes into another profile, which programs then use.

--all is for all profiles whose credentials vault knows how to get and where the
line would count. --remove takes vault's lines out again.`,
		Example:           "  vault setup credential-process work\n  vault setup credential-process prod --as prod-sdk\n  vault setup credential-process --all --dry-run",
		ValidArgsFunction: app.completeProfiles,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case o.all == (len(args) > 0):
				return &usageError{text: "setup credential-process: either profiles or --all", hint: "usage: " + app.usage(c)}
			case o.as != "" && (len(args) != 1 || o.remove):
				return usageErrorf("setup credential-process: --as names the line of one PROFILE")
			case o.as != "" && !isProfileName(o.as):
				return usageErrorf("--as %q: a profile's name is made of letters, digits and / . %% @ _ : + -", o.as)
			}
			return app.setupProcess(c.Context(), args, o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.all, "all", false, "all profiles where the line would count")
	f.StringVar(&o.as, "as", "", "write the line into the profile `NAME`, which is added if it is not there")
	f.BoolVar(&o.remove, "remove", false, "take vault's lines out again")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would change, and change nothing")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	_ = c.RegisterFlagCompletionFunc("as", cobra.NoFileCompletions)
	return c
}

// completeProfiles offers profiles that are not named yet.
func (app *App) completeProfiles(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	names, err := config.ScanNames(config.Locate(app.getenv, app.Home), typed)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(args, n) || strings.HasPrefix(n, "-") }), cobra.ShellCompDirectiveNoFileComp
}

// A processLine is a change of the credential_process of a profile.
type processLine struct {
	profile  string // that has the line
	file     config.FileKind
	path     string
	at       int    // line; 0: it is added
	old, new string // values; an empty one is none
	region   string // of a profile that is added
	adds     bool   // the profile is added to the file
}

func (app *App) setupProcess(ctx context.Context, names []string, o processOptions) error {
	app.Arm()
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return err
	}
	if o.all {
		names = files.Names()
	}
	var lines []processLine
	var refused several
	shadowed := 0
	for _, name := range names {
		line, err := app.processLine(files, name, o)
		var other *shadowedError
		switch {
		case err != nil && !o.all:
			refused = append(refused, err)
		case errors.As(err, &other):
			shadowed++
		case err == nil && line.old != line.new:
			lines = append(lines, line)
		}
	}
	if err := refused.join(); err != nil {
		return err
	}
	if shadowed > 0 && !o.remove {
		app.note(fmt.Sprintf("%s left alone, where role_arn or the like wins: name one with --as, or see %s use --dynamic", count(shadowed, "profile is", "profiles are"), app.name()))
	}
	if len(lines) == 0 {
		app.note("nothing to change in " + tilde(files.Paths.Config, app.Home))
		return nil
	}
	// Once for all lines: the file may be large.
	if only, err := config.Load(config.Paths{Config: files.Paths.Config}); err == nil {
		for i := range lines {
			lines[i].adds = lines[i].at == 0 && !only.Has(lines[i].profile)
		}
	}
	app.printProcesses(lines)
	if err := app.noteProtected(lines); err != nil {
		return err
	}
	if o.dryRun {
		app.note("nothing was changed: this was a dry run")
		return nil
	}
	if err := app.consent(ctx, "write "+count(len(lines), "change"), o.yes); err != nil {
		return err
	}
	return app.writeProcesses(lines)
}

// noteProtected says which lines give nothing as they are: a program is not a
// person who confirms.
func (app *App) noteProtected(lines []processLine) error {
	settings, err := app.ownSettings()
	if err != nil {
		return err
	}
	for _, l := range lines {
		words := shellWords(l.new)
		if len(words) > 2 && settings.For(words[2]).Protected {
			app.note(fmt.Sprintf("profile %q is protected: programs are refused it, unless you add --yes to the line", words[2]))
		}
	}
	return nil
}

// processLine returns what is to change for a profile.
func (app *App) processLine(files *config.Files, name string, o processOptions) (processLine, error) {
	p, err := files.Profile(name)
	if err != nil {
		return processLine{}, err
	}
	if o.remove {
		return app.lineToRemove(files, p), nil
	}
	if o.as != "" && o.as != name {
		if err := app.resolvesWithout(files, name); err != nil {
			return processLine{}, err
		}
		return app.lineAs(files, p, o.as)
	}
	line := app.lineOf(files, p)
	target := name
	switch c := callsAWSVault(line.old); {
	case app.isOurs(line.old):
		line.new = app.repaired(line.old)
		return line, app.wins(p, name)
	case c.profile != "" && c.why != "":
		return line, fmt.Errorf("%s:%d: credential_process of profile %q: %s: write it by hand", tilde(line.path, app.Home), line.at, name, c.why)
	case c.profile != "":
		target = c.profile
		line.new = app.processValue(target) + c.flags
	case line.old != "":
		return line, fmt.Errorf("%s:%d: profile %q has a credential_process of its own, which vault uses", tilde(line.path, app.Home), line.at, name)
	default:
		line.new = app.processValue(name)
	}
	if err := app.wins(p, name); err != nil {
		return line, err
	}
	return line, app.resolvesWithout(files, target)
}

// repaired returns a line of vault's own, with this binary in the place of one
// that is gone.
func (app *App) repaired(line string) string {
	words := shellWords(line)
	if _, err := lookPath(words[0], app.Env["PATH"]); err == nil {
		return line
	}
	words[0] = app.Exe
	for i, w := range words {
		words[i] = quoteWord(w)
	}
	return strings.Join(words, " ")
}

// lineOf returns the credential_process line of a profile as it is. Whether the
// profile is to be added is left to setupProcess.
func (app *App) lineOf(files *config.Files, p *config.Profile) processLine {
	line := processLine{profile: p.Name, file: config.ConfigFile, path: files.Paths.Config}
	v, ok := p.Own("credential_process")
	if ok {
		line.old, line.new, line.path, line.at = v.Text, v.Text, v.File, v.Line
		if v.File == files.Paths.Credentials {
			line.file = config.CredentialsFile
		}
		return line
	}
	return line
}

// lineToRemove returns the removal of a line of ours.
func (app *App) lineToRemove(files *config.Files, p *config.Profile) processLine {
	line := app.lineOf(files, p)
	if app.isOurs(line.old) {
		line.new = ""
	}
	return line
}

// lineAs returns the line for profile p that the profile called as has.
func (app *App) lineAs(files *config.Files, p *config.Profile, as string) (processLine, error) {
	line := processLine{profile: as, file: config.ConfigFile, path: files.Paths.Config, region: p.Region(), adds: true}
	if other, err := files.Profile(as); err == nil {
		line = app.lineOf(files, other)
		if err := app.wins(other, as); err != nil {
			return line, err
		}
		if line.old != "" && !app.isOurs(line.old) && callsAWSVault(line.old).profile == "" {
			return line, fmt.Errorf("%s:%d: profile %q has a credential_process of its own", tilde(line.path, app.Home), line.at, as)
		}
	}
	line.new = app.processValue(p.Name)
	return line, nil
}

// A shadowedError reports a profile in which another setting wins over
// credential_process.
type shadowedError struct{ *usageError }

func (e *shadowedError) Unwrap() error { return e.usageError }

// wins reports, as a *shadowedError, what in a profile comes before credential_process
// in the AWS CLI or an SDK (AWS SDKs and Tools Reference Guide, "Standardized
// credential providers"; the SDK for Go v2 takes keys of the config file first,
// too).
func (app *App) wins(p *config.Profile, name string) error {
	for _, key := range []string{"role_arn", "web_identity_token_file", "sso_session", "sso_start_url", "sso_account_id", "aws_access_key_id", "login_session"} {
		v, ok := p.Own(key)
		if !ok || v.Text == "" {
			continue
		}
		hint := fmt.Sprintf("write it into another profile, for programs: %s setup credential-process %s --as %s", app.name(), word(name), word(name+"-sdk"))
		if key == "aws_access_key_id" {
			hint = "have the keystore keep the key: " + app.name() + " import credentials --scrub --profile " + word(name)
		}
		return &shadowedError{&usageError{text: fmt.Sprintf("%s:%d: %s of profile %q wins over credential_process in the AWS CLI and SDKs", tilde(v.File, app.Home), v.Line, key, name), hint: hint}}
	}
	return nil
}

// resolvesWithout reports whether vault has credentials for a profile when its
// own credential_process does not count, which is or will be vault's.
func (app *App) resolvesWithout(files *config.Files, name string) error {
	chain, err := files.Chain(name)
	if err != nil {
		return err
	}
	_, err = app.resolveAs(files, chain, switchFlags{}, func(profile, command string) bool {
		return app.isSelf(profile, command) || callsAWSVault(command).profile == profile
	})
	return err
}

// processValue returns the command that asks this binary for a profile.
func (app *App) processValue(profile string) string {
	dashes := ""
	if strings.HasPrefix(profile, "-") {
		dashes = "-- " // or it would be a flag
	}
	return quoteWord(app.Exe) + " credential-process " + dashes + quoteWord(profile)
}

// quoteWord quotes a word of a credential_process as all SDKs read it: some
// hand it to a shell, and some split it themselves, at white space outside of
// double quotes.
func quoteWord(s string) string {
	if word(s) == s || strings.ContainsAny(s, "\"$`\\") {
		return word(s)
	}
	return `"` + s + `"`
}

// isOurs reports whether a command asks this program for credentials.
func (app *App) isOurs(command string) bool {
	words := shellWords(command)
	return len(words) >= 3 && app.isExe(words[0]) && words[1] == "credential-process"
}

// isExe reports whether a word names this program.
func (app *App) isExe(word string) bool {
	name := filepath.Base(word)
	return name == "vault" || name == filepath.Base(app.Exe)
}
