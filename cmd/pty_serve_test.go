package cmd_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fetch asks the endpoint of an environment, and returns the id of the key that
// it gives.
func fetch(env map[string]string) (id string, err error) {
	r, err := http.NewRequest(http.MethodGet, env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", env["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var keys struct {
		AccessKeyID string `json:"AccessKeyId"`
		Message     string `json:"message"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&keys); err != nil {
		return "", err
	}
	if keys.AccessKeyID == "" {
		return "", errors.New(keys.Message)
	}
	return keys.AccessKeyID, nil
}

// ends waits until nobody serves there any more.
func ends(t *testing.T, env map[string]string, when string) {
	t.Helper()
	for range 1000 {
		if _, err := fetch(env); errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s: it is served still", when)
}

// serves fails the test unless a child of the shell finds an endpoint, and no
// keys.
func (c *console) serves(profile string) map[string]string {
	c.t.Helper()
	env := c.env()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_PROFILE"} {
		if value, set := env[name]; set {
			c.t.Errorf("%s: a child gets %s=%q", c.shell, name, value)
		}
	}
	if id, err := fetch(env); err != nil || !strings.HasPrefix(id, "ASIA") || env["AWS_VAULT"] != profile {
		c.t.Errorf("%s: %s: got %q, %v", c.shell, profile, id, err)
	}
	return env
}

// TestPTYServe switches a shell to credentials that are served, changes and
// renews them, leaves, and ends the shell.
func TestPTYServe(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, env: []string{"AWS_CONTAINER_AUTHORIZATION_TOKEN=old 'secret'"}})
		before := c.environ()
		c.ok("vault use --serve dev")
		c.shows(`\(dev\)`)
		first := c.serves("dev")
		c.ok("vault region us-west-2")
		c.ok("vault refresh")
		if second := c.serves("dev"); second["AWS_CONTAINER_CREDENTIALS_FULL_URI"] != first["AWS_CONTAINER_CREDENTIALS_FULL_URI"] || second["AWS_REGION"] != "us-west-2" {
			t.Errorf("refresh moved it: %v", second)
		}
		if id, _ := fetch(first); id != "" {
			c.ok("vault refresh --force")
			for newer := id; newer == id; newer, _ = fetch(first) {
			}
		}
		if out := c.ok("vault status"); !strings.Contains(out, "dev") {
			t.Errorf("status: %s", out)
		}

		// What a child shell has is not its own to end.
		c.ok(shell + " -c 'eval \"$(vault off --shell " + shell + ")\"'")
		c.serves("dev")

		// The next switch ends it, and the last one is served again.
		c.ok("vault use prod")
		c.inUse("prod", "us-east-1")
		ends(t, first, "use")
		c.ok("vault use -")
		second := c.serves("dev")
		c.ok("vault off")
		c.same(before, c.environ(), "off")
		ends(t, second, "off")

		// It ends with its shell.
		c.ok("vault use --serve dev")
		third := c.serves("dev")
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		ends(t, third, "the shell")
	})
}

// TestPTYServeJob stops a served command as ^Z does and lets it go on: it is
// the shell's own job.
func TestPTYServeJob(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		job := func(flag string) (status int) {
			c.line(`vault exec ` + flag + ` dev -- sh -c 'kill -TSTP 0; echo ba""ck; exit 9'`)
			c.prompt()
			if out := c.run("vault ps"); strings.Contains(out, "dev") != (flag == "--serve") {
				t.Errorf("ps: %s", out)
			}
			c.line("fg")
			c.expect("back")
			c.prompt()
			return c.status
		}
		// zsh and fish forget the status of what a function has started.
		if got, want := job("--serve"), job(""); got != want {
			t.Errorf("%s: got status %d, want %d as without --serve", shell, got, want)
		}
		c.line("vault exec --serve dev -- sh -c 'echo u\"\"p; read x'")
		c.expect("up")
		c.send("\x03")
		c.prompt()
		if c.status != 130 {
			t.Errorf("%s: got status %d after ^C, want 130", shell, c.status)
		}
		c.ok("vault exec --serve dev -- printf '%s\\n' a b c | cat")
	})
}

// TestPTYDynamic switches a shell to a config of ours, which its segment does
// not take for somebody else's, and back.
func TestPTYDynamic(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, env: []string{"AWS_PROFILE=mine"}})
		before := c.environ()
		c.ok("vault use --dynamic dev")
		c.shows(`\(dev\)`)
		env := c.env()
		if env["AWS_PROFILE"] != "dev" || env["AWS_ACCESS_KEY_ID"] != "" || !strings.HasPrefix(env["AWS_CONFIG_FILE"], w.home) {
			t.Errorf("got %v", env)
		}
		c.ok("vault refresh")
		c.shows(`\(dev\)`)
		if out := c.ok("vault list"); !strings.Contains(out, "staging") {
			t.Errorf("it lists our own config: %s", out)
		}
		c.ok(by(shell, map[string]string{"bash": "export AWS_PROFILE=other", "fish": "set -gx AWS_PROFILE other"}))
		c.shows(`\(dev != env\)`)
		c.ok(by(shell, map[string]string{"bash": "export AWS_PROFILE=dev", "fish": "set -gx AWS_PROFILE dev"}))
		c.ok("vault use prod")
		c.inUse("prod", "us-east-1")
		c.ok("vault use -")
		c.shows(`\(dev\)`)
		c.ok("vault off")
		c.same(before, c.environ(), "off")
	})
}
