// Package cmd is the command line of vault: flags, terminal, names of
// variables, exit codes. What a command does to AWS, to keys and to the shell
// is done by the packages it calls; what to type next is said only here.
package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/sso"
)

// App is vault in the world that main hands it: all that a command reads or
// changes outside of itself is a field.
type App struct {
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	StdoutTTY bool // stdout is a terminal
	StderrTTY bool

	Env     shell.Env
	Home    string
	Host    string // of this machine, for role session names
	User    string
	UID     int
	Desktop bool   // of a system that always has one
	Exe     string // this binary, as it was found, links not resolved
	Version string
	Now     func() time.Time

	Terminal   Terminal
	Parent     func() string                                                            // name of the program that started this one
	Client     func(ClientOptions) AWS                                                  // speaks to AWS
	Store      func(StoreOptions) (Store, error)                                        // the keystore; opens nothing yet
	Automatic  func(ctx context.Context, bus string) (backend, why string)              // the keystore to begin with, and why not a better one
	Exec       func(path string, argv, environ []string) error                          // replaces this process
	Arm        func()                                                                   // from here on ^C ends the context, not the process
	EvalMode   func()                                                                   // stop signals no longer stop this process
	Command    func(ctx context.Context, line string, environ []string) ([]byte, error) // runs a command of the user's for what it prints
	Start      func(path string, argv, environ []string) error                          // starts a program that is not waited for
	KernelKey  func(description string, idle, most time.Duration) RestingKey
	Background func(env shell.Env, hello []byte) (answer []byte, err error)          // starts "server run", which is no child, and returns its first line
	Detach     func(args []string, env shell.Env) (ended <-chan struct{}, err error) // starts vault in a session of its own, without a terminal

	function string        // the shell function that called, "" if none did
	stale    bool          // it is of another version
	word     string        // what it knows the command of exec as: function, alias or ""
	dialect  shell.Dialect // its shell
	out      bytes.Buffer  // of the commands that a shell evaluates
	flags    globalFlags

	unattended bool // nobody is asked, and nobody is told
	noDialog   bool // nor in a window
	completing struct {
		describe bool   // what is completed gets descriptions
		dashed   bool   // a "--" stands before it
		names    string // of profiles, a line each
	}
	rewrap struct {
		on  bool            // the passphrase is being changed
		new keystore.Secret // to this one; zero if a person is asked
	}

	mu     sync.Mutex
	stores map[string]Store           // by backend
	seeds  map[string]keystore.Secret // of MFA devices by serial, as keys came with them
	loaded *config.Settings
}

// An AWS speaks to AWS, with and without a signature.
type AWS interface {
	sts.Client
	sso.Caller
	// Devices asks for the MFA devices of the user whose key it is.
	Devices(ctx context.Context, with sts.Credentials, partition, endpoint string) ([]string, error)
	// IAM makes a call to IAM.
	IAM(ctx context.Context, with sts.Credentials, partition, endpoint string, action sts.Action, params url.Values, answer any) error
}

// A RestingKey is where an unlocked key rests between commands.
type RestingKey interface {
	keystore.DataKeyCache
	Extend(end time.Time) error
}

// globalFlags are those of all commands.
type globalFlags struct {
	passphraseFile string
	backend        string
}

// ClientOptions are what the environment and the profile say of how to reach
// AWS.
type ClientOptions struct {
	CABundle  string
	FIPS      bool
	DualStack bool
}

