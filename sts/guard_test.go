package sts

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts/ststest"
)

const readOnlyARN = "arn:aws:iam::aws:policy/ReadOnlyAccess"

func TestPlanReadOnly(t *testing.T) {
	readOnly := Options{ReadOnly: true}
	const role = "[profile x]\nrole_arn = R:dev\nsource_profile = base\n"
	testPlans(t, []planTest{
		{name: "a role", config: role + "[profile base]", stored: "base", options: readOnly,
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h\nAssumeRole x R:dev 1h only=" + readOnlyARN},
		{name: "straight from the key", config: role + "[profile base]", stored: "base", options: Options{ReadOnly: true, NoSession: true},
			want: "StoredKeys base AKIA-base\nAssumeRole x R:dev 1h only=" + readOnlyARN},
		{name: "the last of a chain", config: "[profile x]\nrole_arn = R:deep\nsource_profile = y\n[profile y]\nrole_arn = R:dev\nsource_profile = base\n[profile base]",
			stored: "base", options: readOnly,
			want: "StoredKeys base AKIA-base\nGetSessionToken base 8h\nAssumeRole y R:dev 1h\nAssumeRole x R:deep 1h only=" + readOnlyARN},
		{name: "in another partition", config: "[profile x]\nrole_arn = arn:aws-us-gov:iam::222222222222:role/dev\nsource_profile = base\nregion = us-gov-east-1\n[profile base]",
			stored: "base", options: Options{ReadOnly: true, NoSession: true},
			want: "StoredKeys base AKIA-base\nAssumeRole x arn:aws-us-gov:iam::222222222222:role/dev 1h only=arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess in=us-gov-east-1"},
		{name: "in a partition that is not known", config: "[profile x]\nrole_arn = arn:aws-moon:iam::222222222222:role/dev\nsource_profile = base\n[profile base]",
			stored: "base", options: readOnly,
			err: `profile "x": --read-only needs a role that is assumed: arn:aws-moon:iam::222222222222:role/dev is in a partition that vault does not know`},
		{name: "a web identity", config: "[profile x]\nrole_arn = R:dev\nweb_identity_token_file = /t", options: readOnly,
			want: "AssumeRoleWithWebIdentity x R:dev from=/t 1h only=" + readOnlyARN},
		{name: "from a web identity", config: "[profile x]\nrole_arn = R:deep\nsource_profile = y\n[profile y]\nrole_arn = R:dev\nweb_identity_token_file = /t", options: readOnly,
			want: "AssumeRoleWithWebIdentity y R:dev from=/t 1h\nAssumeRole x R:deep 1h only=" + readOnlyARN},
		{name: "a user's own session", config: "[profile x]", stored: "x", options: readOnly,
			err: `profile "x": --read-only needs a role that is assumed: a user's own session takes no policy`},
		{name: "a user's own key", config: "[profile x]", stored: "x", options: Options{ReadOnly: true, NoSession: true},
			err: `profile "x": --read-only needs a role that is assumed: a user's own key takes no policy`},
		{name: "temporary keys", config: "[profile x]\naws_access_key_id = ASIA1\naws_secret_access_key = s\naws_session_token = t", options: readOnly,
			err: `profile "x": --read-only needs a role that is assumed: the keys in the shared files are used as they are`},
		{name: "a program", config: "[profile x]\ncredential_process = p", options: readOnly,
			err: `profile "x": --read-only needs a role that is assumed: what a credential_process gives is used as it is`},
		{name: "a sign-in", config: "[profile x]\nlogin_session = arn:aws:iam::111111111111:user/u", options: readOnly,
			err: `profile "x": --read-only needs a role that is assumed: a sign-in session takes no policy`},
		{name: "Identity Center", config: "[profile x]\nsso_start_url = https://a.example\nsso_region = eu-west-1\nsso_account_id = 222222222222\nsso_role_name = Admin", options: readOnly,
			err: `profile "x": --read-only needs a role that is assumed: what a role of Identity Center may do is set by its permission set`},
	})
}

// The role that the shell gets carries the policy; what it is assumed from does
// not, and serves both. What can write is never handed out in place of it.
func TestReadOnly(t *testing.T) {
	w := newWorld(t)
	readOnly := w.plan("deep", Options{ReadOnly: true})
	if _, err := w.runner().Run(t.Context(), readOnly); err != nil {
		t.Fatal(err)
	}
	var narrowed []string
	for _, r := range w.aws.Requests() {
		if arn := r.Params.Get("PolicyArns.member.1.arn"); arn != "" {
			narrowed = append(narrowed, r.Params.Get("RoleArn")+" "+arn)
		}
	}
	if want := w.roles["deep"].ARN() + " " + readOnlyARN; strings.Join(narrowed, "\n") != want {
		t.Errorf("with a policy: %q, want %q", narrowed, want)
	}
	w.calls(1, "GetSessionToken", "AssumeRole dev", "AssumeRole deep")
	full := w.must("deep")
	w.calls(0, "AssumeRole deep")
	again, err := w.runner().Run(t.Context(), readOnly)
	if err != nil || again.AccessKeyID == full.AccessKeyID {
		t.Errorf("the same credentials for reading and for all: %v", err)
	}
	w.calls(0)
}

// A role in the middle has to assume the next: AWS's policy for reading does
// not let it.
func TestReadOnlyMiddle(t *testing.T) {
	w := newWorld(t)
	plan := w.plan("deep", Options{ReadOnly: true})
	plan.Steps[2].PolicyARNs = plan.Steps[3].PolicyARNs
	var refused *CallError
	if _, err := w.runner().Run(t.Context(), plan); !errors.As(err, &refused) || refused.Code != "AccessDenied" {
		t.Errorf("error %v, want AccessDenied", err)
	}
}

func TestPlanPinned(t *testing.T) {
	const sso = "[profile x]\nsso_start_url = https://a.example\nsso_region = eu-west-1\nsso_account_id = 222222222222\nsso_role_name = Admin"
	testPlans(t, []planTest{
		{name: "a role there", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n[profile base]", stored: "base", options: Options{Account: "222222222222", NoSession: true},
			want: "StoredKeys base AKIA-base\nAssumeRole x R:dev 1h"},
		{name: "a role elsewhere", config: "[profile x]\nrole_arn = R:dev\nsource_profile = base\n[profile base]", stored: "base", options: Options{Account: "333333333333"},
			err: `profile "x" leads into account 222222222222, and its account_id is 333333333333`},
		{name: "Identity Center elsewhere", config: sso, options: Options{Account: "333333333333"},
			err: `profile "x" leads into account 222222222222, and its account_id is 333333333333`},
		{name: "not known before", config: "[profile x]", stored: "x", options: Options{Account: "333333333333", NoSession: true},
			want: "StoredKeys x AKIA-x"},
	})
}

// AWS is asked once for a session whose it is, in any process.
func TestPinned(t *testing.T) {
	w := newWorld(t)
	pinned := w.plan("dev", Options{Account: "222222222222"})
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	if _, ok, _ := w.runner().Cached(t.Context(), pinned); ok {
		t.Error("a session that nobody has vouched for counts as cached")
	}
	for _, want := range [][]string{{"GetCallerIdentity"}, nil} {
		if _, err := w.runner().Run(t.Context(), pinned); err != nil {
			t.Fatal(err)
		}
		w.calls(0, want...)
	}
	if h, _ := w.header(AssumeRole); h.Account != "222222222222" {
		t.Errorf("the header says account %q", h.Account)
	}
	if _, ok, err := w.runner().Cached(t.Context(), pinned); !ok || err != nil {
		t.Errorf("not cached: %v", err)
	}
	w.clock.Advance(56 * time.Minute)
	for _, want := range [][]string{{"AssumeRole dev", "GetCallerIdentity"}, nil} {
		if _, err := w.runner().Run(t.Context(), pinned); err != nil {
			t.Fatal(err)
		}
		w.calls(0, want...)
	}
}

// Who says in the file that a session is of an account has to have the key.
func TestPinnedForged(t *testing.T) {
	w := newWorld(t)
	w.must("dev")
	path := w.cache().Path
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(string(text), `"role_arn":`, `"account":"222222222222","role_arn":`, 1)
	if err := os.WriteFile(path, []byte(forged), 0o600); err != nil || forged == string(text) {
		t.Fatal(err)
	}
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	if _, err := w.runner().Run(t.Context(), w.plan("dev", Options{Account: "222222222222"})); err != nil {
		t.Fatal(err)
	}
	w.calls(0, "AssumeRole dev", "GetCallerIdentity")
}

// A session of another account is not handed out, and not kept.
func TestPinnedElsewhere(t *testing.T) {
	const want = `profile "base" leads into account 111111111111, and its account_id is 999999999999`
	for name, first := range map[string]bool{"new": false, "cached": true, "vouched for": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if first {
				w.must("base")
			}
			if name == "vouched for" {
				if _, err := w.runner().Run(t.Context(), w.plan("base", Options{Account: "111111111111"})); err != nil {
					t.Fatal(err)
				}
			}
			got, err := w.runner().Run(t.Context(), w.plan("base", Options{Account: "999999999999"}))
			var other *AccountError
			if !errors.As(err, &other) || err.Error() != want || got != (Credentials{}) {
				t.Errorf("%v, %v; want %q", got, err, want)
			}
			if h := w.cache().Headers(); len(h) != 0 {
				t.Errorf("still cached: %+v", h)
			}
		})
	}
	t.Run("not cached at all", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.runner().Run(t.Context(), w.plan("key", Options{Account: "999999999999", NoSession: true}))
		var other *AccountError
		if !errors.As(err, &other) {
			t.Errorf("error %v", err)
		}
		w.calls(0, "GetCallerIdentity")
	})
}

