package foreign

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// An SSO is an Identity Center in the config of aws-sso-cli.
type SSO struct {
	Name, StartURL, SSORegion, Region string
	Roles                             []SSORole
}

// An SSORole is a role that its config lists.
type SSORole struct {
	Account, AccountName, Role string
	Profile                    string // "" where it names none
	Region                     string
	Via                        string // another role, to be assumed first
}

// ReadSSOCLI reads the config.yaml of aws-sso-cli: its Identity Centers, with
// the roles that it lists. A missing file has none.
func ReadSSOCLI(path string) ([]SSO, error) {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFolder) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tree, err := parseYAML(string(data))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	var list []SSO
	for _, s := range tree.child("SSOConfig").children {
		sso := SSO{Name: s.key, StartURL: s.child("StartUrl").value, SSORegion: s.child("SSORegion").value, Region: first(s.child("DefaultRegion").value, tree.child("DefaultRegion").value)}
		for _, a := range s.child("Accounts").children {
			region := first(a.child("DefaultRegion").value, sso.Region)
			id := a.key
			if n := len(id); n < 12 && strings.Trim(id, "0123456789") == "" {
				id = strings.Repeat("0", 12-n) + id // a number to YAML
			}
			for _, r := range a.child("Roles").children {
				sso.Roles = append(sso.Roles, SSORole{id, a.child("Name").value, r.key, r.child("Profile").value, first(r.child("DefaultRegion").value, region), r.child("Via").value})
			}
		}
		list = append(list, sso)
	}
	return list, nil
}

func first(values ...string) string {
	i := slices.IndexFunc(values, func(s string) bool { return s != "" })
	if i < 0 {
		return ""
	}
	return values[i]
}

// A node is a key of a mapping with what is below it.
type node struct {
	key, value string
	indent     int
	children   []*node
}

// child returns the value of a key; a node without anything if it is not there.
func (n *node) child(key string) *node {
	for _, c := range n.children {
		if c.key == key {
			return c
		}
	}
	return &node{}
}

// mostDepth bounds how deep mappings nest.
const mostDepth = 32

// parseYAML reads nested block mappings with plain or quoted words, which is
// what aws-sso-cli writes. Lists and multi-line texts are passed over; what is
// below another construct is an error with its line.
func parseYAML(text string) (*node, error) {
	root := &node{indent: -1}
	path := []*node{root}
	skip := -1 // lines that are indented more belong to something passed over
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		line = strings.TrimRight(line, " \t\r\n")
		body := strings.TrimLeft(line, " ")
		indent := len(line) - len(body)
		if body == "" || body[0] == '#' || body == "---" || skip >= 0 && indent > skip {
			continue
		}
		skip = -1
		if body[0] == '-' && (len(body) == 1 || body[1] == ' ') {
			skip = indent
			continue
		}
		key, value, ok := cutKey(body)
		if !ok {
			return nil, fmt.Errorf("line %d: not a key and a value", n)
		}
		for path[len(path)-1].indent >= indent {
			path = path[:len(path)-1]
		}
		parent := path[len(path)-1]
		if len(path) > mostDepth || parent.value != "" {
			return nil, fmt.Errorf("line %d: nested in a way that is not expected", n)
		}
		if strings.HasPrefix(value, "|") || strings.HasPrefix(value, ">") {
			skip, value = indent, ""
		}
		c := &node{key: key, value: value, indent: indent}
		parent.children = append(parent.children, c)
		path = append(path, c)
	}
	return root, nil
}

// cutKey splits "key: value", with either in quotes, and takes a comment off.
func cutKey(body string) (key, value string, ok bool) {
	key, rest, ok := word(body)
	if !ok && strings.Trim(body[:1], `"'`) != "" {
		key, rest, ok = strings.Cut(body, ":")
		rest = ":" + rest
	}
	if !ok || key == "" || !strings.HasPrefix(rest, ":") {
		return "", "", false
	}
	rest = rest[1:]
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", "", false
	}
	rest = strings.TrimLeft(rest, " \t")
	if value, _, quoted := word(rest); quoted {
		return key, value, true
	}
	if strings.HasPrefix(rest, "#") {
		rest = ""
	}
	rest, _, _ = strings.Cut(rest, " #")
	return strings.TrimSpace(key), strings.TrimSpace(rest), true
}

// word returns a word in quotes, and what follows it.
func word(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", s, false
	}
	text, rest, ok = strings.Cut(s[1:], s[:1])
	return text, strings.TrimLeft(rest, " \t"), ok
}
