package ststest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"time"
)

// A signin is what a sign-in token stands for.
type signin struct {
	who     *credential
	session time.Duration // of the console
	ends    time.Time     // of the token
}

// signinToken answers getSigninToken (IAM User Guide, "Enable custom identity
// broker access to the AWS console").
func (s *Server) signinToken(c *call) (any, *apiError) {
	var session struct{ SessionID, SessionKey, SessionToken string }
	bad := &apiError{http.StatusBadRequest, "BadRequest", "Bad Request"}
	if c.params.Get("SessionType") != "json" || json.Unmarshal([]byte(c.params.Get("Session")), &session) != nil {
		return nil, bad
	}
	who, ok := s.keys[session.SessionID]
	switch {
	case !ok || who.secret != session.SessionKey || who.token != session.SessionToken || !who.active:
		return nil, bad
	case who.kind == longTerm || who.kind == userSession, !c.arrived.Before(who.expires):
		return nil, bad
	}
	life := who.expires.Sub(c.arrived)
	if text := c.params.Get("SessionDuration"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 900 || seconds > 43200 || who.kind == federated || who.chained {
			return nil, bad
		}
		life = time.Duration(seconds) * time.Second
	}
	token := randomSecret()
	s.signins[token] = signin{who, life, c.arrived.Add(15 * time.Minute)}
	return map[string]string{"SigninToken": token}, nil
}

// consoleLogin signs a browser in, once for each token. The page says whom, for
// how long, and where it would be led to.
func (s *Server) consoleLogin(c *call) (any, *apiError) {
	token := c.params.Get("SigninToken")
	in, ok := s.signins[token]
	if !ok || !c.arrived.Before(in.ends) {
		return nil, &apiError{http.StatusBadRequest, "BadRequest", "The sign-in token is not valid"}
	}
	delete(s.signins, token)
	return fmt.Sprintf("<html><body>%s for %s at %s</body></html>\n", in.who.arn, in.session.Round(time.Minute), html.EscapeString(c.params.Get("Destination"))), nil
}

// consoleLogout leads a browser on that is signed out.
func (s *Server) consoleLogout(c *call) (any, *apiError) {
	to := c.params.Get("redirect_uri")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }), nil
}
