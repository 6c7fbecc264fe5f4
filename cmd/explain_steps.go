package cmd

import (
	"context"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// explainSteps lists the steps: from the last that is cached on, those before
// it are not gone.
func (app *App) explainSteps(ctx context.Context, x *explanation, r resolved, o sessionOptions) error {
	least, err := app.least(o)
	if err != nil {
		return err
	}
	headers, families := map[string]sts.Header{}, map[string]sts.Header{}
	for _, h := range app.cache(nil).Headers() {
		headers[h.Hash] = h
		if h.Family != "" && h.Expires.After(families[h.Family].Expires) {
			families[h.Family] = h
		}
	}
	index, err := app.readIndex()
	if err != nil {
		return err
	}
	steps := r.plan.Steps
	needed := true
	x.Steps = make([]stepJSON, len(steps))
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		j := stepJSON{Action: s.Action, Profile: s.Profile, AccessKeyID: s.AccessKeyID, RoleARN: s.RoleARN, PolicyARNs: s.PolicyARNs, MFASerial: s.MFASerial,
			Source: s.Source, TokenFile: s.TokenFile, Command: s.Command, Login: s.Login,
			SSOSession: s.SSOSession, SSOStartURL: s.SSOStartURL, SSOAccount: s.SSOAccount, SSORole: s.SSORole,
			Duration: int(s.Duration / time.Second), Region: s.Region, Endpoint: s.Endpoint, Reason: app.shortened(s.Reason)}
		limit := least
		if i < len(steps)-1 {
			limit = 0
		}
		h, ok := headers[r.plan.Hash(i)]
		if family := r.plan.Family(i); !ok && family != "" {
			h, ok = families[family]
		}
		if ok && h.Fresh(app.Now(), limit) {
			j.Cached, j.Expires = true, &h.Expires
			needed = false
		}
		switch {
		case !needed:
		case s.MFASerial != "":
			if j.MFAFrom = mfaFrom(r, index, s.MFASerial); j.MFAFrom == "" {
				j.Asks = "MFA code"
			}
		case s.Action == sts.SSORoleCredentials && app.signInNeeded(r, s):
			j.Asks = "sign-in"
		case s.Action == sts.LoginSession && !app.hasLogin(r.files, s):
			j.Asks = "sign-in"
		case s.Action == sts.StoredKeys && backendOf(index, index.Keys[s.Profile]) == config.BackendFile && app.locked(ctx):
			j.Asks = "passphrase"
		}
		x.Steps[i] = j
	}
	return nil
}

// mfaFrom says what gives the codes of a device in place of a person: the
// keystore that has the device's secret, or a program; "" for a person.
func mfaFrom(r resolved, index keystore.Index, serial string) string {
	first := r.plan.Steps[0]
	if first.Action == sts.StoredKeys && index.Keys[first.Profile].MFASerial == serial {
		return "keystore"
	}
	if _, ok := mfaProcess(r, serial); ok {
		return "mfa_process"
	}
	return ""
}

// locked reports whether a person would be asked for the keystore's
// passphrase; looking asks nobody.
func (app *App) locked(ctx context.Context) bool {
	settings, err := app.ownSettings()
	if err == nil && settings.PassphraseCommand != "" || app.flags.passphraseFile != "" || app.Env["AWS_VAULT_FILE_PASSPHRASE"] != "" {
		return false
	}
	key, rests := app.KernelKey(keystore.DataKeyDescription(app.keysFile()), 0, keysMax).Load(ctx)
	clear(key)
	return !rests
}
