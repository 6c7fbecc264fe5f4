package sts

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
)

var cacheNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newCache(t testing.TB) *Cache {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	return job{Dir: dir, Now: cacheNow}.cache()
}

func header(hash string, life time.Duration) Header {
	return Header{Hash: hash, Action: AssumeRole, Profile: "dev", RoleARN: "arn:aws:iam::222222222222:role/dev", MFA: true,
		Issued: cacheNow, Expires: cacheNow.Add(life)}
}

func credentials(id string) Credentials {
	return Credentials{AccessKeyID: id, SecretAccessKey: keystore.NewSecret("secret of " + id), SessionToken: keystore.NewSecret("token of " + id)}
}

func (c *Cache) mustPut(t testing.TB, h Header, with Credentials) {
	t.Helper()
	if err := c.Put(t.Context(), h, with); err != nil {
		t.Fatal(err)
	}
}

// has checks whether the cache has the session of a hash, and whole.
func (c *Cache) has(t testing.TB, hash, id string, want bool) {
	t.Helper()
	got, ok, err := c.Get(t.Context(), hash, 0)
	if err != nil || ok != want {
		t.Errorf("Get(%q): %t, %v; want %t", hash, ok, err, want)
		return
	}
	if with := credentials(id); ok && (got.AccessKeyID != id || got.SecretAccessKey.Reveal() != with.SecretAccessKey.Reveal() ||
		got.SessionToken.Reveal() != with.SessionToken.Reveal()) {
		t.Errorf("Get(%q) = %+v, want %s", hash, got, id)
	}
}

func TestCache(t *testing.T) {
	c := newCache(t)
	c.has(t, "a", "", false)
	if list := c.Headers(); list != nil {
		t.Errorf("headers of nothing: %+v", list)
	}
	zone := time.FixedZone("", 3600)
	a, b := header("a", time.Hour), header("b", 2*time.Hour)
	a.Issued, a.Expires = a.Issued.In(zone), a.Expires.In(zone)
	c.mustPut(t, a, credentials("ASIAA"))
	c.mustPut(t, b, credentials("ASIAB"))
	c.has(t, "a", "ASIAA", true)
	c.has(t, "b", "ASIAB", true)
	c.has(t, "c", "", false)
	got, _, _ := c.Get(t.Context(), "a", 0)
	if !got.Issued.Equal(a.Issued) || !got.Expires.Equal(a.Expires) || got.Skew != 0 {
		t.Errorf("times %s to %s", got.Issued, got.Expires)
	}
	// In place of the old one.
	c.mustPut(t, a, credentials("ASIAA2"))
	c.has(t, "a", "ASIAA2", true)
	if list := c.Headers(); len(list) != 2 || list[0] != b {
		t.Errorf("headers %+v", list)
	}
	if err := c.Drop(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	c.has(t, "b", "", false)
	c.has(t, "a", "ASIAA2", true)
	if err := c.Drop(t.Context(), "nothing"); err != nil {
		t.Error(err)
	}
	if n, err := c.DropFunc(t.Context(), func(h Header) bool { return h.Profile == "dev" }); n != 1 || err != nil {
		t.Errorf("DropFunc: %d, %v", n, err)
	}
	c.has(t, "a", "", false)

	info, err := os.Stat(c.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
}

func TestCacheSecrets(t *testing.T) {
	c := newCache(t)
	c.mustPut(t, header("a", time.Hour), credentials("ASIAA"))
	data, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"ASIAA", "secret of", "token of"} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("the file shows %q", secret)
		}
	}
	// Each is sealed with a nonce of its own.
	c.mustPut(t, header("a", time.Hour), credentials("ASIAA"))
	again, err := os.ReadFile(c.Path)
	if err != nil || bytes.Equal(data, again) {
		t.Errorf("the same session is sealed the same twice: %v", err)
	}
}

