package cmd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestManyAtOnce starts many processes with a cold cache: AWS is asked once for
// each step, one person would have been asked, and all get the same session.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.store("bastion")
	if r := w.vault("lock"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	code := w.code()
	const n = 100
	results := make([]result, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { results[i] = w.vault("credential-process", "dev", "--mfa-code", code) })
	}
	group.Wait()
	tokens := map[string]bool{}
	for _, r := range results {
		var answer struct{ SessionToken string }
		if err := json.Unmarshal([]byte(r.stdout), &answer); r.code != 0 || err != nil || answer.SessionToken == "" {
			t.Fatalf("%d: %s", r.code, r.stderr)
		}
		tokens[answer.SessionToken] = true
	}
	if len(tokens) != 1 {
		t.Errorf("%d different sessions were handed out", len(tokens))
	}
	for _, action := range []string{"GetSessionToken", "AssumeRole"} {
		if got := w.aws.CallCount(action); got != 1 {
			t.Errorf("%s was called %d times", action, got)
		}
	}
}

// TestManyKeys adds and removes keys in many processes at once, some of which
// are killed: what was said to be stored is there.
func TestManyKeys(t *testing.T) {
	w := newWorld(t)
	const n = 12
	stored := make([]bool, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			name := "k" + string(rune('a'+i))
			c := exec.Command(binary, "add", name, "--stdin", "--no-verify")
			c.Env, c.Dir, c.SysProcAttr = w.environ(), w.home, newSession
			c.Stdin = strings.NewReader(w.keyID + "\n" + w.secret + "\n")
			if i%4 == 3 { // killed somewhere on its way
				if err := c.Start(); err != nil {
					t.Error(err)
					return
				}
				_ = c.Process.Kill()
				_ = c.Wait()
				return
			}
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v: %s", name, err, out)
			}
			stored[i] = err == nil
		})
	}
	group.Wait()
	r := w.vault("list", "--json")
	for i, ok := range stored {
		name := "k" + string(rune('a'+i))
		if !ok {
			continue
		}
		if !strings.Contains(r.stdout, `"profile": "`+name+`"`) {
			t.Errorf("%s is not in the list", name)
		}
		if r := w.vault("export", name, "--no-session"); r.code != 0 || !strings.Contains(r.stdout, w.secret) {
			t.Errorf("%s: %d %s", name, r.code, r.stderr)
		}
	}
	if got := strings.Count(w.read(".aws/config"), "[profile ka]"); got != 1 {
		t.Errorf("[profile ka] stands in the config %d times", got)
	}
}

// TestSecretsStayInside looks for the key's secret and the passphrase in
// whatever a day's commands leave behind.
func TestSecretsStayInside(t *testing.T) {
	w := newWorld(t)
	w.store("simple")
	var said strings.Builder
	for _, args := range [][]string{
		{"list"}, {"list", "--json"}, {"status"}, {"use", "plain", "--shell", "bash"}, {"use", "nosuch", "--shell", "zsh"},
		{"exec", "plain", "--", "true"}, {"exec", "plain", "--", "env"}, {"export", "plain"}, {"man"}, {"clear"}, {"lock"},
	} {
		r := w.vault(args...)
		said.WriteString(r.stderr)
		if args[0] != "use" && args[0] != "export" {
			said.WriteString(r.stdout)
		}
	}
	for _, canary := range []string{w.secret, passphrase} {
		if strings.Contains(said.String(), canary) {
			t.Errorf("a secret was printed:\n%s", said.String())
		}
		err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if strings.Contains(string(data), canary) {
				t.Errorf("%s holds a secret", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
