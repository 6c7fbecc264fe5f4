// Command vault switches the current shell between AWS profiles.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/shellvault/vault/cmd"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
)

// version is set by the linker.
var version = "dev"

func run() int {
	undump, err := keystore.NotDumpable()
	if err != nil {
		fmt.Fprintf(os.Stderr, "vault: the process cannot be kept from core dumps: %s\n", err)
		return 1
	}
	if len(os.Args) == 3 && os.Args[1] == "server" && os.Args[2] == "launch" {
		return launch()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	host, _ := os.Hostname()
	env := shell.ParseEnv(os.Environ())
	app := &cmd.App{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		StdoutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		StderrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Env:       env,
		Home:      home(env),
		Host:      host,
		User:      username(env),
		Exe:       executable(),
		Version:   version,
		Desktop:   runtime.GOOS == "darwin",
		Now:       time.Now,
		Terminal:  cmd.TTY{},
		Parent:    parent,
		Client: func(o cmd.ClientOptions) cmd.AWS {
			return &sts.AWS{Now: time.Now, CABundle: o.CABundle, FIPS: o.FIPS, Dual: o.DualStack}
		},
		Store:     cmd.OpenStore,
		Automatic: cmd.AutomaticBackend,
		KernelKey: func(description string, idle, most time.Duration) cmd.RestingKey {
			return keystore.KernelKey{Description: description, Idle: idle, Max: most, Now: time.Now}
		},
		Exec: func(path string, argv, environ []string) error {
			undump()
			// Ignored while a person was asked. What is caught becomes the
			// default for the program; Reset would leave it ignored.
			signal.Notify(make(chan os.Signal, 1), syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
			return syscall.Exec(path, argv, environ)
		},
		Command: command,
		Start:   start,
		// Not at once: to watch for signals takes longer than a warm switch.
		Arm: sync.OnceFunc(func() {
			signals := make(chan os.Signal, 1)
			for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
				if !signal.Ignored(s) { // as by nohup: what exec runs is to have it so too
					signal.Notify(signals, s)
				}
			}
			go func() {
				got := <-signals
				cancel()
				// What does not end by that ends by the signal: the next one, or
				// this one after a while.
				signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
				time.AfterFunc(patience, func() { _ = syscall.Kill(os.Getpid(), got.(syscall.Signal)) })
			}()
		}),
		Detach:     detach,
		Background: background,
		EvalMode:   func() { signal.Ignore(syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU) },
	}
	return app.Run(ctx, os.Args[1:])
}

// detach starts this binary again, in a session of its own: no terminal, no job
// of the shell, nothing that it could read or write. ended is closed when it
// has ended.
func detach(args []string, env shell.Env) (ended <-chan struct{}, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	closeOnExec() // nor hold
	p, err := os.StartProcess(self, append([]string{os.Args[0]}, args...), &os.ProcAttr{
		Env: env.Environ(), Files: []*os.File{null, null, null}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		_, _ = p.Wait()
		close(done)
	}()
	return done, nil
}

// patience is how long a command may take to end after a signal.
const patience = 3 * time.Second

func main() { os.Exit(run()) }

func home(env shell.Env) string {
	if dir := env["HOME"]; filepath.IsAbs(dir) {
		return dir
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return "/"
}

func username(env shell.Env) string {
	for _, name := range []string{"USER", "LOGNAME"} {
		if env[name] != "" {
			return env[name]
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}

// executable returns the path that this binary was called by: links are not
// resolved, because they outlive upgrades and what they point to does not.
func executable() string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	called, err := exec.LookPath(os.Args[0])
	if err != nil {
		return self
	}
	if called, err = filepath.Abs(called); err != nil {
		return self
	}
	a, aerr := os.Stat(called)
	b, berr := os.Stat(self)
	if aerr != nil || berr != nil || !os.SameFile(a, b) {
		return self
	}
	return called
}

// command runs one of the user's own commands in a shell and returns what it
// prints; what it says on stderr goes to the user.
func command(ctx context.Context, line string, environ []string) ([]byte, error) {
	c := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	c.Env = environ
	c.Stdin, c.Stderr = os.Stdin, os.Stderr
	return c.Output()
}

// start starts a program in a session of its own: ^C here is not meant for it.
// What it prints nobody reads.
func start(path string, argv, environ []string) error {
	c := &exec.Cmd{Path: path, Args: argv, Env: environ, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if err := c.Start(); err != nil {
		return err
	}
	go func() { _ = c.Wait() }()
	return nil
}
