package ststest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An IdentityCenter is an IAM Identity Center with one person, who visits an
// address and thereby agrees to what it asks.
type IdentityCenter struct {
	server   *Server
	startURL string
	accounts []*ssoAccount

	// What follows is guarded by the server's mu.
	refuses  bool          // the person does not agree
	life     time.Duration // of access tokens
	interval time.Duration // between two polls of the device flow
	grace    int           // polls that are told slow_down whatever their pace
	keeps    bool          // a refresh token is not replaced by its use
}

// ssoClient is a program that is registered with an Identity Center.
type ssoClient struct {
	id, secret string
	expires    time.Time
	scopes     []string
	grants     []string
	redirect   string
	issuer     string // start URL that it is registered for
}

// ssoGrant is what a token is given for: a device code or an authorization
// code.
type ssoGrant struct {
	center    *IdentityCenter
	client    *ssoClient
	user      string // code, of the device flow
	expires   time.Time
	agreed    bool
	refused   bool
	polled    time.Time
	redirect  string // of PKCE, as is challenge
	challenge string
}

// ssoToken is an access token, or a refresh token where it does not expire.
type ssoToken struct {
	center  *IdentityCenter
	client  *ssoClient
	expires time.Time
	refresh string // that goes with an access token
}

// AddIdentityCenter makes an Identity Center with that start URL.
func (s *Server) AddIdentityCenter(startURL string) *IdentityCenter {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := &IdentityCenter{server: s, startURL: startURL, life: 8 * time.Hour, interval: time.Second}
	s.centers[startURL] = i
	return i
}

func (i *IdentityCenter) set(change func()) {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	change()
}

// Refuse says whether the person refuses what is asked from now on.
func (i *IdentityCenter) Refuse(refuses bool) { i.set(func() { i.refuses = refuses }) }

// SetTokenLife sets how long access tokens last that are given from now on.
func (i *IdentityCenter) SetTokenLife(d time.Duration) { i.set(func() { i.life = d }) }

// SlowDown has the next n polls of the device flow told to slow down.
func (i *IdentityCenter) SlowDown(n int) { i.set(func() { i.grace = n }) }

// SignOut makes all tokens of the person invalid, as an administrator can.
func (i *IdentityCenter) SignOut() {
	i.set(func() {
		for _, tokens := range []map[string]*ssoToken{i.server.accessTokens, i.server.refreshTokens} {
			for text, t := range tokens {
				if t.center == i {
					delete(tokens, text)
				}
			}
		}
	})
}

// RevokeAccess makes the access tokens invalid, and leaves the refresh tokens.
func (i *IdentityCenter) RevokeAccess() {
	i.set(func() {
		for text, t := range i.server.accessTokens {
			if t.center == i {
				delete(i.server.accessTokens, text)
			}
		}
	})
}

// ForgetClients makes AWS forget the programs that are registered.
func (s *Server) ForgetClients() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.clients)
}

// centerOf returns the Identity Center with a start URL, with or without the
// slash behind it. The server's mu must be held.
func (s *Server) centerOf(startURL string) (*IdentityCenter, bool) {
	center, ok := s.centers[strings.TrimSuffix(startURL, "/")]
	return center, ok
}

func oauth(code, message string) *apiError {
	return &apiError{http.StatusBadRequest, code, message}
}

