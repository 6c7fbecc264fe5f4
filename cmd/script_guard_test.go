package cmd_test

import (
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// withGuards adds the commands of scripts about what narrows and protects:
//
//	policy ACTION [ARN]     checks the session policy of the last call of ACTION, none without ARN
//	asked ACTION DURATION   checks for how long the last call of ACTION asked, to a minute
func withGuards(w *world, cmds map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	cmds["policy"] = func(ts *testscript.TestScript, _ bool, args []string) {
		for _, r := range slices.Backward(w.aws.Requests()) {
			if r.Action != args[0] {
				continue
			}
			want := ""
			if len(args) > 1 {
				want = args[1]
			}
			if got := r.Params.Get("PolicyArns.member.1.arn"); got != want || r.Params.Has("PolicyArns.member.2.arn") {
				ts.Fatalf("the last %s has the policy %q, want %q", args[0], got, want)
			}
			return
		}
		ts.Fatalf("%s was not called", args[0])
	}
	cmds["asked"] = func(ts *testscript.TestScript, _ bool, args []string) {
		want := duration(ts, args[1])
		for _, r := range slices.Backward(w.aws.Requests()) {
			if r.Action != args[0] {
				continue
			}
			got := duration(ts, r.Params.Get("DurationSeconds")+"s")
			if got > want || got < want-time.Minute {
				ts.Fatalf("the last %s asked for %s, want %s", args[0], got, want)
			}
			return
		}
		ts.Fatalf("%s was not called", args[0])
	}
	return cmds
}
