package cmd_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// login stores the user's key and gets the session that all roles share, so
// that no switch asks.
func (w *world) login() *world {
	w.t.Helper()
	w.store("bastion")
	if r := w.vault("use", "dev", "--shell", "bash", "--mfa-code", w.code()); r.code != 0 {
		w.t.Fatalf("%+v", r)
	}
	return w
}

// shows fails the test unless the last prompt has this segment.
func (c *console) shows(pattern string) {
	c.t.Helper()
	if !regexp.MustCompile(`^` + pattern + `$`).MatchString(c.segment()) {
		c.t.Errorf("%s: the segment is %q, want %s", c.shell, c.segment(), pattern)
	}
}

// hour is the segment's time for credentials that were just issued.
const hour = `(1h00m|59m)`

// inUse fails the test unless a child of the shell gets the credentials of the
// profile and nothing that could win against them.
func (c *console) inUse(profile, region string) map[string]string {
	c.t.Helper()
	return c.holds(c.env(), profile, region)
}

func (c *console) holds(env map[string]string, profile, region string) map[string]string {
	c.t.Helper()
	for name, want := range map[string]string{"AWS_VAULT": profile, "AWS_REGION": region, "AWS_DEFAULT_REGION": region} {
		if got, set := env[name]; got != want || !set {
			c.t.Errorf("%s: %s is %q, want %q", c.shell, name, got, want)
		}
	}
	if !strings.HasPrefix(env["AWS_ACCESS_KEY_ID"], "ASIA") || env["AWS_SECRET_ACCESS_KEY"] == "" || env["AWS_SESSION_TOKEN"] == "" {
		c.t.Errorf("%s: there are no session credentials of %s in %v", c.shell, profile, env)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "__VAULT_SAVED", "__VAULT_LAST", "__VAULT_INIT"} {
		if value, set := env[name]; set {
			c.t.Errorf("%s: a child gets %s=%q", c.shell, name, value)
		}
	}
	return env
}

// answer types a line and answers what it asks, until the prompt comes back.
// It returns what was printed, and the questions.
func (c *console) answer(line string, answers map[string]func() string) (out string, asked []string) {
	c.t.Helper()
	var questions []string
	for q := range answers {
		questions = append(questions, regexp.QuoteMeta(q))
	}
	slices.Sort(questions)
	question := regexp.MustCompile(strings.Join(questions, "|") + `|<(\d+):(\d+)> `)
	c.line(line)
	for {
		before, found := c.wait("a question or a prompt", question)
		answer, ok := answers[found[0]]
		if !ok {
			return output(line, out+c.at(before, found[1], found[2])), asked
		}
		out += before + found[0]
		asked = append(asked, found[0])
		c.line(answer())
	}
}

