package sts

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/shellvault/vault/sts/ststest"
)

// sessionAt is the step that asks a URL for a session.
func sessionAt(endpoint string) Step {
	return Step{Action: GetSessionToken, Profile: "base", Duration: time.Hour, Region: "us-east-1", Endpoint: endpoint}
}

func TestCallClosedPort(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	listener.Close()
	w := newWorld(t)
	_, err = w.client.Call(t.Context(), w.key, sessionAt("http://"+host), "")
	var call *CallError
	if !errors.As(err, &call) || call.Host != host || call.Code != "" || call.AccessKeyID != w.key.AccessKeyID || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %#v", err)
	}
	if want := "GetSessionToken: cannot reach " + host + ": connect: connection refused"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if _, err := w.client.Caller(t.Context(), w.key, "", "http://"+host); !errors.As(err, &call) || call.Host != host {
		t.Errorf("Caller: error %v", err)
	}
}

// A connection that breaks is tried again, at most twice.
func TestCallRetried(t *testing.T) {
	for name, failure := range map[string]ststest.Failure{
		"dropped":     {Drop: true},
		"lost":        {Lose: true},
		"unavailable": {Code: "ServiceUnavailable", Status: 503},
		"broken":      {Code: "InternalFailure", Status: 500},
		"throttled":   {Code: "Throttling", Message: "Rate exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.aws.Fail("GetSessionToken", failure, 2)
			if _, err := w.client.Call(t.Context(), w.key, sessionAt(w.aws.URL()), ""); err != nil {
				t.Error(err)
			}
			if n := w.aws.CallCount("GetSessionToken"); n != 3 {
				t.Errorf("%d calls", n)
			}
			w.aws.Fail("GetSessionToken", failure, -1)
			_, err := w.client.Call(t.Context(), w.key, sessionAt(w.aws.URL()), "")
			var call *CallError
			if !errors.As(err, &call) || call.Code != failure.Code || "http://"+call.Host != w.aws.URL() || (call.RequestID == "") != (failure.Code == "") {
				t.Errorf("error %+v", err)
			}
			if n := w.aws.CallCount("GetSessionToken"); n != 6 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// What fails offline fails soon: three attempts wait less than half a second
// between them where a connection fails, and where there is no way at all
// there is one.
func TestBackoff(t *testing.T) {
	refused := &url.Error{Op: "Post", URL: "https://x", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}}
	throttled := &smithy.GenericAPIError{Code: "Throttling"}
	for range 1000 {
		for attempt := 1; attempt <= 2; attempt++ {
			if d, err := backoff(attempt, refused); err != nil || d < 0 || d > 200*time.Millisecond {
				t.Fatalf("after a refused connection: %s, %v", d, err)
			}
			if d, err := backoff(attempt, throttled); err != nil || d < 0 || d > time.Second {
				t.Fatalf("when throttled: %s, %v", d, err)
			}
		}
	}
	for _, tt := range []struct {
		err  error
		want aws.Ternary
	}{
		{refused, aws.UnknownTernary},
		{throttled, aws.UnknownTernary},
		{&url.Error{Err: &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}}, aws.FalseTernary},
		{&url.Error{Err: &net.OpError{Op: "dial", Err: &net.DNSError{IsTemporary: true}}}, aws.FalseTernary},
		{&url.Error{Err: &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}}, aws.FalseTernary},
		{&url.Error{Err: &tls.CertificateVerificationError{Err: errors.New("x509")}}, aws.FalseTernary},
		{&url.Error{Err: proxyError(407)}, aws.FalseTernary},
		{&url.Error{Err: proxyError(503)}, aws.UnknownTernary},
		{&url.Error{Err: &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}}, aws.UnknownTernary},
	} {
		if got := hopeless(tt.err); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{IsNotFound: true}, "cannot reach h: the name is not known"},
		{&net.DNSError{IsTemporary: true}, "cannot reach h: the name cannot be looked up"},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "cannot reach h: no answer in time"},
		{context.DeadlineExceeded, "cannot reach h: no answer in time"},
		{io.EOF, "cannot reach h: the connection broke"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "cannot reach h: the connection broke"},
		{errors.New("odd"), "cannot reach h: odd"},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("refused")}, "cannot reach h: the proxy: refused"},
	} {
		got := unreachable(&url.Error{Op: "Post", URL: "https://h/?secret", Err: tt.err}, "h")
		if got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestCallCanceled(t *testing.T) {
	w := newWorld(t)
	gate := ststest.NewGate()
	defer gate.Open()
	w.aws.Fail("*", ststest.Failure{Gate: gate}, -1)
	for _, code := range []string{"", "123456"} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-gate.Arrived
			cancel()
		}()
		s := sessionAt(w.aws.URL())
		s.MFASerial = w.mfa.Serial()
		if _, err := w.client.Call(ctx, w.key, s, code); err != context.Canceled {
			t.Errorf("error %#v", err)
		}
		if _, err := w.client.Call(ctx, w.key, s, code); err != context.Canceled {
			t.Errorf("when canceled before: error %#v", err)
		}
	}
	// A deadline of the caller's is no answer in time.
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := w.client.Call(ctx, w.key, sessionAt(w.aws.URL()), "")
	var call *CallError
	if !errors.As(err, &call) || !errors.Is(err, context.DeadlineExceeded) || !strings.HasSuffix(call.Message, "no answer in time") {
		t.Errorf("error %v", err)
	}
}

