package ststest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/shellvault/vault/sts/ststest"
)

// who returns the outcome of GetCallerIdentity with a key.
func (w *world) who(t *testing.T, key aws.Credentials) string {
	t.Helper()
	_, err := w.identity(t, key)
	return outcome(err)
}

func TestSessionsExpire(t *testing.T) {
	w := newWorld(t)
	session := w.session(t, false)
	w.clock.Advance(12*time.Hour - time.Second)
	if got := w.who(t, session); got != "ok" {
		t.Errorf("a second before: got %s", got)
	}
	w.clock.Advance(time.Second)
	if got := w.who(t, session); got != expiredToken {
		t.Errorf("at the expiry: got %s", got)
	}
	if got := w.who(t, w.key); got != "ok" {
		t.Errorf("the user's key: got %s", got)
	}
}

func TestSetLife(t *testing.T) {
	w := newWorld(t)
	role := w.AddRole(away, "Role", ststest.Trust{Principals: []string{home}})
	long := w.session(t, false)
	w.SetLife(20 * time.Second)
	short := w.session(t, false)
	if got, want := short.Expires.Sub(w.clock.Now()), 20*time.Second; got != want {
		t.Errorf("session lasts %s, want %s", got, want)
	}
	out, err := w.assume(t, w.key, role, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToTime(out.Credentials.Expiration).Sub(w.clock.Now()), 20*time.Second; got != want {
		t.Errorf("role lasts %s, want %s", got, want)
	}
	w.clock.Advance(20 * time.Second)
	if got := w.who(t, short); got != expiredToken {
		t.Errorf("short session: got %s", got)
	}
	if got := w.who(t, long); got != "ok" {
		t.Errorf("session from before: got %s", got)
	}
	if _, err := w.assume(t, w.key, role, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }); outcome(err) != tooLongRole {
		t.Errorf("too long all the same: got %s", outcome(err))
	}
	w.SetLife(0)
	if got, want := w.session(t, false).Expires.Sub(w.clock.Now()), 12*time.Hour; got != want {
		t.Errorf("session lasts %s, want %s", got, want)
	}
}

// Expirations are in whole seconds, and end when they say.
func TestExpiryIsWhole(t *testing.T) {
	w := newWorld(t)
	w.clock.Advance(900 * time.Millisecond)
	w.SetLife(2 * time.Second)
	session := w.session(t, false)
	if want := start.Add(2 * time.Second); !session.Expires.Equal(want) {
		t.Errorf("expires %s, want %s", session.Expires, want)
	}
	w.clock.Advance(1100 * time.Millisecond)
	if got := w.who(t, session); got != expiredToken {
		t.Errorf("got %s", got)
	}
}

func TestSkew(t *testing.T) {
	w := newWorld(t)
	session := w.session(t, false)
	w.SetSkew(6 * time.Minute)
	want := "403 SignatureDoesNotMatch: Signature expired: 20300506T070809Z is now earlier than 20300506T070909Z (20300506T071409Z - 5 min.)"
	if got := w.who(t, w.key); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	w.SetSkew(-6 * time.Minute)
	want = "403 SignatureDoesNotMatch: Signature not yet current: 20300506T070809Z is still later than 20300506T070709Z (20300506T070209Z + 5 min.)"
	if got := w.who(t, w.key); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	answer, _ := w.do(t, w.signed(whoAmI))
	if got, want := answer.Header.Get("Date"), "Mon, 06 May 2030 07:02:09 GMT"; got != want {
		t.Errorf("got date %q, want %q", got, want)
	}
	if got, want := w.Now(), start.Add(-6*time.Minute); !got.Equal(want) {
		t.Errorf("got now %s, want %s", got, want)
	}
	w.SetSkew(4 * time.Minute)
	if got, want := w.session(t, false).Expires, start.Add(4*time.Minute+12*time.Hour); !got.Equal(want) {
		t.Errorf("expires %s, want %s", got, want)
	}
	w.clock.Advance(12*time.Hour - 4*time.Minute)
	if got := w.who(t, session); got != expiredToken {
		t.Errorf("by the server's clock: got %s", got)
	}
}

// An SDK client of its own devices finds out that its clock is off.
func TestSDKCorrectsSkew(t *testing.T) {
	s := ststest.New(nil)
	defer s.Close()
	s.SetSkew(time.Hour)
	var key aws.Credentials
	key.AccessKeyID, key.SecretAccessKey = s.AddUser(home, "alice").NewKey()
	client := sts.New(sts.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.URL()),
		Credentials:  credentials{key},
	})
	for range 2 {
		if _, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := s.CallCount("GetCallerIdentity"), 3; got != want {
		t.Errorf("got %d calls, want %d", got, want)
	}
}

