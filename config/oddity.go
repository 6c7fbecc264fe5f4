package config

import (
	"fmt"
	"slices"
)

// An Oddity is a section that is hardly what its author meant.
type Oddity struct {
	File    string
	Line    int
	Why     string
	Ignored bool // nothing in it is read
}

// cliSections are those of the config file that the AWS CLI reads and no SDK.
var cliSections = []string{"plugins", "preview"}

// Oddities returns the sections that stand twice, and those that are ignored
// and would be profiles if they were written otherwise.
func (f *Files) Oddities() []Oddity {
	var list []Oddity
	for _, src := range []*source{f.config, f.credentials} {
		x := src.index() // which links the sections of one name, too
		for i := range src.sections {
			s := &src.sections[i]
			if s.kind == sectionBareDefault && x.last(src.sections, sectionProfile, s.name) >= 0 {
				list = append(list, Oddity{File: src.path, Line: s.line, Why: "[default] is not used: there is [profile default]", Ignored: true})
				continue
			}
			if s.prev >= 0 && s.kind != sectionIgnored {
				why := fmt.Sprintf("%q stands in line %d already: the AWS CLI refuses the file, the SDKs merge the two", s.name, src.sections[s.prev].line)
				list = append(list, Oddity{File: src.path, Line: s.line, Why: why})
				continue
			}
			if slices.Contains(cliSections, s.name) {
				continue
			}
			_, rest := cutBlank(s.name)
			for _, name := range []string{rest, s.name} {
				if why := s.almost(src.kind, name); why != "" {
					list = append(list, Oddity{File: src.path, Line: s.line, Why: why, Ignored: true})
					break
				}
			}
		}
	}
	return list
}
