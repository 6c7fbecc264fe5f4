package cmd_test

import (
	"strings"
	"testing"
)

// TestSetupProcess has the AWS CLI ask vault by the lines that setup writes,
// and shows why it writes none where another setting wins.
func TestSetupProcess(t *testing.T) {
	aws := awsCLI(t)
	w := newWorld(t)
	w.store("simple")
	caller := func(profile string) result {
		t.Helper()
		return w.run("", w.environ("AWS_EC2_METADATA_DISABLED=true"), aws[0], append(aws[1:], "sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", profile)...)
	}
	if r := caller("simple"); r.code == 0 {
		t.Fatalf("there are credentials before: %+v", r)
	}
	w.vault("setup", "credential-process", "simple", "--yes").check(t, "simple", 0)
	w.vault("setup", "credential-process", "plain", "--as", "plain-sdk", "--yes").check(t, "plain-sdk", 0)
	for profile, want := range map[string]string{"simple": "arn:aws:iam::111111111111:user/alice\n", "plain-sdk": "arn:aws:sts::222222222222:assumed-role/Developer/"} {
		if r := caller(profile); r.code != 0 || !strings.HasPrefix(r.stdout, want) {
			t.Errorf("%s: %+v, want %s", profile, r, want)
		}
	}
	if !strings.Contains(w.read(".aws/config"), "\n[profile plain-sdk]\ncredential_process = "+binary+" credential-process plain\nregion = eu-west-1\n") {
		t.Errorf("the config is\n%s", w.read(".aws/config"))
	}

	// What refusing is for: beside role_arn the line is not even run.
	w.config(w.read(".aws/config") + "\n[profile both]\nrole_arn = arn:aws:iam::222222222222:role/Developer\nsource_profile = simple\nregion = eu-west-1\ncredential_process = touch " + w.home + "/was-run\n")
	if r := caller("both"); r.code != 0 || w.has("was-run") {
		t.Errorf("beside role_arn credential_process counts: %+v", r)
	}
}