// Run runs the command line args, without the program's name, and returns the
// exit code.
func (app *App) Run(ctx context.Context, args []string) int {
	args, err := app.fromFunction(args)
	switch {
	case err == nil:
	case len(args) > 0 && args[0] == "hook":
		return exitProtocol
	case len(args) > 0 && args[0] == "doctor":
		app.stale = true // which is what it says
	default:
		return app.exit(err)
	}
	if line, ok := app.completionLine(args); ok {
		return app.completeLine(ctx, line, args)
	}
	if len(args) == 1 && args[0] == "--version" {
		return app.exit(app.printVersion()) // at once: scripts ask it often
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "-") && !slices.Contains([]string{"-h", "--help", "-v", "--version"}, args[0]) {
		return app.exit(&usageError{text: fmt.Sprintf("flag %q stands before the command", args[0]), hint: "flags stand after the command: " + app.name() + " COMMAND [FLAGS]"})
	}
	if isCompleting(args) {
		return app.complete(ctx, args)
	}
	root := app.root(args)
	app.wordsToStderr(root)
	root.SetArgs(args)
	root.SetContext(ctx)
	root.SetIn(app.Stdin)
	root.SetOut(app.Stdout)
	root.SetErr(app.Stderr)
	err = root.ExecuteContext(ctx)
	if ctx.Err() != nil && err != nil {
		err = context.Canceled // ^C is not an error message
	}
	evaluated := len(args) > 0 && slices.Contains(evaluatedCommands, args[0])
	if err == nil && evaluated {
		if app.function != "" {
			fmt.Fprintf(&app.out, "\n%s\n", shell.EndMark)
		}
		if _, werr := app.Stdout.Write(app.out.Bytes()); werr != nil {
			err = fmt.Errorf("standard output: %w", werr)
		}
	}
	code := app.exit(err)
	if code != 0 && evaluated && app.function == "" && !app.StdoutTTY {
		// Nobody looks at this process's status: eval's is that of the code.
		fmt.Fprint(app.Stdout, app.reader(args).Fail(code))
	}
	return code
}

// reader is the shell that reads stdout, as far as it can be told when the
// command line is wrong; what it may be else understands what bash does.
func (app *App) reader(args []string) shell.Dialect {
	name := app.Parent()
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--shell="); ok {
			name = value
		} else if arg == "--shell" && i+1 < len(args) {
			name = args[i+1]
		}
	}
	if d, err := shell.ParseDialect(name); err == nil {
		return d
	}
	return shell.Bash
}

// exit reports err, if there is one, and returns the exit code.
func (app *App) exit(err error) int {
	code := exitCode(err)
	var said exitError
	if err != nil && !errors.As(err, &said) && code != exitCanceled {
		app.report(err)
	}
	return code
}

// evaluatedCommands are those whose stdout a shell evaluates; init, which is
// evaluated by a shell that knows no function yet, writes for itself.
var evaluatedCommands = []string{"use", "off", "refresh", "region", "logout", "hook"}

// fromFunction takes off what the shell function puts in front of the user's
// own words: --fn=SHELL:PROTOCOL:NAME. It fails where the function is of a
// version that this binary does not understand.
func (app *App) fromFunction(args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	rest, ok := strings.CutPrefix(args[0], "--fn=")
	if !ok {
		return args, nil
	}
	f := strings.SplitN(rest, ":", 3)
	d, err := shell.ParseDialect(f[0])
	if err != nil || len(f) < 2 || !shell.FunctionName(f[len(f)-1]) {
		return args, nil
	}
	app.dialect, app.function = d, f[len(f)-1]
	app.word = app.Env[wordVariable]
	delete(app.Env, wordVariable)
	if len(f) == 2 || f[1] != shell.Protocol {
		err = errProtocol
	}
	return args[1:], err
}

// name is what the user types to call vault.
func (app *App) name() string {
	if app.function != "" {
		return app.function
	}
	return "vault"
}

// called is how a line in a startup file calls this binary: by its name where
// that finds it, else by its path.
func (app *App) called() string {
	if found, err := lookPath("vault", app.Env["PATH"]); err == nil && found == app.Exe {
		return "vault"
	}
	return app.Exe
}

// report prints an error and what to do about it.
func (app *App) report(err error) {
	if errs := (several)(nil); errors.As(err, &errs) {
		for _, err := range errs {
			app.report(err)
		}
		return
	}
	fmt.Fprintf(app.Stderr, "vault: %s\n", oneLine(err.Error()))
	for _, hint := range app.hints(err) {
		fmt.Fprintf(app.Stderr, "vault: hint: %s\n", hint)
	}
}

