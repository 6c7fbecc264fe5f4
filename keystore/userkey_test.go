package keystore

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestUserKey(t *testing.T) {
	store := new(Memory)
	full := UserKey{"AKIAIOSFODNN7EXAMPLE", NewSecret(`s/e+c"r\et`), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "arn:aws:iam::123456789012:mfa/me", NewSecret("GEZDGNBV")}
	if err := PutUserKey(t.Context(), store, "work", full); err != nil {
		t.Fatal(err)
	}
	value, err := store.Get(t.Context(), "key/work")
	const want = `{"v":1,"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"s/e+c\"r\\et",` +
		`"created":"2026-01-02T03:04:05Z","mfa_serial":"arn:aws:iam::123456789012:mfa/me","mfa_seed":"GEZDGNBV"}`
	if err != nil || value.Reveal() != want {
		t.Errorf("kept %s, %v", value.Reveal(), err)
	}
	got, err := GetUserKey(t.Context(), store, "work")
	if err != nil || !reflect.DeepEqual(got, full) {
		t.Errorf("got %+v, %v, want %+v", got, err, full)
	}
	if _, err := GetUserKey(t.Context(), store, "other"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `profile "other"`) {
		t.Errorf("error %v", err)
	}

	least := UserKey{AccessKeyID: "AKIA1", SecretAccessKey: NewSecret("s")}
	value, err = MarshalUserKey(least)
	if err != nil || value.Reveal() != `{"v":1,"access_key_id":"AKIA1","secret_access_key":"s"}` {
		t.Errorf("kept %s, %v", value.Reveal(), err)
	}
	if got, err := UnmarshalUserKey(value); err != nil || !reflect.DeepEqual(got, least) {
		t.Errorf("got %+v, %v, want %+v", got, err, least)
	}
	for _, k := range []UserKey{{}, {AccessKeyID: "AKIA1"}, {SecretAccessKey: NewSecret("s")}} {
		if err := PutUserKey(t.Context(), store, "work", k); err == nil {
			t.Errorf("kept %+v", k)
		}
	}
}

func TestUnmarshalUserKey(t *testing.T) {
	const canary = "canary7f3a"
	tests := []struct {
		value string
		err   error
	}{
		{`{"v":1,"access_key_id":"AKIA1","secret_access_key":"canary7f3a","new":{"a":[1]}}`, nil},
		{`{"v":2,"access_key_id":"AKIA1","secret_access_key":"canary7f3a"}`, ErrVersion},
		{`{"access_key_id":"AKIA1","secret_access_key":"canary7f3a"}`, ErrCorrupt},
		{`{"v":1,"access_key_id":"AKIA1"}`, ErrCorrupt},
		{`{"v":1,"secret_access_key":"canary7f3a"}`, ErrCorrupt},
		{`{"v":1,"access_key_id":"AKIA1","secret_access_key":"canary7f3a","created":"canary7f3a"}`, ErrCorrupt},
		{`{"v":"canary7f3a"}`, ErrCorrupt},
		{`canary7f3a`, ErrCorrupt},
		{``, ErrCorrupt},
		{`null`, ErrCorrupt},
	}
	for _, test := range tests {
		k, err := UnmarshalUserKey(NewSecret(test.value))
		if !errors.Is(err, test.err) {
			t.Errorf("%s: error %v, want %v", test.value, err, test.err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, k, k), canary) {
			t.Errorf("%s: prints the secret: %v %+v", test.value, err, k)
		}
		if test.err == nil && (k.AccessKeyID != "AKIA1" || k.SecretAccessKey.Reveal() != canary) {
			t.Errorf("%s: got %+v", test.value, k)
		}
	}
}

func TestProfiles(t *testing.T) {
	store := new(Memory)
	for _, key := range []string{KeyName("b"), KeyName("a/b"), sealingKeyName, "other/x", "key", KeyName("")} {
		mustSet(t, store, key, "x")
	}
	got, err := Profiles(t.Context(), store)
	if want := []string{"", "a/b", "b"}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Profiles() = %q, %v, want %q", got, err, want)
	}
}
