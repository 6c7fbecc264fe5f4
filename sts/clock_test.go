package sts

import (
	"errors"
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// A call that AWS refuses for our clock is made again by AWS's, also one with
// an MFA code: it looks at the signature first. What is issued lives by ours.
func TestClockOff(t *testing.T) {
	for _, tt := range []struct {
		ahead time.Duration // of our clock
		note  string
	}{
		{10 * time.Minute, "the clock of this machine is 10m ahead of AWS's: set it right"},
		{-10 * time.Minute, "the clock of this machine is 10m behind AWS's: set it right"},
		{26 * time.Hour, "the clock of this machine is 26h ahead of AWS's: set it right"},
		{-26 * time.Hour, "the clock of this machine is 26h behind AWS's: set it right"},
	} {
		w := newWorld(t)
		w.aws.SetSkew(-tt.ahead)
		got := w.must("dev")
		w.calls(1, "GetSessionToken SignatureDoesNotMatch", "GetSessionToken", "AssumeRole dev")
		w.noted(tt.note)
		if now := w.clock.Now(); !got.Issued.Equal(now) || got.Expires.Sub(now).Round(2*time.Second) != time.Hour || got.Skew.Round(2*time.Second) != tt.ahead {
			t.Errorf("%s ahead: issued %s, expires %s, now %s, skew %s", tt.ahead, got.Issued, got.Expires, now, got.Skew)
		}
		// It is found again, and not longer than it lives.
		w.must("dev")
		w.calls(0)
		w.clock.Advance(54 * time.Minute)
		w.must("dev")
		w.calls(0)
		w.clock.Advance(2 * time.Minute)
		w.must("dev")
		w.calls(0, "AssumeRole dev")
		w.noted(tt.note)
		// Another process learns it anew.
		w.client = &AWS{Now: w.clock.Now}
		w.must("deep")
		w.calls(0, "AssumeRole deep SignatureDoesNotMatch", "AssumeRole deep")
		w.noted(tt.note)
		if _, err := w.client.Caller(t.Context(), got, "", w.aws.URL()); err != nil {
			t.Error(err)
		}
	}
}

// A clock that is off by less than AWS refuses counts all the same.
func TestClockALittleOff(t *testing.T) {
	w := newWorld(t)
	w.aws.SetSkew(3 * time.Minute)
	got := w.must("base")
	w.calls(1, "GetSessionToken")
	w.noted("the clock of this machine is 3m behind AWS's: set it right")
	if left := got.Expires.Sub(w.clock.Now()).Round(2 * time.Second); left != time.Hour {
		t.Errorf("%s are left", left)
	}

	w = newWorld(t)
	w.aws.SetSkew(-59 * time.Second)
	got = w.must("base")
	w.calls(1, "GetSessionToken")
	w.noted()
	if left := got.Expires.Sub(w.clock.Now()); got.Skew != 0 || left != time.Hour-59*time.Second {
		t.Errorf("%s are left, skew %s", left, got.Skew)
	}
}

// A clock that is set right again makes what was issued before worthless: by
// what clock it lives is not known.
func TestClockSetRight(t *testing.T) {
	w := newWorld(t)
	w.aws.SetSkew(-365 * 24 * time.Hour)
	w.must("base")
	w.calls(1, "GetSessionToken SignatureDoesNotMatch", "GetSessionToken")
	w.clock.Advance(-365 * 24 * time.Hour)
	w.aws.SetSkew(0)
	w.client = &AWS{Now: w.clock.Now}
	w.must("base")
	w.calls(1, "GetSessionToken")
}

// AWS's clock is tried once.
func TestClockForGood(t *testing.T) {
	for _, ahead := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		w := newWorld(t)
		w.aws.SetSkew(-ahead)
		w.aws.Fail("GetSessionToken", ststest.Failure{Code: "SignatureDoesNotMatch", Status: 403, Message: "Signature expired: x is now earlier than y"}, -1)
		_, err := w.run("dev", nil)
		var call *CallError
		if !errors.As(err, &call) || !call.ClockOff() || call.Skew != ahead {
			t.Errorf("error %v, skew %s, want %s", err, call.Skew, ahead)
		}
		w.calls(1, "GetSessionToken SignatureDoesNotMatch", "GetSessionToken SignatureDoesNotMatch")
	}
	// And not at all where it is the same as ours.
	w := newWorld(t)
	w.aws.Fail("GetSessionToken", ststest.Failure{Code: "RequestTimeTooSkewed", Status: 403}, -1)
	_, err := w.run("dev", nil)
	var call *CallError
	if !errors.As(err, &call) || !call.ClockOff() || call.Skew != 0 {
		t.Errorf("error %v", err)
	}
	w.calls(1, "GetSessionToken RequestTimeTooSkewed")
	// A secret that does not belong to the key has nothing to do with it.
	w.key.SecretAccessKey = credentials("x").SecretAccessKey
	w.aws.Fail("GetSessionToken", ststest.Failure{}, 0)
	_, err = w.run("dev", nil)
	if !errors.As(err, &call) || call.Code != "SignatureDoesNotMatch" || call.ClockOff() {
		t.Errorf("error %v", err)
	}
	w.calls(1, "GetSessionToken SignatureDoesNotMatch")
}

func TestAhead(t *testing.T) {
	at := func(d time.Duration) time.Time { return cacheNow.Add(d) }
	for _, tt := range []struct{ sent, received, date, want time.Duration }{
		{0, 0, 0, 0},
		{0, 20 * time.Second, 10 * time.Second, 0},
		{900 * time.Millisecond, 950 * time.Millisecond, 0, 0}, // AWS says whole seconds
		{0, time.Second, 61 * time.Second, -time.Minute},
		{61 * time.Second, 62 * time.Second, 0, 61 * time.Second},
	} {
		if got := ahead(at(tt.sent), at(tt.received), at(tt.date)); got != tt.want {
			t.Errorf("sent at %s, received at %s, AWS %s: ahead %s, want %s", tt.sent, tt.received, tt.date, got, tt.want)
		}
	}
}

// A session lives from before it was asked for, however long the answer takes.
func TestIssued(t *testing.T) {
	w := newWorld(t)
	before := w.clock.Now()
	gate := ststest.NewGate()
	w.aws.Fail("GetSessionToken", ststest.Failure{Gate: gate}, 1)
	go func() {
		<-gate.Arrived
		w.clock.Advance(10 * time.Second)
		gate.Open()
	}()
	got := w.must("base")
	if !got.Issued.Equal(before) || !got.Expires.Equal(before.Add(time.Hour)) || got.Skew != 0 {
		t.Errorf("issued %s, expires %s, asked for at %s", got.Issued, got.Expires, before)
	}
}
