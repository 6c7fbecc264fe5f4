package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/shellvault/vault/sts/ststest"
)

// working returns the id of the key that is stored for a profile, and fails the
// test where AWS does not take that key.
func (w *world) working(profile string) string {
	w.t.Helper()
	var got struct{ AccessKeyId string }
	r := w.vault("export", profile, "--no-session", "--format", "json")
	if err := json.Unmarshal([]byte(r.stdout), &got); r.code != 0 || err != nil {
		w.t.Fatalf("export: %+v", r)
	}
	// A session is AWS's own word for it.
	if r := w.vault("export", profile, "--format", "json"); r.code != 0 {
		w.t.Fatalf("AWS does not take %s of profile %q: %+v", got.AccessKeyId, profile, r)
	}
	return got.AccessKeyId
}

// rotated fails the test unless all that is left of a rotation is one active
// key, and the profiles have it.
func (w *world) rotated(profiles ...string) {
	w.t.Helper()
	ids, active := w.user.Keys()
	if len(ids) != 1 || !active[ids[0]] || ids[0] == w.keyID {
		w.t.Errorf("keys at AWS: %q, active %v; it began with %s", ids, active, w.keyID)
	}
	for _, profile := range profiles {
		if id := w.working(profile); id != ids[0] {
			w.t.Errorf("profile %q has %s, want %s", profile, id, ids[0])
		}
	}
	if index := w.read(".local/share/vault/index.json"); strings.Contains(index, "rotating") || strings.Contains(index, w.keyID) {
		w.t.Errorf("the index is not up to date: %s", index)
	}
	if r := w.vault("rotate", profiles[0], "--resume"); r.code != 0 || !strings.Contains(r.stderr, "no rotation of its key is unfinished") {
		w.t.Errorf("there is a journal left: %+v", r)
	}
}

// again resumes a rotation that was killed, or begins it where it had not
// begun.
func (w *world) again(profile string) {
	w.t.Helper()
	r := w.vault("rotate", profile, "--resume")
	if r.code != 0 {
		w.t.Fatalf("resume: %+v", r)
	}
	if strings.Contains(r.stderr, "no rotation") && !strings.Contains(w.vault("list").stdout, w.keyID) {
		return // all was done but the telling
	}
	if strings.Contains(r.stderr, "no rotation") {
		if r := w.vault("rotate", profile); r.code != 0 {
			w.t.Fatalf("%+v", r)
		}
	}
}

// TestRotateKilledAtAWS kills a rotation at each of its calls, before AWS has
// done what it was asked and after: the stored key works all the time, and
// --resume leaves nothing behind.
func TestRotateKilledAtAWS(t *testing.T) {
	calls := []struct {
		action string
		nth    int
	}{{"GetCallerIdentity", 1}, {"ListAccessKeys", 1}, {"CreateAccessKey", 1}, {"GetCallerIdentity", 2}, {"UpdateAccessKey", 1}, {"DeleteAccessKey", 1}}
	for _, call := range calls {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("%s %s %d", when, call.action, call.nth), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.store("simple", "bastion")
				w.config("[profile simple]\n[profile bastion]\n")
				gate := ststest.NewGate()
				if call.nth > 1 {
					w.aws.Fail(call.action, ststest.Failure{}, call.nth-1)
				}
				failure := ststest.Failure{Gate: gate}
				if when == "after" {
					failure = ststest.Failure{After: gate}
				}
				w.aws.Fail(call.action, failure, 1)
				c := exec.Command(binary, "rotate", "simple")
				c.Env, c.Dir, c.SysProcAttr = w.environ(), w.home, newSession
				var said strings.Builder
				c.Stderr = &said
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- c.Wait() }()
				select {
				case <-gate.Arrived:
				case <-ended:
					t.Fatalf("it never came to %s: %s", call.action, said.String())
				}
				// Meanwhile nobody else rotates the key, under whatever name.
				for _, profile := range []string{"simple", "bastion"} {
					if r := w.vault("rotate", profile); r.code != 1 || !strings.Contains(r.stderr, fmt.Sprintf("another vault (process %d) is rotating its key", c.Process.Pid)) {
						t.Errorf("two at once: %+v", r)
					}
				}
				// Nor is it taken away.
				if r := w.vault("remove", "simple", "--yes"); r.code != 1 || !strings.Contains(r.stderr, "is rotating its key") {
					t.Errorf("removed meanwhile: %+v", r)
				}
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-ended
				gate.Open()
				if strings.Contains(said.String(), w.secret) {
					t.Error("the secret of the key was printed")
				}
				w.working("simple")
				w.working("bastion")
				w.again("simple")
				w.rotated("simple", "bastion")
			})
		}
	}
}

