package shell

import (
	"fmt"
	"strings"
	"time"
)

// Init says how a shell is loaded.
type Init struct {
	Exe    string    // the binary's path, as the function calls it
	Name   string    // the function's name
	Prompt bool      // draw the segment in front of a plain prompt
	Hook   bool      // keep the credentials fresh
	Follow bool      // have the profile that a folder names
	Stamps string    // the folder of the files that tell of renewals
	Now    time.Time // a clock for a bash that has none

	Session bool // with what a shell with a profile in use needs, which is else loaded when it is needed
	Aliases bool // define short names
}

// Script returns the code that loads vault into the shell d, complete and
// without comments, so that eval reads it whatever the shell's options.
func (d Dialect) Script(in Init) (string, error) {
	if !FunctionName(in.Name) {
		return "", fmt.Errorf("function name %q is not made of letters, digits, - and _", in.Name)
	}
	for _, path := range []string{in.Exe, in.Stamps} {
		if strings.ContainsAny(path, "\x00\n") {
			return "", fmt.Errorf("path %q cannot stand in a shell", path)
		}
	}
	flag := map[bool]string{true: "1", false: "0"}
	caller := fmt.Sprintf("--fn=%s:%s:%s", d, Protocol, in.Name)
	words := []string{d.Quote(in.Exe), d.Quote(in.Name), flag[in.Prompt], flag[in.Hook], d.Quote(in.Stamps), caller}
	text := script("init." + string(d))
	if in.Hook && in.Follow {
		text += script("directory." + string(d))
	}
	if in.Aliases {
		text += d.aliases()
	}
	if in.Session {
		text += d.Session()
	}
	switch d {
	case Zsh:
		return stickyZsh("typeset -ga __VAULT_INIT=(" + strings.Join(words, " ") + ")\n" + text), nil
	case Bash:
		words = append(words, fmt.Sprint(in.Now.Unix()))
		// Under "set -a" all functions and variables would go to every child.
		return "case \"$-\" in *a*) \\builtin set +a; __vault_a=1 ;; *) __vault_a='' ;; esac\n" +
			"__VAULT_INIT=(" + strings.Join(words, " ") + ")\n" + text +
			"case \"$__vault_a\" in 1) \\builtin set -a ;; esac\n\\builtin unset -v __vault_a\n", nil
	case Fish:
		return "builtin set -g __VAULT_INIT " + strings.Join(words, " ") + "\n" + text, nil
	}
	return "", &UnknownError{string(d)}
}

// Session returns what Script leaves out where Init.Session is not set. A
// function of the script evaluates it.
func (d Dialect) Session() string { return script("session." + string(d)) }

// FunctionName reports whether s can name a function in every shell, and needs
// no quoting in any.
func FunctionName(s string) bool {
	return validName(strings.ReplaceAll(s, "-", "_")) && s[0] != '-'
}
