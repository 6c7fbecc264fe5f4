package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/shell"
)

var exportFormats = []string{"posix", "fish", "dotenv", "json", "ini"}

func (app *App) exportCommand() *cobra.Command {
	var opts sessionOptions
	var format string
	c := &cobra.Command{
		Use:   "export [PROFILE]",
		Short: "print a profile's credentials",
		Long: `export prints a profile's short-lived credentials: as commands for a POSIX
shell or fish, as a dotenv file, as the JSON of credential_process, or as a
section of ~/.aws/credentials (ini). Values are quoted as the format wants it.`,
		Example:           "  vault export prod --format dotenv > .env\n  eval \"$(vault export prod --format posix)\"",
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			if !slices.Contains(exportFormats, format) {
				return usageErrorf("--format %q is none of: %s", format, strings.Join(exportFormats, ", "))
			}
			name, err := app.profileArgument(c, args)
			if err != nil {
				return err
			}
			if err := app.export(c.Context(), "export", name, format, opts); err != nil {
				return err
			}
			app.used(name)
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "posix", "`FORMAT`: "+strings.Join(exportFormats, ", "))
	opts.bind(c.Flags())
	opts.bindYes(c.Flags())
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(exportFormats, cobra.ShellCompDirectiveNoFileComp))
	app.completeFlags(c)
	return c
}

func (app *App) credentialProcessCommand() *cobra.Command {
	var opts sessionOptions
	c := &cobra.Command{
		Use:   "credential-process PROFILE",
		Short: "print credentials as credential_process wants them",
		Long: `credential-process prints a profile's credentials as the AWS CLI and SDKs read
them from a program. In ~/.aws/config:
  [profile tools]
  credential_process = vault credential-process prod`,
		Example:           "  vault credential-process prod",
		Args:              app.atMost(1, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			app.noDialog = true // who runs it may be a program in the background
			opts.process = true
			return app.export(c.Context(), "credential-process", args[0], "json", opts)
		},
	}
	opts.bind(c.Flags())
	opts.bindYes(c.Flags())
	app.completeFlags(c)
	return c
}

func (app *App) export(ctx context.Context, command, profile, format string, opts sessionOptions) error {
	r, t, err := app.credentials(ctx, profile, opts, false)
	if err != nil {
		return err
	}
	app.notes(r)
	text, err := formatTarget(t, format, account(r))
	if err != nil {
		return err
	}
	app.handedOut(command, r, t)
	_, err = io.WriteString(app.Stdout, text)
	return err
}

// formatTarget prints credentials in one of exportFormats.
func formatTarget(t target, format, account string) (string, error) {
	env := t.variables()
	delete(env, "AWS_VAULT") // says that a shell is switched
	switch format {
	case "fish":
		return shell.Fish.Export(env), nil
	case "dotenv":
		var b strings.Builder
		for _, name := range env.Names() {
			fmt.Fprintf(&b, "%s=%s\n", name, dotenv(env[name]))
		}
		return b.String(), nil
	case "json":
		return processJSON(t, account)
	case "ini":
		return ini(t)
	}
	return shell.Bash.Export(env), nil
}

// processJSON is the answer of a credential_process (AWS SDKs and Tools
// Reference Guide, "Process credential provider"): what has no value is left
// out.
func processJSON(t target, account string) (string, error) {
	answer := struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string `json:",omitempty"`
		Expiration      string `json:",omitempty"`
		AccountID       string `json:"AccountId,omitempty"`
	}{
		Version: 1, AccessKeyID: t.creds.AccessKeyID, SecretAccessKey: t.creds.SecretAccessKey.Reveal(),
		SessionToken: t.creds.SessionToken.Reveal(), AccountID: account,
	}
	if !t.creds.Expires.IsZero() {
		answer.Expiration = t.creds.Expires.UTC().Format(time.RFC3339)
	}
	text, err := json.Marshal(answer)
	return string(text) + "\n", err
}

// dotenv quotes a value so that what reads dotenv files takes it literally:
// single quotes where that can be, else double quotes with escapes.
func dotenv(value string) string {
	if !strings.ContainsAny(value, "'\n\r\\") {
		return "'" + value + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`", "\n", `\n`, "\r", `\r`).Replace(value) + `"`
}

// ini prints a section for ~/.aws/credentials.
func ini(t target) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "[%s]\n", t.profile)
	for _, p := range [][2]string{
		{"aws_access_key_id", t.creds.AccessKeyID},
		{"aws_secret_access_key", t.creds.SecretAccessKey.Reveal()},
		{"aws_session_token", t.creds.SessionToken.Reveal()},
		{"region", t.region},
	} {
		if p[1] == "" {
			continue
		}
		if strings.ContainsAny(p[1], "\n\r") {
			return "", fmt.Errorf("%s holds a line break, which this format cannot", p[0])
		}
		fmt.Fprintf(&b, "%s = %s\n", p[0], p[1])
	}
	return b.String(), nil
}

// account returns the account that a plan leads into, as far as ARNs say.
func account(r resolved) string {
	for i := len(r.plan.Steps) - 1; i >= 0; i-- {
		if id := r.plan.Steps[i].SSOAccount; id != "" {
			return id
		}
		if arn := r.plan.Steps[i].RoleARN; arn != "" {
			return accountOf(arn)
		}
		for _, arn := range []string{r.plan.Steps[i].MFASerial, r.plan.Steps[i].Login} {
			if a := accountOf(arn); a != "" {
				return a
			}
		}
	}
	return ""
}

// accountOf returns the account in an ARN.
func accountOf(arn string) string {
	rest, ok := strings.CutPrefix(arn, "arn:")
	for range 3 { // partition, service, region
		if ok {
			_, rest, ok = strings.Cut(rest, ":")
		}
	}
	account, _, more := strings.Cut(rest, ":")
	if !ok || !more {
		return ""
	}
	return account
}
