package config

import (
	"fmt"
	"slices"
)

// A Section is a section of the config file, or all those of one name merged.
type Section struct {
	Kind string // "profile", "sso-session" or "services"
	Name string

	layers  []layer    // the strongest first
	include *inclusion // the profile that it includes, nil if it includes none
}

// String names the section; its properties may be secrets.
func (s *Section) String() string { return fmt.Sprintf("%s %q", s.Kind, s.Name) }

// layer holds the properties that a section has from one file.
type layer struct {
	kind  FileKind
	file  string
	line  int            // of the first header
	props []Property     // the last one of a key counts
	byKey map[string]int // the last property of each key, nil where there are few
}

// fewProperties is up to how many properties are looked through one by one.
const fewProperties = 32

// addLayer adds the sections as a layer below the others. Memory that an
// earlier layer in its place had is used again.
func (s *Section) addLayer(src *source, sections []section) {
	if len(sections) == 0 {
		return
	}
	n := len(s.layers)
	s.layers = slices.Grow(s.layers, 1)[:n+1]
	l := &s.layers[n]
	*l = layer{kind: src.kind, file: src.path, line: sections[0].line, props: src.properties(l.props[:0], sections)}
	if len(l.props) > fewProperties {
		l.byKey = make(map[string]int, len(l.props))
		for i := range l.props {
			l.byKey[l.props[i].Key] = i
		}
	}
}

// find returns a property, nil where it is not set.
func (l *layer) find(key string) *Value {
	if l.byKey != nil {
		if i, ok := l.byKey[key]; ok {
			return &l.props[i].Value
		}
		return nil
	}
	for i := len(l.props) - 1; i >= 0; i-- {
		if p := &l.props[i]; p.Key == key {
			return &p.Value
		}
	}
	return nil
}

// find returns the property of the strongest layer that has it.
func find(layers []layer, key string) *Value {
	for i := range layers {
		if v := layers[i].find(key); v != nil {
			return v
		}
	}
	return nil
}

// find returns the property that Lookup does, nil where it is not set.
func (s *Section) find(key string) *Value {
	if v := find(s.layers, key); v != nil || s.include == nil {
		return v
	}
	return s.include.find(key)
}

// Where returns "file:line" of the section's first header, the config file's
// where both files have one.
func (s *Section) Where() string {
	if len(s.layers) == 0 {
		return ""
	}
	l := &s.layers[len(s.layers)-1]
	return fmt.Sprintf("%s:%d", l.file, l.line)
}

// Get returns the text of a property, "" where it is not set. Keys are lower
// case.
func (s *Section) Get(key string) string {
	if v := s.find(key); v != nil {
		return v.Text
	}
	return ""
}

// Own is Lookup without what include_profile brings in, of which the AWS CLI
// and the SDKs know nothing.
func (s *Section) Own(key string) (Value, bool) {
	if v := find(s.layers, key); v != nil {
		return *v, true
	}
	return Value{}, false
}

// Lookup returns a property and whether the files define it.
func (s *Section) Lookup(key string) (Value, bool) {
	if v := s.find(key); v != nil {
		return *v, true
	}
	return Value{}, false
}

// Shadowed returns the definitions of a property that Lookup's wins over, the
// strongest first: those of the config file or of included profiles.
func (s *Section) Shadowed(key string) []Value {
	var values []Value
	for l, included := range s.all {
		if v := l.find(key); v != nil && !(included && isStaticKey(key)) {
			values = append(values, *v)
		}
	}
	if len(values) < 2 {
		return nil
	}
	return values[1:]
}

// all yields the section's layers and those of the profiles that it includes,
// the strongest first.
func (s *Section) all(yield func(l *layer, included bool) bool) {
	for i := range s.layers {
		if !yield(&s.layers[i], false) {
			return
		}
	}
	for n := s.include; n != nil; n = n.next {
		for i := range n.layers {
			if !yield(&n.layers[i], true) {
				return
			}
		}
	}
}

// Keys returns the keys of all properties that the files define, those
// unknown to vault too, sorted.
func (s *Section) Keys() []string {
	var keys []string
	for l, included := range s.all {
		for i := range l.props {
			if key := l.props[i].Key; !included || !isStaticKey(key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
