package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
)

// mfa returns what gives an MFA code: the one on the command line, once; the
// device whose secret lies with the key; mfa_process; the program that --prompt
// names; who is at the terminal; and last a window, if one is configured.
func (app *App) mfa(r resolved, o sessionOptions) func(context.Context, sts.MFARequest) (string, error) {
	return func(ctx context.Context, ask sts.MFARequest) (string, error) {
		used := app.usedCodes(ask.Serial)
		if o.mfaCode != "" {
			if ask.Wrong || ask.Spent {
				return "", sts.ErrNoCode
			}
			return o.mfaCode, nil
		}
		if seed, ok := app.seed(ask.Serial); ok {
			return used.next(ctx, func(context.Context) (string, error) { return sts.TOTP(seed, app.Now()) })
		}
		if app.unattended {
			return "", &sts.CodeError{Serial: ask.Serial, Err: sts.ErrNoCode}
		}
		if s, ok := mfaProcess(r, ask.Serial); ok {
			return used.next(ctx, func(ctx context.Context) (string, error) { return app.mfaPrinted(ctx, s) })
		}
		driver, err := app.mfaDriver(o.prompt)
		if err != nil {
			return "", err
		}
		if driver == "ykman" {
			return used.next(ctx, func(ctx context.Context) (string, error) { return app.ykman(ctx, ask.Serial) })
		}
		return app.askCode(ctx, ask, used, driver, o.prompt != "")
	}
}

// askCode asks a person for a code, who may mistype: at the terminal, or by a
// window where there is none or one is wanted.
func (app *App) askCode(ctx context.Context, ask sts.MFARequest, used *usedCodes, driver string, wanted bool) (string, error) {
	switch {
	case ask.Wrong:
		app.note("AWS did not take the code; each is good once: wait for the next one")
	case ask.Spent:
		app.note("that code is spent; each is good once: wait for the next one")
	case used.taken() && (app.present() || driver != ""):
		app.note(fmt.Sprintf("the code of this half minute is used: the next one comes in %s", seconds(used.untilNext())))
	}
	for range attempts {
		question := fmt.Sprintf("MFA code for %s (profile %s): ", ask.Serial, ask.Profile)
		typed, err := "", error(errNoTerminal)
		if !wanted || driver == "terminal" {
			typed, err = app.Terminal.Ask(ctx, question, true)
		}
		if errors.Is(err, errNoTerminal) && driver != "" && driver != "terminal" {
			typed, err = app.window(ctx, driver, strings.TrimSuffix(question, ": "))
		}
		if errors.Is(err, errNoTerminal) {
			return "", &hintError{&sts.CodeError{Serial: ask.Serial, Err: sts.ErrNoCode},
				"run it in a terminal: " + app.name() + " use " + word(ask.Profile) + "; or give the code with --mfa-code"}
		}
		if err != nil {
			return "", err
		}
		typed = strings.TrimSpace(typed)
		switch {
		case !isMFACode(typed):
			app.note("an MFA code is six digits: what was typed is not sent")
		case used.has(typed):
			app.note(fmt.Sprintf("that code is used already, and not sent again: the next one comes in %s", seconds(used.untilNext())))
		default:
			return typed, nil
		}
	}
	return "", &sts.CodeError{Serial: ask.Serial, Err: errors.New("no code was given")}
}

// mfaProcess returns the command that prints the codes of a device, as a step
// of the profile that names both (aws-vault's USAGE.md, "mfa_process").
func mfaProcess(r resolved, serial string) (sts.Step, bool) {
	for _, p := range r.chain {
		if line := p.Get("mfa_process"); line != "" && (p.Get("mfa_serial") == serial || p.Get("mfa_serial") == "" || len(r.chain) == 1) {
			return sts.Step{Profile: p.Name, Command: line}, true
		}
	}
	return sts.Step{}, false
}

// mfaPrinted runs a command that prints a code.
func (app *App) mfaPrinted(ctx context.Context, s sts.Step) (string, error) {
	out, err := app.printed(ctx, s, "mfa_process")
	defer clear(out)
	if err != nil {
		return "", err
	}
	code := strings.TrimSpace(string(out))
	if !isMFACode(code) {
		return "", fmt.Errorf("profile %q: what its mfa_process printed is not a code of six digits", s.Profile)
	}
	return code, nil
}

// mfaDriver returns what asks for a code: the flag's, AWS_VAULT_PROMPT's, that
// of the config; "" for none but the terminal.
func (app *App) mfaDriver(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if name := app.Env["AWS_VAULT_PROMPT"]; name != "" {
		for _, known := range config.MFAPrompts {
			if name == known {
				return name, nil
			}
		}
		return "", &usageError{text: fmt.Sprintf("AWS_VAULT_PROMPT=%q: there is no such prompt", name), hint: "there are: " + strings.Join(config.MFAPrompts, ", ")}
	}
	settings, err := app.ownSettings()
	return settings.MFAPrompt, err
}
