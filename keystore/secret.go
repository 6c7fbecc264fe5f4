package keystore

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a value that must not reach a log, an error or a terminal.
// It prints as "[secret]"; only Reveal returns the value.
//
// There is a pointer inside because fmt calls no methods on unexported
// fields: of a struct that holds a Secret it then prints an address.
type Secret struct{ p *string }

const hidden = "[secret]"

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsZero reports whether s holds nothing, or the empty string.
func (s Secret) IsZero() bool { return s.p == nil || *s.p == "" }

// Format prints "[secret]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

func (Secret) String() string               { return hidden }
func (Secret) GoString() string             { return hidden }
func (Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
