package config

import (
	"fmt"
	"slices"
	"strings"
)

// A Value is what a property holds, and where it stands.
//
// The lines of a continued value are joined with newlines. A property with
// nothing after its "=" and indented lines below it is nested: Sub has these
// lines, and Text the same as a continued value, with a newline before each.
type Value struct {
	Text string
	File string
	Line int
	Sub  []Property // in the order of the file, each key once
}

// Where returns "file:line".
func (v Value) Where() string { return fmt.Sprintf("%s:%d", v.File, v.Line) }

// SubValue returns the sub-property with that key, whatever its case.
func (v Value) SubValue(key string) (Value, bool) {
	for _, p := range v.Sub {
		if strings.EqualFold(p.Key, key) {
			return p.Value, true
		}
	}
	return Value{}, false
}

// setSub appends p, or replaces the one with its key.
func (v *Value) setSub(p Property) {
	for i := range v.Sub {
		if strings.EqualFold(v.Sub[i].Key, p.Key) {
			v.Sub[i].Value = p.Value
			return
		}
	}
	v.Sub = append(v.Sub, p)
}

// A Property is a key and its value. The key of a property of a section is
// in lower case, that of a sub-property as in the file.
type Property struct {
	Key   string
	Value Value
}

// A Section is a section of the config file, or all those of one name merged.
type Section struct {
	Kind string // "profile", "sso-session" or "services"
	Name string

	layers []layer // the strongest first
}

// String names the section; its properties may be secrets.
func (s *Section) String() string { return fmt.Sprintf("%s %q", s.Kind, s.Name) }

// layer holds the properties that a section has from one file.
type layer struct {
	kind     FileKind
	included bool // through include_profile
	file     string
	line     int        // of the first header
	props    []Property // the last one of a key counts
}

func (s *Section) addLayer(src *source, sections []section) {
	if len(sections) > 0 {
		s.layers = append(s.layers, layer{
			kind: src.kind, file: src.path, line: sections[0].line,
			props: src.properties(sections),
		})
	}
}

func (l *layer) lookup(key string) (Value, bool) {
	if l.included && isStaticKey(key) {
		return Value{}, false
	}
	for i := len(l.props) - 1; i >= 0; i-- {
		if l.props[i].Key == key {
			return l.props[i].Value, true
		}
	}
	return Value{}, false
}

// Where returns "file:line" of the section's first header, the config file's
// where both files have one.
func (s *Section) Where() string {
	var at string
	for i := range s.layers {
		if l := &s.layers[i]; !l.included {
			at = fmt.Sprintf("%s:%d", l.file, l.line)
		}
	}
	return at
}

// Get returns the text of a property, "" where it is not set. Keys are lower
// case.
func (s *Section) Get(key string) string {
	v, _ := s.Lookup(key)
	return v.Text
}

// Lookup returns a property and whether the files define it.
func (s *Section) Lookup(key string) (Value, bool) {
	for i := range s.layers {
		if v, ok := s.layers[i].lookup(key); ok {
			return v, true
		}
	}
	return Value{}, false
}

// Shadowed returns the definitions of a property that Lookup's wins over, the
// strongest first: those of the config file or of included profiles.
func (s *Section) Shadowed(key string) []Value {
	var values []Value
	for i := range s.layers {
		if v, ok := s.layers[i].lookup(key); ok {
			values = append(values, v)
		}
	}
	if len(values) < 2 {
		return nil
	}
	return values[1:]
}

