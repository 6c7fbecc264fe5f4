package cmd_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestShellScript uses vault in scripts, as strict as a shell can be.
func TestShellScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t).login()
	posix := `
eval "$(vault init %)"
vault use dev
env >used
vault use prod --region eu-west-3
vault use -
vault refresh
vault off
env >after
if vault use nosuch; then exit 9; fi
vault off
echo "end $?"
vault use nosuch
echo not reached
`
	fish := strings.NewReplacer(`eval "$(vault init %)"`, "vault init fish | source", "if vault use nosuch; then exit 9; fi", "if vault use nosuch; exit 9; end",
		"$?", "$status", "vault use nosuch\necho not", "vault use nosuch; or exit 2\necho not").Replace(posix)
	for _, test := range []struct {
		name string
		argv []string
		code string
	}{
		{"bash", []string{"bash", "--norc", "-euo", "pipefail"}, posix},
		{"bash posix", []string{"bash", "--norc", "--posix", "-eu"}, posix},
		{"bash functrace", []string{"bash", "--norc", "-eEuT"}, "trap : DEBUG ERR RETURN\n" + posix},
		{"zsh", []string{"zsh", "-f", "-e", "-u", "-o", "pipe_fail", "-o", "warn_create_global", "-o", "err_return"}, posix},
		{"zsh ksh_arrays", []string{"zsh", "-f", "-e", "-u", "-o", "ksh_arrays", "-o", "sh_word_split"}, posix},
		{"fish", []string{"fish", "--no-config"}, fish},
	} {
		program := need(t, test.argv[0])
		for _, name := range []string{"used", "after"} {
			w.write(name, "")
		}
		w.write("script", strings.ReplaceAll(test.code, "%", test.argv[0]))
		r := w.run("", w.environ("XDG_CONFIG_HOME="+w.home), program, append(test.argv[1:], filepath.Join(w.home, "script"))...)
		if r.code != 2 || r.stdout != "end 0\n" {
			t.Errorf("%s: %+v", test.name, r)
		}
		lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
		lines = slices.DeleteFunc(lines, func(s string) bool {
			return strings.HasPrefix(s, "vault: using ") || strings.HasPrefix(s, "vault: still fresh: ") || strings.HasPrefix(s, `vault: no profile "nosuch"`) || strings.HasPrefix(s, "vault: hint: ") || s == "vault: no profile is in use in this shell"
		})
		if len(lines) > 0 {
			t.Errorf("%s says %q", test.name, lines)
		}
		if used := w.read("used"); !strings.Contains(used, "AWS_VAULT=dev\n") || !strings.Contains(used, "AWS_SESSION_TOKEN=") {
			t.Errorf("%s: a child gets %q", test.name, used)
		}
		if after := w.read("after"); strings.Contains(after, "AWS_VAULT=") || strings.Contains(after, "AWS_SESSION_TOKEN") || strings.Contains(after, "__VAULT_") || after == "" {
			t.Errorf("%s: after off a child gets %q", test.name, after)
		}
	}
}
