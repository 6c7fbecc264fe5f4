package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/endpoint"
)

// What a server serves.
const (
	forShell   = "shell"
	forCommand = "command"
	forAnybody = "serve" // of "vault serve", in the foreground
)

// A served says where programs get credentials from.
type served struct {
	ID    string
	URL   string
	Token string
	Error string `json:",omitempty"` // why it did not begin
}

// variables are what an SDK finds the endpoint by.
func (s *served) variables() shell.Env {
	return shell.Env{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": s.Token}
}

// A hello is what a server in the background, and each renewal, is told. It
// holds secrets, and goes through a pipe.
type hello struct {
	ID        string
	For       string
	PID       int // of whom it serves: it ends with it
	Profile   string
	Flags     switchFlags
	Confirmed time.Time // when a person confirmed the profile
	Ask       bool      // a person is there to be asked
	Role      string    // of a renewal: to be assumed from the profile's credentials
	First     *keysJSON // nil: there are none yet
}

// keysJSON are credentials on their way through a pipe.
type keysJSON struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Issued, Expires                            time.Time
	Account                                    string
	Error                                      string // in their place: why there are none, and what to do
}

func keysOf(c sts.Credentials, account string) *keysJSON {
	return &keysJSON{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Issued, c.Expires, account, ""}
}

func (k *keysJSON) answer() endpoint.Answer {
	return endpoint.Answer{Account: k.Account, Credentials: sts.Credentials{
		AccessKeyID: k.AccessKeyID, SecretAccessKey: keystore.NewSecret(k.SecretAccessKey), SessionToken: keystore.NewSecret(k.SessionToken),
		Issued: k.Issued, Expires: k.Expires,
	}}
}

// startServer starts a server in the background that has the credentials of a
// target, for the process pid.
func (app *App) startServer(r resolved, t target, o sessionOptions, what string, pid int) (*served, error) {
	text, err := json.Marshal(hello{
		ID: newID(), For: what, PID: pid, Profile: t.profile, Flags: o.switchFlags, Confirmed: t.confirmed, First: keysOf(t.creds, account(r)),
	})
	if err != nil {
		return nil, err
	}
	defer clear(text)
	line, err := app.Background(app.withoutSwitch(), text)
	if err != nil {
		return nil, fmt.Errorf("serve %q: %w", t.profile, err)
	}
	s := new(served)
	if err := json.Unmarshal(line, s); err != nil {
		return nil, fmt.Errorf("serve %q: the server answered something else than its address", t.profile)
	}
	if s.Error != "" {
		return nil, fmt.Errorf("serve %q: %s", t.profile, s.Error)
	}
	return s, nil
}

// withoutSwitch is the environment of this process as it was before a switch,
// without credentials and without anything to ask a person by.
func (app *App) withoutSwitch() shell.Env {
	env := maps.Clone(app.Env)
	if old := app.current(); old != nil {
		for _, b := range undo(env, old).Back {
			delete(env, b.Name)
			if b.Known {
				env[b.Name] = b.Value
			}
		}
	}
	maps.DeleteFunc(env, func(name, _ string) bool {
		return slices.Contains(secret, name) || slices.Contains(asking, name) ||
			name == stateVariable || name == savedVariable || name == lastVariable
	})
	return env
}

// serverCommand is the server in the background, and what renews for it.
func (app *App) serverCommand() *cobra.Command {
	return &cobra.Command{
		Use: "server run|renew", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var h hello
			if err := json.NewDecoder(io.LimitReader(app.Stdin, 1<<20)).Decode(&h); err != nil || h.Profile == "" {
				return usageErrorf("server: vault itself starts this: use serve, or exec --serve")
			}
			if !h.Ask {
				app.unattended, app.Terminal = true, nobody{}
			}
			if args[0] == "renew" {
				return app.serverRenew(c.Context(), h)
			}
			return app.serverRun(c.Context(), h)
		},
	}
}

