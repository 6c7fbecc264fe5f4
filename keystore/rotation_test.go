package keystore

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRotation(t *testing.T) {
	store := new(Memory)
	if _, err := GetRotation(t.Context(), store, "a/b"); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	old := UserKey{AccessKeyID: "AKIAOLD", SecretAccessKey: NewSecret("old secret"), MFASerial: "device"}
	made := UserKey{AccessKeyID: "AKIANEW", SecretAccessKey: NewSecret("new secret"), Created: began}
	for _, want := range []Rotation{
		{Stage: Begun, Began: began, ARN: "arn", Known: []string{"AKIAOLD"}, Old: old},
		{Stage: Begun, Began: began, ARN: "arn", Old: old},
		{Stage: Deactivated, Began: began, ARN: "arn", KeepOld: true, Old: old, New: made},
	} {
		if err := PutRotation(t.Context(), store, "a/b", want); err != nil {
			t.Fatal(err)
		}
		got, err := GetRotation(t.Context(), store, "a/b")
		if err != nil || got.Old.SecretAccessKey.Reveal() != want.Old.SecretAccessKey.Reveal() ||
			want.Stage != Begun && got.New.SecretAccessKey.Reveal() != want.New.SecretAccessKey.Reveal() {
			t.Fatalf("%+v, %v", got, err)
		}
		got.Old.SecretAccessKey, got.New.SecretAccessKey = want.Old.SecretAccessKey, want.New.SecretAccessKey
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if profiles, err := Profiles(t.Context(), store); err != nil || len(profiles) > 0 {
		t.Errorf("profiles %q, %v", profiles, err)
	}
	if profile, ok := RotationOf(RotationName("a/b")); !ok || profile != "a/b" {
		t.Errorf("profile %q, %v", profile, ok)
	}
	// A stage says that there is a new key: it is not kept without.
	if err := PutRotation(t.Context(), store, "a/b", Rotation{Stage: Stored, Old: old}); err == nil {
		t.Error("a rotation without its new key was kept")
	}
	for range 2 {
		if err := DeleteRotation(t.Context(), store, "a/b"); err != nil {
			t.Error(err)
		}
	}
}

func TestRotationDamaged(t *testing.T) {
	const key = `{"v":1,"access_key_id":"A","secret_access_key":"canary"}`
	for text, want := range map[string]error{
		"":                                ErrCorrupt,
		`{}`:                              ErrCorrupt,
		`{"v":2}`:                         ErrVersion,
		`{"v":1,"stage":"begun"}`:         ErrCorrupt,
		`{"v":1,"stage":"canary","old":%`: ErrCorrupt,
		fmt.Sprintf(`{"v":1,"stage":"other","old":%s}`, key):                                    ErrCorrupt,
		fmt.Sprintf(`{"v":1,"stage":"stored","old":%s}`, key):                                   ErrCorrupt,
		fmt.Sprintf(`{"v":1,"stage":"stored","old":%s,"new":{"v":2}}`, key):                     ErrVersion,
		fmt.Sprintf(`{"v":1,"stage":"switched","old":%s,"new":{"v":1,"access_key_id":1}}`, key): ErrCorrupt,
	} {
		store := new(Memory)
		if err := store.Set(t.Context(), RotationName("p"), NewSecret(text)); err != nil {
			t.Fatal(err)
		}
		_, err := GetRotation(t.Context(), store, "p")
		if !errors.Is(err, want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

// TestRebuildRotating makes an index anew: it says again which rotations are
// unfinished.
func TestRebuildRotating(t *testing.T) {
	store := new(Memory)
	key := UserKey{AccessKeyID: "AKIA", SecretAccessKey: NewSecret("x")}
	for _, profile := range []string{"a", "b"} {
		if err := PutUserKey(t.Context(), store, profile, key); err != nil {
			t.Fatal(err)
		}
	}
	if err := PutRotation(t.Context(), store, "b", Rotation{Stage: Begun, Old: key}); err != nil {
		t.Fatal(err)
	}
	path := indexPath(t)
	if err := RebuildIndex(t.Context(), path, "file", store); err != nil {
		t.Fatal(err)
	}
	ix, err := ReadIndex(path)
	if err != nil || len(ix.Keys) != 2 || ix.Keys["a"].Rotating || !ix.Keys["b"].Rotating {
		t.Errorf("%+v, %v", ix, err)
	}
}
