package sts

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// header returns the header of the cached session of an action.
func (w *world) header(a Action) (Header, bool) {
	for _, h := range w.cache().Headers() {
		if h.Action == a {
			return h, true
		}
	}
	return Header{}, false
}

// id returns the access key id of the cached session of an action.
func (w *world) id(a Action) string {
	w.t.Helper()
	h, _ := w.header(a)
	got, ok, err := w.cache().Get(w.t.Context(), h.Hash, time.Second)
	if !ok || err != nil {
		w.t.Fatalf("no %s is cached: %v", a, err)
	}
	return got.AccessKeyID
}

// A cached session that AWS no longer takes is dropped, and the way gone again.
func TestGone(t *testing.T) {
	for name, end := range map[string]func(w *world, id string){
		"revoked": func(w *world, id string) { w.aws.Revoke(id) },
		"expired": func(w *world, id string) { w.aws.Expire(id) },
	} {
		w := newWorld(t)
		w.must("dev")
		w.calls(1, "GetSessionToken", "AssumeRole dev")
		end(w, w.id(GetSessionToken))
		w.must("dev") // of no concern to it
		w.calls(0)
		w.must("prod")
		code := map[string]string{"revoked": "InvalidClientTokenId", "expired": "ExpiredToken"}[name]
		w.calls(1, "AssumeRole prod "+code, "GetSessionToken", "AssumeRole prod")
		// What was not used was not dropped.
		w.must("dev")
		w.must("prod")
		w.calls(0)
		w.noted()
	}
}

// In a chain what was signed with is dropped, and what that was made with only
// where AWS does not take it either.
func TestGoneChain(t *testing.T) {
	w := newWorld(t)
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	w.aws.Revoke(w.id(AssumeRole))
	w.must("deep")
	w.calls(0, "AssumeRole deep InvalidClientTokenId", "AssumeRole dev", "AssumeRole deep")

	w = newWorld(t)
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	w.aws.Revoke(w.id(AssumeRole))
	w.aws.Revoke(w.id(GetSessionToken))
	w.must("deep")
	w.calls(1, "AssumeRole deep InvalidClientTokenId", "AssumeRole dev InvalidClientTokenId", "GetSessionToken", "AssumeRole dev", "AssumeRole deep")
}

// What is refused when it was just made is an error and no loop.
func TestGoneForGood(t *testing.T) {
	w := newWorld(t)
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	w.aws.Fail("AssumeRole", ststest.Failure{Code: "ExpiredToken", Status: 403}, -1)
	_, err := w.run("prod", nil)
	var refused *CallError
	if !errors.As(err, &refused) || refused.Code != "ExpiredToken" {
		t.Errorf("error %v", err)
	}
	w.calls(1, "AssumeRole prod ExpiredToken", "GetSessionToken", "AssumeRole prod ExpiredToken")

	// Nor is there a second try where nothing was cached.
	w = newWorld(t)
	w.aws.Fail("AssumeRole", ststest.Failure{Code: "ExpiredToken", Status: 403}, -1)
	if _, err = w.run("dev", nil); !errors.As(err, &refused) || refused.Code != "ExpiredToken" {
		t.Errorf("error %v", err)
	}
	w.calls(1, "GetSessionToken", "AssumeRole dev ExpiredToken")

	// The key itself is not in the cache: no second try.
	w = newWorld(t)
	w.aws.DeactivateKey(w.key.AccessKeyID)
	_, err = w.run("dev", nil)
	if !errors.As(err, &refused) || refused.Code != "InvalidClientTokenId" || refused.AccessKeyID != w.key.AccessKeyID {
		t.Errorf("error %v", err)
	}
	w.calls(1, "GetSessionToken InvalidClientTokenId")
}

// What AWS no longer takes is not found again, even where nobody could make
// another.
func TestGoneAndNobody(t *testing.T) {
	w := newWorld(t)
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	w.aws.Revoke(w.id(GetSessionToken))
	nobody, _ := codes()
	if _, err := w.run("prod", func(r *Runner) { r.MFA = nobody }); !errors.Is(err, ErrNoCode) {
		t.Errorf("error %v", err)
	}
	w.calls(0, "AssumeRole prod InvalidClientTokenId")
	if h, ok := w.header(GetSessionToken); ok {
		t.Errorf("%+v is cached yet", h)
	}
	if _, ok := w.header(AssumeRole); !ok {
		t.Error("the role is gone too")
	}
	if _, err := w.run("prod", func(r *Runner) { r.MFA = nobody }); !errors.Is(err, ErrNoCode) {
		t.Errorf("error %v", err)
	}
	w.calls(0)
}

// A session that was made for something else is dropped all the same.
func TestGoneAlike(t *testing.T) {
	for first, then := range map[string]string{"base": "dev", "dev": "prod"} {
		w := newWorld(t)
		made := w.must(first)
		if first == "dev" {
			made.AccessKeyID = w.id(GetSessionToken)
		}
		w.aws.ResetCalls()
		w.asked = nil
		w.aws.Revoke(made.AccessKeyID)
		w.must(then)
		w.calls(1, "AssumeRole "+then+" InvalidClientTokenId", "GetSessionToken", "AssumeRole "+then)
		if got := w.must("base"); got.AccessKeyID == made.AccessKeyID {
			t.Error("the shell gets the revoked session")
		}
		w.calls(0)
	}
}

// Many that find the same session revoked make one new one.
func TestGoneForMany(t *testing.T) {
	w := newWorld(t)
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	w.aws.Revoke(w.id(GetSessionToken))
	gate := ststest.NewGate()
	w.aws.Fail("AssumeRole", ststest.Failure{Gate: gate}, 3)
	var all sync.WaitGroup
	for _, profile := range []string{"prod", "open", "else"} {
		plan := w.plan(profile, Options{})
		all.Go(func() {
			if _, err := w.runner().Run(t.Context(), plan); err != nil {
				t.Errorf("%s: %v", profile, err)
			}
		})
	}
	for range 3 {
		<-gate.Arrived
	}
	gate.Open()
	all.Wait()
	if n := w.aws.CallCount("GetSessionToken"); n != 1 || len(w.asked) != 1 {
		t.Errorf("%d sessions, %d questions", n, len(w.asked))
	}
	if n := w.aws.CallCount("AssumeRole"); n != 6 {
		t.Errorf("%d calls of roles, want each refused and made once", n)
	}
}

// AccessDenied says nothing of what the call was signed with.
func TestDenied(t *testing.T) {
	w := newWorld(t)
	w.must("dev")
	w.aws.AddRole("222222222222", "prod", ststest.Trust{})
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	_, err := w.run("prod", nil)
	var refused *CallError
	if !errors.As(err, &refused) || refused.Code != "AccessDenied" || refused.RequestID == "" || refused.Step.Profile != "prod" ||
		refused.AccessKeyID != w.id(GetSessionToken) || refused.WrongMFACode() || refused.ClockOff() {
		t.Errorf("error %v", err)
	}
	w.calls(0, "AssumeRole prod AccessDenied")
	if _, ok, _ := w.runner().Cached(t.Context(), w.plan("dev", Options{})); !ok {
		t.Error("another profile's credentials are gone")
	}
}
