package shell

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program returns the path of a shell, or skips the test. Continuous
// integration has all of them: there a missing one is an error.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// run has the shell d run code with nothing of the user's configuration, in
// the environment env, and returns what it printed.
func run(t *testing.T, d Dialect, env []string, code string) (stdout, stderr string, err error) {
	t.Helper()
	args := map[Dialect][]string{Zsh: {"-f"}, Bash: {"--norc", "--noprofile"}, Fish: {"--no-config"}}[d]
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program(t, string(d)), append(args, file)...)
	home := t.TempDir()
	c.Env = append([]string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home}, env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	return out.String(), errs.String(), err
}

// environ cuts what "env -0" printed into sorted entries, without those that
// a shell sets by itself.
func environ(printed string) []string {
	var list []string
	for _, s := range strings.Split(printed, "\x00") {
		name, _, _ := strings.Cut(s, "=")
		if s != "" && name != "_" && name != "SHLVL" && name != "PWD" && name != "OLDPWD" {
			list = append(list, s)
		}
	}
	slices.Sort(list)
	return list
}

func format(t *testing.T, d Dialect, s Switch) string {
	t.Helper()
	code, err := d.Format(s)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func each(t *testing.T, f func(*testing.T, Dialect)) {
	for _, d := range Dialects() {
		t.Run(string(d), func(t *testing.T) {
			program(t, string(d))
			t.Parallel()
			f(t, d)
		})
	}
}

var hostile = []string{
	"", " ", "a b", "'", `\`, `\'`, `'\''`, `"`, "$HOME", "$(touch /tmp/owned)", "`id`", "!!", "%s", "%F{red}", "*", "?", "[a]", "~", "~root",
	"a\nb", "\n", "a\n", "\r", "\t", "-n", "-e x", "--", "None", "a=b", "=", ";", "&", "|", "<x", ">x", "(", ")", "{a,b}", "#c", "é", "日本", "\x01\x02\x1b[31m",
	"\xff\xfe", "\x80", strings.Repeat("x", 4000), `\\\\`, `'''`, "a\\\nb", "$'\\n'", "set", "lost", "x:A",
}

// TestValuesRoundTrip sends every byte that a variable can hold through each
// shell and compares what a child of that shell sees.
func TestValuesRoundTrip(t *testing.T) {
	values := slices.Clone(hostile)
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		b := make([]byte, 1+r.IntN(40))
		for i := range b {
			b[i] = byte(1 + r.IntN(255))
		}
		values = append(values, string(b))
	}
	each(t, func(t *testing.T, d Dialect) {
		set := Env{}
		for i, v := range values {
			set[fmt.Sprintf("V_%03d", i)] = v
		}
		out, errs, err := run(t, d, nil, format(t, d, Switch{ID: "1", Set: set})+"command env -0\n")
		if err != nil || errs != "" {
			t.Fatalf("%v %s", err, errs)
		}
		got := ParseEnv(environ(out))
		for name, want := range set {
			if got[name] != want {
				t.Errorf("%s: got %q, want %q", name, got[name], want)
			}
		}
	})
}

// TestRestore switches twice and back in one shell: the environment is again
// what it was, to the byte, for variables that were exported, empty, unset,
// and set without being exported.
func TestRestore(t *testing.T) {
	setup := map[Dialect]string{
		Zsh:  "typeset PLAIN='plain '$'\\n''value'; typeset GONE_PLAIN=gone; EMPTY_PLAIN=\n",
		Bash: "PLAIN='plain '$'\\n''value'; GONE_PLAIN=gone; EMPTY_PLAIN=\n",
		Fish: "set -g PLAIN plain\\ \\nvalue; set -g GONE_PLAIN gone; set -g EMPTY_PLAIN ''\n",
	}
	show := map[Dialect]string{
		Zsh:  "print -rn -- \"<$PLAIN|$GONE_PLAIN|${EMPTY_PLAIN-no}|${NEVER-no}|${__VAULT_SAVED-no}>\"; command env -0\n",
		Bash: "printf '<%s|%s|%s|%s|%s>' \"$PLAIN\" \"$GONE_PLAIN\" \"${EMPTY_PLAIN-no}\" \"${NEVER-no}\" \"${__VAULT_SAVED-no}\"; command env -0\n",
		Fish: "set -q EMPTY_PLAIN; and set -l e ''; or set -l e no; set -q NEVER; and set -l n yes; or set -l n no; set -q __VAULT_SAVED; and set -l s yes; or set -l s no; string join -n '' -- '<' $PLAIN '|' $GONE_PLAIN '|' $e '|' $n '|' $s '>' | string collect; command env -0\n",
	}
	keep := []Saved{{"EXPORTED", true}, {"EMPTY", true}, {"PLAIN", false}, {"EMPTY_PLAIN", false}, {"NEVER", false}, {"GONE", true}, {"GONE_PLAIN", false}}
	use := Switch{ID: "abc", Keep: keep, Unset: []string{"GONE", "GONE_PLAIN"},
		Set: Env{"EXPORTED": "1", "EMPTY": "2", "PLAIN": "3", "EMPTY_PLAIN": "4", "NEVER": "5", "STATE": "x"}}
	again := Switch{ID: "abc", Keep: []Saved{{"MORE", true}}, Back: []Back{{Name: "NEVER"}, {Name: "EMPTY"}},
		Set: Env{"EXPORTED": "1b", "PLAIN": "3b", "MORE": "6"}}
	off := Switch{ID: "abc", Off: true, Unset: []string{"STATE"}, Back: []Back{
		{Name: "EXPORTED", Lost: true}, {Name: "PLAIN"}, {Name: "EMPTY_PLAIN"}, {Name: "GONE", Lost: true}, {Name: "MORE", Lost: true}}}
	for _, v := range hostile {
		t.Run("", func(t *testing.T) {
			each(t, func(t *testing.T, d Dialect) {
				env := []string{"EXPORTED=" + v, "EMPTY=", "GONE=" + v + "g", "MORE=m" + v, "OTHER=o"}
				code := setup[d] + show[d] + format(t, d, use) + "command env -0\n" + format(t, d, again) + "command env -0\n" + format(t, d, off) + show[d]
				out, errs, err := run(t, d, env, code)
				if err != nil || errs != "" {
					t.Fatalf("%v %s", err, errs)
				}
				before, rest, _ := strings.Cut(out, "EXPORTED=1\x00")
				if rest == "" {
					t.Fatalf("the first switch did not happen: %q", out)
				}
				i := strings.LastIndex(rest, "<plain")
				if i < 0 {
					t.Fatalf("PLAIN is not back: %q", rest)
				}
				j := strings.IndexByte(before, '>')
				if a, b := before[:j], rest[i:i+j]; a != b {
					t.Errorf("got %q, want %q", b, a)
				}
				want := []string{"EMPTY=", "EXPORTED=" + v, "GONE=" + v + "g", "MORE=m" + v, "OTHER=o"}
				got := slices.DeleteFunc(environ(rest[i+j+1:]), func(s string) bool {
					name, _, _ := strings.Cut(s, "=")
					return !slices.Contains([]string{"EMPTY", "EXPORTED", "GONE", "MORE", "OTHER", "PLAIN", "GONE_PLAIN", "NEVER", "STATE", "EMPTY_PLAIN", "__VAULT_SAVED"}, name)
				})
				if !slices.Equal(got, want) {
					t.Errorf("got %q\nwant %q", got, want)
				}
			})
		})
	}
}
