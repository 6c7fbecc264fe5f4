package config

import "testing"

func TestSetComment(t *testing.T) {
	for name, tt := range map[string]struct{ before, text, want string }{
		"new":           {"[profile a]\nx = 1\n", "gone", "[profile a]\n# sync: gone\nx = 1\n"},
		"same":          {"[profile a]\n# sync: gone\nx = 1\n", "gone", "[profile a]\n# sync: gone\nx = 1\n"},
		"another":       {"[profile a]\n# sync: gone\nx = 1\n", "back", "[profile a]\n# sync: back\nx = 1\n"},
		"removed":       {"[profile a]\n# sync: gone\nx = 1\n", "", "[profile a]\nx = 1\n"},
		"not there":     {"[profile a]\nx = 1\n", "", "[profile a]\nx = 1\n"},
		"of the user":   {"[profile a]\n# mine\nx = 1\n", "gone", "[profile a]\n# sync: gone\n# mine\nx = 1\n"},
		"CRLF":          {"[profile a]\r\nx = 1\r\n", "gone", "[profile a]\r\n# sync: gone\r\nx = 1\r\n"},
		"no line break": {"[profile a]", "gone", "[profile a]\n# sync: gone"},
		"other section": {"[profile b]\n[profile a]\n[profile c]\n", "gone", "[profile b]\n[profile a]\n# sync: gone\n[profile c]\n"},
	} {
		e, err := NewEditor("config", ConfigFile, []byte(tt.before))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.SetComment("a", "sync: ", tt.text); err != nil || string(e.Bytes()) != tt.want {
			t.Errorf("%s: %q, %v", name, e.Bytes(), err)
		}
	}
}
