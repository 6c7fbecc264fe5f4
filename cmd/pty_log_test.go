package cmd_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// logged returns what the journal has of each hand-out: the command, and for
// whom.
func (w *world) logged() (commands []string, pids []int) {
	w.t.Helper()
	var got struct {
		Entries []struct {
			Command string
			PID     int
			Key     string
		}
	}
	r := w.vault("log", "--json", "-n", "0")
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.stderr != "" {
		w.t.Fatalf("%v: %s", err, r.stderr)
	}
	for _, e := range got.Entries {
		commands, pids = append(commands, e.Command), append(pids, e.PID)
		if len(e.Key) != 4 {
			w.t.Errorf("%s: the key is %q", e.Command, e.Key)
		}
	}
	return commands, pids
}

// TestPTYLog goes through what a shell gets: by a switch, by itself, on demand,
// and by an endpoint. What is still fresh is not handed out again.
func TestPTYLog(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use dev")
		old := c.key()
		c.ages(9 * time.Minute)
		c.gets(old)
		c.ok("vault refresh")
		c.ok("vault refresh --force")
		c.ok("vault use --serve dev")
		c.serves("dev")
		c.ok("vault refresh")
		c.serves("dev")
		commands, pids := w.logged()
		if want := []string{"use", "use", "renewal", "refresh", "use", "serve"}; !slices.Equal(commands, want) {
			t.Errorf("it says %q, want %q", commands, want)
		}
		pid := strings.TrimSpace(c.ok(by(shell, map[string]string{"bash": "echo $$", "fish": "echo $fish_pid"})))
		for i, got := range pids[min(1, len(pids)):] {
			if strconv.Itoa(got) != pid {
				t.Errorf("%s was for %d, want %s", commands[1+i], got, pid)
			}
		}
	})
}