// serverRun serves until the process that it is for has ended.
func (app *App) serverRun(ctx context.Context, h hello) error {
	app.Arm()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listener, err := endpoint.Listen(endpoint.Loopback)
	if err != nil {
		return json.NewEncoder(app.Stdout).Encode(served{Error: err.Error()})
	}
	defer listener.Close()
	s := app.newServer(h)
	defer onForget(s)()
	forget, err := app.recordServer(h, listener.Addr().String())
	if err != nil {
		return json.NewEncoder(app.Stdout).Encode(served{Error: err.Error()})
	}
	defer forget()
	exited := endpoint.Exited(h.PID)
	go func() {
		<-exited
		cancel()
	}()
	url := "http://" + listener.Addr().String() + endpoint.CredentialsPath
	if err := json.NewEncoder(app.Stdout).Encode(served{ID: h.ID, URL: url, Token: s.Token()}); err != nil {
		return err
	}
	return s.Serve(ctx, listener)
}

// onForget has a server drop what it has when it is told that there is
// something newer.
func onForget(s *endpoint.Server) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGUSR1)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-signals:
				s.Forget()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// newServer returns a server that has what h brings, and gets the rest by
// processes of their own: what a keystore gives them is gone with them, and
// they are of the version that is installed by then.
func (app *App) newServer(h hello) *endpoint.Server {
	var first endpoint.Answer
	if h.First != nil {
		first = h.First.answer()
	}
	h.First = nil
	return endpoint.New(app.Now, first, func(ctx context.Context, role string) (endpoint.Answer, error) {
		one := h
		one.Role = role
		return app.fetchServed(ctx, one)
	}, func(err error) string { return err.Error() })
}

// fetchServed has another process get credentials.
func (app *App) fetchServed(ctx context.Context, h hello) (endpoint.Answer, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return endpoint.Answer{}, err
	}
	patience := renewTimeout
	if h.Ask {
		patience = flightTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := exec.CommandContext(ctx, app.Exe, "server", "renew")
	c.Env, c.Stdin = app.withoutSwitch().Environ(), bytes.NewReader(text)
	if h.Ask {
		c.Stderr = app.Stderr
	}
	out, err := c.Output()
	defer clear(out)
	var keys keysJSON
	switch jerr := json.Unmarshal(out, &keys); {
	case jerr == nil && keys.Error != "":
		return endpoint.Answer{}, errors.New(keys.Error)
	case ctx.Err() != nil:
		return endpoint.Answer{}, fmt.Errorf("profile %q: its credentials could not be renewed in time", h.Profile)
	case jerr != nil || err != nil || keys.AccessKeyID == "":
		return endpoint.Answer{}, fmt.Errorf("profile %q: its credentials could not be renewed: type: vault exec %s -- true", h.Profile, word(h.Profile))
	}
	return keys.answer(), nil
}

// servedLeast is what served credentials have left when they are given out
// anew: SDKs ask again when 15 minutes are left.
const servedLeast = 16 * time.Minute

// serverRenew gets credentials, and prints them or why there are none.
func (app *App) serverRenew(ctx context.Context, h hello) error {
	app.Arm()
	o := sessionOptions{switchFlags: h.Flags, confirmed: h.Confirmed}
	if h.Role != "" {
		o.plan = func(p sts.Plan) (sts.Plan, error) {
			if p.ReadOnly() {
				return p, fmt.Errorf("profile %q is for reading only: no role is assumed from it", h.Profile)
			}
			return p.Assume(h.Role, sessionName(app.User, app.Host)), nil
		}
	}
	if o.MinTTL == 0 {
		o.MinTTL = servedLeast
	}
	r, t, err := app.credentials(ctx, h.Profile, o, false)
	keys := keysOf(t.creds, account(r))
	if err != nil {
		keys = &keysJSON{Error: app.plea(h, err)}
	} else {
		e := app.entry("serve", r, t.creds)
		if h.For != forAnybody { // else for who called "vault serve", as far as is known
			e.PID, e.Program = h.PID, h.For
		}
		app.enter(e)
	}
	return json.NewEncoder(app.Stdout).Encode(keys)
}

// plea is what a program's log says where there are no credentials: why, and
// what a person can type.
func (app *App) plea(h hello, err error) string {
	text := oneLine(err.Error())
	if !strings.Contains(text, h.Profile) {
		text = fmt.Sprintf("profile %q: %s", h.Profile, text)
	}
	switch code := exitCode(err); {
	case code != exitHuman && code != exitKeystore:
		return text
	case h.For == forShell:
		return text + ": type in that shell: vault refresh"
	}
	return text + ": type in a terminal: vault exec " + word(h.Profile) + " -- true"
}
