package cmd_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sgr are the colours of the segment (ECMA-48, 8.3.117).
var sgr = map[string]string{"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36", "white": "37"}

// paints fails the test unless the last segment is in the colour.
func (c *console) paints(color string) {
	c.t.Helper()
	all := c.bytes()
	i := strings.LastIndex(all, c.segment())
	if i < 0 || !regexp.MustCompile(`\x1b\[(?:\d+;)*`+sgr[color]+`m$`).MatchString(all[:i]) {
		c.t.Errorf("%s: the segment %q is not %s: %q", c.shell, c.segment(), color, all[max(0, i-20):])
	}
}

// exports has the shell export a variable, whatever its value.
func (c *console) exports(name, value string) {
	c.t.Helper()
	quoted := "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	if c.shell == "fish" {
		quoted = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
	}
	c.do(by(c.shell, map[string]string{"bash": "export " + name + "=" + quoted + "\n", "fish": "set -gx " + name + " " + quoted + "\n"}))
}

// shown is a state for the segment: one of credentials with that end, which no
// hook renews.
func shown(until, color, profile string) string {
	return "2|" + until + "|0|0|0|ASIAKEY|" + strings.Repeat("0", 32) + "|" + color + "|" + profile + "|" + profile + " {left}|e30"
}

// TestPTYSegment shows the segment at every age of the credentials, by the
// clock alone: it is computed at each prompt from the state.
func TestPTYSegment(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell})
		c.exports("AWS_ACCESS_KEY_ID", "ASIAKEY")
		c.exports("AWS_VAULT", "dev")
		state := func(until string, color, profile string) {
			t.Helper()
			c.exports("AWS_VAULT", profile)
			c.exports("__VAULT_STATE", shown(until, color, profile))
		}
		in := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
		for _, test := range []struct {
			left        time.Duration
			text, paint string
		}{
			{100*time.Hour + 30*time.Second, "dev (100h00m|99h59m)", "green"},
			{time.Hour + 62*time.Minute, "dev 2h0[12]m", "green"},
			{time.Hour + 90*time.Second, "dev 1h0[01]m", "green"},
			{59*time.Minute + 55*time.Second, "dev 5[89]m", "green"},
			{17 * time.Minute, "dev 1[67]m", "green"},
			{14*time.Minute + 55*time.Second, "dev 1[34]m", "yellow"},
			{2 * time.Minute, "dev [12]m", "yellow"},
			{59 * time.Second, `dev \d\d?s`, "yellow"},
			{-time.Second, "dev expired", "red"},
			{-100 * time.Hour, "dev expired", "red"},
		} {
			state(in(test.left), "", "dev")
			c.shows(`\(` + test.text + `\)`)
			c.paints(test.paint)
		}
		// Without an end: no time. With a colour of its own: that, until it
		// begins to matter how much is left.
		state("0", "", "dev")
		c.shows(`\(dev\)`)
		c.paints("green")
		for color := range sgr {
			state(in(2*time.Hour), color, "dev")
			c.shows(`\(dev (2h00m|1h59m)\)`)
			c.paints(color)
		}
		state(in(10*time.Minute), "cyan", "dev")
		c.paints("yellow")
		state(in(-time.Minute), "cyan", "dev")
		c.paints("red")
		// Names are shown as they are.
		names := []string{"a/b", "a:b:c", "a@b.c", "50%", "%F{red}%~", "a+b-c_d", "!", "a!!b", `a\b\w`, "$(touch owned)", "`touch owned`", "$HOME", "${PWD}", "a b", "é"}
		for _, name := range names {
			state("0", "", name)
			c.shows(regexp.QuoteMeta("(" + name + ")"))
		}
		if shell == "zsh" {
			c.ok("setopt prompt_subst")
			for _, name := range names {
				state("0", "", name)
				c.shows(regexp.QuoteMeta("(" + name + ")"))
			}
			c.ok("unsetopt prompt_subst")
		}
		// Another account may be in use by now.
		state(in(time.Hour), "", "dev")
		for variable, value := range map[string]string{"AWS_PROFILE": "mine", "AWS_VAULT": "other", "AWS_ACCESS_KEY_ID": "AKIAOTHER"} {
			old := map[string]string{"AWS_VAULT": "dev", "AWS_ACCESS_KEY_ID": "ASIAKEY"}[variable]
			c.exports(variable, value)
			c.shows(`\(dev != env\)`)
			c.paints("magenta")
			c.exports(variable, old)
			c.shows(`\(dev (1h00m|59m)\)`)
		}
		// What cannot be read is not shown.
		hash := strings.Repeat("0", 32)
		for _, text := range []string{
			"2", "1:0:ASIAKEY::dev:e30", "3|0|0|0|0|ASIAKEY|" + hash + "||dev|dev|e30", "2|x|0|0|0|ASIAKEY|" + hash + "||dev|dev|e30",
			"2|0|-5|0|0|ASIAKEY|" + hash + "||dev|dev|e30", "2|0|0|0|ASIAKEY|" + hash + "||dev|dev|e30", "2||0|0|0|ASIAKEY|" + hash + "||dev|dev|e30",
			"2|$(touch owned)|0|0|0|ASIAKEY|" + hash + "||dev|dev|e30", "a[$(touch owned)]", "2|a[$(touch owned)]|0|0|0|ASIAKEY|" + hash + "||dev|dev|e30",
			"2|0|a[$(touch owned)]|0|0|ASIAKEY|" + hash + "||dev|dev|e30", "2|0|0|0|0|ASIAKEY|../../" + hash[6:] + "||dev|dev|e30",
			"2|0|9999999999999|0|0|ASIAKEY|" + hash + "||dev|dev|e30",
		} {
			c.exports("__VAULT_STATE", text)
			c.shows(`\(vault \?\)`)
			c.paints("magenta")
		}
		c.exports("__VAULT_STATE", "")
		c.shows("")
		if _, err := c.stat("owned"); err == nil {
			t.Error("a name was run as code")
		}
	})
}

