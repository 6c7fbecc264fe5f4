package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestProvenance(t *testing.T) {
	f := mustParse(t, "# c\n[profile a]\nx = 1\n\ns3 =\n  One = 1\n  # c\n  two = 2 # c\n  ONE = 3\nx = 2\n 3\n", "[b]\n[a]\nx = 4\n")
	p, err := f.Profile("a")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		got, want any
	}{
		{"profile", p.Where(), "config:2"},
		{"credentials win", mustLookup(t, p, "x").Where(), "credentials:3"},
		{"shadowed", fmt.Sprint(p.Shadowed("x")), fmt.Sprint([]Value{{Text: "2\n3", File: "config", Line: 10}})},
		{"not shadowed", len(p.Shadowed("s3")), 0},
		{"nested", fmt.Sprint(mustLookup(t, p, "s3")), fmt.Sprint(Value{Text: "\nOne = 1\ntwo = 2 # c\nONE = 3", File: "config", Line: 5, Sub: []Property{
			{"One", Value{Text: "3", File: "config", Line: 9}},
			{"two", Value{Text: "2 # c", File: "config", Line: 8}},
		}})},
		{"no such property", p.Get("nosuch"), ""},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, test.got, test.want)
		}
	}
	s3 := mustLookup(t, p, "s3")
	if v, ok := s3.SubValue("oNe"); !ok || v.Text != "3" {
		t.Errorf("SubValue: got %v, %v", v, ok)
	}
	if _, ok := s3.SubValue("three"); ok {
		t.Error("SubValue found a key that is not there")
	}
	if _, ok := p.Lookup("nosuch"); ok {
		t.Error("Lookup found a key that is not there")
	}
}

func mustLookup(t *testing.T, p *Profile, key string) Value {
	t.Helper()
	v, ok := p.Lookup(key)
	if !ok {
		t.Fatalf("profile %q has no %s", p.Name, key)
	}
	return v
}

func TestSection(t *testing.T) {
	f := mustParse(t, "[sso-session corp]\nsso_region = r1\n[services corp]\nsts =\n endpoint_url = u\n[sso-session corp]\nsso_region = r2\n[sso-session in valid]\n", "")
	if s := f.Section("sso-session", "corp"); s == nil || s.Get("sso_region") != "r2" || s.Where() != "config:1" {
		t.Errorf("sso-session: got %+v", s)
	}
	if s := f.Section("services", "corp"); s == nil || s.Get("sts") != "\nendpoint_url = u" {
		t.Errorf("services: got %+v", s)
	}
	for _, kind := range []string{"sso-session", "services", "profile", "other"} {
		if s := f.Section(kind, "in valid"); s != nil {
			t.Errorf("%s: got %+v, want nil", kind, s)
		}
	}
}

