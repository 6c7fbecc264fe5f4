package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// checkKeyAge looks how old the stored keys are.
func (d *doctor) checkKeyAge(context.Context) []finding {
	if d.indexErr != nil {
		return nil // "keystore" says it
	}
	var list []finding
	for _, profile := range sortedKeys(d.index.Keys) {
		e := d.index.Keys[profile]
		if age := int(d.Now().Sub(e.Added) / (24 * time.Hour)); !e.Added.IsZero() && age > oldKey {
			list = append(list, warning(d.name()+" rotate "+word(profile), "the key %s of profile %q is %d days old", e.AccessKeyID, profile, age))
		}
	}
	return or(d.few(list, "old keys"), "no stored key is older than %d days", oldKey)
}

// checkRotation looks for rotations that somebody or something has interrupted.
func (d *doctor) checkRotation(context.Context) []finding {
	if d.indexErr != nil {
		return nil
	}
	var list []finding
	for _, profile := range sortedKeys(d.index.Keys) {
		if d.index.Keys[profile].Rotating {
			list = append(list, warning(d.name()+" rotate "+word(profile)+" --resume", "a rotation of the key of profile %q is unfinished", profile))
		}
	}
	return or(d.few(list, "unfinished rotations"), "none is unfinished")
}

// mostAsked bounds how many users AWS is asked about.
const mostAsked = 10

// checkSecondKey asks AWS whether the users of the stored keys have other keys
// that are active: nobody would miss one that has leaked.
func (d *doctor) checkSecondKey(ctx context.Context) []finding {
	if d.filesErr != nil || d.indexErr != nil {
		return nil // "config" and "keystore" say it
	}
	var list []finding
	asked := map[string]bool{}
	for _, profile := range sortedKeys(d.index.Keys) {
		e := d.index.Keys[profile]
		if asked[e.AccessKeyID] || len(asked) == mostAsked {
			continue
		}
		asked[e.AccessKeyID] = true
		list = append(list, d.secondKey(ctx, profile)...)
	}
	return or(list, "no user of a stored key has another one")
}

// secondKey asks about the user of a profile's key. Where the keystore is locked
// nobody is asked to open it.
func (d *doctor) secondKey(ctx context.Context, profile string) []finding {
	ctx, cancel := context.WithTimeout(ctx, networkTimeout)
	defer cancel()
	store, err := d.holding(profile)
	var key keystore.UserKey
	if err == nil {
		key, err = keystore.GetUserKey(ctx, store, profile)
	}
	if err != nil {
		return []finding{okay("profile %q: not asked, because its key cannot be read now", profile)}
	}
	p, err := d.files.Profile(profile)
	if err != nil {
		p = nil // the config no longer has it
	}
	partition := "aws"
	if p != nil {
		if of, ok := config.PartitionOfARN(p.Get("mfa_serial")); ok {
			partition = of.Name
		} else if of, ok := config.PartitionOfRegion(p.Region()); ok {
			partition = of.Name
		}
	}
	at, _ := config.Endpoint(d.getenvBefore, p, d.files, "iam")
	keys, err := sts.Keys{IAM: d.client(p), Partition: partition, Endpoint: at}.List(ctx, sts.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey})
	refused := new(sts.CallError)
	switch {
	case errors.As(err, &refused) && refused.Code == "InvalidClientTokenId":
		return []finding{failing(d.name()+" add --overwrite "+word(profile), "AWS does not know the key %s of profile %q, or it is not active", key.AccessKeyID, profile)}
	case errors.As(err, &refused) && refused.Code == "":
		return []finding{okay("profile %q: not asked, because AWS cannot be reached", profile)}
	case err != nil:
		return []finding{okay("profile %q: AWS does not tell which keys its user has", profile)}
	}
	for _, other := range keys {
		if other.ID != key.AccessKeyID && other.Active {
			return []finding{warning(fmt.Sprintf("%s rotate %s --replace %s", d.name(), word(profile), other.ID),
				"the user of profile %q has a second active key, %s, made %s", profile, other.ID, other.Created.Format(time.DateOnly))}
		}
	}
	return nil
}
