package sso

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/ststest"
)

const startURL = "https://example.awsapps.com/start"

// A world is an Identity Center, with a person who has a role in an account,
// and the folders of a home. Its clock stands until a test moves it.
type world struct {
	t       testing.TB
	clock   *ststest.Clock
	aws     *ststest.Server
	center  *ststest.IdentityCenter
	dir     string
	session Session
	client  *Client
	flow    Flow

	mu     sync.Mutex
	shown  []string        // addresses that a person was shown
	codes  []string        // and codes
	waits  []time.Duration // between polls
	notes  []string
	absent bool // the person does not look at what is shown
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: ststest.NewClock(time.Now().Truncate(time.Second)), dir: t.TempDir(), flow: PKCE}
	w.aws = ststest.New(w.clock.Now)
	t.Cleanup(w.aws.Close)
	w.center = w.aws.AddIdentityCenter(startURL)
	w.center.Assign("222222222222", "Development", "Developer")
	w.session = SessionOf(&config.SSO{Session: "corp", StartURL: startURL, Region: "eu-west-1"})
	w.client = &Client{Caller: &sts.AWS{Now: w.clock.Now}, Now: w.clock.Now, OIDC: w.aws.URL(), Portal: w.aws.URL()}
	return w
}

func (w *world) sealed() *Sealed {
	return &Sealed{Path: filepath.Join(w.dir, "vault", "tokens"), Now: w.clock.Now,
		Key: func(context.Context) ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil }}
}

func (w *world) shared() Shared { return Shared{Dir: filepath.Join(w.dir, "aws", "sso", "cache")} }

// tokens returns a new process's Tokens, at which a person sits.
func (w *world) tokens() *Tokens {
	return &Tokens{
		Client: w.client, Now: w.clock.Now, Own: w.sealed(), Other: w.shared(),
		Lock: func(ctx context.Context, id string) (func(), error) {
			return keystore.Lock(ctx, filepath.Join(w.dir, "locks", id))
		},
		Prompt: func(context.Context, Session) (Prompt, func(), error) { return w.prompt(), func() {}, nil },
		Note: func(line string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.notes = append(w.notes, line)
		},
	}
}

// prompt is a person who goes to the address that is shown. Waiting moves the
// clock.
func (w *world) prompt() Prompt {
	return Prompt{
		Flow: w.flow,
		Show: func(address, code string) {
			w.mu.Lock()
			w.shown, w.codes = append(w.shown, address), append(w.codes, code)
			absent := w.absent
			w.mu.Unlock()
			if !absent {
				go w.visit(address)
			}
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			w.waits = append(w.waits, d)
			absent := w.absent
			address := w.shown[len(w.shown)-1]
			w.mu.Unlock()
			if !absent {
				w.visit(address)
			}
			w.clock.Advance(d)
			return ctx.Err()
		},
	}
}

// visit goes to an address, and wherever that leads.
func (w *world) visit(address string) (status int, page string) {
	answer, err := http.Get(address)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// nobody makes t one that cannot ask.
func nobody(t *Tokens) *Tokens {
	t.Prompt = func(_ context.Context, s Session) (Prompt, func(), error) {
		return Prompt{}, nil, &SignInError{Session: s, Why: "a sign-in is needed"}
	}
	return t
}

// must returns the access token that t gives.
func (w *world) must(t *Tokens) string {
	w.t.Helper()
	got, err := t.Get(w.t.Context(), w.session, keystore.Secret{})
	if err != nil || got.IsZero() {
		w.t.Fatalf("token: %v", err)
	}
	return got.Reveal()
}

// works fails the test unless AWS takes the access token.
func (w *world) works(token string) {
	w.t.Helper()
	got, err := w.client.RoleCredentials(w.t.Context(), w.step("Developer"), keystore.NewSecret(token))
	if err != nil || !strings.HasPrefix(got.AccessKeyID, "ASIA") || got.Expires.Sub(w.clock.Now()) != time.Hour {
		w.t.Errorf("%+v, %v", got, err)
	}
}

func (w *world) step(role string) sts.Step {
	return sts.Step{Action: sts.SSORoleCredentials, Profile: "dev", Region: "eu-west-1", SSOAccount: "222222222222", SSORole: role}
}

// calls checks which calls of OIDC have been made since it was last asked,
// those by a browser apart.
func (w *world) calls(want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.aws.Requests() {
		call := r.Action
		if r.Error != "" {
			call += " " + r.Error
		}
		if r.Action != "Authorize" && r.Action != "DevicePage" && r.Action != "GetRoleCredentials" {
			got = append(got, call)
		}
	}
	w.aws.ResetCalls()
	if !slices.Equal(got, want) {
		w.t.Errorf("calls\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// asked checks how often a person was asked since it was last asked.
func (w *world) asked(want int) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.shown) != want {
		w.t.Errorf("a person was asked %d times, want %d", len(w.shown), want)
	}
	w.shown = nil
}

func isSignIn(err error, why string) bool {
	var e *SignInError
	return errors.As(err, &e) && strings.Contains(e.Why, why)
}
