package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/shellvault/vault/sts/ststest"
)

// announced is the line that the program prints.
type announced struct {
	ststest.Demo
	ControlToken string `json:"control_token"`
}

// start runs the program and returns what it announces. stop closes its
// standard input; the channel gets its status.
func start(t *testing.T, args ...string) (got announced, stop func(), status <-chan int) {
	t.Helper()
	stdin, stop1 := io.Pipe()
	stdout, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(args, stdin, w, os.Stderr)
		w.Close()
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return got, func() { stop1.Close() }, ended
}

func TestDemo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addr")
	got, stop, status := start(t, "-addr-file", file, "-stdin-eof", "-life", "20s")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(content), got.URL+"\n"; got != want {
		t.Errorf("got %q in the file, want %q", got, want)
	}
	if len(got.AccessKeyID) != 20 || len(got.SecretAccessKey) != 40 || len(got.MFASeed) != 64 {
		t.Errorf("got %+v", got)
	}
	want := map[string]string{
		"dev":     "arn:aws:iam::222222222222:role/Developer",
		"staging": "arn:aws:iam::333333333333:role/Deployer",
		"prod":    "arn:aws:iam::444444444444:role/Admin",
	}
	if !maps.Equal(got.Roles, want) {
		t.Errorf("got roles %v, want %v", got.Roles, want)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, got.URL+"/_control/mfa?serial="+got.MFASerial, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+got.ControlToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	code, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || len(strings.TrimSpace(string(code))) != 6 {
		t.Errorf("got %s %q, %v", answer.Status, code, err)
	}
	if expires := sessionExpiry(t, got.Demo); time.Until(expires) > 20*time.Second {
		t.Errorf("a session lasts until %s", expires)
	}
	stop()
	if got := <-status; got != 0 {
		t.Errorf("got status %d", got)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// sessionExpiry returns when a session of the user, issued now, ends.
func sessionExpiry(t *testing.T, demo ststest.Demo) time.Time {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, demo.URL+"/?Action=GetSessionToken&Version=2011-06-15", nil)
	if err != nil {
		t.Fatal(err)
	}
	key := aws.Credentials{AccessKeyID: demo.AccessKeyID, SecretAccessKey: demo.SecretAccessKey}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if err := v4.NewSigner().SignHTTP(t.Context(), key, r, empty, "sts", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var result struct {
		Expiration time.Time `xml:"GetSessionTokenResult>Credentials>Expiration"`
	}
	if err := xml.NewDecoder(answer.Body).Decode(&result); err != nil || result.Expiration.IsZero() {
		t.Fatalf("%s: %v", answer.Status, err)
	}
	return result.Expiration
}

// TestVisit signs a person in by the program in place of a browser, who agrees
// until the control endpoint says otherwise.
func TestVisit(t *testing.T) {
	got, stop, _ := start(t, "-stdin-eof")
	defer stop()
	post := func(path, body string) (answer map[string]any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, got.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+got.ControlToken)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusNoContent {
			return nil
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatalf("%s: %s: %v", path, response.Status, err)
		}
		return answer
	}
	client := post("/client/register", `{"clientName": "x", "clientType": "public"}`)
	who := fmt.Sprintf(`"clientId": %q, "clientSecret": %q`, client["clientId"], client["clientSecret"])
	var stderr strings.Builder
	signIn := func() map[string]any {
		t.Helper()
		device := post("/device_authorization", fmt.Sprintf(`{%s, "startUrl": %q}`, who, got.SSOStartURL))
		page, _ := device["verificationUriComplete"].(string)
		if code := run([]string{"-visit", page}, nil, io.Discard, &stderr); code != 0 {
			t.Errorf("status %d, %q", code, stderr.String())
		}
		return post("/token", fmt.Sprintf(`{%s, "grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": %q}`, who, device["deviceCode"]))
	}
	post("/_control/ssolife?seconds=77", "")
	if answer := signIn(); answer["accessToken"] == nil || answer["expiresIn"] != 77.0 {
		t.Errorf("got %v", answer)
	}
	post("/_control/sso?do=refuse", "")
	if answer := signIn(); answer["error"] != "access_denied" {
		t.Errorf("refused, got %v", answer)
	}
	if code := run([]string{"-visit", got.URL + "/device?user_code=none"}, nil, io.Discard, &stderr); code != 1 || stderr.String() != "fakeaws: the page answered HTTP 404\n" {
		t.Errorf("a wrong code: status %d, %q", code, stderr.String())
	}
}

func TestSignalEnds(t *testing.T) {
	got, _, status := start(t, "-seed", "none")
	if got.URL == "" || got.ControlToken == "" || got.AccessKeyID != "" {
		t.Errorf("got %+v", got)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-status; got != 0 {
		t.Errorf("got status %d", got)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"-seed", "other"}, {"extra"}, {"-life", "-1s"}} {
		var stdout, stderr strings.Builder
		if got := run(args, nil, &stdout, &stderr); got != 2 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "-addr-file") {
			t.Errorf("%q: got status %d, %q, %q", args, got, stdout.String(), stderr.String())
		}
	}
	var stdout, stderr strings.Builder
	args := []string{"-addr-file", filepath.Join(t.TempDir(), "none", "addr")}
	if got := run(args, nil, &stdout, &stderr); got != 1 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "fakeaws: ") {
		t.Errorf("got status %d, %q, %q", got, stdout.String(), stderr.String())
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(dir, "x"); err == nil {
		t.Error("a directory was replaced")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".fakeaws-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	if got := run([]string{"-h"}, nil, &stdout, &stderr); got != 0 {
		t.Errorf("got status %d", got)
	}
	if !slices.Contains(strings.Fields(stderr.String()), "-seed") {
		t.Errorf("got help %q", stderr.String())
	}
}

func TestTOTP(t *testing.T) {
	const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	before, err := ststest.TOTP(seed, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if got := run([]string{"-totp", seed}, nil, &stdout, &stderr); got != 0 || stderr.Len() > 0 {
		t.Errorf("got status %d, %q", got, stderr.String())
	}
	after, _ := ststest.TOTP(seed, time.Now())
	if got := strings.TrimSpace(stdout.String()); got != before && got != after {
		t.Errorf("got %q, want %q", got, after)
	}
	stdout.Reset()
	if got := run([]string{"-totp", "0189"}, nil, &stdout, &stderr); got != 1 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "fakeaws: ") {
		t.Errorf("got status %d, %q, %q", got, stdout.String(), stderr.String())
	}
}
