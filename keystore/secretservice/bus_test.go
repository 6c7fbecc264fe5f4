package secretservice

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

func TestBusAddress(t *testing.T) {
	tests := []struct {
		variable, runtimeDir, want string
	}{
		{"unix:abstract=/tmp/x,guid=1", "/run/user/1", "unix:abstract=/tmp/x,guid=1"},
		{"", "/run/user/1", "unix:path=/run/user/1/bus"},
		{"", "/run/a,b;c d", "unix:path=/run/a%2cb%3bc%20d/bus"},
		{"", "", ""},
	}
	for _, test := range tests {
		if got := BusAddress(test.variable, test.runtimeDir); got != test.want {
			t.Errorf("BusAddress(%q, %q) = %q, want %q", test.variable, test.runtimeDir, got, test.want)
		}
	}
}

func TestSockets(t *testing.T) {
	tests := []struct {
		address string
		want    []string
	}{
		{"unix:path=/a", []string{"/a"}},
		{"unix:path=/a,guid=00", []string{"/a"}},
		{"unix:guid=00,abstract=/a%2cb", []string{"@/a,b"}},
		{"unix:path=/a;unix:path=/b", []string{"/a", "/b"}},
		{"autolaunch:;unix:path=/b", []string{"/b"}},
		{"tcp:host=localhost,port=1", nil},
		{"unixexec:path=/bin/sh", nil},
		{"autolaunch:", nil},
		{"unix:path=%zz", nil},
		{"unix:path=", nil},
		{"unix:tmpdir=/tmp", nil},
		{"/a", nil},
		{";;", nil},
	}
	for _, test := range tests {
		if got := sockets(test.address); !slices.Equal(got, test.want) {
			t.Errorf("sockets(%q) = %q, want %q", test.address, got, test.want)
		}
	}
}

// listen returns the address of a socket that is no bus: what connects is
// handed to serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ss")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go serve(conn)
		}
	}()
	return "unix:path=" + l.Addr().String()
}

// Where there is no service to talk to: each case has its own error, from
// every operation and from Probe.
func TestNoService(t *testing.T) {
	silent := func(net.Conn) {}
	tests := []struct {
		name, address string
		want          error
		text          string
	}{
		{name: "no address", want: ErrNoBus, text: "no session bus: its address is not known"},
		{name: "no socket", address: "unix:path=/nonexistent/bus", want: ErrNoBus, text: "no session bus: /nonexistent/bus: no such file or directory"},
		{name: "no abstract socket", address: "unix:abstract=/nonexistent/bus", want: ErrNoBus, text: "connection refused"},
		{name: "another transport", address: "tcp:host=localhost,port=1", want: ErrNoBus, text: "names no unix socket"},
		{name: "to be started", address: "autolaunch:", want: ErrNoBus, text: "names no unix socket"},
		{name: "no bus", address: listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.0 400 no\r\n\r\n"); c.Close() }), want: ErrNoBus, text: "does not let us in"},
		{name: "a bus that says nothing", address: listen(t, silent), want: ErrNoAnswer, text: "no answer"},
		{name: "no service", address: sstest.StartBus(t).Address, want: ErrNoService, text: "nobody offers it on the session bus"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, ask := range []Ask{AskNobody, AskAnyhow} {
				s := open(t, test.address, ask)
				if test.want == ErrNoAnswer {
					quick(s)
				}
				for name, operation := range operations(s) {
					err := operation(t.Context())
					wantError(t, name, err, test.want, test.text)
					if errors.Is(err, keystore.ErrNotFound) || errors.Is(err, keystore.ErrLocked) {
						t.Errorf("%s: error %v", name, err)
					}
				}
				state, err := s.State(t.Context())
				wantError(t, "State", err, test.want, test.text)
				if state != keystore.Absent {
					t.Errorf("State is %v", state)
				}
				_, err = s.Keys(t.Context())
				wantError(t, "Keys", err, test.want, test.text)
				wantError(t, "Unlock", s.Unlock(t.Context()), test.want, test.text)
				wantError(t, "Lock", s.Lock(), test.want, test.text)
			}
			wantError(t, "Probe", Probe(t.Context(), test.address), test.want, test.text)
		})
	}
}

