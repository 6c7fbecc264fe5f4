package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const directories = "directories = true\n"

// folder makes a folder below home whose file names a profile, and allows it.
func (c *console) folder(name, text string) {
	c.t.Helper()
	c.w.write(filepath.Join(name, ".vault-profile"), text)
	if r := c.w.run("", c.w.environ("XDG_CONFIG_HOME="+c.dir), binary, "allow", filepath.Join(c.w.home, name)); r.code != 0 {
		c.t.Fatalf("%+v", r)
	}
}

// says runs a line that has to make vault say just that, nothing if it is "".
func (c *console) says(line, want string) {
	c.t.Helper()
	out := c.run(line)
	if c.status != 0 {
		c.t.Errorf("%s: %q: status %d", c.shell, line, c.status)
	}
	ok := want == "" && !strings.Contains(out, "vault:")
	if want != "" {
		ok = regexp.MustCompile(`^vault: ` + want + `\n*$`).MatchString(out)
	}
	if !ok {
		c.t.Errorf("%s: %q said %q, want %q", c.shell, line, out, want)
	}
}

const clockTime = `(\w+ )?\d\d:\d\d`

// TestPTYDirectory goes into a folder that names a profile and out of it: the
// shell has the profile inside, and outside what it had before, to the byte.
func TestPTYDirectory(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: directories, env: []string{"AWS_PROFILE=mine", "AWS_REGION=af-south-1"}})
		w.write("shop/.vault-profile", "profile = dev\nregion = eu-west-3\n")
		w.write("shop/web/deep/x", "")
		before := c.environ()

		// Nothing happens until a person allows it.
		c.says("cd ~/shop/web", `~/shop/\.vault-profile is not allowed: vault allow`)
		c.says("true", "")
		c.says("cd deep", "")
		c.says("cd ~/shop", "")
		c.shows("")
		c.run("cd ~")
		c.run("vault deny ~/shop")
		c.says("cd ~/shop", "")
		c.shows("")
		out := c.ok("vault allow")
		if !strings.Contains(out, "vault: allowed ~/shop/.vault-profile: profile dev, region eu-west-3") || !strings.Contains(out, "vault: using dev until") {
			t.Errorf("allow says %q", out)
		}
		c.shows(`\(dev ` + hour + `\)`)
		env := c.inUse("dev", "eu-west-3")
		if out := c.ok("vault status"); !regexp.MustCompile(`(?m)^folder +~/shop +\(the switch ends with it\)`).MatchString(out) {
			t.Errorf("status says %q", out)
		}
		c.says("cd web/deep", "")
		c.says("cd ~/shop/web", "")
		if got := c.inUse("dev", "eu-west-3"); got["AWS_ACCESS_KEY_ID"] != env["AWS_ACCESS_KEY_ID"] {
			t.Error("other credentials in a folder below")
		}
		c.says("cd ~", `left dev`)
		c.run("cd " + c.dir)
		c.same(outOf(before), outOf(c.environ()), "outside")
		c.shows("")

		// From a profile that was in use, and back to it.
		c.ok("vault use staging --region us-west-2")
		c.says("cd ~/shop/web", `using dev until `+clockTime+`, as ~/shop/\.vault-profile says`)
		c.inUse("dev", "eu-west-3")
		c.says("cd ~", `back to staging until `+clockTime)
		c.inUse("staging", "us-west-2")
		c.says("cd ~/shop", `using dev until `+clockTime+`, as .*`)
		c.says("cd "+c.dir, `back to staging until `+clockTime)
		c.ok("vault use -")
		c.inUse("dev", "eu-west-3")
		c.ok("vault off")
		c.same(outOf(before), outOf(c.environ()), "after off")

		// What has changed is not what was allowed.
		w.write("shop/.vault-profile", "profile = staging\n")
		c.says("cd ~/shop", `~/shop/\.vault-profile is not allowed: vault allow`)
		c.shows("")
	})
}

// outOf takes the folder out of an environment, and how deep the shell is.
func outOf(environ []string) []string {
	var rest []string
	for _, s := range environ {
		if !strings.HasPrefix(s, "PWD=") && !strings.HasPrefix(s, "OLDPWD=") && !strings.HasPrefix(s, "SHLVL=") {
			rest = append(rest, s)
		}
	}
	return rest
}

