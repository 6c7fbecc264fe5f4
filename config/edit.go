package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrExists is what adding a section that is there already wraps.
var ErrExists = errors.New("exists already")

// A sectionKey is what sections have in common that are merged.
type sectionKey struct {
	kind sectionKind
	name string
}

// An Editor changes the text of one file in memory. What a change does not
// ask for stays as it is, byte by byte: comments, blank lines, line endings,
// a byte order mark, a missing last newline, sections of the same name,
// sections and properties that vault knows nothing of.
type Editor struct {
	path  string
	kind  FileKind
	text  []byte
	src   *source             // text parsed, nil after a change
	known map[sectionKey]bool // the sections of text, nil after a change other than an addition
}

// NewEditor returns an editor for a file's text; path only names it in
// errors. A malformed text is a *ParseError.
func NewEditor(path string, kind FileKind, text []byte) (*Editor, error) {
	e := &Editor{path: path, kind: kind, text: bytes.Clone(text)}
	_, err := e.source()
	return e, err
}

// Bytes returns the text as it is now.
func (e *Editor) Bytes() []byte { return bytes.Clone(e.text) }

func (e *Editor) source() (*source, error) {
	if e.src == nil {
		src, err := parse(e.path, e.kind, string(e.text))
		if err != nil {
			return nil, err
		}
		e.src = src
	}
	return e.src, nil
}

// replace puts with in the place of the bytes from start to end.
func (e *Editor) replace(start, end int, with string) error {
	text := slices.Concat(e.text[:start], []byte(with), e.text[end:])
	src, err := parse(e.path, e.kind, string(text))
	if err != nil {
		return err
	}
	e.text, e.src, e.known = text, src, nil
	return nil
}

