package sso

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"time"

	"github.com/shellvault/vault/keystore"
)

// Tokens gives tokens: those that are kept, those that a refresh token gives,
// and last those that a person signs in for. Of many processes that need the
// same one, one makes the call or asks.
type Tokens struct {
	Client *Client
	Now    func() time.Time

	// Own is where tokens are kept, and Other where they are only read. A
	// refresh token is used from Own alone: it may be replaced by its use, and
	// then who else has it is signed out.
	Own, Other Store

	// Lock takes the lock of a session. It fails where that would wait for a
	// person and nobody is here to be asked.
	Lock func(ctx context.Context, id string) (unlock func(), err error)

	// Prompt says how a person is asked to sign in. It fails where nobody can
	// be. done is called when the person has signed in, or has not.
	Prompt func(ctx context.Context, s Session) (p Prompt, done func(), err error)

	// Note prints a line for the user.
	Note func(line string)
}

// Get returns an access token. refused is one that AWS no longer takes, zero
// if there is none.
func (t *Tokens) Get(ctx context.Context, s Session, refused keystore.Secret) (keystore.Secret, error) {
	if got, ok, err := t.kept(ctx, s, refused); ok && got.fresh(t.Now()) || err != nil {
		return got.Access, err
	}
	unlock, err := t.Lock(ctx, s.ID())
	if err != nil {
		return keystore.Secret{}, err
	}
	defer unlock()
	// Another process may have got it while this one waited.
	if got, ok, err := t.kept(ctx, s, refused); ok && got.fresh(t.Now()) || err != nil {
		return got.Access, err
	}
	own, have, err := t.Own.Load(ctx, s)
	if err = nothing(err); err != nil {
		return keystore.Secret{}, err
	}
	same := !refused.IsZero() && own.Access.Reveal() == refused.Reveal()
	if have && own.refreshable(t.Now()) {
		got, err := t.refresh(ctx, s, own)
		switch {
		case err == nil:
			return got.Access, nil
		case !signedOut(err) && own.usable(t.Now()) && !same:
			return own.Access, nil // it will do for this once
		case !signedOut(err):
			return keystore.Secret{}, err
		}
		own.Refresh = keystore.Secret{}
		t.save(ctx, s, own)
	}
	if got, ok, err := t.kept(ctx, s, refused); ok && got.usable(t.Now()) || err != nil {
		return got.Access, err
	}
	if same {
		own.Access, own.Expires = keystore.Secret{}, time.Time{}
		t.save(ctx, s, own) // nobody shall try it again
	}
	got, err := t.ask(ctx, s, own.Client)
	return got.Access, err
}

// SignIn has a person sign in, whether or not there is a token; one that came
// since it was called, from another process, will do.
func (t *Tokens) SignIn(ctx context.Context, s Session) (Token, error) {
	before, _, _ := t.Own.Load(ctx, s)
	unlock, err := t.Lock(ctx, s.ID())
	if err != nil {
		return Token{}, err
	}
	defer unlock()
	own, have, err := t.Own.Load(ctx, s)
	if err = nothing(err); err != nil {
		return Token{}, err
	}
	if have && own.Access.Reveal() != before.Access.Reveal() && own.fresh(t.Now()) {
		return own, nil
	}
	return t.ask(ctx, s, own.Client)
}

// SignOut ends the session: at AWS, as far as it can be reached, and here.
func (t *Tokens) SignOut(ctx context.Context, s Session) (had bool, err error) {
	unlock, err := t.Lock(ctx, s.ID())
	if err != nil {
		return false, err
	}
	defer unlock()
	own, had, err := t.Own.Load(ctx, s)
	if err = nothing(err); err != nil {
		return had, err
	}
	if had && own.usable(t.Now()) {
		// What AWS no longer knows is signed out.
		if err = t.Client.Logout(ctx, s, own.Access); code(err) == unauthorized {
			err = nil
		}
	}
	return had, errors.Join(err, t.Own.Drop(ctx, s))
}

// kept returns the token that is kept, or the one that another program keeps
// if it lasts longer. It opens no keystore where that is not needed.
func (t *Tokens) kept(ctx context.Context, s Session, refused keystore.Secret) (Token, bool, error) {
	good := func(got Token, ok bool) bool {
		return ok && !got.Access.IsZero() && (refused.IsZero() || got.Access.Reveal() != refused.Reveal())
	}
	var other Token
	if t.Other != nil {
		got, ok, err := t.Other.Load(ctx, s)
		if err == nil && good(got, ok) && got.usable(t.Now()) {
			other = got
		}
	}
	if info, ok := t.Own.Peek(s); !ok || !info.Expires.After(other.Expires) {
		return other, !other.Access.IsZero(), nil
	}
	own, ok, err := t.Own.Load(ctx, s)
	if err = nothing(err); err != nil && other.fresh(t.Now()) {
		err = nil
	}
	if good(own, ok) && own.usable(t.Now()) {
		return own, true, nil
	}
	return other, !other.Access.IsZero(), err
}

// refresh has another token given in place of t, and keeps it before it is
// used: the refresh token may have been replaced.
func (t *Tokens) refresh(ctx context.Context, s Session, old Token) (Token, error) {
	got, err := t.Client.refresh(ctx, s, old)
	if err != nil {
		// Another program may have used the refresh token first.
		if now, ok, _ := t.Own.Load(ctx, s); signedOut(err) && ok && now.Access.Reveal() != old.Access.Reveal() && now.fresh(t.Now()) {
			return now, nil
		}
		return Token{}, err
	}
	t.save(ctx, s, got)
	return got, nil
}

// ask has a person sign in, and keeps what that gives.
func (t *Tokens) ask(ctx context.Context, s Session, client Registration) (Token, error) {
	prompt, done, err := t.Prompt(ctx, s)
	if err != nil {
		return Token{}, err
	}
	defer done()
	got, err := t.Client.SignIn(ctx, s, client, prompt)
	if err != nil {
		return Token{}, err
	}
	t.save(ctx, s, got)
	return got, nil
}

// save keeps a token; a good one is not thrown away because a disk is full.
func (t *Tokens) save(ctx context.Context, s Session, got Token) {
	if err := t.Own.Save(ctx, s, got); err != nil && ctx.Err() == nil {
		t.Note(fmt.Sprintf("the sign-in to %s cannot be kept: %s", s, err))
	}
}

// unauthorized is the portal's word for a token that it does not take.
const unauthorized = "UnauthorizedException"

// Unauthorized reports whether the portal did not take an access token.
func Unauthorized(err error) bool { return code(err) == unauthorized }

// signedOut reports whether AWS does not take a refresh token any longer.
func signedOut(err error) bool {
	switch code(err) {
	case "invalid_grant", "invalid_client", "unauthorized_client", "expired_token", "access_denied":
		return true
	}
	return false
}

// nothing turns the error of a file that is missing into none: a store without
// its key has nothing.
func nothing(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return nil
	}
	return err
}
