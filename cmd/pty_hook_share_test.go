package cmd_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// TestPTYShared has a renewal made in one shell: another one has it at its
// next prompt, without a call and without a word.
func TestPTYShared(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		a, b := w.console(t, setup{shell: shell}), w.console(t, setup{shell: "bash"})
		a.answer("vault use bastion", map[string]func() string{"MFA code for ": w.code})
		b.ok("vault use bastion")
		old := a.key()
		if b.key() != old {
			t.Fatal("the two have not the same credentials")
		}
		b.ages(9 * time.Minute)
		w.stamps(b.state()[hashField], "mfa", func(f []string) bool { return f[2] == "mfa" })
		b.ok("true")
		a.ages(9 * time.Minute)
		if _, asked := a.answer("vault refresh", map[string]func() string{"MFA code for ": w.code}); len(asked) != 1 {
			t.Fatalf("asked %q", asked)
		}
		calls := len(w.aws.Requests())
		b.ok("true")
		if b.key() != a.key() || a.key() == old {
			t.Errorf("one shell has %s, the other %s, and it was %s", a.key(), b.key(), old)
		}
		b.shows(`\(bastion ` + hour + `\)`)
		if n := len(w.aws.Requests()) - calls; n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestPTYTwelve has twelve shells come to the end of the same credentials at
// once: they make one call between them.
func TestPTYTwelve(t *testing.T) {
	t.Parallel()
	w := newWorld(t).login()
	var shells []*console
	for range 4 {
		for _, name := range []string{"zsh", "bash", "fish"} {
			shells = append(shells, w.console(t, setup{shell: name}))
		}
	}
	for _, c := range shells {
		c.ok("vault use dev")
	}
	old := shells[0].key()
	w.aws.ResetCalls()
	gate := ststest.NewGate()
	w.aws.Fail("AssumeRole", ststest.Failure{Gate: gate}, -1)
	f := shells[0].state()
	now := time.Now()
	f[expiresField], f[dueField], f[leastField] = fmt.Sprint(now.Unix()+400), fmt.Sprint(now.Unix()-100), fmt.Sprint(now.Unix()+300)
	for _, c := range shells {
		c.write("state", strings.Join(f, "|"))
	}
	s := w.stamp(f[hashField])
	s[1], s[3] = f[expiresField], f[dueField]
	w.writeStamp(f[hashField], s)
	for _, c := range shells {
		c.line(by(c.shell, map[string]string{"bash": "export __VAULT_STATE=\"$(<state)\"", "fish": "set -gx __VAULT_STATE (cat state)"}))
	}
	for _, c := range shells {
		c.prompt()
	}
	w.arrives(gate)
	gate.Open()
	for _, c := range shells {
		if key := c.gets(old); key != shells[0].key() {
			t.Errorf("%s has %s", c.shell, key)
		}
	}
	if n := w.aws.CallCount("AssumeRole"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// TestPTYInherited begins a shell with what another one exported long ago, as
// a new pane of tmux does, and a shell inside a shell.
func TestPTYInherited(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		first := w.console(t, setup{shell: shell})
		first.ok("vault use dev --region ap-south-1 --duration 30m")
		old := first.env()
		first.ages(-time.Hour)
		// The pane shows that it is expired, prints nothing before its prompt,
		// and has new credentials before its first command.
		var env []string
		for name, value := range first.env() {
			if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "__VAULT_") {
				env = append(env, name+"="+value)
			}
		}
		first.ok("vault off")
		second := w.console(t, setup{shell: shell, env: env})
		if above := strings.TrimSpace(strings.TrimSuffix(second.text(), second.left)); strings.Contains(above, "vault:") {
			t.Errorf("before its first prompt the shell says %q", above)
		}
		key := second.gets(old["AWS_ACCESS_KEY_ID"])
		second.inUse("dev", "ap-south-1")
		second.shows(`\(dev (30m|29m)\)`)
		if out := second.run("vault use -"); second.status == 0 {
			t.Errorf("use - goes somewhere: %q", out)
		}
		// Inside of it another one.
		outer := second.count
		second.send(by(shell, map[string]string{
			"zsh": "zsh -i", "bash": "bash --noprofile --rcfile " + second.rc() + " -i", "fish": "fish -i",
		}) + "\r")
		second.fresh()
		second.shows(`\(dev (30m|29m)\)`)
		second.ages(9 * time.Minute)
		inner := second.gets(key)
		second.inUse("dev", "ap-south-1")
		second.line("exit")
		second.promptAs(strconv.Itoa(outer + 1))
		if second.key() == inner {
			t.Error("the shell around has the credentials of the one inside before it needs them")
		}
		second.ages(9 * time.Minute)
		if got := second.gets(key); got != inner {
			t.Errorf("the shell around renews by itself: %s, and there is %s", got, inner)
		}
	})
}

