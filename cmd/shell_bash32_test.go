package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// newerThan32 matches what bash has learned since 3.2, the version of macOS
// (bash's CHANGES, by version).
var newerThan32 = []struct {
	since   string
	pattern *regexp.Regexp
	guarded func(line string) bool // where an older bash does not read or run it
}{
	{"4.2: declare -g", regexp.MustCompile(`\b(declare|typeset|local)\s+-[a-zA-Z]*g`), nil},
	{"4.3: declare -n", regexp.MustCompile(`\b(declare|typeset|local)\s+-[a-zA-Z]*n`), nil},
	{"4.0: declare -A, -l, -u", regexp.MustCompile(`\b(declare|typeset|local)\s+-[a-zA-Z]*[Alu]`), nil},
	{"5.1: local -I", regexp.MustCompile(`\blocal\s+-[a-zA-Z]*I`), nil},
	{"4.4: ${x@Q}", regexp.MustCompile(`\$\{[^}]*@[A-Za-z]\}`), inEval},
	{"4.0: ${x^^}, ${x,,}", regexp.MustCompile(`\$\{[A-Za-z_0-9]+(\[[^]]*\])?[\^,]`), nil},
	{"4.2: negative index", regexp.MustCompile(`\[\s*-\s*\d+\s*\]`), nil},
	{"4.2: negative length", regexp.MustCompile(`\$\{[A-Za-z_0-9]+(\[[^]]*\])?:[^}:]*:\s*-`), nil},
	{"4.0: mapfile", regexp.MustCompile(`\b(mapfile|readarray)\b`), nil},
	{"4.0: coproc", regexp.MustCompile(`\bcoproc\b`), nil},
	{"4.0: |&, &>>, ;&, ;;&", regexp.MustCompile(`\|&|&>>|;&`), nil},
	{"4.2: test -v", regexp.MustCompile(`(\[\[?|\btest)\s+(!\s+)?-v\s`), nil},
	{"4.3: test -R", regexp.MustCompile(`(\[\[?|\btest)\s+(!\s+)?-R\s`), nil},
	{"4.1: exec {fd}>", regexp.MustCompile(`\{[A-Za-z_]+\}[<>]`), nil},
	{"4.1: printf -v array[i]", regexp.MustCompile(`printf\s+-v\s+\S+\[`), nil},
	{"4.2: printf %()T", regexp.MustCompile(`%\([^)]*\)T`), func(line string) bool {
		return strings.HasPrefix(line, `elif \builtin printf -v __vault_now '%(%s)T' -1 2>/dev/null`) || strings.HasPrefix(line, `__vault_clock() { \builtin printf -v`)
	}},
	{"4.2: $'\\u'", regexp.MustCompile(`\$'[^']*\\[uU]`), nil},
	{"4.0: {a..b..c}", regexp.MustCompile(`\{[^}]*\.\.[^}]*\.\.`), nil},
	{"4.0: read -i, -N, -t of a fraction", regexp.MustCompile(`\bread\s+-[a-zA-Z]*[iN]|\bread\s.*-t\s*\d*\.`), nil},
	{"4.3: wait -n", regexp.MustCompile(`\bwait\s+-n`), nil},
	{"4.0: BASHPID", regexp.MustCompile(`\bBASHPID\b`), nil},
	{"4.1: BASH_XTRACEFD", regexp.MustCompile(`\bBASH_XTRACEFD\b`), nil},
	{"4.4: PS0", regexp.MustCompile(`\bPS0\b`), nil},
	{"5.0: EPOCHSECONDS", regexp.MustCompile(`\bEPOCHSECONDS\b`), func(line string) bool {
		return strings.HasPrefix(line, `if \builtin test -n "${EPOCHSECONDS-}"`) || line == `__vault_clock() { __vault_now="$EPOCHSECONDS"; }`
	}},
	{"4.0: compopt", regexp.MustCompile(`\bcompopt\b`), func(line string) bool { return strings.Contains(line, "2>/dev/null") }},
	{"4.4: complete -o nosort", regexp.MustCompile(`\bnosort\b`), nil},
	{"4.0: shopt of a newer option", regexp.MustCompile(`shopt.*\b(autocd|checkjobs|dirspell|globstar|lastpipe|complete_fullquote|direxpand|globasciiranges|inherit_errexit|localvar_inherit|localvar_unset|assoc_expand_once|patsub_replacement)\b`), nil},
}

