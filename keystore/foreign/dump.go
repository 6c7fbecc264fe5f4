package foreign

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/shellvault/vault/keystore"
)

// ParseDump returns the accounts of a service, sorted, from what "security
// dump-keychain FILE" prints of a keychain of macOS: the attributes of all
// items, and no secret.
func ParseDump(text, service string) []string {
	var accounts []string
	var account, of string
	end := func() {
		if of == service && account != "" {
			accounts = append(accounts, account)
		}
		account, of = "", ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "keychain: ") {
			end()
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case `"acct"<blob>`:
			account = dumped(value)
		case `"svce"<blob>`:
			of = dumped(value)
		}
	}
	end()
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// dumped returns an attribute from its form in a dump: "text", or 0xHEX where
// it is not plain ASCII; <NULL> is none.
func dumped(value string) string {
	if digits, ok := strings.CutPrefix(value, "0x"); ok {
		digits, _, _ = strings.Cut(digits, " ")
		text, err := hex.DecodeString(digits)
		if err != nil {
			return ""
		}
		return string(text)
	}
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return ""
}

// ParsePassword returns the key that "security find-generic-password -w"
// prints: as it is, or as hexadecimal digits where it is not plain ASCII.
func ParsePassword(text []byte) (keystore.UserKey, error) {
	line := strings.TrimSpace(string(text))
	if plain, err := hex.DecodeString(line); err == nil {
		defer clear(plain)
		return parseKey(plain)
	}
	return parseKey([]byte(line))
}
