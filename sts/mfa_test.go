package sts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// codes returns an MFA that gives one code after another, and the requests
// that it got.
func codes(list ...string) (func(context.Context, MFARequest) (string, error), *[]MFARequest) {
	var got []MFARequest
	return func(_ context.Context, r MFARequest) (string, error) {
		got = append(got, r)
		if len(got) > len(list) {
			return "", &CodeError{r.Serial, ErrNoCode}
		}
		return list[len(got)-1], nil
	}, &got
}

// wrongCodes returns four codes that the device does not show about now.
func (w *world) wrongCodes() []string {
	now := w.clock.Now()
	var list []string
	for n := 0; len(list) < 4; n++ {
		code := fmt.Sprintf("%06d", n)
		if code != w.mfa.Code(now.Add(-30*time.Second)) && code != w.mfa.Code(now) && code != w.mfa.Code(now.Add(30*time.Second)) {
			list = append(list, code)
		}
	}
	return list
}

func TestMFAWrongCode(t *testing.T) {
	w := newWorld(t)
	good := w.mfa.Code(w.clock.Now())
	wrong := w.wrongCodes()
	ask, requests := codes(wrong[0], good)
	got, err := w.run("base", func(r *Runner) { r.MFA = ask })
	if err != nil {
		t.Fatal(err)
	}
	w.calls(0, "GetSessionToken AccessDenied", "GetSessionToken")
	if who := w.whose(got); who != aliceARN {
		t.Errorf("the credentials are those of %s", who)
	}
	want := []MFARequest{{Serial: w.mfa.Serial(), Profile: "base"}, {Serial: w.mfa.Serial(), Profile: "base", Wrong: true}}
	if len(*requests) != 2 || (*requests)[0] != want[0] || (*requests)[1] != want[1] {
		t.Errorf("requests %+v, want %+v", *requests, want)
	}

	// Three wrong codes are enough.
	w = newWorld(t)
	ask, requests = codes(w.wrongCodes()...)
	_, err = w.run("dev", func(r *Runner) { r.MFA = ask })
	var refused *CallError
	if !errors.As(err, &refused) || !refused.WrongMFACode() || refused.Step.MFASerial != w.mfa.Serial() {
		t.Errorf("error %v", err)
	}
	w.calls(0, "GetSessionToken AccessDenied", "GetSessionToken AccessDenied", "GetSessionToken AccessDenied")
	if len(*requests) != 3 || (*requests)[0].Profile != "dev" {
		t.Errorf("requests %+v", *requests)
	}

	// A code that was tried is not sent again.
	w = newWorld(t)
	wrong = w.wrongCodes()
	ask, _ = codes(wrong[0], wrong[0], w.mfa.Code(w.clock.Now()))
	if _, err = w.run("base", func(r *Runner) { r.MFA = ask }); err != nil {
		t.Error(err)
	}
	w.calls(0, "GetSessionToken AccessDenied", "GetSessionToken")
	ask, requests = codes(wrong[1], wrong[1], wrong[1], wrong[1])
	if _, err = w.run("base", func(r *Runner) { r.MFA, r.Force = ask, true }); !errors.As(err, &refused) || !refused.WrongMFACode() {
		t.Errorf("error %v", err)
	}
	w.calls(0, "GetSessionToken AccessDenied")
	if len(*requests) != 3 {
		t.Errorf("requests %+v", *requests)
	}
}

// A code that was used up by another process is one that AWS refuses.
func TestMFAUsedCode(t *testing.T) {
	w := newWorld(t)
	w.must("base")
	w.calls(1, "GetSessionToken")
	if _, err := w.cache().DropFunc(t.Context(), func(Header) bool { return true }); err != nil {
		t.Fatal(err)
	}
	ask, _ := codes(w.mfa.Code(w.clock.Now()), w.mfa.Code(w.clock.Now().Add(30*time.Second)))
	if _, err := w.run("dev", func(r *Runner) { r.MFA = ask }); err != nil {
		t.Fatal(err)
	}
	w.calls(0, "GetSessionToken AccessDenied", "GetSessionToken", "AssumeRole dev")
}

// A session that a person gave a code for serves the shell and the roles,
// whichever of them it was made for, but not who asks for a life of its own.
func TestMFAShared(t *testing.T) {
	for first, then := range map[string]string{"base": "dev", "dev": "base"} {
		w := newWorld(t)
		made := w.must(first)
		w.aws.ResetCalls()
		w.asked = nil
		got := w.must(then)
		if then == "base" && got.AccessKeyID == made.AccessKeyID {
			t.Error("the shell got the role's credentials for the user's")
		}
		if cached, ok, err := w.runner().Cached(t.Context(), w.plan(then, Options{})); !ok || err != nil || cached.AccessKeyID != got.AccessKeyID {
			t.Errorf("Cached: %t, %v", ok, err)
		}
		w.calls(0, map[string][]string{"dev": {"AssumeRole dev"}}[then]...)
		for _, o := range []Options{{Duration: time.Hour}, {SessionTTL: time.Hour}, {MFASerial: "M:other"}} {
			plan := w.plan("base", o)
			if plan.Family(1) == w.plan("dev", Options{}).Family(1) {
				t.Errorf("%+v: the session is one of the others", o)
			}
		}
		// Made anew is made anew.
		if _, err := w.run("base", func(r *Runner) { r.Force = true }); err != nil {
			t.Fatal(err)
		}
		w.calls(1, "GetSessionToken")
	}
	// Without a device there is no person to be spared.
	w := newWorld(t)
	w.must("key")
	w.must("plain")
	w.calls(0, "GetSessionToken", "GetSessionToken", "AssumeRole open")
}

