package sts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
)

func init() {
	// put: puts its headers, and then for as long as it lives, and says so
	// each time.
	children["put"] = func(ctx context.Context, j job) error {
		for {
			for _, h := range j.Headers {
				if err := j.cache().Put(ctx, h, credentials("ASIA-"+h.Hash)); err != nil {
					return err
				}
				if _, err := fmt.Println("put"); err != nil {
					return err
				}
			}
			if j.Code == "once" {
				return nil
			}
		}
	}
}

func TestCacheGoroutines(t *testing.T) {
	c := newCache(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if err := c.Put(t.Context(), header(fmt.Sprint(i), time.Hour), credentials(fmt.Sprint("ASIA", i))); err != nil {
				t.Error(err)
			}
			c.Headers()
			c.has(t, fmt.Sprint(i), fmt.Sprint("ASIA", i), true)
		})
	}
	all.Wait()
	for i := range 50 {
		c.has(t, fmt.Sprint(i), fmt.Sprint("ASIA", i), true)
	}
}

func TestCacheProcesses(t *testing.T) {
	c := newCache(t)
	var all []*child
	for i := range 50 {
		all = append(all, start(t, "put", job{Dir: filepath.Dir(filepath.Dir(c.Path)), Now: cacheNow, Code: "once", Headers: []Header{header(fmt.Sprint(i), time.Hour)}}))
	}
	for _, p := range all {
		p.rest()
	}
	for i := range 50 {
		c.has(t, fmt.Sprint(i), "ASIA-"+fmt.Sprint(i), true)
	}
}

// A process killed at any point of a Put leaves the file whole.
func TestCacheKilled(t *testing.T) {
	c := newCache(t)
	c.mustPut(t, header("kept", time.Hour), credentials("ASIA-kept"))
	var headers []Header
	for i := range 40 {
		headers = append(headers, header(fmt.Sprint(i), time.Hour))
	}
	for i := range 15 {
		p := start(t, "put", job{Dir: filepath.Dir(filepath.Dir(c.Path)), Now: cacheNow, Headers: headers})
		for range 1 + i*3 {
			p.line()
		}
		if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = p.cmd.Wait() // killed
		c.has(t, "kept", "ASIA-kept", true)
		for n := range min(1+i*3, len(headers)) {
			c.has(t, fmt.Sprint(n), "ASIA-"+fmt.Sprint(n), true)
		}
		c.mustPut(t, header("after", time.Hour), credentials("ASIA-after"))
	}
	names, err := os.ReadDir(filepath.Dir(c.Path))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range names {
		if strings.Contains(f.Name(), ".tmp-") {
			t.Errorf("%s was left behind", f.Name())
		}
	}
}

// What others could have read or changed is never used. It is set aside, and
// what is written then is not lost.
func TestCacheUnsafe(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"readable": func(path string) error { return os.Chmod(path, 0o644) },
		"a link": func(path string) error {
			if err := os.Rename(path, path+".other"); err != nil {
				return err
			}
			return os.Symlink(path+".other", path)
		},
		"a hard link": func(path string) error { return os.Link(path, path+".other") },
		"a folder": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		},
		"too large": func(path string) error { return os.Truncate(path, keystore.MaxFile+1) },
		"a pipe": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return syscall.Mkfifo(path, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t)
			c.mustPut(t, header("a", time.Hour), credentials("ASIA1"))
			if err := spoil(c.Path); err != nil {
				t.Fatal(err)
			}
			c.has(t, "a", "", false)
			if list := c.Headers(); list != nil {
				t.Errorf("headers %+v", list)
			}
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					if err := c.Put(t.Context(), header(fmt.Sprint(i), time.Hour), credentials(fmt.Sprint("ASIA", i))); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			for i := range 20 {
				c.has(t, fmt.Sprint(i), fmt.Sprint("ASIA", i), true)
			}
			c.has(t, "a", "", false)
			// What is good stays where it is: another has been here before.
			if !c.setAside(t.Context()) {
				t.Error("a good file is in the way")
			}
			c.has(t, "0", "ASIA0", true)
			if info, err := os.Lstat(c.Path); err != nil || info.Mode() != 0o600 {
				t.Errorf("the file: %v, %v", info.Mode(), err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(`{"v":1,"entries":[null,{"header":{"hash":"a"}}]}`))
	f.Add([]byte(`{"v":1,"entries":[{"header":{"hash":"a","issued":"0000-01-01T00:00:00+23:59","expires":"9999-12-31T23:59:59-23:59"},"sealed":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`))
	e, err := seal(header("a", time.Hour), credentials("ASIA1"), sealingKey)
	if err != nil {
		f.Fatal(err)
	}
	genuine := `{"v":1,"entries":[` + string(e.raw) + `]}`
	f.Add([]byte(genuine))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, e := range decode(data) {
			got, ok := unseal(e, sealingKey)
			if ok && (got.AccessKeyID != "ASIA1" || e.Header.Hash != "a" || !e.Header.Expires.Equal(cacheNow.Add(time.Hour))) {
				t.Errorf("%q is taken for genuine: %+v", data, got)
			}
			e.Header.Fresh(cacheNow, 0)
			e.Header.alive(cacheNow)
		}
	})
}
