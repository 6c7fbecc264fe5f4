package command

import (
	"errors"
	"fmt"
	"strings"
)

// Lines are the command lines of a keystore as a person writes them.
type Lines struct{ Get, Set, Delete, List string }

// Commands are the same as lists of words.
type Commands struct{ Get, Set, Delete, List []string }

// placeholder stands for the name of the key in a command.
const placeholder = "{key}"

// A LineError reports a command line that cannot be used.
type LineError struct {
	Which string // get, set, delete, list
	Why   string
}

func (e *LineError) Error() string { return fmt.Sprintf("command %q: %s", e.Which, e.Why) }

// Parse splits the lines into words. The error is a *LineError.
func Parse(l Lines) (Commands, error) {
	var c Commands
	for _, part := range []struct {
		which, line string
		words       *[]string
	}{{"get", l.Get, &c.Get}, {"set", l.Set, &c.Set}, {"delete", l.Delete, &c.Delete}, {"list", l.List, &c.List}} {
		words, err := split(part.line)
		switch {
		case err != nil:
			return Commands{}, &LineError{part.which, err.Error()}
		case len(words) == 0 || words[0] == "":
			return Commands{}, &LineError{part.which, "it names no program"}
		case part.which == "list" && strings.Contains(part.line, placeholder):
			return Commands{}, &LineError{part.which, placeholder + " has no meaning there: it prints the names of all keys"}
		}
		*part.words = words
	}
	return c, nil
}

// place returns the words of a command for the key with that name: it stands
// where the placeholder does, or last.
func place(words []string, name string) []string {
	placed := make([]string, len(words), len(words)+1)
	found := false
	for i, word := range words {
		placed[i] = strings.ReplaceAll(word, placeholder, name)
		found = found || strings.Contains(word, placeholder)
	}
	if !found {
		placed = append(placed, name)
	}
	return placed
}

const (
	blank      = " \t\n\r"
	forShell   = "|&;<>()$`*?["
	afterSlash = "$`\"\\\n" // what a backslash quotes between double quotes
)

// split splits a line into words as a shell does (POSIX.1-2017, Shell Command
// Language, 2.2), but expands nothing: what only a shell could do is an error
// unless it is quoted.
func split(line string) ([]string, error) {
	if strings.ContainsRune(line, 0) {
		return nil, errors.New("it contains NUL")
	}
	var words []string
	for {
		line = strings.TrimLeft(line, blank)
		if line == "" {
			return words, nil
		}
		word, rest, err := cutWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), rest
	}
}

// cutWord takes the first word from a line that does not begin with a blank.
func cutWord(line string) (word, rest string, err error) {
	if line[0] == '#' || line[0] == '~' {
		return "", "", unquoted(line[0])
	}
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case strings.IndexByte(blank, c) >= 0:
			return b.String(), line[i:], nil
		case strings.IndexByte(forShell, c) >= 0:
			return "", "", unquoted(c)
		case c == '\\':
			i++
			if i == len(line) {
				return "", "", errors.New("it ends in a backslash")
			}
			if line[i] != '\n' {
				b.WriteByte(line[i])
			}
		case c == '\'':
			text, _, closed := strings.Cut(line[i+1:], "'")
			if !closed {
				return "", "", errors.New("a ' is not closed")
			}
			b.WriteString(text)
			i += len(text) + 1
		case c == '"':
			n, err := doubleQuoted(&b, line[i+1:])
			if err != nil {
				return "", "", err
			}
			i += n
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", nil
}

// doubleQuoted writes what stands between double quotes, and returns how long
// that is with the closing one.
func doubleQuoted(b *strings.Builder, line string) (n int, err error) {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			return i + 1, nil
		case c == '$' || c == '`':
			return 0, unquoted(c)
		case c == '\\' && i+1 < len(line) && strings.IndexByte(afterSlash, line[i+1]) >= 0:
			i++
			if line[i] != '\n' {
				b.WriteByte(line[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return 0, errors.New(`a " is not closed`)
}

func unquoted(c byte) error {
	return fmt.Errorf("%q is for a shell: quote it, or write sh -c '…'", string(c))
}
