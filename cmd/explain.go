package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
)

func (app *App) explainCommand() *cobra.Command {
	var opts sessionOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain [PROFILE]",
		Short: "show how a profile gets its credentials, and why",
		Long: `explain shows the steps that lead to a profile's credentials, which of them are
cached, where a person would be asked, where each setting comes from, and what
looks wrong. It asks nobody: not AWS, not the keystore, not you.`,
		Example:           "  vault explain prod\n  vault explain prod --duration 4h\n  vault explain prod --json",
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			name, err := app.profileArgument(c, args)
			if err != nil {
				return err
			}
			x, err := app.explain(c.Context(), name, opts, c.Flags())
			if err != nil {
				return err
			}
			if asJSON {
				err = app.printJSON(x)
			} else {
				err = app.printExplanation(x)
			}
			if err == nil {
				err = x.failed
			}
			return err
		},
	}
	opts.bind(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	app.completeFlags(c)
	return c
}

// An explanation is what explain says; its JSON is a stable interface.
type explanation struct {
	Version  int                    `json:"version"`
	Profile  string                 `json:"profile"`
	Settings map[string]settingJSON `json:"settings"`
	Guard    *guardJSON             `json:"guard,omitempty"`
	Steps    []stepJSON             `json:"steps"`
	Warnings []string               `json:"warnings"`

	region string // that the switch would have
	failed error  // why there is no plan
}

// settingJSON is one setting with its origin: a place in a file, or the flag or
// variable that wins over it.
type settingJSON struct {
	Value    any    `json:"value"` // a string, or an object of the properties below it
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Flag     string `json:"flag,omitempty"`
	Variable string `json:"variable,omitempty"`
}