// Where AWS does not say whose they are, credentials are not handed out. The
// session stays, as it may have cost a person a code.
func TestPinnedNoAnswer(t *testing.T) {
	w := newWorld(t)
	pinned := w.plan("base", Options{Account: "111111111111"})
	w.aws.Fail("GetCallerIdentity", ststest.Failure{Code: "AccessDenied", Status: 403, Message: "no"}, 1)
	if got, err := w.runner().Run(t.Context(), pinned); err == nil || got != (Credentials{}) {
		t.Errorf("%v, %v", got, err)
	}
	w.calls(1, "GetSessionToken", "GetCallerIdentity AccessDenied")
	if _, err := w.runner().Run(t.Context(), pinned); err != nil {
		t.Fatal(err)
	}
	w.calls(0, "GetCallerIdentity")
}

// What the plan leads to ends when it has to, as far as AWS gives that; what
// leads there does not matter.
func TestUntil(t *testing.T) {
	w := newWorld(t)
	long := w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	for _, tt := range []struct {
		left, want time.Duration
		calls      []string
	}{
		{40*time.Minute + time.Second/2, 40 * time.Minute, []string{"AssumeRole dev"}},
		{3 * time.Minute, 15 * time.Minute, []string{"AssumeRole dev"}},
		{-time.Hour, 15 * time.Minute, nil},
	} {
		until := w.clock.Now().Add(tt.left)
		for i, calls := range [][]string{tt.calls, nil} {
			got, err := w.run("dev", func(r *Runner) { r.Until = until })
			if err != nil {
				t.Fatal(err)
			}
			if life := got.Expires.Sub(w.clock.Now()); life != tt.want || got.AccessKeyID == long.AccessKeyID {
				t.Errorf("%s left, run %d: they last %s, want %s", tt.left, i, life, tt.want)
			}
			w.calls(0, calls...)
		}
	}
	// Who may have it for longer takes what is there.
	if got, err := w.run("dev", func(r *Runner) { r.Until = w.clock.Now().Add(2 * time.Hour) }); err != nil || got.AccessKeyID == long.AccessKeyID {
		t.Errorf("%v", err)
	}
	w.calls(0)
}

