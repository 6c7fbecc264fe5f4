package endpoint_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/endpoint"
)

// A clock is moved by the test.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// A world is a server, and what it gets credentials from.
type world struct {
	t      *testing.T
	clock  clock
	server *endpoint.Server
	url    string // without a path
	calls  atomic.Int64
	get    func(n int64, role string) (endpoint.Answer, error)
}

func (w *world) answer(n int64, life time.Duration) endpoint.Answer {
	return endpoint.Answer{Account: "222222222222", Credentials: sts.Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%d", n), SecretAccessKey: keystore.NewSecret("canary-secret"), SessionToken: keystore.NewSecret("canary-token"),
		Issued: w.clock.now(), Expires: w.clock.now().Add(life),
	}}
}

func newWorld(t *testing.T) *world {
	w := &world{t: t}
	w.clock.nanos.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano())
	w.get = func(n int64, _ string) (endpoint.Answer, error) { return w.answer(n, time.Hour), nil }
	w.server = endpoint.New(w.clock.now, endpoint.Answer{}, func(_ context.Context, role string) (endpoint.Answer, error) {
		return w.get(w.calls.Add(1), role)
	}, func(err error) string { return "told: " + err.Error() })
	w.url = "http://" + w.listen(endpoint.Listen(endpoint.Loopback))
	return w
}

func (w *world) listen(l net.Listener, err error) string {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- w.server.Serve(ctx, l) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	return l.Addr().String()
}

// ask asks as an SDK does, and returns the status and the body.
func (w *world) ask(path string, change func(*http.Request)) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", w.server.Token())
	if change != nil {
		change(r)
	}
	answer, err := noFollow.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func (w *world) want(path, id string) {
	w.t.Helper()
	status, body := w.ask(path, nil)
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || got["AccessKeyId"] != id {
		w.t.Errorf("%s: got HTTP %d %s, want %s", path, status, body, id)
	}
}

func TestServer(t *testing.T) {
	w := newWorld(t)
	_, body := w.ask(endpoint.CredentialsPath, nil)
	want := `{"AccessKeyId":"ASIA1","SecretAccessKey":"canary-secret","Token":"canary-token","Expiration":"2026-01-02T04:04:05Z","AccountId":"222222222222"}` + "\n"
	if body != want {
		t.Errorf("got %s, want %s", body, want)
	}
	w.clock.advance(43 * time.Minute)
	w.want(endpoint.CredentialsPath, "ASIA1")
	if got := w.calls.Load(); got != 1 {
		t.Errorf("got %d calls while it was fresh", got)
	}
	role := endpoint.RolePath + "arn:aws:iam::333333333333:role/Far"
	w.get = func(n int64, role string) (endpoint.Answer, error) {
		if role != "arn:aws:iam::333333333333:role/Far" {
			t.Errorf("got role %q", role)
		}
		return w.answer(n, time.Hour), nil
	}
	w.want(role, "ASIA2")
	w.want(role, "ASIA2")
	w.want(endpoint.CredentialsPath, "ASIA1")
}

// TestServerRenews checks that it renews behind the back of who asks, that it
// waits only where it must, and what it says where that fails.
func TestServerRenews(t *testing.T) {
	w := newWorld(t)
	w.want(endpoint.CredentialsPath, "ASIA1")
	hold, begun := make(chan struct{}), make(chan struct{}, 1)
	w.get = func(n int64, _ string) (endpoint.Answer, error) {
		begun <- struct{}{}
		<-hold
		return w.answer(n, time.Hour), nil
	}
	w.clock.advance(45 * time.Minute)
	w.want(endpoint.CredentialsPath, "ASIA1") // while it is renewed
	<-begun
	w.want(endpoint.CredentialsPath, "ASIA1")
	w.clock.advance(11 * time.Minute) // less than the minimum is left: all wait, for one renewal
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { w.want(endpoint.CredentialsPath, "ASIA2") })
	}
	close(hold)
	all.Wait()
	if got := w.calls.Load(); got != 2 {
		t.Errorf("got %d renewals, want 2", got)
	}

	w.get = func(int64, string) (endpoint.Answer, error) { return endpoint.Answer{}, errors.New("type this") }
	w.clock.advance(57 * time.Minute)
	w.want(endpoint.CredentialsPath, "ASIA2") // it lives still
	w.clock.advance(4 * time.Minute)
	for range 10 {
		status, body := w.ask(endpoint.CredentialsPath, nil)
		if status != 503 || body != `{"code":"CredentialsUnavailable","message":"told: type this"}`+"\n" {
			t.Errorf("got HTTP %d %s", status, body)
		}
	}
	if got := w.calls.Load(); got > 4 {
		t.Errorf("got %d calls: a failure is not repeated at once", got)
	}
	w.get = func(n int64, _ string) (endpoint.Answer, error) { return w.answer(100, time.Hour), nil }
	w.clock.advance(time.Minute)
	w.want(endpoint.CredentialsPath, "ASIA100")
	w.get = func(n int64, _ string) (endpoint.Answer, error) { return w.answer(200, time.Hour), nil }
	w.server.Forget()
	w.want(endpoint.CredentialsPath, "ASIA200")
}

