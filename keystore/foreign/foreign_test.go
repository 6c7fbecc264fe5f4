package foreign

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shellvault/vault/keystore"
)

// Files that aws-vault wrote for profile prod/eu with the passphrase "pw".
var written = map[string]string{
	"ByteNess 7.13.5": "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJjcmVhdGVkIjoiMjAyNi0xMS0yMCAwOTozMjoyNC44MTE1NzYzNjUgKzAwMDAgVVRDIG09KzAuNDQ1MDM3MTYzIiwiZW5jIjoiQTI1NkdDTSIsInAyYyI6ODE5MiwicDJzIjoiYS1Leldtb05laXFiazRXcyJ9.WX7go72-d3lRX8ae6fi6E1sCkmStC8JbTHickVQblwG8Ua-K4O0oiA.HJ9f-LO95I-qYe32.iZcqNXAlRbRTKf1kDNQYW1wHsnRYkOoS5kIW72oC9MBV9NMVNCC_SKAIqC2zXYEI-9wSFTe-PI7RGgzRyl_5E0-D2nzZqzIEg8V6-xkTF2XycZE04CPNqirSAB_OAq0QahgJrgLcl2dfYN_0_3GjtDtkO4HdKfe0Pt3-zq4yBpK1W6k1f3h-BZ9nO8XHZUuFQbPqwqV41qmW4eV6OT76dndOZntgE3CHjM6Z8mDAFsPl7WdQhdS-Vv3j_DpV6LxEPvtS0ewUWeIQTKHhrbqhgoVatirAxovwQclAuyCwYv8ji1UWbjCbtOSsoEQ8w10CpHxYKQqbgXQOXLIWydRaQJRocGQK6BHDEiyMDW0AsgUJmiIO6PAHkv8rS1bYKKxQGmhFtd7Hs9HIlZNEWkoXf0fhT78NQV6mz95YrgY62kYKfDuiD1SNg4BxZhMuiy5zTYzVpNprxbANSvMLD4pJHOmR_fyb-34jcALJRpjSFogVv3o.nTdupj4dvY8mgLE-pwGBkQ",
	"99designs 7.2.0": "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJjcmVhdGVkIjoiMjAyNi0xMS0yMCAwOTozMjoyNi44MjM4MjY5NDQgKzAwMDAgVVRDIG09KzAuMDE0MzQ0MDk4IiwiZW5jIjoiQTI1NkdDTSIsInAyYyI6ODE5MiwicDJzIjoidUtpWlBOMjRBMk9mRzFjNSJ9.vj2ziDblzADoFz7NiAIK9YDEXynqMMLuSmFPLH66Z_jRNDKvxh3pRQ.PVbSQKVGOHuzfE0O.ChD1KK1W2LPUSWxdonzBjY4V6y4DG0yBpuoO5lqrNeB3ZglGO-HstYlL7_RohcVMYvsDZs0w1sgFnqSumKoswZSs2Mh7XEotYrBQJh5aLpgns1sCrE2SmBwT8Z9-Esp5nBro0C5DNBhXR0E9VEtE4eQRZnO1XHIs4z7QiQf5gUrsXxrsXDcY0L6YPMPMHH9bTbnTf4ncZ0SuBB3Ss_VjmgYWs2nLU4-enC5KIb6IKUXHSXIdvlk0j3hRH6H2cq5HlqETPxPyLkWuEhuK_K_EH1nNwL1SQ4924ou_eiPH-zy_VVh_rwtV-qU4NEKqf4pWLnTyFFbI3m9EZXI7oSjHN4jq-690W9YO7gDcKlN3KShjTqA6IUgGgwGbFpjGToaHYnKBSECZDHAXz7OrIhrKLs7hREG-mRYXChzwaYBByGVOUwxRaE5TxxOCDqY4NqwUHJ69LmlStiVN25SE__ZV.Sd1qBvq8w_06chgmawtD4A",
}

func anyProfile(string) bool { return true }

// wantKey compares a key with that of the files above.
func wantKey(t *testing.T, k keystore.UserKey) {
	t.Helper()
	if k.AccessKeyID != "AKIAEXAMPLE0000000001" || k.SecretAccessKey.Reveal() != "secret/one+two" {
		t.Errorf("got %s with another secret than was put there", k.AccessKeyID)
	}
}