// TestPTYDirectoryOwn has the user switch himself inside: that counts until he
// leaves.
func TestPTYDirectoryOwn(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: directories})
		c.folder("shop", "profile = dev\n")
		c.folder("shop/web", "profile = plain\n")
		w.store("simple")
		before := outOf(c.environ())

		// In the place of the folder's: what was there before comes back.
		c.ok("cd ~/shop")
		c.inUse("dev", "eu-west-1")
		c.ok("vault use staging --region eu-west-1")
		c.says("true", "")
		c.ok("vault refresh --force")
		c.ok("vault region eu-west-2")
		c.says("cd .", "")
		c.inUse("staging", "eu-west-2")
		c.says("cd ~", "left staging")
		c.same(before, outOf(c.environ()), "after a switch of his own")

		// off is off, until he comes again.
		c.ok("cd ~/shop")
		c.ok("vault off")
		c.says("cd .", "")
		c.shows("")
		c.says("cd ~", "")
		c.says("cd ~/shop", `using dev .*`)

		// A folder inside has its own, and what was before all is before both.
		c.says("cd web", `using plain until `+clockTime+`, as ~/shop/web/\.vault-profile says`)
		c.inUse("plain", "eu-west-1")
		c.says("cd ..", `using dev until .*`)
		c.says("cd ~", "left dev")
		c.same(before, outOf(c.environ()), "after folders in folders")

		// What he had already is his, and stays; so does what he takes where the
		// folder had nothing.
		c.ok("vault use dev")
		c.says("cd ~/shop", "")
		c.says("cd ~", "")
		c.inUse("dev", "eu-west-1")
		c.ok("vault off")
		c.ok("cd ~/shop")
		c.ok("vault off")
		c.ok("vault use staging --region eu-west-1")
		c.says("cd ~", "")
		c.inUse("staging", "eu-west-1")
		c.says("cd ~/shop", `using dev .*`)

		// What he changes by hand is left alone.
		c.exports("AWS_PROFILE", "mine")
		c.says("cd ~", "")
		if env := c.env(); env["AWS_PROFILE"] != "mine" || env["AWS_VAULT"] != "dev" {
			t.Errorf("AWS_PROFILE is %q, AWS_VAULT %q", env["AWS_PROFILE"], env["AWS_VAULT"])
		}
	})
}

// TestPTYDirectoryPerson comes into folders whose profiles take a person: one
// line says what to type, and nobody is asked.
func TestPTYDirectoryPerson(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: directories + protectedProd})
		c.folder("live", "profile = prod\nregion = eu-west-1\n")
		c.folder("shop", "profile = dev\n")
		c.folder("gone", "profile = nosuch\n")
		c.folder("else", "profile = other\n")
		w.config(w.read(".aws/config") + `
[profile second]
mfa_serial = arn:aws:iam::111111111111:mfa/second
[profile other]
role_arn = arn:aws:iam::222222222222:role/Developer
source_profile = second
`)
		w.store("second")
		before := outOf(c.environ())

		// A protected one is never entered by itself, but left as any other.
		c.says("cd ~/live", `~/live/\.vault-profile names prod, and it is protected: vault use prod --region eu-west-1`)
		c.same(before, outOf(c.environ()), "at a protected profile")
		c.confirms("vault use prod --region eu-west-1")
		c.inUse("prod", "eu-west-1")
		c.says("cd ~", "left prod")
		c.same(before, outOf(c.environ()), "after a protected profile")

		// Nor is it gone back to.
		c.confirms("vault use prod")
		c.says("cd ~/shop", `using dev .*`)
		c.says("cd ~", `left dev; before it was prod, and it is protected: vault use prod`)
		c.same(before, outOf(c.environ()), "after a protected profile that was before")

		c.says("cd ~/gone", `~/gone/\.vault-profile names nosuch, and there is no such profile: vault use nosuch`)
		c.says("cd ~/else", `~/else/\.vault-profile names other, and an MFA code is needed: vault use other`)
		c.same(before, outOf(c.environ()), "where a code is needed")
		c.ok("cd ~/shop")
		c.inUse("dev", "eu-west-1")
		c.says("cd ~/else", `left dev; ~/else/\.vault-profile names other, and an MFA code is needed: vault use other`)
		c.same(before, outOf(c.environ()), "after a folder where a code is needed")
	})
}

