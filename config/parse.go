package config

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A FileKind tells the two files apart: their sections are named differently.
type FileKind uint8

// The two kinds.
const (
	ConfigFile      FileKind = iota // [profile name], [default], [sso-session name], [services name]
	CredentialsFile                 // [name]
)

type sectionKind uint8

const (
	sectionIgnored sectionKind = iota // with another prefix, or a name that is not allowed
	sectionProfile
	sectionBareDefault // [default] in the config file: gives way to [profile default]
	sectionSSO
	sectionServices
	sectionOther // of the credentials file: a profile if the config file quotes its name
)

func (k sectionKind) isProfile() bool { return k == sectionProfile || k == sectionBareDefault }

// section is one header and the lines up to the next one.
type section struct {
	kind  sectionKind
	name  string // of an ignored one all that the brackets hold
	line  int    // of the header
	head  int    // where the header begins in the text
	start int    // where the line after it begins
	end   int
	prev  int // the section of the same kind and name before this one, or -1
}

// source is one file: its text, known to be well-formed, and its sections.
// The properties are parsed when they are asked for.
type source struct {
	path     string
	kind     FileKind
	text     string
	sections []section

	index func() index
}

func newSource(path string, kind FileKind, text string) *source {
	src := &source{path: path, kind: kind, text: text}
	src.index = sync.OnceValue(func() index { return indexSections(src.sections) })
	return src
}

// parse goes over the text once, checks each line and notes the sections.
func parse(path string, kind FileKind, text string) (*source, error) {
	src := newSource(path, kind, text)
	c := checker{kind: kind, found: func(s section) {
		if n := len(src.sections); n > 0 {
			src.sections[n-1].end = s.head
		} else {
			src.sections = make([]section, 0, 4+len(text)/160)
		}
		s.end = len(text)
		src.sections = append(src.sections, s)
	}}
	top := topOf(text)
	if why := c.check(text[top:], top); why != "" {
		return nil, &ParseError{File: path, Line: c.line, Why: why}
	}
	return src, nil
}

// topOf returns where a text begins: behind a byte order mark.
func topOf(text string) int {
	if strings.HasPrefix(text, bom) {
		return len(bom)
	}
	return 0
}

// cutHeader returns what stands between the brackets of a header, trimmed;
// line is what follows the opening one. Only a comment may follow the last
// closing one. A bracket before that belongs to the name, which makes it none
// ("a]") unless it is quoted: so the SDKs and the AWS CLI read it.
func cutHeader(line string) (name, why string) {
	i := strings.IndexByte(line, ']')
	if i < 0 {
		return "", "profile definition must end with ']'"
	}
	if i < len(line)-1 {
		if end := strings.IndexAny(line[i:], "#;"); end >= 0 {
			line = line[:i+end]
		}
		line = trimRight(line)
		if line[len(line)-1] != ']' {
			return "", "only a comment may follow the ']' of a profile definition"
		}
	}
	return trim(line[:len(line)-1]), ""
}

// section tells what kind of section the name in a header makes in a file of
// this kind (file-format, "Section type").
func (k FileKind) section(name string) (sectionKind, string) {
	if k == CredentialsFile {
		switch {
		case validName(name):
			return sectionProfile, name
		case anyName(name):
			return sectionOther, name
		}
		return sectionIgnored, name
	}
	if name == "default" {
		return sectionBareDefault, name
	}
	prefix, rest := cutBlank(name)
	if !validName(rest) {
		var ok bool
		if rest, ok = unquoteName(rest); !ok {
			return sectionIgnored, name
		}
	}
	switch prefix {
	case "profile":
		return sectionProfile, rest
	case "sso-session":
		return sectionSSO, rest
	case "services":
		return sectionServices, rest
	}
	return sectionIgnored, name
}

// almost says why an ignored section is not the profile of that name.
func (s *section) almost(k FileKind, name string) string {
	if s.kind != sectionIgnored && s.kind != sectionOther {
		return ""
	}
	prefix, rest := cutBlank(s.name)
	switch {
	case k == ConfigFile && s.name == name && validName(name):
		return fmt.Sprintf("[%s] is not a profile in this file, [profile %s] would be", name, name)
	case k == CredentialsFile && prefix == "profile" && rest == name && validName(name):
		return fmt.Sprintf("[profile %s] is not a profile in this file, [%s] would be", name, name)
	case k == ConfigFile && prefix == "profile" && rest == name:
		return "a profile name with other letters than A-Z a-z 0-9 - / . % @ _ : + must stand in quotes"
	case k == CredentialsFile && s.name == name:
		return "a profile name with other letters than A-Z a-z 0-9 - / . % @ _ : + must stand in the config file, in quotes"
	}
	return ""
}

// find appends to found the sections of that kind and name, in order.
func (src *source) find(found []section, kind sectionKind, name string) []section {
	if len(src.sections) == 0 {
		return found
	}
	n := len(found)
	for i := src.index().last(src.sections, kind, name); i >= 0; i = src.sections[i].prev {
		found = append(found, src.sections[i])
	}
	slices.Reverse(found[n:])
	return found
}

// profile appends to found the sections that make up the profile in this file.
// Where there is a [profile default], a [default] counts for nothing
// (file-format).
func (src *source) profile(found []section, name string) []section {
	n := len(found)
	found = src.find(found, sectionProfile, name)
	switch {
	case len(found) > n:
	case src.kind == CredentialsFile && !validName(name):
		found = src.find(found, sectionOther, name)
	case src.kind == ConfigFile && name == "default":
		found = src.find(found, sectionBareDefault, name)
	}
	return found
}

// properties appends to props the properties of the sections, in the order of
// the file; of two with the same key the later one counts.
func (src *source) properties(props []Property, sections []section) []Property {
	for _, s := range sections {
		props = src.appendProperties(props, s)
	}
	return props
}

func (src *source) appendProperties(props []Property, s section) []Property {
	l := lines{text: src.text[:s.end], pos: s.start, num: s.line}
	props = slices.Grow(props, strings.Count(src.text[s.start:s.end], "\n")+1)
	var current *Property // nil while a property with a bad name is skipped
	var more strings.Builder
	var nested map[string]int // where in Sub each key stands; nil if the property is not nested
	flush := func() {
		if current != nil && more.Len() > 0 {
			current.Value.Text += more.String()
			more.Reset()
		}
	}
	for {
		line, ok := l.next()
		if !ok {
			flush()
			return props
		}
		switch classify(line) {
		case lineProperty:
			flush()
			current = nil
			key, rest, _ := cutKey(line, false)
			if !validName(key) {
				break
			}
			text := propertyValue(rest)
			if nested = nil; text == "" {
				nested = map[string]int{}
			}
			props = append(props, Property{strings.ToLower(key), Value{Text: text, File: src.path, Line: l.num}})
			current = &props[len(props)-1]
		case lineContinuation:
			if current == nil {
				break
			}
			line = trim(line)
			more.WriteByte('\n')
			more.WriteString(line)
			if nested != nil {
				key, rest, _ := cutKey(line, true)
				sub := Property{key, Value{Text: trim(rest), File: src.path, Line: l.num}}
				if i, ok := nested[strings.ToLower(key)]; ok {
					current.Value.Sub[i].Value = sub.Value
					break
				}
				nested[strings.ToLower(key)] = len(current.Value.Sub)
				current.Value.Sub = append(current.Value.Sub, sub)
			}
		}
	}
}
