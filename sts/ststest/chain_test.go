package ststest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/shellvault/vault/sts/ststest"
)

// Whom a role trusts among the sessions of roles.
func TestTrustInRoles(t *testing.T) {
	tests := []struct {
		name      string
		principal string
		want      bool
	}{
		{"role", "arn:aws:iam::333333333333:role/ops/First", true},
		{"session of the role", "arn:aws:sts::333333333333:assumed-role/First/first", true},
		{"the role's account", "333333333333", true},
		{"another session of the role", "arn:aws:sts::333333333333:assumed-role/First/other", false},
		{"another role", "arn:aws:iam::333333333333:role/Other", false},
		{"the account of the user behind it", home, false},
		{"the user behind it", "arn:aws:iam::111111111111:user/alice", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			first := w.AddRole("333333333333", "ops/First", ststest.Trust{Principals: []string{home}})
			second := w.AddRole(away, "Second", ststest.Trust{Principals: []string{test.principal}})
			out, err := w.assume(t, w.key, first, func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("first") })
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.assume(t, keysOf(out.Credentials), second, nil)
			if got := err == nil; got != test.want {
				t.Errorf("got %s, want trusted %t", outcome(err), test.want)
			}
		})
	}
}

// A chain keeps the source identity and the transitive tags.
func TestChainInherits(t *testing.T) {
	w := newWorld(t)
	first := w.AddRole(away, "First", ststest.Trust{Principals: []string{home}})
	second := w.AddRole(away, "Second", ststest.Trust{Principals: []string{away}, RequireSourceIdentity: true})
	out, err := w.assume(t, w.key, first, func(in *sts.AssumeRoleInput) {
		in.SourceIdentity = aws.String("alice")
		in.Tags = []types.Tag{{Key: aws.String("Team"), Value: aws.String("x")}, {Key: aws.String("own"), Value: aws.String("y")}}
		in.TransitiveTagKeys = []string{"Team"}
	})
	if err != nil {
		t.Fatal(err)
	}
	key := keysOf(out.Credentials)
	tests := []struct {
		name string
		in   func(*sts.AssumeRoleInput)
		want string
	}{
		{"nothing new", nil, "ok"},
		{"same identity", func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("alice") }, "ok"},
		{"another identity", func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("mallory") },
			"403 AccessDenied: User: arn:aws:sts::222222222222:assumed-role/First/test is not authorized to perform: sts:SetSourceIdentity on resource: " + second.ARN()},
		{"a tag that was not transitive", func(in *sts.AssumeRoleInput) { tagOne("own", "z")(w, in) }, "ok"},
		{"a transitive tag", func(in *sts.AssumeRoleInput) { tagOne("TEAM", "z")(w, in) },
			"400 InvalidParameterValue: One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."},
	}
	for _, test := range tests {
		out, err := w.assume(t, key, second, test.in)
		if got := outcome(err); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if err != nil {
			continue
		}
		if got := aws.ToString(out.SourceIdentity); got != "alice" {
			t.Errorf("%s: source identity %q", test.name, got)
		}
		_, err = w.assume(t, keysOf(out.Credentials), second, func(in *sts.AssumeRoleInput) { tagOne("team", "z")(w, in) })
		if got, want := outcome(err), tests[len(tests)-1].want; got != want {
			t.Errorf("%s, and on with the transitive tag: got %s, want %s", test.name, got, want)
		}
	}
}

// A role may ask for MFA that is not older than a limit.
func TestMaxMFAAge(t *testing.T) {
	w := newWorld(t)
	role := w.AddRole(away, "Role", ststest.Trust{Principals: []string{home}, MaxMFAAge: time.Hour})
	if _, err := w.assume(t, w.session(t, false), role, nil); err == nil {
		t.Error("assumed without MFA")
	}
	key := w.session(t, true)
	w.clock.Advance(time.Hour - time.Second)
	if _, err := w.assume(t, key, role, nil); err != nil {
		t.Error(err)
	}
	w.clock.Advance(time.Second)
	if _, err := w.assume(t, key, role, nil); err == nil {
		t.Error("assumed with MFA of an hour ago")
	}
}

// Changing a role keeps its id; a code is spent by a call that is refused.
func TestRoleEdited(t *testing.T) {
	w := newWorld(t)
	role := w.AddRole(away, "Role", ststest.Trust{})
	code := w.code()
	withCode := func(in *sts.AssumeRoleInput) {
		in.SerialNumber, in.TokenCode = aws.String(w.mfa.Serial()), aws.String(code)
	}
	if _, err := w.assume(t, w.key, role, withCode); !strings.HasPrefix(outcome(err), aliceDenied) {
		t.Errorf("got %s", outcome(err))
	}
	edited := w.AddRole(away, "Role", ststest.Trust{Principals: []string{home}})
	if edited != role {
		t.Error("the role was replaced")
	}
	if _, err := w.assume(t, w.key, role, withCode); outcome(err) != badCode {
		t.Errorf("got %s, want %s", outcome(err), badCode)
	}
	if _, err := w.assume(t, w.key, role, nil); err != nil {
		t.Error(err)
	}
}