// TestPTYForeign has somebody change the variables: no renewal comes over them,
// and the prompt says whose they are not.
func TestPTYForeign(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		old := c.env()
		w.aws.ResetCalls()
		c.exports("AWS_PROFILE", "mine")
		c.ages(9 * time.Minute)
		for range 3 {
			c.ok("true")
			c.shows(`\(dev != env\)`)
			c.paints("magenta")
		}
		if n := len(w.aws.Requests()); n != 0 {
			t.Errorf("%d calls", n)
		}
		// The prompt sees no secrets: the binary does, and changes nothing.
		c.exports("AWS_SECRET_ACCESS_KEY", "another")
		c.exports("AWS_PROFILE", "")
		for range 3 {
			c.ok("true")
		}
		c.shows(`\(dev [89]m != env\)`)
		if env := c.env(); env["AWS_ACCESS_KEY_ID"] != old["AWS_ACCESS_KEY_ID"] || env["AWS_SECRET_ACCESS_KEY"] != "another" || len(w.aws.Requests()) != 0 {
			t.Error("what the user set was overridden")
		}
		c.fails(1, "vault refresh")
		// He gives them back.
		c.exports("AWS_SECRET_ACCESS_KEY", old["AWS_SECRET_ACCESS_KEY"])
		c.ok("vault refresh")
		c.shows(`\(dev ` + hour + `\)`)
	})
}

// TestPTYReload has the binary replaced by one that speaks otherwise, or by
// none: the hooks are silent, and the segment says what to do.
func TestPTYReload(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		key := c.key()
		c.write("other", "#!/bin/sh\necho called >>"+c.dir+"/count\necho vault: what\necho vault: oops >&2\nexit 6\n")
		c.write("count", "")
		c.ok(exe(shell, c.dir+"/other"))
		c.ok("true")
		c.shows(`\(dev ` + hour + `\)`)
		c.ages(9 * time.Minute)
		for range 5 {
			if out := c.ok("echo ran"); strings.TrimSpace(out) != "ran" {
				t.Errorf("it says %q", out)
			}
			c.shows(`\(dev [89]m, reload\)`)
		}
		if got := c.read("count"); got != "called\n" {
			t.Errorf("it was called %q", got)
		}
		if err := os.Remove(c.dir + "/other"); err != nil {
			t.Fatal(err)
		}
		if out := c.ok("echo ran"); strings.TrimSpace(out) != "ran" {
			t.Errorf("it says %q", out)
		}
		c.shows(`\(dev [89]m, reload\)`)
		c.fails(127, "vault status")
		// The shell is loaded again.
		c.ok(load(shell))
		c.gets(key)
		c.shows(`\(dev ` + hour + `\)`)
	})
}

// TestPTYGone has the session ended for all shells: they leave, and say so.
func TestPTYGone(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		before := c.environ()
		c.ok("vault use dev")
		file := w.dir + "/run/vault/" + c.state()[hashField] + ".stamp"
		if err := os.Truncate(file, 0); err != nil {
			t.Fatal(err)
		}
		if out := c.ok("true"); strings.Count(out, "vault: left dev: its session was ended\n") != 1 {
			t.Errorf("it says %q", out)
		}
		c.shows("")
		c.same(before, c.environ(), "after the end")
		c.ok("vault use -")
		c.shows(`\(dev ` + hour + `\)`)
	})
}