func TestReadFolder(t *testing.T) {
	for program, text := range written {
		t.Run(program, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"prod%2Feu", ".prod", "oidc:https:%2F%2Fx.awsapps.com%2Fstart", "sts.GetSessionToken,YmFzZQ,YXJu,1795194955"} {
				write(t, filepath.Join(dir, name), text)
			}
			if err := os.Mkdir(filepath.Join(dir, "vault"), 0o700); err != nil {
				t.Fatal(err)
			}
			entries, errs := ReadFolder(dir, anyProfile)
			if len(entries) != 1 || entries[0].Name != "prod/eu" || errs != nil {
				t.Fatalf("got %d entries, %q", len(entries), errs)
			}
			if _, err := entries[0].Open(keystore.NewSecret("PW")); !errors.Is(err, keystore.ErrPassphrase) {
				t.Errorf("another passphrase: %v", err)
			}
			k, err := entries[0].Open(keystore.NewSecret("pw"))
			if err != nil {
				t.Fatal(err)
			}
			wantKey(t, k)
		})
	}
}

// What is in the folder beside keys is reported, a line each, and hides none.
func TestReadFolderJunk(t *testing.T) {
	dir := t.TempDir()
	good := written["99designs 7.2.0"]
	header, rest, _ := strings.Cut(good, ".")
	withHeader := func(name string, value any) string {
		raw, err := base64.RawURLEncoding.DecodeString(header)
		if err != nil {
			t.Fatal(err)
		}
		var h map[string]any
		if err := json.Unmarshal(raw, &h); err != nil {
			t.Fatal(err)
		}
		h[name] = value
		if raw, err = json.Marshal(h); err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw) + "." + rest
	}
	files := map[string]string{
		"short": good[:200], "empty": "", "text": "secret", "dots": "....", "none": withHeader("alg", "none"), "dir": withHeader("alg", "dir"),
		"zip": withHeader("zip", "DEF"), "crit": withHeader("crit", []string{"x"}), "huge": withHeader("p2c", 2_000_000_000), "minus": withHeader("p2c", -1),
		"salt": withHeader("p2s", ""), "large": strings.Repeat("a", maxFile+1), "line\nbreak\x1b[31m|x": "junk",
	}
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	if err := errors.Join(os.Symlink("loop", filepath.Join(dir, "loop")), syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "prod%2Feu"), good)
	write(t, filepath.Join(dir, "other"), good) // the same key, renamed
	entries, errs := ReadFolder(dir, anyProfile)
	if len(entries) != 2 || len(errs) != len(files)+2 {
		t.Errorf("%d entries and %d errors, want 2 and %d: %q", len(entries), len(errs), len(files)+2, errs)
	}
	for _, err := range errs {
		if strings.ContainsAny(err.Error(), "\n\x1b") || strings.Contains(err.Error(), "junk") || len(err.Error()) > 400 {
			t.Errorf("error %q", err)
		}
	}
	for _, e := range entries {
		k, err := e.Open(keystore.NewSecret("pw"))
		if e.Name == "prod/eu" {
			wantKey(t, k)
			continue
		}
		if !errors.Is(err, ErrForm) || !strings.Contains(err.Error(), `"prod/eu" under another name`) {
			t.Errorf("a renamed file: %v", err)
		}
	}
	if entries, errs := ReadFolder(filepath.Join(dir, "missing"), anyProfile); entries != nil || errs != nil {
		t.Errorf("a missing folder: %v, %v", entries, errs)
	}
}

