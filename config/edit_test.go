package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// rich is a file with all that an edit might spoil.
const rich = `# work account; keep
[profile work] # the old one
Region=eu-west-1   # Ireland
s3 =
    max_concurrent_requests = 20
	# indented

    addressing_style	=	path
role_arn : no
`

func TestAddProfile(t *testing.T) {
	settings := [][2]string{{"region", "eu-west-1"}, {"role_arn", "arn:aws:iam::1:role/r"}}
	const block = "[profile new]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/r\n"
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	good := strings.Replace(rich, "role_arn : no\n", "", 1)
	tests := []struct{ name, before, want string }{
		{"empty", "", block},
		{"BOM only", "\ufeff", "\ufeff" + block},
		{"newline only", "\n", "\n" + block},
		{"rich", good, good + "\n" + block},
		{"rich CRLF", crlf(good), crlf(good + "\n" + block)},
		{"rich BOM", "\ufeff" + good, "\ufeff" + good + "\n" + block},
		{"no final newline", "[profile a]\nx = 1", "[profile a]\nx = 1\n\n" + block},
		{"no final newline, CRLF", "[profile a]\r\nx = 1", "[profile a]\r\nx = 1\r\n\r\n" + crlf(block)},
		{"no newline at all", "[profile a]", "[profile a]\n\n" + block},
		{"blank line at the end", "[profile a]\n\n", "[profile a]\n\n" + block},
		{"white space at the end", "[profile a]\n  \t", "[profile a]\n  \t\n" + block},
		{"comment at the end", "[profile a]\n# end", "[profile a]\n# end\n\n" + block},
		{"open nested block", "[profile a]\ns3 =\n  x = 1\n", "[profile a]\ns3 =\n  x = 1\n\n" + block},
		{"sections that others ignore", "[plugins]\n[new]\n[profile in valid]\n[services new]\n", "[plugins]\n[new]\n[profile in valid]\n[services new]\n\n" + block},
		{"sections twice", "[profile a]\n[profile a]\n", "[profile a]\n[profile a]\n\n" + block},
		{"mixed line endings", "[profile a]\nx=1\r\n", "[profile a]\nx=1\r\n\n" + block},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := NewEditor("config", ConfigFile, []byte(test.before))
			if err != nil {
				t.Fatal(err)
			}
			if err := e.AddProfile("new", settings); err != nil {
				t.Fatal(err)
			}
			if got := string(e.Bytes()); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			// And away again: what was there before is there still.
			if err := e.RemoveProfile("new"); err != nil {
				t.Fatal(err)
			}
			want, got := test.before, string(e.Bytes())
			body := strings.TrimPrefix(want, bom)
			if body != "" && !strings.HasSuffix(body, "\n") {
				want += e.newline()
			}
			if lastLine([]byte(body)) == "" { // blank lines at the end may go
				want, got = strings.TrimRight(want, " \t\r\n"), strings.TrimRight(got, " \t\r\n")
			}
			if got != want {
				t.Errorf("removed again:\ngot  %q\nwant %q", got, want)
			}
		})
	}
}

