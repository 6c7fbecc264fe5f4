// Package shell prints changes to environment variables as code that zsh,
// bash and fish evaluate, and holds the scripts that load vault into them.
//
// It knows nothing of AWS: names and values come from the caller.
package shell

import (
	"embed"
	"fmt"
	"slices"
	"sort"
	"strings"
)

//go:embed apply.zsh apply.bash apply.fish init.zsh init.bash init.fish session.zsh session.bash session.fish directory.zsh directory.bash directory.fish aliases.zsh aliases.bash aliases.fish
var scripts embed.FS

// A Dialect is a shell that vault speaks to.
type Dialect string

// The shells that vault speaks to.
const (
	Zsh  Dialect = "zsh"
	Bash Dialect = "bash"
	Fish Dialect = "fish"
)

// Dialects lists the shells that vault speaks to.
func Dialects() []Dialect { return []Dialect{Zsh, Bash, Fish} }

// An UnknownError reports a shell that vault does not speak to.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("shell %q: vault knows zsh, bash and fish", e.Name)
}

// ParseDialect returns the dialect of a shell's name, as "zsh", "-zsh" (a
// login shell) or "/bin/zsh".
func ParseDialect(name string) (Dialect, error) {
	base := strings.TrimPrefix(name[strings.LastIndexByte(name, '/')+1:], "-")
	if d := Dialect(base); slices.Contains(Dialects(), d) {
		return d, nil
	}
	return "", &UnknownError{name}
}

// Env is a set of environment variables.
type Env map[string]string

// ParseEnv reads the form of os.Environ. Where a name stands twice the first
// wins, as in getenv.
func ParseEnv(environ []string) Env {
	env := make(Env, len(environ))
	for _, s := range environ {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			continue
		}
		if _, twice := env[name]; !twice {
			env[name] = value
		}
	}
	return env
}

// Environ returns env in the form of os.Environ, sorted.
func (env Env) Environ() []string {
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	sort.Strings(list)
	return list
}