// A service that the bus could start is not started, by no operation.
func TestNotActivated(t *testing.T) {
	bus := sstest.StartBus(t)
	started := bus.Activatable(serviceName)
	for _, ask := range []Ask{AskNobody, AskAnyhow} {
		s := open(t, bus.Address, ask)
		for name, operation := range operations(s) {
			wantError(t, name, operation(t.Context()), ErrNoService, "")
		}
		wantError(t, "Unlock", s.Unlock(t.Context()), ErrNoService, "")
	}
	wantError(t, "Probe", Probe(t.Context(), bus.Address), ErrNoService, "")
	if started() {
		t.Error("the service was started")
	}
	// It would have been.
	_ = bus.Connect().Object(serviceName, servicePath).Call("org.freedesktop.DBus.Peer.Ping", 0)
	if !started() {
		t.Error("the bus starts nothing: the test proves nothing")
	}
}

// A service that owns its name and answers nothing does not keep Probe.
func TestProbeNoAnswer(t *testing.T) {
	f := startFake(t)
	f.answers("ReadAlias", silence)
	wantError(t, "Probe", Probe(t.Context(), f.bus.Address), ErrNoAnswer, "")
	ctx, cancel := context.WithCancel(t.Context())
	f.on("ReadAlias", func(sstest.Call) fakeReply {
		cancel()
		return silence
	})
	if err := Probe(ctx, f.bus.Address); !errors.Is(err, context.Canceled) {
		t.Errorf("Probe after ^C: %v", err)
	}
	f.answers("ReadAlias", reply(noPath))
	wantError(t, "Probe", Probe(t.Context(), f.bus.Address), ErrNoCollection, "no default one")
	f.answers("ReadAlias", usual)
	if err := Probe(t.Context(), f.bus.Address); err != nil {
		t.Errorf("Probe: %v", err)
	}
}

// ^C while the bus says nothing.
func TestConnectCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := open(t, listen(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 1)) // its greeting
		cancel()
	}), AskAnyhow)
	s.limits.connect = hang
	if _, err := s.Get(ctx, "key/a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
}

// A socket of another user gets nothing from us, not even a greeting.
func TestForeignBus(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can listen as another user")
	}
	dir, err := os.MkdirTemp("", "ss")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "test")
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(exe, 0o755); err != nil { // whatever the umask
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "bus")
	c := exec.CommandContext(t.Context(), exe, socket)
	c.Env = []string{childMark + "=listen"}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil { // it listens
		t.Fatal(err)
	}
	address := "unix:path=" + socket
	wantError(t, "Probe", Probe(t.Context(), address), ErrForeignBus, "the session bus belongs to another user: uid 65534")
	_, err = open(t, address, AskAnyhow).Get(t.Context(), "key/a")
	wantError(t, "Get", err, ErrForeignBus, "uid 65534")
	heard, err := io.ReadAll(out)
	if err != nil || len(heard) != 0 {
		t.Errorf("it heard %q, %v", heard, err)
	}
	_ = c.Wait()
}

func init() {
	// listen SOCKET: says when it listens, and then what two callers say.
	children["listen"] = func(_ context.Context, args []string) error {
		l, err := net.Listen("unix", args[0])
		if err != nil {
			return err
		}
		if err := os.Chmod(args[0], 0o777); err != nil {
			return err
		}
		if _, err := os.Stdout.Write([]byte{'\n'}); err != nil {
			return err
		}
		for range 2 {
			conn, err := l.Accept()
			if err != nil {
				return err
			}
			if _, err := io.Copy(os.Stdout, conn); err != nil {
				return err
			}
		}
		return nil
	}
}

// A tap passes on what a client and its bus say, and keeps the client's part.
type tap struct {
	mu   sync.Mutex
	said bytes.Buffer
}

// newTap returns the address of a tap on the bus of d.
func newTap(t *testing.T, d *sstest.Daemon) (*tap, string) {
	t.Helper()
	tap := new(tap)
	return tap, listen(t, func(client net.Conn) {
		bus, err := net.Dial("unix", sockets(d.Address)[0])
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			_, _ = io.Copy(client, bus)
			client.Close()
		}()
		_, _ = io.Copy(io.MultiWriter(bus, tap), client)
		bus.Close()
	})
}

// heard returns what the client has said so far.
func (tap *tap) heard() []byte {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	return bytes.Clone(tap.said.Bytes())
}

func (tap *tap) Write(p []byte) (int, error) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	return tap.said.Write(p)
}

