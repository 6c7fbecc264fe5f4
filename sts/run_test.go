package sts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
)

func TestRun(t *testing.T) {
	w := newWorld(t)
	got := w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	if want := w.clock.Now(); !got.Issued.Equal(want) || !got.Expires.Equal(want.Add(time.Hour)) {
		t.Errorf("issued %s, expires %s; now %s", got.Issued, got.Expires, want)
	}
	if who, want := w.whose(got), fmt.Sprintf(sessionARN, "dev"); who != want {
		t.Errorf("the credentials are those of %s, want %s", who, want)
	}

	for i, h := range w.cache().Headers() {
		want := []Header{
			{Action: GetSessionToken, Profile: "base", MFA: true, Issued: got.Issued, Expires: got.Issued.Add(8 * time.Hour)},
			{Action: AssumeRole, Profile: "dev", RoleARN: w.roles["dev"].ARN(), MFA: true, Issued: got.Issued, Expires: got.Expires},
		}[i]
		want.Hash = w.plan("dev", Options{}).Hash(i + 1)
		want.Family = w.plan("dev", Options{}).Family(i + 1)
		if h != want {
			t.Errorf("header %+v, want %+v", h, want)
		}
	}

	again := w.must("dev")
	w.calls(0)
	if again.AccessKeyID != got.AccessKeyID || again.SecretAccessKey.Reveal() != got.SecretAccessKey.Reveal() ||
		again.SessionToken.Reveal() != got.SessionToken.Reveal() || !again.Issued.Equal(got.Issued) || !again.Expires.Equal(got.Expires) {
		t.Error("the cache gives other credentials")
	}

	// The other role behind the key takes the same session, the next in the
	// chain the same role.
	w.must("prod")
	w.calls(0, "AssumeRole prod")
	w.must("deep")
	w.calls(0, "AssumeRole deep")

	// Five minutes before its end a role is renewed, without a person.
	w.clock.Advance(55*time.Minute - time.Nanosecond)
	w.must("dev")
	w.calls(0)
	w.clock.Advance(time.Nanosecond)
	if renewed := w.must("dev"); !renewed.Expires.Equal(w.clock.Now().Add(time.Hour).Truncate(time.Second)) {
		t.Errorf("renewed until %s, now %s", renewed.Expires, w.clock.Now())
	}
	w.calls(0, "AssumeRole dev")
	w.noted()
}

func TestRunKeys(t *testing.T) {
	w := newWorld(t)
	got := w.must("base")
	w.calls(1, "GetSessionToken")
	if who := w.whose(got); who != aliceARN {
		t.Errorf("the credentials are those of %s", who)
	}
	if got.AccessKeyID == w.key.AccessKeyID {
		t.Error("the shell got the key itself")
	}
	got, err := w.runner().Run(t.Context(), w.plan("base", Options{NoSession: true}))
	if err != nil || got != w.key {
		t.Errorf("without a session: %v, %v", got, err)
	}
	w.calls(0)
	got, err = w.runner().Run(t.Context(), w.plan("dev", Options{NoSession: true}))
	if err != nil {
		t.Fatal(err)
	}
	w.calls(1, "AssumeRole dev")
	if who, want := w.whose(got), fmt.Sprintf(sessionARN, "dev"); who != want {
		t.Errorf("the credentials are those of %s, want %s", who, want)
	}
}

// A session that only signs the next call is used to its last minute: the next
// one may need a person.
func TestRunLastMinutes(t *testing.T) {
	w := newWorld(t)
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	w.clock.Advance(8*time.Hour - time.Minute - time.Second)
	w.must("dev")
	w.calls(0, "AssumeRole dev")
	w.clock.Advance(time.Second)
	w.must("prod")
	w.calls(1, "GetSessionToken", "AssumeRole prod")
}

func TestRunLeast(t *testing.T) {
	w := newWorld(t)
	least := func(d time.Duration) func(*Runner) { return func(r *Runner) { r.Least = d } }
	run := func(d time.Duration) {
		t.Helper()
		if _, err := w.run("dev", least(d)); err != nil {
			t.Fatal(err)
		}
	}
	run(0)
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	w.clock.Advance(20 * time.Minute)
	run(30 * time.Minute)
	w.calls(0)
	w.clock.Advance(10 * time.Minute)
	// The session below is as it was: what is asked for is life of the last.
	run(30 * time.Minute)
	w.calls(0, "AssumeRole dev")
	// AWS gives no more than an hour: that is handed out until half is gone.
	w.clock.Advance(30*time.Minute - time.Second)
	run(10 * time.Hour)
	w.calls(0)
	w.clock.Advance(time.Second)
	run(10 * time.Hour)
	w.calls(0, "AssumeRole dev")

	if _, ok, err := w.runner().Cached(t.Context(), w.plan("dev", Options{})); !ok || err != nil {
		t.Errorf("Cached: %t, %v", ok, err)
	}
	if _, ok, err := w.runner().Cached(t.Context(), w.plan("prod", Options{})); ok || err != nil {
		t.Errorf("Cached what was never made: %t, %v", ok, err)
	}
	w.calls(0)
}

// What AWS issues for a short time is handed out, and renewed no sooner than
// when a twelfth of it is left.
func TestRunShortLife(t *testing.T) {
	for _, life := range []time.Duration{time.Minute, 15 * time.Minute} {
		w := newWorld(t)
		w.aws.SetLife(life)
		w.must("base")
		w.calls(1, "GetSessionToken")
		w.clock.Advance(life - life/12 - time.Nanosecond)
		w.must("base")
		w.calls(0)
		w.clock.Advance(time.Nanosecond)
		w.must("base")
		w.calls(1, "GetSessionToken")
	}
}

