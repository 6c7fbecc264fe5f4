package cmd_test

import (
	"strings"
	"testing"
)

// TestPTYUnlock unlocks a keystore that asks once, and one whose key may not
// rest: that is said.
func TestPTYUnlock(t *testing.T) {
	w := newWorld(t)
	w.store("simple")
	c := w.console(t, setup{shell: "bash", env: []string{"AWS_VAULT_FILE_PASSPHRASE"}})
	unlock := func() string {
		t.Helper()
		w.locked()
		c.line("vault unlock")
		c.expect(passphraseQuestion)
		c.line(passphrase)
		out := c.prompt()
		if c.status != 0 {
			t.Errorf("unlock: status %d, %q", c.status, out)
		}
		return out
	}
	if out := unlock(); strings.Contains(out, "each command will ask") {
		t.Errorf("unlocked, and it says %q", out)
	}
	c.settings(`keys_ttl = "0"`)
	if out := unlock(); !strings.Contains(out, "vault: the passphrase is right, and each command will ask for it: keys_ttl in ") {
		t.Errorf("a key that may not rest: it says %q", out)
	}
	c.hides(passphrase)
}
