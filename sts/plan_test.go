package sts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/config"
)

// In the tables of plans R:x is the ARN of a role and M:x that of an MFA
// device.
var (
	longARNs  = strings.NewReplacer("R:", "arn:aws:iam::222222222222:role/", "M:", "arn:aws:iam::111111111111:mfa/")
	shortARNs = strings.NewReplacer("arn:aws:iam::222222222222:role/", "R:", "arn:aws:iam::111111111111:mfa/", "M:")
)

// A planTest says what comes of a profile.
type planTest struct {
	name        string
	config      string
	credentials string
	profile     string // "x" if empty
	stored      string // the profiles with a key in the keystore
	options     Options
	want        string // the steps, a line each
	notes       string // a line each
	err         string
}

func planOf(t testing.TB, tt planTest) (Plan, error) {
	t.Helper()
	files, err := config.Parse(config.Paths{Config: "config", Credentials: "credentials"},
		[]byte(longARNs.Replace(tt.config)), []byte(longARNs.Replace(tt.credentials)))
	if err != nil {
		t.Fatal(err)
	}
	if tt.profile == "" {
		tt.profile = "x"
	}
	chain, err := files.Chain(tt.profile)
	if err != nil {
		return Plan{}, err
	}
	o := tt.options
	o.MFASerial = longARNs.Replace(o.MFASerial)
	o.Stored = map[string]string{}
	for _, name := range strings.Fields(tt.stored) {
		o.Stored[name] = "AKIA-" + name
	}
	if o.SessionName == "" {
		o.SessionName = "me"
	}
	o.SSO = files.SSO
	return NewPlan(chain, o)
}

// print returns a step without what is as usual.
func (s Step) print() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", s.Action, s.Profile)
	add := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, " %s%s", key, value)
		}
	}
	add("", s.AccessKeyID)
	add("", s.RoleARN)
	add("runs=", s.Command)
	add("from=", s.Source+s.TokenFile+s.Login)
	if s.SSOStartURL != "" {
		fmt.Fprintf(&b, " %s/%s/%s/%s", s.SSOSession, s.SSOStartURL, s.SSOAccount, s.SSORole)
	}
	if s.Duration != 0 {
		add("", short(s.Duration))
	}
	add("mfa=", s.MFASerial)
	add("id=", s.ExternalID)
	if s.SessionName != "me" {
		add("as=", s.SessionName)
	}
	add("by=", s.SourceIdentity)
	for _, tag := range s.Tags {
		add("tag=", tag.Key+":"+tag.Value)
	}
	add("transitive=", strings.Join(s.TransitiveTagKeys, "+"))
	add("only=", strings.Join(s.PolicyARNs, "+"))
	add("at=", s.Endpoint)
	if s.Region != "us-east-1" {
		add("in=", s.Region)
	}
	return shortARNs.Replace(b.String())
}

func testPlans(t *testing.T, tests []planTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := planOf(t, tt)
			got := ""
			if err != nil {
				got = shortARNs.Replace(err.Error())
			}
			if got != tt.err {
				t.Fatalf("error %q, want %q", got, tt.err)
			}
			var steps []string
			for _, s := range plan.Steps {
				steps = append(steps, s.print())
				if s.Reason == "" {
					t.Errorf("%s has no reason", s.print())
				}
			}
			if want := lines(tt.want); !slices.Equal(steps, want) {
				t.Errorf("steps\n\t%s\nwant\n\t%s", strings.Join(steps, "\n\t"), strings.Join(want, "\n\t"))
			}
			notes := lines(shortARNs.Replace(strings.Join(plan.Notes, "\n")))
			if want := lines(tt.notes); !slices.Equal(notes, want) {
				t.Errorf("notes\n\t%s\nwant\n\t%s", strings.Join(notes, "\n\t"), strings.Join(want, "\n\t"))
			}
		})
	}
}

