package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pelletier/go-toml/v2"
)

var (
	globalKeys = []string{
		"backend", "passphrase_command", "keys_ttl", "keys_max", "secret_service", "collection", "command",
		"prompt", "directories", "sso_cache", "sso_flow", "browser", "mfa_prompt", "picker", "journal", "profile",
	}
	commandKeys = []string{"get", "set", "delete", "list", "timeout"}
	blockKeys   = []string{"match", "color", "icon", "account", "account_id", "protected", "read_only", "max_duration", "browser", "container"}
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
	r := settingsReader{file: file, text: text}
	s := Settings{
		Backend:           r.choice(tree, "backend", Backends),
		PassphraseCommand: r.string(tree, "passphrase_command"),
		KeysTTL:           r.ttl(tree, "keys_ttl"),
		KeysMax:           r.duration(tree, "keys_max"),
		SecretService:     r.choice(tree, "secret_service", []string{"encrypted", "plain"}),
		Collection:        r.string(tree, "collection"),
		Prompt:            r.format(tree, "prompt"),
		Directories:       r.bool(tree, "directories"),
		SSOCache:          r.choice(tree, "sso_cache", []string{"own", SSOCacheShared}),
		SSOFlow:           r.choice(tree, "sso_flow", []string{"pkce", "device"}),
		Browser:           r.string(tree, "browser"),
		MFAPrompt:         r.choice(tree, "mfa_prompt", MFAPrompts),
		Picker:            r.choice(tree, "picker", Pickers),
		NoJournal:         r.off(tree, "journal"),
	}
	r.unknown(tree, globalKeys)
	if s.KeysTTL != nil && s.KeysMax > 0 && *s.KeysTTL > s.KeysMax {
		r.fail("keys_ttl", "keys_ttl is longer than keys_max")
	}
	s.Command = r.command(tree, s.Backend == BackendCommand)
	for i, block := range r.blocks(tree) {
		r.at = tablePlace{"profile", i}
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

// A tablePlace is a table of the file; the zero one is its top.
type tablePlace struct {
	table string
	index int // of a table that can stand several times
}

// settingsReader takes values out of the decoded file and keeps the first
// error.
type settingsReader struct {
	file, text string
	at         tablePlace // what is being read
	err        error
}

func (r *settingsReader) fail(key, format string, args ...any) {
	if r.err == nil {
		r.err = &ParseError{File: r.file, Line: settingsLine(r.text, r.at, key), Why: fmt.Sprintf(format, args...)}
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

// Unknown returns the first placeholder of a format of the prompt segment that
// vault does not know, "" if it knows all of them.
func Unknown(format string) string {
	for {
		_, rest, ok := strings.Cut(format, "{")
		if !ok {
			return ""
		}
		name, _, ok := strings.Cut(rest, "}")
		if p := "{" + name + "}"; ok && !slices.Contains(Placeholders, p) {
			return p
		}
		format = rest
	}
}

// format reads a format of the prompt segment.
func (r *settingsReader) format(tree map[string]any, key string) string {
	s := r.string(tree, key)
	if p := Unknown(s); p != "" {
		r.fail(key, "%s: no placeholder %s, there are: %s", key, p, strings.Join(Placeholders, " "))
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		r.fail(key, "%s contains a control character", key)
	}
	return s
}

func (r *settingsReader) choice(tree map[string]any, key string, choices []string) string {
	s := r.string(tree, key)
	if s != "" && !slices.Contains(choices, s) {
		r.fail(key, "%s %q is not one of %s", key, s, strings.Join(choices, ", "))
	}
	return s
}

func (r *settingsReader) bool(tree map[string]any, key string) bool {
	v, ok := tree[key]
	b, isBool := v.(bool)
	if ok && !isBool {
		r.fail(key, "%s must be true or false", key)
	}
	return b
}

// off reports whether key, which is true where it is not set, is false.
func (r *settingsReader) off(tree map[string]any, key string) bool {
	_, set := tree[key]
	return set && !r.bool(tree, key)
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

// ttl reads a duration that may be 0; nil where it is not set.
func (r *settingsReader) ttl(tree map[string]any, key string) *time.Duration {
	v, ok := tree[key]
	if !ok {
		return nil
	}
	d := new(time.Duration)
	if v == int64(0) || v == "0" || v == "0s" {
		return d
	}
	*d = r.duration(tree, key)
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
		return settingsLine(r.text, r.at, a) - settingsLine(r.text, r.at, b)
	})
	for _, key := range unknown {
		if near := Nearest(key, known); near != nil {
			r.fail(key, "no setting %q, the nearest is %q", key, near[0])
		}
		r.fail(key, "no setting %q, there are: %s", key, strings.Join(known, ", "))
	}
}

// command reads [command]; needed says that the keystore is one by command.
func (r *settingsReader) command(tree map[string]any, needed bool) CommandSettings {
	table, ok := tree["command"].(map[string]any)
	if !ok {
		if tree["command"] != nil {
			r.fail("command", "command must be written as a [command] table")
		} else if needed {
			r.fail("backend", "backend %q needs a [command] table", BackendCommand)
		}
		return CommandSettings{}
	}
	r.at = tablePlace{table: "command"}
	r.unknown(table, commandKeys)
	s := CommandSettings{
		Get: r.string(table, "get"), Set: r.string(table, "set"), Delete: r.string(table, "delete"), List: r.string(table, "list"),
		Timeout: r.duration(table, "timeout"),
	}
	for _, key := range commandKeys[:4] {
		if _, ok := table[key]; !ok {
			r.fail("", "[command] lacks %s", key)
		}
	}
	return s
}

func (r *settingsReader) blocks(tree map[string]any) []map[string]any {
	r.at = tablePlace{}
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
	b.Color = r.choice(tree, "color", Colors)
	b.Icon = r.string(tree, "icon")
	b.Account = r.string(tree, "account")
	b.AccountID = r.string(tree, "account_id")
	b.Protected = r.bool(tree, "protected")
	b.ReadOnly = r.bool(tree, "read_only")
	b.MaxDuration = r.duration(tree, "max_duration")
	b.Browser = r.string(tree, "browser")
	b.Container = r.string(tree, "container")
	if b.Match == "" {
		r.fail("", "[[profile]] lacks match, a glob of profile names")
	}
	if _, err := matchGlob(b.Match, ""); err != nil {
		r.fail("match", "match %q is not a valid glob", b.Match)
	}
	if b.AccountID != "" && (len(b.AccountID) != 12 || strings.Trim(b.AccountID, "0123456789") != "") {
		r.fail("account_id", "account_id %q is not twelve digits", b.AccountID)
	}
	return b
}

// settingsLine finds the line of a key in a table of the file, or the table's
// own line where key is empty. It is 0 where the key is written in a way that
// it does not look for.
func settingsLine(text string, table tablePlace, key string) int {
	l := lines{text: strings.TrimPrefix(text, bom)}
	var at tablePlace
	seen := map[string]int{}
	for {
		line, ok := l.next()
		if !ok {
			return 0
		}
		line = trim(line)
		if strings.HasPrefix(line, "[") {
			name, _, _ := strings.Cut(strings.TrimLeft(line, "[ \t"), "]")
			name = strings.Trim(name, " \t\"'")
			at = tablePlace{name, seen[name]}
			seen[name]++
			if table == (tablePlace{}) && name == key || table == at && key == "" {
				return l.num
			}
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		name, _, _ = strings.Cut(name, ".")
		if ok && at == table && strings.Trim(name, " \t\"'") == key {
			return l.num
		}
	}
}