// registerClient is RegisterClient (IAM Identity Center OIDC API Reference).
func (s *Server) registerClient(c *call) (any, *apiError) {
	var in struct {
		ClientName, ClientType, IssuerURL string
		Scopes, GrantTypes, RedirectUris  []string
	}
	if json.Unmarshal(c.body, &in) != nil || in.ClientName == "" || in.ClientType != "public" {
		return nil, oauth("invalid_client_metadata", "clientName or clientType is wrong")
	}
	client := &ssoClient{id: randomID(22), secret: "eyJ" + randomSecret(), expires: c.arrived.Add(90 * 24 * time.Hour), scopes: in.Scopes, grants: in.GrantTypes}
	if slices.Contains(in.GrantTypes, "authorization_code") {
		_, known := s.centerOf(in.IssuerURL)
		if len(in.RedirectUris) != 1 || in.RedirectUris[0] != "http://127.0.0.1/oauth/callback" {
			return nil, oauth("invalid_redirect_uri", "only http://127.0.0.1/oauth/callback is allowed")
		}
		if !known {
			return nil, oauth("invalid_request", "issuerUrl is not known")
		}
		client.redirect, client.issuer = in.RedirectUris[0], in.IssuerURL
	}
	s.clients[client.id] = client
	return map[string]any{"clientId": client.id, "clientSecret": client.secret, "clientIdIssuedAt": c.arrived.Unix(), "clientSecretExpiresAt": client.expires.Unix()}, nil
}

// client returns the program that a call is of.
func (s *Server) client(c *call, id, secret string) (*ssoClient, *apiError) {
	client, ok := s.clients[id]
	if !ok || client.secret != secret || !c.arrived.Before(client.expires) {
		return nil, &apiError{http.StatusUnauthorized, "invalid_client", "Invalid client"}
	}
	return client, nil
}

// startDevice is StartDeviceAuthorization.
func (s *Server) startDevice(c *call) (any, *apiError) {
	var in struct{ ClientID, ClientSecret, StartURL string }
	_ = json.Unmarshal(c.body, &in) // what is missing is refused below
	client, err := s.client(c, in.ClientID, in.ClientSecret)
	if err != nil {
		return nil, err
	}
	center, ok := s.centerOf(in.StartURL)
	if !ok {
		return nil, oauth("invalid_request", "startUrl is not known")
	}
	user := randomID(4) + "-" + randomID(4)
	device := randomID(40)
	s.grants[device] = &ssoGrant{center: center, client: client, user: user, expires: c.arrived.Add(10 * time.Minute)}
	page := s.url + "/device"
	return map[string]any{"deviceCode": device, "userCode": user, "verificationUri": page, "verificationUriComplete": page + "?user_code=" + user,
		"expiresIn": 600, "interval": int(center.interval / time.Second)}, nil
}

// devicePage is where a person types the code, or comes with it.
func (s *Server) devicePage(c *call) (any, *apiError) {
	for _, g := range s.grants {
		if g.user != "" && g.user == c.request.URL.Query().Get("user_code") {
			g.agreed, g.refused = !g.center.refuses, g.center.refuses
			return "done\n", nil
		}
	}
	return nil, &apiError{http.StatusNotFound, "NotFound", "no such code"}
}

// authorize is where a browser goes to, and comes back from with a code.
func (s *Server) authorize(c *call) (any, *apiError) {
	q := c.request.URL.Query()
	client, ok := s.clients[q.Get("client_id")]
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case !ok || !slices.Contains(client.grants, "authorization_code"):
		return nil, oauth("unauthorized_client", "the client may not do this")
	case err != nil || back.Hostname() != "127.0.0.1" || back.Port() == "" || "http://127.0.0.1"+back.Path != client.redirect:
		return nil, oauth("invalid_redirect_uri", "the redirect URI is not the registered one")
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("state") == "":
		return nil, oauth("invalid_request", "a parameter is missing")
	case strings.Join(client.scopes, " ") != q.Get("scopes"):
		return nil, oauth("invalid_scope", "the scopes are not the registered ones")
	}
	center, _ := s.centerOf(client.issuer)
	answer := url.Values{"state": {q.Get("state")}}
	if center.refuses {
		answer.Set("error", "access_denied")
		answer.Set("error_description", "the person refused")
	} else {
		code := randomID(32)
		s.grants[code] = &ssoGrant{center: center, client: client, expires: c.arrived.Add(10 * time.Minute), agreed: true,
			redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge")}
		answer.Set("code", code)
	}
	to := q.Get("redirect_uri") + "?" + answer.Encode()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }), nil
}

