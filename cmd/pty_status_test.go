package cmd_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shellvault/vault/sts/ststest"
)

// TestPTYStatus has the shell see the binary's own status, whatever it is.
func TestPTYStatus(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		w.locked()
		c := w.console(t, setup{shell: shell})
		before := c.environ()
		wants := func(status int, line, say string) {
			t.Helper()
			if out := c.fails(status, line); !strings.Contains(out, say) {
				t.Errorf("%s: %s: no %q in\n%s", shell, line, say, out)
			}
			c.shows("")
		}
		wants(1, "vault refresh", "vault: refresh: no profile is in use in this shell")
		wants(1, "vault region eu-west-1", "vault: hint: use one with: vault use PROFILE")
		wants(2, "vault use nosuch", `no profile "nosuch"`)
		wants(2, "vault use dev prod", "too many arguments")
		wants(2, "vault use dev --nosuch", "vault: hint: see: vault use --help")
		wants(2, "vault use dev --region 'a b'", "not the name of a region")
		wants(2, "vault nosuch", `vault: no command "nosuch"`)
		wants(4, "vault use dev --passphrase-file "+c.file("wrong\n"), "vault: ")
		wants(1, "vault use dev --mfa-code 000000", "vault: ")
		wants(3, "command vault use dev", "vault: vault use changes the shell, and vault is not loaded into this one")
		wants(3, "command vault off", "init "+shell)
		w.aws.Fail("GetSessionToken", ststest.Failure{Code: "ServiceUnavailable", Status: 503, Message: "try later"}, -1)
		wants(1, "vault use dev --mfa-code "+w.code(), "vault: ")
		w.aws.Fail("GetSessionToken", ststest.Failure{}, 0)
		c.same(before, c.environ(), "after all that failed")

		wants(0, "vault use --help >out 2>err", "")
		if out, errs := c.read("out"), c.read("err"); out != "" || !strings.Contains(errs, "vault use [PROFILE|-]") || !strings.Contains(errs, "--mfa-code") {
			t.Errorf("use --help prints %q, and on stderr %q", out, errs)
		}
		wants(0, "vault off -h >out 2>err", "")
		wants(0, "vault off", "vault: no profile is in use in this shell")
		wants(0, "vault --help >out", "")
		if out := c.read("out"); !strings.Contains(out, "Available Commands:") {
			t.Errorf("--help prints %q", out)
		}
		wants(0, "vault >out 2>err", "")
		wants(0, "vault list | cat >out", "")
		if out := c.read("out"); !strings.Contains(out, "staging") {
			t.Errorf("list prints %q", out)
		}
		c.same(before, c.environ(), "after help and list")

		c.toCode("vault exec dev -- sh -c 'exit 7'")
		c.line(w.code())
		c.prompt()
		if c.status != 7 {
			t.Errorf("exec: status %d", c.status)
		}
		wants(126, "vault exec dev -- "+c.dir, "vault: ")
		wants(127, "vault exec dev -- nosuch", "command not found")
		wants(0, `vault exec dev -- printf '<%s>' 'a b' '' '*' '$HOME' '-x' '`+"`id`"+`' >out`, "")
		if out := c.read("out"); out != "<a b><><*><$HOME><-x><`id`>" {
			t.Errorf("exec hands on %q", out)
		}
		wants(0, "echo of stdin | vault exec dev -- cat >out", "")
		if out := c.read("out"); out != "of stdin\n" {
			t.Errorf("exec hands on %q", out)
		}
		c.same(before, c.environ(), "after exec")
	})
}

// TestPTYAnswer puts a program in the binary's place, whose answers are not to
// be evaluated: it fails, or it was cut off.
func TestPTYAnswer(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell})
		evil := "touch evaluated; echo evil\n"
		c.write("answer", "#!/bin/sh\ncat text\nexit $(cat status)\n")
		c.ok(exe(shell, c.dir+"/answer"))
		refuses := func(command string) {
			t.Helper()
			for _, status := range []int{1, 2, 3, 4, 5, 77, 126, 127, 130, 137, 255} {
				c.write("text", evil+": vault-end\n")
				c.write("status", strconv.Itoa(status))
				if out := c.fails(status, "vault "+command); strings.TrimSpace(out) != "" {
					t.Errorf("status %d: %q", status, out)
				}
			}
			c.write("status", "0")
			for _, text := range []string{"", evil, evil + ": vault-en", evil + ": vault-end trailing\n", "x: vault-end\n"} {
				c.write("text", text)
				if out := c.fails(1, "vault "+command); strings.TrimSpace(out) != "vault: the answer was cut off: nothing was changed" {
					t.Errorf("%q: %q", text, out)
				}
			}
			if _, err := c.stat("evaluated"); err == nil {
				t.Fatal("the answer was evaluated")
			}
		}
		// First it is asked for the code of the command's function.
		refuses("use dev")
		c.write("text", "echo another part\n: vault-end\n")
		if out := c.fails(1, "vault use dev"); !strings.HasSuffix(strings.TrimSpace(out), "vault: the answer was cut off: nothing was changed") {
			t.Errorf("%q", out)
		}
		c.run(exe(shell, binary))
		c.ok("__vault_load session")
		c.ok(exe(shell, c.dir+"/answer"))
		for _, command := range []string{"use dev", "off", "refresh", "region eu-west-1"} {
			refuses(command)
			c.write("text", "echo fine; false\n: vault-end\n")
			if out := c.fails(1, "vault "+command); strings.TrimSpace(out) != "fine" {
				t.Errorf("%q", out)
			}
			c.write("text", "echo fine\n: vault-end\n")
			if out := c.ok("vault " + command); strings.TrimSpace(out) != "fine" {
				t.Errorf("%q", out)
			}
		}
		// The binary is gone, as after an upgrade to another place.
		c.ok(exe(shell, c.dir+"/gone"))
		before := c.environ()
		for _, line := range []string{"vault use dev", "vault off", "vault list"} {
			if out := c.fails(127, line); !strings.Contains(out, "gone") {
				t.Errorf("%s without the binary says %q", line, out)
			}
		}
		c.same(before, c.environ(), "without the binary")
		c.shows("")
		c.ok(exe(shell, c.dir+"/answer"))
		// What is not evaluated goes where it goes.
		c.write("text", "words: vault-end\n")
		c.write("status", "9")
		c.fails(9, "vault list >out")
		if got := c.read("out"); got != "words: vault-end\n" {
			t.Errorf("list prints %q", got)
		}
	})
}

