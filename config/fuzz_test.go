package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var seeds = []string{
	"",
	"\ufeff[default]\nregion = eu-west-1\n",
	rich,
	strings.Replace(rich, "role_arn : no\n", "", 1),
	"[profile a]\r\nsource_profile = b # c\r\n[profile b]\r\ninclude_profile = a\r\n\r\n",
	"[default]\nx=1\n 2\n[profile default]\ny=\n z = 3\n\n w=4\n[default]",
	"[a]\naws_access_key_id=i\naws_secret_access_key=s\n[ a ]\n\t\n;\n",
	"[profile a b]\nx\xff=1\n[sso-session s]\nsso_region=r\n[services x]\nsts=\n endpoint_url=u",
	"[profile a]\nsource_profile = a\nx = \n\n\n\n[profile a]\n#\n k",
	"\n\n[profile p]",
	"[profile p]\nk = 1\r\r\n  2\r\n\x0b\x0c\n[profile p]",
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), []byte(""))
		f.Add([]byte(""), []byte(s))
	}
	f.Fuzz(func(t *testing.T, config, credentials []byte) {
		files, err := Parse(Paths{"config", "credentials"}, config, credentials)
		scanned := scan(t, string(config), string(credentials))
		if err != nil {
			var parseErr *ParseError
			if !errors.As(err, &parseErr) || parseErr.Line < 1 || parseErr.Why == "" {
				t.Fatalf("got %#v", err)
			}
			lines := bytes.Count(config, []byte("\n")) + 1
			if parseErr.File == "credentials" {
				lines = bytes.Count(credentials, []byte("\n")) + 1
			}
			if parseErr.Line > lines {
				t.Fatalf("line %d of %d", parseErr.Line, lines)
			}
			return
		}
		names := files.Names()
		if !slices.Equal(names, scanned) {
			t.Fatalf("Names %q, ScanNames %q", names, scanned)
		}
		sameProfiles(t, files)
		for _, name := range names {
			chain, err := files.Chain(name)
			if err == nil && len(chain) == 0 {
				t.Fatalf("%q: no chain, no error", name)
			}
			p := files.plainProfile(name)
			_, _, _ = p.StaticKeys()
			_, _ = files.SSO(p)
			_, _ = Endpoint(env(), p, files, "sts")
			for _, key := range p.Keys() {
				v, ok := p.Lookup(key)
				if !ok || !validName(key) || v.Line < 1 {
					t.Fatalf("%q of %q: got %+v, %v", key, name, v, ok)
				}
				for i, line := range strings.Split(v.Text, "\n") {
					if trim(line) != line || i > 0 && line == "" {
						t.Fatalf("%q of %q: got %q", key, name, v.Text)
					}
				}
				if nested := strings.HasPrefix(v.Text, "\n"); nested != (len(v.Sub) > 0) {
					t.Fatalf("%q of %q: nested %v, but %v", key, name, nested, v.Sub)
				}
			}
		}
		if _, err := files.Profile("no such profile"); err == nil {
			t.Fatal("found what cannot be there")
		}
	})
}

// describe prints what a file says, apart from lines and one profile.
func describe(t *testing.T, kind FileKind, text []byte, without string) string {
	t.Helper()
	src, err := parse("f", kind, string(text))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	var b strings.Builder
	for _, s := range src.sections {
		if s.kind.isProfile() && s.name == without {
			continue
		}
		fmt.Fprintf(&b, "%d %q\n", s.kind, s.name)
		for _, p := range src.properties(nil, []section{s}) {
			fmt.Fprintf(&b, "  %q = %q\n", p.Key, p.Value.Text)
		}
	}
	return b.String()
}

// FuzzEdit adds a profile to any file, changes it, and takes it away.
func FuzzEdit(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), i%3 == 0, "p", "k", "v", "new")
		f.Add([]byte(s), i%3 == 0, "default", "MFA_serial", "", "a=b#c;d")
		f.Add([]byte(s), i%3 == 0, "a", "x", "\"ü\"", " #")
	}
	f.Fuzz(func(t *testing.T, before []byte, credentials bool, name, key, value, changed string) {
		kind := ConfigFile
		if credentials {
			kind = CredentialsFile
		}
		e, err := NewEditor("f", kind, before)
		if err != nil {
			return
		}
		others := describe(t, kind, before, name)
		get := func() (Value, bool) {
			src, err := parse("f", kind, string(e.Bytes()))
			if err != nil {
				t.Fatalf("%v in %q", err, e.Bytes())
			}
			if got := describe(t, kind, e.Bytes(), name); got != others {
				t.Fatalf("other sections changed:\n%s\nwere:\n%s", got, others)
			}
			var s Section
			s.addLayer(src, src.profile(nil, name))
			return s.Lookup(strings.ToLower(key))
		}
		_, there := get()
		err = e.AddProfile(name, [][2]string{{key, value}})
		switch {
		case errors.Is(err, ErrExists):
		case err != nil:
			if validName(name) && validProperty(key, value) == nil {
				t.Fatal(err)
			}
			if !bytes.Equal(e.Bytes(), before) {
				t.Fatal("changed in spite of an error")
			}
			return
		default:
			if there || !validName(name) {
				t.Fatalf("%q was added", name)
			}
			if !bytes.HasPrefix(e.Bytes(), before) {
				t.Fatalf("%q became %q", before, e.Bytes())
			}
			if utf8.Valid(before) != utf8.Valid(e.Bytes()) {
				t.Fatalf("%q became %q", before, e.Bytes())
			}
			if v, ok := get(); !ok || v.Text != value {
				t.Fatalf("read back %q, %v from %q", v.Text, ok, e.Bytes())
			}
		}
		if err := e.SetValue(name, key, changed); err == nil {
			if v, ok := get(); !ok || v.Text != changed {
				t.Fatalf("read back %q, %v from %q", v.Text, ok, e.Bytes())
			}
		} else if v, _ := get(); validName(key) && validProperty(key, changed) == nil && len(v.Sub) == 0 {
			t.Fatal(err)
		}
		if err := e.RemoveValue(name, key); err != nil {
			t.Fatal(err)
		}
		if v, ok := get(); ok {
			t.Fatalf("removed, but read back %q from %q", v.Text, e.Bytes())
		}
		if err := e.RemoveProfile(name); err != nil {
			t.Fatal(err)
		}
		if got := describe(t, kind, e.Bytes(), ""); got != others {
			t.Fatalf("not as before:\n%s\nwas:\n%s", got, others)
		}
	})
}

func FuzzSettings(f *testing.F) {
	f.Add("backend = \"file\"\nkeys_ttl = \"15m\"\n[[profile]]\nmatch = \"a*\"\ncolor = \"red\"\n")
	f.Add("[[profile]]\n[profile]\nx = '''\n")
	f.Add("zzz = 1\n[a.b]\nc = [{}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSettings("f", text)
		if err == nil {
			_ = s.For(text)
		} else if !strings.HasPrefix(err.Error(), "f:") {
			t.Fatalf("got %v", err)
		}
	})
}