// TestPTYDay goes through a day with vault: a key is stored, the shell is
// switched here and there, and is in the end as it was, to the byte.
func TestPTYDay(t *testing.T) {
	posix := `export AWS_PROFILE='it'\''s "mine" $(touch owned) ` + "`touch owned`" + `
\ %s !! second line'
export AWS_ACCESS_KEY_ID=AKIABEFORE AWS_SECRET_ACCESS_KEY='be'\''fore/+=\'
export AWS_REGION=
AWS_DEFAULT_REGION='us west
2'
`
	fish := `set -gx AWS_PROFILE 'it\'s "mine" $(touch owned) (touch owned) 
\\ %s !! second line'
set -gx AWS_ACCESS_KEY_ID AKIABEFORE
set -gx AWS_SECRET_ACCESS_KEY 'be\'fore/+=\\'
set -gx AWS_REGION ''
set -g AWS_DEFAULT_REGION 'us west
2'
`
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell, before: by(shell, map[string]string{"bash": posix, "fish": fish}), env: []string{"AWS_VAULT_FILE_PASSPHRASE"}})

		c.line("vault add bastion")
		c.expect("Access key id for profile bastion: ")
		c.line(w.keyID)
		c.expect("Secret access key (not shown): ")
		c.line(w.secret)
		c.expect("New passphrase for the keystore ")
		c.line("one thing")
		c.expect("Again: ")
		c.line("another thing")
		c.expect("the two differ")
		c.expect("New passphrase for the keystore ")
		c.line("opensesame")
		c.expect("Again: ")
		c.line("opensesame")
		c.expect("stored " + w.keyID)
		c.prompt()
		if c.status != 0 || c.segment() != "" {
			t.Fatalf("add: status %d, segment %q", c.status, c.segment())
		}

		before := c.environ()
		if !slices.ContainsFunc(before, func(s string) bool { return s == "AWS_REGION=" }) || strings.Contains(strings.Join(before, "\n"), "AWS_DEFAULT_REGION") {
			t.Fatalf("the test is wrong: %q", before)
		}
		// Where no kernel keyring lets the passphrase rest, it is asked for
		// again and again; the MFA code is not.
		var codes []string
		answers := map[string]func() string{
			"Passphrase of the keystore": func() string { return "opensesame" },
			"MFA code for ": func() string {
				codes = append(codes, w.code())
				return codes[len(codes)-1]
			},
		}
		do := func(line, say string) {
			t.Helper()
			out, _ := c.answer(line, answers)
			if c.status != 0 || !strings.Contains(out, say) {
				t.Fatalf("%s: status %d, no %q in\n%s", line, c.status, say, out)
			}
		}
		do("vault use dev", "vault: using dev until ")
		if len(codes) != 1 {
			t.Errorf("the first switch asked for %d codes", len(codes))
		}
		c.shows(`\(dev ` + hour + `\)`)
		first := c.inUse("dev", "eu-west-1")
		do("vault use prod", "vault: using prod until ")
		c.shows(`\(prod ` + hour + `\)`)
		if env := c.inUse("prod", "us-east-1"); env["AWS_ACCESS_KEY_ID"] == first["AWS_ACCESS_KEY_ID"] {
			t.Error("prod has the credentials of dev")
		}
		do("vault use -", "vault: using dev until ")
		if env := c.inUse("dev", "eu-west-1"); env["AWS_ACCESS_KEY_ID"] != first["AWS_ACCESS_KEY_ID"] {
			t.Error("the credentials of dev were not of use again")
		}
		do("vault use -", "vault: using prod until ")
		do("vault use -", "vault: using dev until ")
		do("vault region eu-north-1", "vault: region eu-north-1")
		c.inUse("dev", "eu-north-1")
		do("vault refresh", "vault: still fresh: dev until ")
		c.inUse("dev", "eu-north-1")
		// What was issued in this very second counts as new.
		for out := ""; !strings.Contains(out, "vault: renewed dev until "); {
			out, _ = c.answer("vault refresh --force", answers)
			if c.status != 0 {
				t.Fatalf("refresh --force: status %d\n%s", c.status, out)
			}
		}
		if env := c.inUse("dev", "eu-north-1"); env["AWS_ACCESS_KEY_ID"] == first["AWS_ACCESS_KEY_ID"] {
			t.Error("refresh --force renewed nothing")
		}
		do("vault use staging --region ap-south-1", "vault: using staging until ")
		c.inUse("staging", "ap-south-1")
		if out, _ := c.answer("vault off", answers); c.status != 0 || strings.TrimSpace(out) != "" {
			t.Errorf("off: status %d, %q", c.status, out)
		}
		c.shows("")
		c.same(before, c.environ(), "after off")
		c.ok(by(shell, map[string]string{"bash": `printf %s "$AWS_DEFAULT_REGION" >plain`, "fish": `echo -n "$AWS_DEFAULT_REGION" >plain`}))
		if got := c.read("plain"); got != "us west\n2" {
			t.Errorf("AWS_DEFAULT_REGION came back as %q", got)
		}

		// Other things beforehand, in the same shell.
		c.do(by(shell, map[string]string{
			"bash": "unset AWS_PROFILE AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID; AWS_PROFILE=plain; export AWS_VAULT=before AWS_REGION=eu-west-2; AWS_SESSION_TOKEN=\n",
			"fish": "set -e AWS_PROFILE; set -e AWS_DEFAULT_REGION; set -e AWS_ACCESS_KEY_ID; set -g AWS_PROFILE plain; set -gx AWS_VAULT before; set -gx AWS_REGION eu-west-2; set -g AWS_SESSION_TOKEN ''\n",
		}))
		before = c.environ()
		do("vault use -", "vault: using staging until ")
		c.inUse("staging", "ap-south-1")
		do("vault use staging --region us-east-2", "")
		do("vault off", "")
		c.same(before, c.environ(), "after the second off")
		show := by(shell, map[string]string{
			"bash": `printf '%s|' "${AWS_PROFILE-none}" "${AWS_SESSION_TOKEN-none}" "${AWS_DEFAULT_REGION-none}" "${__VAULT_SAVED-none}" "${__VAULT_STATE-none}" >plain`,
			"fish": `for n in AWS_PROFILE AWS_SESSION_TOKEN AWS_DEFAULT_REGION __VAULT_SAVED __VAULT_STATE; set -q $n; and echo -n "$$n|"; or echo -n "none|"; end >plain`,
		})
		c.ok(show)
		if got := c.read("plain"); got != "plain||none|none|none|" {
			t.Errorf("variables that are not exported came back as %q", got)
		}
		if len(codes) > 1 {
			t.Errorf("%d codes were asked for", len(codes))
		}
		if _, err := c.stat("owned"); err == nil {
			t.Error("a value was run as code")
		}
		c.hides(append(codes, w.secret, "opensesame", "one thing", "another thing", first["AWS_SECRET_ACCESS_KEY"], first["AWS_SESSION_TOKEN"])...)
		c.echoes()
	})
}
