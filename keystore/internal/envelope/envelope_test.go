package envelope

import (
	"errors"
	"strings"
	"testing"

	"github.com/shellvault/vault/keystore"
)

// The line is what lies in the keystores of users: it can never change.
func TestWrap(t *testing.T) {
	tests := []struct{ key, value, want string }{
		{"key/work", "one", `{"vault":1,"key":"key/work","value":"b25l"}`},
		{"key/work", "", `{"vault":1,"key":"key/work","value":""}`},
		{"a\n<\"é", "\x00\xff\n", `{"vault":1,"key":"a\n\u003c\"é","value":"AP8K"}`},
	}
	for _, test := range tests {
		got, err := Wrap(test.key, keystore.NewSecret(test.value))
		if err != nil || string(got) != test.want {
			t.Errorf("Wrap(%q) = %s, %v, want %s", test.key, got, err, test.want)
		}
		for _, line := range []string{test.want, "\n\t" + test.want + "\r\n"} {
			value, err := Unwrap(test.key, []byte(line))
			if err != nil || value.Reveal() != test.value {
				t.Errorf("Unwrap(%q) = %q, %v, want %q", line, value.Reveal(), err, test.value)
			}
		}
	}
}

func TestUnwrap(t *testing.T) {
	for line, want := range map[string]error{
		``:       keystore.ErrCorrupt,
		`"b25l"`: keystore.ErrCorrupt,
		`{"v":1,"access_key_id":"AKIA","secret_access_key":"b25l"}`: keystore.ErrCorrupt,
		`{"vault":1,"key":"key/work","value":"b25l"`:                keystore.ErrCorrupt,
		`{"vault":1,"key":"key/work","value":"b25l"} {}`:            keystore.ErrCorrupt,
		`{"vault":1,"key":"key/work","value":"b25"}`:                keystore.ErrCorrupt,
		`{"vault":1,"key":"key/work"}`:                              keystore.ErrCorrupt,
		`{"vault":0,"key":"key/work","value":"b25l"}`:               keystore.ErrCorrupt,
		`{"vault":2,"key":"key/work","value":"b25l"}`:               keystore.ErrVersion,
	} {
		_, err := Unwrap("key/work", []byte(line))
		if !errors.Is(err, want) || strings.Contains(err.Error(), "b25") {
			t.Errorf("Unwrap(%q): %v, want %v", line, err, want)
		}
	}
	_, err := Unwrap("key/work", []byte(`{"vault":1,"key":"key/Work","value":"b25l"}`))
	var other *OtherKeyError
	if !errors.As(err, &other) || other.Key != "key/Work" || err.Error() != `the value of "key/Work" was given for "key/work"` {
		t.Errorf("got %v", err)
	}
}