// calls returns the number of messages after the greeting, which all are
// method calls: specification of D-Bus, section "Message Format".
func (tap *tap) calls(t *testing.T) (n int) {
	t.Helper()
	tap.mu.Lock()
	defer tap.mu.Unlock()
	_, rest, ok := bytes.Cut(tap.said.Bytes(), []byte("BEGIN\r\n"))
	if !ok {
		t.Fatalf("no greeting: %q", tap.said.Bytes())
	}
	for len(rest) >= 16 {
		if rest[0] != 'l' || rest[1] != 1 {
			t.Fatalf("no method call: %q", rest[:16])
		}
		body, header := int(binary.LittleEndian.Uint32(rest[4:])), int(binary.LittleEndian.Uint32(rest[12:]))
		size := 16 + (header+7)/8*8 + body
		if size > len(rest) {
			t.Fatalf("a message of %d bytes in %d", size, len(rest))
		}
		rest = rest[size:]
		n++
	}
	return n
}

// What a read costs in calls, the greeting of the bus included, with many
// items as with one; and that no secret goes over the bus in clear.
func TestCalls(t *testing.T) {
	d := sstest.StartDaemon(t)
	const secret = "a secret that nobody sees"
	s := open(t, d.Address, AskNobody)
	for _, key := range []string{"key/a", "key/b", "key/c", "key/d", "key/e"} {
		mustSet(t, s, key, secret)
	}
	tests := []struct {
		name  string
		ask   Ask
		calls int
		do    func(s *Store)
	}{
		{"read", AskAnyhow, 4, func(s *Store) { wantValue(t, s, "key/a", secret) }},
		{"read unattended", AskNobody, 5, func(s *Store) { wantValue(t, s, "key/a", secret) }},
		{"read after Begin", AskAnyhow, 4, func(s *Store) {
			s.Begin(t.Context())
			wantValue(t, s, "key/a", secret)
		}},
		{"three reads", AskAnyhow, 8, func(s *Store) {
			for _, key := range []string{"key/a", "key/b", "key/a"} {
				wantValue(t, s, key, secret)
			}
		}},
		{"write", AskAnyhow, 4, func(s *Store) { mustSet(t, s, "key/a", secret) }},
		{"state", AskAnyhow, 3, func(s *Store) { wantState(t, s, keystore.Unlocked) }},
	}
	for _, test := range tests {
		n := 0
		for range 3 { // one session in 256 takes a call more
			tap, address := newTap(t, d)
			test.do(open(t, address, test.ask))
			if bytes.Contains(tap.heard(), []byte(secret)) {
				t.Errorf("%s: the secret went over the bus in clear", test.name)
			}
			if n = tap.calls(t); n == test.calls {
				break
			}
		}
		if n != test.calls {
			t.Errorf("%s: %d calls, want %d", test.name, n, test.calls)
		}
	}

	tap, address := newTap(t, d)
	plain := open(t, address, AskAnyhow)
	plain.Plain = true
	mustSet(t, plain, "key/a", secret)
	if !bytes.Contains(tap.heard(), []byte(secret)) {
		t.Error("the tap would not have seen a secret in clear")
	}
}

// A bus that says nothing is waited for once by who begins ahead of reading, and
// again by who comes back.
func TestBeginNoAnswer(t *testing.T) {
	var times atomic.Int32
	s := open(t, listen(t, func(net.Conn) { times.Add(1) }), AskNobody)
	quick(s)
	s.Begin(t.Context())
	for want := range int32(2) {
		_, err := s.Get(t.Context(), "key/a")
		wantError(t, "Get", err, ErrNoAnswer, "")
		if n := times.Load(); n != want+1 {
			t.Errorf("%d connections, want %d", n, want+1)
		}
	}
}

// A store can be used again after Close, and after its bus was closed and
// opened.
func TestClose(t *testing.T) {
	d := sstest.StartDaemon(t)
	s := open(t, d.Address, AskNobody)
	mustSet(t, s, "key/a", "one")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	wantValue(t, s, "key/a", "one")

	d.Restart() // its sessions are gone, the connection is not
	wantValue(t, s, "key/a", "one")
	d.Restart()
	mustSet(t, s, "key/a", "two")
	wantValue(t, s, "key/a", "two")

	d.Bus.Kill()
	_, err := s.Get(t.Context(), "key/a")
	wantError(t, "Get without a bus", err, ErrNoBus, "")
}
