package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/shell"
)

// journalApp is an App that can write a journal, in a folder of its own.
func journalApp(tb testing.TB) *App {
	tb.Helper()
	return &App{
		Env: shell.Env{"XDG_STATE_HOME": tb.TempDir()}, Now: time.Now, Parent: func() string { return "zsh" },
		loaded: &config.Settings{}, User: "alice", Host: "laptop",
	}
}

// A process that finds the journal full once another has begun a new one
// leaves both alone.
func TestJournalTurnedOnce(t *testing.T) {
	path := journalApp(t).journalFile()
	if err := appendJournal(path, []byte("one\n")); err != nil {
		t.Fatal(err)
	}
	var fds [2]int
	var info unix.Stat_t
	for i := range fds {
		fd, err := openJournal(path)
		if err != nil || unix.Fstat(fd, &info) != nil {
			t.Fatal(err)
		}
		fds[i] = fd
	}
	turnJournal(path, fds[0], info)
	unix.Close(fds[0])
	if err := appendJournal(path, []byte("two\n")); err != nil {
		t.Fatal(err)
	}
	turnJournal(path, fds[1], info)
	unix.Close(fds[1])
	for file, want := range map[string]string{path: "two\n", olderJournal(path): "one\n"} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", file, got, err, want)
		}
	}
}

// Of a full journal no more is read than has to be.
func TestJournalSince(t *testing.T) {
	app := journalApp(t)
	path := app.journalFile()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, `{"time":%q,"command":"use","profile":"p%d","folder":"/home/alice/work/some/where/deep"}`+"\n", start.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), i%3)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	last := start.Add(19_999 * time.Minute)
	tests := []struct {
		name  string
		query journalQuery
		want  int
		lines int // that may be looked at
	}{
		{"an hour", journalQuery{since: last.Add(-time.Hour)}, 61, 200},
		{"the last", journalQuery{most: 5}, 5, 5},
		{"the last of a profile", journalQuery{most: 5, profile: "p1"}, 5, 15},
		{"all of a profile", journalQuery{profile: "p2"}, 6666, 20_000},
		{"none", journalQuery{since: last.Add(time.Minute)}, 0, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, damaged, err := app.readJournal(tt.query)
			if err != nil || damaged != 0 || len(list) != tt.want {
				t.Fatalf("%d entries, %d damaged, %v", len(list), damaged, err)
			}
			for i := 1; i < len(list); i++ {
				if list[i].Time.Before(list[i-1].Time) {
					t.Fatal("not in order")
				}
			}
			// What stands further ahead is not looked at: it may be anything.
			rubbish := []byte(strings.Repeat("x", len(b.String())))
			at := len(b.String())
			for range tt.lines {
				at = strings.LastIndexByte(b.String()[:at-1], '\n') + 1
				if at == 0 {
					break
				}
			}
			other := journalApp(t)
			other.Env["XDG_STATE_HOME"] = t.TempDir()
			_ = os.MkdirAll(filepath.Dir(other.journalFile()), 0o700)
			text := append(rubbish[:at:at], b.String()[at:]...)
			if err := os.WriteFile(other.journalFile(), text, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, damaged, err := other.readJournal(tt.query); err != nil || damaged != 0 {
				t.Errorf("it read further: %d damaged, %v", damaged, err)
			}
		})
	}
}

func TestSinceTime(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, zone)
	for text, want := range map[string]time.Time{
		"2h": now.Add(-2 * time.Hour), "1d": now.AddDate(0, 0, -1), "90m": now.Add(-90 * time.Minute),
		"2026-01-02": time.Date(2026, 1, 2, 0, 0, 0, 0, zone), "2026-01-02T03:04:05Z": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"2026-01-02 03:04": time.Date(2026, 1, 2, 3, 4, 0, 0, zone),
	} {
		if got, err := sinceTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-2h", "-1d", "2", "d", "2026-13-01", "99999999999d"} {
		if got, err := sinceTime(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// BenchmarkJournal times one entry, all that a command does for it.
func BenchmarkJournal(b *testing.B) {
	app := journalApp(b)
	for b.Loop() {
		app.enter(journalEntry{
			Command: "use", Profile: "prod", Account: "444444444444", Role: "arn:aws:iam::444444444444:role/Admin",
			Session: "alice@laptop", Key: "ABCD", Expires: app.Now(), Program: parentForTest(), PID: os.Getppid(),
		})
	}
}

// parentForTest finds the name of the parent as main does.
func parentForTest() string {
	fd, err := unix.Open("/proc/"+strconv.Itoa(os.Getppid())+"/comm", unix.O_RDONLY, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var name [64]byte
	n, _ := unix.Read(fd, name[:])
	return strings.TrimSpace(string(name[:max(n, 0)]))
}
