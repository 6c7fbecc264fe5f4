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
profile's.`,
		Example: `  vault serve prod
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
	return o.sessionOptions.check()
}

// serve serves in the foreground.
func (app *App) serve(ctx context.Context, name string, o serveOptions) error {
	app.Arm()
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
	listener, where, err := o.listen()
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	defer listener.Close()
	if o.socket != "" {
		defer os.Remove(o.socket)
	}
	forget, err := app.recordServer(h, where)
	if err != nil {
		return err
	}
	defer forget()
	app.handedOut("serve", r, t)
	at := served{ID: h.ID, URL: "http://" + where + endpoint.CredentialsPath, Token: s.Token()}
	if o.socket != "" {
		at.URL = "http://127.0.0.1:PORT" + endpoint.CredentialsPath // of the other end of the tunnel
	}
	if err := app.printServed(at, o.format); err != nil {
		return err
	}
	app.note(fmt.Sprintf("serving %s at %s until ^C", t.profile, where))
	return s.Serve(ctx, listener)
}

// listen opens where to serve, and says where that is.
func (o *serveOptions) listen() (net.Listener, string, error) {
	if o.socket != "" {
		l, err := endpoint.ListenSocket(o.socket)
		return l, o.socket, err
	}
	address := endpoint.Loopback
	if o.bind != "" {
		address = o.bind
	}
	l, err := endpoint.Listen(address)
	if err != nil {
		return nil, "", err
	}
	return l, l.Addr().String(), nil
}

func (app *App) printServed(at served, format string) error {
	var text string
	switch format {
	case "json":
		data, err := json.Marshal(at.variables())
		if err != nil {
			return err
		}
		text = string(data) + "\n"
	case "fish":
		text = shell.Fish.Export(at.variables())
	default:
		text = shell.Bash.Export(at.variables())
	}
	_, err := fmt.Fprint(app.Stdout, text)
	return err
}
