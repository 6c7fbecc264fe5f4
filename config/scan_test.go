package config

import (
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
		names := sortNames(s.names)
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
	if want := []string{"prod", "product/eu"}; err != nil || !slices.Equal(s.names, want) {
		t.Errorf("got %q, %v, want %q", s.names, err, want)
	}
}
