package cmd

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shellvault/vault/config"
)

// isCompleting reports whether a shell asks what the last word of args may be.
func isCompleting(args []string) bool {
	return len(args) > 1 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// commandWord returns the command that args name, or that they begin to
// complete; "" where that is not plain.
func commandWord(args []string) string {
	if isCompleting(args) {
		args = args[1 : len(args)-1]
	}
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// A completion is what a word may be.
type completion struct {
	lines     string // that begin as the word does, with a tab and a description
	directive int    // of cobra, about what follows the word
	command   int    // where in the words another command begins, -1 if none does
}

// complete answers a shell: a line for each word that the last of args may be,
// and then ":" and cobra's directive; or, where it is a word of another command
// that exec runs, ":command" and the number of words before that.
func (app *App) complete(ctx context.Context, args []string) int {
	c := app.completion(ctx, args)
	if c.command >= 0 {
		_, err := io.WriteString(app.Stdout, ":command "+strconv.Itoa(c.command)+"\n")
		return app.exit(err)
	}
	_, err := io.WriteString(app.Stdout, c.lines+":"+strconv.Itoa(c.directive)+"\n")
	return app.exit(err)
}

func (app *App) completion(ctx context.Context, args []string) completion {
	words := args[1:]
	last := words[len(words)-1]
	if at := app.commandAt(words); at >= 0 {
		return completion{command: at}
	}
	dashed := slices.Contains(words[:len(words)-1], "--")
	app.completing.describe, app.completing.dashed, app.completing.names = args[0] == cobra.ShellCompRequestCmd, dashed, ""
	root := app.root(args)
	app.completeValues(root)
	plainUsage(root)
	var out bytes.Buffer
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(io.Discard)
	if root.ExecuteContext(ctx) != nil {
		return completion{command: -1, directive: int(cobra.ShellCompDirectiveNoFileComp)}
	}
	// Of --flag=value the value is completed.
	if _, value, ok := strings.Cut(last, "="); ok && strings.HasPrefix(last, "--") && !dashed {
		last = value
	}
	c := completion{command: -1}
	if len(words) == 2 && words[0] == "use" && last == "-" {
		c.lines = "-\tthe profile before\n"
	}
	for line := range strings.Lines(out.String()) {
		if directive, ok := strings.CutPrefix(line, ":"); ok {
			c.directive, _ = strconv.Atoi(strings.TrimSuffix(directive, "\n"))
		} else if strings.HasPrefix(line, last) {
			c.lines += line
		}
	}
	c.lines += app.completing.names
	return c
}

// completeValues keeps cobra from offering files for what takes none: for
// arguments, and for flags but those that want a FILE.
func (app *App) completeValues(c *cobra.Command) {
	none := cobra.FixedCompletions(nil, cobra.ShellCompDirectiveNoFileComp)
	if c.ValidArgsFunction == nil {
		words := c.ValidArgs
		c.ValidArgs, c.ValidArgsFunction = nil, func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		}
	}
	values := map[string]cobra.CompletionFunc{
		"backend": cobra.FixedCompletions(config.Backends, cobra.ShellCompDirectiveNoFileComp),
		"service": cobra.FixedCompletions(services, cobra.ShellCompDirectiveNoFileComp),
		"profile": func(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return app.completeProfile(c, nil, typed)
		},
	}
	for _, flags := range []*pflag.FlagSet{c.PersistentFlags(), c.LocalFlags()} {
		flags.VisitAll(func(f *pflag.Flag) {
			if what, _ := pflag.UnquoteUsage(f); what == "FILE" || f.Name == "socket" || f.NoOptDefVal != "" {
				return
			}
			complete := values[f.Name]
			if complete == nil {
				complete = none
			}
			_ = c.RegisterFlagCompletionFunc(f.Name, complete) // fails if the command has its own
		})
	}
	for _, sub := range c.Commands() {
		app.completeValues(sub)
	}
}

// commandAt returns how many words stand before the command that exec runs, of
// which the last word is one; -1 if it is none.
func (app *App) commandAt(words []string) int {
	if words[0] != "exec" || len(words) < 2 {
		return -1
	}
	exec := app.root([]string{"exec"}).Commands()[0]
	takesValue := func(f *pflag.Flag) bool { return f != nil && f.NoOptDefVal == "" }
	last, profile := len(words)-1, false
	for i := 1; i < last; i++ {
		switch w := words[i]; {
		case w == "--":
			return i + 1
		case strings.HasPrefix(w, "--"):
			name, _, whole := strings.Cut(w[2:], "=")
			if !whole && (takesValue(exec.Flags().Lookup(name)) || takesValue(exec.InheritedFlags().Lookup(name))) {
				if i++; i == last { // the value is being typed
					return -1
				}
			}
		case strings.HasPrefix(w, "-") && w != "-":
			if takesValue(exec.Flags().ShorthandLookup(w[len(w)-1:])) {
				if i++; i == last {
					return -1
				}
			}
		case profile:
			return i
		default:
			profile = true
		}
	}
	if w := words[last]; profile && w != "" && !strings.HasPrefix(w, "-") {
		return last
	}
	return -1
}

// describeMost is the size of the files, in bytes, from which on profiles are
// completed without descriptions: to read more takes longer than the start.
const describeMost = 256 << 10

// completeProfile offers the names of profiles. It looks at the two files and
// at nothing else.
func (app *App) completeProfile(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		if c.Name() == "exec" && typed == "" {
			return []string{"--\tand then the command"}, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	paths := config.Locate(app.getenv, app.Home)
	names, err := config.ScanLines(paths, typed)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if !app.completing.dashed && strings.Contains("\n"+names, "\n-") { // flags, if they stood there
		names = withoutDashes(names)
	}
	if app.completing.describe && names != "" && size(paths.Config)+size(paths.Credentials) <= describeMost {
		names = app.describeNames(paths, names)
	}
	app.completing.names = names // cobra would look at each of thousands
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func withoutDashes(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		if !strings.HasPrefix(line, "-") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// describeNames adds to the names, a line each, what the profiles lead to.
func (app *App) describeNames(paths config.Paths, names string) string {
	files, err := config.Load(paths)
	if err != nil {
		return names
	}
	settings, _ := app.ownSettings()
	var b strings.Builder
	for name := range strings.Lines(names) {
		name = strings.TrimSuffix(name, "\n")
		b.WriteString(name)
		if p, err := files.Profile(name); err == nil {
			account, role, region := outline(p)
			own, note := settings.For(name), ""
			if own.Protected {
				note = "protected"
			}
			words := strings.Fields(strings.Join([]string{own.Account, account, role, region, note}, " "))
			if len(words) > 0 {
				b.WriteString("\t" + printable(strings.Join(words, " ")))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// completeKey offers the profiles with stored keys.
func (app *App) completeKey(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	index, err := app.readIndex()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, name := range sortedKeys(index.Keys) {
		names = append(names, name+"\t"+index.Keys[name].AccessKeyID)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeCommand offers the commands, for those about commands.
func completeCommand(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	above, rest, err := c.Root().Find(args)
	if err == nil && len(rest) == 0 {
		for _, sub := range above.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name()+"\t"+sub.Short)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFlags offers values of the flags that all commands with a session
// have.
func (app *App) completeFlags(c *cobra.Command) {
	for name, values := range map[string][]string{
		"duration": {"15m", "1h", "4h", "12h"},
		"min-ttl":  {"5m", "15m", "30m", "1h"},
		"mfa-code": nil,
		"for":      {"15m", "30m", "1h"},
		"prompt":   config.MFAPrompts,
		"shell":    {"zsh", "bash", "fish"},
	} {
		if c.Flags().Lookup(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	if c.Flags().Lookup("region") != nil {
		_ = c.RegisterFlagCompletionFunc("region", app.completeRegion)
	}
}

// completeRegion offers the regions that AWS has, and those in the config file.
func (app *App) completeRegion(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	list := slices.Clone(regions)
	paths := config.Locate(app.getenv, app.Home)
	if size(paths.Config) > describeMost {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	files, err := config.Load(paths)
	if err != nil {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	known := map[string]bool{}
	for _, r := range regions {
		name, _, _ := strings.Cut(r, "\t")
		known[name] = true
	}
	for _, name := range files.Names() {
		if p, err := files.Profile(name); err == nil && isRegion(p.Region()) && !known[p.Region()] {
			known[p.Region()] = true
			list = append(list, p.Region()+"\tof profile "+printable(name))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
