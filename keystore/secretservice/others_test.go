package secretservice

import (
	"errors"
	"slices"
	"testing"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

func TestOthers(t *testing.T) {
	d := sstest.StartDaemon(t)
	d.Other("granted-aws-iam-credentials", map[string]string{"work": "one", "a/b|c\n": "two"})
	d.Other("elsewhere", map[string]string{"work": "three"})
	read := func(s *Store) (names, values []string) {
		t.Helper()
		others, err := s.Others(t.Context(), "granted-aws-iam-credentials")
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(others, func(a, b Other) int { return len(b.Name) - len(a.Name) })
		for _, o := range others {
			value, err := s.Other(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			names, values = append(names, o.Name), append(values, value.Reveal())
		}
		return names, values
	}
	wantNames, wantValues := []string{"a/b|c\n", "work"}, []string{"two", "one"}
	if names, values := read(open(t, d.Address, AskNobody)); !slices.Equal(names, wantNames) || !slices.Equal(values, wantValues) {
		t.Errorf("got %q, %q", names, values)
	}
	if others, err := open(t, d.Address, AskNobody).Others(t.Context(), "nosuch"); err != nil || others != nil {
		t.Errorf("no such collection: %v, %v", others, err)
	}

	// After a restart it is locked, and gnome-keyring knows no names.
	d.Restart()
	if _, err := open(t, d.Address, AskNobody).Others(t.Context(), "granted-aws-iam-credentials"); !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	s := open(t, d.Address, AskTerminal)
	s.Passphrase = answers(sstest.OtherPassphrase)
	if names, values := read(s); !slices.Equal(names, wantNames) || !slices.Equal(values, wantValues) {
		t.Errorf("unlocked: got %q, %q", names, values)
	}
}

func TestUnescapePath(t *testing.T) {
	for path, want := range map[string]string{
		"awsvault": "awsvault", "granted_2daws_2diam_2dcredentials": "granted-aws-iam-credentials", "a_5fb": "a_b", "a_": "a_", "a_zz": "a_zz", "_2d": "-",
	} {
		if got := unescapePath(path); got != want {
			t.Errorf("unescapePath(%q) = %q, want %q", path, got, want)
		}
	}
}
