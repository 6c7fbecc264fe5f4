package foreign

import (
	"strings"
	"testing"

	"github.com/shellvault/vault/keystore"
)

// FuzzRead gives each parser what others wrote: none may fail otherwise than
// by an error of one line.
func FuzzRead(f *testing.F) {
	for _, text := range written {
		f.Add(text)
	}
	f.Add("a.b.c.d.e")
	f.Add(`{"Key":"p","Data":"e30="}`)
	f.Add("\ufeffAccess key ID,Secret access key\r\nA,B\r\n")
	f.Add("SSOConfig:\n  a:\n    \"b: c\": 'd'\n- x\n")
	f.Add("keychain: \"x\"\n\"acct\"<blob>=0x6C  \"l\"\n\"svce\"<blob>=\"aws-vault\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, sealedErr := parseSealed([]byte(text))
		_, wrappedErr := ParseWrapped("p", keystore.NewSecret(text))
		_, passwordErr := ParsePassword([]byte(text))
		_, csvErr := parseCSV([]byte(text))
		_, yamlErr := parseYAML(text)
		ParseDump(text, "aws-vault")
		IsProfile(text)
		for _, err := range []error{sealedErr, wrappedErr, passwordErr, csvErr, yamlErr} {
			if err != nil && (strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 200+4*len(text)) {
				t.Errorf("error %q", err)
			}
		}
	})
}
