package cmd

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/command"
	"github.com/shellvault/vault/keystore/keychain"
	"github.com/shellvault/vault/keystore/secretservice"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
)

// The exit codes.
const (
	exitFailed    = 1
	exitUsage     = 2
	exitNotLoaded = 3
	exitKeystore  = 4
	exitHuman     = 5
	exitProtocol  = 6
	exitCanceled  = 130 // 128 + SIGINT
)

// A usageError reports a command line or a setting that is wrong in itself.
type usageError struct {
	text string
	hint string
}

func (e *usageError) Error() string { return e.text }

func usageErrorf(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

// A notLoadedError reports that a command which changes the shell was run
// where no shell evaluates what it prints.
type notLoadedError struct {
	command string
	shell   shell.Dialect // "" where it cannot be told
}

func (e *notLoadedError) Error() string {
	return fmt.Sprintf("%s changes the shell, and vault is not loaded into this one", e.command)
}

// An exitError carries the status of a command that has said all itself.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// A hintError adds what to type to an error that this package makes.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// several are errors that have nothing to do with each other: each is
// reported on a line of its own.
type several []error

// join returns what there is of errs, nil if that is nothing.
func (errs several) join() error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return errs
}

func (errs several) Error() string   { return errors.Join(errs...).Error() }
func (errs several) Unwrap() []error { return errs }

var (
	errNoTerminal = errors.New("there is no terminal to ask on")
	errProtocol   = errors.New("this shell was loaded by another version of vault")
	errBackground = fmt.Errorf("%w: vault runs in the background", errNoTerminal)
)

// exitCode returns the status that stands for err.
func exitCode(err error) int {
	var (
		usage     *usageError
		notLoaded *notLoadedError
		exit      exitError
		parse     *config.ParseError
		notFound  *config.NotFoundError
		loop      *config.LoopError
		section   *config.SectionError
		setting   *sts.SettingError
		duration  *sts.DurationError
		readOnly  *sts.ReadOnlyError
		unknown   *shell.UnknownError
		line      *command.LineError
	)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return exitCanceled
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &notLoaded):
		return exitNotLoaded
	case errors.Is(err, errProtocol):
		return exitProtocol
	case errors.Is(err, sts.ErrNoCode), errors.Is(err, errNoTerminal):
		return exitHuman
	case isKeystoreError(err):
		return exitKeystore
	case errors.As(err, &usage), errors.As(err, &parse), errors.As(err, &notFound), errors.As(err, &loop),
		errors.As(err, &section), errors.As(err, &setting), errors.As(err, &duration), errors.As(err, &readOnly), errors.As(err, &unknown),
		errors.As(err, &line):
		return exitUsage
	}
	return exitFailed
}

