package cmd_test

import (
	"strings"
	"testing"
)

// TestPTYAliases loads the short names, which take no other's place and
// complete as what they stand for.
func TestPTYAliases(t *testing.T) {
	compinit := "autoload -Uz compinit; compinit -u -d $ZDOTDIR/dump\n"
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("simple")
		before := by(shell, map[string]string{
			"zsh":  compinit + "alias avo='echo alias'; function avp { echo function }; PATH=$PATH:$ZDOTDIR/bin\n",
			"bash": "alias avo='echo alias'; avp() { echo function; }; PATH=$PATH:$PWD/bin\n",
			"fish": "alias avo 'echo alias'; function avp; echo function; end; set -gx PATH $PATH $PWD/bin\n",
		})
		c := w.console(t, setup{shell: shell, before: before, bare: true})
		c.write("bin/avl", "#!/bin/sh\necho program\n")
		load := func(words string) {
			t.Helper()
			line := `eval "$(command vault init ` + shell + " " + words + `)"`
			if shell == "fish" {
				line = "command vault init fish " + words + " | source"
			}
			if out := c.ok(line); strings.TrimSpace(out) != "" {
				t.Errorf("%s prints %q", line, out)
			}
		}
		load("")
		if c.run("av --version"); c.status != 127 {
			t.Errorf("av without --aliases: status %d", c.status)
		}
		load("--aliases")
		load("--aliases")
		is := func(line, want string) {
			t.Helper()
			if out := c.ok(line); !strings.Contains(out, want) {
				t.Errorf("%s: %q, want %q", line, out, want)
			}
		}
		is("av --version", "vault ")
		is("avo", "alias")
		is("avp", "function")
		is("avl", "program")
		c.ok("avs plain")
		if got := c.env()["AWS_VAULT"]; got != "plain" {
			t.Errorf("avs: in %q", got)
		}
		is("avr", "fresh: plain")
		is("ave plain -- printenv AWS_VAULT", "plain")
		c.ok("av off")

		tab := func(typed, want string) {
			t.Helper()
			c.send(typed + "\t\r")
			if out := c.prompt(); !strings.Contains(out, want) {
				t.Errorf("%q: %q, want %q", typed, out, want)
			}
		}
		c.do(by(shell, map[string]string{
			"bash": "vault() { printf '<%s>' \"$@\"; echo; }", "zsh": "function vault { printf '<%s>' \"$@\"; echo }", "fish": "function vault; printf '<%s>' $argv; echo; end"}))
		tab("av stat", "<status>")
		tab("avs stag", "<use><staging>")
		tab("avs staging --region il-c", "<use><staging><--region><il-central-1>")
		tab("ave simp", "<exec><simple>")
		tab("ave simple -- printe", "<exec><simple><--><printenv>")
		tab("avll simp", "<login><--stdout><simple>")

		// What the user has made of one of them since is his.
		c.ok(by(shell, map[string]string{"bash": "alias avr='echo mine'", "fish": "alias avr 'echo mine'"}))
		load("--aliases")
		is("avr", "mine")

		// By another name, which one of them may be.
		load("--aliases --cmd av")
		is("avs --help 2>&1", "vault use [PROFILE|-]")
		is("av --version", "vault ")
		c.do(by(shell, map[string]string{
			"bash": "av() { printf '<%s>' \"$@\"; echo; }", "zsh": "function av { printf '<%s>' \"$@\"; echo }", "fish": "function av; printf '<%s>' $argv; echo; end"}))
		tab("avs stag", "<use><staging>")
		tab("av use stag", "<use><staging>")
	})
}
