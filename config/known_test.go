package config

import (
	"slices"
	"testing"
)

func TestTypo(t *testing.T) {
	if !slices.IsSorted(known) {
		t.Error("the known properties are not sorted")
	}
	for key, want := range map[string]string{
		"mfa_serail": "mfa_serial", "role_ran": "role_arn", "souce_profile": "source_profile", "duration_second": "duration_seconds",
		"regoin": "region", "mfa_serial": "", "region": "", "granted_sso_start_url": "", "x": "", "my_own_key": "", "": "",
	} {
		if got, ok := Typo(key); got != want || ok != (want != "") {
			t.Errorf("Typo(%q): got %q, %v, want %q", key, got, ok, want)
		}
	}
}
