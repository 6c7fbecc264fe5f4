package config

import (
	"os"
	"strings"
	"testing"
)

// A device without an end is refused, and not read into memory.
func TestLoadDevice(t *testing.T) {
	const zero = "/dev/zero"
	if _, err := os.Stat(zero); err != nil {
		t.Skip(err)
	}
	_, err := Load(Paths{Config: zero})
	check := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), zero+": ") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	check("Load", err)
	_, err = LoadFor(Paths{Config: zero}, "x")
	check("LoadFor", err)
	_, err = LoadSettings(zero)
	check("LoadSettings", err)
}