// Keys returns the keys of all properties that the files define, those
// unknown to vault too, sorted.
func (s *Section) Keys() []string {
	var keys []string
	for i := range s.layers {
		l := &s.layers[i]
		for _, p := range l.props {
			if !l.included || !isStaticKey(p.Key) {
				keys = append(keys, p.Key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// A Profile is what both files, and the profiles that it includes, say of one
// profile.
type Profile struct{ Section }

// Region returns the profile's own region, "" where it has none. It is never
// taken from source_profile or sso_region.
func (p *Profile) Region() string { return p.Get("region") }

const (
	keyID         = "aws_access_key_id"
	keySecret     = "aws_secret_access_key"
	sessionToken  = "aws_session_token"
	securityToken = "aws_security_token" // its name in old files, which the AWS CLI still reads
)

// IsSecret reports whether the value of a property must not be shown.
func IsSecret(key string) bool {
	return key == keySecret || key == sessionToken || key == securityToken
}

func isStaticKey(key string) bool {
	return key == keyID || IsSecret(key)
}

// StaticKeys are the access keys that stand in clear in one of the files.
type StaticKeys struct {
	ID, Secret, Token Value    // Token is empty for long-lived keys
	File              FileKind // the one with the secret
}

// String tells which keys they are and where, not the secret.
func (k StaticKeys) String() string { return fmt.Sprintf("%s (%s)", k.ID.Text, k.Secret.Where()) }

// StaticKeys returns the profile's access keys and whether it has any. A pair
// in the credentials file wins over one in the config file; an id in one file
// and a secret in the other make a pair too, as they do in the SDKs. One
// without the other is an error that says where it stands. Keys of included
// profiles do not count: aws-vault's include_profile never brought any.
func (p *Profile) StaticKeys() (StaticKeys, bool, error) {
	var half []StaticKeys // what is in a file that has one of the two
	for i := range p.layers {
		l := &p.layers[i]
		k := StaticKeys{File: l.kind}
		k.ID, _ = l.lookup(keyID)
		k.Secret, _ = l.lookup(keySecret)
		if k.Token, _ = l.lookup(sessionToken); k.Token.Text == "" {
			k.Token, _ = l.lookup(securityToken)
		}
		switch hasID, hasSecret := k.ID.Text != "", k.Secret.Text != ""; {
		case hasID && hasSecret && half == nil:
			return k, true, nil
		case hasID || hasSecret:
			half = append(half, k)
		}
	}
	switch {
	case len(half) == 0:
		return StaticKeys{}, false, nil
	case len(half) == 2 && half[0].ID.Text == "" && half[1].Secret.Text == "":
		half[0].ID = half[1].ID
		return half[0].orToken(half[1]), true, nil
	case len(half) == 2 && half[0].Secret.Text == "" && half[1].ID.Text == "":
		half[1].ID = half[0].ID
		return half[1].orToken(half[0]), true, nil
	case half[0].ID.Text != "":
		return StaticKeys{}, false, partial(p.Name, half[0].ID, keyID, keySecret)
	}
	return StaticKeys{}, false, partial(p.Name, half[0].Secret, keySecret, keyID)
}

// orToken returns k, with other's token if it has none.
func (k StaticKeys) orToken(other StaticKeys) StaticKeys {
	if k.Token.Text == "" {
		k.Token = other.Token
	}
	return k
}

func partial(name string, v Value, has, lacks string) error {
	return fmt.Errorf("%s: profile %q has %s but no %s", v.Where(), name, has, lacks)
}

// RoleSource returns which property says where the credentials for role_arn
// come from: source_profile, credential_source, web_identity_token_file or
// aws-vault's web_identity_token_process. Exactly one must be set (AWS SDKs and
// Tools Reference Guide, page "Assume role credential provider").
func (p *Profile) RoleSource() (string, error) {
	role, ok := p.Lookup("role_arn")
	if !ok || role.Text == "" {
		return "", fmt.Errorf("profile %q has no role_arn", p.Name)
	}
	var set []string
	for _, key := range []string{"source_profile", "credential_source", "web_identity_token_file", "web_identity_token_process"} {
		if p.Get(key) != "" {
			set = append(set, key)
		}
	}
	switch len(set) {
	case 0:
		return "", fmt.Errorf("%s: profile %q has role_arn but neither source_profile, credential_source nor web_identity_token_file", role.Where(), p.Name)
	case 1:
		return set[0], nil
	}
	v, _ := p.Lookup(set[1])
	return "", fmt.Errorf("%s: profile %q has both %s", v.Where(), p.Name, strings.Join(set, " and "))
}
