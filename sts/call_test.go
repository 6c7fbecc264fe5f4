package sts

import (
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// All that a step says of a role gets to AWS.
func TestCallRole(t *testing.T) {
	w := newWorld(t)
	role := w.aws.AddRole("222222222222", "strict", ststest.Trust{Principals: []string{"111111111111"}, ExternalID: "ee", RequireMFA: true, RequireSourceIdentity: true})
	s := Step{Action: AssumeRole, RoleARN: role.ARN(), Duration: 20 * time.Minute, Region: "eu-west-1", Endpoint: w.aws.URL(), MFASerial: w.mfa.Serial(),
		ExternalID: "ee", SessionName: "nn", SourceIdentity: "ii", Tags: []Tag{{"a", "1"}, {"b", ""}}, TransitiveTagKeys: []string{"b"}}
	code, _ := w.mfa.Unused()
	got, err := w.client.Call(t.Context(), w.key, s, code)
	if err != nil {
		t.Fatal(err)
	}
	if life := got.Expires.Sub(got.Issued); life != 20*time.Minute {
		t.Errorf("a life of %s", life)
	}
	r := w.aws.Requests()[0]
	want := map[string]string{"RoleArn": role.ARN(), "RoleSessionName": "nn", "DurationSeconds": "1200", "ExternalId": "ee", "SourceIdentity": "ii",
		"SerialNumber": w.mfa.Serial(), "TokenCode": r.Params.Get("TokenCode"), "Tags.member.1.Key": "a", "Tags.member.1.Value": "1",
		"Tags.member.2.Key": "b", "Tags.member.2.Value": "", "TransitiveTagKeys.member.1": "b"}
	for key := range r.Params {
		if r.Params.Get(key) != want[key] {
			t.Errorf("%s is %q, want %q", key, r.Params.Get(key), want[key])
		}
	}
	if len(r.Params) != len(want) || r.Region != "eu-west-1" {
		t.Errorf("parameters %v in %s", r.Params, r.Region)
	}
	// And no more than it says: AWS takes no empty ones.
	open := Step{Action: AssumeRole, RoleARN: w.roles["open"].ARN(), SessionName: "nn", Duration: time.Hour, Region: "us-east-1", Endpoint: w.aws.URL()}
	if _, err := w.client.Call(t.Context(), w.key, open, ""); err != nil {
		t.Fatal(err)
	}
	if r := w.aws.Requests()[1]; len(r.Params) != 3 {
		t.Errorf("parameters %v", r.Params)
	}
}