// TestPTYNoFunction switches a shell that has not loaded vault, as scripts do.
func TestPTYNoFunction(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, bare: true, after: by(shell, map[string]string{
			"bash": "export AWS_PROFILE=mine AWS_SECRET_ACCESS_KEY='a '\\''key'\nAWS_REGION=plain\n",
			"fish": "set -gx AWS_PROFILE mine; set -gx AWS_SECRET_ACCESS_KEY 'a \\'key'; set -g AWS_REGION plain\n",
		})})
		before := c.environ()
		forms := []string{`eval "$(` + binary + ` %)"`}
		if shell == "fish" {
			forms = append(forms, binary+" % | source", "eval ("+binary+" % | string collect)")
		}
		for _, form := range forms {
			for _, how := range []string{"", " --shell " + shell} {
				eval := func(words string) string { return strings.Replace(form, "%", words+how, 1) }
				c.run(eval("use nosuch"))
				if c.status == 0 {
					t.Errorf("%s: status 0", eval("use nosuch"))
				}
				c.same(before, c.environ(), eval("use nosuch"))
				c.ok(eval("use dev"))
				c.inUse("dev", "eu-west-1")
				c.ok(eval("use prod"))
				c.ok(eval("region eu-west-3"))
				c.ok(eval("refresh"))
				used := c.inUse("prod", "eu-west-3")
				c.run(eval("region no"))
				if c.status == 0 {
					t.Errorf("%s: status 0", eval("region no"))
				}
				if now := c.inUse("prod", "eu-west-3"); now["__VAULT_STATE"] != used["__VAULT_STATE"] {
					t.Error("what failed has changed the state")
				}
				c.ok(eval("off"))
				c.same(before, c.environ(), eval("off"))
				if out := c.ok(eval("off")); !strings.Contains(out, "no profile is in use") {
					t.Errorf("%s says %q", eval("off"), out)
				}
			}
		}
		if shell != "fish" {
			c.ok("set -a")
			c.ok(`eval "$(` + binary + ` use dev)"`)
			c.inUse("dev", "eu-west-1")
			c.ok(`eval "$(` + binary + ` off)"`)
			c.ok("set +a")
			c.same(before, c.environ(), "off under set -a")
			c.run(`eval "$(` + binary + ` use nosuch)"`)
			if c.status != 2 {
				t.Errorf("status %d, want that of the binary, 2", c.status)
			}
			c.ok(`printf %s "$AWS_REGION" >plain`)
		} else {
			c.ok(`echo -n $AWS_REGION >plain`)
		}
		if got := c.read("plain"); got != "plain" {
			t.Errorf("AWS_REGION came back as %q", got)
		}
		// The parent is no shell that vault knows.
		c.run(`sh -c '"$0" use dev | cat >out' ` + binary + ` 2>err`)
		if out, errs := c.read("out"), c.read("err"); out != "(exit 2)\n" || !strings.Contains(errs, "vault: hint: say it with --shell") {
			t.Errorf("in sh: %q, %q", out, errs)
		}
	})
}

