package cmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shellvault/vault/shell"
)

// echoArgs is a command that prints its arguments, each with a NUL behind it.
var echoArgs = []string{"sh", "-c", `for a do printf '%s\0' "$a"; done`, "sh"}

// FuzzExecArguments runs commands through exec, exec --serve and the functions
// of the three shells, and compares what arrives: to the byte.
func FuzzExecArguments(f *testing.F) {
	w := newWorld(f)
	w.store("simple")
	for _, args := range [][]string{
		nil, {""}, {"", "", ""}, {"a b", "  ", "\t", "\n", "a\nb\n", "\r\n"}, {"--", "--x", "-p", "--serve", "--yes"},
		{`'`, `"`, `\`, "`id`", "$(id)", "$HOME", "${x}", "!!", "!x", "~", "*", "?", "[a]", "{a,b}", "=ls", "%1", "a=b"},
		{";", "&", "|", ">x", "<x", "#x", "(", ")", "^", "@", "\x1b[31m", "\x7f", "\x01"},
		{"é", "日本", "\xff\xfe", "\xc3", "\ufeff", "\u202e", "\U0010ffff", "\ufff0", "\uf600"},
		slices.Repeat([]string{"x", ""}, 3000), {strings.Repeat("long ", 20_000)},
	} {
		f.Add([]byte(strings.Join(append(args, ""), "\x00")))
	}
	shells := map[shell.Dialect][]string{shell.Zsh: {"zsh", "-f"}, shell.Bash: {"bash", "--norc"}, shell.Fish: {"fish", "--no-config"}}
	for d, run := range shells {
		run[0] = need(f, string(d))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w := &world{t: t, env: w.env, home: w.home}
		args := strings.Split(string(data), "\x00")
		args = args[:len(args)-1]
		if len(data) > 110_000 {
			t.Skip("more than one argument may be long (execve(2), MAX_ARG_STRLEN)")
		}
		want := strings.Join(append(slices.Clone(args), ""), "\x00")
		check := func(how string, r result) {
			t.Helper()
			if r.code != 0 || r.stdout != want {
				t.Errorf("%s: exit code %d, got %.200q, want %.200q\n%s", how, r.code, r.stdout, want, r.stderr)
			}
		}
		command := slices.Concat([]string{"plain", "--"}, echoArgs, args)
		check("exec", w.vault(append([]string{"exec"}, command...)...))
		check("exec --serve", w.vault(append([]string{"exec", "--serve"}, command...)...))
		for d, run := range shells {
			var b strings.Builder
			b.WriteString(map[shell.Dialect]string{shell.Fish: "vault init fish | source\nvault exec"}[d])
			if b.Len() == 0 {
				b.WriteString(`eval "$(vault init ` + string(d) + `)"` + "\nvault exec")
			}
			for _, a := range command {
				b.WriteString(" " + d.Quote(a))
			}
			file := filepath.Join(t.TempDir(), "session")
			if err := os.WriteFile(file, []byte(b.String()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			check(string(d), w.run("", w.environ(), run[0], run[1], file))
		}
	})
}

// TestExecEnvironment checks that variables of any name and value reach the
// command, and nothing of ours beside what the switch sets.
func TestExecEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store("simple")
	odd := []string{
		"LINES_OF=a\nb\n\nc=d\n", "EMPTY=", "EQUALS=a=b=c", "BYTES=\xff\xfe\x01\x1b[0m", "with space=x", "a.b-c/d=x", "1st=x", "é=ü",
		"BASH_FUNC_f%%=() {  echo hi\n}", "VAULT_TOKEN=of another program", "__vault=x", "LONG=" + strings.Repeat("x", 100_000),
	}
	for _, how := range []string{"exec", "exec --serve"} {
		r := w.run("", append(w.environ(), odd...), binary, append(strings.Fields(how), "plain", "--", printEnv, "-0")...)
		if r.code != 0 {
			t.Fatalf("%s: exit code %d\n%s", how, r.code, r.stderr)
		}
		got := strings.Split(strings.TrimSuffix(r.stdout, "\x00"), "\x00")
		for _, s := range odd {
			if !slices.Contains(got, s) {
				t.Errorf("%s: %.80q is gone", how, s)
			}
		}
		var names []string
		for _, s := range got {
			name, _, _ := strings.Cut(s, "=")
			_, ours := w.env[name]
			if ours || slices.ContainsFunc(odd, func(o string) bool { return strings.HasPrefix(o, name+"=") }) {
				continue
			}
			names = append(names, name)
		}
		slices.Sort(names)
		want := "AWS_ACCESS_KEY_ID AWS_CREDENTIAL_EXPIRATION AWS_DEFAULT_REGION AWS_REGION AWS_SECRET_ACCESS_KEY AWS_SESSION_EXPIRATION AWS_SESSION_TOKEN AWS_VAULT __VAULT_STATE"
		if how != "exec" {
			want = "AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_DEFAULT_REGION AWS_REGION AWS_VAULT __VAULT_STATE"
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: sets %s, want %s", how, got, want)
		}
		if bytes.Contains([]byte(r.stdout), []byte(passphrase)) {
			t.Errorf("%s: the passphrase reaches the command", how)
		}
	}
}

// TestExecFunction runs what is a function or an alias of the shell, and not a
// program.
func TestExecFunction(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("simple")
		c := w.console(t, setup{shell: shell})
		c.ok(by(shell, map[string]string{"bash": "mine() { echo in $AWS_VAULT; }; alias ours='echo our'", "fish": "function mine; echo in $AWS_VAULT; end; alias ours 'echo our'"}))
		c.ok(by(shell, map[string]string{"bash": "sh() { echo wrong; }", "fish": "function sh; echo wrong; end"}))
		if out := c.ok("vault exec plain -- sh -c 'echo a program'"); strings.TrimSpace(out) != "a program" {
			t.Errorf("%s: got %q", shell, out)
		}
		for name, kind := range map[string]string{"mine": "a function", "ours": by(shell, map[string]string{"bash": "an alias", "fish": "a function"})} {
			out := c.fails(127, "vault exec plain -- "+name+" -x")
			if want := `vault: exec: "` + name + `": not found: it is ` + kind + " of your " + shell + ", which only that knows\n"; !strings.HasPrefix(out, want) {
				t.Errorf("%s: got %q, want %q", shell, out, want)
			}
			_, hint, _ := strings.Cut(out, "\nvault: hint: ")
			hint = strings.TrimSpace(hint[strings.Index(hint, ": ")+2:])
			if shell == "fish" {
				if want := "vault exec plain -- fish -c " + name; hint != want {
					t.Errorf("fish: got the hint %q", hint)
				}
				continue
			}
			want := map[string]string{"mine": "in plain", "ours": "our"}[name]
			if out := c.ok(hint); !strings.HasSuffix(strings.TrimSpace(out), want) {
				t.Errorf("%s: %s: got %q, want %q", shell, hint, out, want)
			}
		}
		if shell != "fish" {
			c.ok("set -a")
			if out := c.ok("vault exec plain -- env"); strings.Contains(out, "__vault_") {
				t.Errorf("%s: a command gets variables of ours:\n%s", shell, out)
			}
		}
		for _, line := range []string{"vault exec plain -- nosuch mine", "vault exec plain -- nosuch -- mine"} {
			if out := c.fails(127, line); strings.TrimSpace(out) != `vault: exec: "nosuch": command not found` {
				t.Errorf("%s: got %q", shell, out)
			}
		}
	})
}
