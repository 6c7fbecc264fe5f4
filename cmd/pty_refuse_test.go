package cmd_test

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// refuses runs a line that has to fail with status 1 and the variable's name,
// and leave everything as it is.
func (c *console) refuses(line, name, why string) {
	c.t.Helper()
	before := c.environ()
	out := c.run(line)
	if c.status != 1 || !strings.Contains(out, "vault: variable "+name+" is "+why) || !strings.Contains(out, ": nothing was changed") {
		c.t.Errorf("%s: %s: status %d, %q", c.shell, line, c.status, out)
	}
	if strings.Contains(out, "using") || strings.Count(out, "nothing was changed") != 1 {
		c.t.Errorf("%s: %s says %q", c.shell, line, out)
	}
	c.same(before, c.environ(), line)
}

// TestPTYReadonly has variables that cannot be set or unset, or cannot hold
// what they have to. A switch that would stop half-way does not begin. (What
// there is of that in fish: TestPTYFishScopes.)
func TestPTYReadonly(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		for _, test := range []struct{ code, name, why string }{
			{"export AWS_REGION=x; readonly AWS_REGION", "AWS_REGION", "readonly"},
			{"readonly AWS_REGION=x", "AWS_REGION", "readonly"},
			{"readonly AWS_REGION", "AWS_REGION", "readonly"},
			{"export AWS_PROFILE=x; readonly AWS_PROFILE", "AWS_PROFILE", "readonly"},
			{"readonly AWS_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY", "readonly"},
			{"readonly __VAULT_STATE=x", "__VAULT_STATE", "readonly"},
			{"readonly __VAULT_SAVED=x", "__VAULT_SAVED", "readonly"},
			{"AWS_REGION=(a b)", "AWS_REGION", "an array"},
			{"AWS_PROFILE=(a b c)", "AWS_PROFILE", "an array"},
			{"typeset -A AWS_VAULT; AWS_VAULT[a]=1; AWS_VAULT[b]=2", "AWS_VAULT", "an array"},
		} {
			c := w.console(t, setup{shell: shell, after: test.code})
			segment := ""
			if test.name == "__VAULT_STATE" {
				segment = `\(vault \?\)` // a state of another vault
			}
			c.refuses("vault use dev", test.name, test.why)
			c.shows(segment)
			if out := c.ok("vault off"); !strings.Contains(out, "vault: no profile is in use in this shell") {
				t.Errorf("off says %q", out)
			}
			c.ok(`eval "$(command vault use dev --shell ` + shell + `)" || true`)
			c.shows(segment)
			// One that is asked for the failure survives it under errexit.
			c.ok("set -e")
			if out := c.ok("vault use dev || echo survived"); !strings.HasSuffix(strings.TrimSpace(out), "survived") {
				t.Errorf("%s: under set -e the refusal says %q", test.code, out)
			}
			c.ok(`eval "$(command vault use dev --shell ` + shell + `)" || echo survived`)
			c.ok("set +e")
		}

		c := w.console(t, setup{shell: shell, after: "export AWS_REGION=mine\n"})
		c.do("f() { local AWS_REGION=local; vault use dev; }\n")
		c.refuses("f", "AWS_REGION", "local")
		c.ok("vault use dev")
		before := c.inUse("dev", "eu-west-1")
		c.ok("readonly AWS_REGION")
		c.refuses("vault use prod", "AWS_REGION", "readonly")
		c.refuses("vault region eu-west-3", "AWS_REGION", "readonly")
		c.refuses("vault off", "AWS_REGION", "readonly")
		c.shows(`\(dev ` + hour + `\)`)
		if after := c.inUse("dev", "eu-west-1"); before["__VAULT_STATE"] != after["__VAULT_STATE"] {
			t.Error("the state is another one")
		}
	}, "zsh", "bash")
}

