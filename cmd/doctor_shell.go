package cmd

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/shell"
)

// again is what has a shell load vault anew.
func (d *doctor) again() string { return "exec " + cmp.Or(string(d.shell), "$SHELL") }

// loading is what loads vault into the shell.
func (d *doctor) loading() string {
	switch d.shell {
	case shell.Fish:
		return word(d.called()) + " init fish | source"
	case "":
		return fmt.Sprintf(`eval "$(%s init zsh)"`, word(d.called()))
	}
	return fmt.Sprintf(`eval "$(%s init %s)"`, word(d.called()), d.shell)
}

// unsetting is what takes variables away.
func (d *doctor) unsetting(names ...string) string {
	if d.shell == shell.Fish {
		return "set -e " + strings.Join(names, " ")
	}
	return "unset " + strings.Join(names, " ")
}

// checkShell looks whether the shell function called, and of what version it is.
func (d *doctor) checkShell(context.Context) []finding {
	old := d.current()
	_, switched := d.Env[stateVariable]
	switch {
	case d.stale:
		return []finding{failing(d.again(), "this shell was loaded by another version of vault")}
	case d.function == "":
		return []finding{warning(d.loading(), "vault is not loaded into this shell, so that it cannot switch it; the line belongs into its startup file")}
	case switched && old == nil:
		return []finding{failing(d.again(), "this shell was switched by another version of vault, and its state cannot be read")}
	case old != nil && d.foreign(old) != "":
		return []finding{warning(d.name()+" use "+word(old.Profile), "%s was changed since the switch to %s: programs may use another account", d.foreign(old), old.Profile)}
	}
	return []finding{okay("%s is loaded into %s", d.function, d.dialect)}
}

// checkPath looks which vault programs find, that go past the shell function.
func (d *doctor) checkPath(context.Context) []finding {
	found, err := lookPath("vault", d.Env["PATH"])
	switch {
	case err != nil && d.function != "":
		return []finding{okay("there is none on it; the shell has %s", d.Exe)}
	case err != nil:
		fix := `export PATH="` + filepath.Dir(d.Exe) + `:$PATH"`
		if d.shell == shell.Fish {
			fix = "fish_add_path " + word(filepath.Dir(d.Exe))
		}
		return []finding{warning(fix, "there is no vault on PATH: programs do not find %s, as for credential_process", d.Exe)}
	}
	mine, merr := os.Stat(d.Exe)
	other, oerr := os.Stat(found)
	if merr == nil && oerr == nil && os.SameFile(mine, other) {
		return []finding{okay("%s is the first vault on PATH", found)}
	}
	info, err := buildinfo.ReadFile(found)
	if err == nil && info.Main.Path == ownModule {
		fix := `export PATH="` + filepath.Dir(d.Exe) + `:$PATH"`
		if d.shell == shell.Fish {
			fix = "fish_add_path --move " + word(filepath.Dir(d.Exe))
		}
		return []finding{warning(fix, "another copy comes first on PATH: %s, and not %s", found, d.Exe)}
	}
	whose := "another program"
	if err == nil && strings.HasPrefix(info.Main.Path, "github.com/hashicorp/vault") {
		whose = "HashiCorp's vault"
	}
	fix := fmt.Sprintf(`eval "$(%s init %s --cmd av)"`, word(d.Exe), cmp.Or(string(d.shell), "zsh"))
	if d.shell == shell.Fish {
		fix = word(d.Exe) + " init fish --cmd av | source"
	}
	if d.function != "" && d.function != "vault" {
		return []finding{okay("%s on PATH is %s; the shell has this one as %s", found, whose, d.function)}
	}
	return []finding{warning(fix, "%s comes first on PATH: %s", whose, found)}
}

// ownModule is the path of this module in its go.mod.
const ownModule = "github.com/shellvault/vault"

// checkCompletion comes with the function.
func (d *doctor) checkCompletion(context.Context) []finding {
	if d.function == "" {
		return []finding{warning(d.loading(), "words are not completed by vault in a shell that does not load it")}
	}
	return []finding{okay("the completion of %s comes with it", d.function)}
}

// checkEnvironment looks for variables that say different things.
func (d *doctor) checkEnvironment(context.Context) []finding {
	env := d.users()
	var list []finding
	found := func(fix, format string, args ...any) { list = append(list, warning(fix, format, args...)) }
	id, profile := env["AWS_ACCESS_KEY_ID"], env["AWS_PROFILE"]
	keys := []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
	switch {
	case id != "" && env["AWS_SECRET_ACCESS_KEY"] == "":
		found(d.unsetting(keys...), "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY: programs fail or pass it over")
	case id == "" && env["AWS_SECRET_ACCESS_KEY"] != "":
		found(d.unsetting(keys...), "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID: programs fail or pass it over")
	case id == "" && env["AWS_SESSION_TOKEN"] != "":
		found(d.unsetting("AWS_SESSION_TOKEN"), "AWS_SESSION_TOKEN is set without keys")
	case strings.HasPrefix(id, "ASIA") && env["AWS_SESSION_TOKEN"] == "":
		found(d.unsetting(keys...), "AWS_ACCESS_KEY_ID is of a session (ASIA...), and AWS_SESSION_TOKEN is not set")
	}
	if profile != "" && id != "" {
		found(d.name()+" use "+word(profile), "AWS_PROFILE=%s and keys are set: most programs take the keys, some the profile", profile)
	}
	if other := env["AWS_DEFAULT_PROFILE"]; other != "" && other != profile {
		found(d.unsetting("AWS_DEFAULT_PROFILE"), "AWS_DEFAULT_PROFILE=%s is read by the AWS CLI and few others: they use another profile than the rest", other)
	}
	if profile != "" && d.filesErr == nil && !d.files.Has(profile) {
		found(d.unsetting("AWS_PROFILE"), "AWS_PROFILE=%s is no profile of the config", profile)
	}
	a, b := d.Env["AWS_REGION"], d.Env["AWS_DEFAULT_REGION"]
	if a != "" && b != "" && a != b {
		fix := d.unsetting("AWS_DEFAULT_REGION")
		if d.current() != nil {
			fix = d.name() + " region " + word(a)
		}
		found(fix, "AWS_REGION=%s and AWS_DEFAULT_REGION=%s differ: some programs read the one, some the other", a, b)
	}
	for _, name := range env.Names() {
		if url := env[name]; url != "" && (name == "AWS_ENDPOINT_URL" || strings.HasPrefix(name, "AWS_ENDPOINT_URL_")) {
			found(d.unsetting(name), "%s=%s: that is asked in place of AWS, and gets what programs send", name, url)
		}
	}
	paths := config.Locate(d.getenv, d.Home)
	for name, path := range map[string]string{"AWS_CONFIG_FILE": paths.Config, "AWS_SHARED_CREDENTIALS_FILE": paths.Credentials} {
		if env[name] != "" && !exists(path) {
			found(d.unsetting(name), "%s names %s, which is not there", name, path)
		}
	}
	if v := env["AWS_VAULT"]; v != "" && d.current() == nil {
		found(d.unsetting("AWS_VAULT"), "AWS_VAULT=%s is set, and vault did not set it: prompts show a profile that may not be in use", v)
	}
	return or(list, "no variables contradict each other")
}

// users returns the variables that are not set by the switch of this shell.
func (d *doctor) users() shell.Env {
	env, old := shell.Env{}, d.current()
	for name, value := range d.Env {
		if old != nil {
			if _, set := old.Set[name]; set && old.ours(d.Env, name) {
				continue
			}
		}
		env[name] = value
	}
	return env
}
