package foreign

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestReadSSOCLI(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	write(t, path, `# of aws-sso-cli
SSOConfig:
    Default:
        SSORegion: us-east-1   # where it is
        StartUrl: "https://d-1.awsapps.com/start"
        AuthUrlAction: open
        Accounts:
            111111111111:
                Name: 'Log Archive'
                DefaultRegion: eu-west-1
                Tags:
                    Type: "a: b"
                Roles:
                    Admin:
                        Profile: log-admin
                    ReadOnly:
                        DefaultRegion: us-west-2
                        Via: arn:aws:iam::111111111111:role/Admin
            2222:
                Roles:
                    Admin:
    Other:
        SSORegion: eu-west-1
        StartUrl: https://d-2.awsapps.com/start
DefaultRegion: eu-central-1
UrlExecCommand:
    - /usr/bin/firefox
    - "%s"
ListFields: [AccountId, Arn]
Motd: |
    not: a key
LogLevel: error
`)
	got, err := ReadSSOCLI(path)
	want := []SSO{
		{Name: "Default", StartURL: "https://d-1.awsapps.com/start", SSORegion: "us-east-1", Region: "eu-central-1", Roles: []SSORole{
			{"111111111111", "Log Archive", "Admin", "log-admin", "eu-west-1", ""},
			{"111111111111", "Log Archive", "ReadOnly", "", "us-west-2", "arn:aws:iam::111111111111:role/Admin"},
			{"000000002222", "", "Admin", "", "eu-central-1", ""},
		}},
		{Name: "Other", StartURL: "https://d-2.awsapps.com/start", SSORegion: "eu-west-1", Region: "eu-central-1"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	for name, text := range map[string]string{
		"no mapping": "hello\n", "a value with keys": "a: b\n  c: d\n", "deep": deep(100), "no key": ": b\n", "open quote": "\"a: b\n",
	} {
		write(t, path, text)
		if got, err := ReadSSOCLI(path); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := ReadSSOCLI(path + "x"); got != nil || err != nil {
		t.Errorf("a missing file: %v, %v", got, err)
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
