package config

import (
	"fmt"
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

// A Property is a key and its value. The key of a property of a section is
// in lower case, that of a sub-property as in the file.
type Property struct {
	Key   string
	Value Value
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
		set(&k.ID, l.find(keyID))
		set(&k.Secret, l.find(keySecret))
		if set(&k.Token, l.find(sessionToken)); k.Token.Text == "" {
			set(&k.Token, l.find(securityToken))
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

func set(to *Value, v *Value) {
	if v != nil {
		*to = *v
	}
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
