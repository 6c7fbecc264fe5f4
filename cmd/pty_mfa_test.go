package cmd_test

import (
	"strings"
	"testing"

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
