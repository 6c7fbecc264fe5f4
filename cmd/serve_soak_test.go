package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// weight returns how much memory a process has, in KiB, how many descriptors,
// and how many children.
func weight(t *testing.T, pid int) (memory, descriptors, children int) {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d", &memory)
	}
	files, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	tasks, _ := filepath.Glob(filepath.Join(proc, "task", "*", "children"))
	for _, task := range tasks {
		text, _ := os.ReadFile(task) // of a thread that has ended
		children += len(strings.Fields(string(text)))
	}
	return memory, len(files), children
}

// TestServeSoak asks a server all the time while what it gives lives for
// seconds: no request fails, and nothing piles up in it. SOAK_RENEWALS says how
// long; "make soak" has a hundred.
func TestServeSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc")
	}
	renewals := 8
	if n, err := strconv.Atoi(os.Getenv("SOAK_RENEWALS")); err == nil && n > 3 {
		renewals = n
	}
	w := newWorld(t)
	w.store("simple")
	w.aws.SetLife(4 * time.Second)
	c := exec.Command(binary, "serve", "plain", "--format", "json")
	c.Env, c.Dir, c.SysProcAttr = w.environ(), w.home, newSession
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	}()
	var env map[string]string
	if err := json.NewDecoder(out).Decode(&env); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	requests, last := 0, time.Now()
	var memory, descriptors int
	for len(seen) < renewals {
		id, err := fetch(env)
		if err != nil {
			t.Fatalf("request %d, after %d renewals: %v", requests, len(seen), err)
		}
		if requests++; !seen[id] {
			last = time.Now()
		}
		if seen[id] = true; len(seen) == 3 && memory == 0 {
			memory, descriptors, _ = weight(t, c.Process.Pid)
		}
		if time.Since(last) > time.Minute {
			t.Fatal("it is not renewed any more")
		}
	}
	m, d, children := weight(t, c.Process.Pid)
	t.Logf("%d requests, %d renewals, %d KiB and then %d, %d descriptors and then %d, %d children", requests, len(seen), memory, m, descriptors, d, children)
	if m > memory+16<<10 || d > descriptors+8 || children > 1 {
		t.Errorf("it grows: %d KiB and then %d, %d descriptors and then %d, %d children", memory, m, descriptors, d, children)
	}
	if got := w.aws.CallCount("AssumeRole"); got > renewals+2 {
		t.Errorf("AWS was asked %d times for %d renewals", got, renewals)
	}
}