// TestPTYPromptOnce sets prompts and hooks in the ways that there are: the
// segment stands once in front of the prompt, and the user's hooks see the
// status of the user's command.
func TestPTYPromptOnce(t *testing.T) {
	tests := map[string]map[string]string{
		"zsh": {
			"plain":              "",
			"loaded twice":       load("zsh") + "; " + load("zsh"),
			"prompt_subst":       "setopt prompt_subst",
			"prompt_bang":        "setopt prompt_bang",
			"no prompt_percent":  "setopt prompt_subst; unsetopt prompt_percent; PROMPT='<$HISTCMD:$?> '",
			"a newline ahead":    "PROMPT=$'\\n'\"$PROMPT\"",
			"a hook ahead":       "before() { echo hook=$?,$pipestatus >>hooks }; precmd_functions=(before $precmd_functions)",
			"a hook behind":      "before() { echo hook=$?,$pipestatus >>hooks }; precmd_functions+=(before)",
			"precmd":             "precmd() { echo hook=$?,$pipestatus >>hooks }",
			"set at each time":   "precmd() { echo hook=$?,$pipestatus >>hooks; PROMPT='<%h:%?> ' }",
			"expanded and set":   "setopt prompt_subst; precmd() { PROMPT='${:-}<%h:%?> ' }",
			"set by hand":        "PROMPT='<%h:%?> '",
			"all of it exported": "export PROMPT",
		},
		"bash": {
			"plain":              "",
			"loaded twice":       load("bash") + "; " + load("bash"),
			"a newline ahead":    "PS1='\\n'\"$PS1\"",
			"a newline itself":   "PS1=$'\\n'\"$PS1\"",
			"string":             "unset PROMPT_COMMAND; hook() { echo hook=$?,${PIPESTATUS[@]} >>hooks; }; PROMPT_COMMAND=hook; " + load("bash"),
			"string; ":           "unset PROMPT_COMMAND; hook() { echo hook=$?,${PIPESTATUS[@]} >>hooks; }; PROMPT_COMMAND='hook; '; " + load("bash"),
			"string and comment": "unset PROMPT_COMMAND; hook() { echo hook=$?,${PIPESTATUS[@]} >>hooks; }; PROMPT_COMMAND='hook # mine'; " + load("bash"),
			"string behind":      "hook() { echo hook=$? >>hooks; }; PROMPT_COMMAND=\"$PROMPT_COMMAND;hook\"",
			"array":              "unset PROMPT_COMMAND; hook() { echo hook=$?,${PIPESTATUS[@]} >>hooks; }; other() { false; }; PROMPT_COMMAND=(other hook); " + load("bash"),
			"array behind":       "hook() { echo hook=$?,${PIPESTATUS[@]} >>hooks; }; PROMPT_COMMAND=(\"$PROMPT_COMMAND\" hook)",
			"array, twice":       "unset PROMPT_COMMAND; PROMPT_COMMAND=(true); " + load("bash") + "; " + load("bash"),
			"set at each time":   "unset PROMPT_COMMAND; hook() { PS1='<\\#:$?> '; }; PROMPT_COMMAND=hook; " + load("bash"),
			"set by hand":        "PS1='<\\#:$?> '",
			"exported":           "export PROMPT_COMMAND PS1",
			"bash-preexec":       "unset PROMPT_COMMAND; bash_preexec_imported=1; PROMPT_COMMAND='for f in \"${precmd_functions[@]}\"; do \"$f\"; done'; " + load("bash") + "; " + load("bash"),
		},
		"fish": {
			"plain":        "",
			"loaded twice": load("fish") + "; " + load("fish"),
			"set by hand":  "function fish_prompt; set -l s $status; echo \"hook=$s,$pipestatus\" >>hooks; builtin echo -n \"<$test_count:$s> \"; end",
			"mode prompt":  "function fish_mode_prompt; builtin echo -n; end",
		},
	}
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		once := func(name string, c *console) {
			t.Helper()
			c.exports("AWS_ACCESS_KEY_ID", "ASIAKEY")
			c.exports("AWS_VAULT", "50%")
			c.exports("__VAULT_STATE", shown("0", "", "50%"))
			for range 2 {
				c.write("hooks", "")
				c.run("false | true | false")
				if c.status != 1 {
					t.Errorf("%s: status %d", name, c.status)
				}
				c.shows(`\(50%\)`)
				if hooks := c.read("hooks"); hooks != "" && !regexp.MustCompile(`^(hook=1(,1 0 1)?\n)+$`).MatchString(hooks) {
					t.Errorf("%s: the hook sees %q", name, hooks)
				}
				c.ok("true")
				c.shows(`\(50%\)`)
				switch shell {
				case "bash":
					c.run("false | true")
					c.ok(`echo "$_ ${PIPESTATUS[*]}" >seen`) // of the line before
					c.ok(`: some words; :`)
					c.ok(`true last word`)
					c.ok(`echo "$_" >>seen`)
					if got := c.read("seen"); got != "true 1 0\nword\n" {
						t.Errorf("%s: the next line sees %q", name, got)
					}
				case "zsh":
					c.run("false | true")
					c.ok(`echo "${pipestatus[*]}" >seen`)
					if got := c.read("seen"); got != "1 0\n" {
						t.Errorf("%s: the next line sees %q", name, got)
					}
				case "fish":
					c.run("false | true")
					c.ok(`echo "$pipestatus" >seen`)
					if got := c.read("seen"); got != "1 0\n" {
						t.Errorf("%s: the next line sees %q", name, got)
					}
				}
			}
			c.exports("AWS_VAULT", "dev")
			c.exports("__VAULT_STATE", shown("0", "", "dev"))
			c.shows(`\(dev\)`)
			// A shell inside, where vault is not loaded, has nothing to say of
			// hooks that it inherits.
			if shell == "bash" {
				c.line("bash --noprofile --norc")
				c.send("PS1='<\\#:$?> '\r")
				c.wait("a prompt", regexp.MustCompile(`<[12]:0> `))
				c.line("exit")
				if out := c.prompt(); strings.Contains(out, "not found") {
					t.Errorf("%s: the shell inside says %q", name, out)
				}
			}
			c.exports("AWS_PROFILE", "mine")
			c.shows(`\(dev != env\)`)
			if shell != "fish" {
				c.ok(`echo "${PROMPT_COMMAND[*]} ${precmd_functions[*]}" >hooks`)
				if got := c.read("hooks"); strings.Count(got, "__vault_prompt") != 1 {
					t.Errorf("%s: the hooks are %q", name, got)
				}
			}
			c.exports("__VAULT_STATE", "")
			c.shows("")
		}
		for name, code := range tests[shell] {
			once(name+" in the rc file", w.console(t, setup{shell: shell, after: code}))
			if name == "mode prompt" {
				continue // the wrapper is there since the first prompt
			}
			if name == "plain" && shell == "zsh" {
				hook := "theme() { PROMPT='<%h:%?> ' }; precmd_functions+=(theme)\n"
				once(name+" and a theme ahead", w.console(t, setup{shell: shell, before: hook, after: code}))
			}
			c := w.console(t, setup{shell: shell})
			c.do(code + "\n")
			once(name+" typed", c)
		}
	})
}

