package config

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The test binary runs itself as another process that edits.
func TestMain(m *testing.M) {
	if job := os.Getenv("CONFIG_TEST_JOB"); job != "" {
		os.Exit(runJob(job, os.Getenv("CONFIG_TEST_FILE"), os.Getenv("CONFIG_TEST_NAME")))
	}
	os.Exit(m.Run())
}

// runJob adds profiles and prints the name of each that was added.
func runJob(job, path, name string) int {
	n := 10
	switch job {
	case "forever":
		n = 1 << 30
	case "full":
		n = 1
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100, Max: 100}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	for i := range n {
		p := fmt.Sprintf("%s-%d", name, i)
		if err := AddProfile(path, p, [][2]string{{"region", "eu-west-1"}}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(p)
	}
	return 0
}

func jobCommand(job, path, name string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "CONFIG_TEST_JOB="+job, "CONFIG_TEST_FILE="+path, "CONFIG_TEST_NAME="+name)
	return c
}

// Nothing is lost where many add at once, whether the file is there or not.
func TestAddProfileConcurrently(t *testing.T) {
	for _, text := range []string{"-", "[profile first]\n"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "config")
		if text != "-" {
			write(t, path, text)
		}
		var want []string
		var wg sync.WaitGroup
		for i := range 20 {
			name := fmt.Sprintf("g%02d", i)
			want = append(want, name)
			wg.Go(func() {
				if err := AddProfile(path, name, [][2]string{{"region", name}}); err != nil {
					t.Error(err)
				}
			})
		}
		for i := range 5 {
			name := fmt.Sprintf("p%d", i)
			for j := range 10 {
				want = append(want, fmt.Sprintf("%s-%d", name, j))
			}
			wg.Go(func() {
				if out, err := jobCommand("add", path, name).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		wg.Wait()
		if text != "-" {
			want = append(want, "first")
		}
		slices.Sort(want)
		f, err := Load(Paths{Config: path})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Names(); !slices.Equal(got, want) {
			t.Errorf("got %d profiles %v\nwant %d %v", len(got), got, len(want), want)
		}
		if p, err := f.Profile("g07"); err != nil || p.Get("region") != "g07" {
			t.Errorf("g07: got %v, %v", p, err)
		}
		onlyFiles(t, dir, "config")
	}
}

// A process that is killed leaves a whole file with all that it reported.
func TestAddProfileKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "# keep\n")
	var want []string
	for i := range 8 {
		c := jobCommand("forever", path, fmt.Sprintf("k%d", i))
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for j := 0; lines.Scan(); j++ {
			want = append(want, lines.Text())
			if j == i {
				if err := c.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		}
		_ = c.Wait() // it was killed
	}
	f, err := Load(Paths{Config: path})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range want {
		if _, err := f.Profile(name); err != nil {
			t.Error(err)
		}
	}
	if len(want) < 8*9/2 {
		t.Errorf("only %d profiles were added", len(want))
	}
	if err := AddProfile(path, "last", nil); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(read(t, path), "# keep\n\n[profile k0-0]\n") {
		t.Error("the comment is gone")
	}
}
