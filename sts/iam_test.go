package sts

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts/ststest"
)

func TestUserName(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:iam::111111111111:user/alice":         "alice",
		"arn:aws-cn:iam::111111111111:user/ops/eu/bob": "bob",
		"arn:aws:iam::111111111111:root":               "",
	} {
		if got := UserName(arn); got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}

// keys are those of the world's user.
func (w *world) keys() Keys {
	return Keys{IAM: w.client, Partition: "aws", Endpoint: w.aws.URL(), User: "alice"}
}

func TestKeys(t *testing.T) {
	w := newWorld(t)
	keys := w.keys()
	made, err := keys.Create(t.Context(), w.key)
	if err != nil || len(made.AccessKeyID) != 20 || len(made.SecretAccessKey.Reveal()) != 40 || !made.Created.Equal(w.clock.Now()) {
		t.Fatalf("%+v, %v", made, err)
	}
	w.clock.Advance(time.Minute)
	if _, err := w.client.Caller(t.Context(), Credentials{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey}, "eu-west-1", w.aws.URL()); err != nil {
		t.Error(err)
	}
	var refused *CallError
	if _, err := keys.Create(t.Context(), w.key); !errors.As(err, &refused) || refused.Code != "LimitExceeded" || refused.Unsure() || refused.Step.Action != CreateAccessKey {
		t.Errorf("error %v", err)
	}
	if err := keys.Deactivate(t.Context(), w.key, made.AccessKeyID); err != nil {
		t.Error(err)
	}
	list, err := keys.List(t.Context(), w.key)
	if err != nil || len(list) != 2 || !list[0].Active || list[1].Active || list[1].ID != made.AccessKeyID || list[1].Created != made.Created {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := keys.LastUsed(t.Context(), w.key, &list[1]); err != nil || !list[1].Asked || !list[1].Used.Equal(w.clock.Now()) || list[1].Service != "sts" || list[1].Region != "eu-west-1" {
		t.Errorf("%+v, %v", list[1], err)
	}
	if err := keys.Delete(t.Context(), w.key, made.AccessKeyID); err != nil {
		t.Error(err)
	}
	if err := keys.Delete(t.Context(), w.key, made.AccessKeyID); !errors.As(err, &refused) || refused.Code != "NoSuchEntity" {
		t.Errorf("error %v", err)
	}
	var actions []string
	for _, r := range w.aws.Requests() {
		if r.Service == "iam" {
			actions = append(actions, r.Action+" "+r.Region)
		}
	}
	if want := []string{"CreateAccessKey us-east-1", "CreateAccessKey us-east-1", "UpdateAccessKey us-east-1", "ListAccessKeys us-east-1",
		"GetAccessKeyLastUsed us-east-1", "DeleteAccessKey us-east-1", "DeleteAccessKey us-east-1"}; !slices.Equal(actions, want) {
		t.Errorf("calls %q", actions)
	}
}

// TestIAMAgain makes a call again that failed in passing, and the one that
// makes a key only where AWS has not looked at it.
func TestIAMAgain(t *testing.T) {
	w := newWorld(t)
	keys := w.keys()
	var e *CallError
	for _, f := range []ststest.Failure{{Drop: true}, {Code: "ServiceFailure", Status: 500}, {Code: "Throttling", Status: 400}} {
		w.aws.Fail("ListAccessKeys", f, 2)
		if _, err := keys.List(t.Context(), w.key); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
		w.aws.ResetCalls()
		w.aws.Fail("CreateAccessKey", f, 1)
		made, err := keys.Create(t.Context(), w.key)
		if n := w.aws.CallCount("CreateAccessKey"); f.Code == "Throttling" && (err != nil || n != 2) || f.Code != "Throttling" && (!errors.As(err, &e) || !e.Unsure() || n != 1) {
			t.Errorf("%+v: %d calls, %v", f, n, err)
		}
		if err == nil {
			if err := keys.Delete(t.Context(), w.key, made.AccessKeyID); err != nil {
				t.Error(err)
			}
		}
	}
	w.aws.Fail("CreateAccessKey", ststest.Failure{Lose: true}, 1)
	if _, err := keys.Create(t.Context(), w.key); !errors.As(err, &e) || !e.Unsure() {
		t.Errorf("a lost answer: %v", err)
	}
	keys.Endpoint = "http://127.0.0.1:1"
	if _, err := keys.Create(t.Context(), w.key); !errors.As(err, &e) || e.Unsure() || !strings.Contains(e.Error(), "cannot reach 127.0.0.1:1") {
		t.Errorf("a connection that was refused: %v", err)
	}
	keys.Endpoint = "%"
	if _, err := keys.List(t.Context(), w.key); err == nil || !strings.Contains(err.Error(), `"%"`) {
		t.Errorf("no URL: %v", err)
	}
	// A clock that is wrong is corrected, also for the call that is made once.
	keys = w.keys()
	if list, err := keys.List(t.Context(), w.key); err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	} else if err := keys.Delete(t.Context(), w.key, list[1].ID); err != nil {
		t.Fatal(err)
	}
	w.aws.SetSkew(time.Hour)
	if _, err := keys.Create(t.Context(), w.key); err != nil {
		t.Errorf("AWS's clock is an hour ahead: %v", err)
	}
}

// TestIAMPartition signs for the region that IAM has in another partition.
func TestIAMPartition(t *testing.T) {
	w := newWorld(t)
	w.aws.SetPartition("333333333333", "aws-cn")
	id, secret := w.aws.AddUser("333333333333", "wei").NewKey()
	with := Credentials{AccessKeyID: id, SecretAccessKey: keystore.NewSecret(secret)}
	for partition, want := range map[string]bool{"aws-cn": true, "aws": false} {
		keys := Keys{IAM: w.client, Partition: partition, Endpoint: w.aws.URL(), User: "wei"}
		if list, err := keys.List(t.Context(), with); (err == nil && len(list) == 1) != want {
			t.Errorf("%s: %+v, %v", partition, list, err)
		}
	}
	if host, region := iamHost("aws", true); host != "iam-fips.amazonaws.com" || region != "us-east-1" {
		t.Errorf("%s %s", host, region)
	}
}
