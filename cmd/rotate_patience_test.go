package cmd_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/cmd"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/ststest"
)

// hasty runs vault in this process, by a clock on which two minutes pass from
// one look to the next: what is waited for never comes in time.
func (w *world) hasty(args ...string) result {
	w.t.Helper()
	clock := ststest.NewClock(time.Now())
	hurry := func() time.Time {
		clock.Advance(2 * time.Minute)
		return clock.Now()
	}
	var out, said strings.Builder
	app := &cmd.App{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &said,
		Env: shell.ParseEnv(w.environ()), Home: w.home, UID: os.Getuid(), Now: hurry,
		Terminal: cmd.TTY{},
		Parent:   func() string { return "" },
		Client:   func(cmd.ClientOptions) cmd.AWS { return &sts.AWS{Now: time.Now} },
		Store:    cmd.OpenStore,
		KernelKey: func(description string, idle, most time.Duration) cmd.RestingKey {
			return keystore.KernelKey{Description: description, Idle: idle, Max: most, Now: time.Now}
		},
		Arm: func() {},
	}
	code := app.Run(context.Background(), args)
	return result{out.String(), said.String(), code}
}

// TestRotateGivesUp has AWS not know a new key for longer than a minute: the
// old one stays, until the new one comes good or is gone.
func TestRotateGivesUp(t *testing.T) {
	w := newWorld(t)
	w.store("simple")
	w.aws.SetKeyLag(1)
	r := w.hasty("rotate", "simple")
	if r.code != 1 || !strings.Contains(r.stderr, "InvalidClientTokenId") ||
		!strings.Contains(r.stderr, w.keyID+` is still the key of profile "simple"`) ||
		!strings.Contains(r.stderr, "hint: go on with: vault rotate simple --resume") {
		t.Fatalf("%+v", r)
	}
	if id := w.working("simple"); id != w.keyID {
		t.Errorf("%s is the key", id)
	}
	if r := w.vault("rotate", "simple", "--resume"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	w.rotated("simple")

	// The next one is deleted in the console before it comes good.
	first := w.working("simple")
	r = w.hasty("rotate", "simple")
	ids, _ := w.user.Keys()
	if r.code != 1 || len(ids) != 2 {
		t.Fatalf("%+v, keys %q", r, ids)
	}
	w.aws.Revoke(ids[1])
	if r := w.hasty("rotate", "simple", "--resume"); r.code != 1 ||
		!strings.Contains(r.stderr, ids[1]+" is no longer there at AWS: the rotation is forgotten, and "+first+" stays") {
		t.Fatalf("%+v", r)
	}
	w.rotated("simple")
}