func (app *App) note(line string) {
	if app.unattended {
		return
	}
	fmt.Fprintf(app.Stderr, "vault: %s\n", oneLine(line))
}

// oneLine keeps what comes from files and from the network from breaking the
// line or talking to the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

func (app *App) getenv(name string) (string, bool) {
	value, ok := app.Env[name]
	if ok && slices.Contains(dynamicVariables, name) {
		// A config of ours is made of the user's, and is not his.
		if old := app.current(); old != nil && old.Flags.Dynamic && old.ours(app.Env, name) {
			value = before(app.Env, old, name)
			return value, value != ""
		}
	}
	return value, ok
}

// folder returns the path of vault's own folder of a kind (XDG Base Directory
// Specification: a relative path counts as none).
func (app *App) folder(variable, home string) string {
	if base := app.Env[variable]; filepath.IsAbs(base) {
		return filepath.Join(base, "vault")
	}
	return filepath.Join(app.Home, home, "vault")
}

// keysFile is where the sealed keys lie; the index stands beside it.
func (app *App) keysFile() string {
	if dir := app.Env["AWS_VAULT_FILE_DIR"]; dir != "" {
		if rest, ok := strings.CutPrefix(dir, "~/"); ok {
			dir = filepath.Join(app.Home, rest)
		}
		// In a folder of our own: aws-vault's files have another format.
		return filepath.Join(dir, "vault", "keys")
	}
	return filepath.Join(app.folder("XDG_DATA_HOME", ".local/share"), "keys")
}

// readIndex returns what the index says.
func (app *App) readIndex() (keystore.Index, error) {
	if err := app.placed(); err != nil {
		return keystore.Index{}, err
	}
	return keystore.ReadIndex(app.indexFile())
}

// placed reports where the keystore would depend on the working folder.
func (app *App) placed() error {
	if filepath.IsAbs(app.keysFile()) {
		return nil
	}
	return usageErrorf("AWS_VAULT_FILE_DIR=%q is relative: there would be a keystore in every folder", app.Env["AWS_VAULT_FILE_DIR"])
}

func (app *App) indexFile() string {
	return filepath.Join(filepath.Dir(app.keysFile()), "index.json")
}

func (app *App) sessionsFile() string {
	return filepath.Join(app.folder("XDG_CACHE_HOME", ".cache"), "sessions")
}

func (app *App) settingsFile() string {
	return filepath.Join(app.folder("XDG_CONFIG_HOME", ".config"), "config.toml")
}

// locks is the folder of locks that are held around calls.
func (app *App) locks() string {
	if filepath.IsAbs(app.Env["XDG_RUNTIME_DIR"]) {
		return app.folder("XDG_RUNTIME_DIR", "")
	}
	return app.folder("XDG_STATE_HOME", ".local/state")
}

// root returns the command line that args need.
func (app *App) root(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "vault",
		Short: "switch this shell between AWS profiles",
		Long: `vault switches the current shell between AWS profiles: short-lived
credentials in this shell, long-lived keys in a keystore.

Load it first, by a line in the shell's startup file:
  ~/.zshrc                     eval "$(vault init zsh)"
  ~/.bashrc                    eval "$(vault init bash)"
  ~/.config/fish/config.fish   vault init fish | source`,
		Example: `  vault add work        store an access key
  vault use work        switch this shell
  vault off             leave: everything as it was before`,
		Version:                    app.Version,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:                       app.unknownCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		text := err.Error()
		if i := strings.Index(text, ": time: "); i >= 0 {
			text = text[:i] + ": not a duration such as 90m or 4h"
		}
		return &usageError{text: text, hint: "see: " + app.name() + strings.TrimPrefix(c.CommandPath(), "vault") + " --help"}
	})
	root.PersistentFlags().StringVar(&app.flags.passphraseFile, "passphrase-file", "", "read the keystore's passphrase from the first line of `FILE`")
	root.PersistentFlags().StringVar(&app.flags.backend, "backend", "", "the keystore to use: file, secret-service, keychain or command")
	root.AddCommand(app.commands(args)...)
	root.SetHelpCommand(&cobra.Command{
		Use: "help [COMMAND]", Short: "help about a command", Hidden: true, ValidArgsFunction: completeCommand,
		RunE: func(c *cobra.Command, args []string) error {
			target, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return app.unknownCommand(root, args)
			}
			return target.Help()
		},
	})
	return root
}

