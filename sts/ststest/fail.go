package ststest

import (
	"net/http"
	"time"
)

// Failure says how a call goes wrong. Gate and Delay come first; then one of
// Drop, Code and Lose, or the true answer where none of them is set.
type Failure struct {
	Gate  *Gate         // holds the call until the gate opens
	Delay time.Duration // real time, not the server's clock
	Drop  bool          // closes the connection; nothing is done
	Code  string        // an AWS error code; nothing is done
	// Status and Message go with Code. A Status of 0 is 400.
	Status  int
	Message string
	Lose    bool  // does what was asked, then closes the connection
	After   *Gate // does what was asked, then holds the answer until the gate opens
}

// A Gate holds calls until it is opened.
type Gate struct {
	// Arrived receives a value for each call that comes to the gate.
	Arrived <-chan struct{}

	arrived chan<- struct{}
	open    chan struct{}
}

// NewGate returns a closed gate, for up to 1000 calls.
func NewGate() *Gate {
	arrived := make(chan struct{}, 1000)
	return &Gate{Arrived: arrived, arrived: arrived, open: make(chan struct{})}
}

// Open lets the calls at the gate go on, and all later ones. It must be
// called once only.
func (g *Gate) Open() { close(g.open) }

// failing is a Failure that is due for some more calls.
type failing struct {
	failure Failure
	left    int // negative: for good
}

// Fail makes the next calls of action go wrong, as many as times says; -1
// means all of them, 0 takes back what was set for the action. What was set
// first is used up first. The action "*" stands for all that have nothing of
// their own. A call fails before its signature is looked at.
func (s *Server) Fail(action string, f Failure, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if times == 0 {
		delete(s.failures, action)
		return
	}
	s.failures[action] = append(s.failures[action], &failing{f, times})
}

// takeFailure returns the failure that is due for a call of action, and
// counts it as used.
func (s *Server) takeFailure(action string) Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{action, "*"} {
		queue := s.failures[name]
		if len(queue) == 0 {
			continue
		}
		first := queue[0]
		first.left--
		if first.left == 0 {
			s.failures[name] = queue[1:]
		}
		return first.failure
	}
	return Failure{}
}

// pass holds the request until the gate opens, and reports whether the client
// is still there afterwards. A nil gate is open.
func (g *Gate) pass(r *http.Request) bool {
	if g == nil {
		return true
	}
	select {
	case g.arrived <- struct{}{}:
	default: // nobody counts that far
	}
	select {
	case <-g.open:
		return true
	case <-r.Context().Done():
		return false
	}
}

// wait holds the request as f says, and reports whether the client is still
// there afterwards.
func (f Failure) wait(r *http.Request) bool {
	if !f.Gate.pass(r) {
		return false
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return false
		}
	}
	return true
}

// drop closes the connection of the request that is being served, without an
// answer.
func drop() { panic(http.ErrAbortHandler) }