// killer is a keystore by command that kills vault after the change whose
// number stands in the file "kill".
const killer = `#!/bin/sh
set -eu
cd "$(dirname "$0")/store"
changed() {
	echo $(($(cat ../count) + 1)) >../count
	if [ -e ../kill ] && cmp -s ../kill ../count; then
		rm ../kill
		kill -9 $PPID
	fi
}
case $1 in
get) cat "$2" ;;
set) mkdir -p "$(dirname "$2")"; cat >"$2.new"; mv "$2.new" "$2"; changed ;;
delete) rm "$2"; changed ;;
list) find . -type f ;;
esac
`

// useKiller has the world keep its keys by that program.
func (w *world) useKiller() {
	w.t.Helper()
	w.write("tool", killer)
	w.executable("tool")
	w.write("count", "0\n")
	if err := os.MkdirAll(filepath.Join(w.home, "store"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	tool := filepath.Join(w.home, "tool")
	w.write(".config/vault/config.toml", fmt.Sprintf("backend = \"command\"\n[command]\nget = \"%s get\"\nset = \"%s set\"\ndelete = \"%s delete\"\nlist = \"%s list\"\n", tool, tool, tool, tool))
}

// TestRotateKilledAtKeystore kills a rotation after each change of the keystore.
func TestRotateKilledAtKeystore(t *testing.T) {
	count := func(w *world) (n int) {
		fmt.Sscan(w.read("count"), &n)
		return n
	}
	begin := func(t *testing.T) *world {
		w := newWorld(t)
		w.useKiller()
		w.config("[profile simple]\n[profile bastion]\n")
		w.store("simple", "bastion")
		w.working("simple") // makes the key that seals sessions
		w.write("count", "0\n")
		return w
	}
	w := begin(t)
	if r := w.vault("rotate", "simple"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	w.rotated("simple", "bastion")
	changes := count(w)
	if changes < 8 {
		t.Fatalf("a rotation makes %d changes: the tool does not count", changes)
	}
	for n := 1; n <= changes; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			w.write("kill", fmt.Sprintf("%d\n", n))
			if r := w.vault("rotate", "simple"); r.code != -1 {
				t.Fatalf("it was not killed: %+v", r)
			}
			w.working("simple")
			w.working("bastion")
			w.again("simple")
			w.rotated("simple", "bastion")
		})
	}
}

// TestRotateKilledAgain kills a rotation, and each attempt to go on with it,
// after a few changes of the keystore: in the end it is done all the same.
func TestRotateKilledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.useKiller()
	w.config("[profile simple]\n[profile bastion]\n")
	w.store("simple", "bastion")
	w.working("simple")
	how := []string{"rotate", "simple"}
	for killed := 0; ; killed++ {
		w.write("count", "0\n")
		w.write("kill", "7\n") // to ask for a key once more takes six
		r := w.vault(how...)
		if r.code == 0 {
			if killed < 2 {
				t.Errorf("it was killed %d times", killed)
			}
			break
		}
		if r.code != -1 || killed > 20 {
			t.Fatalf("killed %d times: %+v", killed, r)
		}
		w.working("simple")
		w.working("bastion")
		how = []string{"rotate", "simple", "--resume"}
	}
	w.rotated("simple", "bastion")
}

// TestRotateHides rotates, with a stop in the middle: neither of the secrets
// stands in clear in what is printed or in any file.
func TestRotateHides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store("simple")
	w.user.Deny("UpdateAccessKey")
	stopped := w.vault("rotate", "simple", "--keep-old")
	var key struct{ SecretAccessKey string }
	if err := json.Unmarshal([]byte(w.vault("export", "simple", "--no-session", "--format", "json").stdout), &key); err != nil || stopped.code != 1 || key.SecretAccessKey == w.secret {
		t.Fatalf("%+v, %v", stopped, err)
	}
	hidden := func(said string) {
		t.Helper()
		for _, secret := range []string{w.secret, key.SecretAccessKey} {
			if strings.Contains(said, secret) {
				t.Error("a secret stands in clear")
			}
		}
	}
	files := func() {
		t.Helper()
		err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			hidden(string(data))
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	files()
	w.user.Deny()
	done := w.vault("rotate", "simple", "--resume")
	if done.code != 0 {
		t.Errorf("%+v", done)
	}
	files()
	hidden(stopped.stdout + stopped.stderr + done.stdout + done.stderr)
}