// commands returns the command that args name, or all of them where args are
// not that plain: to build all takes longer than most of them run.
func (app *App) commands(args []string) []*cobra.Command {
	table := []struct {
		name string
		make func() *cobra.Command
	}{
		{"add", app.addCommand},
		{"allow", app.allowCommand},
		{"clear", app.clearCommand},
		{"completion", app.completionCommand},
		{"credential-process", app.credentialProcessCommand},
		{"deny", app.denyCommand},
		{"doctor", app.doctorCommand},
		{"exec", app.execCommand},
		{"explain", app.explainCommand},
		{"export", app.exportCommand},
		{"hook", app.hookCommand},
		{"import", app.importCommand},
		{"init", app.initCommand},
		{"list", app.listCommand},
		{"lock", app.lockCommand},
		{"docker-env", app.dockerEnvCommand},
		{"log", app.logCommand},
		{"login", app.loginCommand},
		{"logout", app.logoutCommand},
		{"man", app.manCommand},
		{"migrate", app.migrateCommand},
		{"off", app.offCommand},
		{"passphrase", app.passphraseCommand},
		{"prompt", app.promptCommand},
		{"ps", app.psCommand},
		{"refresh", app.refreshCommand},
		{"region", app.regionCommand},
		{"remove", app.removeCommand},
		{"reset", app.resetCommand},
		{"rotate", app.rotateCommand},
		{"setup", app.setupCommand},
		{"sso", app.ssoCommand},
		{"serve", app.serveCommand},
		{"server", app.serverCommand},
		{"status", app.statusCommand},
		{"stop", app.stopCommand},
		{"unlock", app.unlockCommand},
		{"use", app.useCommand},
		{"version", app.versionCommand},
	}
	var all []*cobra.Command
	for _, c := range table {
		if commandWord(args) == c.name && c.name != "man" { // man speaks of all
			return []*cobra.Command{c.make()}
		}
	}
	for _, c := range table {
		all = append(all, c.make())
	}
	return all
}

// wordsToStderr keeps help from what a shell evaluates.
func (app *App) wordsToStderr(root *cobra.Command) {
	for _, c := range root.Commands() {
		if slices.Contains(evaluatedCommands, c.Name()) || c.Name() == "init" {
			c.SetOut(app.Stderr)
		}
	}
}

// plainUsage takes the marks of placeholders out of what completion shows.
func plainUsage(root *cobra.Command) {
	strip := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	root.PersistentFlags().VisitAll(strip)
	for _, c := range root.Commands() {
		c.Flags().VisitAll(strip)
	}
}

func (app *App) unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see: " + app.name() + " --help"
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(quoted(near), " or ") + "?"
	}
	return &usageError{text: fmt.Sprintf("no command %q", args[0]), hint: hint}
}

// atMost checks the number of arguments; what names them.
func (app *App) atMost(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		hint := "usage: " + app.usage(c)
		switch {
		case len(args) < least:
			return &usageError{text: fmt.Sprintf("%s: %s is missing", c.Name(), what), hint: hint}
		case len(args) > most:
			return &usageError{text: fmt.Sprintf("%s: too many arguments: %q", c.Name(), args[most]), hint: hint}
		}
		return nil
	}
}

// usage is how a command is called, by the name that the user calls it by.
func (app *App) usage(c *cobra.Command) string {
	return app.name() + strings.TrimPrefix(c.UseLine(), "vault")
}

// firstLine returns the first line of a file, without its end.
func firstLine(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return firstLineOf(f)
}

// firstLineOf returns the first line of what is read, without its end.
func firstLineOf(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, 64<<10)) // it may be a device without end
	if err != nil {
		return "", err
	}
	defer clear(data)
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}
