package sts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
)

// An MFARequest says for what a code is wanted.
type MFARequest struct {
	Serial  string
	Profile string // that is being switched to
	Wrong   bool   // AWS refused the code before
	Spent   bool   // AWS may have used it up: it refused the call for something else
}

// A Runner goes the steps of a plan. It may be used by several goroutines.
type Runner struct {
	Now    func() time.Time
	Cache  *Cache
	Client Client

	// Key returns what a plan begins with and what is not cached: the stored
	// key of a profile, the static one of the shared files, what a program
	// prints, what the environment, the machine or a sign-in gives.
	Key func(ctx context.Context, s Step) (Credentials, error)

	// Token returns what the first call of a plan shows in place of a
	// signature: the token of a web identity, or of Identity Center. refused is
	// one that AWS no longer takes, zero if there is none.
	Token func(ctx context.Context, s Step, refused keystore.Secret) (keystore.Secret, error)

	// MFA asks for a code. It fails with ErrNoCode where nobody can be asked.
	MFA func(ctx context.Context, r MFARequest) (string, error)

	// Used, if not nil, hears of a code that AWS may have used up: not to be
	// sent again. taken is false where AWS said that it is no code of the
	// device's: then the device's own may still be good.
	Used func(serial, code string, taken bool)

	// Lock takes the lock of a step, so that of many processes that need the
	// same credentials one makes the call.
	Lock func(ctx context.Context, hash string) (unlock func(), err error)

	// Note prints a line for the user.
	Note func(line string)

	Least time.Duration // life that must be left; 0: MinimumLife
	Until time.Time     // what the plan leads to may not end later, as far as AWS allows; zero: any time
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
	one := run{Runner: r, plan: p, said: make(map[string]bool)}
	got, _, err := one.step(ctx, len(p.Steps)-1, "")
	return got, err
}

// Cached returns what the plan leads to if the cache has it, and asks AWS
// nothing.
func (r *Runner) Cached(ctx context.Context, p Plan) (Credentials, bool, error) {
	last := len(p.Steps) - 1
	got, h, ok, err := r.cached(ctx, p, last, r.Least)
	return got, ok && p.vouched(last, h), err
}

// cached returns what step i of a plan gives if the cache has it: the very
// session, or one of its family, which spares a person the question.
func (r *Runner) cached(ctx context.Context, p Plan, i int, least time.Duration) (Credentials, Header, bool, error) {
	hash, family, now := p.Hash(i), p.Family(i), r.Cache.Now()
	good := func(h Header) bool { return h.Fresh(now, least) && !r.outlives(p, i, h) }
	got, h, ok, err := r.Cache.find(ctx, func(h Header) bool { return h.Hash == hash && good(h) })
	if !ok && err == nil && family != "" {
		got, h, ok, err = r.Cache.find(ctx, func(h Header) bool { return h.Family == family && good(h) })
	}
	if err != nil && isFileError(err) {
		return Credentials{}, Header{}, false, nil // a cache without its key has nothing
	}
	return got, h, ok, err
}

// CallLife is what credentials must have left that only sign the next call. It
// is short, because to renew them may need a person.
const CallLife = time.Minute

// run is one way through a plan.
type run struct {
	*Runner
	plan  Plan
	other error           // the key is not the one that was planned with
	said  map[string]bool // what the user has been told of, by format
}

// note tells the user of something, once.
func (r *run) note(format string, args ...any) {
	if !r.said[format] {
		r.said[format] = true
		r.Note(fmt.Sprintf(format, args...))
	}
}

// step returns what step i gives, and whether that was cached. gone is the id
// of a cached session that AWS no longer takes.
func (r *run) step(ctx context.Context, i int, gone string) (got Credentials, cached bool, err error) {
	s := r.plan.Steps[i]
	if !s.Action.cached() {
		got, err := r.Key(ctx, s)
		if err == nil && (s.Action == StoredKeys || s.Action == StaticKeys) && got.AccessKeyID != s.AccessKeyID {
			r.other = fmt.Errorf("the key of profile %q is %s, and not %q", s.Profile, got.AccessKeyID, s.AccessKeyID)
		}
		if err == nil {
			_, err = r.vouch(ctx, i, got, "")
		}
		if err != nil {
			return Credentials{}, false, err
		}
		return got, false, nil
	}
	least, force := CallLife, false
	if i == len(r.plan.Steps)-1 {
		least, force = r.Least, r.Force
	}
	old, h, ok, err := r.cached(ctx, r.plan, i, least)
	if err != nil {
		return Credentials{}, false, err
	}
	if ok && !force && old.AccessKeyID != gone && r.plan.vouched(i, h) {
		return old, true, nil
	}
	unlock, err := r.Lock(ctx, cmp.Or(r.plan.Family(i), r.plan.Hash(i)))
	if err != nil {
		return Credentials{}, false, err
	}
	defer unlock()
	for {
		got, h, ok, err := r.cached(ctx, r.plan, i, least)
		switch {
		case err != nil:
			return Credentials{}, false, err
		case ok && got.AccessKeyID == gone:
			// Whether or not there will be another: nobody shall find this one.
			if err := r.Cache.Drop(ctx, h.Hash); err == nil {
				continue
			}
		case ok && !(force && got.AccessKeyID == old.AccessKeyID):
			// Another process has made it while this one waited; or it is of an
			// account that has yet to be asked for.
			if err := r.vouchCached(ctx, i, h, got); err != nil {
				return Credentials{}, false, err
			}
			return got, true, nil
		}
		got, err = r.make(ctx, i)
		return got, false, err
	}
}

