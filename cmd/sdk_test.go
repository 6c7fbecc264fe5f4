package cmd_test

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// botocore returns a python with the SDK that is beneath boto3 and the AWS CLI,
// or skips the test.
func botocore(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} { // one of them is the system's, with its packages
		if exec.Command(name, "-c", "import botocore.session").Run() == nil {
			return name
		}
	}
	if os.Getenv("CI") == "true" && runtime.GOOS == "linux" {
		t.Fatal("a python3 with botocore is needed")
	}
	t.Skip("there is no python3 with botocore")
	return ""
}

// asking prints how the SDK has found its credentials, whose they are and the
// region of the metadata service, or, with a number, gets credentials until it
// has had so many keys.
const asking = `
import os, sys, time, botocore.session, botocore.utils
session = botocore.session.Session()
credentials = session.get_credentials()
if sys.argv[1] == "who":
    # Before 1.31 it does not know the variable.
    who = session.create_client("sts", region_name="eu-west-1", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).get_caller_identity()
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

// TestAWSCLI has the AWS CLI take credentials where the environment holds none,
// and not those that lie in clear in its credentials file.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	aws := awsCLI(t)
	w := newWorld(t)
	w.store("simple")
	w.write(".aws/credentials", "[plain]\naws_access_key_id = AKIACANARYCANARYCANA\naws_secret_access_key = canary\n")
	const role, user = "arn:aws:sts::222222222222:assumed-role/Developer/tester@", "arn:aws:iam::111111111111:user/alice"
	for _, way := range []struct{ name, run, want string }{
		{"exec --serve", `vault exec --serve plain -- "$@"`, role},
		{"use --dynamic", `eval "$(vault use --dynamic plain --shell bash)"; "$@"`, role},
		{"use --dynamic, another", `eval "$(vault use --dynamic plain --shell bash)"; "$@" --profile simple`, user},
		{"serve --imds", `vault serve plain --imds --bind 127.0.0.1:0 >env & while ! test -s env; do :; done; . ./env
			AWS_EC2_METADATA_DISABLED=false AWS_DEFAULT_REGION=eu-west-1 "$@"; kill $!`, role},
	} {
		words := slices.Concat([]string{"-c", way.run, "bash"}, aws, []string{"sts", "get-caller-identity", "--query", "Arn", "--output", "text"})
		r := w.run("", w.environ("AWS_EC2_METADATA_DISABLED=true"), "bash", words...)
		if !strings.HasPrefix(lastLine(r.stdout), way.want) {
			t.Errorf("%s: got %q, want %s…\n%s", way.name, r.stdout, way.want, r.stderr)
		}
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
