package endpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/endpoint"
)

const (
	tokenHeader = "X-aws-ec2-metadata-token"
	lifeHeader  = "X-aws-ec2-metadata-token-ttl-seconds"
	rolesPath   = "/latest/meta-data/iam/security-credentials/"
	tokenPath   = "/latest/api/token"
)

// newInstance is a world whose server answers as EC2 does.
func newInstance(t *testing.T, about endpoint.Instance) *world {
	w := newWorld(t)
	l, err := endpoint.ListenInstance(endpoint.Loopback)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- w.server.ServeInstance(ctx, l, about) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	w.url = "http://" + l.Addr().String()
	return w
}

// token puts a request for a token.
func (w *world) token(seconds string) (int, string) {
	w.t.Helper()
	return w.ask(tokenPath, func(r *http.Request) {
		r.Method = http.MethodPut
		r.Header.Set(lifeHeader, seconds)
	})
}

// shows adds a token to a request.
func shows(token string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del("Authorization")
		r.Header.Set(tokenHeader, token)
	}
}

func TestInstance(t *testing.T) {
	w := newInstance(t, endpoint.Instance{Role: "team-dev", Region: "eu-west-1"})
	status, token := w.token("60")
	if status != 200 || len(token) < 32 {
		t.Fatalf("got HTTP %d %q", status, token)
	}
	credentials := `{"Code":"Success","LastUpdated":"2026-01-02T03:04:05Z","Type":"AWS-HMAC","AccessKeyId":"ASIA1","SecretAccessKey":"canary-secret","Token":"canary-token","Expiration":"2026-01-02T04:04:05Z"}` + "\n"
	for path, want := range map[string]string{
		rolesPath: "team-dev",
		"/latest/meta-data/iam/security-credentials": "team-dev",
		rolesPath + "team-dev":                       credentials,
		"/latest/meta-data/placement/region":         "eu-west-1",
		// As botocore asks, which takes the last letter away.
		"/latest/meta-data/placement/availability-zone/": "eu-west-1a",
		"/latest/dynamic/instance-identity/document":     `{"accountId":"222222222222","availabilityZone":"eu-west-1a","region":"eu-west-1","version":"2017-09-30"}` + "\n",
	} {
		if status, body := w.ask(path, shows(token)); status != 200 || body != want {
			t.Errorf("%s: got HTTP %d %s, want %s", path, status, body, want)
		}
	}
	for _, path := range []string{"/", "/latest/meta-data/iam/info", rolesPath + "other", rolesPath + "team-dev/x", "/credentials"} {
		if status, body := w.ask(path, shows(token)); status != 404 || strings.Contains(body, "canary") {
			t.Errorf("%s: got HTTP %d %s, want 404", path, status, body)
		}
	}

	// What cannot be had says why, as an answer.
	w.get = func(int64, string) (endpoint.Answer, error) { return endpoint.Answer{}, errors.New("type this") }
	w.server.Forget()
	if status, body := w.ask(rolesPath+"team-dev", shows(token)); status != 200 || body != `{"Code":"Failed","LastUpdated":"2026-01-02T03:04:05Z","Message":"told: type this"}`+"\n" {
		t.Errorf("got HTTP %d %s", status, body)
	}

	w = newInstance(t, endpoint.Instance{Role: "x"})
	_, token = w.token("60")
	if status, _ := w.ask("/latest/meta-data/placement/region", shows(token)); status != 404 {
		t.Errorf("an unknown region: got HTTP %d", status)
	}
}

// TestInstanceRenews checks that it is renewed as a container's endpoint is.
func TestInstanceRenews(t *testing.T) {
	w := newInstance(t, endpoint.Instance{Role: "x"})
	for n := int64(1); n < 5; n++ {
		_, token := w.token("1")
		_, body := w.ask(rolesPath+"x", shows(token))
		var got struct{ AccessKeyID string }
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.AccessKeyID != fmt.Sprintf("ASIA%d", n) || w.calls.Load() != n {
			t.Fatalf("round %d: got %s after %d calls", n, body, w.calls.Load())
		}
		w.clock.advance(59 * time.Minute)
	}
}

