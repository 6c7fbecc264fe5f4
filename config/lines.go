package config

import "strings"

const bom = "\ufeff"

// lineEnd returns where the line after the one that text[i] belongs to begins.
func lineEnd(text string, i int) int {
	if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(text)
}

// lines walks over a text line by line.
type lines struct {
	text  string
	start int // of the line that next returned last
	pos   int // of the line after it
	num   int // its number
}

// next returns the next line without its line ending, LF or CRLF.
func (l *lines) next() (string, bool) {
	if l.pos >= len(l.text) {
		return "", false
	}
	l.start = l.pos
	l.num++
	l.pos = lineEnd(l.text, l.pos)
	return withoutEnding(l.text[l.start:l.pos]), true
}

func withoutEnding(line string) string {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}

type lineKind uint8

const (
	lineBlank lineKind = iota
	lineComment
	lineHeader
	lineProperty
	lineContinuation
)

// classify tells what a line is by how it begins: only what stands in the
// first column is a header or a property (file-format).
//
// An indented line that holds nothing but a comment is a comment, as it is to
// the AWS CLI and the SDK for Go; the SDKs for Java and Rust would make it
// part of the value above.
func classify(line string) lineKind {
	if line == "" {
		return lineBlank
	}
	switch line[0] {
	case '[':
		return lineHeader
	case '#', ';':
		return lineComment
	}
	if !isSpace(line[0]) {
		return lineProperty
	}
	line = trimLeft(line)
	switch {
	case line == "":
		return lineBlank
	case isCommentMark(line[0]):
		return lineComment
	}
	return lineContinuation
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'
}

func isCommentMark(c byte) bool { return c == '#' || c == ';' }

func trimLeft(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func trim(s string) string { return trimLeft(trimRight(s)) }

// cutBlank cuts s at the first white space; rest begins behind it.
func cutBlank(s string) (word, rest string) {
	for i := range len(s) {
		if isSpace(s[i]) {
			return s[:i], trimLeft(s[i:])
		}
	}
	return s, ""
}

// uncomment cuts a comment off the end of a line: a "#" or ";" with white
// space before it. Without white space it belongs to the value (file-format).
func uncomment(s string) string {
	if strings.IndexByte(s, '#') < 0 && strings.IndexByte(s, ';') < 0 {
		return s
	}
	for i := 1; i < len(s); i++ {
		if isCommentMark(s[i]) && isSpace(s[i-1]) {
			return s[:i]
		}
	}
	return s
}

// cutKey finds the "=" of a property and returns the key before it, trimmed
// but in the letters of the file, and what follows it as it is. why is not
// empty where the line is malformed. sub says that it is a sub-property, in
// which no comments are looked for.
func cutKey(line string, sub bool) (key, rest, why string) {
	i := strings.IndexByte(line, '=')
	before := line
	if i >= 0 {
		before = line[:i]
	}
	if i < 0 || !sub && len(uncomment(before)) < len(before) {
		if sub {
			return "", "", "expected an '=' sign defining a sub-property"
		}
		return "", "", "expected an '=' sign defining a property"
	}
	key = trim(before)
	if key == "" {
		if sub {
			return "", "", "sub-property did not have a name"
		}
		return "", "", "property did not have a name"
	}
	return key, line[i+1:], ""
}

// propertyValue returns the value in what cutKey left of a property's line.
func propertyValue(rest string) string { return trim(uncomment(rest)) }
