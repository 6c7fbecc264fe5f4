package sso

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// patience is how long a person has to sign in.
const patience = 10 * time.Minute

// A Prompt shows a person where to sign in.
type Prompt struct {
	Flow Flow
	// Show shows the address; code is what the page there has to show too, ""
	// for none. It does not wait.
	Show func(address, code string)
	// Wait waits between two looks at whether the person is done.
	Wait func(ctx context.Context, d time.Duration) error
}

// SignIn has a person sign in. old is the registration from the last time, if
// there is one.
func (c *Client) SignIn(ctx context.Context, s Session, old Registration, p Prompt) (Token, error) {
	known := old.alive(c.Now().Add(patience)) && old.Flow == p.Flow && slices.Equal(old.Scopes, s.Scopes)
	for {
		client := old
		if !known {
			var err error
			if client, err = c.register(ctx, s, p.Flow); err != nil {
				return Token{}, err
			}
		}
		sign := c.device
		if p.Flow == PKCE {
			sign = c.pkce
		}
		got, err := sign(ctx, s, client, p)
		switch why := code(err); {
		case known && (why == "invalid_client" || why == "unauthorized_client"):
			known = false
			continue
		case why == "access_denied":
			err = &SignInError{s, "the sign-in was refused in the browser", err}
		case why == "expired_token":
			err = &SignInError{s, "nobody signed in in time", err}
		}
		return got, err
	}
}

// device signs in by a code that is shown here and typed elsewhere (RFC 8628).
func (c *Client) device(ctx context.Context, s Session, r Registration, p Prompt) (Token, error) {
	var answer struct {
		DeviceCode, UserCode, VerificationURI, VerificationURIComplete string
		ExpiresIn, Interval                                            int64
	}
	err := c.JSON(ctx, sts.Request{
		Step: sts.Step{Action: "StartDeviceAuthorization"}, Method: http.MethodPost, URL: c.oidc(s) + "/device_authorization",
		Body:    map[string]string{"clientId": r.ID, "clientSecret": r.Secret.Reveal(), "startUrl": s.StartURL},
		Secrets: []keystore.Secret{r.Secret},
	}, &answer)
	if err != nil {
		return Token{}, err
	}
	address := answer.VerificationURIComplete
	if address == "" {
		address = answer.VerificationURI
	}
	if answer.DeviceCode == "" || !isWebAddress(address) {
		return Token{}, errors.New("StartDeviceAuthorization: AWS answered without an address")
	}
	interval := 5 * time.Second // RFC 8628, section 3.2
	if answer.Interval > 0 {
		interval = time.Duration(answer.Interval) * time.Second
	}
	end := c.Now().Add(patience)
	if life := time.Duration(answer.ExpiresIn) * time.Second; life > 0 && life < patience {
		end = c.Now().Add(life)
	}
	p.Show(address, answer.UserCode)
	ask := grant{kind: deviceGrant, fields: map[string]keystore.Secret{"deviceCode": keystore.NewSecret(answer.DeviceCode)}, once: true}
	for {
		if err := p.Wait(ctx, interval); err != nil {
			return Token{}, err
		}
		got, err := c.token(ctx, s, r, ask)
		var call *sts.CallError
		switch why := code(err); {
		case why == "authorization_pending":
		case why == "slow_down":
			interval += 5 * time.Second // RFC 8628, section 3.5
		case errors.As(err, &call) && why == "" && ctx.Err() == nil:
			// Not reached this once: the person may be at it still.
		default:
			return got, err
		}
		if !c.Now().Before(end) {
			return Token{}, &SignInError{s, "nobody signed in in time", err}
		}
	}
}

// pkce signs in by a browser on this machine, which brings the code back (RFC
// 7636, RFC 8252).
func (c *Client) pkce(ctx context.Context, s Session, r Registration, p Prompt) (Token, error) {
	back, err := listen()
	if err != nil {
		return Token{}, err
	}
	defer back.close()
	verifier := randomText(32)
	challenge := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {r.ID}, "redirect_uri": {back.uri}, "state": {back.state},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
		"scopes": {strings.Join(s.Scopes, " ")},
	}
	p.Show(c.oidc(s)+"/authorize?"+strings.ReplaceAll(query.Encode(), "+", "%20"), "")
	ctx, cancel := context.WithTimeoutCause(ctx, patience, &SignInError{s, "nobody signed in within " + patience.String(), nil})
	defer cancel()
	brought, err := back.wait(ctx)
	if err != nil {
		return Token{}, err
	}
	if brought.fault != "" {
		return Token{}, &SignInError{s, "the sign-in was refused in the browser: " + brought.fault, nil}
	}
	return c.token(ctx, s, r, grant{kind: "authorization_code", once: true, fields: map[string]keystore.Secret{
		"code": brought.code, "codeVerifier": keystore.NewSecret(verifier), "redirectUri": keystore.NewSecret(back.uri),
	}})
}

// isWebAddress reports whether text may be handed to a browser.
func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// randomText returns n random bytes as letters that need no escape.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}
