package cmd_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/shell"
)

// canary is a secret that nothing may show.
const canary = "CANARYcanary0123456789/+CANARYcanary0123"

// A fault is something wrong in a home, and what doctor is to say of it: lines
// of CHECK STATUS FINDING and, behind " => ", what to type. Nothing else may be
// found wrong.
type fault struct {
	name string
	do   func(w *world)
	env  []string
	bare bool     // the shell function is not loaded
	args []string // in place of it
	want []string

	people string // that is said to people alone
}

func chmod(mode fs.FileMode, names ...string) func(*world) {
	return func(w *world) {
		for _, name := range names {
			if err := os.Chmod(filepath.Join(w.home, name), mode); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func write(name, text string) func(*world) { return func(w *world) { w.write(name, text) } }

func appendConfig(text string) func(*world) {
	return func(w *world) { w.config(w.read(".aws/config") + text) }
}

func age(added string) func(*world) {
	return func(w *world) {
		w.store("simple")
		text := regexp.MustCompile(`"added": "[^"]*"`).ReplaceAllString(w.read(".local/share/vault/index.json"), `"added": "`+added+`"`)
		w.write(".local/share/vault/index.json", text)
	}
}

var faults = []fault{
	{name: "shell function missing", bare: true, want: []string{
		`shell warn vault is not loaded into this shell.* => .*init`, `completion warn words are not completed.* => .*init`,
	}},
	{name: "shell function of another version", args: []string{"--fn=bash:1:vault"}, want: []string{`shell fail this shell was loaded by another version of vault => exec bash`}},
	{name: "state of another version", env: []string{"__VAULT_STATE=9|x"}, want: []string{`shell fail .*its state cannot be read => exec bash`}},
	{name: "another program on PATH", do: func(w *world) {
		w.write("bin/vault", "#!/bin/sh\n")
		w.executable("bin/vault")
	}, env: []string{"PATH=$HOME/bin:$PATH"}, want: []string{`path warn another program comes first on PATH: ~/bin/vault => eval "\$\(.*/vault init bash --cmd av\)"`}},
	{name: "another copy on PATH", do: func(w *world) {
		data, err := os.ReadFile(binary)
		if err != nil {
			w.t.Fatal(err)
		}
		w.write("bin/vault", string(data))
		w.executable("bin/vault")
	}, env: []string{"PATH=$HOME/bin:$PATH"}, want: []string{`path warn another copy comes first on PATH: ~/bin/vault, and not .* => export PATH="`}},
	{name: "HashiCorp's on PATH", do: func(w *world) {
		w.write("src/go.mod", "module github.com/hashicorp/vault\n")
		w.write("src/main.go", "package main\n\nfunc main() {}\n")
		c := exec.Command("go", "build", "-o", filepath.Join(w.home, "bin", "vault"), ".")
		c.Dir = filepath.Join(w.home, "src")
		if out, err := c.CombinedOutput(); err != nil {
			w.t.Fatalf("%v\n%s", err, out)
		}
	}, env: []string{"PATH=$HOME/bin:$PATH"}, want: []string{`path warn HashiCorp's vault comes first on PATH: ~/bin/vault => eval "\$\(.*/vault init bash --cmd av\)"`}},
	{name: "nothing on PATH", bare: true, env: []string{"PATH=/nowhere"}, want: []string{
		"shell warn .*", `path warn there is no vault on PATH.* => export PATH="`, "completion warn .*",
	}},

	{name: "profile and keys", env: []string{"AWS_PROFILE=simple", "AWS_ACCESS_KEY_ID=AKIAX", "AWS_SECRET_ACCESS_KEY=" + canary}, want: []string{
		`environment warn AWS_PROFILE=simple and keys are set.* => vault use simple`,
	}},
	{name: "half a key", env: []string{"AWS_SECRET_ACCESS_KEY=" + canary}, want: []string{`environment warn AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID.* => unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN`}},
	{name: "an id", env: []string{"AWS_ACCESS_KEY_ID=AKIAX"}, want: []string{`environment warn AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY`}},
	{name: "a token", env: []string{"AWS_SESSION_TOKEN=" + canary}, want: []string{`environment warn AWS_SESSION_TOKEN is set without keys => unset AWS_SESSION_TOKEN`}},
	{name: "a session without its token", env: []string{"AWS_ACCESS_KEY_ID=ASIAX", "AWS_SECRET_ACCESS_KEY=" + canary}, want: []string{`environment warn .*AWS_SESSION_TOKEN is not set`}},
	{name: "default profile", env: []string{"AWS_DEFAULT_PROFILE=simple"}, want: []string{`environment warn AWS_DEFAULT_PROFILE=simple is read by the AWS CLI.* => unset AWS_DEFAULT_PROFILE`}},
	{name: "no such profile", env: []string{"AWS_PROFILE=nosuch"}, want: []string{`environment warn AWS_PROFILE=nosuch is no profile of the config => unset AWS_PROFILE`}},
	{name: "two regions", env: []string{"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=us-east-1"}, want: []string{`environment warn AWS_REGION=eu-west-1 and AWS_DEFAULT_REGION=us-east-1 differ.* => unset AWS_DEFAULT_REGION`}},
	{name: "endpoint", env: []string{"AWS_ENDPOINT_URL_S3=http://127.0.0.1:9"}, want: []string{`environment warn AWS_ENDPOINT_URL_S3=http://127.0.0.1:9: .* => unset AWS_ENDPOINT_URL_S3`}},
	{name: "config that is not there", env: []string{"AWS_CONFIG_FILE=/nowhere/config"}, want: []string{`environment warn AWS_CONFIG_FILE names /nowhere/config, which is not there => unset AWS_CONFIG_FILE`}},
	{name: "a profile of another tool", env: []string{"AWS_VAULT=prod"}, want: []string{`environment warn AWS_VAULT=prod is set, and vault did not set it`}},

	{name: "settings", do: write(".config/vault/config.toml", "\nbackends = 1\n"), want: []string{`settings fail ~/.config/vault/config.toml:2: no setting "backends".* => vi \+2 ~/.config/vault/config.toml`, `keystore fail .*no setting`}},
	{name: "broken config", do: write(".aws/config", "[profile a\n"), want: []string{`config fail ~/.aws/config:1: .* => vi \+1 ~/.aws/config`}},
	{name: "loop", do: appendConfig("[profile l1]\nrole_arn = arn:aws:iam::222222222222:role/A\nsource_profile = l2\n[profile l2]\nrole_arn = arn:aws:iam::222222222222:role/A\nsource_profile = l3\n[profile l3]\nrole_arn = arn:aws:iam::222222222222:role/A\nsource_profile = l2\n"), want: []string{
		`config fail ~/.aws/config:\d+: source_profile loop: l[23] -> l[23] -> l[23] => vi \+\d+ ~/.aws/config`,
	}},
	{name: "source that is missing", do: appendConfig("[profile l1]\nrole_arn = arn:aws:iam::222222222222:role/A\nsource_profile = nosuch\n"), want: []string{`config fail .*source_profile of profile "l1": no profile "nosuch"`}},
	{name: "typing error", do: appendConfig("[profile t]\nmfa_serail = x\n"), want: []string{`config warn ~/.aws/config:\d+: nothing reads "mfa_serail" of profile "t"; is "mfa_serial" meant\? => vi`}},
	{name: "many typing errors", do: func(w *world) {
		var b strings.Builder
		for i := range 20 {
			fmt.Fprintf(&b, "[profile t%d]\nmfa_serail = x\n", i)
		}
		appendConfig(b.String())(w)
	}, want: slices.Repeat([]string{`config warn .*mfa_serail`}, 20), people: "and 15 more settings that nothing reads"},
	{name: "section twice", do: appendConfig("[profile dev]\nregion = eu-west-1\n"), want: []string{`config warn ~/.aws/config:\d+: "dev" stands in line \d+ already`}},
	{name: "section that is no profile", do: appendConfig("[dev2]\nregion = eu-west-1\n"), want: []string{`config warn ~/.aws/config:\d+: \[dev2\] is not a profile in this file, \[profile dev2\] would be`}},
	{name: "hidden setting", do: func(w *world) {
		w.store("simple")
		appendConfig("[profile h]\nrole_arn = arn:aws:iam::222222222222:role/A\nsource_profile = simple\ncredential_process = /bin/true\n")(w)
	}, want: []string{
		`config warn profile "h": credential_process \(~/.aws/config:\d+\) is not used: source_profile wins => vault explain h`,
	}},

	{name: "others read", do: chmod(0o644, ".aws/config"), want: []string{`permissions warn others can read ~/.aws/config => chmod 600 ~/.aws/config`}},
	{name: "others write", do: chmod(0o777, ".aws"), want: []string{`permissions fail others can change the folder ~/.aws => chmod go-w ~/.aws`}},

	{name: "keystore damaged", do: func(w *world) {
		w.store("simple")
		w.write(".local/share/vault/keys", "rubbish")
	}, want: []string{`keystore fail keystore "~/.local/share/vault/keys": corrupt`}},
	{name: "index damaged", do: func(w *world) {
		w.store("simple")
		w.write(".local/share/vault/index.json", "rubbish")
	}, want: []string{`keystore fail the index of the keys .*it does not parse.* => vault unlock`}},
	{name: "index lost", do: func(w *world) {
		w.store("simple")
		_ = os.Remove(filepath.Join(w.home, ".local/share/vault/index.json"))
	}, want: []string{`keystore fail the index of the keys is missing.* => vault unlock`}},
	{name: "keystore elsewhere", do: func(w *world) { w.store("simple") }, env: []string{"AWS_VAULT_BACKEND=secret-service"}, want: []string{
		`keystore warn AWS_VAULT_BACKEND says keystore "secret-service", and the keys are in "file" => vault migrate --from file --to secret-service`,
		`keystore fail .*`,
	}},
	{name: "keystore by a program that is missing", do: write(".config/vault/config.toml", "backend = \"command\"\n[command]\nget = \"nosuch-program {key}\"\nset = \"x {key}\"\ndelete = \"x {key}\"\nlist = \"x\"\n"), want: []string{
		`keystore fail the keystore is "nosuch-program", which is not on PATH => vi ~/.config/vault/config.toml`,
	}},
	{name: "old key", do: age("2020-01-01T00:00:00Z"), want: []string{`key-age warn the key AKIA\w+ of profile "simple" is \d+ days old => vault rotate simple`}},

	{name: "unfinished rotation", do: func(w *world) {
		w.store("simple")
		w.write(indexFile, strings.Replace(w.read(indexFile), `"access_key_id"`, `"rotating": true, "access_key_id"`, 1))
	}, want: []string{`rotation warn a rotation of the key of profile "simple" is unfinished => vault rotate simple --resume`}},
	{name: "key in the credentials file", do: write(".aws/credentials", "[clear]\naws_access_key_id = AKIAX\naws_secret_access_key = "+canary+"\n"), want: []string{
		`keys-in-clear warn ~/.aws/credentials:3: the key of profile "clear" lies in clear => vault import credentials --scrub`,
	}},
	{name: "key in a startup file", do: write(".zshrc", "# mine\nexport AWS_SECRET_ACCESS_KEY='"+canary+"'\n"), want: []string{`keys-in-clear warn ~/.zshrc:2: a secret access key lies in clear.* => vi \+2 ~/.zshrc`}},
	{name: "key in the history", do: write(".bash_history", "ls\naws configure set aws_secret_access_key "+canary+" --profile x\n"), want: []string{`keys-in-clear warn ~/.bash_history:2: `}},
	{name: "key in a project", do: func(w *world) {
		w.write("project/.git/x", "")
		w.write("project/.env.local", "AWS_SECRET_ACCESS_KEY="+canary+"\n")
		w.write("project/deep/er/x", "")
		w.write(".env.other", "AWS_SECRET_ACCESS_KEY="+canary+"\n") // above the project
	}, args: []string{"project/deep/er"}, want: []string{`keys-in-clear warn ~/project/.env.local:1: `}},
	{name: "key in a long history", do: func(w *world) {
		w.write(".zsh_history", strings.Repeat("ls secret\n", 1<<18)+"AKIAABCDEFGHIJKLMNOP,"+canary+"\n")
	}, want: []string{`keys-in-clear warn ~/.zsh_history, near its end: .* => vi ~/.zsh_history`}},

	{name: "sign-in that ended", do: func(w *world) {
		appendConfig("[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-central-1\n")(w)
		w.write(".aws/sso/cache/"+sha1Hex("corp")+".json", `{"startUrl":"https://corp.awsapps.com/start","region":"eu-central-1","accessToken":"`+canary+`","expiresAt":"2020-01-01T00:00:00Z"}`)
	}, want: []string{`sign-ins warn the sign-in to corp has ended .* => vault sso login corp`}},
	{name: "sign-in that others read", do: func(w *world) {
		w.write(".aws/sso/cache/a.json", `{}`)
		chmod(0o644, ".aws/sso/cache/a.json")(w)
	}, want: []string{`sign-ins fail others can read the token of a sign-in in ~/.aws/sso/cache/a.json => chmod 600 ~/.aws/sso/cache/a.json`}},
	{name: "sign-in that is damaged", do: write(".aws/sso/cache/a.json", `{"accessToken":"`+canary), want: []string{`sign-ins warn ~/.aws/sso/cache/a.json is damaged.* => rm ~/.aws/sso/cache/a.json`}},

	{name: "journal", do: write(".local/state/vault/journal/x", ""), want: []string{`journal warn ~/.local/state/vault/journal is not a regular file.* => rm ~/.local/state/vault/journal`}},
}

// TestDoctor looks at a home with each fault, and at one without.
func TestDoctor(t *testing.T) {
	t.Parallel()
	for _, f := range append(faults, fault{name: "none"}, fault{name: "none, in use", do: func(w *world) {
		w.store("simple")
		if r := w.vault("export", "simple"); r.code != 0 {
			w.t.Fatalf("%+v", r)
		}
		w.write(".zsh_history", "export AWS_SECRET_ACCESS_KEY=$(pass aws)\nexport AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n")
	}}) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if f.do != nil {
				f.do(w)
			}
			dir, function := "", "--fn=bash:"+shell.Protocol+":vault"
			for _, a := range f.args {
				if strings.HasPrefix(a, "--fn") {
					function = a
				} else {
					dir = a
				}
			}
			env := []string{"AWS_ENDPOINT_URL", "EDITOR", "VISUAL"}
			for _, e := range f.env {
				env = append(env, os.Expand(e, func(name string) string { return w.env[name] }))
			}
			argv := []string{"-c", `cd "$1" && shift && exec "$@"`, "sh", "./" + dir, binary, function, "doctor"}
			if f.bare {
				argv = append(argv[:5:5], "doctor")
			}
			people := w.run("", w.environ(env...), "/bin/sh", argv...)
			r := w.run("", w.environ(env...), "/bin/sh", append(argv, "--json")...)
			checkFindings(t, f.want, r)
			if !strings.Contains(people.stdout, f.people) || strings.Contains(r.stdout, "more settings") {
				t.Errorf("for people:\n%s", people.stdout)
			}
			if people.code != r.code || strings.Count(people.stdout, "\n") < 14 {
				t.Errorf("for people: %d\n%s%s", people.code, people.stdout, people.stderr)
			}
			for _, secret := range []string{canary, canary[:8], w.secret, passphrase} {
				if strings.Contains(r.stdout+r.stderr+people.stdout+people.stderr, secret) {
					t.Errorf("a secret is shown:\n%s", r.stdout)
				}
			}
		})
	}
}

