package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ends has the deadline of the switch come.
func (c *console) ends() {
	c.t.Helper()
	f := c.state()
	if f[endField] == "0" {
		c.t.Fatalf("%s: the switch has no deadline", c.shell)
	}
	f[endField] = fmt.Sprint(time.Now().Unix() - 1)
	rest := map[string]any{}
	data, err := base64.RawURLEncoding.DecodeString(f[len(f)-1])
	if err == nil {
		err = json.Unmarshal(data, &rest)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	rest["u"] = time.Now().Unix() - 1
	if data, err = json.Marshal(rest); err != nil {
		c.t.Fatal(err)
	}
	f[len(f)-1] = base64.RawURLEncoding.EncodeToString(data)
	c.exports("__VAULT_STATE", strings.Join(f, "|"))
}

// TestPTYFor switches for a time: the segment counts down, and at the end the
// shell leaves by itself, or goes back to the profile that it had.
func TestPTYFor(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		before := c.environ()
		out := c.ok("vault use staging --for 20m")
		if !regexp.MustCompile(`vault: using staging for 20m, until (\w+ )?\d\d:\d\d\n`).MatchString(out) {
			t.Errorf("use --for says %q", out)
		}
		c.shows(`\(staging (20m|19m)\)`)
		used := c.text()
		c.ends()
		const over = "vault: the 20m for staging are over: left\n"
		if n := strings.Count(c.text()[len(used):], over); n != 1 {
			t.Errorf("it is said %d times that it is over: %q", n, c.text()[len(used):])
		}
		c.shows("")
		c.same(before, c.environ(), "at the end")
		// "-" begins anew, with the same flags.
		c.ok("vault use -")
		c.shows(`\(staging (20m|19m)\)`)
		c.ok("vault refresh")
		c.shows(`\(staging (20m|19m)\)`)
		c.ok("vault off")

		// From a profile in use, and back to it.
		c.ok("vault use dev --region eu-north-1")
		key := c.key()
		c.ok("vault use prod --for 20m")
		c.inUse("prod", "us-east-1")
		used = c.text()
		c.ends()
		if n := strings.Count(c.text()[len(used):], "vault: the 20m for prod are over: back to dev\n"); n != 1 {
			t.Errorf("it is said %d times that it is over: %q", n, c.text()[len(used):])
		}
		c.shows(`\(dev (1h00m|59m)\)`)
		if env := c.inUse("dev", "eu-north-1"); env["AWS_ACCESS_KEY_ID"] != key {
			t.Error("dev has other credentials than before")
		}
		c.ok("vault use -")
		c.inUse("prod", "us-east-1")
		c.ok("vault off")
		c.same(before, c.environ(), "after all")
	})
}

// TestPTYForCommand has the time run out at a prompt: the command that is
// typed there runs without the credentials, and gets no new ones.
func TestPTYForCommand(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.ok("vault use staging --for 2s")
		w.aws.ResetCalls()
		// No prompt comes before the time is over: it is a matter of waiting.
		c.run("sleep 2")
		c.shows("")
		c.ok("vault use staging --for 3s")
		f := c.state()
		end := time.Unix(parseUnix(t, f[endField]), 0)
		if time.Until(end) <= 0 {
			t.Skip("this machine is too slow for three seconds")
		}
		c.ok("true")
		time.Sleep(time.Until(end) + 50*time.Millisecond) // clocks may lag by a tick
		c.line(printEnv + " >env")
		c.prompt()
		if strings.Contains(c.read("env"), "AWS_ACCESS_KEY_ID=") {
			t.Error("the command has credentials whose time is over")
		}
		if len(w.aws.Requests()) != 0 {
			t.Error("they were renewed")
		}
		if n := strings.Count(c.text(), "vault: the 2s for staging are over: left\n") + strings.Count(c.text(), "vault: the 3s for staging are over: left\n"); n != 2 {
			t.Errorf("it is said %d times", n)
		}
	})
}

func parseUnix(t *testing.T, text string) int64 {
	t.Helper()
	var n int64
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPTYForNoHook is loaded without the hook: what is over is not renewed,
// and the segment says that it is over.
func TestPTYForNoHook(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, init: "--no-hook"})
		c.ok("vault use staging --for 20m")
		c.ends()
		c.shows(`\(staging over\)`)
		c.paints("red")
		out := c.fails(1, "vault refresh")
		if !strings.Contains(out, `the 20m for "staging" are over: its credentials are not renewed`) {
			t.Errorf("refresh says %q", out)
		}
		c.ok("vault use dev")
		w.aws.ResetCalls()
		c.ages(9 * time.Minute)
		for range 3 {
			c.ok("true")
		}
		c.shows(`\(dev [89]m\)`)
		if len(w.aws.Requests()) != 0 {
			t.Error("it was renewed")
		}
	})
}
