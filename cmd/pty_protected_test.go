package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The settings that the tests of guard rails begin with.
const protectedProd = `[[profile]]
match = "prod"
protected = true
max_duration = "2h"
account = "Production"
`

const askProd = "prod (account Production 444444444444) is protected: type its name to go on: "

// types answers a question with a line.
func types(line string) func() string { return func() string { return line } }

// confirms runs a line that asks for the name of prod, once.
func (c *console) confirms(line string) string {
	c.t.Helper()
	out, asked := c.answer(line, map[string]func() string{askProd: types("prod")})
	if len(asked) != 1 || c.status != 0 {
		c.t.Fatalf("%s: %q: asked %q, status %d\n%s", c.shell, line, asked, c.status, out)
	}
	return out
}

// confirmedAgo makes the confirmation of the shell's switch older, as the
// shell knows it.
func (c *console) confirmedAgo(d, most time.Duration) {
	c.t.Helper()
	f := strings.Split(c.env()["__VAULT_STATE"], "|")
	text, err := base64.RawURLEncoding.DecodeString(f[len(f)-1])
	if err != nil {
		c.t.Fatal(err)
	}
	var rest map[string]any
	if err := json.Unmarshal(text, &rest); err != nil || rest["g"] == nil {
		c.t.Fatalf("%s: the state does not say when it was confirmed: %s", c.shell, text)
	}
	confirmed := time.Now().Add(-d)
	rest["g"] = confirmed.Unix()
	if text, err = json.Marshal(rest); err != nil {
		c.t.Fatal(err)
	}
	f[4] = strconv.FormatInt(confirmed.Add(most).Unix(), 10)
	f[len(f)-1] = base64.RawURLEncoding.EncodeToString(text)
	c.exports("__VAULT_STATE", strings.Join(f, "|"))
}

// TestPTYProtected has a person confirm each use of a protected profile, and
// nothing else.
func TestPTYProtected(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: protectedProd})
		before := c.environ()
		calls := len(w.aws.Requests())

		// What is not its name is no confirmation.
		for _, typed := range []string{"", "Prod", "yes", "dev", "prod prod"} {
			out, asked := c.answer("vault use prod", map[string]func() string{askProd: types(typed)})
			if len(asked) != 1 || c.status != 1 || !strings.Contains(out, `vault: profile "prod" is protected: what was typed is not its name`) {
				t.Errorf("%q: asked %q, status %d\n%s", typed, asked, c.status, out)
			}
		}
		c.line("vault use prod")
		c.expect(askProd)
		c.send("\x03")
		c.prompt()
		if c.status != 130 {
			t.Errorf("^C: status %d", c.status)
		}
		c.same(before, c.environ(), "after no confirmation")
		c.shows("")
		c.echoes()
		if n := len(w.aws.Requests()); n != calls {
			t.Errorf("AWS was called before anybody confirmed")
		}

		c.confirms("vault use prod")
		c.shows(`\(prod ` + hour + `\)`)
		if !strings.Contains(c.bytes(), map[string]string{"zsh": "\x1b[41m", "bash": "\x1b[97;41m", "fish": "\x1b[37m\x1b[41m"}[shell]) {
			t.Errorf("the segment is not on red")
		}
		key := c.inUse("prod", "us-east-1")["AWS_ACCESS_KEY_ID"]

		// A renewal is not asked for, each use is.
		c.ok("vault refresh --force")
		if got := c.inUse("prod", "us-east-1")["AWS_ACCESS_KEY_ID"]; got == key {
			t.Error("nothing was renewed")
		}
		c.confirms("vault use prod")
		c.ok("vault use dev")
		c.confirms("vault use -")
		c.inUse("prod", "us-east-1")
		c.confirms("vault exec prod -- true")
		c.confirms("vault export prod >/dev/null")
		c.ok("vault use prod --yes")
		c.fails(5, "vault credential-process prod")
		c.ok("vault off")
		c.same(before, c.environ(), "after off")
	})
}

// TestPTYMaxDuration lets the time of a confirmation pass: the shell leaves,
// and what it had before is not entered again where that takes a person.
func TestPTYMaxDuration(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: protectedProd + "[[profile]]\nmatch = \"staging\"\nprotected = true\n"})
		before := c.environ()

		// Credentials are made to end with the confirmation at the latest.
		c.confirms("vault use prod")
		c.confirmedAgo(100*time.Minute, 2*time.Hour)
		c.ok("vault refresh --force")
		c.shows(`\(prod (20m|19m)\)`)
		if f := strings.Split(c.env()["__VAULT_STATE"], "|"); f[2] != "0" || f[3] != "0" {
			t.Errorf("they are to be renewed at %s", f[2])
		}
		if end, err := time.Parse(time.RFC3339, c.env()["AWS_CREDENTIAL_EXPIRATION"]); err != nil || time.Until(end) > 20*time.Minute {
			t.Errorf("the credentials end at %s: %v", end, err)
		}

		// And a child shell knows.
		c.line(map[string]string{"zsh": "zsh", "bash": "bash --noprofile --rcfile bashrc -i", "fish": "fish"}[shell])
		c.fresh()
		c.shows(`\(prod (20m|19m)\)`)
		c.confirmedAgo(3*time.Hour, 2*time.Hour)
		c.run("true")
		if env := c.env(); env["AWS_VAULT"] != "" || env["AWS_ACCESS_KEY_ID"] != "" {
			t.Error("a child shell stays")
		}
		c.shows("")
		c.leaveChild()

		// Neither the user's region nor a command goes on after the end.
		c.confirmedAgo(3*time.Hour, 2*time.Hour)
		c.run("true")
		if !strings.Contains(c.text(), "vault: the time for prod is over: left") {
			t.Error("nothing is said")
		}
		c.same(before, c.environ(), "after the end")

		// Back to what was there before, where that needs nobody.
		c.ok("vault use dev")
		c.confirms("vault use prod")
		c.confirmedAgo(3*time.Hour, 2*time.Hour)
		c.run("true")
		c.inUse("dev", "eu-west-1")
		c.ok("vault off")
		c.ok("vault use staging --yes")
		c.confirms("vault use prod")
		c.confirmedAgo(3*time.Hour, 2*time.Hour)
		c.run("true")
		if !strings.Contains(c.text(), "vault: the time for prod is over: left; go on with: vault use staging") {
			t.Error("it is not said how to go on")
		}
		c.same(before, c.environ(), "after the end, with a protected profile before")
	})
}

