package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts/sso"
)

type syncOptions struct {
	template string
	dryRun   bool
}

func (app *App) ssoSyncCommand() *cobra.Command {
	var o syncOptions
	c := &cobra.Command{
		Use:   "sync [SESSION]",
		Short: "write a profile for each account and role into the config",
		Long: `sync lists the accounts and roles that an Identity Center gives you, and adds a
profile to the config file for each that has none. Nothing else in the file
changes; profiles of earlier syncs whose role is gone get a comment.

In --template {account} stands for the account's name, {account_id} for its
number, {role} for the role and {email} for the account's address.`,
		Example:           "  vault sso sync corp --dry-run\n  vault sso sync corp --template '{account}-{role}'",
		Args:              app.atMost(0, 1, "SESSION"),
		ValidArgsFunction: app.completeSession,
		RunE: func(c *cobra.Command, args []string) error {
			if !strings.Contains(o.template, "{role}") || !strings.Contains(o.template, "{account}") && !strings.Contains(o.template, "{account_id}") {
				return usageErrorf("--template %q gives profiles the same name: it needs {role}, and {account} or {account_id}", o.template)
			}
			return app.ssoSync(c.Context(), strings.Join(args, ""), o)
		},
	}
	c.Flags().StringVar(&o.template, "template", "{account}-{role}", "`NAME` of the new profiles")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would change, and change nothing")
	return c
}

// An assignment is a role in an account.
type assignment struct {
	account sso.Account
	role    string
}

func (app *App) ssoSync(ctx context.Context, name string, o syncOptions) error {
	app.Arm()
	at, err := app.identityCenter(name)
	if err != nil {
		return err
	}
	if at.session.Name == "" {
		return &usageError{text: "sso sync: profiles are written for an sso-session section, and this one has none", hint: "add a section [sso-session NAME] with sso_start_url and sso_region"}
	}
	have, err := app.assignments(ctx, at)
	if err != nil {
		return err
	}
	path := at.files.Paths.Config
	var changes []string
	edit := func(e *config.Editor) error {
		// It may be called more than once: the file as it is now counts.
		files, err := config.Parse(at.files.Paths, e.Bytes(), nil)
		if err != nil {
			return err
		}
		changes, err = syncProfiles(e, files, at.session, have, o.template)
		if err == nil && o.dryRun {
			return errDryRun
		}
		return err
	}
	if err := config.EditFile(path, config.ConfigFile, edit); err != nil && !errors.Is(err, errDryRun) {
		return err
	}
	for _, line := range changes {
		fmt.Fprintln(app.Stdout, oneLine(line))
	}
	what := fmt.Sprintf("%d roles in %s, ", len(have), at.session)
	switch {
	case len(changes) == 0:
		app.note(what + "nothing to change in " + tilde(path, app.Home))
	case o.dryRun:
		app.note(what + fmt.Sprintf("%d changes to be made in %s", len(changes), tilde(path, app.Home)))
	default:
		app.note(what + fmt.Sprintf("%d changes made in %s", len(changes), tilde(path, app.Home)))
	}
	return nil
}

// errDryRun keeps an edit from being written.
var errDryRun = errors.New("dry run")

// assignments lists what who signed in may use. A sign-in that AWS no longer
// takes is made anew, once.
func (app *App) assignments(ctx context.Context, at identityCenter) ([]assignment, error) {
	client := app.ssoClient(at.profile, at.files, app.client(at.profile))
	t, err := app.tokens(client, signInOptions{})
	if err != nil {
		return nil, err
	}
	var refused keystore.Secret
	for {
		token, err := t.Get(ctx, at.session, refused)
		if err != nil {
			return nil, err
		}
		list, err := listAssignments(ctx, client, at.session, token)
		if sso.Unauthorized(err) && refused.IsZero() {
			refused = token
			continue
		}
		return list, err
	}
}

func listAssignments(ctx context.Context, client *sso.Client, s sso.Session, token keystore.Secret) ([]assignment, error) {
	accounts, err := client.Accounts(ctx, s, token)
	if err != nil {
		return nil, err
	}
	var list []assignment
	for _, account := range accounts {
		roles, err := client.Roles(ctx, s, account.ID, token)
		if err != nil {
			return nil, err
		}
		for _, role := range roles {
			list = append(list, assignment{account, role})
		}
	}
	slices.SortStableFunc(list, func(a, b assignment) int {
		return strings.Compare(a.account.Name+"\x00"+a.role, b.account.Name+"\x00"+b.role)
	})
	return list, nil
}

// syncMark begins the comment of a profile whose role is gone.
const syncMark = "vault sso sync: "

// syncProfiles brings the profiles of a session in line with what is assigned,
// and says what changed, a line each. A profile that uses a role has it,
// whatever its name and whoever wrote it.
func syncProfiles(e *config.Editor, files *config.Files, s sso.Session, have []assignment, template string) (changes []string, err error) {
	type key struct{ account, role string }
	used := map[key][]string{}
	ours := map[string]key{} // written by a sync
	for _, name := range files.Names() {
		p, err := files.Profile(name)
		if err != nil || p.Get("sso_session") != s.Name || p.Get("sso_role_name") == "" {
			continue
		}
		k := key{p.Get("sso_account_id"), p.Get("sso_role_name")}
		used[k] = append(used[k], name)
		if p.Get("sso_auto_populated") == "true" {
			ours[name] = k
		}
	}
	assigned := map[key]bool{}
	for _, a := range have {
		k := key{a.account.ID, a.role}
		assigned[k] = true
		if len(used[k]) > 0 {
			continue
		}
		settings := [][2]string{{"sso_session", s.Name}, {"sso_account_id", a.account.ID}, {"sso_role_name", a.role}, {"sso_auto_populated", "true"}}
		name := profileName(template, a)
		err := e.AddProfile(name, settings)
		if errors.Is(err, config.ErrExists) {
			name += "-" + a.account.ID // accounts may have the same name
			err = e.AddProfile(name, settings)
		}
		if err != nil {
			return nil, err
		}
		used[k] = []string{name}
		changes = append(changes, fmt.Sprintf("+ %s: role %s in account %s", name, a.role, a.account.ID))
	}
	for _, name := range sortedKeys(ours) {
		before := string(e.Bytes())
		text, sign := "", "="
		if !assigned[ours[name]] {
			text, sign = "the role is no longer assigned", "-"
		}
		if err := e.SetComment(name, syncMark, text); err != nil {
			return nil, err
		}
		if string(e.Bytes()) != before {
			changes = append(changes, fmt.Sprintf("%s %s: role %s in account %s", sign, name, ours[name].role, ours[name].account))
		}
	}
	return changes, nil
}

// profileName fills in a template; what may not stand in the name of a profile
// becomes "-".
func profileName(template string, a assignment) string {
	account := a.account.Name
	if account == "" {
		account = a.account.ID
	}
	name := strings.NewReplacer("{account}", account, "{account_id}", a.account.ID, "{role}", a.role, "{email}", a.account.Email).Replace(template)
	var b strings.Builder
	for _, r := range name {
		if strings.ContainsRune(letters+digits+"/.%@_:+-", r) {
			b.WriteRune(r)
		} else if !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return b.String()
}
