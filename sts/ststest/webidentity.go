package ststest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Issuer is an OpenID Connect provider that accounts of this AWS know.
type Issuer struct {
	server    *Server
	url       string
	audiences []string
	secret    []byte // signs the tokens
}

// A WebIdentity is what a role's trust policy says of one token.
type WebIdentity struct {
	Issuer   string // its URL
	Audience string // "" is any that the provider has
	Subject  string // "" is any
}

// claims are those of a token that AWS looks at (OpenID Connect Core 1.0,
// section 2).
type claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// AddIssuer makes an identity provider known, with the audiences that it is
// registered for.
func (s *Server) AddIssuer(url string, audiences ...string) *Issuer {
	i := &Issuer{server: s, url: url, audiences: audiences, secret: randomBytes(32)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuers[url] = i
	return i
}

// Token returns a token of the issuer that lasts for life.
func (i *Issuer) Token(audience, subject string, life time.Duration) string {
	now := i.server.Now()
	body, err := json.Marshal(claims{i.url, audience, subject, now.Unix(), now.Add(life).Unix()})
	if err != nil {
		panic(fmt.Sprintf("ststest: token: %v", err))
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(body)
	return text + "." + encode(hmacSHA256(i.secret, text))
}

// The rules of AssumeRoleWithWebIdentity's own parameters.
var webIdentityTokenRule = rule{required: true, min: 4, max: 20000}

// assumeRoleWithWebIdentity issues a session of a role to who shows a token.
// A signature is neither needed nor looked at.
func (s *Server) assumeRoleWithWebIdentity(c *call) (any, *apiError) {
	v := checker{params: c.params}
	roleARN := v.text("RoleArn", arnRule)
	sessionName := v.text("RoleSessionName", sessionNameRule)
	token := v.text("WebIdentityToken", webIdentityTokenRule)
	life := v.life(minLife, maxRoleLife, defaultRoleLife)
	limits := sessionLimits{policy: v.text("Policy", policyRule), policyARNs: v.list("PolicyArns", ".arn", arnRule, maxPolicyARNs)}
	if err := v.err(); err != nil {
		return nil, err
	}
	if !roleARNPattern.MatchString(roleARN) {
		return nil, invalid("Request ARN is invalid")
	}
	size, err := limits.check()
	if err == nil {
		err = limits.checkPolicies(partitionOfARN(roleARN))
	}
	if err != nil {
		return nil, err
	}
	who, err := s.checkToken(token, c.arrived)
	if err != nil {
		return nil, err
	}
	role, ok := s.roles[roleARN]
	switch {
	case !ok || !slices.ContainsFunc(role.trust.WebIdentity, who.satisfies):
		return nil, denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	case life > role.trust.MaxSessionDuration:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	issued := s.issue(credential{
		kind:      roleSession,
		account:   role.account,
		partition: role.partition,
		arn:       fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", role.partition, role.account, role.name, sessionName),
		userID:    role.uid + ":" + sessionName,
		role:      role,

		policyARNs: limits.policyARNs,
	}, c.arrived, life, newToken(size, 0))
	type assumedRoleUser struct{ AssumedRoleId, Arn string }
	type result struct {
		AssumedRoleUser             assumedRoleUser
		Credentials                 sessionKeys
		SubjectFromWebIdentityToken string
		Audience                    string
		Provider                    string
	}
	return result{assumedRoleUser{issued.userID, issued.arn}, issued.keys(), who.Subject, who.Audience, who.Issuer}, nil
}

// checkToken returns what a token says, if it is genuine and still valid. The
// server's mu must be held.
func (s *Server) checkToken(token string, now time.Time) (claims, *apiError) {
	fault := func(message string) (claims, *apiError) {
		return claims{}, &apiError{http.StatusBadRequest, "InvalidIdentityToken", message}
	}
	const notJWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fault(notJWT)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var who claims
	if err != nil || json.Unmarshal(body, &who) != nil {
		return fault(notJWT)
	}
	issuer, ok := s.issuers[who.Issuer]
	if !ok {
		return fault("No OpenIDConnect provider found in your account for " + who.Issuer)
	}
	want := base64.RawURLEncoding.EncodeToString(hmacSHA256(issuer.secret, parts[0]+"."+parts[1]))
	switch {
	case want != parts[2]:
		return fault("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	case !slices.Contains(issuer.audiences, who.Audience):
		return fault("Incorrect token audience")
	case now.Unix() >= who.Expires:
		return claims{}, &apiError{http.StatusBadRequest, "ExpiredTokenException",
			fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), who.Expires)}
	}
	return who, nil
}

func (who claims) satisfies(t WebIdentity) bool {
	return t.Issuer == who.Issuer && (t.Audience == "" || t.Audience == who.Audience) && (t.Subject == "" || t.Subject == who.Subject)
}
