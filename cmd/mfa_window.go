package cmd

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/shellvault/vault/shell"
)

// windowTimeout bounds how long a window asks.
const windowTimeout = time.Minute

// windows are the programs that ask in a window, and how.
var windows = []struct {
	name string
	line func(question string) []string
	read func(printed string) (string, bool)
}{
	{"osascript", func(q string) []string {
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(q) + `"`
		return []string{"osascript", "-e", `tell application "System Events" to display dialog ` + quoted + ` default answer "" with title "vault" giving up after 60`,
			"-e", "text returned of result"}
	}, wholeLine},
	{"zenity", func(q string) []string {
		return []string{"zenity", "--entry", "--title=vault", "--timeout=60", "--text=" + strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(q)}
	}, wholeLine},
	{"kdialog", func(q string) []string { return []string{"kdialog", "--title", "vault", "--inputbox", q} }, wholeLine},
	{"pinentry", func(q string) []string {
		// The Assuan protocol (GnuPG, "Pinentry commands").
		escaped := strings.NewReplacer("%", "%25", "\n", "%0A", "\r", "%0D").Replace(q)
		words := []string{"SETTITLE vault", "SETDESC " + escaped, "SETPROMPT MFA code", "SETTIMEOUT 60", "GETPIN", "BYE"}
		for i, w := range words {
			words[i] = shell.Bash.Quote(w)
		}
		return []string{"sh", "-c", `printf '%s\n' ` + strings.Join(words, " ") + " | pinentry"}
	}, func(printed string) (string, bool) {
		for line := range strings.Lines(printed) {
			if code, ok := strings.CutPrefix(line, "D "); ok {
				return strings.TrimSpace(code), true
			}
		}
		return "", false
	}},
}

func wholeLine(printed string) (string, bool) { return strings.TrimSpace(printed), true }

// window asks in a window, by the program that is wanted or, where that is
// missing, by another. It fails with errNoTerminal where there is none.
func (app *App) window(ctx context.Context, wanted, question string) (string, error) {
	at := -1
	for i, w := range windows {
		if _, err := lookPath(w.name, app.Env["PATH"]); err == nil && (w.name == wanted || at < 0) {
			at = i
		}
	}
	if at < 0 {
		return "", errNoTerminal
	}
	w := windows[at]
	app.Arm()
	ctx, cancel := context.WithTimeout(ctx, windowTimeout)
	defer cancel()
	out, err := app.Command(ctx, shellLine(w.line(question)), app.harmless().Environ())
	defer clear(out)
	typed, ok := w.read(string(out))
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("%s: nobody answered within %s", w.name, windowTimeout)
	case ctx.Err() != nil:
		return "", context.Canceled
	case err != nil || !ok:
		return "", fmt.Errorf("%s: no code was given", w.name)
	}
	return typed, nil
}

// shellLine quotes words for a shell.
func shellLine(argv []string) string {
	quoted := make([]string, len(argv))
	for i, w := range argv {
		quoted[i] = shell.Bash.Quote(w)
	}
	return strings.Join(quoted, " ")
}

// ykman gets a code from a YubiKey, which may want to be touched (ykman(1),
// "oath accounts code"). The account is named as the device, or by aws-vault's
// variable.
func (app *App) ykman(ctx context.Context, serial string) (string, error) {
	name := app.Env["YKMAN_OATH_CREDENTIAL_NAME"]
	if name == "" {
		name = serial
	}
	argv := []string{"ykman"}
	if device := app.Env["YKMAN_OATH_DEVICE_SERIAL"]; device != "" {
		argv = append(argv, "--device", device)
	}
	app.Arm()
	ctx, cancel := context.WithTimeout(ctx, windowTimeout)
	defer cancel()
	out, err := app.Command(ctx, shellLine(append(argv, "oath", "accounts", "code", "--single", name)), app.harmless().Environ())
	defer clear(out)
	code := strings.TrimSpace(string(out))
	var exit *exec.ExitError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("ykman: no answer within %s", windowTimeout)
	case ctx.Err() != nil:
		return "", context.Canceled
	case errors.As(err, &exit):
		return "", fmt.Errorf("ykman gives no code of account %q: %s", name, exit)
	case err != nil:
		return "", fmt.Errorf("ykman: %w", err)
	case !isMFACode(code):
		return "", fmt.Errorf("ykman: what it printed is not a code of six digits")
	}
	return code, nil
}
