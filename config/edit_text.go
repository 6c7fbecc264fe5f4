package config

import "bytes"

// SetBytes puts another text in the place of the whole file. A malformed one is
// a *ParseError.
func (e *Editor) SetBytes(text []byte) error {
	return e.replace(0, len(e.text), string(bytes.Clone(text)))
}
