package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

func (app *App) resetCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "reset",
		Short: "remove all that vault keeps: keys, sessions, state",
		Long: `reset removes all that vault keeps on this machine, after it has listed it and
asked: stored access keys, wherever they are, cached sessions and sign-ins, the
index, and what rests in the kernel. The AWS config and config.toml stay, and
keys stay valid at AWS.`,
		Example: "  vault reset",
		Args:    app.atMost(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return app.reset(c.Context(), yes)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// A removal is one thing that reset removes.
type removal struct {
	what   string
	remove func(context.Context) error
}

func (app *App) reset(ctx context.Context, yes bool) error {
	app.Arm()
	removals, err := app.removals(ctx)
	if err != nil {
		return err
	}
	if len(removals) == 0 {
		app.note("there is nothing to remove")
		return nil
	}
	app.note("this is removed, for good:")
	for _, r := range removals {
		app.note("  " + r.what)
	}
	if !yes {
		answer, err := app.Terminal.Ask(ctx, `Type "reset" to remove it: `, false)
		if err != nil {
			return &hintError{err, "say it with --yes"}
		}
		if strings.TrimSpace(answer) != "reset" {
			app.note("nothing was removed")
			return exitError(exitFailed)
		}
	}
	var errs several
	for _, r := range removals {
		if err := r.remove(ctx); err != nil && !errors.Is(err, keystore.ErrNotFound) && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("%s: %w", r.what, err))
		}
	}
	if err := errs.join(); err != nil {
		return err
	}
	app.note("removed")
	return nil
}

// removals lists what there is to remove. Keys come first: the index, which
// says where they are, goes last.
func (app *App) removals(ctx context.Context) ([]removal, error) {
	var list []removal
	c, err := app.choose()
	if err != nil {
		return nil, err
	}
	// Of all keystores, whichever was named: the index goes, and without it
	// nobody would find a key that stays.
	backends, err := app.backends(c)
	if err != nil {
		return nil, err
	}
	for _, backend := range backends {
		if backend == config.BackendFile {
			continue // goes whole, with or without its passphrase
		}
		store, err := app.open(backend)
		if err != nil {
			return nil, err
		}
		keys, err := store.Keys(ctx)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			list = append(list, removal{
				fmt.Sprintf("%s in %s", describe(key), app.where(backend)),
				func(ctx context.Context) error { return store.Delete(ctx, key) },
			})
		}
	}
	file := func(path, what string) {
		if exists(path) {
			list = append(list, removal{fmt.Sprintf("%s (%s)", tilde(path, app.Home), what), func(context.Context) error { return os.Remove(path) }})
		}
	}
	index, _ := app.readIndex() // a broken one goes too
	what := "the sealed keystore"
	var names []string
	for _, profile := range sortedKeys(index.Keys) {
		if e := index.Keys[profile]; backendOf(index, e) == config.BackendFile {
			name := fmt.Sprintf("%s of profile %q", e.AccessKeyID, profile)
			if e.Rotating {
				name += " (and its unfinished rotation)"
			}
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		what += " with " + strings.Join(names, ", ")
	}
	file(app.keysFile(), what)
	file(app.sessionsFile(), "cached sessions")
	file(app.recentFile(), "which profiles were used")
	file(app.journalFile(), "the journal")
	file(olderJournal(app.journalFile()), "the older journal")
	file(app.tokensFile(), "sign-ins to Identity Center")
	for _, description := range []string{keystore.DataKeyDescription(app.keysFile()), keystore.SealingKeyDescription(app.keysFile())} {
		key := app.KernelKey(description, 0, mostRest)
		if held, ok := key.Load(ctx); ok {
			clear(held)
			list = append(list, removal{"a key that rests in the kernel", func(context.Context) error { return key.Drop() }})
		}
	}
	file(app.indexFile(), "the index of the keys")
	file(app.recentFile(), "the profiles used last")
	file(app.trustFile(), "the folders that are allowed")
	file(app.indexFile()+".broken", "left over")
	file(app.keysFile()+".unlock.lock", "left over")
	for _, path := range []string{app.keysFile(), app.indexFile(), app.sessionsFile(), app.tokensFile(), app.trustFile()} {
		file(path+".lock", "left over")
	}
	if dir := app.backups(); exists(dir) {
		list = append(list, removal{tilde(dir, app.Home) + " (config files as they were, with keys: nothing opens them afterwards)", func(context.Context) error { return removeOwn(dir) }})
	}
	if dir := app.locks(); exists(dir) {
		list = append(list, removal{tilde(dir, app.Home) + " (locks)", func(context.Context) error { return removeOwn(dir) }})
	}
	return list, nil
}

// removeOwn removes the files of a folder of ours, and the folder if it is
// empty then.
func removeOwn(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	_ = os.Remove(dir)
	return nil
}
