package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// mustParse parses files that are called "config" and "credentials".
func mustParse(t testing.TB, config, credentials string) *Files {
	t.Helper()
	f, err := Parse(Paths{"config", "credentials"}, []byte(config), []byte(credentials))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// dump prints all that f defines, one property a line.
func dump(t testing.TB, f *Files) string {
	t.Helper()
	var b strings.Builder
	for _, name := range f.Names() {
		p, err := f.Profile(name)
		if err != nil {
			t.Fatalf("profile %q is listed, but: %v", name, err)
		}
		fmt.Fprintf(&b, "[%s]\n", name)
		for _, key := range p.Keys() {
			fmt.Fprintf(&b, "%s=%q\n", key, p.Get(key))
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	tests := []struct {
		name                string
		config, credentials string
		want                string // as dump prints it
		err                 string
	}{
		// Sections and their names.
		{name: "empty files"},
		{name: "only white space", config: " \t \n\n\r\n"},
		{name: "a profile without properties", config: "[profile work]", want: "[work]\n"},
		{name: "all letters that names may have", config: "[profile aZ09-/.%@_:+]\n", want: "[aZ09-/.%@_:+]\n"},
		{name: "letters of other scripts", config: "[profile büro-東京]\na=1\n", want: "[büro-東京]\na=\"1\"\n"},
		{name: "name not UTF-8", config: "[profile a\xff]\nk = v\n[profile b]\n", want: "[b]\n"},
		{name: "name with another letter is ignored", config: "[profile a!b]\nk = v\n[profile c]\n", want: "[c]\n"},
		{name: "name with a blank is ignored with its properties", config: "[profile a]\nk=1\n[profile a b]\nk=2\n x\n[profile c]\nk=3\n", want: "[a]\nk=\"1\"\n[c]\nk=\"3\"\n"},
		{name: "quotes do not belong to a name", config: "[profile \"a\"]\nk = v\n", want: "[a]\nk=\"v\"\n"},
		{name: "name in quotes", config: "[profile \"two words\"]\nk=1\n[profile\t'it''s more!' ]\nk=2\n", want: "[its more!]\nk=\"2\"\n[two words]\nk=\"1\"\n"},
		{name: "escapes in a name", config: `[profile "a \"b\" \c \\"]` + "\n" + `[profile d\ 'e\f']`, want: `[a "b" \c \]` + "\n" + `[d e\f]` + "\n"},
		{name: "name with and without quotes", config: "[profile a]\nx=1\n[profile 'a']\ny=2\n", want: "[a]\nx=\"1\"\ny=\"2\"\n"},
		{name: "default in quotes", config: "[default]\nx=1\n[profile 'default']\ny=2\n", want: "[default]\ny=\"2\"\n"},
		{name: "quotes left open", config: "[profile \"a]\nk=v\n[profile a']\n[profile a\\]\n"},
		{name: "two names in quotes", config: "[profile 'a' 'b']\nk=v\n[profile 'a b' c]\n"},
		{name: "quotes around nothing or white space", config: "[profile '']\nk=v\n[profile ' a']\n[profile 'a ']\n"},
		{name: "what does not print in quotes", config: "[profile 'a\x1b[1mb']\n[profile 'a\u202eb']\n[profile 'a\xffb']\n[profile 'a\tb']\n"},
		{name: "quotes around prefix and name", config: "[\"profile a\"]\nk=v\n", credentials: "['b']\nk=v\n"},
		{name: "name of two words in both files", config: "[profile 'two words']\nx=1\n", credentials: "[two words]\ny=2\n[one more]\nz=3\n", want: "[two words]\nx=\"1\"\ny=\"2\"\n"},
		{name: "comment mark in a name", config: "[profile a#b]\nk = v\n"},
		{name: "name with a blank in credentials", credentials: "[a b]\nk = v\n"},
		{name: "white space around the name", config: "[ \tprofile \t work\t ]\nk = v\n", want: "[work]\nk=\"v\"\n"},
		{name: "white space around the name in credentials", credentials: "[\t work ]\nk = v\n", want: "[work]\nk=\"v\"\n"},
		{name: "tab after the prefix", config: "[profile\twork]\n", want: "[work]\n"},
		{name: "no white space after the prefix", config: "[profilework]\nk = v\n[profile a]\n", want: "[a]\n"},
		{name: "prefix without a name", config: "[profile]\nk = v\n[profile ]\n"},
		{name: "empty header", config: "[]\nk = v\n", credentials: "[ ]\nk = v\n"},
		{name: "prefix alone is a name in credentials", credentials: "[profile]\nk = v\n", want: "[profile]\nk=\"v\"\n"},
		{name: "names are case-sensitive", config: "[profile A]\nk=1\n[profile a]\nk=2\n", want: "[A]\nk=\"1\"\n[a]\nk=\"2\"\n"},
		{name: "prefix is case-sensitive", config: "[Profile a]\n[PROFILE b]\n[DEFAULT]\nk = v\n"},
		{name: "config section without prefix", config: "[work]\nk = v\n"},
		{name: "credentials section with prefix", credentials: "[profile work]\nk = v\n"},
		{name: "sections of other tools", config: "[preview]\ncloudfront = true\n[plugins]\na = b\n[profile a]\n", want: "[a]\n"},
		{name: "sso-session and services are no profiles", config: "[sso-session a]\nk = v\n[services b]\nk = v\n"},
		{name: "sso-session in credentials", credentials: "[sso-session a]\nk = v\n[sso-sessionb]\nk = v\n", want: "[sso-sessionb]\nk=\"v\"\n"},
		{name: "no bracket", config: "[profile work\nk = v", err: "config:1: profile definition must end with ']'"},
		{name: "no bracket on the line", credentials: "\n[work\n]", err: "credentials:2: profile definition must end with ']'"},
		{name: "text after the bracket", config: "[profile work] k = v", err: "config:1: only a comment may follow the ']' of a profile definition"},
		{name: "text after the bracket that ends in a comment", config: "[profile work] k # ]", err: "config:1: only a comment may follow the ']' of a profile definition"},
		{name: "second bracket is part of the name", config: "[profile work]]\nk=v\n[[profile a]\n[profile b] c] # d]\n[profile 'e]f'];g]\n", want: "[e]f]\n"},
		{name: "malformed header of an ignored section", config: "[plugins", err: "config:1: profile definition must end with ']'"},

		// [default].
		{name: "default", config: "[default]\nk=v\n", want: "[default]\nk=\"v\"\n"},
		{name: "default with white space", config: "[ default\t]\nk=v\n", want: "[default]\nk=\"v\"\n"},
		{name: "profile default first", config: "[profile default]\na=1\n[default]\nb=2\n", want: "[default]\na=\"1\"\n"},
		{name: "profile default last", config: "[default]\nb=2\n[profile default]\na=1\n", want: "[default]\na=\"1\"\n"},
		{name: "profile default around", config: "[profile default]\na=1\n[default]\nb=2\n[profile default]\nc=3\n", want: "[default]\na=\"1\"\nc=\"3\"\n"},
		{name: "empty profile default", config: "[default]\nb=2\n[profile default]\n", want: "[default]\n"},
		{name: "defaults merge", config: "[default]\na=1\n[default]\nb=2\n", want: "[default]\na=\"1\"\nb=\"2\"\n"},
		{name: "profile default and credentials", config: "[profile default]\na=1\n[default]\nb=2\n", credentials: "[default]\nc=3\n[profile default]\nd=4\n", want: "[default]\na=\"1\"\nc=\"3\"\n"},

		// Properties.
		{name: "property", config: "[profile a]\nregion = eu-west-1", want: "[a]\nregion=\"eu-west-1\"\n"},
		{name: "several", config: "[profile a]\nx=1\ny=2\n[profile b]\nz=3\n", want: "[a]\nx=\"1\"\ny=\"2\"\n[b]\nz=\"3\"\n"},
		{name: "CRLF", config: "[profile a]\r\nx = 1\r\ny =\r\n z = 2\r\n\r\n", want: "[a]\nx=\"1\"\ny=\"\\nz = 2\"\n"},
		{name: "BOM", config: "\ufeff[profile a]\nx=1\n", credentials: "\ufeff[b]\n", want: "[a]\nx=\"1\"\n[b]\n"},
		{name: "BOM only", config: "\ufeff", credentials: "\ufeff\n"},
		{name: "BOM elsewhere is part of a name", config: "[profile a]\n\ufeffx=1\ny=2\n", want: "[a]\ny=\"2\"\n"},
		{name: "equals signs in a value", config: "[profile a]\nx = a=b==\n", want: "[a]\nx=\"a=b==\"\n"},
		{name: "UTF-8 in a value", config: "[profile a]\nx = grün 🐢\n", want: "[a]\nx=\"grün 🐢\"\n"},
		{name: "invalid UTF-8 in a value", config: "[profile a]\nx = \xff\xfe\n", want: "[a]\nx=\"\\xff\\xfe\"\n"},
		{name: "NUL in a value", config: "[profile a]\nx = a\x00b\n", want: "[a]\nx=\"a\\x00b\"\n"},
		{name: "quotes stay", config: "[profile a]\nx = \"a b\"\n", want: "[a]\nx=\"\\\"a b\\\"\"\n"},
		{name: "white space around key and value", config: "[profile a]\nx \t=\t y z \t\n", want: "[a]\nx=\"y z\"\n"},
		{name: "empty value", config: "[profile a]\nx =\ny=\n", want: "[a]\nx=\"\"\ny=\"\"\n"},
		{name: "keys are lower-cased", config: "[profile a]\nMFA_Serial = X\n", want: "[a]\nmfa_serial=\"X\"\n"},
		{name: "all letters that keys may have", config: "[profile a]\nAz09-/.%@_:+ = 1\n", want: "[a]\naz09-/.%@_:+=\"1\"\n"},
		{name: "bad key is ignored with its continuation", config: "[profile a]\nx y = 1\n 2\nz = 3\n", want: "[a]\nz=\"3\"\n"},
		{name: "empty key", config: "[profile a]\n= v", err: "config:2: property did not have a name"},
		{name: "white space before the equals sign makes a continuation", config: "[profile a]\nx=1\n\t=v", want: "[a]\nx=\"1\\n=v\"\n"},
		{name: "no equals sign", config: "[profile a]\nx: y", err: "config:2: expected an '=' sign defining a property"},
		{name: "no equals sign in an ignored section", config: "[plugins]\nx", err: "config:2: expected an '=' sign defining a property"},
		{name: "no equals sign before the comment", credentials: "[a]\nx # = y", err: "credentials:2: expected an '=' sign defining a property"},
		{name: "property first", config: "x = y\n[profile a]", err: "config:1: expected a profile definition, found a property"},
		{name: "junk first", config: "\nx", err: "config:2: expected a profile definition, found a property"},
		{name: "the config file's error comes first", config: "x", credentials: "y", err: "config:1: expected a profile definition, found a property"},

		// Comments.
		{name: "comment lines", config: "# a\n;b\n[profile a]\n#x=1\n;y=2\nz=3\n", want: "[a]\nz=\"3\"\n"},
		{name: "indented comment lines", config: "  # a\n[profile a]\n\t; b\nz=3\n  # c\n  4\n", want: "[a]\nz=\"3\\n4\"\n"},
		{name: "comments after headers", config: "[profile a]# x\n[profile b];y\n[profile c] \t # ]\n", want: "[a]\n[b]\n[c]\n"},
		{name: "comment after a value", config: "[profile a]\nx = y # z\nv = w\t;z # u\n", want: "[a]\nv=\"w\"\nx=\"y\"\n"},
		{name: "no comment without white space", config: "[profile a]\nx = y#z\nv = w;z # u\n", want: "[a]\nv=\"w;z\"\nx=\"y#z\"\n"},
		{name: "empty comments", config: ";\n[profile a]#\nx = y ;\n#", want: "[a]\nx=\"y\"\n"},
		{name: "comment for a value", config: "[profile a]\nx = # y\nz =# y\n", want: "[a]\nx=\"\"\nz=\"# y\"\n"},
		{name: "arn with a fragment", config: "[profile a]\ncredential_process = sh -c 'a#b;c'\n", want: "[a]\ncredential_process=\"sh -c 'a#b;c'\"\n"},

		// Continuations and sub-properties.
		{name: "continuation", config: "[profile a]\nx = 1\n 2", want: "[a]\nx=\"1\\n2\"\n"},
		{name: "continuations are trimmed", config: "[profile a]\nx = 1\n\t 2 \t\n   3\n", want: "[a]\nx=\"1\\n2\\n3\"\n"},
		{name: "continuation with a comment", config: "[profile a]\nx = 1\n 2 # 3\n 4 ; 5\n", want: "[a]\nx=\"1\\n2 # 3\\n4 ; 5\"\n"},
		{name: "continuation after a comment", config: "[profile a]\nx = 1 # c\n 2\n", want: "[a]\nx=\"1\\n2\"\n"},
		{name: "continuation like a property", config: "[profile a]\nx = 1\n y = 2\n", want: "[a]\nx=\"1\\ny = 2\"\n"},
		{name: "continuation like a header", config: "[profile a]\nx = 1\n [profile b]\n", want: "[a]\nx=\"1\\n[profile b]\"\n"},
		{name: "continuation over blank and comment lines", config: "[profile a]\nx = 1\n\n \t\n# c\n 2\n", want: "[a]\nx=\"1\\n2\"\n"},
		{name: "continuation first", config: " x = 1", err: "config:1: expected a profile definition, found an indented line"},
		{name: "header indented", config: "\t[profile a]\n", err: "config:1: expected a profile definition, found an indented line"},
		{name: "continuation without property", config: "[profile a]\n x = 1", err: "config:2: expected a property definition, found continuation (properties are not indented)"},
		{name: "continuation after a header", config: "[profile a]\nx = 1\n[profile a]\n y", err: "config:4: expected a property definition, found continuation (properties are not indented)"},
		{name: "sub-property", config: "[profile a]\ns3 =\n  max_queue_size = 5\n", want: "[a]\ns3=\"\\nmax_queue_size = 5\"\n"},
		{name: "sub-properties and blank lines", config: "[profile a]\ns3 =\n  x = 1\n\t \n\n  y = 2\nz=3\n", want: "[a]\ns3=\"\\nx = 1\\ny = 2\"\nz=\"3\"\n"},
		{name: "sub-properties under a comment", config: "[profile a]\ns3 = ; c\n  x = 1\n  # y\n", want: "[a]\ns3=\"\\nx = 1\"\n"},
		{name: "empty sub-property", config: "[profile a]\ns3 =\n x =\n", want: "[a]\ns3=\"\\nx =\"\n"},
		{name: "sub-property with another name", config: "[profile a]\ns3 =\n x y = 1\n", want: "[a]\ns3=\"\\nx y = 1\"\n"},
		{name: "sub-property without equals sign", config: "[profile a]\ns3 =\n x\n", err: "config:3: expected an '=' sign defining a sub-property"},
		{name: "sub-property without name", config: "[profile a]\ns3 =\n = 1\n", err: "config:3: sub-property did not have a name"},
		{name: "sub-property of a bad key", config: "[profile a]\ns 3 =\n x\n", err: "config:3: expected an '=' sign defining a sub-property"},

		// Duplicates.
		{name: "sections merge", config: "[profile a]\nx=1\n[profile b]\n[profile a]\ny=2\n", want: "[a]\nx=\"1\"\ny=\"2\"\n[b]\n"},
		{name: "sections merge in credentials", credentials: "[a]\nx=1\n[b]\n[a]\ny=2\n", want: "[a]\nx=\"1\"\ny=\"2\"\n[b]\n"},
		{name: "last property wins", config: "[profile a]\nx=1\nx=2\n", want: "[a]\nx=\"2\"\n"},
		{name: "last property wins in any case", config: "[profile a]\nx=1\n[profile a]\nX=2\n", want: "[a]\nx=\"2\"\n"},
		{name: "last property wins with its continuation", config: "[profile a]\nx=1\n 2\nx=3\n", want: "[a]\nx=\"3\"\n"},
		{name: "last property wins even if empty", config: "[profile a]\nx=1\nx=\n", want: "[a]\nx=\"\"\n"},
		{name: "files merge", config: "[profile a]\nx=1\n[profile c]\n", credentials: "[a]\ny=2\n[b]\n", want: "[a]\nx=\"1\"\ny=\"2\"\n[b]\n[c]\n"},
		{name: "credentials win", config: "[profile a]\nx=1\n", credentials: "[a]\nx=2\n", want: "[a]\nx=\"2\"\n"},
		{name: "nested property wins whole", config: "[profile a]\ns3=\n x=1\n", credentials: "[a]\ns3=\n y=2\n", want: "[a]\ns3=\"\\ny=2\"\n"},
	}
	seen := map[string]bool{}
	for _, test := range tests {
		if seen[test.name] {
			t.Fatalf("two cases are named %q", test.name)
		}
		seen[test.name] = true
		t.Run(test.name, func(t *testing.T) {
			f, err := Parse(Paths{"config", "credentials"}, []byte(test.config), []byte(test.credentials))
			if test.err != "" {
				var parseErr *ParseError
				if !errors.As(err, &parseErr) || err.Error() != test.err {
					t.Fatalf("got error %v\nwant      %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := dump(t, f); got != test.want {
				t.Errorf("got:\n%swant:\n%s", got, test.want)
			}
			scanned := scan(t, test.config, test.credentials)
			if !slices.Equal(scanned, f.Names()) {
				t.Errorf("ScanNames found %q, Names %q", scanned, f.Names())
			}
		})
	}
}
