package command

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	long := strings.Repeat("k", 250)
	tests := []struct{ key, name string }{
		{"key/work", "key/work"},
		{"key/Admin@eu+1.2_x-y", "key/Admin@eu+1.2_x-y"},
		{"internal/sealing-key", "internal/sealing-key"},
		{"a b", "a%20b"},
		{"a%2Fb", "a%252Fb"},
		{"/", "%2F"},
		{"/a", "%2Fa"},
		{"a/", "a%2F"},
		{"a//b", "a%2F%2Fb"},
		{"..", "%2E."},
		{"../a", "%2E./a"},
		{"a/../b", "a/%2E./b"},
		{"a/.git", "a/%2Egit"},
		{"-rf", "%2Drf"},
		{"a/-rf", "a/%2Drf"},
		{"a.gpg", "a%2Egpg"},
		{".gpg", "%2Egpg"},
		{"a.gpg/b", "a.gpg/b"},
		{"a~", "a%7E"},
		{"a\nb", "a%0Ab"},
		{"é", "%C3%A9"},
		{"$(a)", "%24%28a%29"},
		{long, long[:98] + "%/" + long[:98] + "%/" + long[:54]},
		{long[:98] + ".x", long[:98] + "%/%2Ex"},
		{long[:98] + "/x", long[:98] + "/x"},
	}
	for _, test := range tests {
		if got := encode(test.key); got != test.name {
			t.Errorf("encode(%q) = %q, want %q", test.key, got, test.name)
		}
		if got, ok := decode(test.name); got != test.key || !ok {
			t.Errorf("decode(%q) = %q, %v, want %q", test.name, got, ok, test.key)
		}
	}
	for _, name := range []string{
		"", "a b", "%", "a%", "a%2", "%2f", "%zz", "%41", "a%/b", "./a", "../a", "a//b", "/a", "a/", "-a", ".git", "a.gpg", "a~", "é", "%00", "%FF",
		strings.Repeat("k", 99), strings.Repeat("k", 1025),
	} {
		if key, ok := decode(name); ok {
			t.Errorf("decode(%q) = %q, and no key is named so", name, key)
		}
	}
}

// A name is safe as a path, in a shell, and as an argument.
var safeName = regexp.MustCompile(`^[A-Za-z0-9_@+%][A-Za-z0-9._@+%-]{0,100}(/[A-Za-z0-9_@+%][A-Za-z0-9._@+%-]{0,100})*$`)

func FuzzName(f *testing.F) {
	for _, key := range []string{"key/work", "..", "/", "a%/b", ".gpg", "-", "a~", "é", strings.Repeat("/", 300), strings.Repeat(".", 300), strings.Repeat("k", 97) + "é"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if begin(t.Context(), key) != nil {
			return
		}
		name := encode(key)
		if !safeName.MatchString(name) || strings.HasSuffix(name, ".gpg") {
			t.Errorf("encode(%q) = %q", key, name)
		}
		if got, ok := decode(name); got != key || !ok {
			t.Errorf("decode(%q) = %q, %v, want %q", name, got, ok, key)
		}
		listed := parseListing("./" + name + ".gpg\r\n")
		if got := slices.Collect(maps.Keys(listed.keys())); !slices.Equal(got, []string{key}) {
			t.Errorf("listed %q, want %q", got, key)
		}
	})
}

func TestListing(t *testing.T) {
	l := parseListing("key/a\n./key/b.gpg\n  key/c~  \r\n./key/d~.gpg\n\nPassword Store\n├── x\n.git\n../key/e\nkey/f")
	want := listing{"key/a": true, "key/b": true, "key/c~": true, "key/d~": true, "key/f": true}
	if !maps.Equal(l, want) {
		t.Errorf("got %v, want %v", l, want)
	}
	if got := slices.Sorted(maps.Keys(l.keys())); !slices.Equal(got, []string{"key/a", "key/b", "key/c", "key/d", "key/f"}) {
		t.Errorf("keys %q", got)
	}
	for key, want := range map[string]bool{"key/a": true, "key/c": true, "key": false, "key/A": false, "key/c~": false} {
		if l.has(key) != want {
			t.Errorf("has(%q) = %v", key, !want)
		}
	}
}