// checkFindings fails the test unless what was found is what is wanted.
func checkFindings(t *testing.T, want []string, r result) {
	t.Helper()
	var list []struct{ Check, Status, Finding, Fix string }
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || r.stderr != "" {
		t.Fatalf("%v\n%s%s", err, r.stdout, r.stderr)
	}
	if code := min(len(want), 1); r.code != code {
		t.Errorf("status %d, want %d", r.code, code)
	}
	seen := map[string]bool{}
	for _, f := range list {
		seen[f.Check] = true
		if f.Status == "ok" {
			continue
		}
		got := f.Check + " " + f.Status + " " + f.Finding
		if f.Fix != "" {
			got += " => " + f.Fix
		}
		if len(want) == 0 || !regexp.MustCompile("^"+want[0]).MatchString(got) {
			t.Errorf("found %q, want %q", got, want)
			return
		}
		want = want[1:]
	}
	if len(want) > 0 {
		t.Errorf("not found: %q\n%s", want, r.stdout)
	}
	for _, check := range strings.Fields("shell path completion environment settings config permissions keystore kernel-keyring core-dumps key-age rotation keys-in-clear sign-ins journal") {
		if !seen[check] && !strings.Contains(r.stdout, `"fail"`) {
			t.Errorf("check %s said nothing", check)
		}
	}
}

