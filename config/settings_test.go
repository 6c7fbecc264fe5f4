package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLocateSettings(t *testing.T) {
	tests := []struct{ env, want string }{
		{"A=", "/h/.config/vault/config.toml"},
		{"XDG_CONFIG_HOME=", "/h/.config/vault/config.toml"},
		{"XDG_CONFIG_HOME=x", "/h/.config/vault/config.toml"},
		{"XDG_CONFIG_HOME=/x", "/x/vault/config.toml"},
	}
	for _, test := range tests {
		if got := LocateSettings(env(test.env), "/h"); got != test.want {
			t.Errorf("%s: got %s, want %s", test.env, got, test.want)
		}
	}
}

func TestLoadSettings(t *testing.T) {
	globals, perProfile := strings.Join(globalKeys, ", "), strings.Join(blockKeys, ", ")
	ttl, never := 15*time.Minute, time.Duration(0)
	all := Settings{
		Backend: "file", PassphraseCommand: "pass show vault", KeysTTL: &ttl, KeysMax: 8 * time.Hour,
		SecretService: "plain", Collection: "work", Command: CommandSettings{"g", "s", "d", "l", 5 * time.Second},
		Prompt: "{profile} {left}", Directories: true,
		SSOCache: "shared", SSOFlow: "device", Browser: "firefox %s", MFAPrompt: "zenity",
		Profiles: []ProfileBlock{
			{"*prod*", ProfileSettings{"red", "!", "main", "123456789012", true, true, 2 * time.Hour, "firefox -P prod", "Prod"}},
			{"dev", ProfileSettings{}},
		},
	}
	tests := []struct {
		name, text string
		want       Settings
		err        string
	}{
		{name: "empty"},
		{name: "comments", text: "# nothing\n"},
		{name: "all", text: `
backend = "file"
passphrase_command = "pass show vault"
keys_ttl = "15m"
keys_max = "8h"
secret_service = "plain"
collection = "work"
prompt = "{profile} {left}"
directories = true
sso_cache = "shared"
sso_flow = "device"
browser = "firefox %s"
mfa_prompt = "zenity"
[command]
get = "g"
set = "s"
delete = "d"
list = "l"
timeout = "5s"
[[profile]]
match = "*prod*"
color = "red"
icon = "!"
account = "main"
account_id = "123456789012"
protected = true
read_only = true
max_duration = "2h"
browser = "firefox -P prod"
container = "Prod"
[[profile]]
match = "dev"
`, want: all},
		{name: "byte order mark", text: "\ufeffbackend = \"file\"\n", want: Settings{Backend: "file"}},
		{name: "unknown", text: "backend = \"file\"\nbakend = 1\n", err: `F:2: no setting "bakend", the nearest is "backend"`},
		{name: "unknown, like none", text: "\nzzz = 1\n", err: `F:2: no setting "zzz", there are: ` + globals},
		{name: "the first of several", text: "zzz = 1\nyyy = 2\naaa.b = 3\n", err: `F:1: no setting "zzz", there are: ` + globals},
		{name: "unknown, dotted and quoted", text: "\n\"prompts\" . x = 1\n", err: `F:2: no setting "prompts", the nearest is "prompt"`},
		{name: "unknown table", text: "# c\n[profiles]\nmatch = 'x'\n", err: `F:2: no setting "profiles", the nearest is "profile"`},
		{name: "unknown in a block", text: "[[profile]]\nmatch='a'\n[[profile]]\nmatch='b'\ncolour='red'\n", err: `F:5: no setting "colour", the nearest is "color"`},
		{name: "not yet there", text: "[[profile]]\nmatch='a'\nenv=true\n", err: `F:3: no setting "env", there are: ` + perProfile},
		{name: "global in a block", text: "[[profile]]\nmatch='a'\nbackend='file'\n", err: `F:3: no setting "backend", there are: ` + perProfile},
		{name: "block key at the top", text: "color='red'\n[[profile]]\nmatch='a'\ncolor='red'\n", err: `F:1: no setting "color", there are: ` + globals},
		{name: "number", text: "backend = 1\n", err: `F:1: backend must be a string that is not empty`},
		{name: "empty string", text: "backend = ''\n", err: `F:1: backend must be a string that is not empty`},
		{name: "list", text: "\npassphrase_command = ['a']\n", err: `F:2: passphrase_command must be a string that is not empty`},
		{name: "no duration", text: "keys_ttl = '15'\n", err: `F:1: keys_ttl must be a duration like "15m" or "8h"`},
		{name: "negative", text: "keys_max = '-1h'\n", err: `F:1: keys_max must be a duration like "15m" or "8h"`},
		{name: "number for a duration", text: "keys_max = 5\n", err: `F:1: keys_max must be a duration like "15m" or "8h"`},
		{name: "idle longer than max", text: "keys_max = '1h'\nkeys_ttl = '2h'\n", err: `F:2: keys_ttl is longer than keys_max`},
		{name: "ttl of none", text: "keys_ttl = 0\n", want: Settings{KeysTTL: &never}},
		{name: "ttl of none, as text", text: "keys_ttl = '0'\n", want: Settings{KeysTTL: &never}},
		{name: "ttl below none", text: "\nkeys_ttl = '-1s'\n", err: `F:2: keys_ttl must be a duration like "15m" or "8h"`},
		{name: "another backend", text: "backend = 'pass'\n", err: `F:1: backend "pass" is not one of file, secret-service, keychain, command`},
		{name: "no commands", text: "\nbackend = 'command'\n", err: `F:2: backend "command" needs a [command] table`},
		{name: "a command missing", text: "[command]\nget='a'\nset='b'\ndelete='c'\n", err: `F:1: [command] lacks list`},
		{name: "unknown command", text: "[[profile]]\nmatch='a'\n[command]\nget='a'\nput='b'\n", err: `F:5: no setting "put", there are: get, set, delete, list, timeout`},
		{name: "command is no table", text: "command = 'x'\n", err: `F:1: command must be written as a [command] table`},
		{name: "not true or false", text: "directories = 'yes'\n", err: `F:1: directories must be true or false`},
		{name: "account", text: "[[profile]]\nmatch='a'\naccount_id='12'\n", err: `F:3: account_id "12" is not twelve digits`},
		{name: "no match", text: "backend='file'\n[[profile]]\nmatch='a'\n[[profile]]\ncolor='red'\n", err: `F:4: [[profile]] lacks match, a glob of profile names`},
		{name: "bad glob", text: "[[profile]]\nmatch='a['\n", err: `F:2: match "a[" is not a valid glob`},
		{name: "bad color", text: "[[profile]]\nmatch='a'\ncolor='pink'\n", err: `F:3: color "pink" is not one of black, red, green, yellow, blue, magenta, cyan, white`},
		{name: "one table", text: "[profile]\nmatch='a'\n", err: `F:1: profile must be written as a [[profile]] block`},
		{name: "inline", text: "\nprofile=[{match='a', color='red'}]\n", want: Settings{Profiles: []ProfileBlock{{"a", ProfileSettings{Color: "red"}}}}},
		{name: "syntax", text: "backend = \"x\"\nbackend\n", err: `F:2: expected '=' after key`},
		{name: "twice", text: "backend = \"file\"\nbackend = 'y'\n", err: `F:2: key backend is already defined`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			write(t, path, test.text)
			got, err := LoadSettings(path)
			if test.err != "" {
				var parseErr *ParseError
				if want := strings.Replace(test.err, "F:", path+":", 1); !errors.As(err, &parseErr) || err.Error() != want {
					t.Fatalf("got error %v\nwant      %s", err, want)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestLoadSettingsMissing(t *testing.T) {
	dir := t.TempDir()
	if s, err := LoadSettings(filepath.Join(dir, "no", "config.toml")); err != nil || !reflect.DeepEqual(s, Settings{}) {
		t.Errorf("missing: got %+v, %v", s, err)
	}
	if _, err := LoadSettings(dir); err == nil || err.Error() != dir+": is a directory" {
		t.Errorf("folder: got %v", err)
	}
}

func TestSettingsFor(t *testing.T) {
	block := func(match, color string) ProfileBlock { return ProfileBlock{match, ProfileSettings{Color: color}} }
	s := Settings{Profiles: []ProfileBlock{
		block("*", "green"), block("*prod*", "red"), block("team/?ev", "blue"), block("prod-*", ""), block("[ab]/*", "cyan"),
	}}
	tests := []struct{ profile, want string }{
		{"x", "green"}, {"a-prod", "red"}, {"team/prod/x", "red"}, {"team/dev", "blue"}, {"teamxdev", "green"},
		{"prod-1", "red"}, {"a/b/c", "cyan"}, {"c/b", "green"}, {"", "green"},
	}
	for _, test := range tests {
		if got := s.For(test.profile).Color; got != test.want {
			t.Errorf("%q: got %q, want %q", test.profile, got, test.want)
		}
	}
	if got := (Settings{}).For("x"); got != (ProfileSettings{}) {
		t.Errorf("no blocks: got %+v", got)
	}
}
