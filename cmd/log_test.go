package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Fifty processes write while the journal becomes full: no line is lost, and
// none is torn.
func TestLogTurned(t *testing.T) {
	const writers, full = 50, 5 << 20
	w := newWorld(t)
	w.store("simple")
	if r := w.vault("export", "simple"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	path := filepath.Join(w.home, ".local/state/vault/journal")
	first := w.read(".local/state/vault/journal")
	filler := fmt.Sprintf(`{"time":"2026-01-01T00:00:00Z","command":"filler","folder":%q}`+"\n", strings.Repeat("x", 1000))
	// A few more of the lines to come, and it is full.
	text := strings.Repeat(filler, (full-7*len(first))/len(filler))
	text += strings.Repeat("\n", full-7*len(first)-len(text))
	w.write(".local/state/vault/journal", text)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			if r := w.run("", w.environ(), binary, "export", "simple", "--region", fmt.Sprintf("eu-west-%d", i)); r.code != 0 {
				t.Errorf("%+v", r)
			}
		})
	}
	all.Wait()
	older, err := os.Stat(path + ".1")
	if err != nil || older.Size() < full {
		t.Fatalf("the journal was not turned: %v", err)
	}
	if older.Mode().Perm() != 0o600 {
		t.Errorf("the older journal is %v", older.Mode())
	}
	r := w.vault("log", "--json", "--profile", "simple", "-n", "0")
	var got struct {
		Entries []struct{ Command, Profile string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.stderr != "" {
		t.Fatalf("%v: %s", err, r.stderr)
	}
	if len(got.Entries) != writers {
		t.Errorf("%d lines, want %d", len(got.Entries), writers)
	}
}
