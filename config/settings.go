package config

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Settings are vault's own, from its config.toml. A zero field is one that
// the file does not set.
type Settings struct {
	Backend           string        // backend: the keystore to use
	PassphraseCommand string        // passphrase_command: prints the sealed file's passphrase
	UnlockIdle        time.Duration // unlock_idle: how long an unlocked key rests unused
	UnlockMax         time.Duration // unlock_max: how long it rests at most
	Profiles          []ProfileBlock
}

// A ProfileBlock is a [[profile]] of the file: settings for all profiles
// whose names match a glob.
type ProfileBlock struct {
	Match string
	ProfileSettings
}

// ProfileSettings are the settings for one profile.
type ProfileSettings struct {
	Color string // of the profile's name in the prompt: one of Colors
}

// Colors are the names of the colours that a [[profile]] block may set.
var Colors = []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

// LocateSettings returns the path of config.toml: in XDG_CONFIG_HOME/vault, or
// ~/.config/vault. A relative XDG_CONFIG_HOME does not count (XDG Base
// Directory Specification).
func LocateSettings(getenv func(string) (string, bool), home string) string {
	dir, _ := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "vault", "config.toml")
}

// LoadSettings reads vault's own settings. A missing file is like an empty
// one. A key that vault does not know, or a value of the wrong kind, is a
// *ParseError.
func LoadSettings(path string) (Settings, error) {
	text, err := readFile(path)
	if err != nil || text == "" {
		return Settings{}, err
	}
	return parseSettings(path, text)
}

// For returns the settings for a profile: of the blocks that match its name
// the later ones win, setting by setting.
func (s Settings) For(profile string) ProfileSettings {
	var settings ProfileSettings
	for _, b := range s.Profiles {
		if ok, _ := matchGlob(b.Match, profile); ok && b.Color != "" {
			settings.Color = b.Color
		}
	}
	return settings
}

// matchGlob is path.Match, except that "/" is a letter like any other.
func matchGlob(pattern, name string) (bool, error) {
	return path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
}

var (
	globalKeys = []string{"backend", "passphrase_command", "unlock_idle", "unlock_max", "profile"}
	blockKeys  = []string{"match", "color"}
)

func parseSettings(file, text string) (Settings, error) {
	var tree map[string]any
	if err := toml.Unmarshal([]byte(strings.TrimPrefix(text, bom)), &tree); err != nil {
		var syntax *toml.DecodeError
		if errors.As(err, &syntax) {
			line, _ := syntax.Position()
			return Settings{}, &ParseError{File: file, Line: line, Why: lowerFirst(strings.TrimPrefix(syntax.Error(), "toml: "))}
		}
		return Settings{}, &ParseError{File: file, Why: err.Error(), Err: err}
	}
	r := settingsReader{file: file, text: text, block: -1}
	s := Settings{
		Backend:           r.string(tree, "backend"),
		PassphraseCommand: r.string(tree, "passphrase_command"),
		UnlockIdle:        r.duration(tree, "unlock_idle"),
		UnlockMax:         r.duration(tree, "unlock_max"),
	}
	r.unknown(tree, globalKeys)
	if s.UnlockMax > 0 && s.UnlockIdle > s.UnlockMax {
		r.fail("unlock_idle", "unlock_idle is longer than unlock_max")
	}
	for i, block := range r.blocks(tree) {
		r.block = i
		s.Profiles = append(s.Profiles, r.profile(block))
	}
	return s, r.err
}

func lowerFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// settingsReader takes values out of the decoded file and keeps the first
// error.
type settingsReader struct {
	file, text string
	block      int // index of the [[profile]] at hand, or -1
	err        error
}

func (r *settingsReader) fail(key, format string, args ...any) {
	if r.err == nil {
		r.err = &ParseError{File: r.file, Line: settingsLine(r.text, r.block, key), Why: fmt.Sprintf(format, args...)}
	}
}

func (r *settingsReader) string(tree map[string]any, key string) string {
	v, ok := tree[key]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok || s == "" {
		r.fail(key, "%s must be a string that is not empty", key)
	}
	return s
}

func (r *settingsReader) duration(tree map[string]any, key string) time.Duration {
	if _, ok := tree[key]; !ok {
		return 0
	}
	s, _ := tree[key].(string)
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		r.fail(key, `%s must be a duration like "15m" or "8h"`, key)
	}
	return d
}

func (r *settingsReader) unknown(tree map[string]any, known []string) {
	var unknown []string
	for key := range tree {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	slices.SortFunc(unknown, func(a, b string) int {
		return settingsLine(r.text, r.block, a) - settingsLine(r.text, r.block, b)
	})
	for _, key := range unknown {
		if near := Nearest(key, known); near != nil {
			r.fail(key, "no setting %q, the nearest is %q", key, near[0])
		}
		r.fail(key, "no setting %q, there are: %s", key, strings.Join(known, ", "))
	}
}

func (r *settingsReader) blocks(tree map[string]any) []map[string]any {
	switch blocks := tree["profile"].(type) {
	case nil:
	case []any:
		tables := make([]map[string]any, len(blocks))
		for i, b := range blocks {
			table, ok := b.(map[string]any)
			if !ok {
				r.fail("profile", "profile must be written as a [[profile]] block")
				return nil
			}
			tables[i] = table
		}
		return tables
	default:
		r.fail("profile", "profile must be written as a [[profile]] block")
	}
	return nil
}

func (r *settingsReader) profile(tree map[string]any) ProfileBlock {
	r.unknown(tree, blockKeys)
	b := ProfileBlock{Match: r.string(tree, "match")}
	b.Color = r.string(tree, "color")
	if b.Match == "" {
		r.fail("", "[[profile]] lacks match, a glob of profile names")
	}
	if _, err := matchGlob(b.Match, ""); err != nil {
		r.fail("match", "match %q is not a valid glob", b.Match)
	}
	if b.Color != "" && !slices.Contains(Colors, b.Color) {
		r.fail("color", "color %q is not one of %s", b.Color, strings.Join(Colors, ", "))
	}
	return b
}

// settingsLine finds the line of a key, at the top of the file or in the
// [[profile]] with that index, whose own line it is where key is empty. It is
// 0 where the key is written in a way that it does not look for.
func settingsLine(text string, block int, key string) int {
	const top, elsewhere = -1, -2
	l := lines{text: strings.TrimPrefix(text, bom)}
	at, blocks := top, 0 // at is where the line is: in a block, or one of the two
	for {
		line, ok := l.next()
		if !ok {
			return 0
		}
		line = trim(line)
		if strings.HasPrefix(line, "[") {
			table, _, _ := strings.Cut(strings.TrimLeft(line, "[ \t"), "]")
			table = strings.Trim(table, " \t\"'")
			at = elsewhere
			if table == "profile" {
				at = blocks
				blocks++
			}
			if block == top && table == key || block == at && key == "" {
				return l.num
			}
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		name, _, _ = strings.Cut(name, ".")
		if ok && at == block && strings.Trim(name, " \t\"'") == key {
			return l.num
		}
	}
}