// Names returns the names in env, sorted.
func (env Env) Names() []string {
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// A Saved variable is one whose value the shell has to keep before the switch
// overwrites it, so that it can be put back to the byte.
type Saved struct {
	Name     string
	Exported bool // as the process saw it; else the shell looks whether it is set
}

// A Back is a variable to put back as it was before the first switch: from
// what this shell saved, else (in a child of that shell) to Value if Known.
// Lost says that it had a value that cannot be known here.
type Back struct {
	Name  string
	Value string
	Known bool
	Lost  bool
}

// A Switch is what one evaluated command does to the shell that runs it. The
// shell first looks for what could stop it half-way (readonly variables,
// arrays, fish's local variables) and then does all of it or nothing.
type Switch struct {
	ID    string  // tells the saved variables of this switch from older ones
	Off   bool    // forget the saved variables at the end
	Keep  []Saved // to be saved before anything is changed
	Unset []string
	Back  []Back
	Set   Env    // to be exported
	Say   string // one line to print on stderr when all is done

	// Distrust drops the shell's saved variables first: they came from its
	// environment, where anybody may have put them.
	Distrust bool
}

// EndMark closes what the shell function evaluates; without it the text was
// cut off and is not run.
const EndMark = ": vault-end"

// Format prints s as code for the shell d: complete in itself, so that it runs
// whatever version of the init script is loaded, or none. Its last status is 0
// when the switch was done and 1 when it was refused.
func (d Dialect) Format(s Switch) (string, error) {
	var names []string
	for _, k := range s.Keep {
		names = append(names, k.Name)
	}
	names = append(names, s.Unset...)
	for _, b := range s.Back {
		names = append(names, b.Name)
	}
	names = append(names, s.Set.Names()...)
	for _, name := range names {
		if !validName(name) {
			return "", fmt.Errorf("variable %q cannot stand in a shell", name)
		}
	}
	if strings.ContainsAny(s.ID, " \n") || s.ID == "" {
		return "", fmt.Errorf("switch id %q is not a word", s.ID)
	}
	for name, value := range s.Set {
		if strings.IndexByte(value, 0) >= 0 {
			return "", fmt.Errorf("value of %q contains a NUL byte", name)
		}
	}
	call := d.call(s)
	if s.Distrust {
		call = map[Dialect]string{
			Zsh:  "unset __VAULT_SAVED 2>/dev/null\n",
			Bash: "\\builtin unset -v __VAULT_SAVED 2>/dev/null\n",
			Fish: "builtin set -eg __VAULT_SAVED\n",
		}[d] + call
	}
	text := script("apply." + string(d))
	switch d {
	case Zsh:
		return stickyZsh(text + call + "\nbuiltin eval \"builtin unset -f __vault_apply; (( $? == 0 ))\"\n"), nil
	case Bash:
		return "{ __vault_o=\"$-\"; \\builtin set +vx; } 2>/dev/null\n" +
			text +
			"__vault_e=0\n" +
			call + " || __vault_e=1\n" +
			"\\builtin unset -f __vault_apply __vault_find __vault_reset\n" +
			"case \"$__vault_o\" in *v*) \\builtin set -v ;; esac\n" +
			"case \"$__vault_o\" in *x*) \\builtin set -x ;; esac\n" +
			"\\builtin eval \"\\\\builtin unset -v __vault_o __vault_e; \\\\builtin test $__vault_e -eq 0\"\n", nil
	case Fish:
		return text +
			call + "\n" +
			"builtin set -g __vault_e $status\n" +
			"builtin functions -e __vault_apply\n" +
			"builtin eval \"builtin set -eg __vault_e; builtin test $__vault_e -eq 0\"\n", nil
	}
	return "", &UnknownError{string(d)}
}

func (d Dialect) call(s Switch) string {
	mode := "use"
	if s.Off {
		mode = "off"
	}
	var keep, back []string
	for _, k := range s.Keep {
		if k.Exported {
			keep = append(keep, "x:"+k.Name)
		} else {
			keep = append(keep, k.Name)
		}
	}
	for _, b := range s.Back {
		back = append(back, b.Name)
	}
	args := []string{mode, s.ID, strings.Join(keep, " "), strings.Join(s.Unset, " "), strings.Join(back, " "), s.Say}
	for _, b := range s.Back {
		switch {
		case b.Known:
			args = append(args, "was", b.Name, b.Value)
		case b.Lost:
			args = append(args, "lost", b.Name, "")
		}
	}
	for _, name := range s.Set.Names() {
		args = append(args, "set", name, s.Set[name])
	}
	var b strings.Builder
	b.WriteString("__vault_apply")
	for _, a := range args {
		b.WriteByte(' ')
		b.WriteString(d.Quote(a))
	}
	return b.String()
}

// Protocol is the number of what the init scripts and the binary say to each
// other. It changes whenever one cannot understand the other's.
const Protocol = "2"

// Let is code that sets a variable of the shell which no child sees.
func (d Dialect) Let(name, value string) string {
	switch d {
	case Zsh:
		return "typeset -g +x " + name + "=" + d.Quote(value) + "\n"
	case Fish:
		return "builtin set -gu " + name + " " + d.Quote(value) + "\n"
	}
	return name + "=" + d.Quote(value) + "; \\builtin export -n " + name + "\n"
}

// Either is code that runs yes where the last status of code is 0, else no.
func (d Dialect) Either(code, yes, no string) string {
	if d == Fish {
		return code + "if builtin test $status -eq 0\n" + yes + "else\n" + no + "end\n"
	}
	return code + "case $? in\n0)\n" + yes + ";;\n*)\n" + no + ";;\nesac\n"
}

// Fail is code that does nothing but fail with the status code: what a failed
// command prints where no shell function reads its status.
func (d Dialect) Fail(code int) string {
	if d == Fish {
		return "false\n"
	}
	return fmt.Sprintf("(exit %d)\n", code)
}

// Quote returns s as one word of the shell's language that stands for exactly
// the bytes of s, whatever the shell's options. s contains no NUL.
func (d Dialect) Quote(s string) string {
	if d == Fish {
		// fish.1, "Quotes": inside single quotes only \' and \\ are escapes.
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
	}
	// POSIX.1-2017, XCU 2.2.2: nothing is special inside single quotes.
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Export prints env as assignments that any POSIX shell, or fish, reads.
func (d Dialect) Export(env Env) string {
	var b strings.Builder
	for _, name := range env.Names() {
		if d == Fish {
			fmt.Fprintf(&b, "set -gx %s %s;\n", name, d.Quote(env[name]))
		} else {
			fmt.Fprintf(&b, "export %s=%s;\n", name, d.Quote(env[name]))
		}
	}
	return b.String()
}

// validName reports whether name is a variable's name in every shell
// (POSIX.1-2017, XBD 3.235).
func validName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c < '0' || '9' < c) {
			return false
		}
	}
	return name != ""
}

// stickyZsh wraps code so that zsh reads and runs it, and any function that it
// defines, under zsh's default options and without aliases or tracing
// (zshbuiltins(1), emulate -c). Each outer word is quoted against aliases.
func stickyZsh(code string) string {
	return "'builtin' 'emulate' 'zsh' '-o' 'no_aliases' '-o' 'no_xtrace' '-c' " + Zsh.Quote(code) + "\n"
}

// script returns an embedded file, without comments.
func script(name string) string {
	text, err := scripts.ReadFile(name)
	if err != nil {
		panic(err) // the name is a constant of this package
	}
	return StripComments(string(text))
}

// StripComments takes the comment lines out of code: an interactive zsh reads
// none, and a user may have switched them off in bash.
func StripComments(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}
