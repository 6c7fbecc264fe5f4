package command

import (
	"io"
	"sync"
	"time"
)

// patience is how long the words of a command are held back. One that takes
// longer may be asking.
const patience = 300 * time.Millisecond

// held is a writer that keeps what is written until it is released, by its
// owner or by time.
type held struct {
	to io.Writer // nil: nowhere

	mu       sync.Mutex
	kept     []byte
	released bool
}

func hold(to io.Writer, d time.Duration) *held {
	h := &held{to: to}
	time.AfterFunc(d, h.release)
	return h
}

func (h *held) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.to == nil:
	case h.released:
		return h.to.Write(p)
	default:
		h.kept = append(h.kept, p...)
	}
	return len(p), nil
}

// release passes on what was kept, and what comes.
func (h *held) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.to != nil && len(h.kept) > 0 {
		_, _ = h.to.Write(h.kept)
	}
	h.kept, h.released = nil, true
}

// forget drops what was kept.
func (h *held) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept = nil
}