// lines returns the lines of s that are not empty, trimmed.
func lines(s string) []string {
	var list []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// base is a profile with a device; it has its key where a test says so.
const base = "[profile base]\nmfa_serial = M:alice\n"

const sharedSession = "StoredKeys base AKIA-base\nGetSessionToken base 8h mfa=M:alice\n"

func TestPlanKeys(t *testing.T) {
	testPlans(t, []planTest{
		{name: "keys alone", config: "[profile x]\n", stored: "x",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h"},
		{name: "keys and MFA", config: "[profile x]\nmfa_serial = M:alice", stored: "x",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h mfa=M:alice"},
		{name: "default", config: "[default]\n", profile: "default", stored: "default",
			want: "StoredKeys default AKIA-default\nGetSessionToken default 1h"},
		{name: "MFA in place of the profile's", config: "[profile x]\nmfa_serial = M:alice", stored: "x", options: Options{MFASerial: "M:other"},
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h mfa=M:other"},
		{name: "a device that is no ARN", config: "[profile x]\nmfa_serial = GAHT12345678", stored: "x",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h mfa=GAHT12345678"},
		{name: "no session", config: "[profile x]\nmfa_serial = M:alice", stored: "x", options: Options{NoSession: true},
			want: "StoredKeys x AKIA-x"},
		{name: "static in the credentials file", credentials: "[x]\naws_access_key_id = AKIA1\naws_secret_access_key = s",
			want:  "StaticKeys x AKIA1\nGetSessionToken x 1h",
			notes: `the key of profile "x" lies in clear in credentials`},
		{name: "static in the config file", config: "[profile x]\naws_access_key_id = AKIA1\naws_secret_access_key = s",
			want:  "StaticKeys x AKIA1\nGetSessionToken x 1h",
			notes: `the key of profile "x" lies in clear in config`},
		{name: "static, no session", credentials: "[x]\naws_access_key_id = AKIA1\naws_secret_access_key = s", options: Options{NoSession: true},
			want:  "StaticKeys x AKIA1",
			notes: `the key of profile "x" lies in clear in credentials`},
		{name: "stored and static", credentials: "[x]\naws_access_key_id = AKIA1\naws_secret_access_key = s", stored: "x",
			want:  "StoredKeys x AKIA-x\nGetSessionToken x 1h",
			notes: `the key of profile "x" in the keystore is used; credentials also holds one, in clear`},
		{name: "stored and half a static one", credentials: "[x]\naws_access_key_id = AKIA1", stored: "x",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h"},
		{name: "half a static key", credentials: "[x]\naws_access_key_id = AKIA1",
			err: `credentials:2: profile "x" has aws_access_key_id but no aws_secret_access_key`},
		{name: "half a static key at the source", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n[profile base]\naws_secret_access_key = s",
			err: `config:5: profile "base" has aws_secret_access_key but no aws_access_key_id`},
		{name: "temporary keys", credentials: "[x]\naws_access_key_id = ASIA1\naws_secret_access_key = s\naws_session_token = t",
			want:  "StaticKeys x ASIA1",
			notes: `the keys of profile "x" are temporary: when they end is not known`},
		{name: "temporary keys and MFA", config: "[profile x]\nmfa_serial = M:alice", credentials: "[x]\naws_access_key_id = ASIA1\naws_secret_access_key = s\naws_session_token = t",
			options: Options{Duration: 2 * time.Hour},
			want:    "StaticKeys x ASIA1",
			notes:   `the keys of profile "x" are temporary: when they end is not known`},
		{name: "no key", config: "[profile x]\n",
			err: `profile "x": no access key is stored for it`},
		{name: "a key under another name", config: "[profile x]\n", stored: "y",
			err: `profile "x": no access key is stored for it`},
		{name: "a source without a role", config: "[profile x]\nsource_profile = base\n" + base, stored: "base",
			err: `profile "x": source_profile (config:2) is of use with a role_arn only, and no access key is stored for it`},
		{name: "a source without a role, and a key", config: "[profile x]\nsource_profile = base\n" + base, stored: "x base",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h"},
		{name: "a process", config: "[profile x]\ncredential_process = /bin/false\n", want: "CredentialProcess x runs=/bin/false"},
		{name: "a process that is this program", config: "[profile x]\ncredential_process = self x\n",
			options: Options{Self: func(profile, command string) bool { return command == "self "+profile }},
			err:     `profile "x": no access key is stored for it`},
		{name: "a process that is this program for another", config: "[profile x]\ncredential_process = self y\n",
			options: Options{Self: func(profile, command string) bool { return command == "self "+profile }}, want: "CredentialProcess x runs=self y"},
		{name: "a process and a key", config: "[profile x]\ncredential_process = /bin/false\n", stored: "x",
			want: "StoredKeys x AKIA-x\nGetSessionToken x 1h"},
		{name: "a process at the source", config: "[profile x]\nrole_arn = R:dev\nsource_profile = p\n[profile p]\ncredential_process = /bin/false\n",
			want: "CredentialProcess p runs=/bin/false\nAssumeRole x R:dev 1h"},
		{name: "a process at the source, more than 1h", config: "[profile x]\nrole_arn = R:dev\nsource_profile = p\nduration_seconds = 7200\n[profile p]\ncredential_process = /bin/false\n",
			want:  "CredentialProcess p runs=/bin/false\nAssumeRole x R:dev 1h",
			notes: `a role assumed with temporary keys lasts at most 1h: "x" asked for 2h`},
	})
}

func TestPlanErrors(t *testing.T) {
	var (
		source   *SourceError
		setting  *SettingError
		duration *DurationError
		loop     *config.LoopError
	)
	tests := []struct {
		planTest
		as    any
		noKey bool
	}{
		{planTest{config: "[profile x]"}, &source, true},
		{planTest{config: "[profile x]\nsource_profile = base\n" + base}, &source, false},
		{planTest{config: "[profile x]\nsso_session = s"}, &source, false},
		{planTest{config: "[profile x]\nrole_arn = R:dev\ncredential_source = Moon"}, &setting, false},
		{planTest{config: "[profile x]\nrole_arn = nonsense", stored: "x"}, &setting, false},
		{planTest{config: "[profile x]", stored: "x", options: Options{Duration: time.Minute}}, &duration, false},
		{planTest{config: "[profile x]\nrole_arn = R:a\nsource_profile = y\n[profile y]\nrole_arn = R:b\nsource_profile = x"}, &loop, false},
	}
	for _, tt := range tests {
		_, err := planOf(t, tt.planTest)
		if !errors.As(err, tt.as) {
			t.Errorf("%q: error %T %v, want %T", tt.config, err, err, tt.as)
			continue
		}
		if tt.as == any(&source) && source.NoKey != tt.noKey {
			t.Errorf("%q: NoKey is %t", tt.config, source.NoKey)
		}
	}
}
