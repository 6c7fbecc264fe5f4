package command

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		line string
		want []string
		err  string
	}{
		{line: ""},
		{line: " \t\n"},
		{line: "pass show vault/{key}", want: []string{"pass", "show", "vault/{key}"}},
		{line: "\n  a\tb\\\n c  \n", want: []string{"a", "b", "c"}},
		{line: `a '' "" b`, want: []string{"a", "", "", "b"}},
		{line: `a'b c'd"e f"\ g`, want: []string{"ab cde f g"}},
		{line: `'a\b' "a\b\"\\\$" a\b`, want: []string{`a\b`, `a\b"\$`, "ab"}},
		{line: `sh -c 'cd "$HOME" && ls | x'`, want: []string{"sh", "-c", `cd "$HOME" && ls | x`}},
		{line: "'a\nb' \"c\nd\\\ne\"", want: []string{"a\nb", "c\nde"}},
		{line: "a#b a~b ' #' {a,b} !x é", want: []string{"a#b", "a~b", " #", "{a,b}", "!x", "é"}},
		{line: "a | b", err: `"|" is for a shell: quote it, or write sh -c '…'`},
		{line: "a > b", err: `">" is for a shell: quote it, or write sh -c '…'`},
		{line: "~/bin/x", err: `"~" is for a shell: quote it, or write sh -c '…'`},
		{line: "a #b", err: `"#" is for a shell: quote it, or write sh -c '…'`},
		{line: `a "$b"`, err: `"$" is for a shell: quote it, or write sh -c '…'`},
		{line: "a *.gpg", err: `"*" is for a shell: quote it, or write sh -c '…'`},
		{line: "a 'b", err: "a ' is not closed"},
		{line: `a "b\"`, err: `a " is not closed`},
		{line: `a b\`, err: "it ends in a backslash"},
		{line: "a '\x00'", err: "it contains NUL"},
	}
	for _, test := range tests {
		got, err := split(test.line)
		if text := message(err); text != test.err || !slices.Equal(got, test.want) {
			t.Errorf("split(%q) = %q, %q, want %q, %q", test.line, got, text, test.want, test.err)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What is split is split as sh does it.
func FuzzSplit(f *testing.F) {
	for _, line := range []string{"a b", `'a' "b\"c"`, `"\a\$" \$`, "a\\ b", "'' \"\"", "é\xff"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err != nil || strings.ContainsAny(line, "\r\n") { // the one is no blank for sh, the other ends a command
			return
		}
		out, err := exec.Command("sh", "-c", `set -- `+line+"\n"+`[ $# = 0 ] || printf '%s\0' "$@"`).Output()
		if err != nil {
			t.Fatalf("sh: %v", err)
		}
		var want []string
		for word := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			want = append(want, word)
		}
		if len(out) == 0 {
			want = nil
		}
		if !slices.Equal(words, want) {
			t.Errorf("split(%q) = %q, and sh makes it %q", line, words, want)
		}
	})
}

func TestParse(t *testing.T) {
	good := Lines{"pass show {key}", "pass insert", "pass rm", "pass ls"}
	c, err := Parse(good)
	if err != nil || !slices.Equal(c.Get, []string{"pass", "show", "{key}"}) || !slices.Equal(c.Set, []string{"pass", "insert"}) ||
		!slices.Equal(c.Delete, []string{"pass", "rm"}) || !slices.Equal(c.List, []string{"pass", "ls"}) {
		t.Errorf("Parse() = %q, %v", c, err)
	}
	tests := []struct {
		spoil func(*Lines)
		want  string
	}{
		{func(l *Lines) { l.Get = "" }, `command "get": it names no program`},
		{func(l *Lines) { l.Set = "'' x" }, `command "set": it names no program`},
		{func(l *Lines) { l.Delete = "a;b" }, `command "delete": ";" is for a shell: quote it, or write sh -c '…'`},
		{func(l *Lines) { l.List = "ls {key}" }, `command "list": {key} has no meaning there: it prints the names of all keys`},
	}
	for _, test := range tests {
		l := good
		test.spoil(&l)
		_, err := Parse(l)
		var line *LineError
		if !errors.As(err, &line) || err.Error() != test.want {
			t.Errorf("Parse(%q): %v, want %s", l, err, test.want)
		}
	}
}

func TestPlace(t *testing.T) {
	tests := []struct{ words, want []string }{
		{[]string{"a", "b"}, []string{"a", "b", "key/x"}},
		{[]string{"a", "{key}", "b"}, []string{"a", "key/x", "b"}},
		{[]string{"a", "v/{key}.{key}", "{key}"}, []string{"a", "v/key/x.key/x", "key/x"}},
	}
	for _, test := range tests {
		if got := place(test.words, "key/x"); !slices.Equal(got, test.want) {
			t.Errorf("place(%q) = %q, want %q", test.words, got, test.want)
		}
	}
}
