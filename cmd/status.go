package cmd

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
)

func (app *App) statusCommand() *cobra.Command {
	var asJSON, verify bool
	c := &cobra.Command{
		Use:     "status",
		Short:   "show what this shell uses",
		Long:    "status shows the profile of this shell, its account, role, region and time left, and where each comes from. --verify asks AWS.",
		Example: "  vault status\n  vault status --verify --json",
		Args:    app.atMost(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return app.status(c.Context(), asJSON, verify)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&verify, "verify", false, "ask AWS whose the credentials are")
	return c
}

// statusJSON is the stable form of status --json.
type statusJSON struct {
	Version     int         `json:"version"`
	Profile     *string     `json:"profile"`
	Account     string      `json:"account,omitempty"`
	RoleARN     string      `json:"role_arn,omitempty"`
	AccessKeyID string      `json:"access_key_id,omitempty"`
	Region      string      `json:"region,omitempty"`
	Expires     *time.Time  `json:"expires,omitempty"`
	SecondsLeft *int64      `json:"seconds_left,omitempty"`
	ReadOnly    bool        `json:"read_only,omitempty"`
	Confirmed   *time.Time  `json:"confirmed,omitempty"` // when a person confirmed a protected profile
	Ends        *time.Time  `json:"ends,omitempty"`      // when the shell leaves by itself
	Directory   string      `json:"directory,omitempty"` // the file of the folder that the switch ends with
	Served      string      `json:"served,omitempty"`    // the URL that programs get credentials from
	Config      string      `json:"config,omitempty"`    // the file by which programs ask vault for them
	Changed     string      `json:"changed,omitempty"`   // the variable that somebody else changed since
	Caller      *callerJSON `json:"caller,omitempty"`

	from map[string]string
	gone string // what programs would get credentials from, "" if it is there
}

type callerJSON struct {
	Account string `json:"account"`
	ARN     string `json:"arn"`
	UserID  string `json:"user_id"`
}

func (app *App) status(ctx context.Context, asJSON, verify bool) error {
	st := statusJSON{Version: 1, from: map[string]string{}}
	current := app.current()
	var p *config.Profile
	if current != nil {
		p = app.describe(&st, current)
	}
	if st.Region = app.Env["AWS_REGION"]; st.Region == "" {
		st.Region = app.Env["AWS_DEFAULT_REGION"]
	}
	if verify {
		caller, err := app.callerHere(ctx, current, p, st.Region)
		if err != nil {
			return err
		}
		st.Caller = &callerJSON{caller.Account, caller.ARN, caller.UserID}
	}
	if asJSON {
		return app.printJSON(st)
	}
	return app.printStatus(st)
}

// describe fills in what the switch and the config say, and returns the
// profile if it is still defined.
func (app *App) describe(st *statusJSON, current *state) *config.Profile {
	st.Profile = &current.Profile
	st.AccessKeyID = current.Key
	st.Changed = app.foreign(current)
	st.ReadOnly = current.Flags.ReadOnly
	if at := current.confirmed(); !at.IsZero() && current.Style == styleProtected {
		st.Confirmed = &at
	}
	if !current.End.IsZero() {
		st.Ends = &current.End
	}
	if current.entered() {
		st.Directory, _ = strconv.Unquote(current.Inside.File)
	}
	if !current.Expires.IsZero() {
		left := int64(current.Expires.Sub(app.Now()) / time.Second)
		st.Expires, st.SecondsLeft = &current.Expires, &left
	}
	app.describeServed(st, current)
	files, err := config.LoadFor(config.Locate(app.getenv, app.Home), current.Profile)
	if err != nil {
		return nil
	}
	p, err := files.Profile(current.Profile)
	if err != nil {
		return nil
	}
	if v, ok := p.Lookup("role_arn"); ok {
		st.RoleARN, st.Account = v.Text, accountOf(v.Text)
		st.from["role"], st.from["account"] = tilde(v.File, app.Home)+fmt.Sprintf(":%d", v.Line), "the role's ARN"
	} else if v, ok := p.Lookup("mfa_serial"); ok {
		st.Account, st.from["account"] = accountOf(v.Text), "the MFA device's ARN"
	}
	region := app.Env["AWS_REGION"]
	v, ok := p.Lookup("region")
	switch {
	case current.Flags.Region != "" && current.Flags.Region == region:
		st.from["region"] = "set for this switch"
	case ok && v.Text == region:
		st.from["region"] = tilde(v.File, app.Home) + fmt.Sprintf(":%d", v.Line)
	case region != "" && !current.ours(app.Env, "AWS_REGION"):
		st.from["region"] = "exported since the switch"
	case region != "":
		st.from["region"] = "exported before the switch"
	}
	return p
}

func (app *App) printStatus(st statusJSON) error {
	paint := app.painter()
	w := tabwriter.NewWriter(app.Stdout, 0, 0, 2, ' ', 0)
	row := func(name, value, from string) {
		if value == "" {
			return
		}
		if from != "" {
			from = paint.faint("  (" + from + ")")
		}
		fmt.Fprintf(w, "%s\t%s%s\n", name, value, from)
	}
	if st.Profile == nil {
		if _, ok := app.Env[stateVariable]; ok {
			app.note("the state of this shell cannot be read: it was switched by another version of vault")
		}
		fmt.Fprintln(app.Stdout, "no profile is in use in this shell")
	} else {
		row("profile", paint.bold(oneLine(*st.Profile)), "")
		row("account", oneLine(st.Account), st.from["account"])
		row("role", oneLine(st.RoleARN), st.from["role"])
		if st.ReadOnly {
			row("access", "for reading only", "")
		}
		row("key", oneLine(st.AccessKeyID), "")
	}
	row("region", oneLine(st.Region), st.from["region"])
	row("served", oneLine(st.Served), "programs ask there, as often as they like")
	row("config", tilde(oneLine(st.Config), app.Home), "programs ask vault by it")
	if st.Expires != nil {
		left := time.Duration(*st.SecondsLeft) * time.Second
		text := app.clock(*st.Expires)
		if left <= 0 {
			row("expires", paint.red("expired at "+text), "")
		} else {
			row("expires", text+", in "+roughly(left), "")
		}
	}
	if st.Confirmed != nil {
		row("confirmed", "at "+app.clock(*st.Confirmed), "")
	}
	if st.Ends != nil {
		row("ends", "at "+app.clock(*st.Ends)+": then this shell leaves", "")
	}
	if st.Directory != "" {
		row("folder", tilde(filepath.Dir(oneLine(st.Directory)), app.Home), "the switch ends with it")
	}
	if st.Caller != nil {
		row("caller", oneLine(st.Caller.ARN), "AWS says so")
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if st.gone != "" {
		app.note("the " + st.gone + " of this shell is gone: make another with: " + app.name() + " refresh")
	}
	if st.Changed != "" {
		app.note(fmt.Sprintf("%s was changed since the switch: this shell may use another account", st.Changed))
	}
	return nil
}

// roughly prints a time left in its two largest units.
func roughly(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
