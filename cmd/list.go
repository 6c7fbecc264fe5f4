package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
)

func (app *App) listCommand() *cobra.Command {
	var asJSON, names bool
	c := &cobra.Command{
		Use:   "list [FILTER]",
		Short: "list profiles, stored keys and live sessions",
		Long: `list shows the profiles of the config and credentials files, below the profile
that their credentials come from: account, role, region, stored key, and how
long a cached session lives. It reads no secret. FILTER is a glob, or a part
of the names to show.`,
		Example: "  vault list\n  vault list '*prod*'\n  vault list --names\n  vault list --json",
		Args:    app.atMost(0, 1, "FILTER"),
		RunE: func(_ *cobra.Command, args []string) error {
			want := func(string) bool { return true }
			if len(args) == 1 {
				var err error
				if want, err = filter(args[0]); err != nil {
					return err
				}
			}
			if names {
				return app.listNames(want)
			}
			return app.list(asJSON, want)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&names, "names", false, "print the names alone, a line each")
	return c
}

// filter returns what a glob, or a part of a name, picks; case does not
// matter, and "/" is a letter like any other.
func filter(pattern string) (func(name string) bool, error) {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", "\x00") }
	p := fold(pattern)
	if !strings.ContainsAny(pattern, "*?[") {
		return func(name string) bool { return strings.Contains(fold(name), p) }, nil
	}
	if _, err := path.Match(p, ""); err != nil {
		return nil, usageErrorf("list: %q is not a glob", pattern)
	}
	return func(name string) bool {
		ok, _ := path.Match(p, fold(name))
		return ok
	}, nil
}

func (app *App) listNames(want func(string) bool) error {
	list, err := config.ScanNames(config.Locate(app.getenv, app.Home), "")
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, name := range list {
		if want(name) {
			text.WriteString(name + "\n")
		}
	}
	_, err = io.WriteString(app.Stdout, text.String())
	return err
}

// profileJSON is one profile of list --json.
type profileJSON struct {
	Profile string     `json:"profile"`
	Source  string     `json:"source"` // what its credentials come from
	From    string     `json:"source_profile,omitempty"`
	Account string     `json:"account,omitempty"`
	RoleARN string     `json:"role_arn,omitempty"`
	Region  string     `json:"region,omitempty"`
	Key     string     `json:"stored_access_key_id,omitempty"`
	Expires *time.Time `json:"session_expires,omitempty"`
	Current bool       `json:"current,omitempty"`

	depth int // below the profile that has the key
}

func (app *App) list(asJSON bool, want func(string) bool) error {
	profiles, err := app.profiles()
	if err != nil {
		return err
	}
	all := len(profiles)
	profiles = slices.DeleteFunc(profiles, func(p profileJSON) bool { return !want(p.Profile) })
	if asJSON {
		text, err := json.MarshalIndent(struct {
			Version  int           `json:"version"`
			Profiles []profileJSON `json:"profiles"`
		}{1, profiles}, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(app.Stdout, "%s\n", text)
		return err
	}
	if len(profiles) == 0 && all > 0 {
		fmt.Fprintln(app.Stdout, "no profile is like that")
		return nil
	}
	if len(profiles) == 0 {
		fmt.Fprintf(app.Stdout, "no profiles yet; store a key with: %s add PROFILE\n", app.name())
		return nil
	}
	paint := app.painter()
	table := [][]string{{"PROFILE", "SOURCE", "ACCOUNT", "ROLE", "REGION", "KEY", "SESSION"}}
	for _, p := range profiles {
		role := p.RoleARN
		if i := strings.Index(role, ":role/"); i >= 0 {
			role = role[i+len(":role/"):]
		}
		source := p.Source
		if p.From != "" {
			source = p.From
		}
		session := ""
		if p.Expires != nil {
			session = roughly(p.Expires.Sub(app.Now()))
		}
		name := strings.Repeat("  ", p.depth) + p.Profile
		if p.Current {
			name += " *"
		}
		table = append(table, []string{name, source, p.Account, role, p.Region, p.Key, session})
	}
	return printTable(app.Stdout, table, func(row, column int, cell string) string {
		switch {
		case row == 0:
			return paint.faint(cell)
		case profiles[row-1].Current && column == 0:
			return paint.green(cell)
		case column == 6 && cell != "":
			return paint.green(cell)
		}
		return cell
	})
}

func (app *App) profiles() ([]profileJSON, error) {
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return nil, err
	}
	index, err := app.readIndex()
	if err != nil {
		return nil, err
	}
	sessions := app.sessionEnds()
	names := files.Names()
	defined := make(map[string]bool, len(names))
	for _, name := range names {
		defined[name] = true
	}
	current := app.current()
	list := []profileJSON{}
	for _, name := range names {
		j := profileJSON{Profile: name, Current: current != nil && current.Profile == name}
		if end, ok := sessions[name]; ok {
			j.Expires = &end
		}
		entry, stored := index.Keys[name]
		j.Key = entry.AccessKeyID
		p, err := files.Profile(name)
		if err != nil {
			j.Source = "error"
			list = append(list, j)
			continue
		}
		j.Account, _, j.Region = outline(p)
		j.RoleARN = p.Get("role_arn")
		j.Source = sourceOf(p, stored)
		if j.Source == "source_profile" {
			j.From = p.Get("source_profile")
		}
		list = append(list, j)
	}
	list = grouped(list)
	// A key whose profile is gone from the files is not forgotten.
	for _, name := range sortedKeys(index.Keys) {
		if !defined[name] {
			list = append(list, profileJSON{Profile: name, Source: "no profile", Key: index.Keys[name].AccessKeyID})
		}
	}
	return list, nil
}

// grouped puts each profile below the one that its credentials come from.
func grouped(list []profileJSON) []profileJSON {
	below := map[string][]int{}
	at := make(map[string]bool, len(list))
	for _, p := range list {
		at[p.Profile] = true
	}
	var roots []int
	for i, p := range list {
		if p.From != "" && p.From != p.Profile && at[p.From] {
			below[p.From] = append(below[p.From], i)
		} else {
			roots = append(roots, i)
		}
	}
	sorted := make([]profileJSON, 0, len(list))
	placed := make([]bool, len(list))
	var place func(i, depth int)
	place = func(i, depth int) {
		if placed[i] {
			return
		}
		placed[i] = true
		list[i].depth = depth
		sorted = append(sorted, list[i])
		for _, j := range below[list[i].Profile] {
			place(j, depth+1)
		}
	}
	for _, i := range roots {
		place(i, 0)
	}
	for i := range list { // what is left refers to itself in a circle
		place(i, 0)
	}
	return sorted
}

// sourceOf names where a profile's credentials come from, in the order in
// which they are looked for.
func sourceOf(p *config.Profile, stored bool) string {
	if stored {
		return "keystore"
	}
	if p.Get("role_arn") != "" {
		for _, key := range []string{"source_profile", "credential_source", "web_identity_token_file"} {
			if p.Get(key) != "" {
				return key
			}
		}
	}
	for _, key := range []string{"web_identity_token_file", "sso_session", "sso_start_url"} {
		if p.Get(key) != "" {
			return key
		}
	}
	if keys, ok, err := p.StaticKeys(); err == nil && ok {
		if keys.File == config.CredentialsFile {
			return "credentials file"
		}
		return "config file"
	}
	for _, key := range []string{"login_session", "credential_process"} {
		if p.Get(key) != "" {
			return key
		}
	}
	return "-"
}
