package sstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// Passphrase is that of the collection "login" of every Daemon.
const Passphrase = "correct horse"

const (
	name   = "org.freedesktop.secrets"
	root   = dbus.ObjectPath("/org/freedesktop/secrets")
	secret = "org.freedesktop.Secret."
)

// Login is the default collection of a Daemon.
const Login = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")

// A Daemon is a gnome-keyring with one collection, on a bus of its own.
type Daemon struct {
	*Bus
	program string
	conn    *dbus.Conn
	kill    func()
}

// StartDaemon starts a gnome-keyring whose collection is empty and unlocked.
// It ends with the test. The test is skipped where there is no gnome-keyring,
// except with CI=true.
func StartDaemon(t testing.TB) *Daemon {
	t.Helper()
	program := need(t, "gnome-keyring-daemon")
	bus := StartBus(t)
	d := &Daemon{Bus: bus, program: program, conn: bus.Connect()}
	d.start("--unlock")
	return d
}

// start starts the daemon and returns when it has its collection.
func (d *Daemon) start(arg ...string) {
	d.t.Helper()
	c := exec.Command(d.program, append([]string{"--foreground", "--components=secrets"}, arg...)...)
	run := filepath.Join(d.dir, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		d.t.Fatal(err)
	}
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "DBUS_SESSION_BUS_ADDRESS=" + d.Address, "HOME=" + d.dir,
		"XDG_RUNTIME_DIR=" + run, "XDG_DATA_HOME=" + filepath.Join(d.dir, "data"),
		"XDG_CONFIG_HOME=" + filepath.Join(d.dir, "config"), "XDG_CACHE_HOME=" + filepath.Join(d.dir, "cache"),
	}
	// It takes the passphrase byte for byte: a newline would be part of it.
	c.Stdin = strings.NewReader(Passphrase)
	kill, said := start(d.t, c)
	d.kill = kill
	// It has its name a moment before it answers to it, and nothing tells
	// when that is over.
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	giveUp := time.After(hang)
	for {
		select {
		case <-look.C:
			var path dbus.ObjectPath
			if d.service("ReadAlias", "default").Store(&path) == nil && path == Login {
				return
			}
		case <-giveUp:
			d.t.Fatalf("gnome-keyring does not start\n%s", said())
		}
	}
}

func (d *Daemon) service(method string, args ...any) *dbus.Call {
	return d.conn.Object(name, root).Call(secret+"Service."+method, dbus.FlagNoAutoStart, args...)
}

// Lock locks the collection.
func (d *Daemon) Lock() {
	d.t.Helper()
	if err := d.service("Lock", []dbus.ObjectPath{Login}).Err; err != nil {
		d.t.Fatal(err)
	}
}

// Kill ends the daemon at once, as a crash does.
func (d *Daemon) Kill() { d.kill() }

// Restart kills the daemon and starts it again with the collection unlocked.
func (d *Daemon) Restart() {
	d.t.Helper()
	d.Kill()
	d.start("--unlock")
}

// RestartLocked kills the daemon and starts it again as after a login without
// a passphrase: the collection is locked, and only its file is known.
func (d *Daemon) RestartLocked() {
	d.t.Helper()
	d.Kill()
	d.start()
}