// TestPTYFishScopes has variables that hide or shine through in fish: exported
// local ones, and universal ones, which belong to all sessions.
func TestPTYFishScopes(t *testing.T) {
	fish := need(t, "fish")
	t.Parallel()
	w := newWorld(t).login()
	c := w.console(t, setup{shell: "fish", after: `set -gx AWS_REGION mine
function local_region; set -lx AWS_REGION local; vault use dev; end
function local_profile; set -lx AWS_PROFILE local; vault use dev; end
function plain_local; set -l AWS_REGION local; vault use dev; end
`})
	c.refuses("local_region", "AWS_REGION", "local")
	c.refuses("local_profile", "AWS_PROFILE", "local")
	c.refuses("AWS_REGION=local vault use dev", "AWS_REGION", "local")
	c.shows("")
	before := c.environ()
	c.ok("plain_local")
	c.inUse("dev", "eu-west-1")
	c.ok("vault off")
	c.same(before, c.environ(), "after off")

	// fish gives an exported universal variable to every child.
	c.ok("set -Ux AWS_PROFILE universal")
	c.refuses("vault use dev", "AWS_PROFILE", "universal")
	c.ok("set -gx AWS_PROFILE global")
	c.refuses("vault use dev", "AWS_PROFILE", "universal")
	c.ok("set -eg AWS_PROFILE")

	c.ok("set -eU AWS_PROFILE")
	c.ok("set -U AWS_PROFILE universal")
	c.ok("set -U AWS_DEFAULT_REGION universal")
	c.ok("set -Ux AWS_VAULT universal")
	before = c.environ()
	universal := func() string {
		t.Helper()
		c.ok("set -U >universal")
		all := ""
		for line := range strings.Lines(c.read("universal")) {
			if strings.HasPrefix(line, "AWS_") {
				all += line
			}
		}
		return all
	}
	want := "AWS_DEFAULT_REGION universal\nAWS_PROFILE universal\nAWS_VAULT universal\n"
	if got := universal(); got != want {
		t.Fatalf("universal variables: %q, want %q", got, want)
	}
	for range 2 {
		c.ok("vault use dev")
		c.shows(`\(dev ` + hour + `\)`)
		c.inUse("dev", "eu-west-1")
		if got := universal(); got != want {
			t.Errorf("use made the universal variables %q", got)
		}
		// Another session is not disturbed.
		other := exec.Command(fish, "-c", "echo $AWS_PROFILE $AWS_DEFAULT_REGION $AWS_VAULT")
		other.Env, other.Dir = w.environ("XDG_CONFIG_HOME="+c.dir), c.dir
		if out, err := other.Output(); err != nil || string(out) != "universal universal universal\n" {
			t.Errorf("another session has %q %v", out, err)
		}
		c.ok("vault refresh")
		c.ok("vault use prod")
		c.inUse("prod", "us-east-1")
		c.ok("vault region eu-west-3")
		c.ok("vault off")
		c.shows("")
		c.same(before, c.environ(), "after off, with universal variables")
		if got := universal(); got != want {
			t.Errorf("off made the universal variables %q", got)
		}
	}
	c.ok("echo -n $AWS_PROFILE $AWS_DEFAULT_REGION $AWS_VAULT >names")
	if got := c.read("names"); got != "universal universal universal" {
		t.Errorf("the session has %q", got)
	}
	c.ok("set -e AWS_PROFILE AWS_VAULT AWS_DEFAULT_REGION")
	if got := universal(); got != "" {
		t.Errorf("off left global variables in front of the universal ones: %q", got)
	}
}

// TestPTYTrace switches in shells that print what they run: no secret is in
// what they print.
func TestPTYTrace(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		own := by(shell, map[string]string{
			"bash": "export AWS_ACCESS_KEY_ID=AKIAOWN AWS_SECRET_ACCESS_KEY=own-secret-value\nAWS_SESSION_TOKEN=own-token-value\n",
			"fish": "set -gx AWS_ACCESS_KEY_ID AKIAOWN; set -gx AWS_SECRET_ACCESS_KEY own-secret-value; set -g AWS_SESSION_TOKEN own-token-value\n",
		})
		traces := []string{"set -x", "set -v", "set -xv"}
		switch shell {
		case "bash":
			traces = append(traces,
				"PS4='+$LINENO ${BASH_SOURCE-} '; set -x",
				"set -xeETu",
				"exec 9>>trace; BASH_XTRACEFD=9; set -x",
				`set -T; trap 'echo "$BASH_COMMAND" >>trace' DEBUG`,
				`shopt -s extdebug; trap 'echo "$BASH_COMMAND" >>trace' DEBUG`,
				`set -E; trap 'echo "$BASH_COMMAND" >>trace' ERR RETURN`,
			)
		case "zsh":
			traces = append(traces,
				"PS4='+%N:%i %_> '; setopt xtrace prompt_subst",
				"setopt xtrace verbose err_exit no_unset source_trace",
				`trap 'print -r -- "$ZSH_DEBUG_CMD" >>trace' DEBUG`,
				`setopt debug_before_cmd; TRAPDEBUG() { print -r -- "$ZSH_DEBUG_CMD" >>trace }`,
				`trap 'print -r -- "$ZSH_DEBUG_CMD" >>trace' ZERR`,
			)
		case "fish":
			traces = []string{"set -g fish_trace 1", "set -gx fish_trace all", "set -g fish_trace 1; set -g fish_debug_output trace"}
		}
		for _, trace := range traces {
			c := w.console(t, setup{shell: shell, before: own})
			c.write("trace", "")
			c.write("settings", trace+"\n")
			before := c.environ()
			c.ok("source ./settings")
			options := c.outside().options
			secrets := []string{w.secret, "own-secret-value", "own-token-value"}
			note := func() {
				t.Helper()
				env := c.env()
				secrets = append(secrets, env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"])
			}
			c.ok("vault use dev")
			note()
			c.ok("vault refresh")
			c.ok("vault region eu-north-1")
			c.ok("vault use prod")
			note()
			c.ok("vault use -")
			c.ok("vault off")
			if now := c.outside().options; now != options {
				t.Errorf("%s: the shell's options were %q and are %q", trace, options, now)
			}
			after := c.environ()
			if strings.Contains(trace, "fish_trace") {
				c.run("set -e fish_trace fish_debug_output")
				after = c.environ()
			}
			c.same(before, after, trace)
			c.hides(secrets...)
			for _, s := range secrets {
				if strings.Contains(c.read("trace"), s) {
					t.Errorf("%s: a secret is in the trace", trace)
					t.Log(c.read("trace"))
				}
			}
		}
	})
}