// TestDoctorForeign changes a variable in a switched shell.
func TestDoctorForeign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store("simple")
	script := `unset AWS_ENDPOINT_URL; ` + binary + ` --fn=bash:` + shell.Protocol + `:vault doctor --json; echo "=$?"`
	quiet := w.run("", w.environ(), binary, "exec", "simple", "--", "sh", "-c", script)
	if !strings.HasSuffix(quiet.stdout, "=0\n") {
		t.Errorf("in a switched shell: %s%s", quiet.stdout, quiet.stderr)
	}
	r := w.run("", w.environ(), binary, "exec", "simple", "--", "sh", "-c", "export AWS_ACCESS_KEY_ID=AKIAOTHER; "+script)
	if !strings.Contains(r.stdout, "AWS_ACCESS_KEY_ID was changed since the switch to simple") || !strings.Contains(r.stdout, `"vault use simple"`) || !strings.HasSuffix(r.stdout, "=1\n") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// TestDoctorOnline reaches the endpoints, or says why not, and reads the clock.
func TestDoctorOnline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := func(env ...string) result {
		return w.run("", w.environ(env...), binary, "--fn=bash:"+shell.Protocol+":vault", "doctor", "--json", "--online")
	}
	endpoint := `environment warn AWS_ENDPOINT_URL=.*`
	r := run()
	checkFindings(t, []string{endpoint}, r)
	if !strings.Contains(r.stdout, "reached: STS in us-east-1, IAM") || !strings.Contains(r.stdout, "the clock is right") {
		t.Errorf("%s", r.stdout)
	}
	// The keys of the user.
	w.store("simple")
	if r := run(); !strings.Contains(r.stdout, "no user of a stored key has another one") {
		t.Errorf("%s", r.stdout)
	}
	other, secret := w.user.NewKey()
	second := `second-key warn the user of profile "simple" has a second active key, ` + other + `, made 20.* => vault rotate simple --replace ` + other
	r = run()
	checkFindings(t, []string{endpoint, second}, r)
	if strings.Contains(r.stdout+r.stderr, secret) || strings.Contains(r.stdout+r.stderr, w.secret) {
		t.Error("a secret is shown")
	}
	locked := run("AWS_VAULT_FILE_PASSPHRASE")
	checkFindings(t, []string{endpoint, second}, locked) // it rests in the kernel
	w.vault("lock")
	locked = run("AWS_VAULT_FILE_PASSPHRASE")
	checkFindings(t, []string{endpoint}, locked)
	if !strings.Contains(locked.stdout, "not asked, because its key cannot be read now") {
		t.Errorf("%s", locked.stdout)
	}
	w.aws.DeactivateKey(w.keyID)
	checkFindings(t, []string{endpoint, `second-key fail AWS does not know the key ` + w.keyID + `.* => vault add --overwrite simple`}, run())
	w.aws.ActivateKey(w.keyID)
	w.aws.DeactivateKey(other)
	w.aws.SetSkew(10 * time.Minute)
	checkFindings(t, []string{endpoint, `network warn the clock is \d+m behind AWS's.* => sudo `}, run())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	l.Close()
	checkFindings(t, []string{endpoint, `network fail STS in us-east-1: cannot reach .* => curl -sSI https://` + l.Addr().String(), `network fail IAM: cannot reach `}, run("AWS_ENDPOINT_URL="+nobody))
}

