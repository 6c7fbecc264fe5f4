package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// The fields of the state that stand in clear.
const (
	expiresField = 1
	dueField     = 2
	leastField   = 3
	endField     = 4
	hashField    = 6
)

// state returns the fields of the state that a child of the shell gets.
func (c *console) state() []string {
	c.t.Helper()
	return strings.SplitN(c.env()["__VAULT_STATE"], "|", 11)
}

// ages makes the credentials of the shell older, as the shell knows it: they
// expire in left, and are to be renewed.
func (c *console) ages(left time.Duration) {
	c.t.Helper()
	f := c.state()
	now := time.Now()
	f[expiresField] = strconv.FormatInt(now.Add(left).Unix(), 10)
	f[dueField] = strconv.FormatInt(now.Add(-time.Minute).Unix(), 10)
	f[leastField] = strconv.FormatInt(now.Add(left-5*time.Minute).Unix(), 10)
	if s := c.w.stamp(f[hashField]); s != nil && s[2] == "ok" {
		s[1], s[3] = f[expiresField], f[dueField]
		c.w.writeStamp(f[hashField], s)
	}
	c.exports("__VAULT_STATE", strings.Join(f, "|"))
}

// writeStamp changes a stamp as vault does.
func (w *world) writeStamp(hash string, f []string) {
	w.t.Helper()
	file := filepath.Join(w.dir, "run/vault", hash+".stamp")
	if err := os.WriteFile(file+".new", []byte(strings.Join(f, " ")+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	seconds, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chtimes(file+".new", time.Unix(seconds, 0), time.Unix(seconds, 0)); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		w.t.Fatal(err)
	}
}

// arrives waits for a call at the gate.
func (w *world) arrives(g *ststest.Gate) {
	w.t.Helper()
	select {
	case <-g.Arrived:
	case <-time.After(patience):
		w.t.Fatal("no call arrives")
	}
}

// stamp returns the fields of a stamp, nil if there is none.
func (w *world) stamp(hash string) []string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "run/vault", hash+".stamp"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// stamps waits until the stamp of a plan is as wanted.
func (w *world) stamps(hash, what string, want func(f []string) bool) []string {
	w.t.Helper()
	var f []string
	w.until("the stamp says "+what, func() bool {
		f = w.stamp(hash)
		return len(f) == 5 && want(f)
	})
	return f
}

// until waits for something that happens outside of this process.
func (w *world) until(what string, happens func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !happens(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("it does not happen that %s", what)
		}
	}
}

// key returns the access key id that a child of the shell gets.
func (c *console) key() string {
	c.t.Helper()
	return c.env()["AWS_ACCESS_KEY_ID"]
}

// gets types empty lines until the shell has another key than old.
func (c *console) gets(old string) string {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if key := c.key(); key != old {
			return key
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: the shell keeps %s", c.shell, old)
		}
	}
}

// surroundings are what a renewal leaves alone.
const surroundings = "surroundings"

// around returns what of the shell a renewal is to leave as it is: process,
// folder, jobs, traps, options, variables that are its own.
func (c *console) around() string {
	c.t.Helper()
	c.run(map[string]string{
		"zsh":  `{ echo $$ $PWD $! "$IFS" $-; jobs; trap; setopt; typeset +m 'precmd_functions' } >` + surroundings,
		"bash": `{ echo $$ $PWD $! "$IFS" $-; jobs; trap; shopt; declare -p PROMPT_COMMAND; } >` + surroundings,
		"fish": `begin; echo $fish_pid $PWD $last_pid; jobs; set -n | string match -rv '^__vault_|^__VAULT'; end >` + surroundings,
	}[c.shell])
	return c.read(surroundings)
}

// TestPTYRenewal lets credentials come of age: they are renewed behind the
// back of the user, and the next prompt has the new ones.
func TestPTYRenewal(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, before: by(shell, map[string]string{"bash": "trap 'true' USR1", "fish": ""})})
		c.ok("vault use dev --region ap-south-1")
		c.ok("sleep 1000 & true")
		c.exports("AWS_REGION", "eu-north-1")
		c.exports("AWS_DEFAULT_REGION", "eu-north-1")
		before, first := c.around(), c.inUse("dev", "eu-north-1")
		hash := c.state()[hashField]
		calls := w.aws.CallCount("AssumeRole")
		c.ages(9 * time.Minute)
		second := c.gets(first["AWS_ACCESS_KEY_ID"])
		if n := w.aws.CallCount("AssumeRole") - calls; n != 1 {
			t.Errorf("%d calls for one renewal", n)
		}
		c.shows(`\(dev ` + hour + `\)`)
		env := c.inUse("dev", "eu-north-1")
		if env["AWS_SECRET_ACCESS_KEY"] == first["AWS_SECRET_ACCESS_KEY"] || env["AWS_SESSION_TOKEN"] == first["AWS_SESSION_TOKEN"] || env["AWS_CREDENTIAL_EXPIRATION"] < first["AWS_CREDENTIAL_EXPIRATION"] {
			t.Error("not all of the credentials are new")
		}
		if f := w.stamp(hash); len(f) != 5 || f[0] != second || f[2] != "ok" {
			t.Errorf("the stamp is %q", f)
		}
		if after := c.around(); after != before {
			t.Errorf("the shell was\n%s\nand is\n%s", before, after)
		}
		if text := c.text(); strings.Contains(text, "Done") || strings.Contains(text, "vault: renewed") {
			t.Error("the renewal says something")
		}
		c.ok("vault off")
		for name := range c.env() {
			if strings.HasPrefix(name, "__VAULT_") || strings.HasPrefix(name, "__vault_") {
				t.Errorf("a child gets %s", name)
			}
		}
	})
}

