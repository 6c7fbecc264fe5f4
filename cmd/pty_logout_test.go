package cmd_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts/ststest"
)

// TestPTYLogout logs out in one shell: that is as it was before, another one
// leaves at its next prompt, and who comes back is asked again.
func TestPTYLogout(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		a, b := w.console(t, setup{shell: shell, env: []string{"AWS_PROFILE=mine"}}), w.console(t, setup{shell: shell})
		mine, his := a.environ(), b.environ()
		a.ok("vault use dev --region ap-south-1")
		b.ok("vault use dev")
		other := w.console(t, setup{shell: "bash"})
		other.ok("vault use prod")
		if out := a.ok("vault logout"); !strings.Contains(out, "vault: logged out of dev\n") {
			t.Errorf("it says %q", out)
		}
		a.shows("")
		a.same(mine, a.environ(), "after logout")
		if out := b.run("true"); !strings.Contains(out, "vault: left dev: its session was ended") {
			t.Errorf("the other shell says %q", out)
		}
		b.shows("")
		b.same(his, b.environ(), "after a logout elsewhere")
		if out := other.ok("true"); strings.Contains(out, "vault:") {
			t.Errorf("a shell of another profile says %q", out)
		}
		other.inUse("prod", "us-east-1")
		if out := a.fails(1, "vault logout"); !strings.Contains(out, "no profile is in use") {
			t.Errorf("again: %q", out)
		}
		if _, asked := a.answer("vault use -", map[string]func() string{"MFA code for ": w.code}); len(asked) != 1 || a.status != 0 {
			t.Errorf("asked %q, status %d", asked, a.status)
		}
		a.inUse("dev", "ap-south-1")
		a.hides(w.secret)
	})
}

// TestPTYLogoutAll logs out of everything: sessions of all profiles, and
// servers. A shell that is switched to none stays as it is.
func TestPTYLogoutAll(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		a, b := w.console(t, setup{shell: shell}), w.console(t, setup{shell: shell})
		before := a.environ()
		a.ok("vault use --serve dev")
		served := a.serves("dev")
		b.ok("vault use prod")
		if out := a.ok("vault logout --all"); !strings.Contains(out, "vault: logged out of everything\n") || !strings.Contains(out, "which served dev") {
			t.Errorf("it says %q", out)
		}
		a.same(before, a.environ(), "after logout")
		ends(t, served, "after logout")
		if out := b.run("true"); !strings.Contains(out, "vault: left prod: its session was ended") {
			t.Errorf("the other shell says %q", out)
		}
		if out := b.ok("vault logout --all"); !strings.Contains(out, "logged out of everything") {
			t.Errorf("again: %q", out)
		}
		b.fails(2, "vault logout --all dev")
	})
}

// TestPTYLogoutUnloaded logs out in a shell without the function: all is done
// but what only the shell can do, and the status says so.
func TestPTYLogoutUnloaded(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, bare: true})
		before := c.environ()
		c.ok(`eval "$(vault use dev)"`)
		out := c.fails(3, "vault logout")
		for _, want := range []string{"logged out of dev, but for this shell", "is not loaded into this one", "vault init " + shell} {
			if !strings.Contains(out, want) {
				t.Errorf("it says %q, want %q", out, want)
			}
		}
		c.inUse("dev", "eu-west-1")
		if r := w.vault("exec", "dev", "--", "true"); r.code != 5 {
			t.Errorf("there are sessions still: %+v", r)
		}
		c.ok(`eval "$(vault logout)"`)
		c.same(before, c.environ(), "after logout")
	})
}

// TestPTYLogoutMeanwhile logs out while the credentials are being renewed: what
// the renewal gets is not kept.
func TestPTYLogoutMeanwhile(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		gate := ststest.NewGate()
		w.aws.Fail("AssumeRole", ststest.Failure{Gate: gate}, -1)
		c.ages(9 * time.Minute)
		c.ok("true")
		w.arrives(gate)
		hash := c.state()[hashField]
		if r := w.vault("logout", "dev"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
		gate.Open()
		// The renewal holds this until it is done.
		unlock, err := keystore.Lock(t.Context(), filepath.Join(w.dir, "run", "vault", "step-"+hash+".lock"))
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		if r := w.vault("list", "--json"); r.code != 0 || strings.Contains(r.stdout, "session_expires") {
			t.Errorf("there is a session: %d %s%s", r.code, r.stdout, r.stderr)
		}
		if out := c.run("true"); !strings.Contains(out, "left dev: its session was ended") {
			t.Errorf("the shell says %q", out)
		}
	})
}
