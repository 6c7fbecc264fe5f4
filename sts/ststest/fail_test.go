package ststest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/shellvault/vault/sts/ststest"
)

func TestFail(t *testing.T) {
	w := newWorld(t)
	w.Fail("GetCallerIdentity", ststest.Failure{Code: "Throttling", Message: "Rate exceeded"}, 2)
	w.Fail("GetCallerIdentity", ststest.Failure{Code: "InternalFailure", Status: 500, Message: "oops"}, 1)
	w.Fail("*", ststest.Failure{Code: "ServiceUnavailable", Status: 503, Message: "later"}, 1)
	for i, want := range []string{
		"400 Throttling: Rate exceeded",
		"400 Throttling: Rate exceeded",
		"500 InternalFailure: oops",
		"503 ServiceUnavailable: later",
		"ok",
	} {
		if got := w.who(t, w.key); got != want {
			t.Errorf("call %d: got %s, want %s", i, got, want)
		}
	}
	answers := func(want string) {
		t.Helper()
		if got := w.who(t, w.key); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	w.Fail("GetSessionToken", ststest.Failure{Code: "Throttling"}, 1)
	answers("ok")
	w.Fail("GetCallerIdentity", ststest.Failure{Code: "Throttling", Message: "Rate exceeded"}, -1)
	for range 5 {
		answers("400 Throttling: Rate exceeded")
	}
	w.Fail("GetCallerIdentity", ststest.Failure{}, 0)
	answers("ok")
}

// Who is at fault decides whether the SDK tries again.
func TestFailType(t *testing.T) {
	w := newWorld(t)
	for status, want := range map[int]string{400: "Sender", 403: "Sender", 500: "Receiver", 503: "Receiver"} {
		w.Fail("*", ststest.Failure{Code: "Oops", Status: status}, 1)
		_, body := w.do(t, w.signed(whoAmI))
		m := errorPattern.FindStringSubmatch(body)
		if m == nil || m[1] != want {
			t.Errorf("status %d: got %q, want type %s", status, body, want)
		}
	}
}

// A call that is dropped does nothing; one whose answer is lost does.
func TestDropAndLose(t *testing.T) {
	w := newWorld(t)
	code := aws.String(w.code())
	call := func() string {
		_, err := w.sts(w.key).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: aws.String(w.mfa.Serial()), TokenCode: code})
		return outcome(err)
	}
	w.Fail("GetSessionToken", ststest.Failure{Drop: true}, 1)
	w.Fail("GetSessionToken", ststest.Failure{Lose: true}, 1)
	for i, want := range []string{"no answer", "no answer", badCode} {
		if got := call(); got != want {
			t.Errorf("call %d: got %s, want %s", i, got, want)
		}
	}
	var got []string
	for _, r := range w.Requests() {
		got = append(got, r.Error)
	}
	if len(got) != 3 || got[0] != "Dropped" || got[1] != "Dropped" || got[2] != "AccessDenied" {
		t.Errorf("got outcomes %q", got)
	}
}

func TestGate(t *testing.T) {
	w := newWorld(t)
	gate := ststest.NewGate()
	w.Fail("GetCallerIdentity", ststest.Failure{Gate: gate}, 1)
	done := make(chan string)
	go func() { done <- w.who(t, w.key) }()
	<-gate.Arrived
	if got := w.CallCount("GetCallerIdentity"); got != 1 {
		t.Errorf("got %d calls, want 1", got)
	}
	if got := w.who(t, w.key); got != "ok" { // passes by the one that waits
		t.Errorf("got %s", got)
	}
	select {
	case got := <-done:
		t.Errorf("came through the gate: %s", got)
	default:
	}
	gate.Open()
	if got := <-done; got != "ok" {
		t.Errorf("got %s", got)
	}
}

func TestGateLeft(t *testing.T) {
	w := newWorld(t)
	gate := ststest.NewGate()
	w.Fail("*", ststest.Failure{Gate: gate}, -1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-gate.Arrived
		cancel()
	}()
	if _, err := w.sts(w.key).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); outcome(err) != "no answer" {
		t.Errorf("got %v", err)
	}
	done := make(chan string)
	go func() { done <- w.who(t, w.key) }()
	<-gate.Arrived
	w.Close() // must not wait for the gate
	if got := <-done; got != "no answer" {
		t.Errorf("got %s", got)
	}
}

func TestDelay(t *testing.T) {
	w := newWorld(t)
	w.Fail("*", ststest.Failure{Delay: 50 * time.Millisecond}, 1)
	begin := time.Now()
	if got := w.who(t, w.key); got != "ok" {
		t.Errorf("got %s", got)
	}
	if took := time.Since(begin); took < 50*time.Millisecond {
		t.Errorf("took %s", took)
	}
	gate := ststest.NewGate()
	gate.Open()
	w.Fail("*", ststest.Failure{Gate: gate, Delay: time.Hour}, 1)
	done := make(chan string)
	go func() { done <- w.who(t, w.key) }()
	<-gate.Arrived
	w.Close()
	if got := <-done; got != "no answer" {
		t.Errorf("got %s", got)
	}
}