func TestRunForce(t *testing.T) {
	w := newWorld(t)
	first := w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	// At the same moment, and the session stays.
	forced, err := w.run("dev", func(r *Runner) { r.Force = true })
	if err != nil {
		t.Fatal(err)
	}
	w.calls(0, "AssumeRole dev")
	if forced.AccessKeyID == first.AccessKeyID {
		t.Error("the credentials are the old ones")
	}
	if now := w.must("dev"); now.AccessKeyID != forced.AccessKeyID {
		t.Error("the old credentials are in the cache yet")
	}
	// One who waited takes what was made meanwhile.
	waited, err := w.run("dev", func(r *Runner) {
		r.Force = true
		lock := r.Lock
		r.Lock = func(ctx context.Context, hash string) (func(), error) {
			if _, err := w.run("dev", func(r *Runner) { r.Force = true }); err != nil {
				t.Error(err)
			}
			return lock(ctx, hash)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.calls(0, "AssumeRole dev")
	if now := w.must("dev"); now.AccessKeyID != waited.AccessKeyID {
		t.Error("the one who waited has other credentials")
	}
}

// Good credentials are not thrown away because they cannot be cached.
func TestRunUncached(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(filepath.Join(w.dir, "cache"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	if who, want := w.whose(got), fmt.Sprintf(sessionARN, "dev"); who != want {
		t.Errorf("the credentials are those of %s", who)
	}
	if len(w.notes) != 1 || !strings.HasPrefix(w.notes[0], "the session cannot be cached: ") || strings.Contains(w.notes[0], "\n") {
		t.Errorf("notes %q", w.notes)
	}

	// Nor is a keystore that went away while the cache stayed.
	w = newWorld(t)
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	none := &fs.PathError{Op: "open", Path: "/keys", Err: fs.ErrNotExist}
	if _, err := w.run("dev", func(r *Runner) {
		r.Cache.Key = func(context.Context) ([]byte, error) { return nil, none }
	}); err != nil {
		t.Error(err)
	}
	w.calls(1, "GetSessionToken", "AssumeRole dev")

	// A sealing key that a full disk keeps from being made is no reason either.
	w = newWorld(t)
	full := &fs.PathError{Op: "write", Path: "/keys", Err: errors.New("no space left on device")}
	_, err := w.run("base", func(r *Runner) {
		r.Cache.Key = func(context.Context) ([]byte, error) { return nil, fmt.Errorf("sealing key: %w", full) }
	})
	if err != nil {
		t.Error(err)
	}
	w.noted("the session cannot be cached: sealing key: write /keys: no space left on device")
}

// Who cannot open the keystore is told so before a code is asked for.
func TestRunLocked(t *testing.T) {
	for _, locked := range []error{keystore.ErrLocked, keystore.ErrPassphrase, context.Canceled, &keystore.FileError{Path: "keys", Err: keystore.ErrCorrupt}} {
		w := newWorld(t)
		_, err := w.run("dev", func(r *Runner) {
			r.Key = func(context.Context, Step) (Credentials, error) { return Credentials{}, fmt.Errorf("key: %w", locked) }
		})
		if !errors.Is(err, locked) {
			t.Errorf("error %v, want %v", err, locked)
		}
		_, err = w.run("dev", func(r *Runner) {
			r.Cache.Key = func(context.Context) ([]byte, error) { return nil, locked }
		})
		if !errors.Is(err, locked) {
			t.Errorf("error %v, want %v", err, locked)
		}
		w.calls(0)
		w.must("dev")
		w.calls(1, "GetSessionToken", "AssumeRole dev")
		_, err = w.run("dev", func(r *Runner) {
			r.Cache.Key = func(context.Context) ([]byte, error) { return nil, locked }
		})
		if !errors.Is(err, locked) {
			t.Errorf("with a session in the cache: error %v, want %v", err, locked)
		}
		w.calls(0)
	}
}

// The index says which key a profile has; the keystore may know better. What
// is made then must not pass for a session of the key that was planned with.
func TestRunOtherKey(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"AKIAOLD", ""} {
		planned := w.plan("dev", Options{})
		planned.Steps[0].AccessKeyID = id
		for range 2 {
			if _, err := w.runner().Run(t.Context(), planned); err != nil {
				t.Fatal(err)
			}
		}
		w.calls(2, "GetSessionToken", "AssumeRole dev", "GetSessionToken", "AssumeRole dev")
		line := fmt.Sprintf("the session cannot be cached: the key of profile %q is %s, and not %q", "base", w.key.AccessKeyID, id)
		w.noted(line, line)
	}
}

// Whatever lives are issued and whatever time passes: what is handed out has
// the life that is to be left, or half of all that it ever had.
func TestRunAlwaysFresh(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(1, 2))
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(random.Int64N(int64(most-least)))
	}
	r := w.runner()
	plan := w.plan("plain", Options{NoSession: true})
	for range 300 {
		w.aws.SetLife(between(time.Minute, 2*time.Hour).Truncate(time.Second))
		r.Least = []time.Duration{0, 0, between(1, 3*time.Hour)}[random.IntN(3)]
		got, err := r.Run(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		left, life := got.Expires.Sub(w.clock.Now()), got.Expires.Sub(got.Issued)
		least := r.Least
		if least == 0 {
			least = MinimumLife(life)
		}
		if left <= min(least, life/2) || !got.Expires.After(w.clock.Now()) {
			t.Fatalf("%s of %s are left, with at least %s", left, life, r.Least)
		}
		w.clock.Advance(between(0, time.Hour))
	}
	if n := w.aws.CallCount("AssumeRole"); n == 300 || n < 10 {
		t.Errorf("%d calls", n)
	}
}
