// Package sts turns a plan, the list of steps that leads from a profile to
// credentials, into credentials: from the session cache where it can, else by
// calls to AWS.
//
// It knows profiles only as the package config resolves them and keys only as
// the package keystore gives them out; terminals, prompts and the names of
// environment variables belong to its caller.
package sts

import (
	"time"

	"github.com/shellvault/vault/keystore"
)

// Credentials are what AWS calls are signed with. Long-lived keys have no
// session token and never expire; of temporary ones in the shared files it is
// not known when they do.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey keystore.Secret
	SessionToken    keystore.Secret
	Issued          time.Time
	Expires         time.Time // zero: never, or not known

	// Skew is by how much our clock was ahead of AWS's when they were issued,
	// if that is worth a word. Issued and Expires are by our clock.
	Skew time.Duration
}

// Left returns how long c lives after now; ok is false where it never ends.
func (c Credentials) Left(now time.Time) (left time.Duration, ok bool) {
	if c.Expires.IsZero() {
		return 0, false
	}
	return c.Expires.Sub(now), true
}

// MinimumLife returns how much life credentials that were issued for life must
// have left to be handed out: five minutes, or a twelfth of a short life.
func MinimumLife(life time.Duration) time.Duration {
	return min(5*time.Minute, life/12)
}

// RenewalWindow returns how long before their end credentials that were issued
// for life are renewed: ten minutes, or a sixth of a short life.
func RenewalWindow(life time.Duration) time.Duration {
	return min(10*time.Minute, life/6)
}

// clockTolerance is by how much two clocks may differ before it matters.
const clockTolerance = time.Minute

// fresh reports whether a session may still be handed out at now. least, where
// it is not zero, replaces the minimum life; what the issuer does not give
// longer than that is good until half of it is gone.
func fresh(issued, expires, now time.Time, least time.Duration) bool {
	if expires.IsZero() {
		return true
	}
	if !alive(issued, expires, now) {
		return false
	}
	life := expires.Sub(issued)
	if least == 0 {
		least = MinimumLife(life)
	}
	return expires.Sub(now) > min(least, life/2)
}

// alive reports whether a session has not ended at now. One that was issued
// later than now tells that the clock has been set back since: when it ends
// is not known then.
func alive(issued, expires, now time.Time) bool {
	return expires.After(now) && !issued.After(now.Add(clockTolerance))
}
