package cmd

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
)

// usualFormat is that of the prompt segment.
const usualFormat = "{profile} {left}"

// label fills what a switch knows into the format of the segment. {left} and
// {region} stay: only whoever draws it knows them.
func label(t target) string {
	format := t.format
	if format == "" {
		format = usualFormat
	}
	if t.shown.Icon != "" && !strings.Contains(format, "{icon}") {
		format = "{icon} " + format
	}
	return fill(format, map[string]string{"{profile}": shown(t.profile, t.readOnly), "{account}": t.accountName(), "{icon}": t.shown.Icon})
}

// shown is what the segment calls a profile.
func shown(profile string, readOnly bool) string {
	if readOnly {
		return profile + " ro"
	}
	return profile
}

// accountName is what a person calls the account: its alias, else its number.
func (t target) accountName() string {
	if t.shown.Account != "" {
		return t.shown.Account
	}
	return t.account
}

// fill replaces placeholders, without control characters; one that has no
// value goes with the blank beside it.
func fill(format string, values map[string]string) string {
	var pairs []string
	for name, value := range values {
		value = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, value)
		if value == "" {
			pairs = append(pairs, " "+name, "", name+" ", "")
		}
		pairs = append(pairs, name, value)
	}
	return strings.NewReplacer(pairs...).Replace(format)
}

// A segment is what a prompt shows of the switch.
type segment struct {
	profile, account, icon, region string

	left  string // of the time, or what else there is to say
	label string
	style string
	alone bool // there is nothing more to say than label
}

// segment returns what the environment says of the switch; ok is false where
// there is none. The scripts that load vault say the same without a process.
func (app *App) segment() (s segment, ok bool) {
	text := app.Env[stateVariable]
	if text == "" {
		return segment{}, false
	}
	old, ok := parseState(text)
	if !ok {
		return segment{label: "vault ?", style: "magenta", alone: true}, true
	}
	if app.looksForeign(old) {
		return segment{label: old.Profile + " != env", style: "magenta", alone: true}, true
	}
	known, _ := app.readStamp(old.Hash)
	s = segment{profile: shown(old.Profile, old.Flags.ReadOnly), account: old.Of, icon: old.Icon, label: old.Label, region: app.Env["AWS_REGION"], style: old.Style}
	if s.region == "" {
		s.region = app.Env["AWS_DEFAULT_REGION"]
	}
	if s.style == "" {
		s.style = "green"
	}
	s.left = s.say(old, known, app.Now())
	return s, true
}

// say returns the time that is left, or what has to be said in its place, and
// sets the style for it.
func (s *segment) say(old *state, known stamp, now time.Time) string {
	shade := func(color string) {
		if s.style != styleProtected {
			s.style = color
		}
	}
	until := old.Expires
	if !old.End.IsZero() && (until.IsZero() || old.End.Before(until)) {
		until = old.End
	}
	left := until.Sub(now)
	word := ""
	switch {
	case until.IsZero():
	case old.ended(now):
		shade("red")
		return "over"
	case left <= 0:
		word = "expired"
		shade("red")
	default:
		word = roughly(left)
		if left <= 15*time.Minute {
			shade("yellow")
		}
	}
	if old.Due.IsZero() || now.Before(old.Due) {
		return word
	}
	switch {
	case known.needsPerson():
		return word + ", needs you"
	case known.State == stampRenewing && known.waiting(now):
		return word + ", renewing"
	}
	return word
}

// looksForeign is what a shell can see of foreign, which reads no secret.
func (app *App) looksForeign(s *state) bool {
	return app.Env["AWS_VAULT"] != s.Profile || app.Env["AWS_ACCESS_KEY_ID"] != s.Key ||
		app.Env["AWS_PROFILE"] != "" && (s.Key != "" || app.Env["AWS_PROFILE"] != s.Profile) || app.Env["AWS_DEFAULT_PROFILE"] != ""
}

// text returns the segment in a format, "" for that of the switch.
func (s segment) text(format string) string {
	switch {
	case s.alone:
		return s.label
	case format == "":
		format = s.label
	default:
		format = fill(format, map[string]string{"{profile}": s.profile, "{account}": s.account, "{icon}": s.icon})
	}
	if !strings.Contains(format, "{left}") && strings.Trim(s.left, "0123456789hms") != "" {
		format += " {left}" // what matters is said in any format
	}
	return fill(format, map[string]string{"{left}": s.left, "{region}": s.region})
}

func (app *App) promptCommand() *cobra.Command {
	var format, style string
	c := &cobra.Command{
		Use:   "prompt",
		Short: "print the prompt segment",
		Long: `prompt prints what the prompt segment says, from the environment alone, and
nothing where no profile is in use. It is for prompts that can only run a
program; in the shell itself vault_prompt_info does the same without one.

A format may contain {profile}, {account}, {region}, {left} and {icon}.`,
		Example: "  vault prompt --format '{profile} {region} {left}'\n  vault prompt --style ansi",
		Args:    app.atMost(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			if p := config.Unknown(format); p != "" {
				return usageErrorf("--format: no placeholder %s, there are: %s", p, strings.Join(config.Placeholders, " "))
			}
			if !slices.Contains(promptStyles, style) {
				return usageErrorf("--style %q is none of: %s", style, strings.Join(promptStyles, ", "))
			}
			s, ok := app.segment()
			if !ok {
				return nil
			}
			_, err := io.WriteString(app.Stdout, s.paint(oneLine(s.text(format)), style)+"\n")
			return err
		},
	}
	c.Flags().StringVar(&format, "format", "", "`FORMAT` in place of the setting \"prompt\"")
	c.Flags().StringVar(&style, "style", "plain", "`STYLE`: "+strings.Join(promptStyles, ", "))
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{usualFormat, "{profile} {account} {region} {left}"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("style", cobra.FixedCompletions(promptStyles, cobra.ShellCompDirectiveNoFileComp))
	return c
}

var promptStyles = []string{"plain", "ansi", "tmux"}

// paint returns text with its colour, as a terminal (ECMA-48, 8.3.117) or
// tmux (tmux(1), STYLES) reads it.
func (s segment) paint(text, style string) string {
	color := slices.Index(config.Colors, s.style)
	switch {
	case style == "ansi" && s.style == styleProtected:
		return "\x1b[97;41m" + text + "\x1b[0m"
	case style == "ansi" && color >= 0:
		return fmt.Sprintf("\x1b[%dm%s\x1b[0m", 30+color, text)
	case style == "tmux":
		text = strings.ReplaceAll(text, "#", "##")
		if s.style == styleProtected {
			return "#[fg=white,bg=red]" + text + "#[default]"
		}
		return "#[fg=" + s.style + "]" + text + "#[default]"
	}
	return text
}
