package sts

import (
	"testing"
	"time"
)

func TestMinimumLife(t *testing.T) {
	for _, tt := range []struct{ life, minimum, window time.Duration }{
		{36 * time.Hour, 5 * time.Minute, 10 * time.Minute},
		{time.Hour, 5 * time.Minute, 10 * time.Minute},
		{30 * time.Minute, 150 * time.Second, 5 * time.Minute},
		{15 * time.Minute, 75 * time.Second, 150 * time.Second},
		{time.Minute, 5 * time.Second, 10 * time.Second},
	} {
		if got := MinimumLife(tt.life); got != tt.minimum {
			t.Errorf("MinimumLife(%s) = %s, want %s", tt.life, got, tt.minimum)
		}
		if got := RenewalWindow(tt.life); got != tt.window {
			t.Errorf("RenewalWindow(%s) = %s, want %s", tt.life, got, tt.window)
		}
	}
}

func TestFresh(t *testing.T) {
	issued := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const ns = time.Nanosecond
	for _, tt := range []struct {
		life, least, at time.Duration // at: after it was issued
		want            bool
	}{
		// An hour: five minutes are to be left.
		{time.Hour, 0, 0, true},
		{time.Hour, 0, 55*time.Minute - ns, true},
		{time.Hour, 0, 55 * time.Minute, false},
		// A quarter: a twelfth of it.
		{15 * time.Minute, 0, 15*time.Minute - 75*time.Second - ns, true},
		{15 * time.Minute, 0, 15*time.Minute - 75*time.Second, false},
		{time.Minute, 0, 55*time.Second - ns, true},
		{time.Minute, 0, 55 * time.Second, false},
		// What is asked for replaces that.
		{time.Hour, 30 * time.Minute, 30*time.Minute - ns, true},
		{time.Hour, 30 * time.Minute, 30 * time.Minute, false},
		{time.Hour, time.Second, time.Hour - time.Second - ns, true},
		{time.Hour, time.Second, time.Hour - time.Second, false},
		// More than there is: good until half of it is gone.
		{time.Hour, 2 * time.Hour, 30*time.Minute - ns, true},
		{time.Hour, 2 * time.Hour, 30 * time.Minute, false},
		{15 * time.Minute, 10 * time.Minute, 7*time.Minute + 30*time.Second - ns, true},
		{15 * time.Minute, 10 * time.Minute, 7*time.Minute + 30*time.Second, false},
		// Over is over.
		{time.Hour, ns, time.Hour, false},
		{time.Hour, 0, 1000 * time.Hour, false},
		{-time.Hour, 0, 0, false},
		{-time.Hour, 0, -2 * time.Hour, false},
		{0, 0, 0, false},
		// The clock has been set back since.
		{time.Hour, 0, -time.Minute, true},
		{time.Hour, 0, -time.Minute - ns, false},
		{time.Hour, 0, -1000 * time.Hour, false},
	} {
		if got := fresh(issued, issued.Add(tt.life), issued.Add(tt.at), tt.least); got != tt.want {
			t.Errorf("a life of %s, %s after its beginning, with at least %s: %t, want %t", tt.life, tt.at, tt.least, got, tt.want)
		}
	}
	if !fresh(time.Time{}, time.Time{}, issued, time.Hour) {
		t.Error("what never ends is not fresh")
	}
}

func TestLeft(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if left, ok := (Credentials{Expires: now.Add(time.Hour)}).Left(now); left != time.Hour || !ok {
		t.Errorf("Left = %s, %t", left, ok)
	}
	if left, ok := (Credentials{}).Left(now); left != 0 || ok {
		t.Errorf("Left of a key that never ends = %s, %t", left, ok)
	}
}
