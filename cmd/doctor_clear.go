package cmd

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// checkKeysInClear looks for secret keys where they lie open: in the AWS files, in
// startup files and the history of shells, and in .env files from here up to
// the root of the project. It says where they stand and nothing of them.
func (d *doctor) checkKeysInClear(context.Context) []finding {
	var list []finding
	if d.filesErr == nil {
		for p := range d.files.Profiles() {
			keys, ok, err := p.StaticKeys()
			if err != nil || !ok || keys.Token.Text != "" {
				continue
			}
			list = append(list, warning(d.name()+" import credentials --scrub", "%s: the key of profile %q lies in clear", keys.Secret.Where(), p.Name))
		}
		list = d.few(list, "keys in clear")
	}
	for _, path := range d.openFiles() {
		list = append(list, d.few(d.secretsIn(path), "lines like that")...)
	}
	return or(list, "none was found")
}

// openFiles are those that keys are often left in.
func (d *doctor) openFiles() []string {
	var list []string
	for _, name := range []string{
		".zshrc", ".zshenv", ".zprofile", ".zlogin", ".bashrc", ".bash_profile", ".bash_login", ".profile", ".config/fish/config.fish", ".envrc", ".env",
		".zsh_history", ".bash_history", ".local/share/fish/fish_history",
	} {
		list = append(list, filepath.Join(d.Home, name))
	}
	for _, variable := range []string{"HISTFILE", "ZDOTDIR"} {
		switch path := d.Env[variable]; {
		case !filepath.IsAbs(path):
		case variable == "ZDOTDIR":
			list = append(list, filepath.Join(path, ".zshrc"), filepath.Join(path, ".zshenv"), filepath.Join(path, ".zsh_history"))
		default:
			list = append(list, path)
		}
	}
	conf, _ := filepath.Glob(filepath.Join(d.Home, ".config/fish/conf.d", "*.fish")) // its pattern is well formed
	list = append(list, conf[:min(len(conf), mostOpen)]...)
	dir, err := os.Getwd()
	if err == nil && dir != d.Home {
		list = append(list, d.envFiles(dir)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Bounds of what is looked through.
const (
	mostOpen      = 50      // files of a folder
	mostOpenBytes = 1 << 20 // of a file, at its end
	mostAbove     = 20
)

// envFiles returns the .env files of a folder and of those above it up to the
// root of the project; of the folder alone where it is in none.
func (d *doctor) envFiles(dir string) (list []string) {
	first := 0
	for n := range mostAbove {
		for _, pattern := range []string{".env", ".env.*", ".envrc"} {
			files, _ := filepath.Glob(filepath.Join(escapeGlob(dir), pattern)) // well formed: what has a meaning is escaped
			list = append(list, files[:min(len(files), mostOpen)]...)
		}
		if n == 0 {
			first = len(list)
		}
		if exists(filepath.Join(dir, ".git")) {
			return list
		}
		if dir == d.Home || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return list[:first]
}

// escapeGlob takes the meaning of a pattern from a path.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

var (
	// secretAssignment matches a secret access key by the name that it is given.
	secretAssignment = regexp.MustCompile(`(?i)secret_?-?access_?-?key["']?\s*[ =:]\s*["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`)
	// keyPair matches an access key id with a secret behind it, as in a line of CSV
	// (IAM User Guide, "Unique identifiers": AKIA is a user's key).
	keyPair = regexp.MustCompile(`AKIA[A-Z2-7]{16}["']?[ ,;:\t]+["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`)
)

// secretsIn returns the lines of a file with a secret access key.
func (d *doctor) secretsIn(path string) (list []finding) {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	text, err := readSome(path, -mostOpenBytes, mostOpenBytes)
	if err != nil {
		return nil
	}
	defer clear(text)
	whole := info.Size() <= mostOpenBytes
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if !secretIn(line) {
			continue
		}
		at := fmt.Sprintf("%s:%d", path, n)
		fix := d.editing(path, n)
		if !whole {
			at, fix = path+", near its end", d.editing(path, 0)
		}
		list = append(list, warning(fix, "%s: a secret access key lies in clear: remove it, and replace the key at AWS", at))
	}
	return list
}

// secretIn reports whether a line holds a secret access key. Those of AWS's
// documentation are none.
func secretIn(line []byte) bool {
	if len(line) < 40 || len(line) > 64<<10 {
		return false
	}
	// Patterns are slow, and nearly no line has what they look for.
	if !containsFold(line, "secret") && !bytes.Contains(line, []byte("AKIA")) {
		return false
	}
	for _, pattern := range []*regexp.Regexp{secretAssignment, keyPair} {
		if m := pattern.FindSubmatch(line); m != nil && !bytes.HasSuffix(m[1], []byte("EXAMPLEKEY")) {
			return true
		}
	}
	return false
}

// containsFold is bytes.Contains for the spellings of a word that are used.
func containsFold(line []byte, word string) bool {
	return bytes.Contains(line, []byte(word)) || bytes.Contains(line, []byte(strings.ToUpper(word))) ||
		bytes.Contains(line, []byte(strings.ToUpper(word[:1])+word[1:]))
}
