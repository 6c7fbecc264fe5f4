package sso

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/ststest"
)

// One sign-in serves until its token ends, and then a refresh token does: its
// successor is kept, and a person is not asked again.
func TestSignInAndRefresh(t *testing.T) {
	for _, flow := range []Flow{PKCE, Device} {
		t.Run(string(flow), func(t *testing.T) {
			w := newWorld(t)
			w.flow = flow
			first := w.must(w.tokens())
			w.works(first)
			w.asked(1)
			if flow == PKCE {
				w.calls("RegisterClient", "CreateToken")
			} else {
				w.calls("RegisterClient", "StartDeviceAuthorization", "CreateToken")
			}
			w.clock.Advance(8*time.Hour - RefreshBefore - 10*time.Second)
			if got := w.must(nobody(w.tokens())); got != first {
				t.Error("another token before the time")
			}
			w.calls()
			w.clock.Advance(10 * time.Second)
			second := w.must(nobody(w.tokens()))
			w.works(second)
			w.clock.Advance(8 * time.Hour)
			third := w.must(nobody(w.tokens()))
			w.works(third)
			if first == second || second == third {
				t.Error("the same token again")
			}
			w.calls("CreateToken", "CreateToken")
			w.asked(0)
		})
	}
}

// The refresh token is kept before the access token is handed out, also where
// the refresh token is not replaced by its use.
func TestRefreshTokenIsKept(t *testing.T) {
	w := newWorld(t)
	w.must(w.tokens())
	old, _, _ := w.sealed().Load(t.Context(), w.session)
	w.clock.Advance(8 * time.Hour)
	got := w.must(nobody(w.tokens()))
	kept, ok, err := w.sealed().Load(t.Context(), w.session)
	if !ok || err != nil || kept.Access.Reveal() != got || kept.Refresh.Reveal() == old.Refresh.Reveal() || kept.Refresh.IsZero() {
		t.Errorf("kept %v %v: the successor is not there", ok, err)
	}
}

// Where the disk is full the token is handed out all the same, with a word.
func TestFullDisk(t *testing.T) {
	w := newWorld(t)
	w.must(w.tokens())
	w.clock.Advance(8 * time.Hour)
	tokens := nobody(w.tokens())
	tokens.Own = full{tokens.Own}
	w.works(w.must(tokens))
	if len(w.notes) != 1 || !strings.Contains(w.notes[0], "the sign-in to corp cannot be kept: no space") {
		t.Errorf("notes %q", w.notes)
	}
}

type full struct{ Store }

func (full) Save(context.Context, Session, Token) error { return errors.New("no space left on device") }

// A person is asked again when the refresh token is refused, and who cannot be
// asked is told so without a call from then on.
func TestRefreshRefused(t *testing.T) {
	w := newWorld(t)
	w.must(w.tokens())
	w.center.SignOut()
	w.clock.Advance(8 * time.Hour)
	w.aws.ResetCalls()
	if _, err := nobody(w.tokens()).Get(t.Context(), w.session, keystore.Secret{}); !isSignIn(err, "a sign-in is needed") {
		t.Fatalf("error %v", err)
	}
	w.calls("CreateToken invalid_grant")
	if _, err := nobody(w.tokens()).Get(t.Context(), w.session, keystore.Secret{}); !isSignIn(err, "a sign-in is needed") {
		t.Fatalf("error %v", err)
	}
	w.calls()
	w.works(w.must(w.tokens()))
	w.calls("CreateToken") // the client is still known
	w.asked(2)
}

// A registration that AWS has forgotten is made anew.
func TestClientForgotten(t *testing.T) {
	w := newWorld(t)
	w.flow = Device
	w.must(w.tokens())
	w.aws.ForgetClients()
	w.clock.Advance(8 * time.Hour)
	w.aws.ResetCalls()
	w.works(w.must(w.tokens()))
	w.calls("CreateToken invalid_client", "StartDeviceAuthorization invalid_client", "RegisterClient", "StartDeviceAuthorization", "CreateToken")
	// So is one that ends.
	w.clock.Advance(91 * 24 * time.Hour)
	w.works(w.must(w.tokens()))
	w.calls("RegisterClient", "StartDeviceAuthorization", "CreateToken")
}

