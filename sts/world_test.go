package sts

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts/ststest"
)

// sealingKey seals the sessions of all worlds.
var sealingKey = bytes.Repeat([]byte{7}, 32)

// A world is an AWS with a user, her MFA device and her roles, a config that
// names them, and a cache. Its clock stands until a test moves it.
type world struct {
	t      testing.TB
	clock  *ststest.Clock
	aws    *ststest.Server
	mfa    *ststest.MFA
	roles  map[string]*ststest.Role
	config string
	dir    string
	key    Credentials
	client *AWS

	mu    sync.Mutex
	asked []MFARequest
	notes []string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: ststest.NewClock(time.Now().Truncate(time.Second)), dir: t.TempDir(), roles: map[string]*ststest.Role{}}
	if err := os.Chmod(w.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.aws = ststest.New(w.clock.Now)
	t.Cleanup(w.aws.Close)
	alice := w.aws.AddUser("111111111111", "alice")
	w.mfa = alice.AddMFA("alice")
	id, secret := alice.NewKey()
	w.key = Credentials{AccessKeyID: id, SecretAccessKey: keystore.NewSecret(secret)}
	w.client = &AWS{Now: w.clock.Now}
	for name, trust := range map[string]ststest.Trust{
		"dev":  {RequireMFA: true},
		"prod": {RequireMFA: true, MaxSessionDuration: 4 * time.Hour},
		"open": {MaxSessionDuration: 4 * time.Hour},
		"deep": {},
		"else": {},
	} {
		trust.Principals = []string{"111111111111", "222222222222"}
		w.roles[name] = w.aws.AddRole("222222222222", name, trust)
	}
	w.config = `[profile base]
mfa_serial = M:alice
[profile dev]
role_arn = R:dev
source_profile = base
[profile prod]
role_arn = R:prod
source_profile = base
[profile open]
role_arn = R:open
source_profile = base
[profile else]
role_arn = R:else
source_profile = base
[profile deep]
role_arn = R:deep
source_profile = dev
[profile key]
[profile plain]
role_arn = R:open
source_profile = key
`
	return w
}

// plan plans the way to a profile. All profiles have one key.
func (w *world) plan(profile string, o Options) Plan {
	w.t.Helper()
	files, err := config.Parse(config.Paths{Config: "config", Credentials: "credentials"}, []byte(longARNs.Replace(w.config)), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	chain, err := files.Chain(profile)
	if err != nil {
		w.t.Fatal(err)
	}
	o.SessionName = "tester"
	o.Stored = map[string]string{"base": w.key.AccessKeyID, "key": w.key.AccessKeyID}
	if o.Endpoint == nil {
		o.Endpoint = func(*config.Profile) string { return w.aws.URL() }
	}
	plan, err := NewPlan(chain, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

func (w *world) cache() *Cache {
	return &Cache{
		Path: filepath.Join(w.dir, "cache", "sessions"),
		Now:  w.clock.Now,
		Key:  func(context.Context) ([]byte, error) { return bytes.Clone(sealingKey), nil },
	}
}

// runner returns a runner that keeps nothing in memory, as a new process has
// it. Who is asked for a code looks at the device.
func (w *world) runner() *Runner {
	return &Runner{
		Now: w.clock.Now, Cache: w.cache(), Client: w.client,
		Key:  func(context.Context, Step) (Credentials, error) { return w.key, nil },
		MFA:  w.ask,
		Lock: w.lock,
		Note: func(line string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.notes = append(w.notes, line)
		},
	}
}

func (w *world) lock(ctx context.Context, hash string) (func(), error) {
	return keystore.Lock(ctx, filepath.Join(w.dir, "locks", hash))
}

func (w *world) ask(_ context.Context, r MFARequest) (string, error) {
	w.mu.Lock()
	w.asked = append(w.asked, r)
	w.mu.Unlock()
	code, ok := w.mfa.Unused()
	if !ok {
		w.clock.Advance(30 * time.Second)
		code, _ = w.mfa.Unused()
	}
	return code, nil
}

// run runs the plan of a profile with a runner that change has changed.
func (w *world) run(profile string, change func(*Runner)) (Credentials, error) {
	w.t.Helper()
	r := w.runner()
	if change != nil {
		change(r)
	}
	return r.Run(w.t.Context(), w.plan(profile, Options{}))
}

// must is run where nothing goes wrong.
func (w *world) must(profile string) Credentials {
	w.t.Helper()
	got, err := w.run(profile, nil)
	if err != nil {
		w.t.Fatalf("profile %q: %v", profile, err)
	}
	return got
}

// calls checks which calls have been made since it was last asked, and how
// often a person was asked.
func (w *world) calls(asked int, want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.aws.Requests() {
		call := r.Action
		if arn := r.Params.Get("RoleArn"); arn != "" {
			call += " " + arn[strings.LastIndexByte(arn, '/')+1:]
		}
		if r.Error != "" {
			call += " " + r.Error
		}
		got = append(got, call)
	}
	w.aws.ResetCalls()
	if !slices.Equal(got, want) {
		w.t.Errorf("calls\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.asked) != asked {
		w.t.Errorf("asked for a code %d times, want %d: %+v", len(w.asked), asked, w.asked)
	}
	w.asked = nil
}

// noted checks what the user has been told since it was last asked.
func (w *world) noted(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	for _, line := range w.notes {
		got = append(got, shortARNs.Replace(line))
	}
	w.notes = nil
	if !slices.Equal(got, want) {
		w.t.Errorf("notes %q, want %q", got, want)
	}
}

// whose returns who AWS takes the credentials for.
func (w *world) whose(c Credentials) string {
	w.t.Helper()
	who, err := w.client.Caller(w.t.Context(), c, "", w.aws.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	requests := w.aws.Requests()
	w.aws.ResetCalls()
	if last := requests[len(requests)-1]; last.Action != "GetCallerIdentity" {
		w.t.Fatal("whose must be asked after calls")
	}
	return fmt.Sprint(who.ARN)
}

const (
	aliceARN   = "arn:aws:iam::111111111111:user/alice"
	sessionARN = "arn:aws:sts::222222222222:assumed-role/%s/tester"
)
