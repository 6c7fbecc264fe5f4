package cmd_test

import (
	"strings"
	"testing"
)

func TestUseOnce(t *testing.T) {
	w := newWorld(t)
	w.store("bastion")
	r := w.vault("use", "dev", "--shell", "bash", "--mfa-code", w.code())
	if r.code != 0 || !strings.Contains(r.stdout, "'AWS_REGION' 'eu-west-1'") {
		t.Fatalf("%+v", r)
	}
	// The second switch, to another role, asks nobody.
	if r := w.vault("use", "prod", "--shell", "bash"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if n := w.aws.CallCount("GetSessionToken"); n != 1 {
		t.Errorf("GetSessionToken was called %d times", n)
	}
}