// Of a token that AWS does not take any longer the refresh token may help, and
// if not a person; none is tried twice.
func TestTokenRefusedByPortal(t *testing.T) {
	w := newWorld(t)
	first := w.must(w.tokens())
	w.center.RevokeAccess()
	second, err := nobody(w.tokens()).Get(t.Context(), w.session, keystore.NewSecret(first))
	if err != nil {
		t.Fatal(err)
	}
	w.works(second.Reveal())
	w.asked(1)
	w.center.SignOut()
	third, err := w.tokens().Get(t.Context(), w.session, second)
	if err != nil {
		t.Fatal(err)
	}
	w.works(third.Reveal())
	w.asked(1)
}

// Where AWS cannot be reached a token that has not ended will do.
func TestRefreshNotReached(t *testing.T) {
	w := newWorld(t)
	first := w.must(w.tokens())
	w.clock.Advance(8*time.Hour - 2*time.Minute)
	w.aws.Fail("CreateToken", ststest.Failure{Drop: true}, -1)
	if got := w.must(nobody(w.tokens())); got != first {
		t.Error("another token")
	}
	w.clock.Advance(2 * time.Minute)
	var call *sts.CallError
	if _, err := nobody(w.tokens()).Get(t.Context(), w.session, keystore.Secret{}); !errors.As(err, &call) || call.Code != "" {
		t.Errorf("error %v", err)
	}
	// It was not lost by that.
	w.aws.Fail("CreateToken", ststest.Failure{}, 0)
	w.works(w.must(nobody(w.tokens())))
	w.asked(1)
}

// Many processes at the end of a token make one call, and nobody is asked.
func TestManyRefresh(t *testing.T) {
	w := newWorld(t)
	w.must(w.tokens())
	w.clock.Advance(8 * time.Hour)
	w.aws.ResetCalls()
	const n = 50
	got := make([]string, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			token, err := nobody(w.tokens()).Get(t.Context(), w.session, keystore.Secret{})
			if err != nil {
				t.Error(err)
			}
			got[i] = token.Reveal()
		})
	}
	group.Wait()
	for _, token := range got {
		if token != got[0] || token == "" {
			t.Fatal("different tokens")
		}
	}
	w.calls("CreateToken")
}