// Sessions that have ended are not given, not shown and go with the next Put.
func TestCacheExpired(t *testing.T) {
	c := newCache(t)
	now := cacheNow
	c.Now = func() time.Time { return now }
	c.mustPut(t, header("short", 15*time.Minute), credentials("ASIA1"))
	c.mustPut(t, header("long", time.Hour), credentials("ASIA2"))
	now = cacheNow.Add(15*time.Minute - time.Second)
	c.has(t, "short", "", false)
	if n := len(c.Headers()); n != 2 {
		t.Errorf("%d headers a second before the end", n)
	}
	if c.Headers()[0].Fresh(now, 0) || !c.Headers()[0].Fresh(now.Add(-10*time.Minute), 0) {
		t.Error("Fresh says something else than Get")
	}
	now = cacheNow.Add(15 * time.Minute)
	if list := c.Headers(); len(list) != 1 || list[0].Hash != "long" {
		t.Errorf("headers %+v", list)
	}
	c.mustPut(t, header("new", time.Hour), credentials("ASIA3"))
	data, err := os.ReadFile(c.Path)
	if err != nil || bytes.Contains(data, []byte(`"short"`)) || !bytes.Contains(data, []byte(`"long"`)) {
		t.Errorf("the file: %s, %v", data, err)
	}
	// A session from the future: the clock was wrong when it was cached.
	now = cacheNow.Add(-24 * time.Hour)
	c.has(t, "long", "", false)
	if n := len(c.Headers()); n != 0 {
		t.Errorf("%d headers from the future", n)
	}
}

func TestCacheRest(t *testing.T) {
	c := newCache(t)
	now := cacheNow
	c.Now = func() time.Time { return now }
	var rests []time.Time
	c.Rest = func(until time.Time) {
		if _, ok, err := keystore.TryLock(c.Path + ".lock"); ok || err != nil {
			t.Errorf("Rest without the lock: %t, %v", ok, err)
		}
		rests = append(rests, until)
	}
	want := func(d time.Duration) {
		t.Helper()
		last := rests[len(rests)-1]
		if zero := d == 0; last.IsZero() != zero || !zero && !last.Equal(cacheNow.Add(d)) {
			t.Errorf("Rest(%s), want %s later than %s", last, d, cacheNow)
		}
	}
	c.mustPut(t, header("a", 2*time.Hour), credentials("ASIA1"))
	want(2 * time.Hour)
	c.mustPut(t, header("b", time.Hour), credentials("ASIA2"))
	want(2 * time.Hour)
	if err := c.Drop(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(time.Hour)
	now = cacheNow.Add(time.Hour)
	if err := c.Drop(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want(0)
	if len(rests) != 4 {
		t.Errorf("Rest was called %d times", len(rests))
	}
}

// A look at the headers and a miss need no key.
func TestCacheKey(t *testing.T) {
	c := newCache(t)
	c.mustPut(t, header("a", time.Hour), credentials("ASIA1"))
	asked := 0
	c.Key = func(context.Context) ([]byte, error) { asked++; return nil, keystore.ErrLocked }
	if len(c.Headers()) != 1 {
		t.Error("no headers without the key")
	}
	c.has(t, "b", "", false)
	if err := c.Drop(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	if asked != 0 {
		t.Errorf("the key was asked for %d times", asked)
	}
	if _, ok, err := c.Get(t.Context(), "a", 0); ok || !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("Get: %t, %v", ok, err)
	}
	if err := c.Put(t.Context(), header("b", time.Hour), credentials("ASIA1")); !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("Put: %v", err)
	}
	for _, key := range [][]byte{nil, bytes.Repeat([]byte{8}, 32), {1}} {
		c.Key = func(context.Context) ([]byte, error) { return key, nil }
		c.has(t, "a", "", false)
	}
	if err := c.Put(t.Context(), header("b", time.Hour), credentials("ASIA1")); err == nil {
		t.Error("Put with a key of one byte")
	}
}

func TestCacheFolder(t *testing.T) {
	c := newCache(t)
	dir := filepath.Dir(c.Path)
	c.mustPut(t, header("a", time.Hour), credentials("ASIA1"))
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	c.has(t, "a", "", false)
	if err := c.Put(t.Context(), header("b", time.Hour), credentials("ASIA1")); !errors.Is(err, keystore.ErrPermissions) {
		t.Errorf("Put into a folder open to all: %v", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c.has(t, "a", "ASIA1", true) // left alone
	if _, err := os.Stat(c.Path + ".unsafe"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was set aside: %v", err)
	}
}
