package config

import (
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Settings are vault's own, from its config.toml. A zero field is one that
// the file does not set.
type Settings struct {
	Backend           string          // backend: the keystore to use, one of Backends
	PassphraseCommand string          // passphrase_command: prints the sealed file's passphrase
	KeysTTL           *time.Duration  // keys_ttl: how long the unlocked keystore rests unused; 0 is never
	KeysMax           time.Duration   // keys_max: how long it rests at most
	SecretService     string          // secret_service: encrypted or plain
	Collection        string          // collection: of the Secret Service, in place of its default
	Command           CommandSettings // [command]
	Prompt            string          // prompt: the format of the prompt segment
	Directories       bool            // directories: .vault-profile files switch
	SSOCache          string          // sso_cache: own, or shared with the AWS CLI
	SSOFlow           string          // sso_flow: how to sign in, pkce or device
	Browser           string          // browser: the command that opens an address
	MFAPrompt         string          // mfa_prompt: where a code is asked for, one of MFAPrompts
	NoJournal         bool            // journal = false: what is handed out is not noted
	Picker            string          // picker: what a profile is chosen with, one of Pickers; "" is for vault to say
	Profiles          []ProfileBlock
}

// SSOCacheShared is the value of sso_cache that shares sign-ins with the AWS
// CLI.
const SSOCacheShared = "shared"

// MFAPrompts are the values of mfa_prompt.
var MFAPrompts = []string{"terminal", "osascript", "zenity", "kdialog", "pinentry", "ykman"}

// CommandSettings are the command lines of a keystore by command.
type CommandSettings struct {
	Get, Set, Delete, List string
	Timeout                time.Duration
}

// A ProfileBlock is a [[profile]] of the file: settings for all profiles
// whose names match a glob.
type ProfileBlock struct {
	Match string
	ProfileSettings
}

// ProfileSettings are the settings for one profile.
type ProfileSettings struct {
	Color       string        // color: of the segment, one of Colors
	Icon        string        // icon: in front of the segment
	Account     string        // account: the account's name, for people
	AccountID   string        // account_id: the only account that the credentials may be of
	Protected   bool          // protected: a person has to confirm
	ReadOnly    bool          // read_only: roles are assumed with a policy that allows reading only
	MaxDuration time.Duration // max_duration: from one confirmation to the next
	Browser     string        // browser: the command that opens an address to sign in at
	Container   string        // container: of Firefox, that the console is opened in
}

// Colors are the names of the colours that a [[profile]] block may set.
var Colors = []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

// Placeholders are what a format of the prompt segment may contain.
var Placeholders = []string{"{profile}", "{account}", "{region}", "{left}", "{icon}"}

// The backends that the backend setting may name.
const (
	BackendFile          = "file"
	BackendSecretService = "secret-service"
	BackendKeychain      = "keychain"
	BackendCommand       = "command"
)

// The pickers that the picker setting may name.
const (
	PickerFzf     = "fzf"
	PickerBuiltin = "builtin"
	PickerList    = "list" // numbered lines
)

// Pickers are the names of the pickers.
var Pickers = []string{PickerFzf, PickerBuiltin, PickerList}

// Backends are the names of the backends.
var Backends = []string{BackendFile, BackendSecretService, BackendKeychain, BackendCommand}

// LocateSettings returns the path of config.toml: in XDG_CONFIG_HOME/vault, or
// ~/.config/vault. A relative XDG_CONFIG_HOME does not count (XDG Base
// Directory Specification).
func LocateSettings(getenv func(string) (string, bool), home string) string {
	dir, _ := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "vault", "config.toml")
}

// LoadSettings reads vault's own settings. A missing file is like an empty
// one. A key that vault does not know, or a value of the wrong kind, is a
// *ParseError.
func LoadSettings(path string) (Settings, error) {
	text, err := readFile(path)
	if err != nil || text == "" {
		return Settings{}, err
	}
	return parseSettings(path, text)
}

// For returns the settings for a profile: of the blocks that match its name
// the later ones win, setting by setting.
func (s Settings) For(profile string) ProfileSettings {
	var settings ProfileSettings
	for _, b := range s.Profiles {
		if ok, _ := matchGlob(b.Match, profile); !ok {
			continue
		}
		override(&settings.Color, b.Color)
		override(&settings.Icon, b.Icon)
		override(&settings.Account, b.Account)
		override(&settings.AccountID, b.AccountID)
		override(&settings.MaxDuration, b.MaxDuration)
		override(&settings.Browser, b.Browser)
		override(&settings.Container, b.Container)
		override(&settings.Protected, b.Protected)
		override(&settings.ReadOnly, b.ReadOnly)
	}
	return settings
}

func override[T comparable](to *T, by T) {
	var zero T
	if by != zero {
		*to = by
	}
}

// matchGlob is path.Match, except that "/" is a letter like any other.
func matchGlob(pattern, name string) (bool, error) {
	return path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
}
