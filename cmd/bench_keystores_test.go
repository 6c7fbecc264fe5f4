package cmd_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

// BenchmarkKeystores times "vault use" with a cached session, as whole
// processes: where the key that opens sessions rests in the kernel, and where it
// has to be had from the Secret Service or by the passphrase first. Beside it
// are a Go hello world, in turn with each, and secret-tool.
func BenchmarkKeystores(b *testing.B) {
	hello, vault := goHello(b), copied(b, binary)
	fmt.Printf("\n%-44s %8s %8s\n", "vault use, session cached; medians in ms", "hello", "vault")
	measure := func(name, target string, within func(ours, hello float64) bool, prepare func(), environ []string, argv ...string) {
		b.Run(name, func(b *testing.B) {
			var ours, theirs []time.Duration
			for range b.N {
				theirs = append(theirs, timed(b, environ, hello))
				prepare()
				ours = append(ours, timed(b, environ, argv[0], argv[1:]...))
			}
			b.ReportMetric(0, "ns/op")
			if b.N == 1 {
				return // the run that finds out how many
			}
			mine, his := milliseconds(median(ours)), milliseconds(median(theirs))
			said := ""
			if target != "" {
				said = "target " + target + ": missed"
				if within(mine, his) {
					said = "target " + target + ": met"
				}
			}
			fmt.Printf("%-44s %8.2f %8.2f   %s\n", name, his, mine, said)
		})
	}
	use := []string{vault, "use", "plain", "--shell", "zsh"}
	plus := func(most float64) func(float64, float64) bool {
		return func(ours, hello float64) bool { return ours <= hello+most }
	}

	w := newBenchWorld(b)
	forget := func(w *world) func() {
		return func() {
			for _, key := range []string{keystore.SealingKeyDescription(w.keys()), keystore.DataKeyDescription(w.keys())} {
				if err := (keystore.KernelKey{Description: key}).Drop(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	measure("key in the kernel", "3 x hello", func(ours, hello float64) bool { return ours <= 3*hello }, func() {}, w.environ(), use...)
	measure("sealed file, by passphrase", "hello + 130 ms", plus(130), forget(w), w.environ(), use...)

	for _, items := range []int{6, 1000} {
		d := sstest.StartDaemon(b)
		s := newWorld(b)
		s.env["DBUS_SESSION_BUS_ADDRESS"] = d.Address
		s.store("simple")
		fill(b, d, items)
		if r := s.vault(use[1:]...); r.code != 0 {
			b.Fatalf("%+v", r)
		}
		measure(fmt.Sprintf("Secret Service, %d items", items), "hello + 9 ms", plus(9), forget(s), s.environ(), use...)
		if tool, err := exec.LookPath("secret-tool"); err == nil {
			measure(fmt.Sprintf("secret-tool lookup, %d items", items), "", nil, func() {}, s.environ(), tool, "lookup", "number", "1")
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// keys returns the path of the sealed file.
func (w *world) keys() string { return filepath.Join(w.home, sealedFile) }

// fill puts items of another program into the collection.
func fill(b *testing.B, d *sstest.Daemon, items int) {
	b.Helper()
	const service = "org.freedesktop.Secret."
	conn := d.Connect()
	var ignored dbus.Variant
	var session dbus.ObjectPath
	secrets := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	if err := secrets.Call(service+"Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&ignored, &session); err != nil {
		b.Fatal(err)
	}
	type secret struct {
		Session           dbus.ObjectPath
		Parameters, Value []byte
		ContentType       string
	}
	collection := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets/aliases/default")
	for i := range items {
		err := collection.Call(service+"Collection.CreateItem", 0, map[string]dbus.Variant{
			service + "Item.Label":      dbus.MakeVariant("of another program"),
			service + "Item.Attributes": dbus.MakeVariant(map[string]string{"number": fmt.Sprint(i)}),
		}, secret{session, nil, []byte("something"), "text/plain"}, false).Err
		if err != nil {
			b.Fatal(err)
		}
	}
}
