package config

import (
	"fmt"
	"strings"
)

// SetComment puts a comment into the line below the header of a profile, in
// place of one there that begins with the same prefix; an empty text removes
// that.
func (e *Editor) SetComment(profile, prefix, text string) error {
	if strings.ContainsAny(prefix+text, "\r\n") || prefix == "" {
		return fmt.Errorf("comment of profile %q: it is one line", profile)
	}
	src, sections, err := e.profileSections(profile)
	if err != nil {
		return err
	}
	at := sections[len(sections)-1].start
	l := lines{text: src.text, pos: at}
	line, ok := l.next()
	end := at
	if old := trim(strings.TrimPrefix(trim(line), "#")); ok && strings.HasPrefix(trim(line), "#") && strings.HasPrefix(old, prefix) {
		if text != "" && old == prefix+text {
			return nil
		}
		end = l.pos
	}
	if text == "" {
		return e.replace(at, end, "")
	}
	comment := "# " + prefix + text + e.newline()
	if at > 0 && src.text[at-1] != '\n' {
		comment = e.newline() + strings.TrimSuffix(comment, e.newline())
	}
	return e.replace(at, end, comment)
}
