package cmd_test

import (
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shellvault/vault/sts/ststest"
)

// withRotation adds the commands of scripts about the user's access keys:
//
//	newkey               makes another key, $OTHER with $OTHERSECRET
//	dropkey ID           deletes a key, as in the console
//	awskeys [KEY STATE]... checks the user's keys at AWS, oldest first: old, other, and new ones, of which the last is $NEW
//	deny ACTION...       IAM refuses these actions
//	mfaonly              IAM refuses all without MFA
//	keylag CALLS         AWS knows a new key only after so many calls
//	lose ACTION          AWS does what the next call asks, and the answer is lost
func withRotation(w *world, cmds map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	cmds["newkey"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		id, secret := w.user.NewKey()
		ts.Setenv("OTHER", id)
		ts.Setenv("OTHERSECRET", secret)
	}
	cmds["dropkey"] = func(ts *testscript.TestScript, _ bool, args []string) {
		if !w.aws.Revoke(args[0]) {
			ts.Fatalf("there is no key %s", args[0])
		}
	}
	cmds["awskeys"] = func(ts *testscript.TestScript, _ bool, args []string) {
		ids, active := w.user.Keys()
		var got []string
		for _, id := range ids {
			state := "inactive"
			if active[id] {
				state = "active"
			}
			if id == w.keyID {
				got = append(got, "old", state)
			} else if id == ts.Getenv("OTHER") {
				got = append(got, "other", state)
			} else {
				ts.Setenv("NEW", id)
				got = append(got, "new", state)
			}
		}
		if want := strings.Join(args, " "); strings.Join(got, " ") != want {
			ts.Fatalf("keys at AWS: %q, want %q", strings.Join(got, " "), want)
		}
	}
	cmds["deny"] = func(_ *testscript.TestScript, _ bool, args []string) { w.user.Deny(args...) }
	cmds["mfaonly"] = func(*testscript.TestScript, bool, []string) { w.user.RequireMFA(true) }
	cmds["keylag"] = func(ts *testscript.TestScript, _ bool, args []string) {
		n, err := strconv.Atoi(args[0])
		ts.Check(err)
		w.aws.SetKeyLag(n)
	}
	cmds["lose"] = func(_ *testscript.TestScript, _ bool, args []string) {
		w.aws.Fail(args[0], ststest.Failure{Lose: true}, 1)
	}
	return cmds
}
