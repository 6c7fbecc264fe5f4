package sts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
)

// readOnlyPolicy is the name of AWS's own policy that allows reading and
// nothing else (AWS Managed Policy Reference, ReadOnlyAccess).
const readOnlyPolicy = "iam::aws:policy/ReadOnlyAccess"

// A ReadOnlyError reports credentials that AWS attaches no policy to.
type ReadOnlyError struct {
	Profile string
	Why     string
}

func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("profile %q: --read-only needs a role that is assumed: %s", e.Profile, e.Why)
}

// noPolicy says of the last step of a plan why no policy can be attached.
var noPolicy = map[Action]string{
	StoredKeys:         "a user's own key takes no policy",
	StaticKeys:         "the keys in the shared files are used as they are",
	GetSessionToken:    "a user's own session takes no policy",
	CredentialProcess:  "what a credential_process gives is used as it is",
	CredentialSource:   "what the machine gives is used as it is",
	LoginSession:       "a sign-in session takes no policy",
	SSORoleCredentials: "what a role of Identity Center may do is set by its permission set",
}

// readOnly attaches the session policy to the last step: a role in the middle
// is there to assume the next.
func (p *Plan) readOnly() error {
	last := &p.Steps[len(p.Steps)-1]
	if last.Action != AssumeRole && last.Action != AssumeRoleWithWebIdentity {
		return &ReadOnlyError{p.Profile, noPolicy[last.Action]}
	}
	partition, ok := config.PartitionOfARN(last.RoleARN)
	if !ok {
		return &ReadOnlyError{p.Profile, fmt.Sprintf("%s is in a partition that vault does not know", last.RoleARN)}
	}
	last.PolicyARNs = []string{"arn:" + partition.Name + ":" + readOnlyPolicy}
	return nil
}

// accountOf returns the account in the ARN of a role, "" where there is none.
func accountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

// ReadOnly reports whether what the plan leads to can read and nothing else.
func (p Plan) ReadOnly() bool { return len(p.Last().PolicyARNs) > 0 }

// A Pin is the only account that a plan may lead into, and the STS that is
// asked whether it does. The zero Pin is any account.
type Pin struct {
	Account  string // twelve digits
	Region   string
	Endpoint string // URL, where one is configured
}

// An AccountError reports credentials of another account than the pinned one.
type AccountError struct {
	Profile string
	Want    string
	Got     string
}

func (e *AccountError) Error() string {
	return fmt.Sprintf("profile %q leads into account %s, and its account_id is %s", e.Profile, e.Got, e.Want)
}

// pinned checks what can be told without a call: a role's account stands in
// its ARN.
func (p *Plan) pinned() error {
	last := p.Last()
	got := cmp.Or(last.SSOAccount, accountOf(last.RoleARN))
	if got != "" && got != p.Pin.Account {
		return &AccountError{p.Profile, p.Pin.Account, got}
	}
	return nil
}

// vouched reports whether a cached session is known to be of the account that
// the plan is pinned to.
func (p *Plan) vouched(i int, h Header) bool {
	return i < len(p.Steps)-1 || p.Pin.Account == "" || h.Account == p.Pin.Account
}

// vouch returns the account of the credentials that the plan leads to, "" where
// any will do. It is an *AccountError if they are of another than they must be.
func (r *run) vouch(ctx context.Context, i int, got Credentials, known string) (account string, err error) {
	pin := r.plan.Pin
	if i < len(r.plan.Steps)-1 || pin.Account == "" {
		return known, nil
	}
	if known == "" {
		who, err := r.Client.Caller(ctx, got, pin.Region, pin.Endpoint)
		if err != nil {
			return "", err
		}
		known = who.Account
	}
	if known != pin.Account {
		return "", &AccountError{r.plan.Profile, pin.Account, known}
	}
	return known, nil
}

// vouchCached vouches for a cached session, for all that find it from now on;
// one of another account is forgotten. The step's lock must be held.
func (r *run) vouchCached(ctx context.Context, i int, h Header, got Credentials) error {
	account, err := r.vouch(ctx, i, got, h.Account)
	var other *AccountError
	if errors.As(err, &other) {
		if err := r.Cache.Drop(ctx, h.Hash); err != nil {
			r.note("the session stays cached: %s", err)
		}
	}
	if err != nil || account == h.Account {
		return err
	}
	h.Account = account
	if err := r.Cache.Put(ctx, h, got); err != nil {
		r.note("the session cannot be cached: %s", err)
	}
	return nil
}

// life returns for how long to ask where d is wanted, so that what the plan
// leads to ends when Until says: never less than AWS gives.
func (r *run) life(i int, d time.Duration) time.Duration {
	if i < len(r.plan.Steps)-1 || r.Until.IsZero() {
		return d
	}
	return min(d, max(leastDuration, r.Until.Sub(r.Now()).Truncate(time.Second)))
}

// outlives reports whether what step i of a plan gives ends later than it may,
// where it could be asked for less.
func (r *Runner) outlives(p Plan, i int, h Header) bool {
	if i < len(p.Steps)-1 || r.Until.IsZero() || p.Steps[i].Duration == 0 {
		return false
	}
	most := r.Now().Add(leastDuration)
	if r.Until.After(most) {
		most = r.Until
	}
	// The call that asked for it took a while.
	return h.Expires.After(most.Add(clockTolerance))
}
