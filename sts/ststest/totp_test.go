package ststest

import (
	"testing"
	"time"
)

// The vectors of RFC 6238, appendix B, for SHA-1; of their eight digits the
// last six are what six digits give.
func TestTOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	tests := []struct {
		unix int64
		want string
	}{
		{59, "94287082"},
		{1111111109, "07081804"},
		{1111111111, "14050471"},
		{1234567890, "89005924"},
		{2000000000, "69279037"},
		{20000000000, "65353130"},
	}
	for _, test := range tests {
		if got, want := totp(secret, step(time.Unix(test.unix, 0))), test.want[2:]; got != want {
			t.Errorf("at %d: got %s, want %s", test.unix, got, want)
		}
	}
	m := &MFA{secret: secret}
	if got, want := m.Seed(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"; got != want {
		t.Errorf("got seed %s, want %s", got, want)
	}
	if got, want := m.Code(time.Unix(59, 0)), "287082"; got != want {
		t.Errorf("got code %s, want %s", got, want)
	}
	if got, err := TOTP(m.Seed(), time.Unix(59, 0)); err != nil || got != "287082" {
		t.Errorf("from the seed: got %q, %v, want 287082", got, err)
	}
	if got, err := TOTP("0189", time.Unix(59, 0)); err == nil {
		t.Errorf("from a seed that is none: got %q", got)
	}
}