// Sections of different kinds may have the same name.
func TestSectionsOfOneName(t *testing.T) {
	const n = 300
	text := ""
	for i := range n {
		text += fmt.Sprintf("[profile s%d]\nx = profile\n[%s s%[1]d]\nx = %[2]s\n", i, []string{"sso-session", "services"}[i%2])
	}
	f := mustParse(t, text, "")
	for i := range n {
		name := fmt.Sprint("s", i)
		if p, err := f.Profile(name); err != nil || p.Get("x") != "profile" {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
		there, missing := "sso-session", "services"
		if i%2 == 1 {
			there, missing = missing, there
		}
		if s := f.Section(there, name); s == nil || s.Get("x") != there {
			t.Errorf("%s %s: got %v", there, name, s)
		}
		if s := f.Section(missing, name); s != nil {
			t.Errorf("%s %s: got %v, want none", missing, name, s)
		}
	}
}

func TestNotFound(t *testing.T) {
	f := mustParse(t, "[profile prod]\n[profile prod-eu]\n[staging]\n[profile a b]\n", "[profile keys]\n[x y]\n")
	tests := []struct {
		name, err string
		near      []string
	}{
		{"prd", `no profile "prd"`, []string{"prod"}},
		{"pro", `no profile "pro"`, []string{"prod", "prod-eu"}},
		{"zzz", `no profile "zzz"`, nil},
		{"", `no profile ""`, nil},
		{"staging", `no profile "staging": config:3: [staging] is not a profile in this file, [profile staging] would be`, nil},
		{"keys", `no profile "keys": credentials:1: [profile keys] is not a profile in this file, [keys] would be`, nil},
		{"a b", `no profile "a b": config:4: a profile name with other letters than A-Z a-z 0-9 - / . % @ _ : + must stand in quotes`, nil},
		{"x y", `no profile "x y": credentials:2: a profile name with other letters than A-Z a-z 0-9 - / . % @ _ : + must stand in the config file, in quotes`, nil},
	}
	for _, test := range tests {
		_, err := f.Profile(test.name)
		var notFound *NotFoundError
		if !errors.As(err, &notFound) || err.Error() != test.err || !slices.Equal(notFound.Near, test.near) {
			t.Errorf("%q: got %v, near %v\nwant %s, near %v", test.name, err, notFound.Near, test.err, test.near)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	p := Paths{filepath.Join(dir, "config"), filepath.Join(dir, "credentials")}
	f, err := Load(p)
	if err != nil || len(f.Names()) != 0 {
		t.Fatalf("missing files: got %v, %v", f, err)
	}
	if names, err := ScanNames(p, ""); err != nil || len(names) != 0 {
		t.Fatalf("missing files: got %v, %v", names, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Fatalf("reading created %v", entries)
	}
	write(t, p.Config, "[profile b]\n[default]\nregion = r\n")
	write(t, p.Credentials, "[a]\n[default]\n")
	f, err = Load(p)
	if err != nil || !slices.Equal(f.Names(), []string{"a", "b", "default"}) {
		t.Fatalf("got %v, %v", f.Names(), err)
	}
	if names, err := ScanNames(p, ""); err != nil || !slices.Equal(names, f.Names()) {
		t.Fatalf("ScanNames: got %v, %v", names, err)
	}
	if d, err := f.Profile("default"); err != nil || mustLookup(t, d, "region").Where() != p.Config+":3" {
		t.Fatalf("got %v, %v", d, err)
	}
	write(t, p.Credentials, "[a]\nsecret-of-mine\n")
	_, err = Load(p)
	if want := p.Credentials + ":2: expected an '=' sign defining a property"; err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	for _, bad := range []Paths{{Config: dir}, {Credentials: dir}} {
		_, err := Load(bad)
		var parseErr *ParseError
		if want := dir + ": is a directory"; !errors.As(err, &parseErr) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := ScanNames(bad, ""); !errors.As(err, &parseErr) {
			t.Errorf("ScanNames: got %v", err)
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// env returns a getenv for a few variables: "A=1", "B=".
func env(vars ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, v := range vars {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

func TestLocate(t *testing.T) {
	tests := []struct {
		env  []string
		want Paths
	}{
		{nil, Paths{"/h/.aws/config", "/h/.aws/credentials"}},
		{[]string{"AWS_CONFIG_FILE=", "AWS_SHARED_CREDENTIALS_FILE="}, Paths{"/h/.aws/config", "/h/.aws/credentials"}},
		{[]string{"AWS_CONFIG_FILE=/c", "AWS_SHARED_CREDENTIALS_FILE=d/e"}, Paths{"/c", "d/e"}},
		{[]string{"AWS_CONFIG_FILE=~/c", "AWS_SHARED_CREDENTIALS_FILE=~"}, Paths{"/h/c", "/h"}},
		{[]string{"AWS_CONFIG_FILE=~x/c", "AWS_SHARED_CREDENTIALS_FILE=/a/~/b"}, Paths{"~x/c", "/a/~/b"}},
	}
	for _, test := range tests {
		if got := Locate(env(test.env...), "/h"); got != test.want {
			t.Errorf("%v: got %v, want %v", test.env, got, test.want)
		}
	}
}

func TestNearest(t *testing.T) {
	have := []string{"Prod", "default", "dev", "prod-eu", "prod-us", "product", "staging", "acme-prod-admin"}
	tests := []struct {
		name string
		want []string
	}{
		{"prod", []string{"Prod", "prod-eu", "prod-us"}},
		{"porducts", []string{"product"}},
		{"stagign", []string{"staging"}},
		{"defautl", []string{"default"}},
		{"ve", nil},
		{"dve", []string{"dev"}},
		{"admin", []string{"acme-prod-admin"}},
		{"development", []string{"dev"}},
		{"xyz", nil},
		{"", nil},
	}
	for _, test := range tests {
		if got := Nearest(test.name, have); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.name, got, test.want)
		}
	}
}
