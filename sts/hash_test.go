package sts

import (
	"reflect"
	"testing"
	"time"
)

// Every field of a step that decides what it gives is in its hash.
func TestHashFields(t *testing.T) {
	without := map[string]bool{"Asked": true, "Profile": true, "Reason": true, "Region": true}
	key := Step{Action: StoredKeys, AccessKeyID: "AKIA1"}
	plain := Plan{Steps: []Step{key, {Action: AssumeRole}}}
	for i := range reflect.TypeFor[Step]().NumField() {
		var s Step
		s.Action = AssumeRole
		field := reflect.ValueOf(&s).Elem().Field(i)
		switch v := field.Addr().Interface().(type) {
		case *Action:
			*v = GetSessionToken
		case *string:
			*v = "1"
		case *time.Duration:
			*v = time.Hour
		case *bool:
			*v = true
		case *[]string:
			*v = []string{"1"}
		case *[]Tag:
			*v = []Tag{{"1", "2"}}
		default:
			t.Fatalf("a field of type %s: say here how to change it", field.Type())
		}
		name := reflect.TypeFor[Step]().Field(i).Name
		same := Plan{Steps: []Step{key, s}}.Hash(1) == plain.Hash(1)
		if same != without[name] {
			t.Errorf("%s: the hash is the same: %t", name, same)
		}
		// And in the hash of all steps after it.
		after := Plan{Steps: []Step{key, s, {Action: AssumeRole}}}.Hash(2)
		if same := after == (Plan{Steps: []Step{key, {Action: AssumeRole}, {Action: AssumeRole}}}.Hash(2)); same != without[name] {
			t.Errorf("%s: the hash of the next step is the same: %t", name, same)
		}
	}
}

func TestHashBorders(t *testing.T) {
	hashes := map[string]string{}
	for name, steps := range map[string][]Step{
		"role and id":     {{RoleARN: "a", ExternalID: "b"}},
		"role":            {{RoleARN: "ab"}},
		"two tags":        {{Tags: []Tag{{"a", "b"}, {"c", "d"}}}},
		"one tag":         {{Tags: []Tag{{"a", "b,c=d"}}}},
		"tags turned":     {{Tags: []Tag{{"c", "d"}, {"a", "b"}}}},
		"one step":        {{RoleARN: "a\n"}},
		"two steps":       {{RoleARN: "a"}, {}},
		"two other steps": {{}, {RoleARN: "a"}},
	} {
		h := Plan{Steps: steps}.Hash(len(steps) - 1)
		if other, ok := hashes[h]; ok {
			t.Errorf("%s and %s have one hash", name, other)
		}
		hashes[h] = name
	}
}

// The session of a key is shared by all that need the same one, and by no
// others.
func TestHashShared(t *testing.T) {
	const text = `[profile base]
mfa_serial = M:alice
[profile dev]
role_arn = R:dev
source_profile = base
region = eu-west-1
[profile prod]
role_arn = R:prod
source_profile = base
mfa_serial = M:alice
external_id = e
[profile deep]
role_arn = R:deep
source_profile = dev
[profile other]
role_arn = R:other
source_profile = base
mfa_serial = M:other
[profile plain]
role_arn = R:dev
source_profile = key
[profile key]
`
	session := func(tt planTest) string {
		t.Helper()
		plan, err := planOf(t, tt)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range plan.Steps {
			if s.Action == GetSessionToken {
				return plan.Hash(i)
			}
		}
		t.Fatalf("profile %q makes no session", tt.profile)
		return ""
	}
	dev := session(planTest{config: text, stored: "base", profile: "dev"})
	for _, name := range []string{"prod", "deep"} {
		if session(planTest{config: text, stored: "base", profile: name}) != dev {
			t.Errorf("%s and dev do not share the session of their key", name)
		}
	}
	for name, tt := range map[string]planTest{
		"another device":       {config: text, stored: "base", profile: "other"},
		"no device":            {config: text, stored: "base", profile: "dev", options: Options{MFASerial: "M:x"}},
		"another key":          {config: text, stored: "key", profile: "plain"},
		"a key of the role":    {config: text, stored: "base dev", profile: "dev"},
		"another life":         {config: text, stored: "base", profile: "dev", options: Options{ChainedTTL: 2 * time.Hour}},
		"what the shell gets":  {config: text, stored: "base", profile: "base"},
		"an mfa_serial is new": {config: "[profile base]\n" + text[len("[profile base]\nmfa_serial = M:alice\n"):], stored: "base", profile: "dev"},
	} {
		if session(tt) == dev {
			t.Errorf("%s: the session is shared with dev", name)
		}
	}
	// One role under two names is one role.
	twice := "[profile a]\nrole_arn = R:dev\nsource_profile = base\nregion = eu-west-1\n[profile b]\nrole_arn = R:dev\nsource_profile = base\n" + base
	a, _ := planOf(t, planTest{config: twice, stored: "base", profile: "a"})
	b, _ := planOf(t, planTest{config: twice, stored: "base", profile: "b"})
	if a.Hash(2) != b.Hash(2) {
		t.Error("one role has two hashes under two names")
	}
}
