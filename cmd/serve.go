package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts/endpoint"
)

type serveOptions struct {
	sessionOptions
	bind   string
	socket string
	format string
	imds   bool
}

var serveFormats = []string{"posix", "fish", "json"}

func (app *App) serveCommand() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve PROFILE",
		Short: "serve a profile's credentials to programs on this machine",
		Long: `serve runs a container credentials endpoint on a random port of 127.0.0.1 until
^C, and prints the two variables by which SDKs find it and are let in. What it
gives is renewed as long as it runs. In a shell "vault use --serve" does it in the
background, and for one command "vault exec --serve".

At /role-arn/ARN it gives the credentials of a role that is assumed from the
profile's.

With --imds it answers as the instance metadata service of EC2 does (version 2),
for programs that know nothing else. That service has no token that only some
programs know, so that every program of yours, and where the system does not tell
whose a connection is everybody's on this machine, can have the credentials.`,
		Example: `  vault serve prod
  vault serve prod --imds                     at 169.254.169.254, which this machine has to have
  vault serve prod --imds --bind 127.0.0.1:0  for what heeds AWS_EC2_METADATA_SERVICE_ENDPOINT
  vault serve prod --socket ~/.vault.sock     for ssh -R: see docs/serve.md`,
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			name, err := app.profileArgument(c, args)
			if err != nil {
				return err
			}
			return app.serve(c.Context(), name, o)
		},
	}
	o.sessionOptions.bind(c.Flags())
	o.bindYes(c.Flags())
	c.Flags().StringVar(&o.bind, "bind", "", "serve on this `ADDRESS`, which others than this machine may reach, in place of 127.0.0.1:0")
	c.Flags().StringVar(&o.socket, "socket", "", "serve on a socket at this `PATH`")
	c.Flags().BoolVar(&o.imds, "imds", false, "serve as EC2's instance metadata service does, at 169.254.169.254, without a token")
	c.Flags().StringVar(&o.format, "format", "posix", "`FORMAT` of what is printed: "+strings.Join(serveFormats, ", "))
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(serveFormats, cobra.ShellCompDirectiveNoFileComp))
	app.completeFlags(c)
	return c
}

func (o *serveOptions) check() error {
	switch {
	case !slices.Contains(serveFormats, o.format):
		return usageErrorf("--format %q is none of: %s", o.format, strings.Join(serveFormats, ", "))
	case o.bind != "" && o.socket != "":
		return usageErrorf("--bind and --socket name two places: one can be served on")
	case o.bind != "":
		if host, _, err := net.SplitHostPort(o.bind); err != nil || net.ParseIP(host) == nil {
			return usageErrorf("--bind %q is not an address with a port, as 172.17.0.1:0", o.bind)
		} else if net.ParseIP(host).IsUnspecified() {
			return usageErrorf("--bind %q is every network of this machine: name one of its addresses", o.bind)
		}
	}
	if o.imds {
		if err := o.checkInstance(); err != nil {
			return err
		}
	}
	return o.sessionOptions.check()
}

// serve serves in the foreground.
func (app *App) serve(ctx context.Context, name string, o serveOptions) error {
	app.Arm()
	if err := app.checkSource(name, o); err != nil {
		return err
	}
	listener, where, err := o.listen(name) // before somebody is asked for a code in vain
	if err != nil {
		return err
	}
	defer listener.Close()
	if o.socket != "" {
		defer os.Remove(o.socket)
	}
	r, t, err := app.credentials(ctx, name, o.sessionOptions, false)
	if err != nil {
		return err
	}
	app.notes(r)
	h := hello{
		ID: newID(), For: forAnybody, PID: os.Getpid(), Profile: t.profile, Flags: o.switchFlags, Confirmed: t.confirmed,
		Ask: true, First: keysOf(t.creds, account(r)),
	}
	s := app.newServer(h)
	defer onForget(s)()
	forget, err := app.recordServer(h, where)
	if err != nil {
		return err
	}
	defer forget()
	app.handedOut("serve", r, t)
	if err := app.printVariables(o.variables(s, where), o.format); err != nil {
		return err
	}
	app.note(fmt.Sprintf("serving %s at %s until ^C", t.profile, where))
	if o.far() {
		app.note("other machines and containers may reach it: nothing but the token keeps them out, and nothing hides it on the way")
	}
	if o.imds {
		app.note(whoMay())
		return s.ServeInstance(ctx, listener, instanceOf(t))
	}
	return s.Serve(ctx, listener)
}

// far reports whether others than this machine may reach what is served.
func (o *serveOptions) far() bool {
	host, _, err := net.SplitHostPort(o.bind)
	return err == nil && !o.imds && !net.ParseIP(host).IsLoopback()
}

// variables are what programs find what is served at a place by.
func (o *serveOptions) variables(s *endpoint.Server, where string) shell.Env {
	switch {
	case o.imds:
		return instanceVariables(where)
	case o.socket != "":
		where = "127.0.0.1:PORT" // of the other end of the tunnel
	}
	at := served{URL: "http://" + where + endpoint.CredentialsPath, Token: s.Token()}
	return at.variables()
}

// listen opens where to serve, and says where that is.
func (o *serveOptions) listen(profile string) (net.Listener, string, error) {
	if o.imds {
		return o.listenInstance(profile)
	}
	if o.socket != "" {
		l, err := endpoint.ListenSocket(o.socket)
		if err != nil {
			return nil, "", fmt.Errorf("serve --socket %q: %s", o.socket, whyNotThere(err))
		}
		return l, o.socket, nil
	}
	address := endpoint.Loopback
	if o.bind != "" {
		address = o.bind
	}
	l, err := endpoint.Listen(address)
	if err != nil {
		return nil, "", fmt.Errorf("serve --bind %q: %s", address, whyNotThere(err))
	}
	return l, l.Addr().String(), nil
}

// printVariables prints variables for a shell or a program to take.
func (app *App) printVariables(env shell.Env, format string) error {
	var text string
	switch format {
	case "json":
		data, err := json.Marshal(env)
		if err != nil {
			return err
		}
		text = string(data) + "\n"
	case "fish":
		text = shell.Fish.Export(env)
	default:
		text = shell.Bash.Export(env)
	}
	_, err := fmt.Fprint(app.Stdout, text)
	return err
}
