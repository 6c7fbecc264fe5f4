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

// TestPTYHookStatus looks at what the next line sees of the last one, at the very
// prompts at which credentials are renewed.
func TestPTYHookStatus(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		old := c.key()
		c.ages(-time.Minute)
		for key := old; key == old; key = c.key() {
			c.run("false | true | false")
			if c.status != 1 {
				t.Fatalf("the prompt shows the status %d", c.status)
			}
			c.run(by(shell, map[string]string{
				"bash": `echo "$? ${PIPESTATUS[*]}" >seen; AFTER=$AWS_ACCESS_KEY_ID`,
				"zsh":  `echo "$? $pipestatus" >seen; AFTER=$AWS_ACCESS_KEY_ID`,
				"fish": `echo "$status $pipestatus" >seen; set AFTER $AWS_ACCESS_KEY_ID`,
			}))
			want := by(shell, map[string]string{"bash": "1 1 0 1\n", "fish": "1 1 0 1\n"})
			if got := c.read("seen"); got != want {
				t.Fatalf("the next line sees %q, want %q", got, want)
			}
			c.ok("true some words")
			if shell != "fish" {
				c.run(`echo "$_" >seen`)
				if got := c.read("seen"); got != "words\n" {
					t.Fatalf("the last word is %q", got)
				}
			}
		}
	})
}

// hookSettings are those of the options that could make a hook fail or talk.
var hookSettings = map[string][]string{
	"zsh": {
		"setopt ksh_arrays sh_word_split no_unset err_exit warn_create_global glob_subst", "setopt xtrace", "setopt verbose",
		"setopt all_export", "setopt no_clobber null_glob", "setopt err_return pipe_fail", "trap 'echo ZERR trap' ZERR", "emulate ksh", "emulate sh",
	},
	"bash": {
		"set -euo pipefail", "set -x", "set -v", "set -a", "set -C; shopt -s nullglob failglob", "set -o posix", "IFS=0123456789", "set -T; set -E",
		"shopt -s nocasematch extglob", "trap 'echo ERR trap' ERR", "shopt -s extdebug", "alias test='echo no test' read='echo no read' printf='echo no printf'",
	},
	"fish": {"set -g fish_trace 1", "function test; builtin echo no test; end", "function string; builtin echo no string; end"},
}

// traced matches a line that "set -x" prints.
var traced = regexp.MustCompile(`(?m)^\++ .*\n`)

// TestPTYHookSettings renews under settings that break what is written without
// care: nothing is said, and no secret appears.
func TestPTYHookSettings(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		for _, setting := range hookSettings[shell] {
			c := w.console(t, setup{shell: shell})
			c.ok("vault use dev")
			first := c.env()
			c.run(setting)
			used := len(c.text())
			c.ages(-time.Minute)
			c.gets(first["AWS_ACCESS_KEY_ID"])
			second := c.env()
			c.ok("true")
			c.shows(`\(dev ` + hour + `\)`)
			c.hides(second["AWS_SECRET_ACCESS_KEY"], second["AWS_SESSION_TOKEN"], first["AWS_SECRET_ACCESS_KEY"])
			if said := traced.ReplaceAllString(c.text()[used:], ""); strings.Contains(said, "vault: ") || strings.Contains(said, "trap\n") || strings.Contains(said, "no test") || strings.Contains(said, "__VAULT_SAY") {
				t.Errorf("%s: %s: the hook says something", shell, setting)
			}
			for name := range second {
				if name != "__VAULT_STATE" && strings.HasPrefix(strings.ToLower(name), "__vault") {
					t.Errorf("%s: %s: a child gets %s", shell, setting, name)
				}
			}
		}
	})
}

// TestPTYSteady has nothing to do for the hooks: no process is started for two
// hundred prompts and commands.
func TestPTYSteady(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		c.write("counter", "#!/bin/sh\necho $$ >>"+c.dir+"/count\n")
		c.write("count", "")
		c.ok(exe(shell, c.dir+"/counter"))
		before, known := c.childFaults()
		for range 200 {
			c.ok(":")
		}
		after, _ := c.childFaults()
		if got := c.read("count"); got != "" {
			t.Errorf("a hook ran vault: %q", got)
		}
		if known && after != before {
			t.Errorf("the hooks started processes: %d faults of children became %d", before, after)
		}
	})
}

