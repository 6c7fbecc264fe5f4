package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestChain(t *testing.T) {
	const role = "role_arn = arn:aws:iam::123456789012:role/r\n"
	const keys = "aws_access_key_id = AKIA\naws_secret_access_key = s\n"
	tests := []struct {
		name   string
		config string
		want   string // names of the chain of "a"
		err    string
		loop   []string
		wraps  bool // a NotFoundError
	}{
		{name: "alone", config: "[profile a]\n", want: "a"},
		{name: "empty source", config: "[profile a]\nsource_profile =\n", want: "a"},
		{name: "two", config: "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + keys, want: "a b"},
		{name: "three", config: "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + role + "source_profile = c\n[profile c]\n", want: "a b c"},
		{name: "default", config: "[profile a]\nsource_profile = default\n[default]\n" + keys, want: "a default"},
		{name: "own source", config: "[profile a]\n" + role + keys + "source_profile = a\n", want: "a"},
		{name: "own source further on", config: "[profile a]\nsource_profile = b\n[profile b]\n" + role + keys + "source_profile = b\n", want: "a b"},
		{name: "own keys of the selected one", config: "[profile a]\n" + role + keys + "source_profile = b\n[profile b]\n", want: "a b"},
		{name: "keys end the chain", config: "[profile a]\nsource_profile = b\n[profile b]\n" + role + keys + "source_profile = c\n[profile c]\n" + keys, want: "a b"},
		{name: "keys end the chain before a loop", config: "[profile a]\nsource_profile = b\n[profile b]\n" + role + keys + "source_profile = a\n", want: "a b"},
		{name: "without a role the source of a profile with keys does not count", config: "[profile a]\n" + keys + "source_profile = x\n", want: "a"},
		{name: "without a role the source of a profile that names another does not count", config: "[profile a]\n" + role + "source_profile = b\n[profile b]\ncredential_process = p\nsource_profile = a\n", want: "a b"},
		{name: "half a pair does not", config: "[profile a]\nsource_profile = b\n[profile b]\naws_access_key_id = AKIA\nsource_profile = c\n[profile c]\n", want: "a b c"},
		{name: "loop of two", config: "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = a\n",
			err: "source_profile loop: a -> b -> a", loop: []string{"a", "b"}},
		{name: "loop of two with keys in the selected one", config: "[profile a]\n" + role + keys + "source_profile = b\n[profile b]\n" + role + "source_profile = a\n",
			err: "source_profile loop: a -> b -> a", loop: []string{"a", "b"}},
		{name: "loop of three", config: "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = c\n[profile c]\nsource_profile = a\n",
			err: "source_profile loop: a -> b -> c -> a", loop: []string{"a", "b", "c"}},
		{name: "loop further on", config: "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = c\n[profile c]\nsource_profile = b\n",
			err: "source_profile loop: b -> c -> b", loop: []string{"b", "c"}},
		{name: "no such profile", config: "[profile ab]\n", err: `no profile "a"`, wraps: true},
		{name: "missing source", config: "[profile a]\nregion = r\nsource_profile = x\n",
			err: `config:3: source_profile of profile "a": no profile "x"`, wraps: true},
		{name: "missing source further on", config: "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = x\n",
			err: `config:4: source_profile of profile "b": no profile "x"`, wraps: true},

		{name: "included source", config: "[profile a]\ninclude_profile = b\n[profile b]\nsource_profile = c\n[profile c]\n", want: "a c"},
		{name: "own source is stronger than the included one", config: "[profile a]\ninclude_profile = b\nsource_profile = d\n[profile b]\nsource_profile = c\n[profile d]\n", want: "a d"},
		{name: "source includes", config: "[profile a]\nsource_profile = b\n[profile b]\ninclude_profile = c\n[profile c]\nsource_profile = d\n[profile d]\n", want: "a b d"},
		{name: "included keys do not count", config: "[profile a]\nsource_profile = b\n[profile b]\ninclude_profile = c\nsource_profile = d\n[profile c]\n" + keys + "[profile d]\n", want: "a b d"},
		{name: "include loop of one", config: "[profile a]\ninclude_profile = a\n",
			err: `config:2: include_profile of profile "a": include_profile loop: a -> a`, loop: []string{"a"}},
		{name: "include loop of two", config: "[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = a\n",
			err: `config:4: include_profile of profile "b": include_profile loop: a -> b -> a`, loop: []string{"a", "b"}},
		{name: "include loop of three, further on", config: "[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = c\n[profile c]\ninclude_profile = d\n[profile d]\ninclude_profile = b\n",
			err: `config:8: include_profile of profile "d": include_profile loop: b -> c -> d -> b`, loop: []string{"b", "c", "d"}},
		{name: "include missing", config: "[profile a]\ninclude_profile = b\n",
			err: `config:2: include_profile of profile "a": no profile "b"`, wraps: true},
		{name: "include missing in a source", config: "[profile a]\nsource_profile = b\n[profile b]\ninclude_profile = x\n",
			err: `config:2: source_profile of profile "a": config:4: include_profile of profile "b": no profile "x"`, wraps: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			chain, err := mustParse(t, test.config, "").Chain("a")
			var loop *LoopError
			if errors.As(err, &loop); test.loop != nil && (loop == nil || !slices.Equal(loop.Names, test.loop)) {
				t.Errorf("got loop %+v, want of %v", loop, test.loop)
			}
			var notFound *NotFoundError
			if errors.As(err, &notFound) != test.wraps {
				t.Errorf("got %v, want a NotFoundError: %v", err, test.wraps)
			}
			if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
				t.Errorf("got error %v, want %q", err, test.err)
			}
			var names []string
			for _, p := range chain {
				names = append(names, p.Name)
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestLongChain(t *testing.T) {
	var b strings.Builder
	const n = 10_000
	for i := range n {
		fmt.Fprintf(&b, "[profile p%d]\nsource_profile = p%d\n", i, (i+1)%n)
	}
	f := mustParse(t, b.String(), "")
	_, err := f.Chain("p0")
	var loop *LoopError
	if !errors.As(err, &loop) || len(loop.Names) != n {
		t.Fatalf("got %.80v, want a loop of %d", err, n)
	}
}

func TestInclude(t *testing.T) {
	f := mustParse(t, `[profile a]
include_profile = b
region = r1
[profile b]
include_profile = c
region = r2
mfa_serial = m2
aws_access_key_id = AKIA
[profile c]
mfa_serial = m3
output = json
`, "[b]\naws_secret_access_key = s\nduration_seconds = 900\n")
	p, err := f.Profile("a")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range p.Keys() {
		v, _ := p.Lookup(key)
		got = append(got, key+"="+v.Text+" "+v.Where())
	}
	want := []string{
		"duration_seconds=900 credentials:3",
		"include_profile=b config:2",
		"mfa_serial=m2 config:7",
		"output=json config:11",
		"region=r1 config:3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := fmt.Sprint(p.Shadowed("region")); got != "[{r2 config 6 []}]" {
		t.Errorf("shadowed: got %s", got)
	}
	if _, ok, err := p.StaticKeys(); ok || err != nil {
		t.Errorf("static keys: got %v, %v, want those of no included profile", ok, err)
	}
	if p.Where() != "config:1" {
		t.Errorf("got %s", p.Where())
	}
}

func TestStaticKeys(t *testing.T) {
	tests := []struct {
		name                string
		config, credentials string
		want                string
		err                 string
	}{
		{name: "none", config: "region = r"},
		{name: "empty", config: "aws_access_key_id =\naws_secret_access_key ="},
		{name: "credentials", credentials: "aws_access_key_id = i\naws_secret_access_key = s", want: "i credentials:2 s credentials:3 '' credentials"},
		{name: "config", config: "aws_access_key_id = i\naws_secret_access_key = s\naws_session_token = t", want: "i config:2 s config:3 't' config"},
		{name: "both", config: "aws_access_key_id = i\naws_secret_access_key = s\naws_session_token = t",
			credentials: "aws_secret_access_key = s2\naws_access_key_id = i2", want: "i2 credentials:3 s2 credentials:2 '' credentials"},
		{name: "stray half below a pair", config: "aws_access_key_id = i",
			credentials: "aws_secret_access_key = s2\naws_access_key_id = i2", want: "i2 credentials:3 s2 credentials:2 '' credentials"},
		{name: "id in config, secret in credentials", config: "aws_access_key_id = i", credentials: "aws_secret_access_key = s", want: "i config:2 s credentials:2 '' credentials"},
		{name: "secret in config, id in credentials", config: "aws_secret_access_key = s", credentials: "aws_access_key_id = i", want: "i credentials:2 s config:2 '' config"},
		{name: "split, with a token", config: "aws_access_key_id = i\naws_session_token = t", credentials: "aws_secret_access_key = s", want: "i config:2 s credentials:2 't' credentials"},
		{name: "old name of the token", credentials: "aws_access_key_id = i\naws_secret_access_key = s\naws_security_token = t", want: "i credentials:2 s credentials:3 't' credentials"},
		{name: "half above a pair", config: "aws_access_key_id = i\naws_secret_access_key = s", credentials: "aws_access_key_id = i2",
			err: `credentials:2: profile "a" has aws_access_key_id but no aws_secret_access_key`},
		{name: "id only", config: "aws_access_key_id = i", err: `config:2: profile "a" has aws_access_key_id but no aws_secret_access_key`},
		{name: "secret only", credentials: "x=y\naws_secret_access_key = i\naws_access_key_id=", err: `credentials:3: profile "a" has aws_secret_access_key but no aws_access_key_id`},
		{name: "id twice", config: "aws_access_key_id = i", credentials: "aws_access_key_id = i", err: `credentials:2: profile "a" has aws_access_key_id but no aws_secret_access_key`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := mustParse(t, "[profile a]\n"+test.config, "[a]\n"+test.credentials)
			p, err := f.Profile("a")
			if err != nil {
				t.Fatal(err)
			}
			k, ok, err := p.StaticKeys()
			if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
				t.Fatalf("got error %v, want %q", err, test.err)
			}
			var got string
			if ok {
				file := map[FileKind]string{ConfigFile: "config", CredentialsFile: "credentials"}[k.File]
				got = fmt.Sprintf("%s %s %s %s '%s' %s", k.ID.Text, k.ID.Where(), k.Secret.Text, k.Secret.Where(), k.Token.Text, file)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	f := mustParse(t, "", "[a]\naws_access_key_id = AKIA\naws_secret_access_key = hush\naws_session_token = hush\n")
	p, err := f.Profile("a")
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := p.StaticKeys()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%v %+v", p, k), `profile "a" AKIA (credentials:3)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, key := range p.Keys() {
		if IsSecret(key) != (p.Get(key) == "hush") {
			t.Errorf("IsSecret(%q) is %v", key, IsSecret(key))
		}
	}
}

func TestRoleSource(t *testing.T) {
	tests := []struct{ props, want, err string }{
		{"role_arn = r\nsource_profile = b", "source_profile", ""},
		{"role_arn = r\ncredential_source = Environment\nsource_profile =", "credential_source", ""},
		{"role_arn = r\nweb_identity_token_file = f", "web_identity_token_file", ""},
		{"role_arn = r\nweb_identity_token_process = f", "web_identity_token_process", ""},
		{"source_profile = b", "", `profile "a" has no role_arn`},
		{"region = x\nrole_arn = r", "", `config:3: profile "a" has role_arn but neither source_profile, credential_source nor web_identity_token_file`},
		{"role_arn = r\ncredential_source = x\nsource_profile = b", "", `config:3: profile "a" has both source_profile and credential_source`},
	}
	for _, test := range tests {
		p, err := mustParse(t, "[profile a]\n"+test.props, "").Profile("a")
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.RoleSource()
		if got != test.want || fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
			t.Errorf("%q: got %q, %v; want %q, %s", test.props, got, err, test.want, test.err)
		}
	}
}

func TestSSO(t *testing.T) {
	const session = "\n[sso-session s]\nsso_start_url = u\nsso_region = r\nsso_registration_scopes = sso:account:access\n"
	tests := []struct{ name, config, want, err string }{
		{"none", "region = x", "<nil>", ""},
		{"session", "sso_session = s\nsso_account_id = 1\nsso_role_name = n" + session, "&{s u r sso:account:access 1 n}", ""},
		{"token only", "sso_session = s" + session, "&{s u r sso:account:access  }", ""},
		{"older form", "sso_start_url = u\nsso_region = r\nsso_account_id = 1\nsso_role_name = n", "&{ u r  1 n}", ""},
		{"session and the same again", "sso_session = s\nsso_start_url = u\nsso_region = r" + session, "&{s u r sso:account:access  }", ""},
		{"no such session", "sso_session = t" + session, "<nil>", `config:2: sso_session of profile "a": no section [sso-session t]`},
		{"another URL", "sso_session = s\nsso_start_url = v" + session, "<nil>", `config:3: profile "a" has another sso_start_url than its sso-session "s" (config:5)`},
		{"another region", "sso_session = s\nsso_region = v" + session, "<nil>", `config:3: profile "a" has another sso_region than its sso-session "s" (config:6)`},
		{"session without region", "sso_session = s\n[sso-session s]\nsso_start_url = u\n", "<nil>", `config:3: sso-session "s" lacks sso_region`},
		{"session without URL", "sso_session = s\n[sso-session s]\nsso_region = u\n", "<nil>", `config:3: sso-session "s" lacks sso_start_url`},
		{"no region", "sso_start_url = u", "<nil>", `config:1: profile "a" lacks sso_region`},
		{"no URL", "sso_account_id = u\nsso_region = r", "<nil>", `config:1: profile "a" lacks sso_start_url`},
		{"no role", "sso_session = s\nsso_account_id = 1" + session, "<nil>", `config:1: profile "a" lacks sso_role_name`},
		{"no account", "sso_session = s\nsso_role_name = 1" + session, "<nil>", `config:1: profile "a" lacks sso_account_id`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := mustParse(t, "[profile a]\n"+test.config, "")
			p, err := f.Profile("a")
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.SSO(p)
			if got := fmt.Sprint(s); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
				t.Errorf("got error %v, want %q", err, test.err)
			}
		})
	}
}
