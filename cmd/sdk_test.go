package cmd_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// botocore returns a python with the SDK that is beneath boto3 and the AWS CLI,
// or skips the test.
func botocore(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(python, "-c", "import botocore.session").Run()
	}
	if err != nil {
		t.Skipf("there is no python3 with botocore: %v", err)
	}
	return python
}

// asking prints how the SDK has found its credentials, whose they are and the
// region of the metadata service, or, with a number, gets credentials until it
// has had so many keys.
const asking = `
import sys, time, botocore.session, botocore.utils
session = botocore.session.Session()
credentials = session.get_credentials()
if sys.argv[1] == "who":
    who = session.create_client("sts", region_name="eu-west-1").get_caller_identity()
    print(credentials.method, who["Arn"].split("/")[1], botocore.utils.IMDSRegionProvider(session).provide())
else:
    seen = set()
    while len(seen) < int(sys.argv[1]):
        seen.add(credentials.get_frozen_credentials().access_key)
        time.sleep(0.1)
    print(credentials.method, len(seen), "keys")
`

// TestSDK has the real botocore take credentials by each way that vault gives
// them to programs, once, and in one process until they have been renewed.
func TestSDK(t *testing.T) {
	python := botocore(t)
	ways := []struct {
		name   string
		run    string // $@ is the program
		method string
		region string
		age    bool // and until they have been renewed
	}{
		{"line", `AWS_PROFILE=line "$@"`, "custom-process", "None", true},
		{"line of AWS CLI", `AWS_DEFAULT_PROFILE=line "$@"`, "custom-process", "None", false},
		{"exec", `vault exec plain -- "$@"`, "env", "None", false},
		{"exec --serve", `vault exec --serve plain -- "$@"`, "container-role", "None", true},
		{"use --serve", `eval "$(vault use --serve plain --shell bash)"; "$@"`, "container-role", "None", false},
		{"use --dynamic", `eval "$(vault use --dynamic plain --shell bash)"; "$@"`, "custom-process", "None", true},
		{"use --dynamic, another", `eval "$(vault use --dynamic simple --shell bash)"; AWS_PROFILE=plain "$@"`, "custom-process", "None", false},
		{"serve", `rm -f env; vault serve plain >env & while ! test -s env; do :; done; . ./env; "$@"; kill $!`, "container-role", "None", false},
		{"serve --imds", `rm -f env; vault serve plain --imds --bind 127.0.0.1:0 >env & while ! test -s env; do :; done; . ./env
			AWS_EC2_METADATA_DISABLED=false "$@"; kill $!`, "iam-role", "eu-west-1", false},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.store("simple")
			w.config(w.read(".aws/config") + "\n[profile line]\nregion = eu-west-1\ncredential_process = vault credential-process plain\n")
			ask := func(what string) string {
				t.Helper()
				r := w.run("", w.environ("AWS_EC2_METADATA_DISABLED=true"), "bash", "-c", way.run, "bash", python, "-c", asking, what)
				if r.code != 0 || strings.Contains(r.stderr, "Traceback") {
					t.Errorf("%s: exit code %d\n%s", what, r.code, r.stderr)
				}
				return lastLine(r.stdout)
			}
			if got, want := ask("who"), way.method+" Developer "+way.region; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if !way.age || testing.Short() {
				return
			}
			w.aws.SetLife(10 * time.Second) // of which 0.8 are the least to be given out
			if r := w.vault("clear"); r.code != 0 {
				t.Fatalf("%+v", r)
			}
			if got, want := ask("2"), way.method+" 2 keys"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
