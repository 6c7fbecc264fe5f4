package sso

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/shellvault/vault/keystore"
)

// A callback is a server on loopback that a browser comes back to.
type callback struct {
	uri    string
	state  string // that the right request shows
	host   string
	server *http.Server
	done   chan brought
}

// brought is what a browser came back with.
type brought struct {
	code  keystore.Secret
	fault string
}

func listen() (*callback, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no port for the browser to come back to: %w", err)
	}
	host := listener.Addr().String()
	b := &callback{uri: "http://" + host + callbackPath, state: randomText(24), host: host, done: make(chan brought, 1)}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = b.server.Serve(listener) }() // ends with http.ErrServerClosed, by close
	return b, nil
}

// ServeHTTP takes the code of the one request that knows the state. Others
// change nothing: any page can send a browser here.
func (b *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.Host != b.host || r.URL.Path != callbackPath:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet:
		http.Error(w, "GET is wanted", http.StatusMethodNotAllowed)
		return
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(b.state)) != 1:
		http.Error(w, "this is not the sign-in that vault began", http.StatusBadRequest)
		return
	}
	got := brought{code: keystore.NewSecret(query.Get("code"))}
	title, text := "Signed in", "vault has what it needs: you can close this page."
	if got.code.IsZero() {
		got.fault = tame(query.Get("error") + " " + query.Get("error_description"))
		title, text = "Not signed in", "vault was refused; see the terminal."
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Connection", "close")
	_, _ = io.WriteString(w, `<!doctype html><meta charset="utf-8"><title>`+title+`</title>`+
		`<body style="font-family:sans-serif;margin:4em auto;max-width:30em"><h1>`+title+`</h1><p>`+text+`</p></body>`)
	select {
	case b.done <- got:
	default: // the same request once more
	}
}

// tame returns what a request says as a short line.
func tame(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(text))
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}

// wait waits for the browser, until ctx is done.
func (b *callback) wait(ctx context.Context) (brought, error) {
	select {
	case got := <-b.done:
		return got, nil
	case <-ctx.Done():
		return brought{}, context.Cause(ctx)
	}
}

// close ends the server when the page that it answers with has gone out.
func (b *callback) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if b.server.Shutdown(ctx) != nil {
		_ = b.server.Close()
	}
}