// TestInstanceGivesNothingAway asks as those do who shall get nothing.
func TestInstanceGivesNothingAway(t *testing.T) {
	w := newInstance(t, endpoint.Instance{Role: "x", Region: "eu-west-1"})
	_, token := w.token("60")
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			shows(token)(r)
			r.Header.Set(name, value)
		}
	}
	method := func(name string) func(*http.Request) {
		return func(r *http.Request) {
			shows(token)(r)
			r.Method = name
		}
	}
	putting := func(change func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			r.Method = http.MethodPut
			r.Header.Set(lifeHeader, "60")
			change(r)
		}
	}
	host := func(name string) func(*http.Request) {
		return func(r *http.Request) {
			shows(token)(r)
			r.Host = name
		}
	}
	port := w.url[strings.LastIndexByte(w.url, ':'):]
	attacks := []struct {
		name   string
		path   string
		change func(*http.Request)
		status int
	}{
		{"version 1", rolesPath, shows(""), 401},
		{"version 1, credentials", rolesPath + "x", shows(""), 401},
		{"version 1, nothing", "/latest", shows(""), 401},
		{"wrong token", rolesPath + "x", shows(strings.Repeat("A", len(token))), 401},
		{"longer token", rolesPath + "x", shows(token + "AAAA"), 401},
		{"shorter token", rolesPath + "x", shows(token[:len(token)-4]), 401},
		{"longer life", rolesPath + "x", shows("Z" + token[1:]), 401},
		{"no base64", rolesPath + "x", shows("%"), 401},
		{"endpoint's token", rolesPath + "x", func(*http.Request) {}, 401},
		{"rebound name", rolesPath + "x", host("evil.example.com"), 403},
		{"rebound name and port", rolesPath + "x", host("evil.example.com" + port), 403},
		{"localhost", rolesPath + "x", host("localhost" + port), 403},
		{"other port", rolesPath + "x", host("127.0.0.1:1"), 403},
		{"no port", rolesPath + "x", host("127.0.0.1"), 403},
		{"service's name and other port", rolesPath + "x", host("169.254.169.254" + port), 403},
		{"page", rolesPath + "x", header("Origin", "null"), 403},
		{"link", rolesPath + "x", header("Referer", "http://169.254.169.254/"), 403},
		{"proxy", rolesPath + "x", header("X-Forwarded-For", "127.0.0.1"), 403},
		{"empty proxy", rolesPath + "x", header("X-Forwarded-For", ""), 403},
		{"POST", rolesPath + "x", method("POST"), 405},
		{"HEAD", rolesPath + "x", method("HEAD"), 405},
		{"OPTIONS", rolesPath + "x", method("OPTIONS"), 405},
		{"PUT elsewhere", rolesPath + "x", method("PUT"), 405},
		{"token by GET", tokenPath, method("GET"), 405},
		{"token by POST", tokenPath, method("POST"), 405},
		{"preflight", tokenPath, method("OPTIONS"), 405},
		{"token for a page", tokenPath, putting(func(r *http.Request) { r.Header.Set("Origin", "http://x") }), 403},
		{"token for a proxy", tokenPath, putting(func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") }), 403},
		{"token for a rebound name", tokenPath, putting(func(r *http.Request) { r.Host = "evil.example.com" }), 403},
		{"token without a life", tokenPath, putting(func(r *http.Request) { r.Header.Del(lifeHeader) }), 400},
		{"token without life", tokenPath, putting(func(r *http.Request) { r.Header.Set(lifeHeader, "0") }), 400},
		{"token for a day", tokenPath, putting(func(r *http.Request) { r.Header.Set(lifeHeader, "86400") }), 400},
		{"token for words", tokenPath, putting(func(r *http.Request) { r.Header.Set(lifeHeader, "60s") }), 400},
	}
	for _, a := range attacks {
		if status, body := w.ask(a.path, a.change); status != a.status || strings.Contains(body, "canary") || strings.Contains(body, "ASIA") {
			t.Errorf("%s: got HTTP %d %s, want %d", a.name, status, body, a.status)
		}
	}
	if got := w.calls.Load(); got != 0 {
		t.Errorf("they caused %d calls", got)
	}
	for _, name := range []string{"169.254.169.254", "169.254.169.254:80"} {
		if status, body := w.ask(rolesPath, host(name)); status != 200 || body != "x" {
			t.Errorf("%s: got HTTP %d %s", name, status, body)
		}
	}
	// Those of another server, and those that are over, are no tokens.
	other := newInstance(t, endpoint.Instance{Role: "x"})
	if status, _ := other.ask(rolesPath, shows(token)); status != 401 {
		t.Errorf("another server's token: got HTTP %d", status)
	}
	w.clock.advance(time.Minute)
	if status, _ := w.ask(rolesPath, shows(token)); status != 401 {
		t.Errorf("a token that is over: got HTTP %d", status)
	}
}

// TestInstanceNear connects from an address that is not the one it connects to,
// as another machine does that has a way to this one.
func TestInstanceNear(t *testing.T) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var mine net.IP
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			mine = n.IP.To4()
		}
	}
	if mine == nil {
		t.Skip("this machine has no address beside the loopback's")
	}
	answers := func(l net.Listener, err error, serve func(context.Context, net.Listener) error, from net.IP) bool {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- serve(ctx, l) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			return false
		}
		text, _ := io.ReadAll(conn)
		return strings.HasPrefix(string(text), "HTTP/1.")
	}
	s := endpoint.New(time.Now, endpoint.Answer{Credentials: sts.Credentials{AccessKeyID: "ASIA"}}, nil, nil)
	instance := func(ctx context.Context, l net.Listener) error {
		return s.ServeInstance(ctx, l, endpoint.Instance{Role: "x"})
	}
	at := mine.String() + ":0"
	for _, tt := range []struct {
		at   string
		from net.IP
		want bool
	}{
		{endpoint.Loopback, net.IPv4(127, 0, 0, 2), true},
		{at, mine, true},
		{endpoint.Loopback, mine, false},
	} {
		l, err := endpoint.ListenInstance(tt.at)
		if got := answers(l, err, instance, tt.from); got != tt.want {
			t.Errorf("served at %s, asked from %s: got an answer %v, want %v", tt.at, tt.from, got, tt.want)
		}
	}
	l, err := endpoint.Listen(endpoint.Loopback)
	if !answers(l, err, s.Serve, mine) {
		t.Error("an endpoint with a token takes who comes from elsewhere")
	}
}
