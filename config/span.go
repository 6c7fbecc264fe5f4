package config

import "strings"

// span says where a property stands in the text of a file.
type span struct {
	key   string // in lower case; "" if it is not a name
	line  int
	start int // of the first line
	eol   int // where its line ending begins
	next  int // where the line after it begins
	end   int // behind the last continuation line
}

// spans returns where the properties of the sections stand, in order.
func (src *source) spans(sections []section) []span {
	var spans []span
	for _, s := range sections {
		l := lines{text: src.text[:s.end], pos: s.start, num: s.line}
		for {
			line, ok := l.next()
			if !ok {
				break
			}
			switch classify(line) {
			case lineProperty:
				key, _, _ := cutKey(line, false)
				if !validName(key) {
					key = ""
				}
				spans = append(spans, span{strings.ToLower(key), l.num, l.start, l.start + len(line), l.pos, l.pos})
			case lineContinuation:
				spans[len(spans)-1].end = l.pos
			}
		}
	}
	return spans
}

// tail returns where the last line of a section ends that is neither blank
// nor a comment in the first column: the place for another property. What
// stands below may belong to the next section.
func (src *source) tail(s section) int {
	l := lines{text: src.text[:s.end], pos: s.start}
	tail := s.start
	for {
		line, ok := l.next()
		if !ok {
			return tail
		}
		if trimLeft(line) != "" && !isCommentMark(line[0]) {
			tail = l.pos
		}
	}
}

// removal returns which bytes to cut out with a section: it and, where a blank
// line stands before it or nothing after it, the blank lines after it; where
// it was the last one, also the blank line that set it apart.
func (src *source) removal(s section) (start, end int) {
	start, end = s.head, src.tail(s)
	top := 0
	if strings.HasPrefix(src.text, bom) {
		top = len(bom)
	}
	above := src.text[top:start]
	lastLine := strings.LastIndexByte(strings.TrimSuffix(above, "\n"), '\n') + 1
	blankAbove := strings.TrimSpace(above[lastLine:]) == ""

	l := lines{text: src.text, pos: end}
	after := end
	for {
		line, ok := l.next()
		if !ok || classify(line) != lineBlank {
			break
		}
		after = l.pos
	}
	last := after == len(src.text)
	if blankAbove || last {
		end = after
	}
	if blankAbove && last {
		start = top + lastLine
	}
	return start, end
}
