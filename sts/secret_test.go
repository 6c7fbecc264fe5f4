package sts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/shellvault/vault/sts/ststest"
)

// secretless checks that no form in which v could be printed has a secret.
func secretless(t *testing.T, what string, v any, secrets ...string) {
	t.Helper()
	var forms []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms = append(forms, fmt.Sprintf(verb, v))
	}
	if text, err := json.Marshal(v); err == nil {
		forms = append(forms, string(text))
	}
	if err, ok := v.(error); ok {
		for ; err != nil; err = errors.Unwrap(err) {
			forms = append(forms, fmt.Sprintf("%v %+v %#v", err, err, err))
		}
	}
	for _, form := range forms {
		for _, secret := range secrets {
			for _, s := range []string{secret, fmt.Sprintf("%x", secret), url.QueryEscape(secret)} {
				if strings.Contains(form, s) {
					t.Errorf("%s prints a secret: %s", what, form)
				}
			}
		}
	}
}

func TestSecrets(t *testing.T) {
	w := newWorld(t)
	plan := w.plan("dev", Options{})
	got := w.must("dev")
	session, ok, err := w.cache().Get(t.Context(), plan.Hash(1), 0)
	if !ok || err != nil {
		t.Fatal(err)
	}
	code := "271828"
	secrets := []string{w.key.SecretAccessKey.Reveal(), got.SecretAccessKey.Reveal(), got.SessionToken.Reveal(),
		session.SecretAccessKey.Reveal(), session.SessionToken.Reveal(), code}
	secretless(t, "the key", w.key, secrets...)
	secretless(t, "credentials", got, secrets...)
	secretless(t, "a pointer to them", &got, secrets...)
	secretless(t, "a list of them", []Credentials{got, session}, secrets...)
	secretless(t, "a plan", plan, secrets...)
	secretless(t, "headers", w.cache().Headers(), secrets...)
	secretless(t, "a runner", w.runner(), secrets...)

	// An answer may repeat what was sent.
	everything := strings.Join(secrets, " and ")
	for _, failure := range []ststest.Failure{
		{Code: "SignatureDoesNotMatch", Status: 403, Message: "The Canonical String should have been 'POST\n/\n" + everything + "'"},
		{Code: "ValidationError", Message: "Value '" + code + "' at 'tokenCode' failed: " + everything},
		{Code: "AccessDenied", Message: "MultiFactorAuthentication failed " + everything},
		{Drop: true},
	} {
		w.aws.Fail("*", failure, -1)
		s := plan.Steps[1]
		for _, with := range []Credentials{w.key, session, got} {
			_, err := w.client.Call(t.Context(), with, s, code)
			var call *CallError
			if !errors.As(err, &call) {
				t.Fatal(err)
			}
			mine := []string{with.SecretAccessKey.Reveal(), code}
			if token := with.SessionToken.Reveal(); token != "" {
				mine = append(mine, token)
			}
			secretless(t, "an error", err, mine...)
			secretless(t, "an error as a value", *call, mine...)
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than a line", err)
			}
		}
		ask, _ := codes(code)
		r := w.runner()
		r.MFA, r.Force = ask, true
		_, err := r.Run(t.Context(), w.plan("base", Options{}))
		if err == nil {
			t.Fatal("no error")
		}
		secretless(t, "an error", err, w.key.SecretAccessKey.Reveal(), code)
		w.aws.Fail("*", ststest.Failure{}, 0)
	}
	for _, line := range w.notes {
		secretless(t, "a note", line, secrets...)
	}
	// A password in a URL.
	_, err = w.client.Call(t.Context(), w.key, sessionAt("http://user:"+code+"@127.0.0.1:1"), "")
	if err == nil || strings.Contains(err.Error(), code) {
		t.Errorf("error %v", err)
	}
}

func TestConceal(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"nothing", "nothing"},
		{"a token, token", "a [secret], [secret]"},
		{"tokentoken", "[secret][secret]"},
		{"'123456'", "'[secret]'"},
		{"123456", "[secret]"},
		{"arn:aws:iam::123456123456:mfa/x 123456", "arn:aws:iam::123456123456:mfa/x [secret]"},
		{"1123456 1234566 x123456x", "1123456 1234566 x[secret]x"},
	} {
		if got := conceal(tt.text, "", "token", "123456"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
	if got := printable("one\n two\r \x1b[31mred\u202e\tend\x00"); got != "one two [31mred end" {
		t.Errorf("printable: %q", got)
	}
}

func TestCallErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  CallError
		want string
	}{
		{CallError{Step: Step{Action: AssumeRole, RoleARN: "arn:r"}, Code: "AccessDenied", Message: "no. ", RequestID: "1"}, `AssumeRole "arn:r": AccessDenied: no (request id 1)`},
		{CallError{Step: Step{Action: GetSessionToken}, Message: "cannot reach h: refused", Err: io.EOF}, `GetSessionToken: cannot reach h: refused`},
		{CallError{Step: Step{Action: GetSessionToken}, Code: "Throttling"}, `GetSessionToken: Throttling`},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