// createToken is CreateToken.
func (s *Server) createToken(c *call) (any, *apiError) {
	var in struct {
		ClientID, ClientSecret, GrantType                         string
		DeviceCode, Code, CodeVerifier, RedirectURI, RefreshToken string
	}
	_ = json.Unmarshal(c.body, &in) // what is missing is refused below
	client, err := s.client(c, in.ClientID, in.ClientSecret)
	if err != nil {
		return nil, err
	}
	bad := oauth("invalid_grant", "Invalid grant provided")
	switch in.GrantType {
	case "urn:ietf:params:oauth:grant-type:device_code":
		g, ok := s.grants[in.DeviceCode]
		if !ok || g.client != client || g.user == "" {
			return nil, bad
		}
		return s.deviceToken(c, in.DeviceCode, g)
	case "authorization_code":
		g, ok := s.grants[in.Code]
		sum := sha256.Sum256([]byte(in.CodeVerifier))
		delete(s.grants, in.Code) // good once, right or wrong
		if !ok || g.client != client || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) || g.redirect != in.RedirectURI || !c.arrived.Before(g.expires) {
			return nil, bad
		}
		return s.newTokens(c, g.center, client, ""), nil
	case "refresh_token":
		t, ok := s.refreshTokens[in.RefreshToken]
		if !ok || t.client != client {
			return nil, bad
		}
		keep := in.RefreshToken
		if !t.center.keeps {
			delete(s.refreshTokens, in.RefreshToken)
			keep = ""
		}
		return s.newTokens(c, t.center, client, keep), nil
	}
	return nil, oauth("unsupported_grant_type", "no such grant")
}

func (s *Server) deviceToken(c *call, code string, g *ssoGrant) (any, *apiError) {
	last := g.polled
	g.polled = c.arrived
	switch {
	case !c.arrived.Before(g.expires):
		delete(s.grants, code)
		return nil, oauth("expired_token", "Device code expired")
	case g.refused:
		return nil, oauth("access_denied", "The person refused")
	case g.center.grace > 0:
		g.center.grace--
		return nil, oauth("slow_down", "Slow down")
	case !last.IsZero() && c.arrived.Sub(last) < g.center.interval-100*time.Millisecond:
		return nil, oauth("slow_down", "Slow down")
	case !g.agreed:
		return nil, oauth("authorization_pending", "Authorization pending")
	}
	delete(s.grants, code)
	return s.newTokens(c, g.center, g.client, ""), nil
}

// newTokens gives an access token, and a refresh token where the scopes allow.
func (s *Server) newTokens(c *call, center *IdentityCenter, client *ssoClient, keep string) any {
	access := "aoa" + randomSecret() + randomSecret()
	answer := map[string]any{"accessToken": access, "tokenType": "Bearer", "expiresIn": int(center.life / time.Second)}
	t := &ssoToken{center: center, client: client, expires: c.arrived.Add(center.life)}
	if slices.Contains(client.scopes, "sso:account:access") {
		t.refresh = keep
		if keep == "" {
			t.refresh = "aor" + randomSecret() + randomSecret()
			answer["refreshToken"] = t.refresh
		}
		s.refreshTokens[t.refresh] = &ssoToken{center: center, client: client}
	}
	s.accessTokens[access] = t
	return answer
}

// String says which Identity Center it is.
func (i *IdentityCenter) String() string { return fmt.Sprintf("Identity Center %q", i.startURL) }

// Tokens returns what must not be told of all that was given out so far and is
// still good: access and refresh tokens, and the secrets of programs.
func (s *Server) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for text := range s.accessTokens {
		list = append(list, text)
	}
	for text := range s.refreshTokens {
		list = append(list, text)
	}
	for _, client := range s.clients {
		list = append(list, client.secret)
	}
	return list
}
