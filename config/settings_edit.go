package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// SetSetting sets a setting at the top of vault's own config.toml to a string
// or a bool. All else stays as it is, byte by byte; the file is written as
// EditFile writes. It is an error if the file does not parse, or has the
// setting in a form that only a person should change.
func SetSetting(path, key string, value any) error {
	return EditText(path, func(target string, text []byte) ([]byte, error) {
		if _, err := parseSettings(target, string(text)); err != nil {
			return nil, err
		}
		after, err := setSetting(string(text), key, value)
		if err == nil {
			_, err = parseSettings(target, after)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", target, key, err)
		}
		return []byte(after), nil
	})
}

// SettingLine returns the line that SetSetting writes.
func SettingLine(key string, value any) string {
	if s, ok := value.(string); ok {
		return key + " = " + strconv.Quote(s)
	}
	return fmt.Sprintf("%s = %v", key, value)
}

// setSetting changes the value where it stands, or adds a line behind the last
// one of the top. It looks at lines alone, and compares what they mean before
// and after to be sure of it.
func setSetting(text, key string, value any) (string, error) {
	body := strings.TrimPrefix(text, bom)
	newline := "\n"
	if i := strings.IndexByte(body, '\n'); i > 0 && body[i-1] == '\r' {
		newline = "\r\n"
	}
	line := SettingLine(key, value)
	all := slices.Collect(strings.Lines(body))
	last, at := -1, -1 // lines of the top, and of the key
	for i, l := range all {
		l = trim(strings.TrimRight(l, "\r\n"))
		if strings.HasPrefix(l, "[") {
			break
		}
		name, _, ok := strings.Cut(l, "=")
		if !ok || strings.HasPrefix(l, "#") {
			continue
		}
		last = i
		if strings.Trim(trim(name), `"'`) == key {
			at = i
		}
	}
	switch {
	case at >= 0:
		all[at] = replaceSetting(all[at], line)
	case last >= 0:
		if !strings.HasSuffix(all[last], "\n") {
			all[last] += newline
		}
		all = slices.Insert(all, last+1, line+newline)
	default:
		line += newline
		if len(all) > 0 {
			line += newline
		}
		all = slices.Insert(all, 0, line)
	}
	after := text[:len(text)-len(body)] + strings.Join(all, "")
	return after, sameBut(text, after, key, value)
}

// replaceSetting returns a line with another setting in it; the white space in
// front, a comment and the line's end stay.
func replaceSetting(old, with string) string {
	indent := old[:len(old)-len(strings.TrimLeft(old, " \t"))]
	_, value, _ := strings.Cut(old, "=")
	value = strings.TrimLeft(value, " \t")
	end := strings.IndexAny(value, " \t\r\n#")
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		end = strings.IndexByte(value[1:], value[0]) + 2 // an escaped quote: sameBut finds it
	}
	rest := ""
	if end >= 0 && end <= len(value) {
		rest = value[end:]
	}
	return indent + with + rest
}

// sameBut reports whether one setting is all that differs.
func sameBut(before, after, key string, value any) error {
	var old, now map[string]any
	for _, t := range []struct {
		text string
		tree *map[string]any
	}{{before, &old}, {after, &now}} {
		if toml.Unmarshal([]byte(strings.TrimPrefix(t.text, bom)), t.tree) != nil {
			return errByHand
		}
	}
	if old == nil {
		old = map[string]any{}
	}
	old[key] = value
	if !reflect.DeepEqual(old, now) {
		return errByHand
	}
	return nil
}

var errByHand = errors.New("it is written in a way that only a person should change")
