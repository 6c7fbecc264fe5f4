// Package endpoint serves on this machine what programs of the same person may
// have: credentials, as a container's endpoint does, and, once, the address of
// a page to a browser.
//
// A loopback port is open to every user of the machine and to every web page
// in a browser. What is asked for here has to show a token of 256 bits, under
// the very name that the server goes by, and not on behalf of a page or a
// proxy; and where the system tells whose a connection is, it has to be of the
// user who serves.
package endpoint

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Loopback is the address that is served on unless another is asked for: a
// random port.
const Loopback = "127.0.0.1:0"

// newToken returns 256 random bits, in letters of a URL.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// same compares a secret in constant time.
func same(got, want string) bool { return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1 }

// relayed are the headers of a request that a web page or a proxy makes: none
// of ours has one.
var relayed = []string{"Origin", "Referer", "X-Forwarded-For", "Forwarded", "Via"}

// direct reports whether a request was sent by a program to the name that this
// server goes by: a page that has rebound its own name to this address sends
// its own.
func direct(r *http.Request, called func(host string) bool) bool {
	for _, name := range relayed {
		if len(r.Header.Values(name)) > 0 {
			return false
		}
	}
	return called(r.Host)
}

// only is the one name that a server goes by: its address with the port, which
// programs leave out where it is that of HTTP.
func only(address string) func(string) bool {
	return func(host string) bool {
		if at, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			host = netip.AddrPortFrom(at, 80).String()
		}
		return host == address
	}
}

// anyLoopback are the names of a server behind a socket, which is forwarded to
// a port of this or another machine.
func anyLoopback(host string) bool {
	at, err := netip.ParseAddrPort(host)
	return err == nil && at.Addr().IsLoopback()
}

// limited is a server that nobody can keep busy: what it reads is small and
// soon there.
func limited(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          quiet,
	}
}

// An ownListener accepts the connections of one user's programs.
type ownListener struct {
	net.Listener
	uid  int
	near bool // and of this machine's alone
}

// own accepts connections of this user and of root, who may do all anyway, and
// those from elsewhere.
func own(l net.Listener) net.Listener { return ownListener{l, os.Getuid(), false} }

func (l ownListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, ok := peer(conn)
		if l.near && !sameMachine(conn) || ok && uid != l.uid && uid != 0 {
			conn.Close()
			continue
		}
		return conn, nil
	}
}

// sameMachine reports whether both ends of a TCP connection are of this machine:
// who connects to an address of his own has that address too, or a loopback
// one. Others can neither have it nor get an answer at it.
func sameMachine(conn net.Conn) bool {
	from, to, ok := ends(conn)
	return ok && (from.Addr().IsLoopback() || from.Addr() == to.Addr())
}

// ends returns the two ends of a TCP connection.
func ends(conn net.Conn) (from, to netip.AddrPort, ok bool) {
	from, ferr := netip.ParseAddrPort(conn.RemoteAddr().String())
	to, terr := netip.ParseAddrPort(conn.LocalAddr().String())
	return from, to, ferr == nil && terr == nil
}
