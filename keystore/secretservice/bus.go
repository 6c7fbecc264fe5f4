package secretservice

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

// BusAddress returns where the session bus is: what the environment variable
// DBUS_SESSION_BUS_ADDRESS says, else the socket in the runtime folder of the
// user that systemd and others make. Both may be empty; then so is the
// address.
func BusAddress(variable, runtimeDir string) string {
	if variable == "" && runtimeDir != "" {
		return "unix:path=" + dbus.EscapeBusAddressValue(runtimeDir+"/bus")
	}
	return variable
}

// sockets returns the unix sockets that a bus address names, in its order:
// specification of D-Bus, section "Server Addresses". Of the other transports
// some start a bus, and the others have no place for a secret.
func sockets(address string) []string {
	var names []string
	for _, one := range strings.Split(address, ";") {
		rest, ok := strings.CutPrefix(one, "unix:")
		if !ok {
			continue
		}
		for _, option := range strings.Split(rest, ",") {
			key, value, _ := strings.Cut(option, "=")
			value, err := dbus.UnescapeBusAddressValue(value)
			if err != nil || value == "" {
				continue
			}
			switch key {
			case "path":
				names = append(names, value)
			case "abstract":
				names = append(names, "@"+value)
			}
		}
	}
	return names
}

// dial connects to the bus at address, which has to be one of this user.
func dial(ctx context.Context, address string) (net.Conn, error) {
	names := sockets(address)
	switch {
	case address == "":
		return nil, &Error{Err: ErrNoBus, Reason: "its address is not known"}
	case len(names) == 0:
		return nil, &Error{Err: ErrNoBus, Reason: fmt.Sprintf("address %q names no unix socket", address)}
	}
	var why error
	for _, name := range names {
		conn, err := dialSocket(ctx, name)
		if err != nil {
			if why == nil {
				why = fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		uid, err := ownerOf(conn)
		switch {
		case err != nil:
			conn.Close()
			return nil, &Error{Err: ErrNoBus, Reason: err.Error()}
		case uid != os.Geteuid():
			conn.Close()
			return nil, &Error{Err: ErrForeignBus, Reason: fmt.Sprintf("uid %d", uid)}
		}
		return conn, nil
	}
	if errors.Is(why, context.DeadlineExceeded) {
		return nil, &Error{Err: ErrNoAnswer, Reason: "session bus"}
	}
	return nil, &Error{Err: ErrNoBus, Reason: why.Error()}
}

func dialSocket(ctx context.Context, name string) (net.Conn, error) {
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "unix", name)
		var errno syscall.Errno
		switch {
		case !errors.As(err, &errno):
			return conn, err
		case errno != syscall.EAGAIN:
			return nil, errno
		}
		// So many connect at once that the queue of the socket is full: that
		// is the one case that a unix socket does not wait for.
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A wire is what the messages of one connection go through. It reads ahead,
// and gives up on a bus that takes nothing.
type wire struct {
	net.Conn
	in      *bufio.Reader
	patient time.Duration
}

func newWire(conn net.Conn, patient time.Duration) *wire {
	return &wire{Conn: conn, in: bufio.NewReader(conn), patient: patient}
}

func (w *wire) Read(p []byte) (int, error) { return w.in.Read(p) }

func (w *wire) Write(p []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(w.patient)); err != nil {
		return 0, err
	}
	n, err := w.Conn.Write(p)
	if err != nil {
		// Half a message may be out: nothing can follow it.
		w.Close()
	}
	return n, err
}

// connect returns a connection to the bus at address that has a name there.
// It takes no longer than patient.
func connect(ctx context.Context, address string, patient time.Duration) (*dbus.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	socket, err := dial(limited, address)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	conn, err := dbus.NewConn(newWire(socket, patient))
	if err != nil {
		socket.Close()
		return nil, &Error{Err: ErrNoBus, Reason: err.Error()}
	}
	// What follows knows no context: closing ends it.
	stop := context.AfterFunc(limited, func() { _ = conn.Close() })
	err = conn.Auth(nil)
	if err == nil {
		err = conn.Hello()
	}
	switch {
	case stop() && err == nil:
		return conn, nil
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited.Err() != nil:
		err = &Error{Err: ErrNoAnswer, Reason: "session bus"}
	default:
		err = &Error{Err: ErrNoBus, Reason: "it does not let us in: " + err.Error()}
	}
	_ = conn.Close()
	return nil, err
}
