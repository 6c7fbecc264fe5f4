// Package sstest runs a private session bus and a real gnome-keyring on it,
// with a prompter that answers its dialogs, for tests.
//
// Nothing on such a bus is started by itself, and nothing of it is seen by
// the session that the tests run in.
package sstest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// hang is when a test that waits for an event gives up.
const hang = time.Minute

// A Bus is a session bus that starts nothing by itself.
type Bus struct {
	Address string

	t    testing.TB
	dir  string
	stop func()
}

// configuration is that of a session bus without the service folders of the
// system, so that no call ever starts a second keyring or a dialog.
const configuration = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%[1]s/bus</listen>
  <servicedir>%[1]s/services</servicedir>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// StartBus starts a bus that ends with the test. It skips the test where
// there is no dbus-daemon, except with CI=true.
func StartBus(t testing.TB) *Bus {
	t.Helper()
	program := need(t, "dbus-daemon")
	// Not t.TempDir: the name of a socket has room for 107 bytes.
	dir, err := os.MkdirTemp("", "ss")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := filepath.Join(dir, "bus.conf")
	err = errors.Join(
		os.Mkdir(filepath.Join(dir, "services"), 0o700),
		os.WriteFile(config, fmt.Appendf(nil, configuration, dir), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	ready, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	c := exec.Command(program, "--config-file="+config, "--nofork", "--nopidfile", "--print-address=3")
	c.ExtraFiles = []*os.File{written}
	stop, said := start(t, c)
	written.Close()
	// It prints its address when it listens.
	if _, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		stop()
		t.Fatalf("dbus-daemon: %v\n%s", err, said())
	}
	return &Bus{Address: "unix:path=" + dbus.EscapeBusAddressValue(filepath.Join(dir, "bus")), t: t, dir: dir, stop: stop}
}

// Activatable has the bus start a program for name when somebody calls it.
// The program touches a file; started reports whether it has.
func (b *Bus) Activatable(name string) (started func() bool) {
	b.t.Helper()
	mark := filepath.Join(b.dir, "started")
	// It fails, or the bus would wait for it.
	file := fmt.Sprintf("[D-BUS Service]\nName=%s\nExec=/bin/sh -c 'touch %s; exit 1'\n", name, mark)
	if err := os.WriteFile(filepath.Join(b.dir, "services", name+".service"), []byte(file), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := b.Connect().BusObject().Call("org.freedesktop.DBus.ReloadConfig", 0).Err; err != nil {
		b.t.Fatal(err)
	}
	return func() bool {
		_, err := os.Stat(mark)
		return err == nil
	}
}

// Kill ends the bus at once.
func (b *Bus) Kill() { b.stop() }

// Connect returns a new connection to the bus, for what a test does there by
// itself. It ends with the test.
func (b *Bus) Connect() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// start runs c until the test ends or stop is called. said returns what c has
// printed.
func start(t testing.TB, c *exec.Cmd) (stop func(), said func() string) {
	t.Helper()
	out := new(output)
	c.Stdout, c.Stderr = out, out
	dieWithParent(c)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	t.Cleanup(stop)
	return stop, out.String
}

// output is what a program prints, for when a test fails.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(o.buf.String())
}

// need returns the path of a program, or skips the test. Continuous
// integration has all of them: there a missing one is an error.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}
