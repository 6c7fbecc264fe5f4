package sso

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts/ststest"
)

// The device flow shows the code, keeps AWS's pace, and slows down when told.
func TestDeviceFlow(t *testing.T) {
	w := newWorld(t)
	w.flow = Device
	w.center.SlowDown(2)
	w.aws.Fail("CreateToken", ststest.Failure{Code: "authorization_pending"}, 1)
	w.aws.Fail("CreateToken", ststest.Failure{Drop: true}, 1)
	w.works(w.must(w.tokens()))
	if want := []time.Duration{time.Second, time.Second, time.Second, 6 * time.Second, 11 * time.Second}; !slices.Equal(w.waits, want) {
		t.Errorf("waited %v, want %v", w.waits, want)
	}
	if len(w.codes) != 1 || len(w.codes[0]) != 9 || !strings.HasSuffix(w.shown[0], "user_code="+w.codes[0]) {
		t.Errorf("shown %q, codes %q", w.shown, w.codes)
	}
}

func TestDeviceFlowEnds(t *testing.T) {
	w := newWorld(t)
	w.flow = Device
	w.center.Refuse(true)
	if _, err := w.tokens().Get(t.Context(), w.session, keystore.Secret{}); !isSignIn(err, "the sign-in was refused in the browser") {
		t.Errorf("refused: %v", err)
	}
	w.absent = true
	if _, err := w.tokens().Get(t.Context(), w.session, keystore.Secret{}); !isSignIn(err, "nobody signed in in time") {
		t.Errorf("nobody there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	tokens := w.tokens()
	tokens.Prompt = func(context.Context, Session) (Prompt, func(), error) {
		p := w.prompt()
		p.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
		return p, func() {}, nil
	}
	if _, err := tokens.Get(ctx, w.session, keystore.Secret{}); err != context.Canceled {
		t.Errorf("interrupted: %v", err)
	}
}

// Scopes are sent as configured.
func TestScopes(t *testing.T) {
	w := newWorld(t)
	w.session = SessionOf(&config.SSO{Session: "corp", StartURL: startURL, Region: "eu-west-1", Scopes: "sso:account:access, codewhisperer:completions,"})
	w.must(w.tokens())
	for _, r := range w.aws.Requests() {
		if r.Action == "RegisterClient" {
			if got := r.Params["scopes"]; !slices.Equal(got, []string{"sso:account:access", "codewhisperer:completions"}) {
				t.Errorf("scopes %q", got)
			}
		}
		for name, values := range r.Params {
			if strings.Contains(strings.ToLower(name), "secret") && values[0] != "[secret]" {
				t.Errorf("%s: %s is %q", r.Action, name, values)
			}
		}
	}
}

// Only the request that knows the state ends the wait, and only from here.
func TestCallback(t *testing.T) {
	w := newWorld(t)
	w.absent = true
	result := make(chan error, 1)
	shown := make(chan string, 1)
	tokens := w.tokens()
	tokens.Prompt = func(context.Context, Session) (Prompt, func(), error) {
		return Prompt{Flow: PKCE, Show: func(address, _ string) { shown <- address }}, func() {}, nil
	}
	go func() {
		_, err := tokens.Get(t.Context(), w.session, keystore.Secret{})
		result <- err
	}()
	address := <-shown
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	back, state := q.Get("redirect_uri"), q.Get("state")
	if !strings.HasPrefix(back, "http://127.0.0.1:") || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(state) < 22 {
		t.Errorf("address %s", address)
	}
	for name, visit := range map[string]struct {
		url, host, method string
		status            int
	}{
		"no state":        {back + "?code=x", "", "GET", 400},
		"another's state": {back + "?code=x&state=" + strings.Repeat("x", len(state)), "", "GET", 400},
		"another path":    {strings.Replace(back, "/oauth", "/other", 1) + "?code=x&state=" + state, "", "GET", 404},
		"another host":    {back + "?code=x&state=" + state, "example.com", "GET", 404},
		"another method":  {back + "?code=x&state=" + state, "", "POST", 405},
	} {
		r, err := http.NewRequest(visit.method, visit.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = visit.host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != visit.status {
			t.Errorf("%s: HTTP %d, want %d", name, answer.StatusCode, visit.status)
		}
	}
	status, page := w.visit(address)
	if err := <-result; err != nil {
		t.Errorf("error %v", err)
	}
	if status != 200 || !strings.Contains(page, "Signed in") || strings.Contains(page, state) {
		t.Errorf("HTTP %d %s", status, page)
	}
	if status, _ := w.visit(back); status != 0 {
		t.Error("the port is open still")
	}
}

func TestCallbackRefused(t *testing.T) {
	w := newWorld(t)
	w.center.Refuse(true)
	_, err := w.tokens().Get(t.Context(), w.session, keystore.Secret{})
	if !isSignIn(err, "the sign-in was refused in the browser: access_denied the person refused") {
		t.Errorf("error %v", err)
	}
}

// A code that another client, verifier or redirect is shown with is no good.
func TestCodeIsBound(t *testing.T) {
	w := newWorld(t)
	w.aws.Fail("CreateToken", ststest.Failure{Code: "invalid_grant"}, 1)
	_, err := w.tokens().Get(t.Context(), w.session, keystore.Secret{})
	if code(err) != "invalid_grant" {
		t.Errorf("error %v", err)
	}
	w.asked(1) // no second try without a person
}

func TestEndpoints(t *testing.T) {
	for _, tt := range []struct {
		region     string
		fips, dual bool
		oidc       string
		portal     string
	}{
		{"eu-west-1", false, false, "https://oidc.eu-west-1.amazonaws.com", "https://portal.sso.eu-west-1.amazonaws.com"},
		{"cn-north-1", false, false, "https://oidc.cn-north-1.amazonaws.com.cn", "https://portal.sso.cn-north-1.amazonaws.com.cn"},
		{"us-gov-west-1", true, false, "https://oidc.us-gov-west-1.amazonaws.com", "https://portal.sso.us-gov-west-1.amazonaws.com"},
		{"eusc-de-east-1", false, false, "https://oidc.eusc-de-east-1.amazonaws.eu", "https://portal.sso.eusc-de-east-1.amazonaws.eu"},
		{"us-east-1", true, false, "https://oidc-fips.us-east-1.amazonaws.com", "https://portal.sso-fips.us-east-1.amazonaws.com"},
		{"us-east-1", false, true, "https://oidc.us-east-1.api.aws", "https://portal.sso.us-east-1.api.aws"},
		{"us-east-1", true, true, "https://oidc-fips.us-east-1.api.aws", "https://portal.sso-fips.us-east-1.api.aws"},
	} {
		c := &Client{FIPS: tt.fips, Dual: tt.dual}
		if oidc, portal := c.oidc(Session{Region: tt.region}), c.portal(tt.region); oidc != tt.oidc || portal != tt.portal {
			t.Errorf("%s %v %v: %s %s", tt.region, tt.fips, tt.dual, oidc, portal)
		}
	}
}

// What the portal says, and how often it is asked.
func TestPortal(t *testing.T) {
	w := newWorld(t)
	token := keystore.NewSecret(w.must(w.tokens()))
	w.aws.Fail("GetRoleCredentials", ststest.Failure{Code: "TooManyRequestsException", Status: 429, Message: "slow"}, 2)
	if _, err := w.client.RoleCredentials(t.Context(), w.step("Developer"), token); err != nil {
		t.Errorf("429 twice: %v", err)
	}
	w.aws.Fail("GetRoleCredentials", ststest.Failure{Code: "TooManyRequestsException", Status: 429, Message: "slow"}, 3)
	if _, err := w.client.RoleCredentials(t.Context(), w.step("Developer"), token); code(err) != "TooManyRequestsException" {
		t.Errorf("429 for good: %v", err)
	}
	_, err := w.client.RoleCredentials(t.Context(), w.step("Admin"), token)
	if want := `SSORoleCredentials "Admin" in account 222222222222: ForbiddenException: No access`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v", err)
	}
	w.aws.Fail("GetRoleCredentials", ststest.Failure{Code: "UnauthorizedException", Status: 401, Message: "token " + token.Reveal() + " is not known"}, 1)
	if _, err := w.client.RoleCredentials(t.Context(), w.step("Developer"), token); err == nil || strings.Contains(err.Error(), token.Reveal()) || !strings.Contains(err.Error(), "[secret]") {
		t.Errorf("the token in an error: %v", err)
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	want := []string{"222222222222"}
	for _, id := range []string{"300000000001", "300000000002", "300000000003", "300000000004", "300000000005", "300000000006"} {
		w.center.Assign(id, "n"+id, "Viewer")
		want = append(want, id)
	}
	for _, role := range []string{"A", "B", "C", "D"} {
		w.center.Assign("222222222222", "", role)
	}
	token := keystore.NewSecret(w.must(w.tokens()))
	accounts, err := w.client.Accounts(t.Context(), w.session, token)
	var got []string
	for _, a := range accounts {
		got = append(got, a.ID)
	}
	if err != nil || !slices.Equal(got, want) || accounts[1].Name != "n300000000001" {
		t.Errorf("%v %v", accounts, err)
	}
	roles, err := w.client.Roles(t.Context(), w.session, "222222222222", token)
	if err != nil || !slices.Equal(roles, []string{"Developer", "A", "B", "C", "D"}) {
		t.Errorf("%q %v", roles, err)
	}
}

func TestNormal(t *testing.T) {
	for url, want := range map[string]string{
		"https://d-1.awsapps.com/start":                 "https://d-1.awsapps.com/start",
		"https://D-1.AwsApps.com/start/":                "https://d-1.awsapps.com/start",
		"https://d-1.awsapps.com/start#/":               "https://d-1.awsapps.com/start",
		"https://d-1.awsapps.com/start/#/":              "https://d-1.awsapps.com/start",
		"https://d-1.awsapps.com/Start":                 "https://d-1.awsapps.com/Start",
		"HTTPS://identitycenter.amazonaws.com/ssoins-1": "https://identitycenter.amazonaws.com/ssoins-1",
		"https://d-1.awsapps.com":                       "https://d-1.awsapps.com",
	} {
		if got := Normal(url); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
}
