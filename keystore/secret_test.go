package keystore_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/shellvault/vault/keystore"
)

const canary = "canary+7f3a"

func TestSecretDoesNotPrint(t *testing.T) {
	s := keystore.NewSecret(canary)
	type exported struct{ S keystore.Secret }
	type hidden struct{ s keystore.Secret }
	user := keystore.UserKey{AccessKeyID: "AKIA1", SecretAccessKey: s}
	values := map[string]any{
		"value":    s,
		"pointer":  &s,
		"exported": exported{s},
		"hidden":   hidden{s},
		"pointers": &hidden{s},
		"slice":    []keystore.Secret{s},
		"map":      map[string]keystore.Secret{"a": s},
		"key":      map[keystore.Secret]int{s: 1},
		"any":      []any{s, hidden{s}},
		"user key": user,
		"error":    fmt.Errorf("with %v: %w", s, errors.New("x")),
	}
	for name, v := range values {
		var out strings.Builder
		for _, verb := range "vsqdxXobcUeEfFgGtpT" {
			for _, flags := range []string{"", "+", "#", "-40", "040", "+#", " "} {
				fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
			}
		}
		fmt.Fprint(&out, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
		if data, err := json.Marshal(v); err == nil {
			out.Write(data)
		}
		if data, err := xml.Marshal(v); err == nil {
			out.Write(data)
		}
		var buf bytes.Buffer
		_ = gob.NewEncoder(&buf).Encode(v)
		out.Write(buf.Bytes())
		for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprint([]byte(canary))} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%s prints the secret: %s", name, out.String())
			}
		}
	}
}

func TestSecretPrintsAs(t *testing.T) {
	s := keystore.NewSecret(canary)
	const want = "[secret]"
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, s); got != want {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	text, _ := s.MarshalText()
	data, err := json.Marshal(s)
	if s.String() != want || s.GoString() != want || string(text) != want || string(data) != `"`+want+`"` || err != nil {
		t.Errorf("got %q %q %q %q %v", s.String(), s.GoString(), text, data, err)
	}
}

func TestSecretValue(t *testing.T) {
	var zero keystore.Secret
	if !zero.IsZero() || zero.Reveal() != "" || fmt.Sprint(zero) != "[secret]" {
		t.Errorf("zero: %v %q %v", zero.IsZero(), zero.Reveal(), zero)
	}
	if s := keystore.NewSecret(""); !s.IsZero() {
		t.Error("the empty secret is not zero")
	}
	if s := keystore.NewSecret("x"); s.IsZero() || s.Reveal() != "x" {
		t.Error("a secret is zero")
	}
}
