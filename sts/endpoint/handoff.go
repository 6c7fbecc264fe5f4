package endpoint

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/shellvault/vault/keystore"
)

// ErrNotFetched says that no browser came for an address.
var ErrNotFetched = errors.New("no browser came for the address")

// HandOff leads one browser to a secret address, once: open is called with an
// address on this machine that redirects there and stands in no history of
// commands, no list of processes and no log with a meaning later. It waits
// until a browser has been there, and fails with ErrNotFetched after patience.
func HandOff(ctx context.Context, to keystore.Secret, patience time.Duration, open func(address string) error) error {
	listener, err := net.Listen("tcp4", Loopback)
	if err != nil {
		return err
	}
	path := "/" + newToken()
	host := listener.Addr().String()
	fetched := make(chan struct{}, 1)
	fetched <- struct{}{}
	gone := make(chan struct{})
	server := limited(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		switch {
		case !direct(r, only(host)):
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		case r.Method != http.MethodGet:
			http.Error(w, "GET only", http.StatusMethodNotAllowed)
			return
		case !same(r.URL.Path, path):
			http.NotFound(w, r)
			return
		}
		select {
		case <-fetched:
		default:
			http.Error(w, "this address is good once", http.StatusGone)
			return
		}
		header.Set("Location", to.Reveal())
		header.Set("Connection", "close")
		w.WriteHeader(http.StatusSeeOther)
		close(gone)
	}))
	go func() { _ = server.Serve(own(listener)) }() // ends with http.ErrServerClosed
	defer server.Close()
	if err := open("http://" + host + path); err != nil {
		return err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-gone:
		// The answer is on its way: it is let out to its end.
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		return nil
	case <-timer.C:
		return ErrNotFetched
	case <-ctx.Done():
		return context.Canceled
	}
}