// TestPTYPromptPrograms has what prompt programs define: they show the profile
// themselves, and own the prompt.
func TestPTYPromptPrograms(t *testing.T) {
	tests := map[string]map[string]string{
		"zsh": {
			"starship":     "prompt_starship_precmd() { : }; precmd_functions+=(prompt_starship_precmd); setopt prompt_subst",
			"old starship": "starship_precmd() { : }; precmd_functions+=(starship_precmd)",
			"p10k":         "P9K_VERSION=1; _p9k_precmd() { : }; precmd_functions+=(_p9k_precmd)",
			"oh-my-posh":   "_omp_precmd() { : }; precmd_functions+=(_omp_precmd)",
		},
		"bash": {
			"starship":   "export STARSHIP_SHELL=bash; starship_precmd() { :; }; PROMPT_COMMAND=starship_precmd",
			"oh-my-posh": "_omp_hook() { return $?; }; PROMPT_COMMAND=(_omp_hook)",
			// No variable can stand in this prompt.
			"no promptvars": "shopt -u promptvars; PROMPT_COMMAND='PS1=\"<\\\\#:$?> \"'\"${PROMPT_COMMAND:+;$PROMPT_COMMAND}\"",
		},
		"fish": {
			"starship":       "set -gx STARSHIP_SHELL fish",
			"tide":           "function tide; end; set -g tide_left_prompt_items pwd",
			"oh-my-posh":     "set -g _omp_executable /usr/bin/true",
			"old oh-my-posh": "function postexec_omp --on-event fish_postexec; end",
		},
	}
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		for name, code := range tests[shell] {
			for _, s := range []setup{{shell: shell, before: code}, {shell: shell, after: code}} {
				c := w.console(t, s)
				c.exports("AWS_ACCESS_KEY_ID", "ASIAKEY")
				c.exports("AWS_VAULT", "dev")
				c.exports("__VAULT_STATE", shown("0", "", "dev"))
				c.ok("true")
				if c.left != "" {
					t.Errorf("%s: the prompt has become %q", name, c.left)
				}
			}
		}
	})
}

