package endpoint

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/shellvault/vault/sts"
)

// Patience of those who wait for credentials: programs give up after a second
// or two, and try again.
const (
	patience   = 5 * time.Second
	retryPause = time.Second      // after a failure, while there is nothing to give
	renewPause = 30 * time.Second // after a failure, while there still is
	withoutEnd = time.Hour        // what does not end is to be asked for again
)

// renewal is how long before their end credentials are renewed: earlier than
// the SDKs ask for it themselves, which is 15 minutes, so that none of them
// ever waits.
const renewal = 16 * time.Minute

// errSlow says that credentials did not come in time.
var errSlow = errors.New("AWS has not answered yet: try again in a moment")

// A holder has the credentials of one role.
type holder struct {
	mu      sync.Mutex
	answer  Answer    // no key: there is none
	due     time.Time // to be renewed
	least   time.Time // no longer given out, if there can be others
	expires time.Time
	flight  chan struct{} // closed when the renewal under way has ended; nil: none is
	err     error         // of the last renewal
	retry   time.Time     // not before then is it tried again
}

// hold takes new credentials. What the issuer does not give longer is not asked
// for again before half of it is gone.
func (h *holder) hold(a Answer, now time.Time) {
	issued, expires := a.Issued, a.Expires
	if issued.IsZero() {
		issued = now
	}
	if expires.IsZero() {
		issued, expires = now, now.Add(withoutEnd)
	}
	life := expires.Sub(issued)
	a.Issued, a.Expires = issued, expires
	h.answer, h.expires, h.err = a, expires, nil
	h.due = expires.Add(-min(renewal, life/2))
	h.least = expires.Add(-min(sts.MinimumLife(life), life/2))
}

// has reports whether there is an answer.
func (h *holder) has() bool { return h.answer.AccessKeyID != "" }

// get returns the answer: at once where there is one that lasts, and while it
// is renewed; else when it has been renewed, once for all who ask.
func (h *holder) get(ctx context.Context, now func() time.Time, fetch func() (Answer, error)) (Answer, error) {
	h.mu.Lock()
	t := now()
	if h.has() && t.Before(h.due) {
		defer h.mu.Unlock()
		return h.answer, nil
	}
	if h.flight == nil && !t.Before(h.retry) {
		h.renew(now, fetch)
	}
	if h.has() && t.Before(h.least) || h.flight == nil {
		defer h.mu.Unlock()
		return h.left(t)
	}
	flight := h.flight
	h.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	slow := false
	select {
	case <-flight:
	case <-timer.C:
		slow = true
	case <-ctx.Done():
		slow = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if a, err := h.left(now()); err == nil || !slow {
		return a, err
	}
	return Answer{}, errSlow
}

// left returns what is still alive.
func (h *holder) left(now time.Time) (Answer, error) {
	switch {
	case h.has() && now.Before(h.expires):
		return h.answer, nil
	case h.err != nil:
		return Answer{}, h.err
	}
	return Answer{}, errSlow
}

// renew starts a renewal.
func (h *holder) renew(now func() time.Time, fetch func() (Answer, error)) {
	flight := make(chan struct{})
	h.flight = flight
	go func() {
		got, err := fetch()
		h.mu.Lock()
		defer h.mu.Unlock()
		t := now()
		h.flight = nil
		h.err = err
		switch {
		case err == nil:
			h.hold(got, t)
			if h.retry = t; !t.Before(h.due) {
				h.retry = t.Add(max(retryPause, h.expires.Sub(t)/2)) // there are none that last longer
			}
		case h.has() && t.Before(h.least):
			h.retry = t.Add(renewPause)
		default:
			h.retry = t.Add(retryPause)
		}
		close(flight)
	}()
}
