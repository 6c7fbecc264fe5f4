package cmd_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestPTYDirenv has direnv change the variables in a folder, with its hook
// ahead of vault's and behind: the prompt in that folder says so, and outside
// of it the credentials are vault's again.
func TestPTYDirenv(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		need(t, "direnv")
		w := newWorld(t).login()
		hook := by(shell, map[string]string{"bash": `eval "$(direnv hook ` + shell + `)"`, "fish": "direnv hook fish | source"})
		for name, s := range map[string]setup{"ahead": {before: hook}, "behind": {after: hook}} {
			s.shell, s.env = shell, []string{"DIRENV_LOG_FORMAT="}
			c := w.console(t, s)
			c.ok("vault use dev")
			old := c.key()
			c.write("folder/.envrc", "export AWS_PROFILE=mine\n")
			c.ok("direnv allow folder")
			c.ok("cd folder")
			c.ok("true") // fish's hook may come after the prompt has been drawn
			c.shows(`\(dev != env\)`)
			c.ok("cd ..")
			c.ok("true")
			c.shows(`\(dev ` + hour + `\)`)
			c.ages(9 * time.Minute)
			c.gets(old)
			c.shows(`\(dev ` + hour + `\)`)
			c.run("false")
			if c.status != 1 {
				t.Errorf("%s: the prompt shows the status %d", name, c.status)
			}
			c.ok("vault off")
			c.shows("")
		}
	})
}

// TestPTYShortLife lets credentials live for as long as they do: no command
// ever begins with dead ones, and in time there are new ones.
func TestPTYShortLife(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as credentials live")
	}
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		w.aws.SetLife(24 * time.Second)
		c := w.console(t, setup{shell: shell})
		c.ok("vault use staging") // in the window from the 20th second on
		old := c.env()
		for {
			typed := time.Now()
			env := c.env()
			end, err := time.Parse(time.RFC3339, env["AWS_CREDENTIAL_EXPIRATION"])
			if err != nil {
				t.Fatal(err)
			}
			if !end.After(typed) {
				t.Fatalf("a command that was typed at %s got credentials that ended at %s", typed, end)
			}
			if env["AWS_ACCESS_KEY_ID"] != old["AWS_ACCESS_KEY_ID"] {
				break
			}
			time.Sleep(200 * time.Millisecond) // the credentials age by themselves alone
		}
		if _, err := os.Stat(filepath.Join(w.dir, "run/vault", c.state()[hashField]+".stamp")); err != nil {
			t.Error(err)
		}
	})
}
