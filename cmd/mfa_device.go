package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
)

// offerDevice helps where AWS denied a role and no profile names an MFA device:
// if the user has exactly one, and a person agrees, the profile of the key
// names it from then on. It reports whether to try again.
func (app *App) offerDevice(ctx context.Context, r resolved, err error) bool {
	var refused *sts.CallError
	key := r.plan.Steps[0]
	switch {
	case !errors.As(err, &refused) || refused.Code != "AccessDenied" || refused.Step.Action != sts.AssumeRole:
		return false
	case key.Action != sts.StoredKeys && key.Action != sts.StaticKeys || !app.browses():
		return false
	case slices.ContainsFunc(r.plan.Steps, func(s sts.Step) bool { return s.MFASerial != "" }):
		return false
	}
	p, err := r.files.Profile(key.Profile)
	if err != nil {
		return false
	}
	with, err := app.key(ctx, r.files, key)
	if err != nil || !with.SessionToken.IsZero() {
		return false
	}
	partition := "aws"
	if of, ok := config.PartitionOfARN(refused.Step.RoleARN); ok {
		partition = of.Name
	}
	endpoint, _ := config.Endpoint(app.getenvBefore, p, r.files, "iam")
	devices, err := app.client(p).Devices(ctx, with, partition, endpoint)
	// Who may not ask has nothing to choose from.
	if err != nil || len(devices) != 1 {
		return false
	}
	app.note(fmt.Sprintf("AWS denied %s, and no MFA device was used", refused.Step.RoleARN))
	path := r.files.Paths.Config
	answer, err := app.Terminal.Ask(ctx, fmt.Sprintf("Your MFA device is %s, and profile %s names none. Set its mfa_serial in %s and try again? [y/N] ",
		devices[0], key.Profile, tilde(path, app.Home)), false)
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") && !strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return false
	}
	if err := config.SetValue(path, key.Profile, "mfa_serial", devices[0]); err != nil {
		app.report(err)
		return false
	}
	return true
}
