package ststest

import (
	"fmt"
	"net/http"
	"time"
)

// stsAPI is the Security Token Service. The rules are those of the STS API
// Reference and of the IAM User Guide, "Temporary security credentials".
var stsAPI = queryAPI{
	service:   "sts",
	version:   "2011-06-15",
	namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
	actions: map[string]action{
		"AssumeRole":                (*Server).assumeRole,
		"AssumeRoleWithWebIdentity": (*Server).assumeRoleWithWebIdentity,
		"GetCallerIdentity":         (*Server).getCallerIdentity,
		"GetFederationToken":        (*Server).getFederationToken,
		"GetSessionToken":           (*Server).getSessionToken,
	},
	unsigned: map[string]bool{"AssumeRoleWithWebIdentity": true},
}

// The limits of GetSessionToken and GetFederationToken.
const (
	minLife     = 15 * time.Minute
	maxLife     = 36 * time.Hour
	defaultLife = 12 * time.Hour
)

// sessionKeys are issued credentials as STS answers them.
type sessionKeys struct {
	AccessKeyId     string
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func (c *credential) keys() sessionKeys {
	return sessionKeys{c.id, c.secret, c.token, c.expires.Format(time.RFC3339)}
}

// tokenUse says how long the session token is, in bytes and in percent of
// the longest that STS issues.
type tokenUse struct {
	SessionTokenSize        int
	SessionTokenUtilization int
}

func (c *credential) use() tokenUse {
	return tokenUse{len(c.token), percent(len(c.token), maxToken)}
}

// tokenSize returns MinimumSessionTokenSize, checked.
func (v *checker) tokenSize() int { return v.number("MinimumSessionTokenSize", 0, maxToken, 0) }

// percent returns how much n is of most, rounded up.
func percent(n, most int) int { return (n*100 + most - 1) / most }

// getCallerIdentity answers for whoever signed; it needs no permission.
func (s *Server) getCallerIdentity(c *call) (any, *apiError) {
	type result struct{ Arn, UserId, Account string }
	return result{c.caller.arn, c.caller.userID, c.caller.account}, nil
}

// getSessionToken issues a session of the user who signed, with MFA where a
// code came along.
func (s *Server) getSessionToken(c *call) (any, *apiError) {
	v := checker{params: c.params}
	life := v.life(minLife, maxLife, defaultLife)
	serial := v.text("SerialNumber", serialNumberRule)
	code := v.text("TokenCode", tokenCodeRule)
	least := v.tokenSize()
	if err := v.err(); err != nil {
		return nil, err
	}
	if c.caller.kind != longTerm {
		return nil, denied("Cannot call GetSessionToken with session credentials")
	}
	mfa, err := s.checkMFA(c, serial, code)
	if err != nil {
		return nil, err
	}
	session := *c.caller
	session.kind = userSession
	session.mfa = mfa
	issued := s.issue(session, c.arrived, life, newToken(0, least))
	type result struct {
		Credentials sessionKeys
		tokenUse
	}
	return result{issued.keys(), issued.use()}, nil
}

// getFederationToken issues a session under a name that the user who signed
// makes up.
func (s *Server) getFederationToken(c *call) (any, *apiError) {
	v := checker{params: c.params}
	name := v.text("Name", federatedNameRule)
	life := v.life(minLife, maxLife, defaultLife)
	limits := v.sessionLimits()
	least := v.tokenSize()
	if err := v.err(); err != nil {
		return nil, err
	}
	size, err := limits.check()
	if err != nil {
		return nil, err
	}
	if c.caller.kind != longTerm {
		return nil, denied("Cannot call GetFederationToken with session credentials")
	}
	session := *c.caller
	session.kind = federated
	session.arn = fmt.Sprintf("arn:%s:sts::%s:federated-user/%s", session.partition, session.account, name)
	session.userID = session.account + ":" + name
	type federatedUser struct{ FederatedUserId, Arn string }
	type result struct {
		FederatedUser    federatedUser
		Credentials      sessionKeys
		PackedPolicySize int `xml:",omitempty"`
		tokenUse
	}
	issued := s.issue(session, c.arrived, life, newToken(size, least))
	return result{federatedUser{session.userID, session.arn}, issued.keys(), percent(size, maxPacked), issued.use()}, nil
}

// checkMFA checks an MFA code of the user who signed, and spends it. It
// returns when the code was given: now, or the zero time where the call has
// neither serial nor code. A code given is checked whether or not it is
// needed.
func (s *Server) checkMFA(c *call, serial, code string) (time.Time, *apiError) {
	if serial == "" && code == "" {
		return time.Time{}, nil
	}
	if serial == "" || code == "" {
		return time.Time{}, denied("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. ")
	}
	device, ok := s.devices[serial]
	if !ok || c.caller.kind != longTerm || device.user != c.caller.user {
		return time.Time{}, denied("MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
	}
	if !device.accept(code, c.arrived) {
		return time.Time{}, denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	return c.arrived, nil
}

func denied(format string, args ...any) *apiError {
	return &apiError{http.StatusForbidden, "AccessDenied", fmt.Sprintf(format, args...)}
}