// TestServerSoak has programs ask all the time over a hundred renewals: none is
// turned away or given what is over, each renewal is one call, and nothing piles
// up.
func TestServerSoak(t *testing.T) {
	const renewals, programs = 100, 8
	w := newWorld(t)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: programs}}
	var seen atomic.Int64 // the newest key
	var requests atomic.Int64
	ask := func() error {
		r, err := http.NewRequest(http.MethodGet, w.url+endpoint.CredentialsPath, nil)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", w.server.Token())
		asked := w.clock.now()
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		var got struct {
			AccessKeyID string `json:"AccessKeyId"`
			Expiration  time.Time
		}
		if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || answer.StatusCode != 200 || !got.Expiration.After(asked.Add(14*time.Minute)) {
			return fmt.Errorf("HTTP %d, %+v, %v", answer.StatusCode, got, err)
		}
		n, err := strconv.ParseInt(strings.TrimPrefix(got.AccessKeyID, "ASIA"), 10, 64)
		for old := seen.Load(); n > old && !seen.CompareAndSwap(old, n); old = seen.Load() {
		}
		requests.Add(1)
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for range programs {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := ask(); err != nil {
					t.Errorf("request %d, key %d: %v", requests.Load(), seen.Load(), err)
					cancel()
				}
			}
		})
	}
	var goroutines int
	for n := int64(1); n <= renewals && ctx.Err() == nil; n++ {
		for seen.Load() < n && ctx.Err() == nil {
			runtime.Gosched()
		}
		if n == 5 {
			goroutines = runtime.NumGoroutine()
		}
		w.clock.advance(45 * time.Minute) // a quarter of an hour is left
	}
	now := runtime.NumGoroutine()
	cancel()
	all.Wait()
	if got := w.calls.Load(); got < renewals || got > renewals+1 {
		t.Errorf("got %d calls for %d renewals", got, renewals)
	}
	if now > goroutines+programs {
		t.Errorf("it grows: %d goroutines, and then %d", goroutines, now)
	}
	t.Logf("%d requests, %d renewals, %d goroutines and then %d", requests.Load(), w.calls.Load(), goroutines, now)
}

// TestServerNoLonger checks that what the issuer does not give longer is not
// asked for at each request.
func TestServerNoLonger(t *testing.T) {
	w := newWorld(t)
	first := w.answer(1, time.Hour)
	w.get = func(int64, string) (endpoint.Answer, error) { return first, nil }
	w.want(endpoint.CredentialsPath, "ASIA1")
	w.clock.advance(50 * time.Minute)
	for range 50 {
		w.want(endpoint.CredentialsPath, "ASIA1")
	}
	if got := w.calls.Load(); got > 2 {
		t.Errorf("got %d calls, want 2", got)
	}
}

// TestServerGivesNothingAway asks as those do who shall get nothing.
func TestServerGivesNothingAway(t *testing.T) {
	w := newWorld(t)
	w.want(endpoint.CredentialsPath, "ASIA1")
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	attacks := []struct {
		name   string
		path   string
		change func(*http.Request)
		status int
	}{
		{"no token", "", func(r *http.Request) { r.Header.Del("Authorization") }, 403},
		{"empty token", "", header("Authorization", ""), 403},
		{"wrong token", "", header("Authorization", strings.Repeat("A", 43)), 403},
		{"longer token", "", header("Authorization", w.server.Token()+"A"), 403},
		{"shorter token", "", header("Authorization", w.server.Token()[:42]), 403},
		{"scheme", "", header("Authorization", "Bearer "+w.server.Token()), 403},
		{"rebound name", "", func(r *http.Request) { r.Host = "evil.example.com" }, 403},
		{"rebound name and port", "", func(r *http.Request) { r.Host = "evil.example.com:" + r.URL.Port() }, 403},
		{"localhost", "", func(r *http.Request) { r.Host = "localhost:" + r.URL.Port() }, 403},
		{"other port", "", func(r *http.Request) { r.Host = "127.0.0.1:1" }, 403},
		{"page", "", header("Origin", "http://127.0.0.1"), 403},
		{"empty page", "", header("Origin", ""), 403},
		{"link", "", header("Referer", "http://127.0.0.1"), 403},
		{"proxy", "", header("X-Forwarded-For", "127.0.0.1"), 403},
		{"POST", "", func(r *http.Request) { r.Method = "POST" }, 405},
		{"HEAD", "", func(r *http.Request) { r.Method = "HEAD" }, 405},
		{"OPTIONS", "", func(r *http.Request) { r.Method = "OPTIONS" }, 405},
		{"root", "/", nil, 404},
		{"below", endpoint.CredentialsPath + "/", nil, 404},
		{"up", endpoint.CredentialsPath + "/../credentials", nil, 404},
		{"no role", endpoint.RolePath + "x", nil, 404},
	}
	for i := range 10_000 / len(attacks) {
		for _, a := range attacks {
			if a.path == "" {
				a.path = endpoint.CredentialsPath
			}
			status, body := w.ask(a.path, a.change)
			if status != a.status || strings.Contains(body, "canary") || strings.Contains(body, "ASIA") {
				t.Fatalf("%s, round %d: got HTTP %d %s, want %d", a.name, i, status, body, a.status)
			}
		}
		if testing.Short() {
			break
		}
	}
	if got := w.calls.Load(); got != 1 {
		t.Errorf("they caused %d calls", got-1)
	}
}

