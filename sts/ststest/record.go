package ststest

import (
	"maps"
	"net/url"
	"slices"
	"time"
)

// masked stands in a Request for a value that was there but is nobody's business.
const masked = "[secret]"

// Request is what the server remembers of one call. It holds no secret: the
// MFA code is masked, session token and signature are left out.
type Request struct {
	ID          string     `json:"id"`
	Time        time.Time  `json:"time"` // of arrival, by the server's clock
	Service     string     `json:"service"`
	Action      string     `json:"action"`
	Region      string     `json:"region"` // of the signature
	AccessKeyID string     `json:"access_key_id"`
	Params      url.Values `json:"params"` // without Action and Version
	// Error is the code that was answered, "" for success and while the call
	// is under way, or "Dropped" where the connection was closed instead.
	Error string `json:"error"`
}

// dropped is the Error of a request that got no answer.
const dropped = "Dropped"

// record remembers the call and returns the entry for setting its Error.
func (s *Server) record(c *call, service string) *Request {
	params := url.Values{}
	for name, values := range c.params {
		switch {
		case name == "Action", name == "Version":
		case unsaid[name]:
			params.Set(name, masked)
		default:
			params[name] = slices.Clone(values)
		}
	}
	entry := &Request{
		ID:          c.id,
		Time:        c.arrived,
		Service:     service,
		Action:      c.params.Get("Action"),
		Region:      c.auth.region,
		AccessKeyID: c.auth.accessKeyID,
		Params:      params,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, entry)
	return entry
}

// finish sets the outcome of a recorded call.
func (s *Server) finish(entry *Request, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry.Error = outcome
}

// Requests returns the calls so far, in the order of arrival, refused ones
// and those still under way among them.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Request, 0, len(s.requests))
	for _, entry := range s.requests {
		r := *entry
		r.Params = maps.Clone(r.Params)
		list = append(list, r)
	}
	return list
}

// Calls returns how often each action was called, whatever the outcome.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make(map[string]int)
	for _, entry := range s.requests {
		calls[entry.Action]++
	}
	return calls
}

// CallCount returns how often action was called, whatever the outcome.
func (s *Server) CallCount(action string) int { return s.Calls()[action] }

// ResetCalls forgets the calls so far.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}