func (s settingJSON) from() string {
	switch {
	case s.Flag != "":
		return s.Flag
	case s.Variable != "":
		return s.Variable
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

type stepJSON struct {
	Action      sts.Action `json:"action"`
	Profile     string     `json:"profile"`
	AccessKeyID string     `json:"access_key_id,omitempty"`
	RoleARN     string     `json:"role_arn,omitempty"`
	PolicyARNs  []string   `json:"policy_arns,omitempty"`
	Source      string     `json:"credential_source,omitempty"`
	TokenFile   string     `json:"web_identity_token_file,omitempty"`
	Command     string     `json:"command,omitempty"`
	Login       string     `json:"login_session,omitempty"`
	SSOSession  string     `json:"sso_session,omitempty"`
	SSOStartURL string     `json:"sso_start_url,omitempty"`
	SSOAccount  string     `json:"sso_account_id,omitempty"`
	SSORole     string     `json:"sso_role_name,omitempty"`
	MFASerial   string     `json:"mfa_serial,omitempty"`
	MFAFrom     string     `json:"mfa_from,omitempty"` // what gives the code in place of a person
	Duration    int        `json:"duration_seconds,omitempty"`
	Region      string     `json:"region,omitempty"`
	Endpoint    string     `json:"endpoint,omitempty"`
	Cached      bool       `json:"cached"`
	Expires     *time.Time `json:"expires,omitempty"` // of the cached session
	Asks        string     `json:"asks,omitempty"`    // what a person would be asked for
	Reason      string     `json:"reason"`
}

// explain says how the profile would get its credentials now.
func (app *App) explain(ctx context.Context, name string, o sessionOptions, flags *pflag.FlagSet) (*explanation, error) {
	files, err := config.LoadFor(config.Locate(app.getenv, app.Home), name)
	if err != nil {
		return nil, err
	}
	p, err := files.Profile(name)
	if err != nil {
		return nil, err
	}
	x := &explanation{Version: 1, Profile: name, Settings: map[string]settingJSON{}, Steps: []stepJSON{}, Warnings: []string{}}
	app.explainSettings(x, p, o, flags)
	own, err := app.ownSettings()
	if err != nil {
		return nil, err
	}
	if err := app.writable(name, own.For(name), o); err != nil {
		return nil, err
	}
	x.Guard = explainGuard(own.For(name))
	r, err := app.resolveIn(files, name, o.switchFlags)
	if err != nil {
		x.failed = err
		x.Warnings = append(x.Warnings, err.Error())
	} else {
		x.region = app.regionOf(o.switchFlags, p)
		if err := app.explainSteps(ctx, x, r, o); err != nil {
			return nil, err
		}
		for _, note := range r.plan.Notes {
			x.Warnings = append(x.Warnings, app.shortened(note))
		}
		x.Warnings = append(x.Warnings, app.shadowed(r)...)
	}
	x.Warnings = append(x.Warnings, app.lint(files, p)...)
	return x, nil
}

// explainSettings lists what the files define, and what wins over it.
func (app *App) explainSettings(x *explanation, p *config.Profile, o sessionOptions, flags *pflag.FlagSet) {
	for _, key := range p.Keys() {
		v, _ := p.Lookup(key)
		s := settingJSON{Value: v.Text, File: tilde(v.File, app.Home), Line: v.Line}
		if len(v.Sub) > 0 {
			nested := map[string]string{}
			for _, property := range v.Sub {
				nested[property.Key] = property.Value.Text
			}
			s.Value = nested
		} else if config.IsSecret(key) {
			s.Value = "[secret]"
		}
		x.Settings[key] = s
	}
	win := func(key, flag, variable, value string) {
		switch {
		case flag != "" && flags.Changed(flag):
			x.Settings[key] = settingJSON{Value: flags.Lookup(flag).Value.String(), Flag: "--" + flag}
		case variable != "" && value != "":
			x.Settings[key] = settingJSON{Value: value, Variable: variable}
		}
	}
	win("region", "region", "", "")
	win("duration_seconds", "duration", "AWS_ASSUME_ROLE_TTL", app.Env["AWS_ASSUME_ROLE_TTL"])
	win("mfa_serial", "", "AWS_MFA_SERIAL", app.Env["AWS_MFA_SERIAL"])
	for key, variable := range map[string]string{
		"endpoint_url": "AWS_ENDPOINT_URL", "ca_bundle": "AWS_CA_BUNDLE", "use_fips_endpoint": "AWS_USE_FIPS_ENDPOINT",
		"use_dualstack_endpoint": "AWS_USE_DUALSTACK_ENDPOINT",
	} {
		value, _ := app.getenvBefore(variable)
		win(key, "", variable, value)
	}
	if _, own := x.Settings["region"]; !own {
		// Not the profile's: what the shell had before counts.
		for _, variable := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			if value := before(app.Env, app.current(), variable); value != "" {
				win("region", "", variable, value)
				break
			}
		}
	}
}

// shortened shortens the paths below the home folder in a sentence.
func (app *App) shortened(s string) string {
	return strings.ReplaceAll(s, strings.TrimSuffix(app.Home, "/")+"/", "~/")
}

// brief prints a duration without its zero parts: 1h, 15m.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (app *App) printExplanation(x *explanation) error {
	paint := app.painter()
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", paint.bold(oneLine(x.Profile)), app.gist(x))
	x.Guard.print(&b, paint)
	if len(x.Steps) > 0 {
		table := [][]string{{"", "STEP", "PROFILE", "FOR", "WITH", "STATE", "WHY"}}
		for i, s := range x.Steps {
			with := cmp.Or(s.AccessKeyID, s.RoleARN, s.MFASerial, s.Source, s.Login, s.Command)
			if s.SSORole != "" {
				with = s.SSORole + " in " + s.SSOAccount
			}
			life := ""
			if s.Duration > 0 {
				life = brief(time.Duration(s.Duration) * time.Second)
			}
			state := ""
			switch {
			case s.Cached:
				state = "cached, " + roughly(s.Expires.Sub(app.Now())) + " left"
			case s.Asks != "":
				state = "asks: " + s.Asks
			case s.MFAFrom != "":
				state = "MFA code: " + s.MFAFrom
			}
			why := s.Reason
			if s.Endpoint != "" {
				why += ", at " + s.Endpoint
			}
			if len(s.PolicyARNs) > 0 {
				why += ", for reading only"
			}
			table = append(table, []string{fmt.Sprint(i + 1), string(s.Action), s.Profile, life, with, state, why})
		}
		b.WriteByte('\n')
		_ = printTable(&b, table, func(row, column int, cell string) string {
			switch {
			case row == 0 || column == 6:
				return paint.faint(cell)
			case column == 5 && strings.HasPrefix(cell, "asks"):
				return paint.yellow(cell)
			case column == 5:
				return paint.green(cell)
			}
			return cell
		})
	}
	table := [][]string{{"SETTING", "VALUE", "FROM"}}
	for _, key := range sortedKeys(x.Settings) {
		s := x.Settings[key]
		value, _ := s.Value.(string)
		if nested, ok := s.Value.(map[string]string); ok {
			var parts []string
			for _, k := range sortedKeys(nested) {
				parts = append(parts, k+" = "+nested[k])
			}
			value = "{ " + strings.Join(parts, ", ") + " }"
		}
		table = append(table, []string{key, value, s.from()})
	}
	if len(table) > 1 {
		b.WriteByte('\n')
		_ = printTable(&b, table, func(row, column int, cell string) string {
			if row == 0 || column == 2 {
				return paint.faint(cell)
			}
			return cell
		})
	}
	if len(x.Warnings) > 0 && x.failed == nil || len(x.Warnings) > 1 {
		b.WriteByte('\n')
		for _, w := range x.Warnings {
			if x.failed == nil || w != x.failed.Error() {
				fmt.Fprintf(&b, "%s %s\n", paint.yellow("warning:"), oneLine(w))
			}
		}
	}
	_, err := io.WriteString(app.Stdout, b.String())
	return err
}

// gist is what the plan comes to, in a few words.
func (app *App) gist(x *explanation) string {
	if len(x.Steps) == 0 {
		return ""
	}
	last := x.Steps[len(x.Steps)-1]
	text := ""
	if last.SSORole != "" {
		text = ": role " + last.SSORole + " in account " + last.SSOAccount
	}
	if arn := last.RoleARN; arn != "" {
		if i := strings.Index(arn, ":role/"); i >= 0 {
			text = ": role " + arn[i+len(":role/"):] + " in account " + accountOf(arn)
		}
	}
	if x.region != "" {
		text += ", region " + x.region
	}
	return oneLine(text)
}
