package cmd_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
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
		w.config(config + `[profile "two words"]
[profile 'o$(touch pwned)']
[profile 'o2;touch pwned']
[profile 'o3&|<>()*?{}!~^=']
[profile "o4'\"$HOME"]
[profile 'o5\n` + "`touch pwned`" + `']
[profile :o6]
[profile o7ñ日本]
[profile -o8]
`)
		for name, s := range setups[shell] {
			s.shell = shell
			s.env = []string{"AWS_VAULT_FILE_PASSPHRASE"}
			c := w.console(t, s)
			c.write("bin/zzcommand", "#!/bin/sh\n")
			c.write("bin/zzsub", "#!/bin/sh\n")
			c.write("zzfile", "")
			c.write("zz file", "")
			command := "vault"
			if s.init != "" {
				command = "my-av"
			}
			c.do(strings.ReplaceAll(by(shell, map[string]string{
				"bash": "PATH=$PATH:$PWD/bin; vault() { printf '<%s>' \"$@\" >args; }; { bind 'set show-all-if-ambiguous on'; } 2>/dev/null; complete -W 'alpha beta' zzsub; set +H\n",
				"zsh":  "PATH=$PATH:$PWD/bin; function vault { printf '<%s>' \"$@\" >args }; _zz() { compadd alpha beta }; functions compdef >/dev/null && compdef _zz zzsub\n",
				"fish": "set -gx PATH $PATH $PWD/bin; function vault; printf '<%s>' $argv >args; end; complete -c zzsub -f -a 'alpha beta'\n",
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
				if strings.Contains(out, "rror") || strings.Contains(out, "not found") || strings.Contains(out, "assphrase of") || strings.Contains(out, shell+": ") {
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

			// Words of their own: quoted, so that they stay one word, and no code.
			tab("vault use two|", "<use><two words>")
			tab(`vault use two\ w|`, "<use><two words>")
			tab(`vault use "two w|`, "<use><two words>")
			tab(`vault use 'two w|`, "<use><two words>")
			tab("vault exec two| -- echo", "<exec><two words><--><echo>")
			tab("vault exec 'two words' -- zzcom|", "<exec><two words><--><zzcommand>")
			tab(`vault use o\$|`, "<use><o$(touch pwned)>")
			tab(`vault use 'o$|`, "<use><o$(touch pwned)>")
			tab(`vault use "o\$|`, "<use><o$(touch pwned)>")
			tab("vault use o2|", "<use><o2;touch pwned>")
			tab("vault use o3|", "<use><o3&|<>()*?{}!~^=>")
			tab("vault use o4|", `<use><o4'"$HOME>`)
			tab("vault use o5|", "<use><o5\\n`touch pwned`>")
			tab("vault use :o|", "<use><:o6>")
			tab("vault use o7|", "<use><o7ñ日本>")
			tab("vault use -o|", "<use><-o>") // it would be a flag
			tab("vault use -- -o|", "<use><--><-o8>")
			if _, err := c.stat("pwned"); err == nil {
				t.Errorf("%s: a name was run", name)
			}

			// What exec runs, with -- or without.
			if shell != "fish" { // which offers no word with a dash where none is typed
				tab("vault exec solo |echo", "<exec><solo><--><echo>")
			}
			tab("vault exec solo zzcom|", "<exec><solo><zzcommand>")
			tab("vault exec -- zzcom|", "<exec><--><zzcommand>")
			tab("vault exec org:admin -- cat zzf|", "<exec><org:admin><--><cat><zzfile>")
			tab("vault exec --region=eu-west-1 solo -- cat zzf|", "<exec><--region=eu-west-1><solo><--><cat><zzfile>")
			if shell != "bash" || strings.HasPrefix(name, "bash-completion") {
				tab("vault exec solo -- zzsub alp|", "<exec><solo><--><zzsub><alpha>")
			}

			// Values of flags and arguments; files only where a file is wanted.
			tab("vault use --passphrase-file zzf|", "<use><--passphrase-file><zzfile>")
			tab("vault use --passphrase-file=zzf|", "<use><--passphrase-file=zzfile>")
			tab("vault use --passphrase-file=./zzf|", "<use><--passphrase-file=./zzfile>")
			tab("vault use --backend secr|", "<use><--backend><secret-service>")
			tab("vault export solo --for| js|", "<export><solo><--format><json>")
			tab("vault migrate --from fi|", "<migrate><--from><file>")
			tab("vault use --shell fi|", "<use><--shell><fish>")
			tab("vault completion ba|", "<completion><bash>")
			tab("vault help expl|", "<help><explain>")
			tab("vault man expl|", "<man><explain>")
			tab("vault list sol|", "<list><solo>")
			tab("vault clear sol|", "<clear><solo>")
			for _, words := range []string{"status", "off", "use solo", "use --mfa-code", "init zsh", "region eu-west-1", "lock"} {
				tab("vault "+words+" zzf|", "<"+strings.ReplaceAll(words, " ", "><")+"><zzf>")
			}
			if shell == "fish" {
				tab("vault use -|", "<use><->")
				tab("vault use OLO|", "<use><solo>") // as fish finds it
			}

			// What is ambiguous is shown.
			c.send(command + " use \t")
			want := slices.Clone(names)
			for len(want) > 0 {
				texts := slices.Clone(want)
				_, found := c.wait("the names "+strings.Join(want, ", "), either(texts...))
				want = slices.DeleteFunc(want, func(s string) bool { return s == found[0] })
			}
			c.write("args", "")
			c.send("solo\r")
			c.prompt()
			if got := c.read("args"); got != "<use><solo>" {
				t.Errorf("%s: after a look at the names: %s", name, got)
			}
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

// TestPTYCompleteOthers has the shells ask by "complete -C vault vault", which
// is how oh-my-zsh and bash-completion ask HashiCorp's tool.
func TestPTYCompleteOthers(t *testing.T) {
	bashcompinit := "autoload -Uz compinit bashcompinit; compinit -u -d $ZDOTDIR/dump; bashcompinit; complete -o nospace -C vault vault\n"
	compinit := "autoload -Uz compinit; compinit -u -d $ZDOTDIR/dump\n"
	setups := map[string]map[string]setup{
		"bash": {
			"the binary alone":   {bare: true, after: "complete -C vault vault"},
			"behind vault init":  {after: "complete -C vault vault"},
			"ahead of it":        {before: "complete -C vault vault"},
			"with bare exported": {bare: true, after: "set -a; complete -C vault vault"},
		},
		"zsh": {
			"the binary alone":  {bare: true, after: bashcompinit},
			"behind vault init": {before: compinit, after: bashcompinit},
			"ahead of it":       {before: bashcompinit},
		},
	}
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.store("simple")
		w.config(w.read(".aws/config") + "[profile org:admin]\n[profile 'two words']\n[profile me@x]\n")
		for name, s := range setups[shell] {
			s.shell = shell
			c := w.console(t, s)
			tab := func(typed, want string) {
				t.Helper()
				c.send(typed + "\t echo\x01echo \r") // the line is shown, not run
				out := c.prompt()
				if !strings.Contains(strings.Join(strings.Fields(out), " "), want) || strings.Contains(out, "rror") {
					t.Errorf("%s: %q makes %q, want %q", name, typed, out, want)
				}
			}
			tab("vault stat", "vault status echo")
			tab("vault use stag", "vault use staging echo")
			tab("vault use staging --region il-c", "vault use staging --region il-central-1 echo")
			tab("vault use org:ad", "vault use org:admin echo")
			if shell == "bash" { // in zsh, bashcompinit cuts names at blanks
				tab("vault use two", "vault use two words echo")
				tab("vault use staging --region=il-c", "vault use staging --region=il-central-1 echo")
			}
		}
	}, "bash", "zsh")
}

// TestCompleteLine answers in COMP_LINE's way with completions alone.
func TestCompleteLine(t *testing.T) {
	w := newWorld(t)
	w.store("simple")
	w.config(w.read(".aws/config") + "[profile org:admin]\n[profile 'two words']\n[profile 'x$(y)']\n")
	for _, test := range []struct {
		line  string
		point int // 0: the end
		args  string
		want  string
	}{
		{line: "vault sta", args: "vault,sta,vault", want: "status\n"},
		{line: "vault use s", args: "vault,s,use", want: "simple\nstaging\n"},
		{line: "vault use sXYZ", point: 11, args: "vault,s,use", want: "simple\nstaging\n"},
		{line: "vault  use\t'st", args: "vault,'st,use", want: "staging\n"},
		{line: "vault use org:a", args: "vault,a,:", want: "admin\n"},
		{line: "vault use org:a", args: "vault,org:a,use", want: "org:admin\n"},
		{line: "vault use two", args: "vault,two,use", want: "two\\ words\n"},
		{line: `vault use "two w`, args: `vault,"two w,use`, want: "two\\ words\n"},
		{line: "vault use x", args: "vault,x,use", want: "x\\$\\(y\\)\n"},
		{line: "vault use --region=il", args: "vault,il,=", want: "il-central-1\n"},
		{line: "vault use --region=il", args: "vault,--region=il,use", want: "--region=il-central-1\n"},
		{line: "vault use nosuch", args: "vault,nosuch,use"},
		{line: "vault nosuch x", args: "vault,x,nosuch"},
		{line: "vault exec simple -- ec", args: "vault,ec,--"},
		{line: "vault --passphrase-file x", args: "vault,x,--passphrase-file"},
		{line: "vault remove ", args: "vault,,remove", want: "simple\n"},
		{line: "vault sta", want: "status\n"}, // from zsh
		{line: "/opt/bin/vault sta", args: "/opt/bin/vault,sta,vault", want: "status\n"},
		{line: "vault", args: "vault,vault,"},
		{line: ""},
	} {
		point := test.point
		if point == 0 {
			point = len(test.line)
		}
		var args []string
		if test.args != "" {
			args = strings.Split(test.args, ",")
		}
		r := w.run("", w.environ("COMP_LINE="+test.line, "COMP_POINT="+strconv.Itoa(point), "COMP_KEY=9", "COMP_TYPE=9"), binary, args...)
		if r.code != 0 || r.stderr != "" || r.stdout != test.want {
			t.Errorf("%q: %+v, want %q", test.line, r, test.want)
		}
	}
	// Where a shell exports all it has, the commands are what they were.
	for _, args := range [][]string{{"list", "--names"}, {"--version"}, {"explain", "simple", "--json"}, {"__complete", "use", "st"}} {
		want := w.vault(args...)
		if got := w.run("", w.environ("COMP_LINE=vault use s", "COMP_POINT=11"), binary, args...); got.stdout != want.stdout || got.code != want.code {
			t.Errorf("%q: %+v, want %+v", args, got, want)
		}
	}
}

// TestComplete looks at the answers themselves.
func TestComplete(t *testing.T) {
	w := newWorld(t)
	w.store("simple")
	w.write(".config/vault/config.toml", "[[profile]]\nmatch = \"prod\"\nprotected = true\naccount = \"Pro\\u001b[31m \\tduction\"\n")
	w.write(".aws/credentials", "[static]\naws_access_key_id = AKIA\n")
	w.config(w.read(".aws/config") + "[profile odd]\nrole_arn = arn:aws:iam::123456789012:role/a\x1bb\n[profile x1]\nregion = us-new-9\n[profile :4]\n[profile -dash]\n")
	for _, test := range []struct{ words, want string }{
		{"use,p", "plain\t222222222222 Developer eu-west-1\nprod\tPro?[31m duction 444444444444 Admin us-east-1 protected\n:4\n"},
		{"use,od", "odd\t123456789012 a?b\n:4\n"},
		{"use,stat", "static\n:4\n"},
		{"use,:", ":4\n:4\n"},
		{"use,plain,p", ":4\n"},
		{"use,--,-d", "-dash\n:4\n"},
		{"use,--reg", "--region\tREGION to use in place of the profile's\n:4\n"},
		{"use,--region,us-n", "us-new-9\tof profile x1\n:4\n"},
		{"use,--region=us-n", "us-new-9\tof profile x1\n:4\n"},
		{"region,eu-s", "eu-south-1\tMilan\neu-south-2\tSpain\n:4\n"},
		{"remove,", "simple\t" + w.keyID + "\n:4\n"},
		{"nosuch,x", ":4\n"},
		{"exec,plain,--,aws,s3", ":command 3\n"},
		{"exec,plain,aws", ":command 2\n"},
		{"exec,--region,eu-west-1,plain,--,", ":command 5\n"},
		{"exec,--region=eu-west-1,plain,--,", ":command 4\n"},
		{"exec,--,", ":command 2\n"},
		{"exec,--no-session,plain,x,--,y", ":command 3\n"},
		{"exec,plain,", "--\tand then the command\n:4\n"},
		{"exec,plain,--region,il-c", "il-central-1\tTel Aviv\n:4\n"},
		{"exec,plain,--no-s", "--no-session\tmake no session in between: use the key itself\n:4\n"},
	} {
		r := w.run("", w.environ(), binary, append([]string{"__complete"}, strings.Split(test.words, ",")...)...)
		if r.code != 0 || r.stdout != test.want {
			t.Errorf("%s: %d %q, want %q", test.words, r.code, r.stdout, test.want)
		}
		if strings.HasPrefix(test.want, ":command") {
			continue
		}
		plain := regexp.MustCompile(`\t[^\n]*`).ReplaceAllString(test.want, "")
		if r := w.run("", w.environ(), binary, append([]string{"__completeNoDesc"}, strings.Split(test.words, ",")...)...); r.stdout != plain {
			t.Errorf("%s, without descriptions: %q, want %q", test.words, r.stdout, plain)
		}
	}
	if r := w.vault("__complete", "use", ""); strings.Contains("\n"+r.stdout, "\n-") || !strings.Contains(r.stdout, "\nx1") {
		t.Errorf("a name that would be a flag is offered: %q", r.stdout)
	}
	// What cannot be read completes to nothing.
	w.config("[profile broken\n")
	for _, words := range []string{"use,s", "use,--region,zz", "exec,"} {
		if r := w.run("", w.environ(), binary, append([]string{"__complete"}, strings.Split(words, ",")...)...); r.code != 0 || !strings.HasSuffix(r.stdout, ":4\n") {
			t.Errorf("%s, of a broken file: %+v", words, r)
		}
	}
}

// TestPTYCompleteMany completes among 10,000 profiles.
func TestPTYCompleteMany(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		w.config(manyProfiles(10_000))
		c := w.console(t, setup{shell: shell, before: by(shell, map[string]string{"zsh": "autoload -Uz compinit; compinit -u -d $ZDOTDIR/dump", "bash": "", "fish": ""}), after: by(shell, map[string]string{
			"bash": "vault() { printf '<%s>' \"$@\" >args; }", "zsh": "function vault { printf '<%s>' \"$@\" >args }", "fish": "function vault; printf '<%s>' $argv >args; end"})})
		c.send("vault use team-0987\t")
		c.send("6\t\r")
		c.prompt()
		if got := c.read("args"); got != "<use><team-09876/role>" {
			t.Errorf("completed to %s", got)
		}
	})
}

// TestPTYCompleteAlike finds in zsh what the user's matchers allow for.
func TestPTYCompleteAlike(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{
			shell:  shell,
			before: "autoload -Uz compinit; compinit -u -d $ZDOTDIR/dump; zstyle ':completion:*' matcher-list 'm:{a-zA-Z}={A-Za-z}' 'l:|=* r:|=*'",
			after:  "function vault { printf '<%s>' \"$@\" >args }",
		})
		for typed, want := range map[string]string{"STAG": "<use><staging>", "agin": "<use><staging>", "zz": "<use><zz>"} {
			c.send("vault use " + typed + "\t\r")
			c.prompt()
			if got := c.read("args"); got != want {
				t.Errorf("%s: %s, want %s", typed, got, want)
			}
		}
	}, "zsh")
}