// newline returns the line ending that the file uses.
func (e *Editor) newline() string {
	if i := bytes.IndexByte(e.text, '\n'); i > 0 && e.text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// AddProfile appends a profile with these properties, in their order, at the
// end of the file, after a blank line. It is an error that wraps ErrExists if
// the file defines the profile already.
func (e *Editor) AddProfile(name string, settings [][2]string) error {
	return e.AddSection("profile", name, settings)
}

// AddSection is AddProfile for any kind of section: "profile", "sso-session",
// "services". It is quick enough to be called for hundreds of them.
func (e *Editor) AddSection(kind, name string, settings [][2]string) error {
	key, header, err := e.header(kind, name)
	if err != nil {
		return err
	}
	if err := e.absent(kind, key); err != nil {
		return err
	}
	nl := e.newline()
	var add strings.Builder
	if body := bytes.TrimPrefix(e.text, []byte(bom)); len(body) > 0 {
		if body[len(body)-1] != '\n' {
			add.WriteString(nl)
		}
		if lastLine(body) != "" {
			add.WriteString(nl)
		}
	}
	add.WriteString(header + nl)
	for _, s := range settings {
		if err := validProperty(s[0], s[1]); err != nil {
			return fmt.Errorf("%s %q: %w", kind, name, err)
		}
		add.WriteString(propertyLine(s[0], s[1]) + nl)
	}
	e.text = append(e.text, add.String()...)
	e.src = nil
	e.known[key] = true
	return nil
}

// absent reports a section that is there already.
func (e *Editor) absent(kind string, key sectionKey) error {
	if e.known == nil {
		src, err := e.source()
		if err != nil {
			return err
		}
		e.known = make(map[sectionKey]bool, len(src.sections))
		for _, s := range src.sections {
			if s.kind == sectionBareDefault {
				s.kind = sectionProfile
			}
			e.known[sectionKey{s.kind, s.name}] = true
		}
	}
	if !e.known[key] {
		return nil
	}
	src, err := e.source()
	if err != nil {
		return err
	}
	found := src.find(nil, key.kind, key.name)
	if key.kind == sectionProfile {
		found = src.profile(nil, key.name)
	}
	return fmt.Errorf("%s:%d: %s %q %w", e.path, found[0].line, kind, key.name, ErrExists)
}

// lastLine returns the last line that has a line ending or is not empty,
// trimmed.
func lastLine(text []byte) string {
	text = bytes.TrimSuffix(text, []byte("\n"))
	return trim(string(text[bytes.LastIndexByte(text, '\n')+1:]))
}

// header returns the header of a new section.
func (e *Editor) header(kind, name string) (sectionKey, string, error) {
	if !validName(name) {
		return sectionKey{}, "", fmt.Errorf("%s name %q: only letters, digits and - / . %% @ _ : + are allowed", kind, name)
	}
	switch {
	case e.kind == CredentialsFile && kind == "profile":
		return sectionKey{sectionProfile, name}, "[" + name + "]", nil
	case e.kind == CredentialsFile:
		return sectionKey{}, "", fmt.Errorf("%s %q: the credentials file has profiles only", kind, name)
	case kind == "profile" && name == "default":
		return sectionKey{sectionProfile, name}, "[default]", nil
	case kind == "profile":
		return sectionKey{sectionProfile, name}, "[profile " + name + "]", nil
	case kind == "sso-session":
		return sectionKey{sectionSSO, name}, "[sso-session " + name + "]", nil
	case kind == "services":
		return sectionKey{sectionServices, name}, "[services " + name + "]", nil
	}
	return sectionKey{}, "", fmt.Errorf("no sections of kind %q", kind)
}

func propertyLine(key, value string) string {
	return trimRight(key + " = " + value)
}

// validProperty reports a property that would not be read back as it is.
func validProperty(key, value string) error {
	switch {
	case !validName(key):
		return fmt.Errorf("property name %q: only letters, digits and - / . %% @ _ : + are allowed", key)
	case !utf8.ValidString(value):
		return fmt.Errorf("value of %s: not UTF-8", key)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return fmt.Errorf("value of %s: holds a newline or another control character", key)
	case trim(value) != value:
		return fmt.Errorf("value of %s: begins or ends with white space", key)
	case uncomment(" "+value) != " "+value:
		return fmt.Errorf("value of %s: holds a # or ; after white space, which would begin a comment", key)
	}
	return nil
}

// SetValue sets a property of a profile that the file defines. Where the
// profile has it, only the value changes, with its continuation lines; else a
// line is added to the last of the profile's sections, after its last
// property. A nested property is not overwritten.
func (e *Editor) SetValue(profile, key, value string) error {
	src, sections, err := e.profileSections(profile)
	if err != nil {
		return err
	}
	if err := validProperty(key, value); err != nil {
		return fmt.Errorf("profile %q: %w", profile, err)
	}
	spans := src.spans(sections)
	for _, s := range slices.Backward(spans) {
		if s.key != strings.ToLower(key) {
			continue
		}
		line, ok := setLine(src.text[s.start:s.eol], value)
		if !ok && s.end > s.next {
			return fmt.Errorf("%s:%d: %s of profile %q has nested properties", e.path, s.line, key, profile)
		}
		return e.replace(s.start, s.end, line+src.text[s.eol:s.next])
	}
	at := src.tail(sections[len(sections)-1])
	line := propertyLine(key, value)
	if nl := e.newline(); src.text[at-1] != '\n' {
		line = nl + line
	} else {
		line += nl
	}
	return e.replace(at, at, line)
}

// setLine returns a property's line with another value: what stands around
// the value stays, and so does a comment. ok is false where there was no
// value before.
func setLine(line, value string) (string, bool) {
	i := strings.IndexByte(line, '=') + 1
	body := uncomment(line[i:])
	comment := line[i+len(body):]
	old := trim(body)
	if old == "" {
		line = trimRight(line[:i] + " " + value)
		if comment != "" {
			line += " " + comment
		}
		return line, false
	}
	before := body[:len(body)-len(trimLeft(body))]
	after := body[len(before)+len(old):]
	return line[:i] + before + value + after + comment, true
}

// RemoveValue removes a property of a profile, wherever the file sets it, and
// does nothing where it does not.
func (e *Editor) RemoveValue(profile, key string) error {
	src, sections, err := e.profileSections(profile)
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(src.spans(sections)) {
		if s.key == strings.ToLower(key) {
			if err := e.replace(s.start, s.end, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// RemoveProfile removes all sections of a profile, from the header to the
// last property, and the blank lines that this would leave doubled. Comments
// around a section stay. A [default] that a [profile default] hid goes too,
// it would come to life.
func (e *Editor) RemoveProfile(profile string) error {
	for n := 0; ; n++ {
		src, sections, err := e.profileSections(profile)
		if err != nil {
			if n > 0 {
				return nil // all are gone
			}
			return err
		}
		start, end := src.removal(sections[len(sections)-1])
		if err := e.replace(start, end, ""); err != nil {
			return err
		}
	}
}

// profileSections returns the sections that make up a profile.
func (e *Editor) profileSections(profile string) (*source, []section, error) {
	src, err := e.source()
	if err != nil {
		return nil, nil, err
	}
	sections := src.profile(nil, profile)
	if len(sections) == 0 {
		return nil, nil, fmt.Errorf("%s: %w", e.path, &NotFoundError{Name: profile})
	}
	return src, sections, nil
}
