package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// serial returns the MFA device that the profile names, "" if it names none.
func (r *rotation) serial() string {
	return cmp.Or(r.Env["AWS_MFA_SERIAL"], r.profile.Get("mfa_serial"), r.stored.MFASerial)
}

func credentialsOf(key keystore.UserKey) sts.Credentials {
	return sts.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}
}

// signIn gets what IAM is called with: the first key itself or, where the
// profile names an MFA device, a session: one of any of these keys that is
// cached, else a new one of the first. A session of a key outlives it (IAM
// User Guide, "Disabling permissions for temporary security credentials").
func (r *rotation) signIn(ctx context.Context, keys ...keystore.UserKey) error {
	serial := r.serial()
	if serial == "" {
		r.with, r.by = credentialsOf(keys[0]), keys[0].AccessKeyID
		return nil
	}
	for i := len(keys) - 1; i >= 0; i-- {
		run, plan, err := r.session(keys[i], serial)
		if err != nil {
			return err
		}
		creds, ok, err := run.Cached(ctx, plan)
		if err == nil && !ok && i == 0 {
			creds, err = run.Run(ctx, plan)
			ok = err == nil
		}
		if err != nil {
			return err
		}
		if ok {
			r.with, r.by = creds, keys[i].AccessKeyID
			return nil
		}
	}
	return nil
}

// session plans an MFA session of a key, as "use" does: it is found in the
// cache, and is found there by others.
func (r *rotation) session(key keystore.UserKey, serial string) (*sts.Runner, sts.Plan, error) {
	name := r.profile.Name
	endpoint, _ := config.Endpoint(r.getenvBefore, r.profile, r.files, "sts")
	region := r.profile.Region()
	if partition, ok := config.PartitionOfARN(serial); ok && region == "" {
		region = partition.STSRegion
	}
	plan := sts.Plan{Profile: name, Region: region, Steps: []sts.Step{
		{Action: sts.StoredKeys, Profile: name, AccessKeyID: key.AccessKeyID},
		{Action: sts.GetSessionToken, Profile: name, MFASerial: serial, Duration: time.Hour, Endpoint: endpoint, Region: cmp.Or(region, "us-east-1")},
	}}
	run, err := r.runner(resolved{r.files, []*config.Profile{r.profile}, plan}, r.opts.session, false)
	if err == nil {
		run.Key = func(context.Context, sts.Step) (sts.Credentials, error) { return credentialsOf(key), nil }
	}
	return run, plan, err
}

// iam says how to ask for the keys of the user with an ARN.
func (r *rotation) iam(arn string) {
	endpoint, _ := config.Endpoint(r.getenvBefore, r.profile, r.files, "iam")
	partition, _ := config.PartitionOfARN(arn)
	r.keys = sts.Keys{IAM: r.client(r.profile), Partition: partition.Name, Endpoint: endpoint, User: sts.UserName(arn)}
}

// asNew has IAM do something in the name of the new key: with the session that
// there is, which the old one may have made, and where AWS no longer takes
// that, with the new key's own.
func (r *rotation) asNew(ctx context.Context, do func(sts.Credentials) error) error {
	if r.with.AccessKeyID == "" || r.serial() == "" {
		if err := r.signIn(ctx, r.journal.New, r.journal.Old); err != nil {
			return err
		}
	}
	return r.patiently(ctx, func() error {
		err := do(r.with)
		var call *sts.CallError
		if r.by == r.journal.New.AccessKeyID || !errors.As(err, &call) || !call.Unknown() && call.Code != "ExpiredToken" {
			return err
		}
		if err := r.signIn(ctx, r.journal.New); err != nil {
			return err
		}
		return do(r.with)
	})
}

// patience is how long AWS may take to hear of a new key everywhere. It is
// seconds as a rule (IAM User Guide, "Changes that I make are not always
// immediately visible").
const patience = time.Minute

// patiently does what fails as long as not all of AWS has heard of a key that
// is new, or that is gone.
func (r *rotation) patiently(ctx context.Context, do func() error) error {
	end := r.Now().Add(patience)
	for pause := time.Second; ; pause = min(2*pause, 8*time.Second) {
		err := do()
		var call *sts.CallError
		if !errors.As(err, &call) || !call.Unknown() && !(r.freed && call.Code == "LimitExceeded") || r.Now().Add(pause).After(end) {
			return err
		}
		what := fmt.Sprintf("AWS does not know %s yet: trying again in ", call.AccessKeyID)
		if !call.Unknown() {
			what = "AWS still counts the key that was deleted: trying again in "
		}
		if err := r.countdown(ctx, pause, what); err != nil {
			return err
		}
	}
}