// hooking waits until a command waits for its credentials.
func (c *console) hooking() {
	c.t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		c.t.Skip("there is no /proc to look into")
	}
	c.w.until("a command waits", func() bool {
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range lines {
			if data, _ := os.ReadFile(file); !strings.Contains(string(data), "\x00hook\x00exec\x00") {
				continue
			}
			// The shell may have forked once more.
			dir := filepath.Dir(file)
			for range 3 {
				data, _ := os.ReadFile(dir + "/stat")
				fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
				if len(fields) < 2 {
					break
				}
				if fields[1] == strconv.Itoa(c.cmd.Process.Pid) {
					return true
				}
				dir = "/proc/" + fields[1]
			}
		}
		return false
	})
}

// TestPTYHookInterrupt presses ^C while a command waits for its credentials:
// the shell is there at once, and as before.
func TestPTYHookInterrupt(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		old := c.key()
		gate := ststest.NewGate()
		w.aws.Fail("AssumeRole", ststest.Failure{Gate: gate}, -1)
		c.ages(-time.Minute)
		w.arrives(gate)
		c.line("echo typed")
		c.hooking()
		c.send("\x03")
		c.wait("a prompt", regexp.MustCompile(`<\d+:\d+> $`))
		gate.Open()
		c.line("echo again")
		c.wait("what is typed then", regexp.MustCompile(`\nagain\n(?s:.*)<(\d+):0> $`))
		c.send("\r")
		c.count++
		for deadline := time.Now().Add(patience); ; {
			c.line(by(shell, map[string]string{"bash": "echo key=$AWS_ACCESS_KEY_ID", "fish": "echo key=$AWS_ACCESS_KEY_ID"}))
			_, found := c.wait("the key", regexp.MustCompile(`\nkey=(\w+)`))
			if found[1] != old {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the shell keeps its key")
			}
		}
	})
}

// TestPTYBashDebug has a DEBUG trap of the user's: ours is not there before it,
// and goes where it comes later.
func TestPTYBashDebug(t *testing.T) {
	need(t, "bash")
	t.Parallel()
	w := newWorld(t).login()
	trap := func(c *console) string {
		c.ok("trap -p DEBUG >trap")
		return c.read("trap")
	}
	for name, s := range map[string]setup{
		"before":       {before: "trap ': mine' DEBUG"},
		"after":        {after: "trap ': mine' DEBUG"},
		"in a file":    {bare: true, after: "trap ': mine' DEBUG; . ./load"},
		"a function":   {bare: true, after: "trap ': mine' DEBUG; f() { " + load("bash") + "; }; f"},
		"bash-preexec": {before: "bash_preexec_imported=1; preexec_functions=(); trap ': mine' DEBUG"},
	} {
		s.shell = "bash"
		if name == "in a file" {
			s.after = strings.ReplaceAll(s.after, "./load", w.dir+"/load")
			w.write("../load", load("bash")+"\n")
		}
		shell := w.console(t, s)
		shell.ok("vault use dev")
		if got := trap(shell); got != "trap -- ': mine' DEBUG\n" {
			t.Errorf("%s: the trap is %q", name, got)
		}
	}
	c := w.console(t, setup{shell: "bash"})
	if got := trap(c); got != "" {
		t.Errorf("without a profile in use the trap is %q", got)
	}
	c.ok("vault use dev")
	if got := trap(c); !strings.Contains(got, "__vault_debug") {
		t.Errorf("the trap is %q", got)
	}
	c.ok("trap ': mine' DEBUG")
	c.ok("true")
	if got := trap(c); got != "trap -- ': mine' DEBUG\n" {
		t.Errorf("the trap is %q", got)
	}
	c.ok("trap - DEBUG")
	if got := trap(c); got != "" {
		t.Errorf("the trap is %q", got)
	}
	// It looks once for a line, however many commands that has.
	c = w.console(t, setup{shell: "bash"})
	c.ok("vault use dev")
	c.ok("eval \"looks() $(declare -f __vault_preexec | sed 1d)\"; __vault_preexec() { echo look >>looks; looks \"$@\"; }")
	c.write("looks", "")
	c.ok("for i in 1 2 3; do true; : $i; done | cat; true")
	c.ok("true; true")
	if got := c.read("looks"); got != "look\nlook\n" {
		t.Errorf("it looks %d times", strings.Count(got, "look"))
	}
}