// TestPTYConfirmAgain renews a switch whose confirmation is over, where no hook
// has left it: a person is asked.
func TestPTYConfirmAgain(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: protectedProd, init: "--no-hook"})
		c.confirms("vault use prod")
		c.confirmedAgo(3*time.Hour, 2*time.Hour)
		c.run("true")
		c.shows(`\(prod over\)`)
		out, asked := c.answer("vault refresh", map[string]func() string{askProd: types("no")})
		if len(asked) != 1 || c.status != 1 {
			t.Errorf("asked %q, status %d\n%s", asked, c.status, out)
		}
		c.shows(`\(prod over\)`)
		c.confirms("vault refresh")
		c.shows(`\(prod ` + hour + `\)`)
		c.ok("vault refresh")
		c.inUse("prod", "us-east-1")
	})
}

// leaveChild ends a shell inside the shell.
func (c *console) leaveChild() {
	c.t.Helper()
	c.line("exit")
	c.promptAs(`\d+`)
}

// TestPTYProtectedMeanwhile has a profile become protected while a shell is
// switched to it: it is not renewed until a person has confirmed it.
func TestPTYProtectedMeanwhile(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use prod")
		other := w.console(t, setup{shell: shell})
		other.ok("vault use prod")
		calls := w.aws.CallCount("AssumeRole")
		c.write("vault/config.toml", protectedProd)
		const needed = " and it has to be confirmed: vault refresh"
		c.due()
		c.ok("true")
		c.ok("true")
		if n := strings.Count(c.text(), needed); n != 1 {
			t.Errorf("it is said %d times that a person is needed", n)
		}
		if n := w.aws.CallCount("AssumeRole"); n != calls {
			t.Errorf("it was renewed %d times", n-calls)
		}
		other.ok("true")
		other.shows(`\(prod ` + hour + `\)`)
		c.confirms("vault refresh --force")
		c.shows(`\(prod ` + hour + `\)`)
		if n := w.aws.CallCount("AssumeRole"); n != calls+1 {
			t.Errorf("it was renewed %d times", n-calls)
		}
	})
}

// due has the credentials of the shell be renewed, as the shell knows it.
func (c *console) due() {
	c.t.Helper()
	f := strings.Split(c.env()["__VAULT_STATE"], "|")
	// The stamp says when the next is due, for all shells.
	if err := os.Remove(filepath.Join(c.w.dir, "run/vault", f[6]+".stamp")); err != nil {
		c.t.Fatal(err)
	}
	f[2] = strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10)
	c.exports("__VAULT_STATE", strings.Join(f, "|"))
}

// TestPTYReadOnly keeps a switch for reading only as it is, whoever goes on with
// it: a renewal, a child shell, "use -".
func TestPTYReadOnly(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		narrowed := func(when string) {
			t.Helper()
			for _, r := range slices.Backward(w.aws.Requests()) {
				if r.Action == "AssumeRole" {
					if got := r.Params.Get("PolicyArns.member.1.arn"); got != "arn:aws:iam::aws:policy/ReadOnlyAccess" {
						t.Errorf("%s: the role has the policy %q", when, got)
					}
					break
				}
			}
			c.shows(`\(prod ro ` + hour + `\)`)
		}
		c.ok("vault use prod --read-only")
		narrowed("use")
		key := c.key()
		c.ages(9 * time.Minute)
		c.gets(key)
		narrowed("renewed by itself")
		c.ok("vault refresh --force")
		narrowed("refresh")
		c.line(map[string]string{"zsh": "zsh", "bash": "bash --noprofile --rcfile bashrc -i", "fish": "fish"}[shell])
		c.fresh()
		c.ok("vault refresh --force")
		narrowed("refresh in a child")
		c.leaveChild()
		c.ok("vault use dev")
		c.shows(`\(dev ` + hour + `\)`)
		c.ok("vault clear prod")
		c.ok("vault use -")
		narrowed("use -")
		c.ok("vault use dev")
		c.ok("vault use - --read-only=false")
		c.shows(`\(prod ` + hour + `\)`)
	})
}
