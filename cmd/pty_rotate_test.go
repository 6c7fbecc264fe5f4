package cmd_test

import (
	"slices"
	"strings"
	"testing"
)

// TestPTYRotate rotates at a terminal: one MFA code, a line that counts while
// AWS does not know the new key, ^C there, and the rest without a code.
func TestPTYRotate(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.user.RequireMFA(true)
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		c.toCode("vault rotate bastion")
		c.send("\x03")
		c.prompt()
		if n := w.aws.CallCount("CreateAccessKey"); c.status != 130 || n != 0 {
			t.Errorf("%s: status %d, %d keys made", shell, c.status, n)
		}
		c.toCode("vault rotate bastion")
		w.aws.SetKeyLag(2)
		c.line(w.code())
		c.expect("vault: made AKIA")
		const waiting = " yet: trying again in "
		c.expect(waiting)
		c.send("\x03")
		c.expect("vault: stopped: " + w.keyID + ` is still the key of profile "bastion", and AKIA`)
		c.prompt()
		if c.status != 130 {
			t.Errorf("%s: status %d", shell, c.status)
		}
		c.echoes()
		c.fails(1, "vault rotate bastion")
		said := c.ok("vault rotate bastion --resume")
		if strings.Contains(said, codeQuestion) || !strings.Contains(said, waiting) {
			t.Errorf("%s: %s", shell, said)
		}
		ids, _ := w.user.Keys()
		if r := w.vault("export", "bastion", "--no-session", "--format", "json"); len(ids) != 1 || !strings.Contains(r.stdout, ids[0]) {
			t.Errorf("%s: keys %q, %+v", shell, ids, r)
		}
		if n := w.aws.CallCount("GetSessionToken"); n != 1 {
			t.Errorf("%s: GetSessionToken was called %d times", shell, n)
		}
		c.hides(w.secret)
	}, "zsh", "fish")
}

// TestPTYRotateInUse rotates the key behind a shell that is switched: what it
// has stays, and is renewed by the new key without a word.
func TestPTYRotateInUse(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("simple")
		c := w.console(t, setup{shell: shell})
		c.ok("vault use plain")
		before := c.key()
		c.ok("vault rotate simple")
		if after := c.key(); after != before {
			t.Errorf("%s: the shell had %s and has %s", shell, before, after)
		}
		c.ok("vault status --verify")
		c.ok("vault refresh --force")
		if after := c.key(); after == before {
			t.Errorf("%s: the shell still has %s", shell, after)
		}
		ids, _ := w.user.Keys()
		for _, r := range w.aws.Requests() {
			if r.Action == "GetSessionToken" && r.Error == "" && r.AccessKeyID == ids[0] {
				return
			}
		}
		t.Errorf("%s: the new key has made no session", shell)
	}, "bash")
}

// TestPTYRotateReplace is asked before the user's other key is deleted, and
// before that a protected profile is confirmed.
func TestPTYRotateReplace(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("simple")
		other, _ := w.user.NewKey()
		c := w.console(t, setup{shell: shell, config: "[[profile]]\nmatch = \"simple\"\nprotected = true\n"})
		const protected = "simple is protected: type its name to go on: "
		question := "Delete " + other
		for _, answer := range []string{"n", "y"} {
			_, asked := c.answer("vault rotate simple --replace "+other, map[string]func() string{protected: types("simple"), question: types(answer)})
			if want := []string{protected, question}; !slices.Equal(asked, want) {
				t.Errorf("%s: asked %q, want %q", shell, asked, want)
			}
			ids, _ := w.user.Keys()
			if there := slices.Contains(ids, other); there != (answer == "n") || len(ids) == 1 != (answer == "y") || (c.status == 0) != (answer == "y") {
				t.Errorf("%s: answered %s: status %d, keys %q", shell, answer, c.status, ids)
			}
		}
	}, "zsh")
}
