package cmd

import (
	"bufio"
	"fmt"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
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

		ValidArgsFunction: app.completeProfile,
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
	w := bufio.NewWriterSize(app.Stdout, 32<<10)
	for _, name := range list {
		if want(name) {
			w.WriteString(name)
			w.WriteByte('\n')
		}
	}
	return w.Flush()
}

// profileJSON is one profile of list --json.
type profileJSON struct {
	Profile string     `json:"profile"`
	Source  string     `json:"source"` // what its credentials come from
	From    string     `json:"source_profile,omitempty"`
	Account string     `json:"account,omitempty"`
	RoleARN string     `json:"role_arn,omitempty"`
	Role    string     `json:"role,omitempty"` // its name
	Region  string     `json:"region,omitempty"`
	Key     string     `json:"stored_access_key_id,omitempty"`
	Added   *time.Time `json:"stored_access_key_added,omitempty"`
	Age     *int       `json:"stored_access_key_age_days,omitempty"`
	Expires *time.Time `json:"session_expires,omitempty"`
	Current bool       `json:"current,omitempty"`

	Protected bool `json:"protected,omitempty"`
	Rotating  bool `json:"rotation_unfinished,omitempty"` // of the stored key

	depth int    // below the profile that has the key
	label string // of its row
}

func (app *App) list(asJSON bool, want func(string) bool) error {
	// Ten thousand profiles take some 10 MB, for as long as it takes to print
	// them: to collect garbage from 4 MB on costs a fifth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	profiles, err := app.profiles()
	if err != nil {
		return err
	}
	all := len(profiles)
	profiles = slices.DeleteFunc(profiles, func(p *profileJSON) bool { return !want(p.Profile) })
	if asJSON {
		return app.printJSON(struct {
			Version  int            `json:"version"`
			Profiles []*profileJSON `json:"profiles"`
		}{1, profiles})
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
	head := []string{"PROFILE", "SOURCE", "ACCOUNT", "ROLE", "REGION", "KEY", "SESSION"}
	row := make([]string, len(head))
	cells := func(i int) []string {
		if i == 0 {
			return head
		}
		app.fillRow(row, profiles[i-1])
		return row
	}
	return printRows(app.Stdout, len(profiles)+1, cells, func(i, column int, cell string) string {
		switch {
		case i == 0:
			return paint.faint(cell)
		case profiles[i-1].Current && column == 0:
			return paint.green(cell)
		case column == 6 && cell != "":
			return paint.green(cell)
		case column == 5 && cell != profiles[i-1].Key:
			return paint.yellow(cell)
		}
		return cell
	})
}

// mostIndent is up to where the table shows how deep a profile stands: no
// terminal is wide enough for a chain of hundreds.
const mostIndent = 8

// fillRow makes row that of a profile in the table.
func (app *App) fillRow(row []string, p *profileJSON) {
	if p.label == "" {
		p.label = strings.Repeat("  ", min(p.depth, mostIndent)) + p.Profile
		if p.Protected {
			p.label += " (protected)"
		}
		if p.Current {
			p.label += " *"
		}
	}
	source := p.Source
	if p.From != "" {
		source = p.From
	}
	session := ""
	if p.Expires != nil {
		session = roughly(p.Expires.Sub(app.Now()))
	}
	copy(row, []string{p.label, source, p.Account, p.Role, p.Region, p.key(), session})
}

// oldKey is the age in days from which on a key is said to be old (CIS AWS
// Foundations Benchmark, "Ensure access keys are rotated every 90 days or
// less").
const oldKey = 90

// key says which key is stored, and what there is to do about it.
func (p *profileJSON) key() string {
	switch {
	case p.Rotating:
		return p.Key + " (rotation unfinished)"
	case p.Age != nil && *p.Age > oldKey:
		return fmt.Sprintf("%s (%d days old)", p.Key, *p.Age)
	}
	return p.Key
}

// keep fills in what the index says of the stored key.
func (p *profileJSON) keep(e keystore.IndexEntry, now time.Time) {
	p.Key, p.Rotating = e.AccessKeyID, e.Rotating
	if added := e.Added; !added.IsZero() {
		age := int(max(0, now.Sub(added)) / (24 * time.Hour))
		p.Added, p.Age = &added, &age
	}
}

func (app *App) profiles() ([]*profileJSON, error) {
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
	current := app.current()
	settings, err := app.ownSettings()
	if err != nil {
		return nil, err
	}
	list := make([]profileJSON, 0, len(names))
	for p, ok := range files.Profiles() {
		j := profileJSON{Profile: p.Name, Current: current != nil && current.Profile == p.Name, Source: "error", Protected: settings.For(p.Name).Protected}
		if end, ok := sessions[p.Name]; ok {
			j.Expires = &end
		}
		entry, stored := index.Keys[p.Name]
		j.keep(entry, app.Now())
		if ok {
			j.describe(p, stored)
		}
		list = append(list, j)
	}
	sorted := grouped(list)
	// A key whose profile is gone from the files is not forgotten.
	for _, name := range sortedKeys(index.Keys) {
		if _, defined := slices.BinarySearch(names, name); !defined {
			gone := &profileJSON{Profile: name, Source: "no profile"}
			gone.keep(index.Keys[name], app.Now())
			sorted = append(sorted, gone)
		}
	}
	return sorted, nil
}

// describe fills in what the files say of a profile.
func (j *profileJSON) describe(p *config.Profile, stored bool) {
	j.Account, j.Role, j.Region = outline(p)
	j.RoleARN = p.Get("role_arn")
	if j.Source = sourceOf(p, stored); j.Source == "source_profile" {
		j.From = p.Get("source_profile")
	}
}

// grouped puts each profile below the one that its credentials come from; list
// is sorted by name.
func grouped(list []profileJSON) []*profileJSON {
	at := map[string]int{} // where the sources stand, -1 if nowhere
	below := map[int][]int32{}
	roots := make([]int, 0, len(list))
	for i := range list {
		from, ok := at[list[i].From]
		if !ok {
			if from, ok = slices.BinarySearchFunc(list, list[i].From, func(p profileJSON, name string) int {
				return strings.Compare(p.Profile, name)
			}); !ok {
				from = -1
			}
			at[list[i].From] = from
		}
		if from >= 0 && from != i {
			below[from] = append(below[from], int32(i))
		} else {
			roots = append(roots, i)
		}
	}
	sorted := make([]*profileJSON, 0, len(list))
	placed := make([]bool, len(list))
	var place func(i, depth int)
	place = func(i, depth int) {
		if placed[i] {
			return
		}
		placed[i] = true
		list[i].depth = depth
		sorted = append(sorted, &list[i])
		for _, j := range below[i] {
			place(int(j), depth+1)
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
