package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts/endpoint"
)

const secretAddress = "https://signin.example.com/federation?SigninToken=canary"

// noFollow returns an answer as it is.
var noFollow = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{DisableKeepAlives: true},
}

func get(t *testing.T, method, address string, change func(*http.Request)) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	answer, err := noFollow.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}

func TestHandOffOnce(t *testing.T) {
	tests := []struct {
		name   string
		method string
		path   string // in place of the address's own
		change func(*http.Request)
		want   int
	}{
		{"other path", "GET", "/", nil, 404},
		{"HEAD", "HEAD", "", nil, 405},
		{"POST", "POST", "", nil, 405},
		{"rebound name", "GET", "", func(r *http.Request) { r.Host = "evil.example.com" }, 403},
		{"localhost", "GET", "", func(r *http.Request) { r.Host = "localhost:" + r.URL.Port() }, 403},
		{"from a page", "GET", "", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		{"linked", "GET", "", func(r *http.Request) { r.Header.Set("Referer", "https://evil.example.com/") }, 403},
		{"proxied", "GET", "", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") }, 403},
		{"the browser", "GET", "", nil, 303},
	}
	err := endpoint.HandOff(t.Context(), keystore.NewSecret(secretAddress), time.Minute, func(address string) error {
		if strings.Contains(address, "canary") {
			t.Errorf("the address is handed over: %s", address)
		}
		for _, tt := range tests {
			at := address
			if tt.path != "" {
				at = address[:strings.LastIndexByte(address, '/')] + tt.path
			}
			answer := get(t, tt.method, at, tt.change)
			if answer.StatusCode != tt.want {
				t.Errorf("%s: got HTTP %d, want %d", tt.name, answer.StatusCode, tt.want)
			}
			if got := answer.Header.Get("Location"); (got == secretAddress) != (tt.want == 303) {
				t.Errorf("%s: leads to %q", tt.name, got)
			}
		}
		if answer := get(t, "GET", address, nil); answer.StatusCode != 410 {
			t.Errorf("a second time: got HTTP %d, want 410", answer.StatusCode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHandOffNobodyComes(t *testing.T) {
	err := endpoint.HandOff(t.Context(), keystore.NewSecret(secretAddress), time.Millisecond, func(string) error { return nil })
	if !errors.Is(err, endpoint.ErrNotFetched) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = endpoint.HandOff(ctx, keystore.NewSecret(secretAddress), time.Minute, func(string) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
