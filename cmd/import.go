package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

type importOptions struct {
	source, file string // "" is all, and none
	only         []string
	restore      string

	dryRun, yes, overwrite, noVerify, scrub, rewrite bool

	quiet bool // nothing is told: it is a look
}

// importSources are what SOURCE may be.
var importSources = []string{"aws-vault", "granted", "credentials", "csv", "aws-sso-cli"}

func (app *App) importCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import [SOURCE] [FILE]",
		Short: "take over the keys of other programs",
		Long: `import copies long-lived access keys of other programs into the keystore. It
looks for all of them, or for those of one SOURCE:

  aws-vault     its folder of sealed files, the Secret Service, the Keychain, pass
  granted       the same for granted
  credentials   keys in clear in ~/.aws/credentials and ~/.aws/config
  csv           FILE, as the AWS console gives it: rootkey.csv, accessKeys.csv
  aws-sso-cli   no keys: its accounts and roles become profiles

It prints what it found and what would become of it, and asks once. Each key is
tried with AWS, stored, read back and compared. Nothing is taken away from where
a key was, but by --scrub: that removes keys in clear which the keystore has, and
keeps the file as it was in a sealed backup, which --restore brings back.

AWS_VAULT_FILE_DIR, AWS_VAULT_FILE_PASSPHRASE, AWS_VAULT_KEYCHAIN_NAME,
AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME and AWS_VAULT_PASS_* say where aws-vault
keeps keys. pass is looked at where one of its variables is set, or
AWS_VAULT_BACKEND=pass. Where vault keeps them --backend says.`,
		Example:           "  vault import --dry-run\n  vault import aws-vault --rewrite\n  vault import credentials --scrub\n  vault import csv ~/Downloads/accessKeys.csv --profile work",
		Args:              app.atMost(0, 2, ""),
		ValidArgsFunction: completeSource,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.parse(args, c.Flags().NFlag()); err != nil {
				return err
			}
			app.Arm()
			switch {
			case o.restore != "":
				return app.restoreBackup(c.Context(), o)
			case o.source == "aws-sso-cli":
				return app.importRoles(c.Context(), o)
			}
			return app.importKeys(c.Context(), o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be done; write nothing, and open nothing that would ask")
	f.StringArrayVarP(&o.only, "profile", "p", nil, "only the key of this `PROFILE`, or the one that a csv is for; may be repeated")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace other keys that are stored for the same profiles")
	f.BoolVar(&o.noVerify, "no-verify", false, "do not try the keys with AWS")
	f.BoolVar(&o.scrub, "scrub", false, "remove keys in clear that are stored, after a sealed backup")
	f.BoolVar(&o.rewrite, "rewrite", false, "have credential_process lines that call aws-vault call vault")
	f.StringVar(&o.restore, "restore", "", "bring back the file in a sealed `BACKUP` that --scrub made")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	_ = c.RegisterFlagCompletionFunc("profile", func(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return app.completeProfile(c, nil, typed)
	})
	return c
}