func TestAddSection(t *testing.T) {
	const before = "[sso-session s]\nsso_region = r\n[profile default]\n[profile p]\n"
	tests := []struct {
		kind, name, before, want, err string
		file                          FileKind
	}{
		{kind: "profile", name: "default", want: "[default]\nk = v\n"},
		{kind: "sso-session", name: "p", want: "[sso-session p]\nk = v\n"},
		{kind: "services", name: "s", want: "[services s]\nk = v\n"},
		{kind: "profile", name: "p", file: CredentialsFile, want: "[p]\nk = v\n"},
		{kind: "profile", name: "default", file: CredentialsFile, want: "[default]\nk = v\n"},
		{kind: "profile", name: "default", before: before, err: `config:3: profile "default" exists already`},
		{kind: "profile", name: "default", before: "\n[default]", err: `config:2: profile "default" exists already`},
		{kind: "profile", name: "p", before: before, err: `config:4: profile "p" exists already`},
		{kind: "sso-session", name: "s", before: before, err: `config:1: sso-session "s" exists already`},
		{kind: "sso-session", name: "s", file: CredentialsFile, err: `sso-session "s": the credentials file has profiles only`},
		{kind: "plugins", name: "s", err: `no sections of kind "plugins"`},
		{kind: "profile", name: "a b", err: `profile name "a b": only letters, digits and - / . % @ _ : + are allowed`},
		{kind: "profile", name: "a]\n[b", err: `profile name "a]\n[b": only letters, digits and - / . % @ _ : + are allowed`},
		{kind: "profile", name: "", err: `profile name "": only letters, digits and - / . % @ _ : + are allowed`},
	}
	for _, test := range tests {
		e, err := NewEditor("config", test.file, []byte(test.before))
		if err != nil {
			t.Fatal(err)
		}
		err = e.AddSection(test.kind, test.name, [][2]string{{"k", "v"}})
		if err == nil && test.err != "" || err != nil && err.Error() != test.err {
			t.Errorf("%s %q: got error %v, want %s", test.kind, test.name, err, test.err)
		}
		if errors.Is(err, ErrExists) != strings.HasSuffix(test.err, "exists already") {
			t.Errorf("%s %q: errors.Is(%v, ErrExists) is wrong", test.kind, test.name, err)
		}
		if got := string(e.Bytes()); got != test.before+test.want {
			t.Errorf("%s %q: got %q, want %q", test.kind, test.name, got, test.before+test.want)
		}
	}
}

