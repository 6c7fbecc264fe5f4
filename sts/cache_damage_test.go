package sts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whatever was changed in the file is a miss.
func TestCacheTampered(t *testing.T) {
	c := newCache(t)
	c.mustPut(t, header("a", time.Hour), credentials("ASIA1"))
	c.mustPut(t, header("b", time.Hour), credentials("ASIA2"))
	data, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		V       int `json:"v"`
		Entries []struct {
			Header map[string]any `json:"header"`
			Sealed []byte         `json:"sealed"`
		} `json:"entries"`
	}
	read := func() {
		file.Entries = nil
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string) {
		t.Helper()
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, hash := range []string{"a", "b", "c"} {
			if _, ok, err := c.Get(t.Context(), hash, 0); ok && hash != "b" || err != nil {
				t.Errorf("%s: Get(%q): %t, %v", what, hash, ok, err)
			}
		}
	}
	for key, value := range map[string]any{
		"expires": cacheNow.Add(100 * time.Hour), "issued": cacheNow.Add(time.Second), "profile": "prod", "hash": "c", "mfa": false,
		"action": "GetSessionToken", "role_arn": "arn:aws:iam::222222222222:role/prod",
	} {
		read()
		if _, ok := file.Entries[0].Header[key]; !ok {
			t.Fatalf("there is no %s in %s", key, data)
		}
		file.Entries[0].Header[key] = value
		check(key)
	}
	for i := range header("", 0).sealedSize(t) {
		read()
		file.Entries[0].Sealed[i] ^= 1
		check(fmt.Sprintf("byte %d", i))
		read()
		file.Entries[0].Sealed = file.Entries[0].Sealed[:i]
		check(fmt.Sprintf("%d bytes", i))
	}
	read()
	file.Entries[0].Sealed = file.Entries[1].Sealed
	check("another's seal")
	read()
	file.Entries[0].Header["hash"], file.Entries[1].Header["hash"] = "b", "a"
	check("exchanged")
	// Years that JSON cannot say, once the zone is taken off.
	for _, issued := range []string{"0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"} {
		read()
		file.Entries[0].Header["issued"] = issued
		check(issued)
	}
	read()
	file.Entries[0].Header["issued"] = "0000-01-01T00:00:00+23:59"
	file.Entries[0].Header["expires"] = "9999-12-31T23:59:59-23:59"
	check("all times")
	c.mustPut(t, header("a", time.Hour), credentials("ASIA3"))
	c.has(t, "a", "ASIA3", true)
	c.has(t, "b", "ASIA2", true)
}

func (h Header) sealedSize(t testing.TB) int {
	t.Helper()
	e, err := seal(h, credentials("ASIA1"), sealingKey)
	if err != nil {
		t.Fatal(err)
	}
	return len(e.Sealed)
}

// A file that is not a cache is a miss; the next Put makes it one.
func TestCacheGarbage(t *testing.T) {
	good := newCache(t)
	good.mustPut(t, header("a", time.Hour), credentials("ASIA1"))
	data, err := os.ReadFile(good.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": string(data[:len(data)/2]), "one byte short": string(data[:len(data)-1]), "zeros": strings.Repeat("\x00", len(data)),
		"foreign": "[default]\nregion = x\n", "null": "null", "a list": "[]", "a number": "1", "nothing in it": "{}",
		"another version": strings.Replace(string(data), `"v":1`, `"v":2`, 1), "no version": strings.Replace(string(data), `"v":1`, `"w":1`, 1),
		"entries that are none":   `{"v":1,"entries":[null,1,"x",{},[],{"header":null},{"header":{"hash":"a","expires":"soon"}},{"header":{"hash":"a"},"sealed":"!"}]}`,
		"entries of another kind": `{"v":1,"entries":{}}`, "no entries": `{"v":1}`,
		"a seal that is none": `{"v":1,"entries":[{"header":{"hash":"a","issued":"2026-01-02T03:04:05Z","expires":"2026-01-02T04:04:05Z"},"sealed":"AAAA"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t)
			if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(c.Path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c.Headers()
			c.has(t, "a", "", false)
			c.mustPut(t, header("a", time.Hour), credentials("ASIA2"))
			c.has(t, "a", "ASIA2", true)
			if n := len(c.Headers()); n != 1 {
				t.Errorf("%d headers", n)
			}
		})
	}
	// One bad entry does not take the others with it.
	c := newCache(t)
	c.mustPut(t, header("a", time.Hour), credentials("ASIA1"))
	text := strings.Replace(string(data), `"entries":[`, `"entries":[{"header":7},`, 1)
	if err := os.WriteFile(c.Path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.mustPut(t, header("b", time.Hour), credentials("ASIA2"))
	c.has(t, "a", "ASIA1", true)
}

// Entries keep what a newer version may have written into them.
func TestCacheNewer(t *testing.T) {
	c := newCache(t)
	c.mustPut(t, header("a", time.Hour), credentials("ASIA1"))
	data, _ := os.ReadFile(c.Path)
	text := strings.Replace(string(data), `"sealed"`, `"more":1,"sealed"`, 1)
	if err := os.WriteFile(c.Path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.mustPut(t, header("b", time.Hour), credentials("ASIA2"))
	data, err := os.ReadFile(c.Path)
	if err != nil || !bytes.Contains(data, []byte(`"more":1`)) {
		t.Errorf("%s, %v", data, err)
	}
	c.has(t, "a", "ASIA1", true)
}
