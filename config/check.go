package config

import "strings"

// A checker finds the first malformed line of a file, which it is given in one
// piece or in several.
type checker struct {
	kind  FileKind
	found func(section) // is told of each section; end and prev are not set
	line  int           // number of the last line that was looked at
	state checkState
}

// checkState says what a line that is indented would belong to.
type checkState uint8

const (
	noSection  checkState = iota
	noProperty            // a header
	hasValue              // a property
	noValue               // a property that has sub-properties
)

// check looks at the lines of text, which begin at offset base of the file. It
// returns what is wrong with the last line it looked at, "" if nothing is.
func (c *checker) check(text string, base int) (why string) {
	// The line of a property whose value nobody has looked at yet: it matters
	// to continuation lines only.
	unseen := -1
	for pos := 0; pos < len(text); {
		c.line++
		start := pos
		// Nearly all lines are of these forms, and seen to be well-formed at once.
		if text[pos] == '\n' {
			pos++
			continue
		}
		if end := plainProperty(text, pos); end >= 0 && c.state != noSection {
			unseen, pos = start, lineEnd(text, end)
			continue
		}
		if name, end := c.kind.plainHeader(text, pos); end >= 0 {
			pos = end
			c.found(section{kind: sectionProfile, name: name, line: c.line, head: base + start, start: base + pos, prev: -1})
			c.state, unseen = noProperty, -1
			continue
		}
		// The others are looked at with care.
		pos = lineEnd(text, pos)
		line := withoutEnding(text[start:pos])
		switch classify(line) {
		case lineHeader:
			name, why := cutHeader(line[1:])
			if why != "" {
				return why
			}
			s := section{line: c.line, head: base + start, start: base + pos, prev: -1}
			s.kind, s.name = c.kind.section(name)
			c.found(s)
			c.state, unseen = noProperty, -1
		case lineProperty:
			if c.state == noSection {
				return "expected a profile definition, found a property"
			}
			if _, _, why := cutKey(line, false); why != "" {
				return why
			}
			unseen = start
		case lineContinuation:
			if unseen >= 0 {
				c.look(text[unseen:])
				unseen = -1
			}
			switch c.state {
			case noSection:
				return "expected a profile definition, found an indented line"
			case noProperty:
				return "expected a property definition, found continuation (properties are not indented)"
			case noValue:
				if _, _, why := cutKey(trim(line), true); why != "" {
					return why
				}
			}
		}
	}
	if unseen >= 0 {
		c.look(text[unseen:])
	}
	return ""
}

// look notes whether the property whose line text begins with has a value.
func (c *checker) look(text string) {
	line := withoutEnding(text[:lineEnd(text, 0)])
	if _, rest, _ := cutKey(line, false); propertyValue(rest) == "" {
		c.state = noValue
	} else {
		c.state = hasValue
	}
}

// plainProperty returns where the "=" stands if text[i:] begins with a property
// whose key is of ASCII letters alone; else -1.
func plainProperty(text string, i int) int {
	if !nameByte[text[i]] {
		return -1
	}
	for i++; i < len(text) && nameByte[text[i]]; i++ {
	}
	for ; i < len(text) && text[i] == ' '; i++ {
	}
	if i < len(text) && text[i] == '=' {
		return i
	}
	return -1
}

// plainHeader returns the name of a profile and where the next line begins if
// text[i:] begins with "[profile NAME]", in the credentials file "[NAME]", with
// a name of ASCII letters alone and a newline; else -1.
func (k FileKind) plainHeader(text string, i int) (name string, next int) {
	prefix := "[profile "
	if k == CredentialsFile {
		prefix = "["
	}
	if !strings.HasPrefix(text[i:], prefix) {
		return "", -1
	}
	i += len(prefix)
	start := i
	for ; i < len(text) && nameByte[text[i]]; i++ {
	}
	if i == start || !strings.HasPrefix(text[i:], "]\n") {
		return "", -1
	}
	return text[start:i], i + len("]\n")
}
