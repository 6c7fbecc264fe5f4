package sts

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
)

func TestContainerURL(t *testing.T) {
	for _, tt := range []struct{ relative, full, want, fails string }{
		{relative: "/v2/credentials/x", full: "http://127.0.0.1/y", want: "http://169.254.170.2/v2/credentials/x"},
		{relative: "@example.com/", fails: "is not a path"},
		{relative: "//example.com/", fails: "is not a path"},
		{full: "http://127.0.0.1:1234/x", want: "http://127.0.0.1:1234/x"},
		{full: "http://[::1]/x", want: "http://[::1]/x"},
		{full: "http://localhost:1/x", want: "http://localhost:1/x"},
		{full: "http://169.254.170.23/v1/credentials", want: "http://169.254.170.23/v1/credentials"},
		{full: "http://[fd00:ec2::23]/v1/credentials", want: "http://[fd00:ec2::23]/v1/credentials"},
		{full: "https://example.com/x", want: "https://example.com/x"},
		{full: "http://169.254.169.254/x", fails: `"169.254.169.254" is not asked`},
		{full: "http://example.com/x", fails: `"example.com" is not asked`},
		{full: "http://user:hidden@127.0.0.1/x", fails: "is not a URL"},
		{full: "ftp://127.0.0.1/x", fails: "is not a URL"},
		{fails: "neither"},
	} {
		got, err := ContainerURL(tt.relative, tt.full)
		if got != tt.want || (err == nil) != (tt.fails == "") || err != nil && (!strings.Contains(err.Error(), tt.fails) || strings.Contains(err.Error(), "hidden")) {
			t.Errorf("%q %q: %q, %v", tt.relative, tt.full, got, err)
		}
	}
}

// What answers as no machine should gives one line, and no secret in it.
func TestMachineAnswers(t *testing.T) {
	const keys = `"AccessKeyId":"ASIAX","SecretAccessKey":"hidden","Token":"hidden"`
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		fails   string
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		}, "HTTP 302"},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hidden")) }, "something else than credentials"},
		"ended": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{` + keys + `,"Expiration":"2020-01-01T00:00:00Z"}`))
		}, "ended at 2020-01-01T00:00:00Z"},
		"no key": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"Token":"hidden"}`)) }, "no access key"},
		"no end": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat("x", mostMachine+1)))
		}, "something else than credentials"},
		"no route": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "the connection broke"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
			_, err := Machine{Now: time.Now}.Container(t.Context(), server.URL+"/hidden", keystore.NewSecret("hidden"))
			if err == nil || !strings.Contains(err.Error(), tt.fails) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A role that the metadata service cannot assume, and a busy service.
func TestInstanceRole(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked++; {
		case r.Method == http.MethodPut && asked == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Method == http.MethodPut:
			_, _ = w.Write([]byte("token"))
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "token":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.EscapedPath(), "/My%20Role"):
			_, _ = w.Write([]byte(`{"Code":"AssumeRoleUnauthorizedAccess","Message":"hidden"}`))
		default:
			_, _ = w.Write([]byte("My Role\n"))
		}
	}))
	defer server.Close()
	_, err := Machine{Now: time.Now, Metadata: server.URL}.Instance(t.Context())
	if want := `the metadata service says "AssumeRoleUnauthorizedAccess" of role "My Role"`; err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}