func TestKeysRevoked(t *testing.T) {
	w := newWorld(t)
	session, other := w.session(t, false), w.session(t, false)
	var second aws.Credentials
	second.AccessKeyID, second.SecretAccessKey = w.alice.NewKey()
	check := func(name string, key aws.Credentials, want string) {
		t.Helper()
		if got := w.who(t, key); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if !w.DeactivateKey(w.key.AccessKeyID) {
		t.Error("key not found")
	}
	check("inactive", w.key, invalidToken)
	check("second key", second, "ok")
	check("session of the inactive key", session, "ok")
	if !w.ActivateKey(w.key.AccessKeyID) {
		t.Error("key not found")
	}
	check("active again", w.key, "ok")
	if !w.Expire(session.AccessKeyID) {
		t.Error("session not found")
	}
	check("expired", session, expiredToken)
	check("other session", other, "ok")
	if !w.Revoke(other.AccessKeyID) || !w.Revoke(w.key.AccessKeyID) {
		t.Error("key not found")
	}
	check("revoked session", other, invalidToken)
	check("revoked key", w.key, invalidToken)
	check("second key", second, "ok")
	for name, f := range map[string]func(string) bool{"Revoke": w.Revoke, "Expire": w.Expire, "DeactivateKey": w.DeactivateKey, "ActivateKey": w.ActivateKey} {
		if f(w.key.AccessKeyID) {
			t.Errorf("%s of a key that is gone: got true", name)
		}
	}
	if w.Expire(second.AccessKeyID) {
		t.Error("Expire of a user's key: got true")
	}
	check("second key", second, "ok")
}

func TestPartitions(t *testing.T) {
	w := newWorld(t)
	const account, target = "555555555555", "666666666666"
	for partition, region := range map[string]string{"aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1", "aws-eusc": "eusc-de-east-1"} {
		t.Run(partition, func(t *testing.T) {
			w.SetPartition(account, partition)
			w.SetPartition(target, partition)
			user := w.AddUser(account, "li")
			var key aws.Credentials
			key.AccessKeyID, key.SecretAccessKey = user.NewKey()
			client := w.stsIn(region, key)
			role := w.AddRole(target, "Role", ststest.Trust{Principals: []string{"arn:" + partition + ":iam::" + account + ":root"}})
			out, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role.ARN()), RoleSessionName: aws.String("me")})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := aws.ToString(out.AssumedRoleUser.Arn), "arn:"+partition+":sts::"+target+":assumed-role/Role/me"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got, want := user.AddMFA("li").Serial(), "arn:"+partition+":iam::"+account+":mfa/li"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := w.who(t, key); got != invalidToken { // in eu-west-1
				t.Errorf("in another partition: got %s", got)
			}
			w.AddRole(away, "Role", ststest.Trust{Principals: []string{account}})
			_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::222222222222:role/Role"), RoleSessionName: aws.String("me")})
			want := "403 AccessDenied: User: " + user.ARN() + " is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/Role"
			if got := outcome(err); got != want {
				t.Errorf("role of another partition: got %s, want %s", got, want)
			}
		})
	}
}