// TestServerSlow keeps connections open that say nothing: others are served,
// and these are closed.
func TestServerSlow(t *testing.T) {
	w := newWorld(t)
	var slow []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /credentials HTTP/1.1\r\nHost: "); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	w.want(endpoint.CredentialsPath, "ASIA1")
	for _, c := range slow {
		if _, err := bufio.NewReader(c).ReadString('x'); err == nil {
			t.Error("it was answered")
		}
	}
	if _, body := w.ask(endpoint.CredentialsPath, func(r *http.Request) { r.Header.Set("X", strings.Repeat("x", 64<<10)) }); strings.Contains(body, "ASIA") {
		t.Errorf("a header without end was read")
	}
}

// TestServerSocket serves on a socket, which stands for a loopback port
// somewhere else.
func TestServerSocket(t *testing.T) {
	w := newWorld(t)
	dir, err := os.MkdirTemp("", "s") // the names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "sock")
	w.listen(endpoint.ListenSocket(path))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want 0600", info.Mode(), err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	for host, want := range map[string]int{"127.0.0.1:9000": 200, "[::1]:9000": 200, "evil.example.com": 403, "127.0.0.1.evil.example.com:80": 403} {
		r, err := http.NewRequest(http.MethodGet, "http://"+host+endpoint.CredentialsPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", w.server.Token())
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: got HTTP %d, want %d", host, answer.StatusCode, want)
		}
	}
	if _, err := endpoint.ListenSocket(path); err == nil {
		t.Error("a socket in use was taken over")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := endpoint.ListenSocket(file); err == nil {
		t.Error("a file was replaced")
	}
}

// TestServerPort80 leaves the port of HTTP out of the name, as programs do.
func TestServerPort80(t *testing.T) {
	w := newWorld(t)
	l, err := endpoint.Listen("127.0.0.77:80")
	if err != nil {
		t.Skip(err)
	}
	w.url = "http://" + w.listen(l, nil)
	for host, want := range map[string]int{"127.0.0.77": 200, "127.0.0.77:80": 200, "127.0.0.1": 403, "127.0.0.77.": 403, "127.0.0.77:8": 403} {
		if status, _ := w.ask(endpoint.CredentialsPath, func(r *http.Request) { r.Host = host }); status != want {
			t.Errorf("%s: got HTTP %d, want %d", host, status, want)
		}
	}
}

// TestServerOtherUser connects as another user of the machine, with the token.
func TestServerOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	w := newWorld(t)
	for uid, want := range map[uint32]bool{0: true, 65534: false} {
		c := exec.Command(curl, "-sS", "-H", "Authorization: "+w.server.Token(), w.url+endpoint.CredentialsPath)
		c.Dir, c.SysProcAttr = "/", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := c.CombinedOutput()
		if got := strings.Contains(string(out), "ASIA1"); got != want {
			t.Errorf("uid %d: got %s, %v", uid, out, err)
		}
	}
}

func BenchmarkServer(b *testing.B) {
	now := time.Now()
	s := endpoint.New(time.Now, endpoint.Answer{Credentials: sts.Credentials{AccessKeyID: "ASIA", Issued: now, Expires: now.Add(time.Hour)}}, nil, nil)
	l, err := endpoint.Listen(endpoint.Loopback)
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Serve(b.Context(), l) }()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _ := http.NewRequest(http.MethodGet, "http://"+l.Addr().String()+endpoint.CredentialsPath, nil)
			r.Header.Set("Authorization", s.Token())
			answer, err := client.Do(r)
			if err != nil || answer.StatusCode != 200 {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	})
}
