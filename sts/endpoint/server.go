package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/shellvault/vault/sts"
)

// An Answer is what a program gets.
type Answer struct {
	sts.Credentials
	Account string // "" if it is not known
}

// A Server answers as the credentials endpoint of a container does (AWS SDKs
// and Tools Reference Guide, page "Container credential provider"). What it
// gives is renewed behind the back of the programs that ask, once for all of
// them.
type Server struct {
	Now func() time.Time

	// Get gets credentials that last: the profile's, or those of the role that
	// is assumed from them. It asks nobody who is not there.
	Get func(ctx context.Context, role string) (Answer, error)

	// Tell says for a program's log why there are no credentials, and what to
	// do about it.
	Tell func(error) string

	token string

	mu    sync.Mutex
	roles map[string]*holder // "": the profile's own
}

// New returns a server that has these credentials of the profile already.
func New(now func() time.Time, first Answer, get func(context.Context, string) (Answer, error), tell func(error) string) *Server {
	s := &Server{Now: now, Get: get, Tell: tell, token: newToken(), roles: map[string]*holder{}}
	if first.AccessKeyID != "" {
		h := new(holder)
		h.hold(first, now())
		s.roles[""] = h
	}
	return s
}

// Token is what a request has to show in its header Authorization.
func (s *Server) Token() string { return s.token }

// The paths of a server: that of the profile's credentials, and in front of
// the ARN of a role that is assumed from them.
const (
	CredentialsPath = "/credentials"
	RolePath        = "/role-arn/"
)

// Forget drops what the server has, so that it is gotten anew.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles = map[string]*holder{}
}

// Listen listens on an address of this machine.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return own(l), nil
}

// ListenSocket listens on a socket in the file system, which only this user can
// connect to. One that is left over is replaced, and nothing else.
func ListenSocket(path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			return nil, errors.New("the socket is in use")
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	// Nobody else may connect between bind and chmod.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".vault-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(filepath.Join(dir, "s"), 0o600)
	if err == nil {
		err = os.Link(filepath.Join(dir, "s"), path) // fails where there is something
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return own(l), nil
}

// Serve serves on l until ctx is done.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	called := anyLoopback
	if l.Addr().Network() != "unix" {
		called = only(l.Addr().String())
	}
	return serve(ctx, l, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !direct(r, called):
			refuse(w, http.StatusForbidden, "Forbidden", "this endpoint is for programs on this machine")
		case !same(r.Header.Get("Authorization"), s.token):
			refuse(w, http.StatusForbidden, "Forbidden", "the header Authorization is missing or wrong")
		case r.Method != http.MethodGet:
			refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "GET only")
		default:
			s.answer(ctx, w, r)
		}
	})
}

// serve answers on l by handler until ctx is done.
func serve(ctx context.Context, l net.Listener, handler http.HandlerFunc) error {
	server := limited(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		handler(w, r)
	}))
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// refuse answers an error as the agent of ECS does.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	reply(w, map[string]string{"code": code, "message": message})
}

// mostRoles bounds how many roles one server assumes.
const mostRoles = 64

// answer answers a request that may have what it asks for.
func (s *Server) answer(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	role := ""
	if r.URL.Path != CredentialsPath {
		arn, ok := strings.CutPrefix(r.URL.Path, RolePath)
		if !ok || !sts.IsRoleARN(arn) {
			refuse(w, http.StatusNotFound, "NotFound", "there are "+CredentialsPath+" and "+RolePath+"ARN")
			return
		}
		role = arn
	}
	a, err := s.get(ctx, r.Context(), role)
	switch {
	case errors.Is(err, errTooMany):
		refuse(w, http.StatusTooManyRequests, "TooManyRoles", err.Error())
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "CredentialsUnavailable", s.Tell(err))
	default:
		reply(w, struct {
			AccessKeyID     string `json:"AccessKeyId"`
			SecretAccessKey string
			Token           string
			Expiration      string
			AccountID       string `json:"AccountId,omitempty"`
		}{a.AccessKeyID, a.SecretAccessKey.Reveal(), a.SessionToken.Reveal(), stamp(a.Expires), a.Account})
	}
}

var errTooMany = errors.New("this endpoint assumes no more roles")

// get returns the credentials of a role, "" for the profile's own; who asks
// waits as long as asking lasts, and what is got serves also others.
func (s *Server) get(ctx, asking context.Context, role string) (Answer, error) {
	s.mu.Lock()
	h := s.roles[role]
	if h == nil && len(s.roles) >= mostRoles {
		s.mu.Unlock()
		return Answer{}, errTooMany
	}
	if h == nil {
		h = new(holder)
		s.roles[role] = h
	}
	s.mu.Unlock()
	return h.get(asking, s.Now, func() (Answer, error) { return s.Get(ctx, role) })
}

// reply answers with a document.
func reply(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) // the client is gone
}

// stamp writes a time as AWS does (RFC 3339, in UTC).
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