func TestMFANobody(t *testing.T) {
	w := newWorld(t)
	ask, _ := codes()
	_, err := w.run("dev", func(r *Runner) { r.MFA = ask })
	if !errors.Is(err, ErrNoCode) {
		t.Errorf("error %v, want %v", err, ErrNoCode)
	}
	w.calls(0)
	// Where one code was given, and nobody can give the next, what counts is
	// why that one did not do.
	ask, _ = codes(w.wrongCodes()[0])
	_, err = w.run("dev", func(r *Runner) { r.MFA = ask })
	var refused *CallError
	if !errors.As(err, &refused) || !refused.WrongMFACode() {
		t.Errorf("error %v", err)
	}
	w.calls(0, "GetSessionToken AccessDenied")
	// What goes wrong with asking is told as it is.
	broken := errors.New("broken")
	_, err = w.run("dev", func(r *Runner) {
		r.MFA = func(context.Context, MFARequest) (string, error) { return "", broken }
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	w.calls(0)
}

func TestMFANoCode(t *testing.T) {
	for _, code := range []string{"", "12345", "1234567", "12345a", "١٢٣٤٥٦", " 12345", "-12345"} {
		w := newWorld(t)
		ask, _ := codes(code)
		_, err := w.run("dev", func(r *Runner) { r.MFA = ask })
		var bad *CodeError
		if !errors.As(err, &bad) || bad.Serial != w.mfa.Serial() || code != "" && strings.Contains(err.Error(), code) {
			t.Errorf("code %q: error %v", code, err)
		}
		w.calls(0)
	}
}

// A device that is not the user's takes no code at all.
func TestMFAOtherDevice(t *testing.T) {
	w := newWorld(t)
	w.config = strings.Replace(w.config, "M:alice", "M:nobody", 1)
	_, err := w.run("dev", nil)
	var refused *CallError
	if !errors.As(err, &refused) || !refused.WrongMFACode() {
		t.Errorf("error %v", err)
	}
	w.calls(1, "GetSessionToken AccessDenied")
}

// A call with a code is made once, whatever comes of it: AWS may have taken the
// code.
func TestMFACallOnce(t *testing.T) {
	for name, failure := range map[string]ststest.Failure{
		"throttled":   {Code: "Throttling", Message: "Rate exceeded"},
		"unavailable": {Code: "ServiceUnavailable", Status: 503},
		"broken":      {Code: "InternalFailure", Status: 500},
		"dropped":     {Drop: true},
		"lost":        {Lose: true},
	} {
		w := newWorld(t)
		w.aws.Fail("GetSessionToken", failure, 1)
		_, err := w.run("dev", nil)
		var refused *CallError
		if !errors.As(err, &refused) || refused.Step.Action != GetSessionToken {
			t.Errorf("%s: error %v", name, err)
		}
		if n := w.aws.CallCount("GetSessionToken"); n != 1 || len(w.asked) != 1 {
			t.Errorf("%s: %d calls, %d questions", name, n, len(w.asked))
		}
		w.aws.Fail("AssumeRole", failure, 1)
		_, err = w.runner().Run(t.Context(), w.plan("prod", Options{Duration: 2 * time.Hour}))
		if !errors.As(err, &refused) || refused.Step.Action != AssumeRole {
			t.Errorf("%s: error %v", name, err)
		}
		if n := w.aws.CallCount("AssumeRole"); n != 1 {
			t.Errorf("%s: %d calls of a role with a code", name, n)
		}
	}
}

// More than the role allows: without a code there is a second try, with one
// the next code is asked for first.
func TestMFATooLong(t *testing.T) {
	w := newWorld(t)
	plan := w.plan("plain", Options{Duration: 10 * time.Hour})
	got, err := w.runner().Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	w.calls(0, "AssumeRole open ValidationError", "AssumeRole open")
	w.noted("R:open does not allow 10h: taken for 1h")
	if life := got.Expires.Sub(got.Issued); life != time.Hour {
		t.Errorf("a life of %s", life)
	}
	if _, err := w.runner().Run(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	w.calls(0)

	plan = w.plan("dev", Options{Duration: 10 * time.Hour})
	got, err = w.runner().Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	first, second := w.asked[0], w.asked[1]
	if first.Wrong || first.Spent || second.Wrong || !second.Spent {
		t.Errorf("requests %+v, %+v", first, second)
	}
	w.calls(2, "AssumeRole dev ValidationError", "AssumeRole dev")
	w.noted("R:dev does not allow 10h: for 1h another MFA code is needed")
	if life := got.Expires.Sub(got.Issued); life != time.Hour {
		t.Errorf("a life of %s", life)
	}

	// Where nobody can be asked for it, the first refusal is the error.
	w = newWorld(t)
	ask, _ := codes(w.mfa.Code(w.clock.Now()))
	r := w.runner()
	r.MFA = ask
	_, err = r.Run(t.Context(), w.plan("dev", Options{Duration: 10 * time.Hour}))
	var refused *CallError
	if !errors.As(err, &refused) || !refused.tooLong() {
		t.Errorf("error %v", err)
	}
	w.calls(0, "AssumeRole dev ValidationError")
}
