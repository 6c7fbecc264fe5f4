package cmd_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/shellvault/vault/sts/ststest"
)

// locked has the keystore ask for its passphrase again.
func (w *world) locked() {
	w.t.Helper()
	if r := w.vault("lock"); r.code != 0 {
		w.t.Fatalf("%+v", r)
	}
}

const (
	passphraseQuestion = "Passphrase of the keystore "
	codeQuestion       = "MFA code for "
)

// toCode types a line and answers all questions before the one for a code.
func (c *console) toCode(line string) {
	c.t.Helper()
	c.line(line)
	if _, found := c.wait("a question", either(passphraseQuestion, codeQuestion)); found[0] == passphraseQuestion {
		c.line(passphrase)
		c.expect(codeQuestion)
	}
	c.expect(": ")
}

// TestPTYInterrupt presses ^C and ^Z where vault asks: ^C gives 130 and changes
// nothing, neither the terminal nor the user's trap; ^Z does nothing.
func TestPTYInterrupt(t *testing.T) {
	const ctrlC, ctrlZ = "\x03", "\x1a"
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		w.locked()
		c := w.console(t, setup{shell: shell, env: []string{"AWS_VAULT_FILE_PASSPHRASE"}})
		before := c.environ()
		interrupt := func(when string) {
			t.Helper()
			c.send(ctrlC)
			c.prompt()
			if c.status != 130 {
				t.Errorf("%s: ^C gave status %d", when, c.status)
			}
			c.shows("")
			c.same(before, c.environ(), "after ^C at the question for "+when)
			c.echoes()
		}
		traps := []struct{ set, list, want string }{
			{}, // none
			{"trap 'echo trapped' INT", "trap", "trap -- 'echo trapped' "},
			{"trap '' INT", "trap", "trap -- '' "},
			{"TRAPINT() { echo trapped; return 130 }", "functions TRAPINT", "echo trapped"},
		}
		n := map[string]int{"fish": 1, "bash": 3, "zsh": 4}[shell]
		for _, trap := range traps[:n] {
			if trap.set != "" {
				c.ok(trap.set)
			}
			w.locked()
			c.line("vault use dev")
			c.expect(passphraseQuestion)
			interrupt("the passphrase")
			c.toCode("vault use dev")
			interrupt("the code")
			if trap.set != "" {
				c.ok(trap.list + " >traps")
				if got := c.read("traps"); !strings.Contains(got, trap.want) {
					t.Errorf("%s has become %q", trap.set, got)
				}
			}
		}

		if shell != "fish" {
			c.ok("trap - INT")
		}
		w.locked()
		c.line("vault use dev")
		c.expect(passphraseQuestion)
		c.expect(": ")
		c.send(ctrlZ)
		c.line(passphrase)
		c.expect(codeQuestion)
		c.expect(": ")
		c.send(ctrlZ)
		code := w.code()
		c.line(code[:3])
		c.expect(codeQuestion)
		c.expect(": ")
		c.line(code)
		c.prompt()
		if c.status != 0 {
			t.Errorf("after ^Z: status %d", c.status)
		}
		c.shows(`\(dev ` + hour + `\)`)
		c.run("jobs >jobs")
		if got := c.read("jobs"); got != "" {
			t.Errorf("^Z left jobs: %q", got)
		}
		c.echoes()
		c.hides(passphrase, code)
	})
}

// TestPTYStop presses ^Z at the questions of commands that change no shell: it
// does nothing there. What exec starts can be stopped as ever.
func TestPTYStop(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell})
		c.line("vault add bastion")
		c.expect("Access key id for profile bastion: ")
		c.send("\x1a")
		c.line(w.keyID)
		c.expect("Secret access key (not shown): ")
		c.send("\x1a")
		c.line(w.secret)
		c.expect("stored " + w.keyID)
		c.prompt()
		if c.status != 0 {
			t.Errorf("status %d", c.status)
		}
		c.hides(w.secret)
		c.echoes()

		c.toCode("vault exec dev -- sh -c 'kill -TSTP $$; echo went on'")
		c.send("\x1a")
		c.line(w.code())
		if out := c.prompt(); strings.Contains(out, "\nwent on") {
			t.Errorf("what exec started was not stopped: %q", out)
		}
		if out := c.run("fg"); !strings.Contains(out, "went on") {
			t.Errorf("fg says %q", out)
		}

		w.store("simple")
		c.line("vault add dev")
		c.expect("Access key id for profile dev: ")
		c.line(w.keyID)
		c.expect("Secret access key (not shown): ")
		c.send("\x03")
		c.prompt()
		if c.status != 130 {
			t.Errorf("^C at the secret: status %d", c.status)
		}
		c.echoes()
	})
}

