package sts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
)

// An MFARequest says for what a code is wanted.
type MFARequest struct {
	Serial  string
	Profile string // that is being switched to
	Wrong   bool   // AWS refused the code before
}

// A Runner goes the steps of a plan.
type Runner struct {
	Now    func() time.Time
	Cache  *Cache
	Client Client

	// Key returns the long-lived key of a profile: the stored one, or the
	// static one of the shared files.
	Key func(ctx context.Context, s Step) (Credentials, error)

	// MFA asks for a code. It fails with ErrNoCode where nobody can be asked.
	MFA func(ctx context.Context, r MFARequest) (string, error)

	// Lock takes the lock of a step, so that of many processes that need the
	// same credentials one makes the call.
	Lock func(ctx context.Context, hash string) (unlock func(), err error)

	// Note prints a line for the user.
	Note func(line string)

	Least time.Duration // life that must be left; 0: MinimumLife
	Force bool          // the last step is made anew
}

// ErrNoCode says that an MFA code is needed and that there is no way to ask.
var ErrNoCode = errors.New("an MFA code is needed, and there is no terminal to ask on")

// A CodeError reports an MFA code that cannot be one, or cannot be had.
type CodeError struct {
	Serial string
	Err    error
}

func (e *CodeError) Error() string { return fmt.Sprintf("MFA device %q: %s", e.Serial, e.Err) }

func (e *CodeError) Unwrap() error { return e.Err }

// Run returns the credentials that the plan leads to.
func (r *Runner) Run(ctx context.Context, p Plan) (Credentials, error) {
	got, err := r.step(ctx, p, len(p.Steps)-1)
	var call *CallError
	if !errors.As(err, &call) || !call.sourceGone() {
		return got, err
	}
	// A cached session that AWS no longer takes: forget what was used and go
	// the way again, once.
	dropped := false
	for i, s := range p.Steps {
		if s.Action == StoredKeys || s.Action == StaticKeys {
			continue
		}
		hash := p.Hash(i)
		if _, ok, _ := r.Cache.Get(ctx, hash, 0); ok {
			if err := r.Cache.Drop(ctx, hash); err != nil {
				return Credentials{}, err
			}
			dropped = true
		}
	}
	if !dropped {
		return Credentials{}, err
	}
	return r.step(ctx, p, len(p.Steps)-1)
}

// Cached returns what the plan leads to if the cache has it, and asks AWS
// nothing.
func (r *Runner) Cached(ctx context.Context, p Plan) (Credentials, bool, error) {
	return r.Cache.Get(ctx, p.Hash(len(p.Steps)-1), r.Least)
}

func (r *Runner) step(ctx context.Context, p Plan, i int) (Credentials, error) {
	s := p.Steps[i]
	if s.Action == StoredKeys || s.Action == StaticKeys {
		return r.Key(ctx, s)
	}
	hash := p.Hash(i)
	last := i == len(p.Steps)-1
	// Of the steps before the last only so much life is wanted as a call takes.
	least := r.Least
	if !last {
		least = 0
	}
	began := r.Now()
	if !last || !r.Force {
		got, ok, err := r.Cache.Get(ctx, hash, least)
		if ok || err != nil {
			return got, err
		}
	}
	unlock, err := r.Lock(ctx, hash)
	if err != nil {
		return Credentials{}, err
	}
	defer unlock()
	// Another process may have made it while this one waited.
	got, ok, err := r.Cache.Get(ctx, hash, least)
	if err != nil {
		return Credentials{}, err
	}
	if ok && !(last && r.Force && got.Issued.Before(began.Truncate(time.Second))) {
		return got, nil
	}
	source, err := r.step(ctx, p, i-1)
	if err != nil {
		return Credentials{}, err
	}
	got, err = r.call(ctx, p, s, source)
	if err != nil {
		return Credentials{}, err
	}
	h := Header{Hash: hash, Action: s.Action, Profile: p.Profile, RoleARN: s.RoleARN, Issued: got.Issued, Expires: got.Expires}
	for _, s := range p.Steps[:i+1] {
		h.MFA = h.MFA || s.MFASerial != ""
	}
	if s.Action == GetSessionToken {
		h.Profile = s.Profile
	}
	if err := r.Cache.Put(ctx, h, got); err != nil {
		if ctx.Err() != nil || errors.Is(err, keystore.ErrLocked) {
			return Credentials{}, err
		}
		// Good credentials are not thrown away because a disk is full.
		r.Note(fmt.Sprintf("the session cannot be cached: %s", err))
	}
	return got, nil
}

// attempts is how often a person may give a wrong MFA code.
const attempts = 3

func (r *Runner) call(ctx context.Context, p Plan, s Step, source Credentials) (Credentials, error) {
	var refused *CallError
	for try := 1; ; try++ {
		code := ""
		if s.MFASerial != "" {
			var err error
			code, err = r.MFA(ctx, MFARequest{Serial: s.MFASerial, Profile: p.Profile, Wrong: try > 1})
			if try > 1 && errors.Is(err, ErrNoCode) {
				return Credentials{}, refused
			}
			if err != nil {
				return Credentials{}, err
			}
		}
		got, err := r.Client.Call(ctx, source, s, code)
		if !errors.As(err, &refused) {
			return got, err
		}
		switch {
		case s.MFASerial != "" && refused.WrongMFACode() && !strings.Contains(refused.Message, "serial") && try < attempts:
			continue
		case s.Action == AssumeRole && refused.Code == "ValidationError" && strings.Contains(refused.Message, "DurationSeconds exceeds") && s.Duration > time.Hour && s.MFASerial == "":
			r.Note(fmt.Sprintf("%s does not allow %s: taken for 1h", s.RoleARN, short(s.Duration)))
			s.Duration = time.Hour
			continue
		}
		return got, err
	}
}
