package ststest_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/shellvault/vault/sts/ststest"
)

// The AWS CLI signs by itself, so it shows that the verifier is not only of
// one mind with the Go SDK.
func TestAWSCLI(t *testing.T) {
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no aws on PATH")
	}
	s := ststest.New(nil)
	defer s.Close()
	demo := s.AddDemo()
	run := func(key aws.Credentials, args ...string) ([]byte, string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), path, args...)
		dir := t.TempDir()
		c.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
			"AWS_ENDPOINT_URL=" + s.URL(), "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
			"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=",
			"AWS_ACCESS_KEY_ID=" + key.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + key.SecretAccessKey,
		}
		if key.SessionToken != "" {
			c.Env = append(c.Env, "AWS_SESSION_TOKEN="+key.SessionToken)
		}
		var fault strings.Builder
		c.Stderr = &fault
		out, err := c.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return out, strings.TrimSpace(fault.String())
	}
	key := aws.Credentials{AccessKeyID: demo.AccessKeyID, SecretAccessKey: demo.SecretAccessKey}
	code := s.Device(demo.MFASerial).Code(s.Now())
	out, fault := run(key, "sts", "assume-role", "--output=json", "--role-arn", demo.Roles["prod"],
		"--role-session-name", "cli", "--duration-seconds", "14400", "--serial-number", demo.MFASerial, "--token-code", code)
	var assumed struct {
		Credentials struct{ AccessKeyId, SecretAccessKey, SessionToken string }
	}
	if err := json.Unmarshal(out, &assumed); err != nil {
		t.Fatalf("%v: %s %s", err, out, fault)
	}
	got := assumed.Credentials
	out, fault = run(aws.Credentials{AccessKeyID: got.AccessKeyId, SecretAccessKey: got.SecretAccessKey, SessionToken: got.SessionToken},
		"sts", "get-caller-identity", "--output=text", "--query=Arn")
	if got, want := strings.TrimSpace(string(out)), "arn:aws:sts::444444444444:assumed-role/Admin/cli"; got != want {
		t.Errorf("got %q %s, want %q", got, fault, want)
	}
	_, fault = run(key, "sts", "assume-role", "--role-arn", demo.Roles["dev"], "--role-session-name", "cli")
	if want := "(AccessDenied) when calling the AssumeRole operation: User: " + demo.UserARN + " is not authorized to perform: sts:AssumeRole on resource: " + demo.Roles["dev"]; !strings.Contains(fault, want) {
		t.Errorf("got %s, want %s", fault, want)
	}
	key.SecretAccessKey = strings.Repeat("x", 40)
	if _, fault = run(key, "sts", "get-caller-identity"); !strings.Contains(fault, "(SignatureDoesNotMatch)") {
		t.Errorf("got %s", fault)
	}
}