// What another program keeps is used, and neither changed nor used up.
func TestOtherIsReadOnly(t *testing.T) {
	w := newWorld(t)
	cli := w.tokens()
	cli.Own, cli.Other = w.shared(), nil
	first := w.must(cli)
	path := w.shared().path(w.session)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.must(nobody(w.tokens())); got != first {
		t.Error("another token")
	}
	w.clock.Advance(8 * time.Hour)
	if _, err := nobody(w.tokens()).Get(t.Context(), w.session, keystore.Secret{}); !isSignIn(err, "a sign-in is needed") {
		t.Errorf("error %v: the refresh token of another program was used", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was changed")
	}
	if _, err := os.Stat(w.sealed().Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of our own: %v", err)
	}
}

// The AWS CLI's file: torn by another writer, of another Identity Center, and
// in the older form.
func TestSharedFile(t *testing.T) {
	w := newWorld(t)
	x := w.shared()
	good := Token{Access: keystore.NewSecret("secret"), Expires: w.clock.Now().Add(time.Hour).UTC()}
	if err := x.Save(t.Context(), w.session, good); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(x.path(w.session))
	if err != nil || info.Mode().Perm() != 0o600 || filepath.Base(x.path(w.session)) != "ee0bfd2552fbd840c02cc48b6e823320543c450f.json" {
		t.Errorf("%v %v", info, err)
	}
	for _, tt := range []struct {
		name string
		s    Session
		ok   bool
	}{
		{"same", w.session, true},
		{"another spelling", Session{Name: "corp", StartURL: "https://EXAMPLE.awsapps.com/start/#/", Region: "eu-west-1"}, true},
		{"another URL", Session{Name: "corp", StartURL: "https://other.awsapps.com/start", Region: "eu-west-1"}, false},
		{"another region", Session{Name: "corp", StartURL: startURL, Region: "us-east-1"}, false},
		{"another session", Session{Name: "other", StartURL: startURL, Region: "eu-west-1"}, false},
	} {
		if got, ok, err := x.Load(t.Context(), tt.s); ok != tt.ok || err != nil || ok && (got.Access.Reveal() != "secret" || !got.Expires.Equal(good.Expires)) {
			t.Errorf("%s: %v %v %v", tt.name, got, ok, err)
		}
	}
	older := Session{StartURL: startURL, Region: "eu-west-1"}
	if err := x.Save(t.Context(), older, good); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := x.Load(t.Context(), Session{Name: "other", StartURL: startURL, Region: "eu-west-1"}); !ok {
		t.Error("the file of the start URL is not found")
	}
	for _, text := range []string{"", "{", "null", "[]", `{"accessToken":"x"}`, `{"accessToken":"x","expiresAt":"soon"}`} {
		if err := os.WriteFile(x.path(older), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := x.Load(t.Context(), older); ok || err != nil {
			t.Errorf("%q: %v %v", text, ok, err)
		}
	}
}

// A sealed file says in clear when a token ends, and no more; one that was
// changed has nothing.
func TestSealedFile(t *testing.T) {
	w := newWorld(t)
	token := w.must(w.tokens())
	x := w.sealed()
	kept, _, _ := x.Load(t.Context(), w.session)
	text, err := os.ReadFile(x.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{token, kept.Refresh.Reveal(), kept.Client.Secret.Reveal()} {
		if secret == "" || strings.Contains(string(text), secret) {
			t.Error("a secret lies in clear")
		}
	}
	if info, ok := x.Peek(w.session); !ok || !info.Refreshable || !info.Expires.Equal(kept.Expires) || info.Asks(w.clock.Now().Add(24*time.Hour)) {
		t.Errorf("%+v %v", info, ok)
	}
	changed := strings.Replace(string(text), `"refreshable":true`, `"refreshable":false`, 1)
	if err := os.WriteFile(x.Path, []byte(changed), 0o600); err != nil || changed == string(text) {
		t.Fatal(err)
	}
	if _, ok, err := x.Load(t.Context(), w.session); ok || err != nil {
		t.Errorf("a header that was changed: %v %v", ok, err)
	}
	if err := x.Drop(t.Context(), w.session); err != nil {
		t.Fatal(err)
	}
	if _, ok := x.Peek(w.session); ok {
		t.Error("dropped and still there")
	}
}

// One sign-out ends it at AWS and here.
func TestSignOut(t *testing.T) {
	w := newWorld(t)
	token := w.must(w.tokens())
	if had, err := w.tokens().SignOut(t.Context(), w.session); !had || err != nil {
		t.Fatal(had, err)
	}
	if _, err := w.client.RoleCredentials(t.Context(), w.step("Developer"), keystore.NewSecret(token)); code(err) != unauthorized {
		t.Errorf("error %v", err)
	}
	if had, err := w.tokens().SignOut(t.Context(), w.session); had || err != nil {
		t.Errorf("the second time: %v %v", had, err)
	}
}

// Who signs in anew gets another token; of two at once one is asked.
func TestSignInAnew(t *testing.T) {
	w := newWorld(t)
	first := w.must(w.tokens())
	got, err := w.tokens().SignIn(t.Context(), w.session)
	if err != nil || got.Access.Reveal() == first {
		t.Fatal(err)
	}
	w.works(got.Access.Reveal())
	w.asked(2)
}
