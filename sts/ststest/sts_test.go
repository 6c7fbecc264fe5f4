package ststest_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/shellvault/vault/sts/ststest"
)

const (
	invalidToken  = "403 InvalidClientTokenId: The security token included in the request is invalid."
	expiredToken  = "403 ExpiredToken: The security token included in the request is expired"
	badCode       = "403 AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. "
	wrongDevice   = "403 AccessDenied: MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
	halfMFA       = "403 AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "
	constraint    = "400 ValidationError: 1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s"
	tooLongChain  = "400 ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
	tooLongRole   = "400 ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	aliceDenied   = "403 AccessDenied: User: arn:aws:iam::111111111111:user/alice is not authorized to perform: "
	secondsTooFew = "400 ValidationError: 1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"
)

func TestCallerIdentity(t *testing.T) {
	w := newWorld(t)
	role := w.AddRole(away, "ops/Deployer", ststest.Trust{Principals: []string{home}})
	assumed, err := w.assume(t, w.key, role, nil)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := w.sts(w.key).GetFederationToken(t.Context(), &sts.GetFederationTokenInput{Name: aws.String("guest")})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name             string
		key              aws.Credentials
		arn, id, account string
	}{
		{"user", w.key, "arn:aws:iam::111111111111:user/alice", w.alice.ID(), home},
		{"session of the user", w.session(t, false), "arn:aws:iam::111111111111:user/alice", w.alice.ID(), home},
		{"assumed role", keysOf(assumed.Credentials), "arn:aws:sts::222222222222:assumed-role/Deployer/test", role.ID() + ":test", away},
		{"federated user", keysOf(guest.Credentials), "arn:aws:sts::111111111111:federated-user/guest", home + ":guest", home},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := w.identity(t, test.key)
			if err != nil {
				t.Fatal(err)
			}
			if aws.ToString(got.Arn) != test.arn || aws.ToString(got.UserId) != test.id || aws.ToString(got.Account) != test.account {
				t.Errorf("got %s %s %s, want %s %s %s", *got.Arn, *got.UserId, *got.Account, test.arn, test.id, test.account)
			}
		})
	}
	if !regexp.MustCompile(`^AIDA[A-Z2-7]{17}$`).MatchString(w.alice.ID()) {
		t.Errorf("user id %q", w.alice.ID())
	}
	if got, want := role.ARN(), "arn:aws:iam::222222222222:role/ops/Deployer"; got != want {
		t.Errorf("got role %q, want %q", got, want)
	}
	if got, want := aws.ToString(assumed.AssumedRoleUser.AssumedRoleId), role.ID()+":test"; got != want {
		t.Errorf("got assumed role id %q, want %q", got, want)
	}
	if got, want := aws.ToString(guest.FederatedUser.FederatedUserId), home+":guest"; got != want {
		t.Errorf("got federated user id %q, want %q", got, want)
	}
}

func TestIssuedKeys(t *testing.T) {
	w := newWorld(t)
	shapes := map[string]string{
		w.key.AccessKeyID:     `^AKIA[A-Z2-7]{16}$`,
		w.key.SecretAccessKey: `^[A-Za-z0-9+/]{40}$`,
	}
	lengths := make(map[int]bool)
	for range 20 {
		key := w.session(t, false)
		shapes[key.AccessKeyID] = `^ASIA[A-Z2-7]{16}$`
		shapes[key.SecretAccessKey] = `^[A-Za-z0-9+/]{40}$`
		shapes[key.SessionToken] = `^IQoJ[A-Za-z0-9+/]{350,880}==$`
		lengths[len(key.SessionToken)] = true
		if !strings.Contains(key.SessionToken, "+") || !strings.Contains(key.SessionToken, "/") {
			t.Errorf("token %q has no + or /", key.SessionToken)
		}
	}
	for text, shape := range shapes {
		if !regexp.MustCompile(shape).MatchString(text) {
			t.Errorf("%q does not match %s", text, shape)
		}
	}
	if len(lengths) < 2 {
		t.Error("all tokens are of one length")
	}
}

