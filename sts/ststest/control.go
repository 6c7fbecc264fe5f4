package ststest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// controlPath is where the control endpoint lies.
const controlPath = "/_control/"

// EnableControl opens an endpoint that drives the server over HTTP, for shell
// scripts. Each request carries the header "Authorization: Bearer TOKEN".
// An empty token closes the endpoint again.
//
//	GET  /_control/calls            counts by action, JSON
//	GET  /_control/requests         what Requests returns, JSON
//	GET  /_control/mfa?serial=S     a code that is still good; 409 where both are spent
//	POST /_control/reset            ResetCalls
//	POST /_control/life?seconds=N   SetLife
//	POST /_control/skew?seconds=N   SetSkew
//	POST /_control/fail?action=A&times=N&code=C&status=N&message=M
//	POST /_control/expire?key=ID    Expire
//	POST /_control/revoke?key=ID    Revoke
//	POST /_control/sso?do=WHAT      of every Identity Center: signout, revoke (access tokens alone), refuse, agree, forget (clients)
//	POST /_control/ssolife?seconds=N  SetTokenLife
//
// A POST answers 204.
func (s *Server) EnableControl(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control = token
}

// controls holds the operations by method and name. What one returns is
// printed as it is, if a string, or as JSON; nil is 204.
var controls = map[string]func(*Server, *http.Request) (any, *controlError){
	"GET calls":    func(s *Server, _ *http.Request) (any, *controlError) { return s.Calls(), nil },
	"GET requests": func(s *Server, _ *http.Request) (any, *controlError) { return s.Requests(), nil },
	"GET mfa":      (*Server).controlMFA,
	"POST reset": func(s *Server, _ *http.Request) (any, *controlError) {
		s.ResetCalls()
		return nil, nil
	},
	"POST life": func(s *Server, r *http.Request) (any, *controlError) {
		return nil, controlSeconds(r, s.SetLife)
	},
	"POST skew": func(s *Server, r *http.Request) (any, *controlError) {
		return nil, controlSeconds(r, s.SetSkew)
	},
	"POST fail":   (*Server).controlFail,
	"POST expire": func(s *Server, r *http.Request) (any, *controlError) { return nil, controlKey(r, s.Expire) },
	"POST revoke": func(s *Server, r *http.Request) (any, *controlError) { return nil, controlKey(r, s.Revoke) },
	"POST sso":    (*Server).controlSSO,
	"POST ssolife": func(s *Server, r *http.Request) (any, *controlError) {
		return nil, controlSeconds(r, func(d time.Duration) {
			for _, center := range s.allCenters() {
				center.SetTokenLife(d)
			}
		})
	},
}

// A controlError is an answer other than success.
type controlError struct {
	status  int
	message string
}

// handleControl serves the control endpoint.
func (s *Server) handleControl(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	token := s.control
	s.mu.Unlock()
	do, ok := controls[r.Method+" "+r.URL.Path[len(controlPath):]]
	switch {
	case token == "":
		http.NotFound(w, r)
		return
	case subtle.ConstantTimeCompare([]byte("Bearer "+token), []byte(r.Header.Get("Authorization"))) != 1:
		http.Error(w, "the header Authorization: Bearer TOKEN is missing or wrong", http.StatusForbidden)
		return
	case !ok:
		http.NotFound(w, r)
		return
	}
	answer, err := do(s, r)
	switch answer := answer.(type) {
	case nil:
		if err != nil {
			http.Error(w, err.message, err.status)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case string:
		fmt.Fprintln(w, answer)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the client is gone
	}
}

func (s *Server) controlMFA(r *http.Request) (any, *controlError) {
	serial := r.FormValue("serial")
	device := s.Device(serial)
	if device == nil {
		return nil, &controlError{http.StatusNotFound, fmt.Sprintf("no MFA device %q", serial)}
	}
	code, ok := device.Unused()
	if !ok {
		return nil, &controlError{http.StatusConflict, "this code and the next are spent"}
	}
	return code, nil
}

func (s *Server) controlFail(r *http.Request) (any, *controlError) {
	times, err := controlInt(r, "times", 1)
	if err != nil {
		return nil, err
	}
	status, err := controlInt(r, "status", 0)
	if err != nil {
		return nil, err
	}
	s.Fail(r.FormValue("action"), Failure{Code: r.FormValue("code"), Status: status, Message: r.FormValue("message")}, times)
	return nil, nil
}

func (s *Server) allCenters() []*IdentityCenter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.centers))
}

func (s *Server) controlSSO(r *http.Request) (any, *controlError) {
	do, ok := map[string]func(*IdentityCenter){
		"signout": (*IdentityCenter).SignOut,
		"revoke":  (*IdentityCenter).RevokeAccess,
		"refuse":  func(i *IdentityCenter) { i.Refuse(true) },
		"agree":   func(i *IdentityCenter) { i.Refuse(false) },
		"forget":  func(i *IdentityCenter) { i.server.ForgetClients() },
	}[r.FormValue("do")]
	if !ok {
		return nil, &controlError{http.StatusBadRequest, fmt.Sprintf("do %q is nothing that can be done", r.FormValue("do"))}
	}
	for _, center := range s.allCenters() {
		do(center)
	}
	return nil, nil
}

// controlInt returns a parameter that is a number.
func controlInt(r *http.Request, name string, without int) (int, *controlError) {
	text := r.FormValue(name)
	if text == "" {
		return without, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, &controlError{http.StatusBadRequest, fmt.Sprintf("%s %q is not a number", name, text)}
	}
	return n, nil
}

func controlSeconds(r *http.Request, set func(time.Duration)) *controlError {
	if r.FormValue("seconds") == "" {
		return &controlError{http.StatusBadRequest, "seconds is missing"}
	}
	n, err := controlInt(r, "seconds", 0)
	if err == nil {
		set(time.Duration(n) * time.Second)
	}
	return err
}

func controlKey(r *http.Request, change func(string) bool) *controlError {
	if id := r.FormValue("key"); !change(id) {
		return &controlError{http.StatusNotFound, fmt.Sprintf("no such key %q", id)}
	}
	return nil
}
