package ststest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/shellvault/vault/sts/ststest"
)

// An iamAnswer is what is looked at in an answer of IAM.
type iamAnswer struct {
	Code    string   `xml:"Error>Code"`
	ID      string   `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
	Secret  string   `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	IDs     []string `xml:"ListAccessKeysResult>AccessKeyMetadata>member>AccessKeyId"`
	Status  []string `xml:"ListAccessKeysResult>AccessKeyMetadata>member>Status"`
	Service string   `xml:"GetAccessKeyLastUsedResult>AccessKeyLastUsed>ServiceName"`
	Date    string   `xml:"GetAccessKeyLastUsedResult>AccessKeyLastUsed>LastUsedDate"`
	User    string   `xml:"GetUserResult>User>UserName"`
}

// iam asks IAM; params are NAME=VALUE.
func (w *world) iam(t *testing.T, key aws.Credentials, region, action string, params ...string) (a iamAnswer) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		form.Set(name, value)
	}
	body := form.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL()+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), key, r, hex.EncodeToString(sum[:]), "iam", region, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil {
		err = xml.Unmarshal(text, &a)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a
}

// TestAccessKeys goes through the life of a key.
func TestAccessKeys(t *testing.T) {
	w := newWorld(t)
	do := func(action string, params ...string) iamAnswer {
		t.Helper()
		return w.iam(t, w.key, "us-east-1", action, params...)
	}
	w.clock.Advance(time.Minute)
	w.SetKeyLag(2)
	made := do("CreateAccessKey", "UserName=alice")
	key := aws.Credentials{AccessKeyID: made.ID, SecretAccessKey: made.Secret}
	if got := do("GetAccessKeyLastUsed", "AccessKeyId="+made.ID); got.Service != "N/A" || got.Date != "" {
		t.Errorf("never used: %+v", got)
	}
	for i, want := range []string{invalidToken, invalidToken, "ok"} {
		if got := w.who(t, key); got != want {
			t.Errorf("call %d by a new key: %s, want %s", i, got, want)
		}
	}
	if got := do("GetAccessKeyLastUsed", "AccessKeyId="+made.ID); got.Service != "sts" || got.Date != "2030-05-06T07:09:09Z" {
		t.Errorf("used: %+v", got)
	}
	if got := do("CreateAccessKey"); got.Code != "LimitExceeded" {
		t.Errorf("a third key: %+v", got)
	}
	for id, want := range map[string]string{made.ID: "", "AKIAAAAAAAAAAAAAAAAA": "NoSuchEntity", "": "ValidationError"} {
		if got := do("UpdateAccessKey", "AccessKeyId="+id, "Status=Inactive"); got.Code != want {
			t.Errorf("%q: %+v", id, got)
		}
	}
	if got := do("UpdateAccessKey", "AccessKeyId="+made.ID, "Status=Off"); got.Code != "ValidationError" {
		t.Errorf("%+v", got)
	}
	if got := w.who(t, key); got != invalidToken {
		t.Errorf("an inactive key: %s", got)
	}
	list := do("ListAccessKeys")
	if strings.Join(list.IDs, " ") != w.key.AccessKeyID+" "+made.ID || strings.Join(list.Status, " ") != "Active Inactive" {
		t.Errorf("%+v", list)
	}
	if got := do("DeleteAccessKey", "AccessKeyId="+made.ID); got.Code != "" {
		t.Errorf("%+v", got)
	}
	if ids, active := w.alice.Keys(); len(ids) != 1 || !active[w.key.AccessKeyID] {
		t.Errorf("keys %q, %v", ids, active)
	}
	if got := do("GetUser"); got.User != "alice" {
		t.Errorf("%+v", got)
	}
}

// TestIAMPolicies denies what policies deny, and signatures that are not for
// IAM.
func TestIAMPolicies(t *testing.T) {
	w := newWorld(t)
	var bob aws.Credentials
	bob.AccessKeyID, bob.SecretAccessKey = w.AddUser(home, "bob").NewKey()
	plain, mfa := w.session(t, false), w.session(t, true)
	list := func(key aws.Credentials, params ...string) string {
		t.Helper()
		return w.iam(t, key, "us-east-1", "ListAccessKeys", params...).Code
	}
	for _, test := range []struct{ name, got, want string }{
		{"the key", list(w.key), ""},
		{"a session with MFA", list(mfa), ""},
		{"a session without", list(plain), "AccessDenied"},
		{"another user's", list(bob, "UserName=alice"), "AccessDenied"},
		{"another region", w.iam(t, w.key, "eu-west-1", "ListAccessKeys").Code, "SignatureDoesNotMatch"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
		}
	}
	w.alice.RequireMFA(true)
	if got := list(w.key); got != "AccessDenied" {
		t.Errorf("without MFA: %q", got)
	}
	if got := list(mfa); got != "" {
		t.Errorf("with MFA: %q", got)
	}
	w.alice.Deny("ListAccessKeys")
	if got := list(mfa); got != "AccessDenied" {
		t.Errorf("denied: %q", got)
	}
}

// TestAfter holds an answer until its gate opens; what was asked is done.
func TestAfter(t *testing.T) {
	w := newWorld(t)
	gate := ststest.NewGate()
	w.Fail("CreateAccessKey", ststest.Failure{After: gate}, 1)
	answered := make(chan iamAnswer, 1)
	go func() { answered <- w.iam(t, w.key, "us-east-1", "CreateAccessKey") }()
	<-gate.Arrived
	if ids, _ := w.alice.Keys(); len(ids) != 2 {
		t.Errorf("keys %q", ids)
	}
	select {
	case a := <-answered:
		t.Errorf("answered at once: %+v", a.Code)
	default:
	}
	gate.Open()
	if a := <-answered; a.ID == "" {
		t.Errorf("%+v", a)
	}
}
