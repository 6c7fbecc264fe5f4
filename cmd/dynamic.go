package cmd

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
)

// A dynamic is a config of ours, in which every profile gets its credentials
// from this program.
type dynamic struct {
	config      string // paths
	credentials string // an empty file: keys in the user's own would win
}

// dynamicVariables are those by which programs find a config.
var dynamicVariables = []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}

func (d *dynamic) variables(profile string) shell.Env {
	return shell.Env{
		"AWS_PROFILE": profile, "AWS_CONFIG_FILE": d.config, "AWS_SHARED_CREDENTIALS_FILE": d.credentials,
		"AWS_SDK_LOAD_CONFIG": "1", // for the first SDKs of Go and JavaScript
	}
}

// sourceKeys are the settings by which a profile gets its credentials, beside
// those of Identity Center and the keys themselves.
var sourceKeys = []string{
	"role_arn", "source_profile", "credential_source", "external_id", "mfa_serial", "mfa_process", "duration_seconds",
	"role_session_name", "web_identity_token_file", "web_identity_token_process", "credential_process", "login_session",
	"aws_access_key_id", "include_profile", "session_tags", "transitive_session_tags", "source_identity",
}

func isSourceKey(key string) bool {
	return slices.Contains(sourceKeys, key) || strings.HasPrefix(key, "sso_") || config.IsSecret(key)
}

// startDynamic writes the config for a switch to a profile.
func (app *App) startDynamic(name string, o sessionOptions, protected bool) (*dynamic, error) {
	if protected {
		return nil, &usageError{
			text: fmt.Sprintf("use --dynamic: profile %q is protected, and programs would ask for it when nobody is there", name),
			hint: "have it served to this shell: " + app.name() + " use --serve " + word(name),
		}
	}
	text, err := app.dynamicConfig(name, o)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(text))
	dir := filepath.Join(app.folder("XDG_STATE_HOME", ".local/state"), "dynamic")
	d := &dynamic{filepath.Join(dir, "config-"+hex.EncodeToString(sum[:8])), filepath.Join(dir, "credentials")}
	app.sweepDynamic(dir)
	for path, text := range map[string]string{d.config: text, d.credentials: ""} {
		if err := keystore.WriteFileAtomic(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// sweepDynamic removes the configs of switches of a month ago.
func (app *App) sweepDynamic(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), "config-") && app.Now().Sub(info.ModTime()) > 31*24*time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// dynamicConfig returns the user's config with this program as the source of
// every profile that has one. The flags are those of the switch to active.
func (app *App) dynamicConfig(active string, o sessionOptions) (string, error) {
	paths := config.Locate(app.getenv, app.Home)
	files, err := config.Load(paths)
	if err != nil {
		return "", err
	}
	stored, err := app.stored()
	if err != nil {
		return "", err
	}
	for _, path := range []*string{&paths.Config, &paths.Credentials} {
		if *path, err = filepath.Abs(*path); err != nil {
			return "", err
		}
	}
	run := fmt.Sprintf("env AWS_CONFIG_FILE=%s AWS_SHARED_CREDENTIALS_FILE=%s %s credential-process ", word(paths.Config), word(paths.Credentials), word(app.Exe))
	var b strings.Builder
	b.WriteString("# vault has made this of your config, and makes it anew. What you change here is lost.\n")
	var services []string
	for _, name := range files.Names() {
		p, err := files.Profile(name)
		if err != nil {
			return "", err
		}
		header := "profile " + name
		if name == "default" {
			header = name
		}
		fmt.Fprintf(&b, "\n[%s]\n", header)
		_, source := stored[name]
		for _, key := range p.Keys() {
			v, _ := p.Lookup(key)
			if isSourceKey(key) {
				source = true
				continue
			}
			writeProperty(&b, key, v)
			if key == "services" && !slices.Contains(services, v.Text) {
				services = append(services, v.Text)
			}
		}
		if source {
			fmt.Fprintf(&b, "credential_process = %s%s%s\n", run, word(name), flagsOf(name == active, o))
		}
	}
	for _, name := range services {
		if section := files.Section("services", name); section != nil {
			fmt.Fprintf(&b, "\n[services %s]\n", name)
			for _, key := range section.Keys() {
				v, _ := section.Lookup(key)
				writeProperty(&b, key, v)
			}
		}
	}
	return b.String(), nil
}

// flagsOf are the flags of a switch that its credentials depend on.
func flagsOf(active bool, o sessionOptions) string {
	var text string
	if active && o.Duration != 0 {
		text += " --duration " + o.Duration.String()
	}
	if active && o.ReadOnly {
		text += " --read-only"
	}
	if active && o.NoSession {
		text += " --no-session"
	}
	return text
}

// writeProperty writes a property, or one with properties of its own, as the
// AWS CLI reads it.
func writeProperty(b *strings.Builder, key string, v config.Value) {
	if len(v.Sub) == 0 {
		fmt.Fprintf(b, "%s = %s\n", key, strings.ReplaceAll(v.Text, "\n", "\n  "))
		return
	}
	fmt.Fprintf(b, "%s =\n", key)
	for _, sub := range v.Sub {
		fmt.Fprintf(b, "  %s = %s\n", sub.Key, sub.Value.Text)
	}
}