// TestPTYWhereSecretsAre looks through all that a shell holds: a secret is in
// the variable that is exported, or in the one that keeps what was there
// before, and nowhere else.
func TestPTYWhereSecretsAre(t *testing.T) {
	dump := map[string]string{
		"zsh":  "{ typeset -m '*'; functions; alias -L; fc -l 1; print -r -- $_; typeset -p; } >dump 2>&1",
		"bash": "{ declare -p; declare -f; alias; history; trap; echo \"$_\"; } >dump 2>&1",
		"fish": "begin; set --show; functions -n; for f in (functions -a); functions $f; end; history; end >dump 2>&1",
	}
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.do(by(shell, map[string]string{
			"bash": "export AWS_ACCESS_KEY_ID=AKIAOWN AWS_SECRET_ACCESS_KEY=own-secret-value\nAWS_SESSION_TOKEN=own-token-value\n",
			"fish": "set -gx AWS_ACCESS_KEY_ID AKIAOWN; set -gx AWS_SECRET_ACCESS_KEY own-secret-value; set -g AWS_SESSION_TOKEN own-token-value\n",
		}))
		places := func(secret string) string {
			t.Helper()
			names := map[string]bool{}
			for line := range strings.Lines(c.read("dump")) {
				if strings.Contains(line, secret) {
					line = strings.TrimLeft(line, "$ ")
					line = strings.TrimPrefix(line, "declare ")
					line = strings.TrimPrefix(line, "export ")
					line = strings.TrimPrefix(line, "typeset ")
					for strings.HasPrefix(line, "-") {
						_, line, _ = strings.Cut(line, " ")
					}
					name, _, _ := strings.Cut(line, "=")
					name, _, _ = strings.Cut(name, "[")
					names[name] = true
				}
			}
			return strings.Join(sortedNames(names), " ")
		}
		for range 2 {
			c.ok("vault use dev")
			first := c.env()
			c.ok("vault use prod")
			c.ok("vault refresh")
			c.ok("vault region eu-west-3")
			now := c.env()
			c.run(dump[shell])
			for secret, want := range map[string]string{
				w.secret:                       "",
				first["AWS_SECRET_ACCESS_KEY"]: "", first["AWS_SESSION_TOKEN"]: "",
				now["AWS_SECRET_ACCESS_KEY"]: "AWS_SECRET_ACCESS_KEY", now["AWS_SESSION_TOKEN"]: "AWS_SESSION_TOKEN",
				"own-secret-value": "__VAULT_SAVED", "own-token-value": "__VAULT_SAVED",
			} {
				if got := places(secret); got != want {
					t.Errorf("%s: a secret that is to be in %q is in %q", shell, want, got)
				}
			}
			c.ok("vault off")
			c.run(dump[shell])
			for secret, want := range map[string]string{
				w.secret:                       "",
				first["AWS_SECRET_ACCESS_KEY"]: "", first["AWS_SESSION_TOKEN"]: "",
				now["AWS_SECRET_ACCESS_KEY"]: "", now["AWS_SESSION_TOKEN"]: "",
				"own-secret-value": "AWS_SECRET_ACCESS_KEY", "own-token-value": "AWS_SESSION_TOKEN",
			} {
				if got := places(secret); got != want {
					t.Errorf("%s: after off a secret that is to be in %q is in %q", shell, want, got)
				}
			}
		}
	})
}

func sortedNames(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
