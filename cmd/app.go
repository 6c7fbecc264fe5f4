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
	"slices"
	"strings"
	"sync"
	"time"

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
