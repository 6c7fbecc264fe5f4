package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// profileOf prints all that f says of a profile, and of what it leads to.
func profileOf(f *Files, name string) string {
	var b strings.Builder
	section := func(s *Section) {
		fmt.Fprintf(&b, "%s at %s\n", s, s.Where())
		for _, key := range s.Keys() {
			v, _ := s.Lookup(key)
			fmt.Fprintf(&b, "  %s = %+v, shadows %+v\n", key, v, s.Shadowed(key))
		}
	}
	chain, err := f.Chain(name)
	fmt.Fprintf(&b, "chain: %v\n", err)
	for _, p := range chain {
		section(&p.Section)
		_, has, err := p.StaticKeys()
		fmt.Fprintf(&b, "static keys: %v, %v\n", has, err)
		sso, err := f.SSO(p)
		fmt.Fprintf(&b, "sso: %+v, %v\n", sso, err)
		services, err := f.Services(p)
		fmt.Fprintf(&b, "services: %v\n", err)
		if services != nil {
			section(services)
		}
		url, origin := Endpoint(env(), p, f, "sts")
		fmt.Fprintf(&b, "endpoint: %q from %q\n", url, origin)
	}
	return b.String()
}

// sameAsLoad checks that LoadFor, with blocks of several sizes, says of each
// profile what Load says, errors included.
func sameAsLoad(t *testing.T, config, credentials string) {
	t.Helper()
	dir := t.TempDir()
	p := Paths{filepath.Join(dir, "config"), filepath.Join(dir, "credentials")}
	write(t, p.Config, config)
	write(t, p.Credentials, credentials)
	whole, wholeErr := Load(p)
	names := []string{"no such profile", "default", ""}
	if wholeErr == nil {
		names = append(names, whole.Names()...)
	}
	for _, block := range []int{1, 7, 64} {
		for i, name := range names {
			f, err := loadFor(p, name, block)
			if fmt.Sprint(err) != fmt.Sprint(wholeErr) {
				t.Fatalf("blocks of %d, %q: got error %v, want %v", block, name, err, wholeErr)
			}
			if err != nil {
				continue
			}
			if got, want := profileOf(f, name), profileOf(whole, name); got != want {
				t.Fatalf("blocks of %d, %q: got\n%swant\n%s", block, name, got, want)
			}
			// What was not asked for is there all the same.
			other := names[(i+1)%len(names)]
			if got, want := profileOf(f, other), profileOf(whole, other); got != want {
				t.Fatalf("blocks of %d, %q: got\n%swant\n%s", block, other, got, want)
			}
			if !slices.Equal(f.Names(), whole.Names()) {
				t.Fatalf("blocks of %d: got %q, want %q", block, f.Names(), whole.Names())
			}
		}
	}
}

func TestLoadFor(t *testing.T) {
	chain := "[profile a0]\nregion = r\n"
	for i := range 3 * mostRounds {
		chain += fmt.Sprintf("[profile a%d]\nsource_profile = a%d\ninclude_profile = b\n[profile b]\nk%d = v\n", i+1, i, i)
	}
	tests := []struct{ name, config, credentials string }{
		{"empty", "", ""},
		{"rich", strings.Replace(rich, "role_arn : no\n", "", 1), "[a]\nx = 1\n[default]\ny = 2\n"},
		{"malformed", rich, ""},
		{"malformed at the end", chain + "junk", "[a]\njunk"},
		{"malformed credentials", chain, "[a]\n\n  junk"},
		{"no newline at the end", "[profile a]\nx = 1", "[a]\ny = 2\n z"},
		{"duplicates", "[profile a]\nx=1\n[profile b]\nsource_profile=a\n[profile a]\nx=2\n y\n[profile b]\nsource_profile=\n", "[b]\n[a]\nx=3\n[b]\nk=v\n"},
		{"defaults", "\ufeff[default]\nx=1\n[profile default]\ny=2\n[default]\nz=3\n[profile a]\nsource_profile=default\n", "[default]\nw=4\n"},
		{"only in credentials", "[profile a]\nsource_profile = c\n", "[b]\nx=1\n[c]\ninclude_profile=b\n"},
		{"what is referred to", "[profile a]\nsso_session = s\nservices = v\ninclude_profile = i\n[services v]\nsts =\n endpoint_url = u\n[sso-session s]\nsso_region = r\nsso_start_url = u\n[profile i]\nregion=x\n", ""},
		{"what is missing", "[profile a]\nservices = v\nsso_session = s\n[profile b]\nsource_profile = a\n[profile c]\nsource_profile = no\n[profile d]\ninclude_profile = no\n", ""},
		{"loops", "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = c\n[profile c]\nsource_profile = b\n[profile d]\ninclude_profile = e\n[profile e]\ninclude_profile = d\n", ""},
		{"two words", "[profile 'two words']\nx=1\n[profile a]\nsource_profile = two words\n", "[two words]\ny=1\n[more words]\n"},
		{"a long chain", chain, ""},
		{"a long line", "[profile a]\nx = " + strings.Repeat("long ", 100) + "\n[profile b]\nsource_profile = a\n", ""},
		{"CRLF", "[profile a]\r\nx =\r\n y = 1\r\n\r\n[profile b]\r\nsource_profile = a\r\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { sameAsLoad(t, test.config, test.credentials) })
	}
}

func FuzzLoadFor(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, "")
		f.Add("", s)
		f.Add(s, "[a]\nsource_profile = default\n")
	}
	f.Fuzz(sameAsLoad)
}

// Only what the profile leads to is kept of a large file.
func TestLoadForKeepsLittle(t *testing.T) {
	p := Paths{Config: filepath.Join(t.TempDir(), "config")}
	write(t, p.Config, manyProfiles(10_000))
	f, err := LoadFor(p, "account-04711")
	if err != nil {
		t.Fatal(err)
	}
	if chain, err := f.Chain("account-04711"); err != nil || len(chain) != 2 {
		t.Fatalf("got %v, %v", chain, err)
	}
	if got := len(f.config.text); got > 1000 {
		t.Errorf("kept %d bytes", got)
	}
	if got := len(f.Names()); got != 10_000 {
		t.Errorf("got %d names", got)
	}
}

// A file that is written to while it is read is read again.
func TestLoadForChangedFile(t *testing.T) {
	p := Paths{Config: filepath.Join(t.TempDir(), "config")}
	write(t, p.Config, "[profile a]\nregion = old\n")
	s, err := scanSections(ConfigFile, p.Config, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if s.changed() {
		t.Error("nobody wrote to it")
	}
	write(t, p.Config, "#\n[profile a]\nregion =  new\n")
	if !s.changed() {
		t.Error("the change was not seen")
	}
	if _, ok := s.keep([]string{"a"}); ok {
		t.Error("kept something else than what was there")
	}
}

// A pipe, as shells make for <(command), can be read once.
func TestLoadForPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text := manyProfiles(500)
	go func() {
		_, _ = w.WriteString(text)
		w.Close()
	}()
	credentials := filepath.Join(t.TempDir(), "credentials")
	write(t, credentials, numbered(3*mostRounds, "[c%d]\nsource_profile = c1%[1]d\n")+strings.Repeat("# long\n", scanBlock))
	f, err := LoadFor(Paths{fmt.Sprintf("/dev/fd/%d", r.Fd()), credentials}, "account-00001")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"account-00001", "account-00499"} {
		if p, err := f.Profile(name); err != nil || p.Get("role_arn") == "" {
			t.Errorf("got %v, %v", p, err)
		}
	}
	if got := len(f.Names()); got != 500+3*mostRounds {
		t.Errorf("got %d names", got)
	}
}