func TestGetSessionToken(t *testing.T) {
	w := newWorld(t)
	other := w.AddUser(home, "bob").AddMFA("bob")
	noMFA := w.session(t, false)
	role := w.AddRole(away, "Deployer", ststest.Trust{Principals: []string{home}})
	assumed, err := w.assume(t, w.key, role, nil)
	if err != nil {
		t.Fatal(err)
	}
	serial, code := aws.String(w.mfa.Serial()), func() *string { return aws.String(w.code()) }
	tests := []struct {
		name string
		key  aws.Credentials
		in   func() *sts.GetSessionTokenInput
		want string
		life time.Duration
	}{
		{"default", w.key, func() *sts.GetSessionTokenInput { return &sts.GetSessionTokenInput{} }, "ok", 12 * time.Hour},
		{"shortest", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)}
		}, "ok", 15 * time.Minute},
		{"longest", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129600)}
		}, "ok", 36 * time.Hour},
		{"too short", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(899)}
		}, secondsTooFew, 0},
		{"too long", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129601)}
		}, "400 ValidationError: 1 validation error detected: Value '129601' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600", 0},
		{"MFA", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: code()}
		}, "ok", 12 * time.Hour},
		{"wrong code", w.key, func() *sts.GetSessionTokenInput {
			wrong := aws.String(w.mfa.Code(w.clock.Now().Add(time.Hour)))
			return &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: wrong}
		}, badCode, 0},
		{"code of another device", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: aws.String(other.Code(w.clock.Now()))}
		}, badCode, 0},
		{"device of another user", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: aws.String(other.Serial()), TokenCode: aws.String(other.Code(w.clock.Now()))}
		}, wrongDevice, 0},
		{"no such device", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: aws.String(w.mfa.Serial() + "x"), TokenCode: code()}
		}, wrongDevice, 0},
		{"serial alone", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: serial}
		}, halfMFA, 0},
		{"code alone", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{TokenCode: code()}
		}, halfMFA, 0},
		{"code of five digits", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: aws.String("12345")}
		}, "400 ValidationError: 1 validation error detected: Value '12345' at 'tokenCode' failed to satisfy constraint: Member must have length greater than or equal to 6", 0},
		{"two faults", w.key, func() *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: aws.String("not this"), TokenCode: aws.String("12345x")}
		}, "400 ValidationError: 3 validation errors detected: " +
			`Value 'not this' at 'serialNumber' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=/:,.@-]*; ` +
			"Value 'not this' at 'serialNumber' failed to satisfy constraint: Member must have length greater than or equal to 9; " +
			`Value '12345x' at 'tokenCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [\d]*`, 0},
		{"from a session", noMFA, func() *sts.GetSessionTokenInput { return &sts.GetSessionTokenInput{} },
			"403 AccessDenied: Cannot call GetSessionToken with session credentials", 0},
		{"from a role", keysOf(assumed.Credentials), func() *sts.GetSessionTokenInput { return &sts.GetSessionTokenInput{} },
			"403 AccessDenied: Cannot call GetSessionToken with session credentials", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := test.in()
			now := w.clock.Now()
			out, err := w.sts(test.key).GetSessionToken(t.Context(), in)
			if got := outcome(err); got != test.want {
				t.Fatalf("got  %s\nwant %s", got, test.want)
			}
			if err != nil {
				return
			}
			key := keysOf(out.Credentials)
			if got := key.Expires.Sub(now); got != test.life {
				t.Errorf("lasts %s, want %s", got, test.life)
			}
			if _, err := w.identity(t, key); err != nil {
				t.Errorf("the session is of no use: %v", err)
			}
		})
	}
}

func TestGetFederationToken(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name string
		key  aws.Credentials
		in   sts.GetFederationTokenInput
		want string
	}{
		{"default", w.key, sts.GetFederationTokenInput{Name: aws.String("guest")}, "ok"},
		{"32 characters", w.key, sts.GetFederationTokenInput{Name: aws.String(strings.Repeat("x", 32))}, "ok"},
		{"33 characters", w.key, sts.GetFederationTokenInput{Name: aws.String(strings.Repeat("x", 33))},
			"400 ValidationError: 1 validation error detected: Value '" + strings.Repeat("x", 33) + "' at 'name' failed to satisfy constraint: Member must have length less than or equal to 32"},
		{"too short a life", w.key, sts.GetFederationTokenInput{Name: aws.String("guest"), DurationSeconds: aws.Int32(899)}, secondsTooFew},
		{"policy", w.key, sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: aws.String("{}")}, "ok"},
		{"bad policy", w.key, sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: aws.String("{")},
			"400 MalformedPolicyDocument: The policy is not in the valid JSON format."},
		{"from a session", w.session(t, false), sts.GetFederationTokenInput{Name: aws.String("guest")},
			"403 AccessDenied: Cannot call GetFederationToken with session credentials"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := w.sts(test.key).GetFederationToken(t.Context(), &test.in)
			if got := outcome(err); got != test.want {
				t.Fatalf("got  %s\nwant %s", got, test.want)
			}
			if err != nil {
				return
			}
			if got, want := aws.ToTime(out.Credentials.Expiration), w.clock.Now().Add(12*time.Hour); !got.Equal(want) {
				t.Errorf("expires %s, want %s", got, want)
			}
		})
	}
}

// A federated user may ask who he is, and nothing else.
func TestFederatedUserAssumesNothing(t *testing.T) {
	w := newWorld(t)
	role := w.AddRole(away, "Deployer", ststest.Trust{Principals: []string{home}})
	guest, err := w.sts(w.key).GetFederationToken(t.Context(), &sts.GetFederationTokenInput{Name: aws.String("guest")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.assume(t, keysOf(guest.Credentials), role, nil)
	want := "403 AccessDenied: User: arn:aws:sts::111111111111:federated-user/guest is not authorized to perform: sts:AssumeRole on resource: " + role.ARN()
	if got := outcome(err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A code is good from one step before its own to one step after, once.
func TestMFACodes(t *testing.T) {
	w := newWorld(t)
	give := func(code string) string {
		t.Helper()
		_, err := w.sts(w.key).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{
			SerialNumber: aws.String(w.mfa.Serial()), TokenCode: aws.String(code),
		})
		return outcome(err)
	}
	at := func(d time.Duration) string { return w.mfa.Code(w.clock.Now().Add(d)) }
	steps := []struct {
		name string
		code string
		want string
	}{
		{"two steps ago", at(-60 * time.Second), badCode},
		{"a step ago", at(-30 * time.Second), "ok"},
		{"a step ago, again", at(-30 * time.Second), badCode},
		{"now", at(0), "ok"},
		{"now, again", at(0), badCode},
		{"next", at(30 * time.Second), "ok"},
		{"after next", at(60 * time.Second), badCode},
	}
	for _, step := range steps {
		if got := give(step.code); got != step.want {
			t.Errorf("%s: got %s, want %s", step.name, got, step.want)
		}
	}
	if code, ok := w.mfa.Unused(); ok {
		t.Errorf("got unused code %s, want none", code)
	}
	w.clock.Advance(30 * time.Second)
	code, ok := w.mfa.Unused()
	if want := at(30 * time.Second); !ok || code != want {
		t.Errorf("got %s, %t, want %s", code, ok, want)
	}
	if got := give(code); got != "ok" {
		t.Errorf("unused code: got %s", got)
	}
}
