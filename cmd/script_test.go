package cmd_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shellvault/vault/sts/ststest"
)

// TestScripts runs the scripts in testdata/script, each in a world of its own.
//
// Beside testscript's own commands they have:
//
//	expand FILE...       replaces variables in the files
//	store PROFILE...     stores the user's key for the profiles
//	code                 sets $CODE to an MFA code that AWS will take
//	status N CMD...      runs a command and checks its exit code
//	calls ACTION N       checks how often AWS was called
//	life DURATION        what AWS gives out from now on lasts so long
//	skew DURATION        AWS's clock is so far ahead of ours
//	fail ACTION CODE     AWS answers the next call so; CODE "drop" drops all of them, "ok" none any more
//	nokey                AWS no longer knows the user's key
//
// and those of withSources, withGuards and withRotation.
//
// $KEYID and $SECRET are the user's key, $SECRET_RE is a pattern for it, $MFA is the device.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			testscript.Run(t, testscript.Params{
				Files: []string{file},
				Setup: func(e *testscript.Env) error {
					for name, value := range w.env {
						e.Setenv(name, value)
					}
					e.Setenv("KEYID", w.keyID)
					e.Setenv("SECRET", w.secret)
					e.Setenv("SECRET_RE", regexp.QuoteMeta(w.secret))
					e.Setenv("MFA", w.mfa.Serial())
					e.Setenv("CONFIG", filepath.Join(w.home, ".aws", "config"))
					e.Setenv("KEYS", filepath.Join(w.home, ".local", "share", "vault", "keys"))
					return nil
				},
				Condition:     func(cond string) (bool, error) { return condition(cond) },
				UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
				Cmds: withRotation(w, withGuards(w, withSources(w, map[string]func(*testscript.TestScript, bool, []string){
					"expand": func(ts *testscript.TestScript, _ bool, args []string) {
						for _, file := range args {
							ts.Check(os.WriteFile(ts.MkAbs(file), []byte(os.Expand(ts.ReadFile(file), ts.Getenv)), 0o600))
						}
					},
					"store": func(ts *testscript.TestScript, _ bool, args []string) { w.store(args...) },
					"code":  func(ts *testscript.TestScript, _ bool, _ []string) { ts.Setenv("CODE", w.code()) },
					"status": func(ts *testscript.TestScript, _ bool, args []string) {
						want, err := strconv.Atoi(args[0])
						ts.Check(err)
						got := 0
						var exit *exec.ExitError
						if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
							got = exit.ExitCode()
						} else {
							ts.Check(err)
						}
						if got != want {
							ts.Fatalf("exit code %d, want %d\n%s", got, want, ts.ReadFile("stderr"))
						}
					},
					"calls": func(ts *testscript.TestScript, _ bool, args []string) {
						if got := strconv.Itoa(w.aws.CallCount(args[0])); got != args[1] {
							ts.Fatalf("%s was called %s times, want %s", args[0], got, args[1])
						}
					},
					"life": func(ts *testscript.TestScript, _ bool, args []string) { w.aws.SetLife(duration(ts, args[0])) },
					"skew": func(ts *testscript.TestScript, _ bool, args []string) { w.aws.SetSkew(duration(ts, args[0])) },
					"fail": func(ts *testscript.TestScript, _ bool, args []string) {
						if args[1] == "drop" {
							w.aws.Fail(args[0], ststest.Failure{Drop: true}, -1)
							return
						}
						if args[1] == "ok" {
							w.aws.Fail(args[0], ststest.Failure{}, 0)
							return
						}
						w.aws.Fail(args[0], ststest.Failure{Code: args[1], Status: 403, Message: "as the script wants it"}, 1)
					},
					"nokey": func(ts *testscript.TestScript, _ bool, _ []string) { w.aws.DeactivateKey(w.keyID) },
				}))),
			})
		})
	}
}

func duration(ts *testscript.TestScript, text string) time.Duration {
	d, err := time.ParseDuration(text)
	ts.Check(err)
	return d
}

// condition answers [exec:PROGRAM]-like conditions of our own: [root].
func condition(cond string) (bool, error) {
	if cond == "root" {
		return os.Geteuid() == 0, nil
	}
	return false, errors.New("unknown condition " + cond)
}
