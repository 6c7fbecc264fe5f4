package cmd

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// webIdentity returns the token that a role is assumed with.
func (app *App) webIdentity(ctx context.Context, s sts.Step) (keystore.Secret, error) {
	if s.Command != "" {
		out, err := app.printed(ctx, s, "web_identity_token_process")
		defer clear(out)
		if err != nil {
			return keystore.Secret{}, err
		}
		token, err := sts.ParseToken(out)
		if err != nil {
			return keystore.Secret{}, fmt.Errorf("profile %q: what its web_identity_token_process printed %w", s.Profile, err)
		}
		return token, nil
	}
	token, err := sts.ReadToken(app.path(s.TokenFile))
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("profile %q: web_identity_token_file %w", s.Profile, err)
	}
	return token, nil
}

// path expands a leading "~" in the path that a setting names.
func (app *App) path(setting string) string {
	if setting == "~" {
		return app.Home
	}
	if rest, ok := strings.CutPrefix(setting, "~/"); ok {
		return filepath.Join(app.Home, rest)
	}
	return setting
}