// TestPTYBeforeCommand has a command begin with credentials that are about to
// die: it gets new ones, whatever the prompt before it was.
func TestPTYBeforeCommand(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		old := c.key()
		// The renewal that the prompt starts is held.
		gate := ststest.NewGate()
		w.aws.Fail("AssumeRole", ststest.Failure{Gate: gate}, 1)
		c.ages(-5 * time.Second)
		w.arrives(gate)
		c.shows(`\(dev expired, renewing\)`)
		c.paints("red")
		// The command waits for it.
		c.line(printEnv + " >env")
		gate.Open()
		c.prompt()
		env := map[string]string{}
		for _, line := range strings.Split(c.read("env"), "\n") {
			name, value, _ := strings.Cut(line, "=")
			env[name] = value
		}
		if env["AWS_ACCESS_KEY_ID"] == old {
			t.Error("the command has the old key")
		}
		if n := w.aws.CallCount("AssumeRole"); n != 3 { // that of login, too
			t.Errorf("%d calls", n)
		}
		c.shows(`\(dev ` + hour + `\)`)
	})
}

// TestPTYNeedsYou has a session that only a person can renew: one line says so,
// and the segment from then on.
func TestPTYNeedsYou(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		c.answer("vault use bastion", map[string]func() string{"MFA code for ": w.code})
		old, hash := c.key(), c.state()[hashField]
		c.ages(9 * time.Minute)
		w.stamps(hash, "mfa", func(f []string) bool { return f[2] == "mfa" })
		line := regexp.MustCompile(`vault: bastion ends at \d\d:\d\d and an MFA code is needed to renew it: vault refresh\n`)
		said := 0
		for range 4 {
			out := c.run("false; echo ran")
			said += len(line.FindAllString(out, -1))
			if !strings.Contains(out, "ran") {
				t.Errorf("the command did not run: %q", out)
			}
			c.run("false")
			if c.status != 1 {
				t.Errorf("status %d", c.status)
			}
		}
		// It is tried again after a while, in silence.
		f := w.stamp(hash)
		f[3] = "1"
		w.writeStamp(hash, f)
		c.exports("__VAULT_HOOK", old+" 1 told")
		w.stamps(hash, "mfa again", func(f []string) bool { return f[2] == "mfa" && f[4] == "60" })
		for range 3 {
			c.ok("true")
		}
		if n := len(line.FindAllString(c.text(), -1)); n != 1 {
			t.Errorf("it is said %d times", n)
		}
		c.shows(`\(bastion [89]m, needs you\)`)
		c.paints("yellow")
		c.ages(-time.Minute)
		c.ok("true")
		c.shows(`\(bastion expired, needs you\)`)
		c.paints("red")
		if c.key() != old || w.aws.CallCount("GetSessionToken") != 1 {
			t.Error("it was renewed")
		}
		out, asked := c.answer("vault refresh", map[string]func() string{"MFA code for ": w.code})
		if c.status != 0 || len(asked) != 1 {
			t.Errorf("refresh: status %d, %q", c.status, out)
		}
		c.shows(`\(bastion ` + hour + `\)`)
		if c.key() == old {
			t.Error("refresh renewed nothing")
		}
	})
}

// TestPTYBackOff has AWS out of reach: no prompt and no command waits for it a
// second time.
func TestPTYBackOff(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		hash := c.state()[hashField]
		w.aws.ResetCalls()
		w.aws.Fail("*", ststest.Failure{Code: "AccessDenied", Message: "no", Status: 403}, -1)
		c.ages(-time.Minute)
		f := w.stamps(hash, "fail", func(f []string) bool { return f[2] == "fail" })
		if next, _ := strconv.ParseInt(f[3], 10, 64); f[4] != "30" || next < time.Now().Unix()+20 {
			t.Errorf("the stamp is %q", f)
		}
		for range 10 {
			c.ok("true")
		}
		c.shows(`\(dev expired\)`)
		c.paints("red")
		if n := w.aws.CallCount("AssumeRole"); n != 1 {
			t.Errorf("%d calls", n)
		}
		// The time to wait doubles.
		f[3] = strconv.FormatInt(time.Now().Unix()-1, 10)
		w.writeStamp(hash, f)
		c.exports("__VAULT_HOOK", "")
		w.stamps(hash, "fail, and to wait twice as long", func(f []string) bool { return f[4] == "60" })
		// AWS is back.
		w.aws.Fail("*", ststest.Failure{}, 0)
		c.ok("vault refresh")
		c.shows(`\(dev ` + hour + `\)`)
		if f := w.stamp(hash); f[2] != "ok" {
			t.Errorf("the stamp is %q", f)
		}
	})
}
