package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/keystore"
)

func (app *App) removeCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:               "remove [PROFILE]",
		Short:             "remove the stored access key of a profile",
		Long:              "remove deletes the access key of a profile from the keystore. The profile stays in the config file, and the key stays valid at AWS.",
		Example:           "  vault remove work",
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeKey,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				name, err := app.pick(c, app.keyMenu)
				if err != nil {
					return err
				}
				args = []string{name}
			}
			return app.remove(c.Context(), args[0], yes)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (app *App) remove(ctx context.Context, profile string, yes bool) error {
	backend, err := app.keeper(profile)
	if err != nil {
		return err
	}
	store, err := app.open(backend)
	if err != nil {
		return err
	}
	index, err := app.readIndex()
	if err != nil {
		return err
	}
	entry, known := index.Keys[profile]
	elsewhere := ""
	if known && backendOf(index, entry) != backend {
		// It stays, in the index too: another keystore was named.
		elsewhere, known = backendOf(index, entry), false
	}
	if state, err := store.State(ctx); err == nil && state == keystore.Absent && !known {
		return app.noStoredKey(profile, elsewhere)
	}
	if known && entry.Rotating {
		app.note(fmt.Sprintf("a rotation of this key is unfinished, and is forgotten with it: to go on with it: %s rotate %s --resume", app.name(), word(profile)))
	}
	if !yes {
		what := fmt.Sprintf("Remove the access key of profile %q", profile)
		if known {
			what = fmt.Sprintf("Remove access key %s of profile %q", entry.AccessKeyID, profile)
		}
		answer, err := app.Terminal.Ask(ctx, what+"? [y/N] ", false)
		if err != nil {
			return &hintError{err, "say it with --yes"}
		}
		if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
			app.note("nothing was removed")
			return exitError(exitFailed)
		}
	}
	unlock, err := app.lockRotation(profile)
	if err != nil {
		return err
	}
	defer unlock()
	err = store.Delete(ctx, keystore.KeyName(profile))
	if errors.Is(err, keystore.ErrNotFound) && known {
		err = nil // the index knew more than there was: put that right
	} else if errors.Is(err, keystore.ErrNotFound) {
		return app.noStoredKey(profile, elsewhere)
	} else if err != nil {
		return fmt.Errorf("access key of profile %q: %w", profile, err)
	}
	rotation, err := keystore.GetRotation(ctx, store, profile)
	if err == nil && rotation.New.AccessKeyID != "" {
		app.note(fmt.Sprintf("its rotation had made %s of %s: at AWS both may still be valid", rotation.New.AccessKeyID, rotation.Old.AccessKeyID))
	}
	if err := keystore.DeleteRotation(ctx, store, profile); err != nil {
		return err
	}
	err = keystore.UpdateIndex(ctx, app.indexFile(), func(x *keystore.Index) error {
		if e, ok := x.Keys[profile]; ok && backendOf(*x, e) == backend {
			delete(x.Keys, profile)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the key is removed, but not from its index: %w", err)
	}
	app.note(fmt.Sprintf("removed the access key of profile %q; at AWS it is still valid", profile))
	if elsewhere != "" {
		app.note(fmt.Sprintf("the one in %s stays", app.where(elsewhere)))
	}
	return nil
}

// noStoredKey reports a profile without a key in the keystore, while another
// one may have it.
func (app *App) noStoredKey(profile, elsewhere string) error {
	err := fmt.Errorf("profile %q: no access key is stored for it", profile)
	if elsewhere != "" {
		return &hintError{err, otherBackend(elsewhere)}
	}
	return &hintError{err, "see what is stored with: " + app.name() + " list"}
}

// otherBackend is the hint for a key that is not in the keystore that was named.
func otherBackend(backend string) string {
	return fmt.Sprintf("its key is in the keystore %q: leave out --backend and AWS_VAULT_BACKEND", backend)
}
