package sts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadToken(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct{ text, token, fails string }{
		"token":     {text: "aaaa.bbbb.cccc\n", token: "aaaa.bbbb.cccc"},
		"longest":   {text: strings.Repeat("x", mostToken) + "\r\n", token: strings.Repeat("x", mostToken)},
		"too long":  {text: strings.Repeat("x", mostToken+1), fails: "holds more than the 20000 characters of a token"},
		"empty":     {text: " \n", fails: "holds no token"},
		"two lines": {text: "aaaa\nbbbb", fails: "holds something that is no token"},
		"binary":    {text: "aaaa\x00", fails: "holds something that is no token"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadToken(path)
		if got.Reveal() != tt.token || (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s: %d characters, %v", name, len(got.Reveal()), err)
		}
	}
	// What has no end is not read to it.
	if _, err := ReadToken("/dev/zero"); err == nil || !strings.Contains(err.Error(), "holds more than") {
		t.Errorf("/dev/zero: %v", err)
	}
}