// hints returns what to type after err, a line each.
func (app *App) hints(err error) []string {
	var (
		usage     *usageError
		hint      *hintError
		notLoaded *notLoadedError
		notFound  *config.NotFoundError
		source    *sts.SourceError
		call      *sts.CallError
		duration  *sts.DurationError
		index     *keystore.IndexError

		permission *keystore.PermissionError
		nothing    *storeNothing
		service    *secretservice.Error
		keychain   *keychain.Error
		program    *command.Error
		guarded    *guardError
		rotating   *rotationError
		account    *sts.AccountError
		readOnly   *sts.ReadOnlyError
		instance   *instanceError
	)
	name := app.name()
	switch {
	case errors.As(err, &usage) && usage.hint != "":
		return []string{usage.hint}
	case errors.As(err, &rotating):
		return rotating.hints(app)
	case errors.As(err, &hint):
		return []string{hint.hint}
	case errors.As(err, &notLoaded):
		return notLoaded.lines(app.called())
	case errors.As(err, &guarded):
		return []string{guarded.hint(name)}
	case errors.As(err, &instance):
		return instance.hints(name)
	case errors.As(err, &account):
		return []string{"see account_id in " + tilde(app.settingsFile(), app.Home) + ", and: " + name + " explain " + word(account.Profile)}
	case errors.As(err, &readOnly):
		return []string{"see what it gets its credentials by with: " + name + " explain " + word(readOnly.Profile)}
	case errors.Is(err, errProtocol):
		return []string{"open a new shell, or load it again as the startup file does"}
	case errors.As(err, &notFound):
		if len(notFound.Near) > 0 {
			return []string{"did you mean " + strings.Join(quoted(notFound.Near), " or ") + "?"}
		}
		return []string{"see the profiles with: " + name + " list"}
	case errors.As(err, &source) && source.NoKey:
		return []string{"store one with: " + name + " add " + word(source.Profile)}
	case errors.Is(err, keystore.ErrNotFound):
		return []string{"see what is stored with: " + name + " list"}
	case errors.As(err, &service):
		return app.serviceHints(service)
	case errors.As(err, &keychain):
		return app.keychainHints(keychain)
	case errors.As(err, &program):
		return app.programHints(program)
	case errors.Is(err, keystore.ErrLocked) && strings.Contains(err.Error(), errBackground.Error()):
		return []string{"run it in the foreground, or unlock the keystore first with: " + name + " unlock"}
	case errors.Is(err, keystore.ErrLocked):
		return []string{"run it in a terminal, or set passphrase_command, --passphrase-file or AWS_VAULT_FILE_PASSPHRASE"}
	case errors.Is(err, sts.ErrNoCode):
		return []string{"type it in a terminal, or give the code with --mfa-code"}
	case errors.As(err, &duration):
		return []string{"see duration_seconds in the config, --duration and the AWS_*_TTL variables"}
	case errors.Is(err, keystore.ErrVersion):
		return []string{"it takes the vault that wrote it, or a newer one: see " + name + " version"}
	case errors.As(err, &index):
		return []string{"make it anew from the keystore with: " + name + " unlock"}
	case errors.As(err, &permission):
		if permission.Mode.IsRegular() && permission.Mode.Perm()&0o077 != 0 {
			return []string{"see who could have read it, then: chmod 600 " + word(permission.Path)}
		}
		return []string{"the file has to be yours alone, in a folder that only you can write to"}
	case errors.Is(err, keystore.ErrCorrupt):
		return []string{"bring it back from a backup; or move it away and add the keys again"}
	case errors.As(err, &nothing) && errors.As(err, &call) && (call.Code == "InvalidClientTokenId" || call.Code == "SignatureDoesNotMatch"):
		return []string{"look at what was typed: AWS does not know this key, or the secret is not its own"}
	case errors.As(err, &call):
		return app.callHints(call)
	}
	return nil
}

// runWord says how to run what only the shell knows with a profile's
// credentials.
func (app *App) runWord(profile, name string) string {
	if app.dialect == shell.Fish {
		return fmt.Sprintf("have a fish run it: %s exec %s -- fish -c %s", app.name(), word(profile), word(name))
	}
	return fmt.Sprintf("run it in a shell of its own, which is switched: (%s use %s && %s)", app.name(), word(profile), name)
}

// serviceHints says what to do about the Secret Service.
func (app *App) serviceHints(e *secretservice.Error) []string {
	name := app.name()
	elsewhere := fmt.Sprintf("or keep keys in a sealed file: %s add --backend file PROFILE", name)
	switch {
	case errors.Is(e, secretservice.ErrNoEncryption):
		return []string{`allow it in config.toml: secret_service = "plain"; secrets then cross the session bus in clear`}
	case errors.Is(e, secretservice.ErrNoBus):
		return []string{"run it in a desktop session, or set DBUS_SESSION_BUS_ADDRESS to that of one", elsewhere}
	case errors.Is(e, secretservice.ErrForeignBus):
		return []string{"sudo and su keep the variable: set DBUS_SESSION_BUS_ADDRESS to your own bus, or unset it"}
	case errors.Is(e, secretservice.ErrNoService), errors.Is(e, secretservice.ErrNoCollection):
		return []string{"start a keyring that keeps secrets for good: gnome-keyring, KWallet or KeePassXC", elsewhere}
	case errors.Is(e, keystore.ErrLocked):
		return []string{"unlock it in a terminal or on the desktop with: " + name + " unlock"}
	}
	return nil
}

// keychainHints says what to do about the Keychain of macOS.
func (app *App) keychainHints(e *keychain.Error) []string {
	switch {
	case e.NeedsUser && (app.Env["SSH_CONNECTION"] != "" || app.Env["SSH_TTY"] != ""):
		return []string{"macOS cannot ask over SSH: unlock it first with: security unlock-keychain"}
	case e.NeedsUser:
		return []string{"let macOS ask, in a terminal on its desktop, with: " + app.name() + " unlock"}
	case e.Code != 0:
		return []string{fmt.Sprintf("what macOS says of it: security error %d", e.Code)}
	}
	return nil
}

// programHints says what to do about a keystore by command.
func (app *App) programHints(e *command.Error) []string {
	switch {
	case errors.Is(e, exec.ErrNotFound):
		return []string{"see [command] in " + tilde(app.settingsFile(), app.Home)}
	case e.Unattended:
		return []string{"it may have to ask: let it, in a terminal, with: " + app.name() + " unlock"}
	case errors.Is(e, context.DeadlineExceeded):
		return []string{"timeout in [command] gives it longer"}
	}
	return nil
}

