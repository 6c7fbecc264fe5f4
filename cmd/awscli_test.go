package cmd_test

import (
	"fmt"
	"os/exec"
	"testing"
)

// oldCLI runs an AWS CLI that does not know AWS_ENDPOINT_URL yet, with all its
// clients at that address.
const oldCLI = `
import os, sys
import awscli.clidriver
from botocore.session import Session # the one that the CLI uses

create = Session.create_client
def there(self, *args, **options):
    options["endpoint_url"] = os.environ["AWS_ENDPOINT_URL"]
    return create(self, *args, **options)
Session.create_client = there
sys.exit(awscli.clidriver.main())
`

// awsCLI returns the words that run the AWS CLI against the AWS of a world.
func awsCLI(t *testing.T) []string {
	t.Helper()
	aws := need(t, "aws")
	out, err := exec.Command(aws, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(out), "aws-cli/%d.%d", &major, &minor); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// The AWS CLI's changelog: AWS_ENDPOINT_URL since 1.29 and 2.13.
	if major == 1 && minor < 29 || major == 2 && minor < 13 {
		return []string{need(t, "python3"), "-c", oldCLI}
	}
	return []string{aws}
}