func TestAddManyProfiles(t *testing.T) {
	e, err := NewEditor("config", ConfigFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, c := range "abcdefgh" {
		for _, d := range "01234567" {
			want = append(want, string(c)+string(d))
			if err := e.AddProfile(string(c)+string(d), [][2]string{{"region", "r"}, {"output", ""}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := e.AddProfile("c3", nil); !errors.Is(err, ErrExists) || err.Error() != `config:77: profile "c3" exists already` {
		t.Errorf("got %v", err)
	}
	if err := e.SetValue("c3", "region", "s"); err != nil {
		t.Error(err)
	}
	if err := e.RemoveProfile("a0"); err != nil {
		t.Error(err)
	}
	if err := e.AddProfile("a0", nil); err != nil {
		t.Error(err)
	}
	f := mustParse(t, string(e.Bytes()), "")
	if !slices.Equal(f.Names(), want) {
		t.Errorf("got %v", f.Names())
	}
	if p, _ := f.Profile("c3"); p.Get("region") != "s" {
		t.Errorf("got %q", p.Get("region"))
	}
}

func TestBadValues(t *testing.T) {
	tests := []struct{ key, value, err string }{
		{"k", "a\nb", "value of k: holds a newline or another control character"},
		{"k", "a\x00", "value of k: holds a newline or another control character"},
		{"k", "a\rb", "value of k: holds a newline or another control character"},
		{"k", " a", "value of k: begins or ends with white space"},
		{"k", "a\t", "value of k: begins or ends with white space"},
		{"k", "a #b", "value of k: holds a # or ; after white space, which would begin a comment"},
		{"k", ";b", "value of k: holds a # or ; after white space, which would begin a comment"},
		{"k", "\xff", "value of k: not UTF-8"},
		{"a b", "c", `property name "a b": only letters, digits and - / . % @ _ : + are allowed`},
		{"[x]", "c", `property name "[x]": only letters, digits and - / . % @ _ : + are allowed`},
		{"", "c", `property name "": only letters, digits and - / . % @ _ : + are allowed`},
	}
	for _, test := range tests {
		e, err := NewEditor("config", ConfigFile, []byte("[profile p]\n"))
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			e.AddProfile("p2", [][2]string{{"a", "b"}, {test.key, test.value}}),
			e.SetValue("p", test.key, test.value),
		} {
			if err == nil || !strings.HasSuffix(err.Error(), ": "+test.err) {
				t.Errorf("%q = %q: got %v, want %s", test.key, test.value, err, test.err)
			}
		}
		if got := string(e.Bytes()); got != "[profile p]\n" {
			t.Errorf("%q = %q: wrote %q", test.key, test.value, got)
		}
	}
}

func TestSetValue(t *testing.T) {
	tests := []struct{ name, before, key, value, want string }{
		{"same", "[profile p]\nk = v", "k", "v", "[profile p]\nk = v"},
		{"spacing stays", "[profile p]\nK\t=v  \n", "k", "w", "[profile p]\nK\t=w  \n"},
		{"comment stays", "[profile p]\nk =  v # c;d\n", "k", "w x", "[profile p]\nk =  w x # c;d\n"},
		{"CRLF stays", "[profile p]\r\nk = v\r\nl = w\r\n", "k", "x", "[profile p]\r\nk = x\r\nl = w\r\n"},
		{"CRLF stays, empty", "[profile p]\r\nk =\r\nl =  # c\r\n", "k", "x", "[profile p]\r\nk = x\r\nl =  # c\r\n"},
		{"no final newline stays", "[profile p]\nk = v", "k", "x", "[profile p]\nk = x"},
		{"the last one", "[profile p]\nk = 1\n[profile q]\nk = 2\n[profile p]\nk = 3\nk = 4\n", "k", "5", "[profile p]\nk = 1\n[profile q]\nk = 2\n[profile p]\nk = 3\nk = 5\n"},
		{"continuation goes", "[profile p]\nk = 1\n 2\n\n 3\n\n# c\nl = 4\n", "k", "5", "[profile p]\nk = 5\n\n# c\nl = 4\n"},
		{"continuation at the end goes", "[profile p]\nk = 1\n 2", "k", "5", "[profile p]\nk = 5\n"},
		{"empty", "[profile p]\nk =\nl = 1\n", "k", "5", "[profile p]\nk = 5\nl = 1\n"},
		{"empty with white space", "[profile p]\nk =  \n", "k", "5", "[profile p]\nk = 5\n"},
		{"empty with comment", "[profile p]\nk = # c\n", "k", "5", "[profile p]\nk = 5 # c\n"},
		{"to empty", "[profile p]\nk = 5 # c\nl=1\n", "k", "", "[profile p]\nk =  # c\nl=1\n"},
		{"to empty, with continuation", "[profile p]\nk = 5\n  6\nl=1\n", "k", "", "[profile p]\nk = \nl=1\n"},
		{"new", "[profile p]\na = 1\n[profile q]\n", "k", "v", "[profile p]\na = 1\nk = v\n[profile q]\n"},
		{"new and empty", "[profile p]\n", "k", "", "[profile p]\nk =\n"},
		{"new in an empty profile", "[profile p]\n\n[profile q]\n", "k", "v", "[profile p]\nk = v\n\n[profile q]\n"},
		{"new before what belongs to the next", "[profile p]\na = 1\n\n# about q\n[profile q]\n", "k", "v", "[profile p]\na = 1\nk = v\n\n# about q\n[profile q]\n"},
		{"new after nested", "[profile p]\ns3 =\n x = 1\n # c\n\n y = 2\n\n", "k", "v", "[profile p]\ns3 =\n x = 1\n # c\n\n y = 2\nk = v\n\n"},
		{"new in the last section", "[profile p]\na = 1\n[profile q]\n[profile p]\nb = 2\n", "k", "v", "[profile p]\na = 1\n[profile q]\n[profile p]\nb = 2\nk = v\n"},
		{"new without final newline", "[profile p]\na = 1", "k", "v", "[profile p]\na = 1\nk = v"},
		{"new without final newline, CRLF", "[profile p]\r\na = 1", "k", "v", "[profile p]\r\na = 1\r\nk = v"},
		{"new after a header without newline", "\ufeff[profile p]", "k", "v", "\ufeff[profile p]\nk = v"},
		{"not in the hidden default", "[default]\nk = 1\n", "x", "1", "[default]\nk = 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := NewEditor("config", ConfigFile, []byte(test.before))
			if err != nil {
				t.Fatal(err)
			}
			err = e.SetValue("p", test.key, test.value)
			if strings.HasPrefix(test.before, "[default]") {
				if err == nil || err.Error() != `config: no profile "p"` {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(e.Bytes()); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if p, err := mustParse(t, string(e.Bytes()), "").Profile("p"); err != nil || p.Get(test.key) != test.value {
				t.Errorf("read back: got %v, %v", p, err)
			}
		})
	}
	e, _ := NewEditor("config", ConfigFile, []byte("[default]\nk=1\n[profile default]\nk=2\n s\ns3 =\n x = 1\n"))
	if err := e.SetValue("default", "k", "3"); err != nil || string(e.Bytes()) != "[default]\nk=1\n[profile default]\nk=3\ns3 =\n x = 1\n" {
		t.Errorf("default: got %q, %v", e.Bytes(), err)
	}
	const want = `config:5: s3 of profile "default" has nested properties`
	if err := e.SetValue("default", "s3", "v"); err == nil || err.Error() != want {
		t.Errorf("nested: got %v, want %s", err, want)
	}
}

func TestRemove(t *testing.T) {
	tests := []struct{ name, before, key, want string }{
		{"value", "[profile p]\na=1\nk=2 # c\nb=3\n", "k", "[profile p]\na=1\nb=3\n"},
		{"value that is not there", "[profile p]\na=1\n", "k", "[profile p]\na=1\n"},
		{"value in any case, every one", "[profile p]\nK=1\n[profile q]\nk=2\n[profile p]\nk=3", "k", "[profile p]\n[profile q]\nk=2\n[profile p]\n"},
		{"nested value", "[profile p]\r\nk=\r\n x=1\r\n\r\n y=2\r\nb=3\r\n", "k", "[profile p]\r\nb=3\r\n"},
		{"profile alone", "[profile p]\nk=1\n", "", ""},
		{"profile alone, BOM", "\ufeff\n[profile p]\nk=1", "", "\ufeff"},
		{"profile first", "[profile p]\nk=1\n\n\n# q\n[profile q]\n", "", "# q\n[profile q]\n"},
		{"profile between", "# c\n[profile o]\nx=1\n\n# p\n[profile p]\nk=1\n 2\n\n# q\n[profile q]\n", "", "# c\n[profile o]\nx=1\n\n# p\n\n# q\n[profile q]\n"},
		{"profile between blank lines", "[profile o]\n\n[profile p]\nk=1\n\n[profile q]\n", "", "[profile o]\n\n[profile q]\n"},
		{"profile without blank lines", "[profile o]\n[profile p]\nk=1\n[profile q]\n", "", "[profile o]\n[profile q]\n"},
		{"profile last", "[profile o]\nx=1\n\n[profile p]\nk=1\n\n\n", "", "[profile o]\nx=1\n"},
		{"profile twice", "[profile p]\nk=1\n\n[profile o]\n\n[profile p]\nk=1\n", "", "[profile o]\n"},
		{"profile twice in a row", "[profile o]\n\n[profile p]\nk=1\n\n[profile p]\nk=1\n", "", "[profile o]\n"},
		{"comments behind it", "[profile p]\n# a\nk=1\n# b\n\n# c\n", "", "# b\n\n# c\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := NewEditor("config", ConfigFile, []byte(test.before))
			if err != nil {
				t.Fatal(err)
			}
			if test.key != "" {
				err = e.RemoveValue("p", test.key)
			} else {
				err = e.RemoveProfile("p")
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(e.Bytes()); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
	for _, before := range []string{"[default]\n[profile default]\n", "[profile default]\n[default]\n[default]\n"} {
		e, _ := NewEditor("config", ConfigFile, []byte(before))
		if err := e.RemoveProfile("default"); err != nil || len(e.Bytes()) != 0 {
			t.Errorf("%q: got %q, %v", before, e.Bytes(), err)
		}
	}
	e, _ := NewEditor("config", ConfigFile, []byte("[profile p]\n"))
	for _, err := range []error{e.RemoveProfile("q"), e.RemoveValue("q", "k")} {
		var notFound *NotFoundError
		if !errors.As(err, &notFound) || err.Error() != `config: no profile "q"` {
			t.Errorf("got %v", err)
		}
	}
	c, _ := NewEditor("credentials", CredentialsFile, []byte("[q]\n[profile q]\nx=1\n[q]\n"))
	if err := c.RemoveProfile("q"); err != nil || string(c.Bytes()) != "[profile q]\nx=1\n" {
		t.Errorf("credentials: got %q, %v", c.Bytes(), err)
	}
}

func TestEditMalformed(t *testing.T) {
	const want = "config:9: expected an '=' sign defining a property"
	if _, err := NewEditor("config", ConfigFile, []byte(rich)); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
