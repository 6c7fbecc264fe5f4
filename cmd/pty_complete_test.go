package cmd_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPTYComplete presses TAB. What is completed is then run, by a function
// that has taken the place of vault's and writes down its arguments.
func TestPTYComplete(t *testing.T) {
	const bashCompletion = "/usr/share/bash-completion/bash_completion"
	compinit := "autoload -Uz compinit; compinit -u -d $ZDOTDIR/dump\n"
	setups := map[string]map[string]setup{
		"zsh": {
			"compinit before": {before: compinit},
			"compinit after":  {after: compinit},
			"another name":    {before: compinit, init: "--cmd my-av"},
			"hostile options": {before: compinit, after: "setopt ksh_arrays sh_word_split no_unset glob_subst\n"},
		},
		"bash": {
			"another name":                    {init: "--cmd my-av"},
			"bash alone":                      {},
			"posix, errexit, nounset, noglob": {after: "set -euf -o posix"},
			"an odd IFS":                      {after: "IFS=aeiou:/"},
			"no colon breaks words":           {after: `COMP_WORDBREAKS=${COMP_WORDBREAKS//:}`},
		},
		"fish": {"fish": {}, "another name": {init: "--cmd my-av"}},
	}
	if _, err := os.Stat(bashCompletion); err == nil {
		setups["bash"]["bash-completion before"] = setup{before: "source " + bashCompletion}
		setups["bash"]["bash-completion after"] = setup{after: "source " + bashCompletion}
	} else {
		t.Log("without bash-completion, which is not installed")
	}
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("bastion")
		w.locked() // who opens the keystore is asked for the passphrase
		names := []string{"team/dev", "org:admin", "org:audit:x", "me@example.com", "v1.2+x", "50%off", "x-y_z", "solo"}
		config := ""
		for _, name := range names {
			config += "[profile " + name + "]\nregion = eu-west-1\n"
		}
		w.config(config)
		for name, s := range setups[shell] {
			s.shell = shell
			s.env = []string{"AWS_VAULT_FILE_PASSPHRASE"}
			c := w.console(t, s)
			c.write("bin/zzcommand", "#!/bin/sh\n")
			c.write("zzfile", "")
			command := "vault"
			if s.init != "" {
				command = "my-av"
			}
			c.do(strings.ReplaceAll(by(shell, map[string]string{
				"bash": "PATH=$PATH:$PWD/bin; vault() { printf '<%s>' \"$@\" >args; }; { bind 'set show-all-if-ambiguous on'; } 2>/dev/null\n",
				"zsh":  "PATH=$PATH:$PWD/bin; function vault { printf '<%s>' \"$@\" >args }\n",
				"fish": "set -gx PATH $PATH $PWD/bin; function vault; printf '<%s>' $argv >args; end\n",
			}), "vault", command))
			tab := func(typed, want string) {
				t.Helper()
				c.write("args", "")
				line := strings.ReplaceAll(strings.Replace(typed, "vault", command, 1), "|", "\t")
				c.send(line + "\r")
				out := c.prompt()
				if got := c.read("args"); got != want {
					t.Errorf("%s: %q makes %s, want %s", name, typed, got, want)
				}
				for line := range strings.Lines(out) {
					if shell != "fish" && !strings.Contains(line, command+" ") && strings.TrimSpace(line) != "" {
						t.Errorf("%s: %q prints %q", name, typed, line)
					}
				}
				if strings.Contains(out, "rror") || strings.Contains(out, "not found") || strings.Contains(out, "assphrase") || strings.Contains(out, shell+": ") {
					t.Errorf("%s: %q prints %q", name, typed, out)
				}
			}
			tab("vault stat|", "<status>")
			tab("vault refr| --fo|", "<refresh><--force>")
			tab("vault use so|", "<use><solo>")
			tab("vault use team|", "<use><team/dev>")
			tab("vault use team/|", "<use><team/dev>")
			tab("vault use org:ad|", "<use><org:admin>")
			tab("vault use org:audit|", "<use><org:audit:x>")
			tab("vault use org:audit:|", "<use><org:audit:x>")
			tab("vault use me|", "<use><me@example.com>")
			tab("vault use me@e|", "<use><me@example.com>")
			tab("vault use v1|", "<use><v1.2+x>")
			tab("vault use v1.2+|", "<use><v1.2+x>")
			tab("vault use 50|", "<use><50%off>")
			tab("vault use x-|", "<use><x-y_z>")
			tab("vault exec so| -- echo", "<exec><solo><--><echo>")
			tab("vault use solo --reg| il-c|", "<use><solo><--region><il-central-1>")
			tab("vault use solo --region=il-c|", "<use><solo><--region=il-central-1>")
			tab("vault use solo --du| 15|", "<use><solo><--duration><15m>")
			tab("vault region il-c|", "<region><il-central-1>")
			tab("vault init --cmd x fi|", "<init><--cmd><x><fish>")
			tab("vault remove bas|", "<remove><bastion>")
			tab("vault use nosuch|", "<use><nosuch>")
			tab("vault nosuch|", "<nosuch>")
			tab("vault exec solo -- zzcom|", "<exec><solo><--><zzcommand>")
			tab("vault exec solo -- cat zzf|", "<exec><solo><--><cat><zzfile>")
			tab("vault exec --region eu-west-1 solo -- zzcom| zzf|", "<exec><--region><eu-west-1><solo><--><zzcommand><zzfile>")

			// What is ambiguous is shown.
			c.send(command + " use \t")
			want := slices.Clone(names)
			for len(want) > 0 {
				texts := slices.Clone(want)
				_, found := c.wait("the names "+strings.Join(want, ", "), either(texts...))
				want = slices.DeleteFunc(want, func(s string) bool { return s == found[0] })
			}
			tab("solo", "<use><solo>")
		}
	})
}

// TestPTYCompleteFile loads the completion by itself, as a package installs
// it, for the vault on PATH.
func TestPTYCompleteFile(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell, bare: true, after: by(shell, map[string]string{
			"zsh":  "fpath=($ZDOTDIR/functions $fpath); autoload -Uz compinit; compinit -u -d $ZDOTDIR/dump; function vault { printf '<%s>' \"$@\" >args }",
			"bash": "source ./completion.bash; vault() { printf '<%s>' \"$@\" >args; }",
			"fish": "function vault; printf '<%s>' $argv >args; end",
		})})
		text := w.vault("completion", shell).stdout
		c.write(map[string]string{"zsh": "functions/_vault", "bash": "completion.bash", "fish": "fish/completions/vault.fish"}[shell], text)
		c.nested(shell, "exec ")
		for range 2 {
			for typed, want := range map[string]string{"vault use stag\t\r": "<use><staging>", "vault stat\t\r": "<status>"} {
				c.write("args", "")
				c.send(typed)
				c.prompt()
				if got := c.read("args"); got != want {
					t.Errorf("%q makes %q, want %q", typed, got, want)
				}
			}
		}
	})
}