// clockSkew is how far off a clock may be before it is worth a word; AWS
// refuses more than five minutes (IAM User Guide, "Signature Version 4").
const clockSkew = time.Minute

func (app *App) callHints(e *sts.CallError) []string {
	name := app.name()
	step := e.Step
	switch {
	case e.Code == "AccessDenied" && step.Action.OfIAM():
		return app.permissionHints(e)
	case e.ClockOff():
		if e.Skew < 0 {
			return []string{fmt.Sprintf("the clock of this machine is %s behind AWS's: set it right and try again", -e.Skew)}
		}
		return []string{fmt.Sprintf("the clock of this machine is %s ahead of AWS's: set it right and try again", e.Skew)}
	case e.WrongMFACode():
		lines := []string{fmt.Sprintf("device %s; each code is good once: wait for the next one", step.MFASerial)}
		if e.Skew > clockSkew || e.Skew < -clockSkew {
			lines = append(lines, "the clock of this machine differs from AWS's by "+e.Skew.Abs().String())
		}
		return lines
	case e.Code == "AccessDenied" && step.Action == sts.AssumeRole:
		device := "no MFA device was used"
		if step.MFASerial != "" {
			device = "MFA device " + step.MFASerial
		}
		return []string{
			"the role does not exist, does not trust the caller, or wants MFA: AWS does not say which",
			fmt.Sprintf("called with key %s, %s, for profile %q", e.AccessKeyID, device, step.Profile),
		}
	case step.Action == sts.SSORoleCredentials && (e.Code == "ForbiddenException" || e.Code == "ResourceNotFoundException"):
		return []string{fmt.Sprintf("the role %s of account %s is not assigned to who signed in, or there is none; see sso_role_name and sso_account_id of profile %q", step.SSORole, step.SSOAccount, step.Profile)}
	case e.Code == "TooManyRequestsException":
		return []string{"AWS asks to go slower: try again in a moment"}
	case step.Action == sts.AssumeRoleWithWebIdentity && e.Code != "" && e.Code != "ValidationError":
		return webIdentityHints(e)
	case e.Code == "InvalidClientTokenId":
		return []string{fmt.Sprintf("AWS does not know key %s, or it is not active; replace it with: %s add --overwrite PROFILE", e.AccessKeyID, name)}
	case e.Code == "SignatureDoesNotMatch":
		return []string{fmt.Sprintf("the secret does not belong to key %s; replace it with: %s add --overwrite PROFILE", e.AccessKeyID, name)}
	case e.Code == "ValidationError" && strings.Contains(e.Message, "DurationSeconds exceeds"):
		return []string{"ask for less with --duration or duration_seconds, or raise the role's maximum session duration"}
	case e.Code == "" && e.Host != "":
		return []string{"nothing was changed; try again when the network is there"}
	}
	return nil
}

// webIdentityHints says what may be wrong with the token of a web identity
// (AWS STS API Reference, AssumeRoleWithWebIdentity, "Errors").
func webIdentityHints(e *sts.CallError) []string {
	from := e.Step.TokenFile
	if from == "" {
		from = "web_identity_token_process of profile " + e.Step.Profile
	}
	switch e.Code {
	case "ExpiredTokenException":
		return []string{"get a new token into " + from}
	case "InvalidIdentityToken":
		return []string{"AWS does not take the token from " + from + ": the account has to know its issuer and its audience"}
	case "IDPCommunicationError":
		return []string{"AWS cannot reach the issuer of the token: try again in a moment"}
	case "AccessDenied":
		return []string{"the role does not exist, or does not trust this token's issuer, audience or subject: AWS does not say which"}
	}
	return nil
}

// lines are the lines to add to the shell's startup file.
func (e *notLoadedError) lines(exe string) []string {
	shells := shell.Dialects()
	if e.shell != "" {
		shells = []shell.Dialect{e.shell}
	}
	lines := []string{"to load it, add this line and open a new shell:"}
	for _, d := range shells {
		file := map[shell.Dialect]string{shell.Zsh: "~/.zshrc", shell.Bash: "~/.bashrc", shell.Fish: "~/.config/fish/config.fish"}[d]
		lines = append(lines, fmt.Sprintf("    %s    # in %s", loadLine(d, exe, ""), file))
	}
	return lines
}

// word quotes s for a line that a person may copy into a shell.
func word(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+%,") == "" {
		return s
	}
	return shell.Bash.Quote(s)
}

func quoted(names []string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = fmt.Sprintf("%q", n)
	}
	return list
}
