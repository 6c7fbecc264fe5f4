package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

type migrateOptions struct {
	from, to string
	profiles []string
	dryRun   bool
	remove   bool
}

func (app *App) migrateCommand() *cobra.Command {
	var opts migrateOptions
	c := &cobra.Command{
		Use:   "migrate --from KEYSTORE --to KEYSTORE",
		Short: "copy the stored keys to another keystore",
		Long: `migrate copies keys from one keystore to another, reads each back and compares
it. From then on the copies are used. With --delete the originals are removed,
once all copies are good; without it they stay where they are.`,
		Example: "  vault migrate --from file --to secret-service --dry-run\n  vault migrate --from file --to secret-service --delete",
		Args:    app.atMost(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return app.migrate(c.Context(), opts)
		},
	}
	c.Flags().StringVar(&opts.from, "from", "", "the `KEYSTORE` that has the keys")
	c.Flags().StringVar(&opts.to, "to", "", "the `KEYSTORE` that gets them")
	c.Flags().StringArrayVar(&opts.profiles, "profile", nil, "only the key of this `PROFILE`; may be repeated")
	c.Flags().BoolVar(&opts.dryRun, "dry-run", false, "say what would be copied, and change nothing")
	c.Flags().BoolVar(&opts.remove, "delete", false, "remove the originals when all copies are good")
	for _, flag := range []string{"from", "to"} {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(config.Backends, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = c.RegisterFlagCompletionFunc("profile", app.completeKey)
	return c
}

func (o migrateOptions) check() error {
	for flag, backend := range map[string]string{"--from": o.from, "--to": o.to} {
		if backend == "" {
			return &usageError{text: "migrate: " + flag + " is missing", hint: "keystores are: " + strings.Join(config.Backends, ", ")}
		}
		if !slices.Contains(config.Backends, backend) {
			return unknownBackend(flag, backend)
		}
	}
	if o.from == o.to {
		return usageErrorf("migrate: --from and --to are both %q", o.from)
	}
	return nil
}

func (app *App) migrate(ctx context.Context, o migrateOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	from, err := app.open(o.from)
	if err != nil {
		return err
	}
	to, err := app.open(o.to)
	if err != nil {
		return err
	}
	all, err := from.Keys(ctx)
	if err != nil {
		return err
	}
	keys, err := o.choose(all)
	if err != nil {
		return err
	}
	index, err := app.readIndex()
	if err != nil {
		return err
	}
	pinned := index.Backend == o.from || index.Backend == ""
	if len(keys) == 0 {
		app.note(fmt.Sprintf("there is nothing of vault's in %s", app.where(o.from)))
		return nil
	}
	copies := slices.Clone(keys)
	if !pinned || len(keys) < len(all) {
		// What vault keeps for itself counts in the pinned keystore alone.
		copies = slices.DeleteFunc(copies, func(key string) bool { return !ofProfile(key) })
	}
	if o.dryRun {
		for _, key := range copies {
			app.note(fmt.Sprintf("would copy %s to %s", describe(key), app.where(o.to)))
		}
		return nil
	}
	for _, key := range copies {
		if profile, ok := keystore.ProfileOf(key); ok {
			unlock, err := app.lockRotation(profile)
			if err != nil {
				return err
			}
			defer unlock()
		}
	}
	for _, key := range copies {
		if err := copyKey(ctx, from, to, key); err != nil {
			return fmt.Errorf("%s: %w: the originals are untouched", describe(key), err)
		}
		app.note(fmt.Sprintf("copied %s to %s", describe(key), app.where(o.to)))
	}
	// The copies are good: they count from now on, whatever becomes of the
	// originals.
	if err := app.moved(ctx, o, keys, len(keys) == len(all)); err != nil {
		return fmt.Errorf("the keys are copied, but the index still names the originals: %w", err)
	}
	if !o.remove {
		app.note(fmt.Sprintf("the originals are still in %s; --delete removes them", app.where(o.from)))
		return nil
	}
	for _, key := range keys {
		if err := from.Delete(ctx, key); err != nil && !errors.Is(err, keystore.ErrNotFound) {
			return fmt.Errorf("%s: copied, but the original is not removed: %w", describe(key), err)
		}
	}
	app.note(fmt.Sprintf("removed the originals from %s", app.where(o.from)))
	return nil
}

// choose returns the keys to be copied: all, or those of the profiles named.
func (o migrateOptions) choose(all []string) ([]string, error) {
	if len(o.profiles) == 0 {
		return all, nil
	}
	var keys []string
	for _, profile := range o.profiles {
		key := keystore.KeyName(profile)
		if !slices.Contains(all, key) {
			return nil, usageErrorf("migrate: the keystore %q holds no key of profile %q", o.from, profile)
		}
		keys = append(keys, key)
		if key := keystore.RotationName(profile); slices.Contains(all, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// errOther reports a copy that would replace something else.
var errOther = errors.New("another value is there already")

// copyKey copies one value and compares what was kept. It never replaces
// another value: that would be a key lost.
func copyKey(ctx context.Context, from, to keystore.Store, key string) error {
	value, err := from.Get(ctx, key)
	if err != nil {
		return err
	}
	there, err := to.Get(ctx, key)
	switch {
	case err == nil && there.Reveal() == value.Reveal():
		return nil
	case err == nil && ofProfile(key):
		return &hintError{errOther, "remove one of the two first: --backend says from which keystore"}
	case err != nil && !errors.Is(err, keystore.ErrNotFound):
		return err
	}
	return keystore.SetAndCompare(ctx, to, key, value)
}

// moved notes in the index where the keys are now; the pin goes with all of
// them.
func (app *App) moved(ctx context.Context, o migrateOptions, keys []string, all bool) error {
	return keystore.UpdateIndex(ctx, app.indexFile(), func(x *keystore.Index) error {
		if x.Backend == "" {
			x.Backend = o.from
		}
		pin := x.Backend
		if all && pin == o.from {
			pin = o.to
		}
		for profile, e := range x.Keys {
			at := backendOf(*x, e)
			if at == o.from && slices.Contains(keys, keystore.KeyName(profile)) {
				at = o.to
			}
			if e.Backend = at; at == pin {
				e.Backend = ""
			}
			x.Keys[profile] = e
		}
		x.Backend = pin
		return nil
	})
}

// ofProfile reports whether what is kept under a key is a profile's, and not
// vault's own.
func ofProfile(key string) bool {
	_, stored := keystore.ProfileOf(key)
	_, rotating := keystore.RotationOf(key)
	return stored || rotating
}

// describe names what is kept under a key, for a person.
func describe(key string) string {
	if profile, ok := keystore.ProfileOf(key); ok {
		return fmt.Sprintf("the access key of profile %q", profile)
	}
	if profile, ok := keystore.RotationOf(key); ok {
		return fmt.Sprintf("the unfinished rotation of the key of profile %q", profile)
	}
	return fmt.Sprintf("vault's own %q", key[strings.LastIndexByte(key, '/')+1:])
}
