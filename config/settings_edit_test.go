package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSetSetting(t *testing.T) {
	tests := []struct {
		name, text string
		key        string
		value      any
		want       string
	}{
		{"no file", "", "directories", true, "directories = true\n"},
		{"added", "# mine\nbackend = \"file\"\n\n# of prod\n[[profile]]\nmatch = \"prod\"\n", "directories", true, "# mine\nbackend = \"file\"\ndirectories = true\n\n# of prod\n[[profile]]\nmatch = \"prod\"\n"},
		{"tables alone", "# of prod\n[[profile]]\nmatch = \"prod\"\n", "backend", "file", "backend = \"file\"\n\n# of prod\n[[profile]]\nmatch = \"prod\"\n"},
		{"changed", "backend = \"secret-service\"   # since May\nkeys_ttl = 0\n", "backend", "file", "backend = \"file\"   # since May\nkeys_ttl = 0\n"},
		{"literal", "  'backend' ='secret-service'# x\n", "backend", "file", "  backend = \"file\"# x\n"},
		{"bool", "directories=false# x", "directories", true, "directories = true# x"},
		{"same", "directories = true\n", "directories", true, "directories = true\n"},
		{"no last newline", "backend = \"file\"", "directories", false, "backend = \"file\"\ndirectories = false\n"},
		{"CRLF and BOM", "\ufeffbackend = \"file\"\r\n[[profile]]\r\nmatch = \"x\"\r\n", "directories", true, "\ufeffbackend = \"file\"\r\ndirectories = true\r\n[[profile]]\r\nmatch = \"x\"\r\n"},
		{"in a comment", "# directories = false\n", "directories", true, "directories = true\n\n# directories = false\n"},
		{"of a table", "[command]\nget = \"a\"\nset = \"b\"\ndelete = \"c\"\nlist = \"d\"\n", "backend", "command", "backend = \"command\"\n\n[command]\nget = \"a\"\nset = \"b\"\ndelete = \"c\"\nlist = \"d\"\n"},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "vault", "config.toml")
		if test.text != "" {
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(test.text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if err := SetSetting(path, test.key, test.value); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

// What cannot be changed for sure is left as it is.
func TestSetSettingRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no TOML":    "backend = \n",
		"unknown":    "backnd = \"file\"\n",
		"lines":      "browser = \"\"\"\nbackend = \"x\"\n[a]\n\"\"\"\nbackend = \"secret-service\"\n",
		"escapes":    "backend = \"fil\\u0065\"\npassphrase_command = \"\"\"\nbackend = 1\n\"\"\"\n",
		"multi-line": "backend = '''file'''\n",
	} {
		path := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := SetSetting(path, "backend", "keychain")
		if got, _ := os.ReadFile(path); err == nil || string(got) != text {
			t.Errorf("%s: %v, and the file is %q", name, err, got)
		}
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := SetSetting(path, "backend", "nosuch"); err == nil {
		t.Error("a value that does not read back was written")
	}
}
