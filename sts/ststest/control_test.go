package ststest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// control calls the control endpoint and returns "STATUS BODY".
func (w *world) control(t *testing.T, method, target, token string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.URL()+"/_control/"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer.Status[:3] + " " + string(body))
}

func TestControlIsOff(t *testing.T) {
	w := newWorld(t)
	const off = "404 404 page not found"
	for _, token := range []string{"", "x"} {
		if got := w.control(t, "GET", "calls", token); got != off {
			t.Errorf("got %s, want %s", got, off)
		}
	}
	w.EnableControl("open")
	const refused = "403 the header Authorization: Bearer TOKEN is missing or wrong"
	for _, token := range []string{"", "x", "ope", "open2"} {
		if got := w.control(t, "GET", "calls", token); got != refused {
			t.Errorf("token %q: got %s, want %s", token, got, refused)
		}
	}
	if got, want := w.control(t, "GET", "calls", "open"), "200 {}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	w.EnableControl("")
	if got := w.control(t, "GET", "calls", "open"); got != off {
		t.Errorf("got %s, want %s", got, off)
	}
}

func TestControl(t *testing.T) {
	w := newWorld(t)
	w.EnableControl("open")
	control := func(method, target, want string) {
		t.Helper()
		if got := w.control(t, method, target, "open"); got != want {
			t.Errorf("%s %s: got %s, want %s", method, target, got, want)
		}
	}
	call := func(body, want string) {
		t.Helper()
		answer, text := w.do(t, w.signed(body))
		if got := rawOutcome(t, answer, text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	code := func(later time.Duration) string { return w.mfa.Code(w.clock.Now().Add(later)) }
	withCode := func(code string) string {
		return "Action=GetSessionToken&Version=2011-06-15&SerialNumber=" + w.mfa.Serial() + "&TokenCode=" + code
	}
	mfa := "mfa?serial=" + w.mfa.Serial()
	control("GET", mfa, "200 "+code(0))
	call(withCode(code(0)), "ok")
	control("GET", mfa, "200 "+code(30*time.Second))
	call(withCode(code(30*time.Second)), "ok")
	control("GET", mfa, "409 this code and the next are spent")
	control("GET", "mfa?serial=x", `404 no MFA device "x"`)
	control("GET", "calls", `200 {"GetSessionToken":2}`)

	control("POST", "life?seconds=20", "204")
	session := w.session(t, false)
	if got, want := session.Expires.Sub(w.clock.Now()), 20*time.Second; got != want {
		t.Errorf("lasts %s, want %s", got, want)
	}
	control("POST", "expire?key="+session.AccessKeyID, "204")
	if got := w.who(t, session); got != expiredToken {
		t.Errorf("got %s", got)
	}
	control("POST", "revoke?key="+session.AccessKeyID, "204")
	control("POST", "revoke?key="+session.AccessKeyID, `404 no such key "`+session.AccessKeyID+`"`)
	if got := w.who(t, session); got != invalidToken {
		t.Errorf("got %s", got)
	}
	control("POST", "skew?seconds=-60", "204")
	if got, want := w.Now(), w.clock.Now().Add(-time.Minute); !got.Equal(want) {
		t.Errorf("got now %s, want %s", got, want)
	}
	control("POST", "fail?action=GetCallerIdentity&code=Throttling&status=429&message=slow", "204")
	call(whoAmI, "429 Throttling: slow")
	call(whoAmI, "ok")

	var requests []ststest.Request
	text := w.control(t, "GET", "requests", "open")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "200 ")), &requests); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(requests) != 7 || requests[0].Params.Get("TokenCode") != "[secret]" || strings.Contains(text, session.SessionToken) {
		t.Errorf("got requests %s", text)
	}
	control("POST", "reset", "204")
	control("GET", "calls", "200 {}")

	w.AddIdentityCenter("https://corp.awsapps.com/start")
	for _, do := range []string{"signout", "revoke", "refuse", "agree", "forget"} {
		control("POST", "sso?do="+do, "204")
	}
	control("POST", "sso?do=dance", `400 do "dance" is nothing that can be done`)
	control("POST", "ssolife?seconds=60", "204")

	control("POST", "life", "400 seconds is missing")
	control("POST", "life?seconds=long", `400 seconds "long" is not a number`)
	control("POST", "fail?action=x&times=many", `400 times "many" is not a number`)
	control("POST", "fail?action=x&status=bad", `400 status "bad" is not a number`)
	control("GET", "life?seconds=1", "404 404 page not found")
	control("POST", "calls", "404 404 page not found")
	control("GET", "", "404 404 page not found")
}
