// Package ststest is a fake AWS on loopback, for tests and demos.
//
// It checks what the real one checks: SigV4 signatures and clocks, session
// tokens and their expiry, MFA codes and their single use, trust policies,
// durations and the shape of every parameter; it answers in AWS's own words.
// It holds a small world of users, MFA devices and roles that the test sets
// up, counts the calls that come in, and fails them on request.
//
//	clock := ststest.NewClock(time.Now())
//	aws := ststest.New(clock.Now)
//	defer aws.Close()
//	alice := aws.AddUser("111111111111", "alice")
//	id, secret := alice.NewKey()
//	device := alice.AddMFA("alice")
//	role := aws.AddRole("222222222222", "Admin", ststest.Trust{Principals: []string{"111111111111"}, RequireMFA: true})
//	// … the code under test, with aws.URL() as its endpoint and device.Code(clock.Now()) as its MFA code
//	aws.CallCount("AssumeRole")
//
// A signature is good for five minutes around the server's clock. Code whose
// SDK signs by the system's clock while New reads another finds that out from
// the first answer, as it would at AWS.
//
// A service that signs its requests is found by the credential scope of the
// signature and has an entry in services; one that does not is found by its
// path and has entries in routes. Each has a file of its own. The package
// knows nothing of the rest of this module.
package ststest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxBody is the longest request body that the server reads.
const maxBody = 1 << 20

// services holds the signed services by the name in their credential scope.
// A request for any other is answered by STS, which refuses the scope.
var services = map[string]func(*Server, http.ResponseWriter, *call){
	"iam": iamAPI.serve,
	"sts": stsAPI.serve,
}

// Server is a fake AWS on 127.0.0.1. All methods are safe for concurrent use.
type Server struct {
	now      func() time.Time
	url      string
	http     *http.Server
	serving  chan struct{}  // closed when the listener is gone
	handlers sync.WaitGroup // requests under way

	mu         sync.Mutex // guards what follows
	skew       time.Duration
	life       time.Duration
	control    string // token of the control endpoint, "" while it is off
	partitions map[string]string
	users      map[string]*User       // by ARN
	roles      map[string]*Role       // by ARN
	devices    map[string]*MFA        // by serial
	issuers    map[string]*Issuer     // by URL
	keys       map[string]*credential // by access key id
	keysMade   int
	keyLag     int
	signins    map[string]signin          // by sign-in token
	instance   *instance                  // nil where the server is no machine's
	centers    map[string]*IdentityCenter // by start URL
	clients    map[string]*ssoClient
	grants     map[string]*ssoGrant // by device code or authorization code
	requests   []*Request

	accessTokens, refreshTokens map[string]*ssoToken

	logins      map[string]*signedIn  // by refresh token, those that were replaced too
	loginsEnded string                // why AWS takes none of them, "" if it does
	failures    map[string][]*failing // by action
}

// New starts a server on a random port of 127.0.0.1. It reads the time from
// now, or from the system's clock where now is nil, and panics if it cannot
// listen, as httptest.NewServer does.
func New(now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("ststest: listen on loopback: %v", err))
	}
	s := &Server{
		now:        now,
		url:        "http://" + listener.Addr().String(),
		serving:    make(chan struct{}),
		partitions: make(map[string]string),
		users:      make(map[string]*User),
		roles:      make(map[string]*Role),
		devices:    make(map[string]*MFA),
		issuers:    make(map[string]*Issuer),
		keys:       make(map[string]*credential),
		signins:    make(map[string]signin),
		failures:   make(map[string][]*failing),
		centers:    make(map[string]*IdentityCenter),
		clients:    make(map[string]*ssoClient),
		grants:     make(map[string]*ssoGrant),

		accessTokens: make(map[string]*ssoToken), refreshTokens: make(map[string]*ssoToken),
		logins: make(map[string]*signedIn),
	}
	s.http = &http.Server{Handler: http.HandlerFunc(s.handle), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.serving)
		_ = s.http.Serve(listener) // ends with http.ErrServerClosed, by Close
	}()
	return s
}

// URL returns the endpoint, http://127.0.0.1:PORT.
func (s *Server) URL() string { return s.url }

// Close ends the server, with the calls that still hang in it.
func (s *Server) Close() {
	_ = s.http.Close() // the listener is on loopback and holds nothing to lose
	<-s.serving
	s.handlers.Wait()
}

// Now returns the time by the server's clock: that of New, plus the skew.
func (s *Server) Now() time.Time {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Add(s.skew)
}

// SetSkew sets the server's clock d ahead of that of New. The Date header,
// signature checks, MFA codes and expirations all follow it.
func (s *Server) SetSkew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// SetLife sets the life of all credentials issued from now on, whatever the
// call asks for, so that a test or a demo can watch them expire. Zero means
// as asked. Durations are checked all the same.
func (s *Server) SetLife(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = d
}

// A call is one request to a service, on its way through the server.
type call struct {
	request *http.Request
	body    []byte
	arrived time.Time // by the server's clock
	id      string    // the request id of the answer

	auth    authorization
	authErr *apiError // why there is no auth

	params url.Values
	caller *credential // who signed, once that is verified
}

// handle serves one request to any service, or to the control endpoint.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	s.handlers.Add(1)
	defer s.handlers.Done()
	if strings.HasPrefix(r.URL.Path, controlPath) {
		s.handleControl(w, r)
		return
	}
	c := &call{request: r, arrived: s.Now(), id: newRequestID()}
	w.Header().Set("Date", c.arrived.UTC().Format(http.TimeFormat))
	w.Header().Set("x-amzn-RequestId", c.id)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	c.body = body
	if found, ok := routeOf(r); ok {
		found.serve(s, w, c)
		return
	}
	c.auth, c.authErr = parseAuthorization(r.Header.Get("Authorization"))
	serve, ok := services[c.auth.service]
	if !ok {
		serve = services["sts"]
	}
	serve(s, w, c)
}

// newRequestID returns a random UUID, as AWS numbers its answers.
func newRequestID() string {
	b := randomBytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	return b
}
