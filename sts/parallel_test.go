package sts

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// Of many goroutines that need the same, one asks and calls.
func TestManyGoroutines(t *testing.T) {
	w := newWorld(t)
	r := w.runner()
	plan := w.plan("dev", Options{})
	gate := ststest.NewGate()
	w.aws.Fail("GetSessionToken", ststest.Failure{Gate: gate}, 1)
	var all sync.WaitGroup
	ids := make([]string, 50)
	started := make(chan struct{}, len(ids))
	for i := range ids {
		all.Go(func() {
			started <- struct{}{}
			got, err := r.Run(t.Context(), plan)
			if err != nil {
				t.Error(err)
			}
			ids[i] = got.AccessKeyID
		})
	}
	for range ids {
		<-started
	}
	<-gate.Arrived
	gate.Open()
	all.Wait()
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	if len(slices.Compact(ids)) != 1 {
		t.Errorf("they have different credentials: %q", ids)
	}
}

// So it is with processes; of each role there is one call.
func TestManyProcesses(t *testing.T) {
	w := newWorld(t)
	gate := ststest.NewGate()
	w.aws.Fail("GetSessionToken", ststest.Failure{Gate: gate}, 1)
	profiles := []string{"dev", "prod", "open", "deep", "base"}
	var all []*child
	for i := range 25 {
		j := w.job()
		j.Plan = w.plan(profiles[i%len(profiles)], Options{})
		all = append(all, start(t, "run", j))
	}
	for _, c := range all {
		if line := c.line(); line != "ready" {
			t.Fatalf("a child says %q", line)
		}
	}
	<-gate.Arrived
	gate.Open()
	asked := 0
	ids := map[string]bool{}
	for _, c := range all {
		text := c.rest()
		asked += strings.Count(text, "asked\n")
		id := strings.TrimPrefix(text, "asked\n")
		if !strings.HasPrefix(id, "ASIA") || strings.Count(id, "\n") != 1 {
			t.Errorf("a child prints %q", text)
		}
		ids[id] = true
	}
	if asked != 1 || len(ids) != len(profiles) {
		t.Errorf("asked %d times, %d different credentials", asked, len(ids))
	}
	if got := w.aws.Calls(); got["GetSessionToken"] != 1 || got["AssumeRole"] != len(profiles)-1 {
		t.Errorf("calls %v", got)
	}
	if n := len(w.cache().Headers()); n != len(profiles) {
		t.Errorf("%d sessions are cached", n)
	}
}

// Where the one that calls is killed, another takes its place.
func TestKilledProcess(t *testing.T) {
	w := newWorld(t)
	gate := ststest.NewGate()
	w.aws.Fail("GetSessionToken", ststest.Failure{Gate: gate}, 1)
	j := w.job()
	j.Plan = w.plan("dev", Options{})
	first := start(t, "run", j)
	<-gate.Arrived
	second := start(t, "run", j)
	second.line()
	if err := first.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait() // killed
	if text := second.rest(); !strings.HasPrefix(text, "asked\nASIA") {
		t.Errorf("the second prints %q", text)
	}
	gate.Open()
	if _, err := os.Stat(w.cache().Path); err != nil {
		t.Error(err)
	}
}

// One who is asked for a code holds up nobody who needs something else.
func TestOtherProfile(t *testing.T) {
	w := newWorld(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	plan := w.plan("dev", Options{})
	go func() {
		r := w.runner()
		r.MFA = func(ctx context.Context, m MFARequest) (string, error) {
			close(asked)
			<-answer
			return w.ask(ctx, m)
		}
		_, err := r.Run(t.Context(), plan)
		done <- err
	}()
	<-asked
	// Another session of the same key, a role straight from it, a key without MFA.
	if _, err := w.runner().Run(t.Context(), w.plan("base", Options{Duration: 2 * time.Hour})); err != nil {
		t.Error(err)
	}
	if _, err := w.runner().Run(t.Context(), w.plan("prod", Options{NoSession: true})); err != nil {
		t.Error(err)
	}
	w.must("plain")
	w.calls(2, "GetSessionToken", "AssumeRole prod", "GetSessionToken", "AssumeRole open")
	close(answer)
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.calls(1, "GetSessionToken", "AssumeRole dev")
}

// Who gives up leaves the locks to others, whatever it was waiting for.
func TestCanceled(t *testing.T) {
	w := newWorld(t)
	for name, wait := range map[string]func(*Runner, context.CancelFunc){
		"asked": func(r *Runner, cancel context.CancelFunc) {
			r.MFA = func(ctx context.Context, _ MFARequest) (string, error) {
				cancel()
				<-ctx.Done()
				return "", ctx.Err()
			}
		},
		"waiting for the lock": func(r *Runner, cancel context.CancelFunc) {
			r.Lock = func(ctx context.Context, hash string) (func(), error) {
				unlock, err := w.lock(ctx, hash)
				if err != nil {
					return nil, err
				}
				defer unlock()
				cancel()
				return w.lock(ctx, hash)
			}
		},
		"opening the keystore": func(r *Runner, cancel context.CancelFunc) {
			r.Key = func(ctx context.Context, _ Step) (Credentials, error) {
				cancel()
				return Credentials{}, ctx.Err()
			}
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		r := w.runner()
		wait(r, cancel)
		if _, err := r.Run(ctx, w.plan("dev", Options{})); err != context.Canceled {
			t.Errorf("%s: error %v", name, err)
		}
		w.calls(0)
	}

	gate := ststest.NewGate()
	w.aws.Fail("GetSessionToken", ststest.Failure{Gate: gate}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-gate.Arrived
		cancel()
	}()
	if _, err := w.runner().Run(ctx, w.plan("dev", Options{})); err != context.Canceled {
		t.Errorf("calling: error %v", err)
	}
	w.must("dev") // with the same code, which was not used up
	if n := w.aws.CallCount("GetSessionToken"); n != 2 || len(w.asked) != 2 {
		t.Errorf("%d calls, %d questions", n, len(w.asked))
	}

	// The last moment is when the session is written.
	ctx, cancel = context.WithCancel(t.Context())
	r := w.runner()
	r.Cache.Rest = func(time.Time) { cancel() }
	if _, err := r.Run(ctx, w.plan("prod", Options{})); err != context.Canceled {
		t.Errorf("writing: error %v", err)
	}
	w.noted()
}