// sha1Hex names the file of a sign-in as the AWS CLI does.
func sha1Hex(name string) string {
	sum := sha1.Sum([]byte(name))
	return hex.EncodeToString(sum[:])
}

// TestDoctorKeyring looks at a Secret Service without asking anybody.
func TestDoctorKeyring(t *testing.T) {
	w, d := keyring(t)
	w.store("simple")
	run := func() result {
		return w.run("", w.environ("AWS_ENDPOINT_URL"), binary, "--fn=bash:"+shell.Protocol+":vault", "doctor", "--json")
	}
	says := func(text string, want ...string) {
		t.Helper()
		r := run()
		checkFindings(t, want, r)
		if !strings.Contains(r.stdout, text) {
			t.Errorf("want %q:\n%s", text, r.stdout)
		}
	}
	says("the Secret Service: unlocked, with 1 access key")
	d.RestartLocked()
	says("the Secret Service: locked, with 1 access key")
	d.Kill()
	says("", "keystore fail secret service: nobody offers it.* => start a keyring")
}

// TestPTYDoctor has the shells' own function call it.
func TestPTYDoctor(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t)
		c := w.console(t, setup{shell: shell, env: []string{"AWS_ENDPOINT_URL", "AWS_PROFILE=nosuch"}})
		out := c.fails(1, "vault doctor")
		for _, want := range []string{"vault is loaded into " + shell, "AWS_PROFILE=nosuch is no profile of the config"} {
			if !strings.Contains(out, want) {
				t.Errorf("it says %q, want %q", out, want)
			}
		}
		// What it says to type helps.
		c.ok(by(shell, map[string]string{"bash": "unset AWS_PROFILE", "fish": "set -e AWS_PROFILE"}))
		if !strings.Contains(out, by(shell, map[string]string{"bash": "unset AWS_PROFILE", "fish": "set -e AWS_PROFILE"})) {
			t.Errorf("it says %q", out)
		}
		c.ok("vault doctor")
	})
}
