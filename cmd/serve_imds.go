package cmd

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/endpoint"
)

// An instanceError says that nothing can be served at an address as EC2 does.
type instanceError struct {
	at      string
	profile string
	err     error
}

func (e *instanceError) Error() string {
	return fmt.Sprintf("serve --imds: %s: %s", e.at, whyNotThere(e.err))
}

// whyNotThere says why nothing can be served on an address or a socket.
func whyNotThere(err error) string {
	var number unix.Errno
	switch {
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return "this machine does not have that address"
	case errors.Is(err, unix.EACCES):
		return "permission denied"
	case errors.Is(err, unix.EADDRINUSE):
		return "another program serves there"
	case errors.As(err, &number):
		return number.Error()
	}
	return err.Error()
}

func (e *instanceError) Unwrap() error { return e.err }

// hints returns what to type; name calls vault.
func (e *instanceError) hints(name string) []string {
	elsewhere := fmt.Sprintf("or serve somewhere else, to programs that heed AWS_EC2_METADATA_SERVICE_ENDPOINT: %s serve --imds --bind %s %s", name, endpoint.Loopback, word(e.profile))
	darwin := runtime.GOOS == "darwin"
	switch {
	case e.at != endpoint.InstanceAddress:
		return nil
	case errors.Is(e.err, unix.EADDRNOTAVAIL) && darwin:
		return []string{"give it the address, until it starts anew: sudo ifconfig lo0 alias 169.254.169.254", elsewhere}
	case errors.Is(e.err, unix.EADDRNOTAVAIL):
		return []string{"give it the address, until it starts anew: sudo ip addr add 169.254.169.254/32 dev lo", elsewhere}
	case errors.Is(e.err, unix.EACCES) && !darwin:
		return []string{"let everybody have port 80, until it starts anew: sudo sysctl net.ipv4.ip_unprivileged_port_start=80", elsewhere}
	case errors.Is(e.err, unix.EADDRINUSE):
		return []string{"see what this vault serves: " + name + " ps"}
	}
	return []string{strings.TrimPrefix(elsewhere, "or ")}
}

// checkInstance looks at the flags that go with --imds.
func (o *serveOptions) checkInstance() error {
	if o.socket != "" {
		return usageErrorf("--imds and --socket: programs look for it at an address")
	}
	if o.bind == "" {
		return nil
	}
	at, err := netip.ParseAddrPort(o.bind)
	if err != nil || !at.Addr().Is4() || !at.Addr().IsLoopback() && at.Addr() != netip.MustParseAddrPort(endpoint.InstanceAddress).Addr() {
		return usageErrorf("--imds --bind %q: no token keeps others out: only 169.254.169.254 and an address of the loopback, as %s, are this machine's alone", o.bind, endpoint.Loopback)
	}
	return nil
}

// listenInstance opens where to serve as EC2 does.
func (o *serveOptions) listenInstance(profile string) (net.Listener, string, error) {
	at := endpoint.InstanceAddress
	if o.bind != "" {
		at = o.bind
	}
	l, err := endpoint.ListenInstance(at)
	if err != nil {
		return nil, "", &instanceError{at, profile, err}
	}
	return l, l.Addr().String(), nil
}

// checkSource refuses to serve at the address that the profile's credentials
// come from.
func (app *App) checkSource(name string, o serveOptions) error {
	if !o.imds || o.bind != "" {
		return nil
	}
	r, err := app.resolve(name, o.switchFlags)
	if err != nil {
		return err
	}
	if first := r.plan.Steps[0]; first.Action == sts.CredentialSource && first.Source == sts.Ec2InstanceMetadata {
		return usageErrorf("serve --imds: profile %q has its credentials from there itself", name)
	}
	return nil
}

// instanceVariables are what SDKs find the service by (AWS SDKs and Tools
// Reference Guide, page "IMDS credential provider"); the older of botocore want
// the slash at its end.
func instanceVariables(where string) shell.Env {
	return shell.Env{"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://" + strings.TrimSuffix(where, ":80") + "/"}
}

// instanceOf is what is told of a target beside its credentials.
func instanceOf(t target) endpoint.Instance {
	role := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=,.@-", r) {
			return r
		}
		return '-'
	}, t.profile)
	return endpoint.Instance{Role: role, Region: t.region}
}

// whoMay says who gets what is served without a token: on Linux the kernel
// tells whose a connection is.
func whoMay() string {
	if runtime.GOOS == "linux" {
		return "every program of yours and of root's on this machine can have them: there is no token"
	}
	return "every program on this machine, whoever's it is, can have them: there is no token"
}