// TestPTYNoPrompt leaves the prompt alone where the user says so; the segment
// is there to be put where the user likes it.
func TestPTYNoPrompt(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell, init: "--no-prompt"})
		c.exports("AWS_ACCESS_KEY_ID", "ASIAKEY")
		c.exports("AWS_VAULT", "50%")
		c.exports("__VAULT_STATE", shown("0", "", "50%"))
		show := by(shell, map[string]string{
			"zsh":  `print -r -- "$PROMPT ${precmd_functions:#__vault_*}" >prompt`,
			"bash": `echo "$PS1" >prompt`,
			"fish": "functions fish_prompt fish_mode_prompt >prompt",
		})
		c.ok(show)
		if got := c.read("prompt"); strings.Contains(strings.ToLower(got), "vault_p") || c.left != "" {
			t.Errorf("with --no-prompt the prompt is %q, %q", got, c.left)
		}
		c.ok("vault_prompt_info >info")
		if got := readable(c.read("info")); got != map[string]string{"zsh": "%F{green}(50%%)%f ", "bash": "\x01\x02(50%)\x01\x02 ", "fish": "(50%) "}[shell] {
			t.Errorf("vault_prompt_info prints %q", got)
		}
		c.ok(by(shell, map[string]string{
			"zsh":  `setopt prompt_subst; PROMPT='mine $(vault_prompt_info)<%h:%?> '`,
			"bash": `PS1='mine $(vault_prompt_info)<\#:$?> '`,
			"fish": `function fish_prompt; set -l s $status; builtin echo -n "mine "; vault_prompt_info; builtin echo -n "<$test_count:$s> "; end`,
		}))
		c.shows(`mine \(50%\)`)
		c.exports("__VAULT_STATE", "")
		c.shows("mine")
		c.run("vault_prompt_info >info")
		if got := c.read("info"); c.status != 0 || got != "" {
			t.Errorf("vault_prompt_info prints %q where no profile is in use, status %d", got, c.status)
		}
	})
}

// TestPTYPromptQuick draws prompts: no process is started for them.
func TestPTYPromptQuick(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell})
		c.exports("AWS_ACCESS_KEY_ID", "ASIAKEY")
		c.exports("AWS_VAULT", "dev")
		c.exports("__VAULT_STATE", shown(strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10), "", "dev"))
		c.write("counter", "#!/bin/sh\necho $$ >>"+c.dir+"/count\n")
		c.write("count", "")
		c.ok(exe(shell, c.dir+"/counter"))
		c.ok("command true & true")
		c.ok("wait")
		last := by(shell, map[string]string{"bash": "echo $! >", "fish": "echo $last_pid >"})
		c.ok(last + "first")
		before, known := c.childFaults()
		for range 50 {
			c.ok(":")
		}
		after, _ := c.childFaults()
		c.shows(`\(dev ` + hour + `\)`)
		if got := c.read("count"); got != "" {
			t.Errorf("the prompt ran vault: %q", got)
		}
		if known && after != before {
			t.Errorf("the prompt started processes: %d faults of children became %d", before, after)
		}
		c.ok(last + "second")
		if a, b := c.read("first"), c.read("second"); a != b || len(a) < 2 {
			t.Errorf("the last background process was %q and is %q", a, b)
		}
		c.run("jobs >jobs")
		if got := c.read("jobs"); got != "" {
			t.Errorf("the prompt left jobs: %q", got)
		}
	})
}

// childFaults returns the page faults of the children that the shell has waited
// for: each child has some (proc(5), cminflt).
func (c *console) childFaults() (n int, ok bool) {
	c.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0, false // not Linux
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	n, err = strconv.Atoi(fields[8])
	if err != nil {
		c.t.Fatal(err)
	}
	return n, true
}