func TestAddPanics(t *testing.T) {
	w := newWorld(t)
	tests := map[string]func(){
		"device":         func() { w.alice.AddMFA("alice") },
		"account":        func() { w.AddUser("1234", "alice") },
		"role's account": func() { w.AddRole("", "Role", ststest.Trust{}) },
		"too short":      func() { w.AddRole(away, "Role", ststest.Trust{MaxSessionDuration: 30 * time.Minute}) },
		"too long":       func() { w.AddRole(away, "Role", ststest.Trust{MaxSessionDuration: 13 * time.Hour}) },
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
	if w.AddUser(home, "alice") != w.alice {
		t.Error("the user was replaced")
	}
}

func TestRequests(t *testing.T) {
	w := newWorld(t)
	role := w.AddRole(away, "Role", ststest.Trust{Principals: []string{home}})
	session := w.session(t, true)
	if _, err := w.assume(t, session, role, tagged1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.stsIn("us-east-2", w.key).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(1)}); err == nil {
		t.Fatal("no error")
	}
	got := w.Requests()
	want := []ststest.Request{
		{Service: "sts", Action: "GetSessionToken", Region: "eu-west-1", AccessKeyID: w.key.AccessKeyID, Time: w.clock.Now(),
			Params: map[string][]string{"SerialNumber": {w.mfa.Serial()}, "TokenCode": {"[secret]"}}},
		{Service: "sts", Action: "AssumeRole", Region: "eu-west-1", AccessKeyID: session.AccessKeyID, Time: w.clock.Now(),
			Params: map[string][]string{"RoleArn": {role.ARN()}, "RoleSessionName": {"test"}, "Tags.member.1.Key": {"k"}, "Tags.member.1.Value": {"v"}}},
		{Service: "sts", Action: "GetSessionToken", Region: "us-east-2", AccessKeyID: w.key.AccessKeyID, Time: w.clock.Now(),
			Params: map[string][]string{"DurationSeconds": {"1"}}, Error: "ValidationError"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d requests, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].ID == "" {
			t.Errorf("request %d has no id", i)
		}
		got[i].ID = ""
		if !equalRequest(got[i], want[i]) {
			t.Errorf("request %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	got[0].Params.Set("SerialNumber", "changed")
	if w.Requests()[0].Params.Get("SerialNumber") != w.mfa.Serial() {
		t.Error("the record can be changed from outside")
	}
	if got := w.Calls(); len(got) != 2 || got["GetSessionToken"] != 2 || got["AssumeRole"] != 1 {
		t.Errorf("got calls %v", got)
	}
	w.ResetCalls()
	if got := w.CallCount("GetSessionToken") + len(w.Requests()) + len(w.Calls()); got != 0 {
		t.Errorf("after the reset: got %d", got)
	}
}

func TestDemo(t *testing.T) {
	clock := ststest.NewClock(start)
	s := ststest.New(clock.Now)
	defer s.Close()
	demo := s.AddDemo()
	w := &world{Server: s, clock: clock, mfa: s.Device(demo.MFASerial)}
	w.key = aws.Credentials{AccessKeyID: demo.AccessKeyID, SecretAccessKey: demo.SecretAccessKey}
	if got, want := w.mfa.Seed(), demo.MFASeed; got != want {
		t.Errorf("got seed %q, want %q", got, want)
	}
	if s.Device("nonsense") != nil {
		t.Error("got a device that is none")
	}
	for stage, most := range map[string]int32{"dev": 3600, "staging": 3600, "prod": 4 * 3600} {
		assume := func(seconds int32, code *string) string {
			in := &sts.AssumeRoleInput{RoleArn: aws.String(demo.Roles[stage]), RoleSessionName: aws.String("me"), DurationSeconds: aws.Int32(seconds)}
			if code != nil {
				in.SerialNumber, in.TokenCode = aws.String(demo.MFASerial), code
			}
			_, err := w.sts(w.key).AssumeRole(t.Context(), in)
			return outcome(err)
		}
		if got, want := assume(most, nil), "403 AccessDenied: User: "+demo.UserARN+" is not authorized to perform: sts:AssumeRole on resource: "+demo.Roles[stage]; got != want {
			t.Errorf("%s without MFA: got %s, want %s", stage, got, want)
		}
		if got := assume(most, aws.String(w.code())); got != "ok" {
			t.Errorf("%s: got %s", stage, got)
		}
		if got := assume(most+1, aws.String(w.code())); got != tooLongRole {
			t.Errorf("%s for longer: got %s", stage, got)
		}
	}
}

// Many callers at once each get their own, and an MFA code serves one.
func TestConcurrent(t *testing.T) {
	w := newWorld(t)
	role := w.AddRole(away, "Role", ststest.Trust{Principals: []string{home}, RequireMFA: true})
	code := w.code()
	const n = 20
	outcomes := make([]string, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			_, err := w.assume(t, w.key, role, func(in *sts.AssumeRoleInput) {
				in.SerialNumber, in.TokenCode = aws.String(w.mfa.Serial()), aws.String(code)
			})
			outcomes[i] = outcome(err)
			w.Requests()
			w.AddUser(home, outcomes[i])
		})
	}
	group.Wait()
	count := make(map[string]int)
	for _, o := range outcomes {
		count[o]++
	}
	if count["ok"] != 1 || count[badCode] != n-1 {
		t.Errorf("got %v", count)
	}
	if got := w.CallCount("AssumeRole"); got != n {
		t.Errorf("got %d calls, want %d", got, n)
	}
}