// Nothing that was changed opens: neither header, nor key, nor text.
func TestSealedChanged(t *testing.T) {
	for program, text := range written {
		s, err := parseSealed([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*sealed){
			"header": func(s *sealed) { s.protected = []byte("e30") },
			"key":    func(s *sealed) { s.key = flipped(s.key) },
			"text":   func(s *sealed) { s.text = flipped(s.text) },
			"seal":   func(s *sealed) { s.seal = flipped(s.seal) },
		} {
			changed := s
			change(&changed)
			if plain, err := changed.open(keystore.NewSecret("pw")); err == nil {
				t.Errorf("%s: a changed %s opens: %d bytes", program, name, len(plain))
			}
		}
	}
}

func flipped(b []byte) []byte {
	b = append([]byte{}, b...)
	b[0] ^= 1
	return b
}

// The vectors of RFC 3394, sections 4.1 and 4.6.
func TestUnwrapKey(t *testing.T) {
	for _, test := range []struct{ kek, wrapped, want string }{
		{"000102030405060708090A0B0C0D0E0F", "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5", "00112233445566778899AABBCCDDEEFF"},
		{
			"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
			"28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
			"00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
		},
	} {
		got, err := unwrapKey(unhex(t, test.kek), unhex(t, test.wrapped))
		if err != nil || !strings.EqualFold(hex.EncodeToString(got), test.want) {
			t.Errorf("unwrapKey(%s) = %x, %v", test.wrapped, got, err)
		}
		if _, err := unwrapKey(unhex(t, test.kek), unhex(t, test.wrapped)[:16]); err == nil {
			t.Error("a key that is too short unwraps")
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestIsProfile(t *testing.T) {
	for name, want := range map[string]bool{
		"work": true, "prod/eu": true, "100%prod": true, "a b|c\n": true, "a,b,c,1": true, "session": true,
		"": false, "oidc:https://x.awsapps.com/start": false,
		"sts.GetSessionToken,YmFzZQ,YXJuOmF3czppYW06OjExMTExMTExMTExMTptZmEvam9u,1795194955": false,
		"sts.AssumeRole,YmFzZQ,,1795194955":                                                  false,
		"session,work,,1795194955":                                                           false, "session:work:arn:99": false, "work session (1795194955)": false,
	} {
		if got := IsProfile(name); got != want {
			t.Errorf("IsProfile(%q) = %t", name, got)
		}
	}
}

func TestParseWrapped(t *testing.T) {
	wrap := func(key, payload string) keystore.Secret {
		text, err := json.Marshal(map[string]any{"Key": key, "Data": []byte(payload), "Label": "x"})
		if err != nil {
			t.Fatal(err)
		}
		return keystore.NewSecret(string(text))
	}
	for name, test := range map[string]struct {
		value keystore.Secret
		want  error
	}{
		"second SDK":  {wrap("p", `{"AccessKeyID":"AKIAEXAMPLE0000000001","SecretAccessKey":"secret/one+two","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z","AccountID":""}`), nil},
		"first SDK":   {wrap("p", `{"AccessKeyID":"AKIAEXAMPLE0000000001","SecretAccessKey":"secret/one+two","SessionToken":"","ProviderName":""}`), nil},
		"session":     {wrap("p", `{"AccessKeyId":"ASIA","SecretAccessKey":"x","SessionToken":"y","Expiration":"2026-11-20T09:32:24Z"}`), ErrTemporary},
		"expires":     {wrap("p", `{"AccessKeyID":"AKIA","SecretAccessKey":"x","CanExpire":true}`), ErrTemporary},
		"half":        {wrap("p", `{"AccessKeyID":"AKIA"}`), ErrForm},
		"not wrapped": {keystore.NewSecret(`{"AccessKeyID":"AKIAEXAMPLE0000000001","SecretAccessKey":"secret/one+two"}`), ErrForm},
		"a password":  {keystore.NewSecret("hunter2"), ErrForm},
		"of another":  {wrap("q", `{"AccessKeyID":"AKIA","SecretAccessKey":"x"}`), ErrForm},
	} {
		k, err := ParseWrapped("p", test.value)
		if !errors.Is(err, test.want) || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err == nil {
			wantKey(t, k)
		}
	}
}

func TestReadCSV(t *testing.T) {
	tests := []struct{ name, text, user string }{
		{"now", "\ufeffAccess key ID,Secret access key\r\nAKIAEXAMPLE0000000001,secret/one+two\r\n", ""},
		{"root of old", "AWSAccessKeyId=AKIAEXAMPLE0000000001\r\nAWSSecretKey=secret/one+two", ""},
		{"quoted", "User Name,Access Key Id,Secret Access Key\n\"alice\",AKIAEXAMPLE0000000001,secret/one+two\n", "alice"},
		{"with a password", "User name,Password,Access key ID,Secret access key,Console login link\nalice,,AKIAEXAMPLE0000000001,secret/one+two,https://x\n", "alice"},
		{"with users without", "User name,Access key ID,Secret access key\nbob,,\nalice,AKIAEXAMPLE0000000001,secret/one+two\n", "alice"},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "keys.csv")
		write(t, path, test.text)
		keys, err := ReadCSV(path)
		if err != nil || len(keys) != 1 || keys[0].User != test.user {
			t.Errorf("%s: %+v, %v", test.name, keys, err)
			continue
		}
		wantKey(t, keys[0].Key)
	}
	for name, text := range map[string]string{
		"empty": "", "header": "Access key ID,Secret access key\n", "other": "Name,Secret\nalice,hunter2\n",
		"short": "Access key ID,Secret access key\nhunter2\n", "open quote": "Access key ID,Secret access key\n\"hunter2",
	} {
		path := filepath.Join(t.TempDir(), "keys.csv")
		write(t, path, text)
		if keys, err := ReadCSV(path); !errors.Is(err, errNoCSV) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
	if _, err := ReadCSV(t.TempDir()); err == nil || !strings.Contains(err.Error(), "a folder") {
		t.Errorf("a folder: %v", err)
	}
}
