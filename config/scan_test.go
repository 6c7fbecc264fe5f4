package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// scan returns what ScanNames finds in two texts. It reads them in blocks of
// several sizes, to which the result is the same.
func scan(t *testing.T, config, credentials string) []string {
	t.Helper()
	var first []string
	for i, block := range []int{scanBlock, 1, 2, 3, 7, 64} {
		var s nameScanner
		for _, file := range []struct {
			kind FileKind
			text string
		}{{ConfigFile, config}, {CredentialsFile, credentials}} {
			if err := s.read(file.kind, strings.NewReader(file.text), make([]byte, block)); err != nil {
				t.Fatal(err)
			}
		}
		var names []string
		for line := range strings.Lines(s.lines()) {
			names = append(names, strings.TrimSuffix(line, "\n"))
		}
		if i == 0 {
			first = names
		} else if !slices.Equal(names, first) {
			t.Fatalf("in blocks of %d: got %q, want %q", block, names, first)
		}
	}
	return first
}

func TestScanBracket(t *testing.T) {
	if got := scan(t, "", "[[0]"); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

func TestScanPrefix(t *testing.T) {
	const text = "[default]\n[profile prod]\n[profile product/eu]\nregion = profile prod\n[profile dev]\n[profile aprod]\n"
	s := nameScanner{prefix: "prod"}
	err := s.read(ConfigFile, strings.NewReader(text), make([]byte, 16))
	if want := "prod\nproduct/eu\n"; err != nil || s.lines() != want {
		t.Errorf("got %q, %v, want %q", s.lines(), err, want)
	}
}

func TestScanLines(t *testing.T) {
	tests := []struct{ name, config, credentials, prefix, want string }{
		{"none", "[profile a]\n", "", "b", ""},
		{"in order", "[profile a]\n[profile b]\n", "[c]\n", "", "a\nb\nc\n"},
		{"out of order", "[profile b]\n[profile a]\n", "[c]\n", "", "a\nb\nc\n"},
		{"twice", "[profile a]\n[profile a]\n", "[a]\n", "", "a\n"},
		{"in both files", "[profile a]\n[profile c]\n", "[b]\n[c]\n", "", "a\nb\nc\n"},
		{"out of order, but for those asked", "[profile b1]\n[profile a]\n[profile b2]\n", "", "b", "b1\nb2\n"},
		{"by number", numbered(120, "[profile a%d]\n"), "[a7]\n", "a11", "a11\na110\na111\na112\na113\na114\na115\na116\na117\na118\na119\n"},
		{"as many runs as are merged", numbered(mostRuns, "[profile b%02d]\n[profile a]\n"), "", "", "a\n" + numbered(mostRuns, "b%02d\n")},
		{"more runs", numbered(2*mostRuns, "[profile b%02d]\n[profile a]\n"), "[c]\n", "", "a\n" + numbered(2*mostRuns, "b%02d\n") + "c\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			p := Paths{filepath.Join(dir, "config"), filepath.Join(dir, "credentials")}
			write(t, p.Config, test.config)
			write(t, p.Credentials, test.credentials)
			got, err := ScanLines(p, test.prefix)
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			names, err := ScanNames(p, test.prefix)
			if err != nil || !slices.Equal(names, strings.Fields(test.want)) {
				t.Errorf("ScanNames: got %q, %v, want %q", names, err, test.want)
			}
		})
	}
}