// inEval: the line is parsed only when it is run, behind a look at the version.
func inEval(line string) bool { return strings.Contains(line, `\builtin eval '`) }

// TestBash32 looks for what bash 3.2 does not know, in the scripts and in what
// the binary prints. bash 3.2 itself was not run: it is in no distribution's
// packages any more.
func TestBash32(t *testing.T) {
	t.Parallel()
	w := newWorld(t).login()
	texts := map[string]string{
		"vault init bash":       w.vault("init", "bash").stdout,
		"vault use":             w.vault("use", "dev", "--shell", "bash").stdout,
		"vault completion bash": w.vault("completion", "bash").stdout,
	}
	for _, glob := range []string{"../shell/*.bash", "../completions/*.bash"} {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", glob, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(data)
		}
	}
	for name, text := range texts {
		if len(text) < 1000 {
			t.Errorf("%s is %d bytes", name, len(text))
		}
		inside := "" // the indent of a command substitution of several lines
		for i, line := range strings.Split(text, "\n") {
			bare := strings.TrimSpace(line)
			if strings.HasPrefix(bare, "#") {
				continue
			}
			for _, newer := range newerThan32 {
				if newer.pattern.MatchString(bare) && (newer.guarded == nil || !newer.guarded(bare)) {
					t.Errorf("%s:%d: since bash %s: %s", name, i+1, newer.since, bare)
				}
			}
			// bash 3.2 counts parentheses to find where a command substitution
			// ends: a pattern of case needs both of its own in there.
			indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
			switch {
			case inside == "" && strings.HasSuffix(bare, "$("):
				inside = indent + ")"
			case inside != "" && strings.HasPrefix(line, inside):
				inside = ""
			case inside != "" && strings.Count(bare, "(") != strings.Count(bare, ")"):
				t.Errorf("%s:%d: parentheses that do not match end a command substitution in bash 3.2: %s", name, i+1, bare)
			case inside == "" && strings.Contains(bare, "$(case"):
				t.Errorf("%s:%d: case in a command substitution: %s", name, i+1, bare)
			}
		}
	}
}

// TestBash32Patterns shows the patterns above what they have to find.
func TestBash32Patterns(t *testing.T) {
	for _, line := range []string{
		"declare -g x", `\builtin local -n ref=x`, "typeset -gA map", "declare -A map", "local -u x", "local -I x", `echo "${x@Q}"`, `echo ${x[*]@a}`,
		"echo ${x^^}", "echo ${x,,}", "echo ${x[0]^}", "echo ${x[-1]}", "x[ -1 ]=2", "echo ${x:0:-1}", "mapfile -t x", "readarray x", "coproc cat",
		"a |& b", "a &>> b", "a) b ;& c) ;;", "a) b ;;& c) ;;", "[[ -v x ]]", "[ -v x ]", `\builtin test -v x`, "test ! -v x", "[[ ! -R x ]]", "exec {fd}>x",
		"printf -v x[1] %s y", "printf -v x '%(%s)T' -1", `echo $'\u00e9'`, "echo {1..9..2}", "read -N 1 x", "read -i x -e y", "read -t 0.5 x", "wait -n", "echo $BASHPID",
		"BASH_XTRACEFD=3", "PS0=x", "echo $EPOCHSECONDS", "compopt -o nospace", "complete -o nosort -F x y", "shopt -s globstar",
	} {
		found := false
		for _, newer := range newerThan32 {
			found = found || newer.pattern.MatchString(line) && (newer.guarded == nil || !newer.guarded(line))
		}
		if !found {
			t.Errorf("not found: %s", line)
		}
	}
	for _, line := range []string{
		`local -a x`, `echo "${x: -2}" ${x:1:2}`, `${x[@]+"${x[@]}"}`, `a || b & c`, `a >&2 2>&1`, "a) b ;; esac", `test -n "$v"`, "printf -v x %q y", `{ \builtin local x="$-"; } 2>/dev/null`, "x[${#x[@]}]=y",
	} {
		for _, newer := range newerThan32 {
			if newer.pattern.MatchString(line) {
				t.Errorf("%s is found in %s", newer.since, line)
			}
		}
	}
}