// TestPTYInterruptCall presses ^C while AWS does not answer.
func TestPTYInterruptCall(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		before := c.environ()
		gate := ststest.NewGate()
		defer gate.Open()
		w.aws.Fail("AssumeRole", ststest.Failure{Gate: gate}, -1)
		c.line("vault use prod")
		<-gate.Arrived
		c.send("\x03")
		c.prompt()
		if c.status != 130 {
			t.Errorf("status %d", c.status)
		}
		c.shows("")
		c.same(before, c.environ(), "after ^C")
		c.echoes()
	})
}

// TestPTYQuestions asks at the terminal, wherever input and output go.
func TestPTYQuestions(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		c.toCode("vault use dev </dev/null >out 2>err")
		code := w.code()
		c.line(code)
		c.prompt()
		if c.status != 0 || c.read("out") != "" || !strings.HasPrefix(c.read("err"), "vault: using dev until ") {
			t.Errorf("status %d, %q, %q", c.status, c.read("out"), c.read("err"))
		}
		c.inUse("dev", "eu-west-1")
		c.hides(code)
	})
}

// TestPTYWrongCode answers with what is no code, and with codes that AWS does
// not take.
func TestPTYWrongCode(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		before := c.environ()

		c.line("vault use dev")
		for _, typed := range []string{"correct", "12ab", "1234567"} {
			c.expect(codeQuestion) // what is typed before is thrown away
			c.line(typed)
			c.expect("vault: an MFA code is six digits: what was typed is not sent")
		}
		c.prompt()
		if c.status == 0 {
			t.Error("three lines that are no codes: status 0")
		}
		if n := w.aws.CallCount("GetSessionToken"); n != 0 {
			t.Errorf("what is no code went to AWS %d times", n)
		}
		c.same(before, c.environ(), "after three lines that are no codes")

		refuse := ststest.Failure{Code: "AccessDenied", Status: 403, Message: "MultiFactorAuthentication failed with invalid MFA one time pass code."}
		w.aws.Fail("GetSessionToken", refuse, 3)
		c.toCode("vault use dev")
		c.line("000001")
		c.expect("vault: AWS did not take the code")
		c.expect(codeQuestion)
		c.line("000002")
		c.expect("vault: AWS did not take the code")
		c.expect(codeQuestion)
		c.line("000003")
		c.prompt()
		if n := w.aws.CallCount("GetSessionToken"); c.status == 0 || n != 3 {
			t.Errorf("three wrong codes: status %d after %d calls", c.status, n)
		}
		c.same(before, c.environ(), "after three wrong codes")

		w.aws.Fail("GetSessionToken", refuse, 1)
		c.toCode("vault use dev")
		c.line("12ab")
		c.expect("six digits")
		c.expect(codeQuestion)
		c.line("000004")
		c.expect("vault: AWS did not take the code")
		c.expect(codeQuestion)
		code := w.code()
		c.line(code)
		c.expect("vault: using dev until ")
		c.prompt()
		if c.status != 0 {
			t.Errorf("status %d", c.status)
		}
		c.inUse("dev", "eu-west-1")
		c.hides("000001", "000004", code)
	})
}

// exe has the function call another program; the line that does it.
func exe(shell, path string) string {
	return by(shell, map[string]string{
		"zsh":  "__VAULT_INIT[1]=" + path,
		"bash": "__VAULT_INIT[0]=" + path,
		"fish": "set __VAULT_INIT[1] " + path,
	})
}

// TestPTYKilled kills the binary while it asks with echo off.
func TestPTYKilled(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		c.write("tell", "#!/bin/sh\necho $$ >"+c.dir+"/pid\nexec "+binary+" \"$@\"\n")
		c.ok(exe(shell, c.dir+"/tell"))
		before := c.environ()
		c.toCode("vault use dev")
		pid, err := strconv.Atoi(strings.TrimSpace(c.read("pid")))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		c.prompt()
		if c.status == 0 {
			t.Error("a killed binary gave status 0")
		}
		c.shows("")
		c.same(before, c.environ(), "after the binary was killed")
		c.echoes()
		if out := c.ok("echo fine"); !strings.Contains(out, "fine") {
			t.Errorf("the shell says %q", out)
		}
		c.toCode("vault use dev")
		c.line(w.code())
		c.expect("vault: using dev until ")
		c.prompt()
		c.inUse("dev", "eu-west-1")
	})
}
