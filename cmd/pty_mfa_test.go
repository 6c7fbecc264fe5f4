package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts/ststest"
)

// TestPTYOfferDevice denies a role for lack of MFA: the user's only device is
// offered, and serves from then on.
func TestPTYOfferDevice(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.aws.AddRole("222222222222", "Strict", ststest.Trust{Principals: []string{"111111111111"}, RequireMFA: true})
		w.config("# mine\n[profile simple]\nregion = eu-west-2\n[profile strict]\nrole_arn = arn:aws:iam::222222222222:role/Strict\nsource_profile = simple\n")
		w.store("simple")
		c := w.console(t, setup{shell: shell})
		c.line("vault use strict")
		c.expect("AWS denied arn:aws:iam::222222222222:role/Strict")
		c.expect("Your MFA device is " + w.mfa.Serial())
		c.line("n")
		c.prompt()
		if c.status != 1 || strings.Contains(w.read(".aws/config"), "mfa_serial") {
			t.Errorf("%s: status %d, %s", shell, c.status, w.read(".aws/config"))
		}
		c.line("vault use strict")
		c.expect("[y/N] ")
		c.line("y")
		c.expect("MFA code for " + w.mfa.Serial())
		c.line(w.code())
		c.prompt()
		if env := c.env(); env["AWS_VAULT"] != "strict" || env["AWS_SESSION_TOKEN"] == "" {
			t.Errorf("%s: %v", shell, env["AWS_VAULT"])
		}
		if got, want := w.read(".aws/config"), "# mine\n[profile simple]\nregion = eu-west-2\nmfa_serial = "+w.mfa.Serial()+"\n"; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", shell, got)
		}
	}, "zsh", "fish")
}

// TestPTYMistyped mistypes: the device's own code is not said to be used, and
// is taken.
func TestPTYMistyped(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		c.toCode("vault use dev")
		code := w.code()
		c.line(fmt.Sprintf("%c%s", '0'+('9'-code[0]), code[1:]))
		c.expect("AWS did not take the code")
		c.expect(codeQuestion)
		c.send("\x03")
		c.prompt()
		c.line("vault use dev")
		if said := c.expect(codeQuestion); strings.Contains(said, "half minute") {
			t.Errorf("%s: %s", shell, said)
		}
		c.line(code)
		c.prompt()
		c.inUse("dev", "eu-west-1")
	}, "zsh")
}

// TestPTYNextCode has a program give a code that is used: the time to the next
// one is counted down, and ^C ends that.
func TestPTYNextCode(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.config(fmt.Sprintf("[profile bastion]\nmfa_serial = %s\nmfa_process = echo %s\n", w.mfa.Serial(), w.code()))
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		c.ok("vault use bastion")
		c.ok("vault off; vault clear")
		before := c.environ()
		c.line("vault use bastion")
		const line = "vault: this MFA code is used: the next one comes in "
		c.expect(line)
		c.expect(line)
		if raw := c.bytes(); strings.Contains(raw, "\n"+line) || strings.Count(raw, "\r"+line) < 2 {
			t.Errorf("%s: not on one line: %q", shell, raw)
		}
		c.send("\x03")
		c.prompt()
		if c.status != 130 {
			t.Errorf("%s: status %d", shell, c.status)
		}
		c.same(before, c.environ(), "after ^C")
	}, "zsh", "fish")
}

// TestPTYHolder waits for another process, and says for which.
func TestPTYHolder(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		c.toCode("vault use dev")
		c.line(w.code())
		c.prompt()
		c.ok("vault off; vault clear")
		steps, err := filepath.Glob(filepath.Join(w.env["XDG_RUNTIME_DIR"], "vault", "step-*.lock"))
		if err != nil || len(steps) == 0 {
			t.Fatal("no step has a lock")
		}
		for _, path := range steps {
			unlock, err := keystore.Lock(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
		}
		c.line("vault use dev")
		c.expect(fmt.Sprintf("vault: waiting for another vault (process %d) that gets the same credentials", os.Getpid()))
		c.send("\x03")
		c.prompt()
		if c.status != 130 {
			t.Errorf("%s: status %d", shell, c.status)
		}
	}, "zsh")
}