// Something that is not AWS may answer: a proxy, the page of a hotel.
func TestCallNotAWS(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		text   string
		want   string
	}{
		"a page":          {200, "<html><body>Welcome</body></html>", "answered HTTP 200, and not as AWS does"},
		"nothing":         {200, "", "AWS answered without credentials"},
		"another answer":  {200, "<GetSessionTokenResponse><GetSessionTokenResult/></GetSessionTokenResponse>", "AWS answered without credentials"},
		"half an answer":  {200, "<GetSessionTokenResponse><GetSessionTokenResult><Credentials><AccessKeyId>A", "answered HTTP 200, and not as AWS does"},
		"elsewhere":       {302, "", "answered HTTP 302, and not as AWS does"},
		"forbidden":       {403, "<html>secret of the proxy</html>", "answered HTTP 403, and not as AWS does"},
		"no XML":          {400, "{}", "answered HTTP 400, and not as AWS does"},
		"nothing at all":  {404, "", "answered HTTP 404, and not as AWS does"},
		"a bad gateway":   {502, "Bad Gateway", "answered HTTP 502, and not as AWS does"},
		"another's error": {400, "<ErrorResponse><Error><Code>Odd\x1b[31m</Code><Message>one\n  two</Message></Error></ErrorResponse>", "answered HTTP 400, and not as AWS does"},
		"a long error":    {400, "<ErrorResponse><Error><Code>Odd</Code><Message>one\n  two&#x9b;31m.</Message></Error></ErrorResponse>", "Odd: one two31m"},
		"no end":          {200, "<x>" + strings.Repeat("x", 2<<20), "answered HTTP 200, and not as AWS does"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.text)
			}))
			defer server.Close()
			client := &AWS{Now: time.Now}
			_, err := client.Call(t.Context(), credentials("ASIA1"), sessionAt(server.URL), "")
			var call *CallError
			if !errors.As(err, &call) || !strings.HasSuffix(err.Error(), tt.want) {
				t.Fatalf("error %q, want %q", err, tt.want)
			}
			if call.Host != strings.TrimPrefix(server.URL, "http://") || strings.Contains(err.Error(), "SDK") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, host %q", err, call.Host)
			}
		})
	}
}

func TestCallNoCall(t *testing.T) {
	w := newWorld(t)
	if _, err := w.client.Call(t.Context(), w.key, Step{Action: StoredKeys}, ""); err == nil {
		t.Error("StoredKeys is a call")
	}
	w.client.FIPS = true
	_, err := w.client.Call(t.Context(), w.key, sessionAt(w.aws.URL()), "")
	if want := "GetSessionToken: FIPS and custom endpoint are not supported"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	w.calls(0)
}

// Connections are kept, but not for a call that can be made only once.
func TestCallConnections(t *testing.T) {
	w := newWorld(t)
	s := sessionAt(w.aws.URL())
	s.MFASerial = w.mfa.Serial()
	code, _ := w.mfa.Unused()
	for i, tt := range []struct {
		code   string
		reused bool
	}{{"", false}, {"", true}, {code, false}, {"", true}} {
		idle := make(chan error, 1)
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GotConn: func(c httptrace.GotConnInfo) {
				if c.Reused != tt.reused {
					t.Errorf("call %d: on a connection that was used before: %t, want %t", i+1, c.Reused, tt.reused)
				}
			},
			PutIdleConn: func(err error) { idle <- err },
		})
		if _, err := w.client.Call(ctx, w.key, s, tt.code); err != nil {
			t.Fatal(err)
		}
		if err := <-idle; err != nil {
			t.Error(err)
		}
	}
}