// completeSource offers what keys can be had from; a csv is a file.
func completeSource(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return importSources, cobra.ShellCompDirectiveNoFileComp
	case len(args) == 1 && args[0] == "csv":
		return []string{"csv"}, cobra.ShellCompDirectiveFilterFileExt
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// parse checks the command line; flags is how many stand in it.
func (o *importOptions) parse(args []string, flags int) error {
	if len(args) > 0 {
		o.source = args[0]
	}
	if len(args) > 1 {
		o.file = args[1]
	}
	if o.file == "" && strings.HasSuffix(strings.ToLower(o.source), ".csv") {
		o.source, o.file = "csv", o.source
	}
	switch {
	case o.restore != "" && (len(args) > 0 || flags > 2 || flags == 2 && !o.yes && !o.dryRun):
		return usageErrorf("import --restore BACKUP stands alone, but for --yes and --dry-run")
	case o.source != "" && !slices.Contains(importSources, o.source):
		return &usageError{text: fmt.Sprintf("import: no source %q", o.source), hint: "sources are: " + strings.Join(importSources, ", ")}
	case o.file != "" && o.source != "csv" && o.source != "aws-sso-cli":
		return usageErrorf("import: a FILE is for csv and aws-sso-cli, not for %s", o.source)
	case o.source == "csv" && o.file == "":
		return &usageError{text: "import csv: FILE is missing", hint: "the AWS console puts it into the folder for downloads: rootkey.csv, accessKeys.csv"}
	case o.scrub && o.source != "" && o.source != "credentials":
		return usageErrorf("import: --scrub is for keys in clear, in ~/.aws/credentials: not for %s", o.source)
	}
	return nil
}

// wants reports whether the key of a profile is asked for.
func (o *importOptions) wants(profile string) bool {
	return len(o.only) == 0 || slices.Contains(o.only, profile)
}

// An importer is one run of import.
type importer struct {
	*App
	importOptions
	files *config.Files
	index keystore.Index
	to    string // backend

	keys   []foundKey
	found  bool    // something of another program's, be it without a key
	failed []error // told already
	stored int
}

// importKeys finds keys, prints what would be done, asks, and does it.
func (app *App) importKeys(ctx context.Context, o importOptions) error {
	im, err := app.newImporter(o)
	if err != nil {
		return err
	}
	if err := im.find(ctx); err != nil {
		return err
	}
	im.settle()
	lines, err := im.rewrites()
	if err != nil {
		return err
	}
	inClear := im.inClear()
	if err := im.print(lines, inClear); err != nil {
		return err
	}
	n := im.todo()
	if o.dryRun || n == 0 && len(lines) == 0 && (len(inClear) == 0 || !o.scrub) {
		return im.end(0, len(inClear))
	}
	if err := im.ask(ctx, n, len(lines), len(inClear)); err != nil {
		return err
	}
	if err := im.store(ctx); err != nil {
		return err
	}
	if o.scrub {
		if err := im.scrubClear(ctx); err != nil {
			im.fail(err)
		}
	}
	if len(lines) > 0 {
		if err := app.writeProcesses(im.rewritten(lines)); err != nil {
			im.fail(err)
		}
	}
	return im.end(n, len(im.inClear()))
}

func (app *App) newImporter(o importOptions) (*importer, error) {
	if named := app.Env["AWS_VAULT_BACKEND"]; app.flags.backend == "" && named != "" && !slices.Contains(config.Backends, named) {
		return nil, &usageError{text: fmt.Sprintf("import: AWS_VAULT_BACKEND=%s says where aws-vault keeps keys, and vault has no such keystore", named),
			hint: "say where vault is to keep them, such as: " + app.name() + " import --backend file"}
	}
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return nil, err
	}
	index, err := app.readIndex()
	if err != nil {
		return nil, err
	}
	c, err := app.choose()
	if err != nil {
		return nil, err
	}
	return &importer{App: app, importOptions: o, files: files, index: index, to: c.backend}, nil
}

func (im *importer) note(line string) {
	if !im.quiet {
		im.App.note(line)
	}
}

// fail reports what went wrong with one key; the others go on.
func (im *importer) fail(err error) {
	if !im.quiet {
		im.report(err)
	}
	im.failed = append(im.failed, err)
}

// end says what came of it all; n is how many keys were to be stored.
func (im *importer) end(n, inClear int) error {
	switch {
	case im.dryRun:
		im.note("nothing was changed: this was a dry run")
	case n > 0:
		also := "; they also stay where they were"
		if im.scrub || im.stored == 0 {
			also = ""
		}
		im.note(fmt.Sprintf("imported %d of %s into %s%s", im.stored, count(n, "key"), im.where(im.to), also))
	case len(im.keys) == 0 && len(im.failed) == 0 && !im.rewrite:
		im.note("no keys of other programs were found")
	}
	if inClear > 0 && !im.scrub && !im.dryRun && im.todo() == 0 {
		im.note(fmt.Sprintf("%s in clear; remove what is stored with: %s import credentials --scrub", count(inClear, "key still lies", "keys still lie"), im.name()))
	}
	if len(im.failed) > 0 {
		return exitError(exitCode(im.failed[0]))
	}
	return nil
}

// ask asks whether to go on.
func (im *importer) ask(ctx context.Context, keys, lines, inClear int) error {
	var what []string
	if keys > 0 {
		what = append(what, "import "+count(keys, "key"))
	}
	if im.scrub && inClear > 0 {
		what = append(what, "remove "+count(inClear, "key")+" in clear")
	}
	if lines > 0 {
		what = append(what, "rewrite "+count(lines, "line"))
	}
	return im.consent(ctx, strings.Join(what, ", "), im.yes)
}

// consent asks whether to do something. It is an error if the answer is no, or
// nobody can be asked.
func (app *App) consent(ctx context.Context, what string, yes bool) error {
	if yes {
		return nil
	}
	question := strings.ToUpper(what[:1]) + what[1:] + "? [y/N] "
	answer, err := app.Terminal.Ask(ctx, question, false)
	if err != nil {
		return &hintError{err, "say it with --yes"}
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		app.note("nothing was changed")
		return exitError(exitFailed)
	}
	return nil
}