// TestPTYDirectoryShells begins shells inside and outside of a folder.
func TestPTYDirectoryShells(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: directories})
		c.folder("shop", "profile = dev\n")
		before := outOf(c.environ())
		child := map[string]string{"zsh": "zsh", "bash": "bash --noprofile --rcfile " + c.dir + "/bashrc -i", "fish": "fish"}[shell]
		begin := func(line string) string {
			t.Helper()
			c.line(line)
			return c.fresh()
		}

		c.ok("cd ~/shop")
		calls := len(w.aws.Requests())
		if out := begin(child); strings.Contains(out, "vault:") {
			t.Errorf("a shell inside says %q", out)
		}
		c.inUse("dev", "eu-west-1")
		c.says("cd ~", "left dev")
		c.shows("")
		c.leaveChild()
		c.inUse("dev", "eu-west-1")
		c.ok("vault use staging --region eu-west-1")
		begin(child)
		c.inUse("staging", "eu-west-1")
		c.leaveChild()

		// One that begins outside has left; nothing is printed before its prompt.
		c.ok("vault use dev")
		if out := begin("(cd ~; exec " + child + ")"); strings.Contains(out, "vault:") {
			t.Errorf("a shell outside says %q", out)
		}
		c.run("true")
		c.same(before, outOf(c.environ()), "in a shell that begins outside")
		c.leaveChild()

		// exec is the user's own.
		begin("vault exec staging --region eu-west-1 -- " + child)
		c.run("true")
		c.inUse("staging", "eu-west-1")
		c.leaveChild()
		if n := len(w.aws.Requests()) - calls; n > 1 {
			t.Errorf("%d calls of AWS", n)
		}
	}, "zsh", "bash")
}

// TestPTYDirectoryQuiet goes through folders that name nothing: no process is
// started, and what a shell shows of itself stays.
func TestPTYDirectoryQuiet(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: directories})
		c.folder("shop", "profile = dev\n")
		for i := range 5 {
			w.write(fmt.Sprintf("a/b%d/c/d/e/x", i), "")
		}
		w.write("shop/web/x", "")
		c.write("counting", "#!/bin/sh\necho \"$*\" >>"+c.dir+"/counted\nexec "+binary+" \"$@\"\n")
		c.write("counted", "")
		c.ok(by(shell, map[string]string{"bash": "__VAULT_INIT[0]=$PWD/counting", "zsh": "__VAULT_INIT[1]=$PWD/counting", "fish": "set __VAULT_INIT[1] $PWD/counting"}))
		for i := range 20 {
			c.says(fmt.Sprintf("cd ~/a/b%d/c/d/e", i%5), "")
			c.says("cd ../..", "")
			c.says("cd /", "")
		}
		if text := c.read("counted"); text != "" {
			t.Errorf("these were started:\n%s", text)
		}
		c.says("cd ~/shop", `using dev .*`)
		c.says("cd web", "")
		deep := "1/2/3/4/5/6/7/8/9/10/11/12/13/14"
		c.ok("mkdir -p " + deep + "/15")
		c.says("cd "+deep, "")
		c.says("cd 15", "left dev") // sixteen folders below
		c.says("cd ../"+strings.Repeat("../", 14), `using dev .*`)
		c.says("true", "")
		c.says("cd ../web", "")
		c.says("cd ~", "left dev")
		c.says("cd ~/a", "")
		if n := strings.Count(c.read("counted"), " hook dir\n"); n != 4 {
			t.Errorf("%d processes for a folder:\n%s", n, c.read("counted"))
		}

		// The status of the line before is untouched by what happens at a prompt.
		status := by(shell, map[string]string{
			"zsh": `echo "<$?,$pipestatus>"`, "bash": `echo "<$?,${PIPESTATUS[*]}>"`, "fish": `echo "<$status,$pipestatus>"`,
		})
		c.run("cd ~/shop; false | true | false")
		if out := c.ok(status); !strings.Contains(out, "<1,1 0 1>") {
			t.Errorf("the status was changed: %q", out)
		}
		c.ok("cd ~")
		if _, err := os.Stat(filepath.Join(w.home, "a/.vault-profile")); err == nil {
			t.Error("a file was made")
		}
	})
}