// A user's session for the shell is bounded too, and not taken for another of
// its family that lasts for longer.
func TestUntilFamily(t *testing.T) {
	w := newWorld(t)
	w.must("base")
	w.must("dev")
	w.calls(1, "GetSessionToken", "AssumeRole dev")
	got, err := w.run("base", func(r *Runner) { r.Until = w.clock.Now().Add(20 * time.Minute) })
	if err != nil || got.Expires.Sub(w.clock.Now()) != 20*time.Minute {
		t.Errorf("they last %s: %v", got.Expires.Sub(w.clock.Now()), err)
	}
	w.calls(1, "GetSessionToken")
}

// What lasts as long as somebody else says is handed out as it is: to ask again
// would change nothing.
func TestUntilGiven(t *testing.T) {
	w := newWorld(t)
	w.config = "[profile sso]\nsso_start_url = https://a.example\nsso_region = eu-west-1\nsso_account_id = 222222222222\nsso_role_name = Admin"
	plan := w.plan("sso", Options{SSO: func(*config.Profile) (*config.SSO, error) {
		return &config.SSO{StartURL: "https://a.example", Region: "eu-west-1", AccountID: "222222222222", RoleName: "Admin"}, nil
	}})
	now := w.clock.Now()
	if err := w.cache().Put(t.Context(), Header{Hash: plan.Hash(0), Action: SSORoleCredentials, Profile: "sso", Issued: now, Expires: now.Add(time.Hour)}, w.key); err != nil {
		t.Fatal(err)
	}
	r := w.runner()
	r.Until = now.Add(20 * time.Minute)
	if got, ok, err := r.Cached(t.Context(), plan); !ok || err != nil || got.AccessKeyID != w.key.AccessKeyID {
		t.Errorf("not handed out: %v", err)
	}
}