// TestPTYOtherVault has HashiCorp's vault first on PATH.
func TestPTYOtherVault(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		path := by(shell, map[string]string{"bash": `PATH="$PWD/hashicorp:$PATH"`, "fish": `set -gx PATH $PWD/hashicorp $PATH`})

		c := w.console(t, setup{shell: shell})
		c.write("hashicorp/vault", "#!/bin/sh\necho hashicorp \"$@\"\n")
		c.ok(path)
		if out := c.ok("command vault status"); strings.TrimSpace(out) != "hashicorp status" {
			t.Fatalf("the other vault is not first: %q", out)
		}
		c.ok("vault use dev")
		c.shows(`\(dev ` + hour + `\)`)
		c.inUse("dev", "eu-west-1")
		if out := c.ok("vault list"); strings.Contains(out, "hashicorp") || !strings.Contains(out, "staging") {
			t.Errorf("list is %q", out)
		}
		c.ok("vault off")

		c = w.console(t, setup{shell: shell, bare: true})
		c.write("hashicorp/vault", "#!/bin/sh\necho hashicorp \"$@\"\n")
		c.ok(path)
		c.ok(by(shell, map[string]string{
			"bash": `eval "$(` + binary + " init " + shell + ` --cmd av)"`,
			"fish": binary + " init fish --cmd av | source",
		}))
		before := c.environ()
		if out := c.ok("vault use dev"); strings.TrimSpace(out) != "hashicorp use dev" {
			t.Errorf("vault is %q", out)
		}
		c.ok("av use dev")
		c.shows(`\(dev ` + hour + `\)`)
		c.inUse("dev", "eu-west-1")
		for line, hint := range map[string]string{
			"av use nosuch":        "vault: hint: see the profiles with: av list",
			"av use prod --nosuch": "vault: hint: see: av use --help",
			"av exec nosuch":       "av list",
		} {
			if out := c.fails(2, line); !strings.Contains(out, hint) {
				t.Errorf("%s: no %q in %q", line, hint, out)
			}
		}
		c.ok("av off")
		c.same(before, c.environ(), "after av off")
		if out := c.fails(1, "av refresh"); !strings.Contains(out, "use one with: av use PROFILE") {
			t.Errorf("the hint is %q", out)
		}
	})
}

// nested starts a shell in the shell.
func (c *console) nested(shell, how string) {
	c.t.Helper()
	line := map[string]string{"zsh": "zsh", "bash": "bash --noprofile --rcfile bashrc", "fish": "fish"}[shell]
	c.line(how + line)
	c.shell = shell
	c.fresh()
}

// TestPTYNested starts shells in a switched shell. They know the switch, and
// undo it as far as they can know how.
func TestPTYNested(t *testing.T) {
	inShells(t, func(t *testing.T, outer string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: outer})
		for _, shell := range []string{"zsh", "bash", "fish"} {
			need(t, shell)
			c.shell = shell
			c.write(c.rc(), c.script(setup{shell: shell}))
		}
		c.shell = outer
		c.do(by(outer, map[string]string{
			"bash": "export AWS_PROFILE='my profile' AWS_REGION= AWS_ACCESS_KEY_ID=AKIAOWN AWS_SECRET_ACCESS_KEY=own-secret-value\n",
			"fish": "set -gx AWS_PROFILE 'my profile'; set -gx AWS_REGION ''; set -gx AWS_ACCESS_KEY_ID AKIAOWN; set -gx AWS_SECRET_ACCESS_KEY own-secret-value\n",
		}))
		before := c.environ()
		c.ok("vault use dev")
		used := c.environ()
		// A child has a level of its own, and cannot have the secret.
		comparable := func(env []string) []string {
			return slices.DeleteFunc(slices.Clone(env), func(s string) bool {
				name, _, _ := strings.Cut(s, "=")
				return slices.Contains([]string{"SHLVL", "OLDPWD", "PWD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, name)
			})
		}
		undo := func(shell string) {
			t.Helper()
			out := c.ok("vault off")
			for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
				if want := "vault: " + name + " had a value before the switch that only the first shell has kept: it stays unset here"; !strings.Contains(out, want) {
					t.Errorf("%s in %s: off does not say %q but %q", shell, outer, want, out)
				}
			}
			c.shows("")
			after := c.environ()
			c.same(comparable(before), comparable(after), "off in "+shell+" in "+outer)
			if slices.ContainsFunc(after, func(s string) bool {
				return strings.HasPrefix(s, "AWS_ACCESS_KEY_ID") || strings.HasPrefix(s, "AWS_SECRET_ACCESS_KEY")
			}) {
				t.Errorf("%s in %s: off left %q", shell, outer, after)
			}
		}
		for _, shell := range []string{"zsh", "bash", "fish"} {
			c.shell = outer
			count := c.count
			c.nested(shell, "")
			c.shows(`\(dev ` + hour + `\)`)
			c.same(comparable(used), comparable(c.environ()), "in "+shell+" in "+outer)
			c.ok("vault refresh")
			c.ok("vault use prod")
			c.shows(`\(prod ` + hour + `\)`)
			c.ok("vault use -")
			c.ok("vault region eu-west-3")
			undo(shell)
			c.ok("vault use staging")
			c.ok("vault off")
			c.count = count
			c.shell = outer
			c.line("exit")
			c.prompt()
			c.shows(`\(dev ` + hour + `\)`)
			c.same(used, c.environ(), "after "+shell+" in "+outer)
		}
		c.ok("vault off")
		c.same(before, c.environ(), "after off in the first shell")

		c.ok("vault use prod")
		c.nested(outer, "exec ")
		c.shows(`\(prod ` + hour + `\)`)
		c.ok("vault use dev")
		c.ok("vault use -")
		c.shows(`\(prod ` + hour + `\)`)
		undo("exec " + outer)
		c.hides("own-secret-value")
	})
}
