package cmd_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// counted puts a program in the binary's place that writes down its calls and
// passes them on to the binary to run.
func (c *console) counted(program string) {
	c.t.Helper()
	c.write("counted", "#!/bin/sh\necho \"$2 $3 $4 $5\" >>"+c.dir+"/calls\nexec "+program+" \"$@\"\n")
	c.write("calls", "")
	c.run(exe(c.shell, c.dir+"/counted"))
}

// TestPTYLoad has a profile come into use without the function, as by direnv:
// what the hooks need is loaded once, at that prompt, which shows the profile and
// the status of the line.
func TestPTYLoad(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell})
		c.counted(binary)
		c.exports("AWS_ACCESS_KEY_ID", "ASIAKEY")
		c.exports("AWS_VAULT", "dev")
		state := shown(strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10), "", "dev")
		set := by(shell, map[string]string{"bash": "export __VAULT_STATE='" + state + "'", "fish": "set -gx __VAULT_STATE '" + state + "'"})
		name := c.file(set + "\n")
		c.run(by(shell, map[string]string{"bash": `. "$ZDOTDIR/` + name + `"; false | true | false`, "fish": `. "$ZDOTDIR/` + name + `"; false | true | false`}))
		if c.status != 1 {
			t.Errorf("the prompt shows the status %d", c.status)
		}
		c.shows(`\(dev ` + hour + `\)`)
		c.run(by(shell, map[string]string{"bash": `echo "$? ${PIPESTATUS[*]}" >seen`, "zsh": `echo "$?" >seen`, "fish": `echo "$status $pipestatus" >seen`}))
		if got, want := c.read("seen"), by(shell, map[string]string{"bash": "1 1 0 1\n", "zsh": "1\n", "fish": "1 1 0 1\n"}); got != want {
			t.Errorf("the next line sees %q, want %q", got, want)
		}
		for range 3 {
			c.ok("true")
		}
		if got := c.read("calls"); got != "init "+shell+" --part session\n" {
			t.Errorf("the binary was called for %q", got)
		}
		c.exports("__VAULT_STATE", "")
		c.shows("")
		c.exports("__VAULT_STATE", state)
		c.shows(`\(dev ` + hour + `\)`)
		if got := strings.Count(c.read("calls"), "session"); got != 1 {
			t.Errorf("it was loaded %d times", got)
		}
	})
}

// TestPTYLoadStrict switches for the first time inside of functions, and under
// options that end a shell at the first failure.
func TestPTYLoadStrict(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		for _, strict := range by3(shell,
			[]string{"setopt err_exit no_unset ksh_arrays sh_word_split xtrace; PS4='+ '", "setopt err_return all_export"},
			[]string{"set -euo pipefail", "set -aux; PS4='+ '", "set -eT; trap 'echo trapped >>trapped' ERR DEBUG RETURN; IFS=0123456789"},
			[]string{"set -g fish_trace 1", "true"}) {
			c := w.console(t, setup{shell: shell})
			c.ok(strict)
			c.do(by(shell, map[string]string{
				"bash": "inner() { vault use dev; }\nouter() { inner; }\n",
				"fish": "function inner; vault use dev; end\nfunction outer; inner; end\n",
			}))
			before := c.environ()
			c.run("outer")
			c.shows(`\(dev ` + hour + `\)`)
			secret := c.env()["AWS_SECRET_ACCESS_KEY"]
			if secret == "" {
				t.Fatalf("%s: %s: not in use", shell, strict)
			}
			c.hides(secret)
			c.ok("true")
			c.run("vault off")
			c.shows("")
			c.same(before, c.environ(), strict)
		}
	})
}

// by3 returns that of the shell.
func by3(shell string, zsh, bash, fish []string) []string {
	return map[string][]string{"zsh": zsh, "bash": bash, "fish": fish}[shell]
}

// TestPTYLoadGone takes the binary away before anything was loaded: commands say
// so, a prompt once.
func TestPTYLoadGone(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell})
		// It speaks another protocol.
		c.write("other", "#!/bin/sh\necho called >>"+c.dir+"/count\necho vault: another version >&2\nexit 6\n")
		c.write("count", "")
		c.run(exe(shell, c.dir+"/other"))
		if out := c.fails(6, "vault use dev"); strings.TrimSpace(out) != "vault: another version" {
			t.Errorf("it says %q", out)
		}
		c.write("count", "")
		c.exports("__VAULT_STATE", shown("0", "", "dev"))
		for range 3 {
			c.ok("true")
		}
		if got := c.read("count"); got != "called\n" {
			t.Errorf("the prompts call it %q", got)
		}
		if got := strings.Count(c.text(), "is gone or another version: open a new shell"); got != 1 {
			t.Errorf("it is said %d times", got)
		}
		c.shows("")
		if err := os.Remove(c.dir + "/other"); err != nil {
			t.Fatal(err)
		}
		c.fails(127, "vault use dev")
		c.ok(load(shell))
		c.ok("true")
		c.shows(`\(dev != env\)`)
	})
}

// TestPTYLoadAgain loads vault thrice before the first switch, and thrice after:
// the hooks are there once.
func TestPTYLoadAgain(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		hooks := func(when string) {
			t.Helper()
			if shell == "fish" {
				c.ok("functions --handlers-type generic >hooks")
			} else {
				c.ok(`echo "${PROMPT_COMMAND[*]} ${precmd_functions[*]} ${preexec_functions[*]}" | tr ' ' '\n' >hooks`)
			}
			seen := map[string]bool{}
			for _, word := range strings.FieldsFunc(c.read("hooks"), func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
				if strings.HasPrefix(word, "__vault_") && word != "__vault_trap" && word != "__vault_s" && seen[word] {
					t.Errorf("%s: %s is there twice: %q", when, word, c.read("hooks"))
				}
				seen[word] = true
			}
		}
		for range 3 {
			c.ok(load(shell))
		}
		hooks("before the first switch")
		c.ok("vault use dev")
		hooks("after the first switch")
		for range 3 {
			c.ok(load(shell))
			c.shows(`\(dev ` + hour + `\)`)
		}
		hooks("loaded again")
		c.counted(binary)
		for range 3 {
			c.ok("true")
		}
		if got := c.read("calls"); got != "" {
			t.Errorf("prompts call the binary: %q", got)
		}
		c.ok("vault off")
		c.shows("")
		hooks("after off")
	})
}