// TestPTYDirectoryLine has a command behind a cd in its line find the profile
// already, where the shell tells of a cd; not in subshells.
func TestPTYDirectoryLine(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: directories})
		c.folder("shop", "profile = dev\n")
		if out := c.ok("cd ~/shop; command env | command grep ^AWS_VAULT="); !strings.Contains(out, "AWS_VAULT=dev") {
			t.Errorf("the command got %q", out)
		}
		c.ok("cd ~")
		if shell == "fish" {
			return // it has no subshells
		}
		if out := c.ok("(cd ~/shop && pwd)"); strings.Contains(out, "vault") {
			t.Errorf("a subshell says %q", out)
		}
		if out := c.ok(`echo "[$(cd ~/shop && pwd)]"`); !strings.Contains(out, "["+filepath.Join(w.home, "shop")+"]") || strings.Contains(out, "vault:") {
			t.Errorf("a substitution says %q", out)
		}
		c.shows("")
	}, "zsh", "fish")
}

// TestPTYDirectoryHostile goes into folders with names that no prompt, and no
// script, should take for code; and into one in a shell that refuses to be
// switched.
func TestPTYDirectoryHostile(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell, config: directories})
		for i, name := range []string{"a b", "$(touch owned)", "`touch owned`", "*", "%n", "new\nline", "it's \"q\"", "-n", "\x1b]0;owned\x07", "\xff", "a|b", "~"} {
			c.w.write(filepath.Join(name, ".vault-profile"), "profile = dev\n")
			link := fmt.Sprintf("l%d", i)
			if err := os.Symlink(filepath.Join(w.home, name), filepath.Join(c.dir, link)); err != nil {
				t.Fatal(err)
			}
			c.ok("cd " + c.dir + "/" + link)
			c.shows("")
			c.ok(by(shell, map[string]string{"bash": "cd -P .", "fish": `cd "$(pwd -P)"`}))
			c.ok("vault allow .")
			c.inUse("dev", "eu-west-1")
			c.ok("cd ~")
			c.shows("")
		}
		if _, err := os.Stat(filepath.Join(w.home, "owned")); err == nil {
			t.Error("a name was run")
		}
		if strings.Contains(c.bytes(), "\x1b]0;owned") {
			t.Error("a name speaks to the terminal")
		}
		if shell == "fish" {
			return // it has no readonly variables
		}
		c.folder("shop", "profile = dev\n")
		before := c.environ()
		c.ok("readonly AWS_VAULT")
		c.says("cd ~/shop", `~/shop/\.vault-profile names dev, and this shell does not take it: vault use dev`)
		c.same(outOf(before), outOf(c.environ()), "in a shell that refuses")
	})
}

// TestPTYDirectoryStrict does all of it in shells with options that break
// careless code, and traced: no secret appears.
func TestPTYDirectoryStrict(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		strict := by(shell, map[string]string{
			"zsh":  "setopt ksh_arrays no_unset sh_word_split xtrace warn_create_global no_nomatch auto_cd pushd_silent all_export; PS4='+'",
			"bash": "set -uaf -o pipefail -o xtrace; shopt -s nullglob; PS4='+'; IFS=/",
			"fish": "set -g fish_trace 1",
		})
		c := w.console(t, setup{shell: shell, config: directories, after: strict})
		c.folder("shop", "profile = dev\n")
		c.run("cd ~/shop")
		env := c.env()
		if env["AWS_VAULT"] != "dev" {
			t.Errorf("not in use: %q", env["AWS_VAULT"])
		}
		for name := range env {
			if name == "__vault_at" || name == "__vault_dir" {
				t.Errorf("a child gets %s", name)
			}
		}
		c.hides(env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"])
		c.run("cd ~")
		if env := c.env(); env["AWS_VAULT"] != "" {
			t.Errorf("still in use: %q", env["AWS_VAULT"])
		}
		for _, fault := range []string{"unbound variable", "parameter not set", "created globally", "not found", "bad "} {
			if strings.Contains(c.text(), fault) {
				t.Errorf("there is %q in what appeared", fault)
			}
		}
	})
}