// make makes the call of step i and caches what it gives.
func (r *run) make(ctx context.Context, i int) (Credentials, error) {
	// First what may fail or ask, and then what uses up an MFA code.
	key, uncached := r.Cache.Key(ctx)
	if uncached != nil && !isFileError(uncached) {
		return Credentials{}, uncached
	}
	defer clear(key)
	source, cached, err := r.source(ctx, i, Credentials{})
	if err != nil {
		return Credentials{}, err
	}
	got, err := r.call(ctx, i, source)
	var refused *CallError
	if errors.As(err, &refused) && (cached && refused.sourceGone() || i == 0 && refused.tokenGone()) {
		if source, _, err = r.source(ctx, i, source); err != nil {
			return Credentials{}, err
		}
		got, err = r.call(ctx, i, source)
	}
	if err != nil {
		return Credentials{}, err
	}
	h := r.header(i, got)
	var unsure error
	var other *AccountError
	if h.Account, unsure = r.vouch(ctx, i, got, ""); errors.As(unsure, &other) {
		return Credentials{}, unsure
	}
	switch {
	case uncached != nil:
	case r.other != nil:
		// Under this hash it would pass for a session of the key in the plan.
		uncached = r.other
	default:
		uncached = r.Cache.put(ctx, key, h, got)
	}
	if uncached != nil && ctx.Err() != nil {
		return Credentials{}, ctx.Err()
	}
	if uncached != nil {
		// Good credentials are not thrown away because a disk is full.
		r.note("the session cannot be cached: %s", uncached)
	}
	if unsure != nil {
		return Credentials{}, unsure // it was not thrown away: it may have cost an MFA code
	}
	return got, nil
}

// source returns what the call of step i is made with: what the step before it
// gives, or a token; gone is what AWS no longer takes.
func (r *run) source(ctx context.Context, i int, gone Credentials) (got Credentials, cached bool, err error) {
	if i > 0 {
		return r.step(ctx, i-1, gone.AccessKeyID)
	}
	token, err := r.Token(ctx, r.plan.Steps[0], gone.SessionToken)
	return Credentials{SessionToken: token}, false, err
}

func (r *run) header(i int, got Credentials) Header {
	s := r.plan.Steps[i]
	h := Header{Hash: r.plan.Hash(i), Action: s.Action, Profile: r.plan.Profile, RoleARN: s.RoleARN, Issued: got.Issued, Expires: got.Expires}
	if s.Action == GetSessionToken {
		h.Profile, h.Family = s.Profile, r.plan.Family(i)
	}
	for _, s := range r.plan.Steps[:i+1] {
		h.MFA = h.MFA || s.MFASerial != ""
	}
	return h
}

// isFileError reports whether err is about a file that cannot be read or
// written, and not about a keystore that is locked.
func isFileError(err error) bool {
	var file *fs.PathError
	return errors.As(err, &file)
}

// attempts is how often a person may give a wrong MFA code.
const attempts = 3

// call makes the call of step i. It asks for an MFA code where one is needed,
// and again where AWS does not take it.
func (r *run) call(ctx context.Context, i int, source Credentials) (Credentials, error) {
	s := r.plan.Steps[i]
	ask := MFARequest{Serial: s.MFASerial, Profile: r.plan.Profile}
	var codes []string // used up
	var refused *CallError
	for wrong := 0; ; {
		code := ""
		// AWS takes no MFA code with temporary keys.
		if s.MFASerial != "" && source.SessionToken.IsZero() {
			var err error
			code, err = r.code(ctx, ask)
			if refused != nil && errors.Is(err, ErrNoCode) {
				return Credentials{}, refused
			}
			if err != nil {
				return Credentials{}, err
			}
			if slices.Contains(codes, code) {
				// AWS accepts a code once: it need not be asked.
				if wrong++; wrong == attempts {
					return Credentials{}, refused
				}
				ask.Wrong, ask.Spent = true, false
				continue
			}
			codes = append(codes, code)
		}
		s.Duration = r.life(i, s.Duration)
		got, err := r.Client.Call(ctx, source, s, code)
		if code != "" && r.Used != nil && spentCode(err) {
			var refusal *CallError
			r.Used(s.MFASerial, code, !(errors.As(err, &refusal) && refusal.WrongMFACode()))
		}
		if err == nil {
			r.noteSkew(got.Skew)
			return got, nil
		}
		if !errors.As(err, &refused) {
			return Credentials{}, err
		}
		switch {
		case code != "" && refused.WrongMFACode() && !refused.wrongDevice():
			if wrong++; wrong == attempts {
				return Credentials{}, err
			}
			ask.Wrong, ask.Spent = true, false
		case refused.tooLong() && s.Duration > time.Hour:
			// It is not known whether AWS counts the code as used.
			ask.Wrong, ask.Spent = false, code != ""
			how := "taken for 1h"
			if code != "" {
				how = "for 1h another MFA code is needed"
			}
			r.note("%s does not allow %s: %s", s.RoleARN, short(s.Duration), how)
			s.Duration = time.Hour
		default:
			return Credentials{}, err
		}
	}
}

// code asks for an MFA code.
func (r *run) code(ctx context.Context, ask MFARequest) (string, error) {
	code, err := r.MFA(ctx, ask)
	if err != nil {
		return "", err
	}
	// What is no code would come back in AWS's message (AWS STS API Reference,
	// GetSessionToken: TokenCode is six digits).
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		return "", &CodeError{ask.Serial, errors.New("an MFA code is six digits")}
	}
	return code, nil
}

// noteSkew says that the clock of this machine is wrong.
func (r *run) noteSkew(skew time.Duration) {
	how := "ahead of"
	if skew < 0 {
		how = "behind"
	}
	if skew != 0 {
		r.note("the clock of this machine is %s %s AWS's: set it right", short(skew.Abs()), how)
	}
}
